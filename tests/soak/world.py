"""The site of a soak: a team with drafts to send, in a database that is as new again for each example."""

from __future__ import annotations

import os
import random
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from django.core.management import call_command

from casesite.cases.models import Case
from casesite.catalog import templates_sync
from casesite.catalog.models import CasesDomain, ConnectTemplate
from casesite.delivery import dispatcher, process
from casesite.teams.models import AwsAccount, ReviewPolicy, Role
from tests import bells
from tests.factories import a_connect_draft, a_draft, a_file, a_team, a_user, an_account
from tests.sandbox.care import Care
from tests.soak import processes
from tests.soak.aws import Aws
from tests.soak.clocks import Clocks
from tests.soak.tables import Copy

ACCOUNT, REGION = "111111111111", "us-east-1"
SUPPORT = (("S1", "normal"), ("S2", "high"), ("U1", "urgent"))  # drafts by their subject, with their severity
CONNECT = ("C1", "C2")
SUBJECTS = (*(name for name, _severity in SUPPORT), *CONNECT)


class World:
    """Made once; `begin` brings everything back to the start."""

    def __init__(self) -> None:
        self._draw_the_same_ids()
        self.clocks = Clocks()
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self._directory = tempfile.TemporaryDirectory(prefix="casesite-soak-", dir=memory)
        self.aws = Aws(Path(self._directory.name), self.clocks)
        self.clocks.install()
        self.aws.install()
        self.bells: list[Any] = bells.write_down(setattr)
        call_command("migrate", run_syncdb=True, verbosity=0)
        self._furnish()
        self._start, self.backup = Copy("start"), Copy("backup")
        self._start.take()
        processes.install()

    def _draw_the_same_ids(self) -> None:
        """Ids and tokens come from the system's randomness; here from a seed, so that every run is the same."""
        self._entropy = random.Random(0)
        os.urandom = random._urandom = lambda size: self._entropy.randbytes(size)  # type: ignore[attr-defined]

    def _furnish(self) -> None:
        self.aws.order("settings", calls_per_second=1000, connect_rates={"*": [1000, 1000]}, signature_validity=900)
        for domain in self.aws.order("connect/domains", method="GET")["domains"]:
            if domain["account"] == ACCOUNT:  # it comes with some
                self.aws.order(f"connect/domains/{domain['domainId']}", method="DELETE")
        care = Care(self.aws.order("connect/demo", account_id=ACCOUNT, region=REGION, demo="care"))
        self.aws.order("accounts", account_id=ACCOUNT, cases_per_hour=1000)
        team = a_team()
        self.author = a_user(team=team)
        self.reviewer = a_user(team=team, role=Role.REVIEWER)
        self.lead = a_user(team=team, role=Role.LEAD)
        self.account = an_account(team, account_id=ACCOUNT, connect_regions=REGION)
        given = {"by": self.author, "team": team}
        for subject, severity in SUPPORT:
            a_draft(account=self.account, subject=subject, severity_code=severity, **given)
        templates_sync.refresh(self.account)
        CasesDomain.objects.update(found_instance_arn=care.told["instanceArn"])
        template = ConnectTemplate.objects.get(name="General question")
        for subject in CONNECT:
            a_connect_draft(template, typed={"title": subject}, first_comment="It began at noon.", **given)
        a_file(Case.objects.get(subject=CONNECT[-1]))
        dispatcher.begin()
        process.stopped()

    # --- an example ----------------------------------------------------------------------------------------------------
    def begin(self, policy: ReviewPolicy, cases_per_hour: int, visible_after: float) -> None:
        self._entropy.seed(0)
        processes.Process.numbers = count(1)
        self._start.put_back()
        self.bells.clear()
        self.clocks.reset()
        self.aws.clear()
        self.aws.order("settings", visible_after=visible_after, signature_validity=900)
        process.dispatchers_before = None
        AwsAccount.objects.update(
            review_policy=policy, cases_per_hour=cases_per_hour, reserved_urgent=min(1, cases_per_hour - 1)
        )
