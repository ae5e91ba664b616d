"""`sync_catalog [ACCOUNT...]`: fetch what AWS Support offers, and the templates of Amazon Connect Cases."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casesite.aws.errors import AwsError
from casesite.catalog import questions, sync, templates_sync
from casesite.catalog.models import ConnectTemplate, SupportCatalog
from casesite.catalog.several import chosen, report_each
from casesite.lookups import answer
from casesite.lookups.words import explain
from casesite.pacing.gate import GateClosed
from casesite.teams.models import AwsAccount


def line_of(account: AwsAccount) -> tuple[bool, str]:
    """Both halves, whichever of them fails."""
    halves = [_half(_support, account)] + ([_half(_templates, account)] if account.regions else [])
    return all(went_well for went_well, _line in halves), "; ".join(line for _went_well, line in halves)


def _half(work: Any, account: AwsAccount) -> tuple[bool, str]:
    try:
        return True, work(account)
    except (AwsError, GateClosed) as exc:
        return False, str(explain(exc))


def _support(account: AwsAccount) -> str:
    answer.settle(questions.CATALOG, account, {}, sync.answer_catalog(account, {}))
    row = SupportCatalog.objects.filter(account=account).newest()
    assert row is not None
    news = "new" if row.fetched_at == row.seen_at else f"unchanged since {row.fetched_at:%Y-%m-%d %H:%M} UTC"
    snapshot = row.snapshot
    return f"{len(snapshot.services)} services, {len(snapshot.severities)} severities, {news}"


def _templates(account: AwsAccount) -> str:
    answer.note(questions.TEMPLATES, account, {}, templates_sync.answer_templates(account, {}))
    active = ConnectTemplate.objects.filter(ConnectTemplate.objects.open_now(), domain__account=account).count()
    domains = account.cases_domains.filter(gone_at=None).count()
    return f"{active} active template{'s' * (active != 1)} in {domains} Cases domain{'s' * (domains != 1)}"


class Command(BaseCommand):
    help = "Fetch the Support catalogue and the Connect templates of accounts (all active ones by default). Needs no worker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("accounts", nargs="*", metavar="ACCOUNT", help="12 digits")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for account, went_well, line in report_each(chosen(options["accounts"]), line_of):
            self.stdout.write(f"{account}: {line}")
            failed += not went_well
        if failed:
            raise CommandError(f"{failed} could not be fetched whole; forms keep what was known.", returncode=1)
