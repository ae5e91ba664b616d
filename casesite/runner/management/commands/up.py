"""Listed here so that `manage.py help` knows it; manage.py calls `casesite.runner.up` without setting Django up."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from casesite.runner.up import main


class Command(BaseCommand):
    help = "Start the whole site: broker, simulator, worker, dispatcher and web. PORT and CASESITE_VAR say where."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(main())
