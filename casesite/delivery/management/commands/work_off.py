"""`work_off [ACCOUNT...]`: do what is due at AWS now, in this process."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from casesite.catalog.several import chosen
from casesite.delivery import work


class Command(BaseCommand):
    help = "Send, look up and read what is due for accounts (all active ones by default). Needs no worker; safe beside one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("accounts", nargs="*", metavar="ACCOUNT", help="12 digits")
        parser.add_argument("--most", type=int, metavar="N", help="end after so many pieces of work for each account")

    def handle(self, *args: Any, **options: Any) -> None:
        for account in chosen(options["accounts"]):
            visit, steps = work.Visit(account.pk), 0
            while steps != options["most"]:
                if visit.step():
                    steps += 1
                elif (pause := visit.seconds_to_next()) is not None:
                    time.sleep(pause)
                else:
                    break
            if options["verbosity"]:
                self.stdout.write(f"{account}: {steps or 'nothing'} done")
