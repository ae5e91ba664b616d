"""The site that is pictured: its people, and what has to happen before some of its pages can be seen."""

import subprocess
import sys
from functools import cached_property
from typing import Any
from uuid import UUID

from casesite.runner.parts import ROOT
from tests.sites import Site, wait_until

NEWCOMER = ("newcomer", "just-arrived-today")
# What the error page says, rendered as the site would.
BROKEN = """
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from casesite.web.views import server_error
request = RequestFactory().get("/broken/")
request.user = AnonymousUser()
print(server_error(request).content.decode())
"""


class Stage:
    def __init__(self, site: Site) -> None:
        self.site = site
        self._settle()

    def _settle(self) -> None:
        """Wait until the worker has done its part of the demo."""
        moving = "state IN ('preparing', 'sending') OR (state = 'delivered' AND due_at IS NOT NULL)"
        wait_until(
            lambda: not self.site.rows(f"SELECT 1 FROM submissions_submission WHERE {moving}"),
            seconds=90,
            what="the end of the demo's deliveries",
        )

    # --- people ------------------------------------------------------------------------------------------------------
    def password(self, name: str) -> str:
        return self._newcomer if name == NEWCOMER[0] else self._passwords[name]

    @cached_property
    def _passwords(self) -> dict[str, str]:
        return dict(line.split(", ")[:2] for line in self.site.sign_ins)

    @cached_property
    def _newcomer(self) -> str:
        """Somebody whose team has an account and no case yet."""
        name, password = NEWCOMER
        self.site.manage("add_account", "555555555555", "--name", "Operations", "--team", "Operations")
        self.site.manage("add_member", name, "--team", "Operations", "--password-stdin", given=password)
        return password

    # --- cases -------------------------------------------------------------------------------------------------------
    def case(self, subject: str) -> dict[str, Any]:
        """Reference and the newest submission's key of a case of the demo."""
        found = self.site.rows(
            "SELECT c.reference, s.id AS submission FROM cases_case c LEFT JOIN submissions_submission s"
            " ON s.case_id = c.id AND s.newest WHERE c.subject = ? LIMIT 1",
            subject,
        )
        return found[0] | {"submission": UUID(found[0]["submission"]) if found[0]["submission"] else None}

    def has_case(self, subject: str) -> bool:
        return bool(self.site.rows("SELECT 1 FROM cases_case WHERE subject = ?", subject))

    @cached_property
    def broken(self) -> str:
        command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", BROKEN]
        done = subprocess.run(command, cwd=ROOT, env=self.site.environment, check=True, capture_output=True, text=True)
        return done.stdout

    def account(self, name: str) -> int:
        return int(self.site.rows("SELECT id FROM teams_awsaccount WHERE name = ?", name)[0]["id"])
