"""`manage.py doctor`: say in words what is wrong with the site, and what to do."""

import textwrap
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casesite.runner.doctor import Finding, Level, examine
from casesite.web.logs import masked

WIDTH = 110
MARGIN = 24


class Command(BaseCommand):
    help = "Looks at everything that delivery needs and says what is wrong and what to do. Changes nothing. Exit code 1 where something is."
    requires_system_checks = []  # it makes them itself, and goes on

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for finding in examine():
            self.stdout.write(_told(finding))
            wrong += finding.level == Level.WRONG
        if wrong:
            raise CommandError(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong")
        self.stdout.write("nothing is wrong")


def _told(finding: Finding) -> str:
    """The finding and, below it, what to do."""
    head = f"{finding.level:<6} {finding.check:<16} "
    lines = _wrapped(masked(finding.text), head)
    return f"{lines}\n{_wrapped(finding.todo, ' ' * (MARGIN - 3) + '-> ')}" if finding.todo else lines


def _wrapped(text: str, head: str) -> str:
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * MARGIN,
        break_long_words=False,
        break_on_hyphens=False,
    )
