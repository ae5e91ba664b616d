"""`manage.py verify_invariants`: hold the database against what must always be true."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casesite.delivery import invariants


class Command(BaseCommand):
    help = "Checks the invariants of delivery as far as the database shows them and prints what is broken. Changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = invariants.broken()
        for line in broken:
            self.stdout.write(line)
        if broken:
            raise CommandError(f"{len(broken)} breaches")
        names = ", ".join(number for number, _check in invariants.CHECKS)
        self.stdout.write(f"all hold: {names}")
