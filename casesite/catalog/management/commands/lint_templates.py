"""`lint_templates [ACCOUNT...]`: faults of the Connect templates that were fetched, before agents run into them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from casesite.catalog.lint import Finding, Severity, as_stored, lint
from casesite.catalog.models import CaseTemplate, ConnectTemplate
from casesite.catalog.several import chosen


class Command(BaseCommand):
    help = (
        "Check the newest version of each Connect template in accounts (all active ones by default) for fields and rules "
        "that cannot work. Asks AWS nothing; ends with code 1 where a template has an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("accounts", nargs="*", metavar="ACCOUNT", help="12 digits")

    def handle(self, *args: Any, **options: Any) -> None:
        faulty = 0
        for version in self._newest(options["accounts"]):
            found = lint(version.snapshot)
            version.findings = as_stored(found)
            version.save(update_fields=["findings"])
            self._tell(version.template, found)
            faulty += any(finding.severity == Severity.ERROR for finding in found)
        if faulty:
            raise CommandError(f"{faulty} with errors.", returncode=1)

    def _newest(self, accounts: list[str]) -> QuerySet[CaseTemplate]:
        templates = ConnectTemplate.objects.filter(
            ConnectTemplate.objects.open_now(), domain__account__in=chosen(accounts)
        )
        rows = CaseTemplate.objects.filter(pk__in=templates.values("newest"))
        return rows.select_related("template__domain__account").order_by("template__domain__account", "template__name")

    def _tell(self, template: ConnectTemplate, found: list[Finding]) -> None:
        self.stdout.write(f"{template.domain.account}, {template.domain}: {template.name}: {_count(found)}")
        for finding in found:
            self.stdout.write(f"  {finding.severity}: {finding.text} {finding.advice}")


def _count(found: list[Finding]) -> str:
    counts = [(severity, sum(one.severity == severity for one in found)) for severity in Severity]
    return (
        ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts if count) or "nothing found"
    )
