"""`sync_catalog [ACCOUNT...]`: fetch what AWS Support offers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casesite.catalog import questions, sync
from casesite.catalog.models import SupportCatalog
from casesite.catalog.several import chosen, report_each
from casesite.lookups import answer
from casesite.teams.models import AwsAccount


def line_of(account: AwsAccount) -> tuple[bool, str]:
    answer.settle(questions.CATALOG, account, {}, sync.answer_catalog(account, {}))
    row = SupportCatalog.objects.filter(account=account).newest()
    assert row is not None
    news = "new" if row.fetched_at == row.seen_at else f"unchanged since {row.fetched_at:%Y-%m-%d %H:%M} UTC"
    snapshot = row.snapshot
    return True, f"{len(snapshot.services)} services, {len(snapshot.severities)} severities, {news}"


class Command(BaseCommand):
    help = "Fetch the Support catalogue of accounts (all active ones by default). Needs no worker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("accounts", nargs="*", metavar="ACCOUNT", help="12 digits")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for account, went_well, line in report_each(chosen(options["accounts"]), line_of):
            self.stdout.write(f"{account}: {line}")
            failed += not went_well
        if failed:
            raise CommandError(f"{failed} could not be fetched; forms keep what was known.", returncode=1)
