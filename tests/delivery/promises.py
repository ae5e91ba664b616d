"""Days in an office, an hour in a moment: what pages promise, what dispatcher and workers then do, and how far the two are apart.

The clock is moved from one round of the dispatcher to the next. Work is done by the workers' own steps, against the simulator.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from casesite.delivery import dispatcher, work
from casesite.delivery.models import Attempt, Outcome
from casesite.submissions import queue
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

ROUND = timedelta(seconds=15)  # at the latest then the dispatcher rings again for what is due
MINUTE = timedelta(minutes=1)
SEVERITIES = {"low": 20, "normal": 50, "high": 20, "urgent": 8, "critical": 2}  # how often of a hundred


@dataclass(frozen=True)
class Promise:
    """What a page told about a submission."""

    key: Any
    at: datetime
    told_at: datetime


class Days:
    """A team with so many accounts as the site makes them; `clock` is the site's, as in tests."""

    def __init__(self, clock: Any, accounts: int, *, seed: int = 1, round_: timedelta = ROUND) -> None:
        team = a_team()
        self.clock = clock
        self.accounts = [an_account(team) for _account in range(accounts)]
        self.draw = random.Random(seed)
        self.promises: list[Promise] = []
        self._round = round_
        self._author, self._reviewer = a_user(team=team), a_user(team=team, role=Role.REVIEWER)

    def approve(self, number: int, accounts: Iterable[AwsAccount]) -> list[Submission]:
        """So many approvals at once, for these accounts, of all severities."""
        accounts, codes = list(accounts), list(SEVERITIES)
        return [self._approve(self.draw.choice(accounts), codes) for _approval in range(number)]

    def _approve(self, account: AwsAccount, codes: list[str]) -> Submission:
        self.clock.advance(milliseconds=1)  # no two come at the same instant, and who comes first goes first
        severity = self.draw.choices(codes, SEVERITIES.values())[0]
        case = a_draft(by=self._author, account=account, severity_code=severity)
        return a_submission(State.QUEUED, case=case, reviewer=self._reviewer)

    def burst(self, number: int) -> None:
        """So many approvals for all accounts, for a few, or for a single one."""
        few = self.draw.choice((len(self.accounts), 10, 1))
        self.approve(number, self.draw.sample(self.accounts, min(few, len(self.accounts))))

    def look(self) -> None:
        """Note what pages tell now of all that waits."""
        now = self.clock.now
        waiting = AwsAccount.objects.filter(submissions__state=State.QUEUED).distinct()
        told = queue.planned_in(queue.queues_of(waiting, now))
        self.promises += [Promise(key, at, now) for key, at in told.items()]

    def pass_(self, span: timedelta) -> None:
        """Let that much time go by, with the dispatcher's rounds."""
        until = self.clock.now + span
        while (began := self.clock.now) < until:
            self._work_off(set(dispatcher.due_accounts(began)))
            self.clock.set(max(began + self._round, self.clock.now))

    def _work_off(self, accounts: set[int]) -> None:
        """As workers do: all of them side by side, each coming back when its pace allows."""
        while accounts:
            pauses = {account_pk: work.work_off(account_pk) for account_pk in sorted(accounts)}
            accounts = {account_pk for account_pk, pause in pauses.items() if pause is not None}
            if accounts:
                self.clock.advance(seconds=max(pause for pause in pauses.values() if pause is not None))

    def off(self) -> list[timedelta]:
        """How far each promise is from what happened, of all whose time has come."""
        sent = dict(Attempt.objects.filter(outcome=Outcome.DONE).values_list("submission_id", "started_at"))
        ended = self.clock.now
        return [
            abs(sent.get(each.key, ended) - each.at)
            for each in self.promises
            if each.key in sent or each.at + MINUTE < ended
        ]


def kept(off: list[timedelta]) -> float:
    """The share of promises that came true within a minute."""
    return sum(span <= MINUTE for span in off) / len(off)
