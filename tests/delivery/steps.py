"""Steps that delivery tests share: working off an account, and letting time pass here and at AWS alike."""

from datetime import UTC, datetime
from typing import Any

import pytest

from casesite.delivery import claim, sender, work


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
    settings.GATE_RATE = 50  # the clock stands still between steps, so tokens do not come back by themselves
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
