"""`manage.py verify_invariants`: hold the database against what must always be true."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casesite.delivery import invariants
from casesite.teams.models import AwsAccount


class Command(BaseCommand):
    help = "Checks the invariants of delivery as far as the database shows them and prints what is broken. Changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--aws",
            action="store_true",
            help="search each account for cases of ours that no row here knows of, too",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        broken = invariants.broken()
        for line in broken:
            self.stdout.write(line)
        found = sum(self._orphans_of(account) for account in _accounts()) if options["aws"] else 0
        if broken or found:
            raise CommandError(f"{len(broken)} breaches" + (f", {found} findings at AWS" if found else ""))
        names = ", ".join(number for number, _check in invariants.CHECKS)
        self.stdout.write(f"all hold: {names}")

    def _orphans_of(self, account: AwsAccount) -> int:
        """Print the account's orphans, or why it could not be searched; how many lines that made."""
        from casesite.aws.errors import AwsError  # only what talks to AWS loads its library
        from casesite.delivery import connect_searches, searches
        from casesite.pacing.gate import GateClosed

        lines, orphans = 0, list[searches.Orphan]()
        for search in (searches.orphans, connect_searches.orphans):
            try:
                orphans += search(account)
            except (AwsError, GateClosed) as exc:
                self.stdout.write(f"AWS {account.account_id} could not be searched: {getattr(exc, 'text', '') or exc}")
                lines += 1
        for orphan in orphans:
            here = "its case is here" if orphan.has_case else "no case here has its reference"
            self.stdout.write(
                f"AWS {account.account_id} has case {orphan.display_id} ({orphan.case_id}, {orphan.status}) "
                f"with the marker {orphan.marker}, which belongs to no row: {here}. Subject: {orphan.subject}"
            )
        return lines + len(orphans)


def _accounts() -> list[AwsAccount]:
    return list(AwsAccount.objects.filter(active=True).order_by("account_id"))
