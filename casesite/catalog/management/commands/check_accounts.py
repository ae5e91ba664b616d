"""`check_accounts [ACCOUNT...]`: can the site send cases from these accounts?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casesite.catalog import account_check, questions
from casesite.catalog.several import chosen, report_each
from casesite.lookups import answer
from casesite.teams.models import AwsAccount, CheckResult


def line_of(account: AwsAccount) -> tuple[bool, str]:
    answer.settle(questions.CHECK, account, {}, account_check.answer(account, {}))
    found = AwsAccount.objects.get(pk=account.pk)
    line = str(CheckResult(found.check_result).label)
    worse = [row for row in found.check_details if row["state"] != CheckResult.GOOD]
    line += "".join(f"\n  {row['name']}: {' '.join(filter(None, (row['text'], row['todo'])))}" for row in worse)
    return found.check_result != CheckResult.BLOCKED, line


class Command(BaseCommand):
    help = (
        "Check the role, plan and permissions of accounts (all active ones by default). Needs no worker; opens nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("accounts", nargs="*", metavar="ACCOUNT", help="12 digits")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for account, went_well, line in report_each(chosen(options["accounts"]), line_of):
            self.stdout.write(f"{account}: {line}")
            failed += not went_well
        if failed:
            raise CommandError(f"{failed} can't send or could not be checked.", returncode=1)
