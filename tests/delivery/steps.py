"""Steps that delivery tests share: working off an account, and letting time pass here and at AWS alike."""

from datetime import UTC, datetime
from typing import Any

import pytest

from casesite import clock
from casesite.delivery import claim, dispatcher, sender, work
from casesite.pacing import times
from casesite.pacing.models import AccountGate
from casesite.submissions.states import FINAL, State


def work_off(submission: Any) -> None:
    """Do all that is due for the submission's account, and read the row again."""
    for _step in range(100):
        if not work.step(submission.account_id):
            break
    submission.refresh_from_db()
    submission.case.refresh_from_db()


class Time:
    """The site's clock and AWS's, moved together."""

    def __init__(self, clock: Any, sandbox: Any) -> None:
        self._clock, self._sandbox = clock, sandbox
        # Requests are signed by the machine's real clock; the age of a signature is not what these tests are about.
        # Nor is the pace: minutes pass here in no time.
        sandbox.settings(signature_validity=9e8, calls_per_second=1000)

    def pass_(self, **span: float) -> None:
        self._clock.advance(**span)
        self.at_aws((self._clock.now - datetime.now(UTC)).total_seconds())

    def at_aws(self, ahead: float) -> None:
        """Set how far AWS's clock is ahead of this machine's."""
        self._sandbox.settings(clock_ahead=max(0.0, ahead))

    def until(self, instant: datetime) -> None:
        self.pass_(seconds=(instant - self._clock.now).total_seconds())


@pytest.fixture
def time(clock: Any, sandbox: Any, settings: Any) -> Time:
    settings.GATE_RATE = settings.GATE_BURST = (
        50  # the clock stands still between steps, so tokens do not come back by themselves
    )
    return Time(clock, sandbox)


def send(submission: Any) -> Any:
    """Claim the account's next row and send it, nothing else; `submission` is read again."""
    row = claim.claim_next(submission.account_id)
    assert row is not None and row.pk == submission.pk
    sender.send(row)
    return again(submission)


def again(submission: Any) -> Any:
    """Read the row and its case again."""
    submission.refresh_from_db()
    submission.case.refresh_from_db()
    return submission


def creates(sandbox: Any) -> list[dict[str, Any]]:
    """The requests that could have opened a case, dry runs left out."""
    return [request for request in sandbox.requests("support.CreateCase") if not request["dry_run"]]


def come_to_rest(submission: Any, time: Time) -> Any:
    """Let the site go on, from one instant at which something is due to the next, until the row is at its end."""
    for _round in range(60):
        dispatcher.expire_preparing()
        dispatcher.expire_sending()
        work_off(submission)
        if submission.state in (*FINAL, State.NEEDS_ATTENTION):
            return submission
        time.until(_next_instant(submission) + times.SECOND)
    raise AssertionError(f"it never came to rest: {submission.state}, {submission.reason_code}")


def _next_instant(submission: Any) -> datetime:
    """When something can happen to the row again: it is due, its lease ends, or its account's gate opens."""
    shut = AccountGate.objects.filter(account=submission.account_id).values_list("blocked_until", flat=True)
    instants = (submission.due_at, submission.lease_until, *shut)
    return min((instant for instant in instants if instant and instant > clock.now()), default=clock.now())
