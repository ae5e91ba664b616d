"""`manage.py dispatcher`: run the sweeper until SIGTERM."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from casesite.delivery import process
from casesite.delivery.dispatcher import Dispatcher, resign


class Command(BaseCommand):
    help = "Finds due work and rings the workers; drains the queue itself where no worker comes. Any number may run, one acts."

    def handle(self, *args: Any, **options: Any) -> None:
        dispatcher = Dispatcher()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_signal: dispatcher.stop.set())
        process.start_beating("dispatcher")
        self.stdout.write("dispatcher runs")
        dispatcher.run()
        resign()
        process.stopped()
        self.stdout.write("dispatcher stopped")
