"""`manage.py dispatcher`: run the sweeper until SIGTERM."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from casesite.delivery import process
from casesite.delivery.dispatcher import Dispatcher, begin, resign
from casesite.delivery.persistence import persist_start
from casesite.garbage import look_seldom


class Command(BaseCommand):
    help = "Finds due work and rings the workers; drains the queue itself where no worker comes. Any number may run, one acts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--after-restore",
            action="store_true",
            help="the database was restored or failed over: search AWS for what it may have forgotten before anything is sent",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        dispatcher = Dispatcher()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_signal: dispatcher.stop.set())
        if persist_start(lambda: begin(after_restore=options["after_restore"]), dispatcher.stop):
            self.stdout.write(
                "AWS is searched for cases that the database may have forgotten; until then none of it is sent"
            )
        process.keep_beating()
        look_seldom()
        self.stdout.write("dispatcher runs")
        dispatcher.run()
        resign()
        process.stopped()
        self.stdout.write("dispatcher stopped")
