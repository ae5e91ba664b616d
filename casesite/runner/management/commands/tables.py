"""`tables`: what `up` begins with. One process for two questions: each start of Django costs more than both of them."""

import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from casesite.runner.parts import UNUSED
from casesite.teams.models import Team


class Command(BaseCommand):
    help = f"Bring the tables up to date. Exit code {UNUSED} where the site has no team yet, 0 where it has one."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        if not Team.objects.exists():
            sys.exit(UNUSED)
