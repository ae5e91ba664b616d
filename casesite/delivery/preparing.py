"""How a preparation ends without an attempt, and the lease under which it runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from casesite import clock
from casesite.aws.clients import Keys, Target, clients
from casesite.aws.errors import AwsError, Trace
from casesite.database import write
from casesite.pacing import gate, times
from casesite.pacing.models import Mode
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason

from . import claim, lanes, trouble

REASON_OF_GATE = {
    "rate": Reason.PACE,
    "throttled": Reason.THROTTLED,
    "quota": Reason.QUOTA,
    "connection": Reason.CONNECTION,
    "access": Reason.ACCESS,
}
TOKEN_TRIES = 8


class NotReady(Exception):
    """Preparation ended without an attempt: give the row back until `due_at`."""

    def __init__(self, due_at: datetime, reason: Reason, text: str = "") -> None:
        super().__init__(text)
        self.due_at, self.reason, self.text = due_at, reason, text


class Unfit(Exception):
    """The request can never work."""

    def __init__(self, text: str, reason: Reason = Reason.INVALID) -> None:
        super().__init__(text)
        self.reason = reason


class Stuck(Exception):
    """It was tried often enough: a person has to look."""


class LeaseLost(Exception):
    """Somebody else has the row now, or it was cancelled: leave it alone."""


@dataclass(frozen=True)
class Prepared:
    """What the call needs, gathered before the intent."""

    target: Target
    keys: Keys
    call: Callable[[Trace], str]  # makes the one request and returns AWS's id of the case
    usable_until: datetime | None = None  # of the files' set


def keys_for(row: Submission, target: Target) -> Keys:
    """Working credentials. Raises NotReady: an unreachable STS is the line's trouble, anything else the account's."""
    try:
        return clients.keys(target)
    except AwsError as exc:
        clients.forget_keys(target)
        trouble.shut(row.account_id, Mode.WRITE, exc, lanes.api_of(row))
        reason = Reason.CONNECTION if trouble.is_line_trouble(exc) else Reason.CREDENTIALS
        raise NotReady(clock.now() + times.scaled(30 * times.SECOND), reason, exc.text) from exc


def renew_lease(row: Submission) -> None:
    """Go on holding the row for as long as a new claim would. Raises LeaseLost."""
    if not claim.renew(row):
        raise LeaseLost


def pace(row: Submission) -> None:
    """Take a token of the row's lane for one call, waiting at most seconds for it. Raises NotReady."""
    for left in reversed(range(TOKEN_TRIES)):
        with write():
            # A Connect row may be the one that finds out whether a stopped lane is in order: it is claimed for that only then.
            shut = gate.take(row.account_id, Mode.WRITE, api=lanes.api_of(row), probing=bool(row.region))
        if shut is None:
            return
        pause = (shut.until - clock.now()).total_seconds()
        if not left or shut.because != "rate" or pause > 1:
            raise NotReady(shut.until, REASON_OF_GATE[shut.because])
        time.sleep(max(0.01, pause))
