"""When a submission goes out, in the words and numbers that a reviewer decides with."""

from dataclasses import dataclass
from datetime import datetime

from casesite import clock
from casesite.pacing import gate as gates
from casesite.pacing.models import AccountGate, Mode
from casesite.submissions import queue
from casesite.submissions.models import Kind, Submission
from casesite.submissions.states import State
from casesite.teams.models import CheckResult


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """`at` is None where nobody can tell: behind too many others. `now` means without waiting.

    Connect counts no hour: its `limit` is 0.
    """

    at: datetime | None
    now: bool
    used: int = 0
    limit: int = 0
    reserve: int = 0
    urgent: bool = False
    blocked: str = ""  # why the account can't send, in words


def outlook_of(submission: Submission) -> Outlook | None:
    """For a row that waits: when it goes out, if it is approved now. None for rows that have left or ended."""
    if submission.state not in (State.PENDING_REVIEW, State.QUEUED) or submission.kind == Kind.SUPPORT_RESOLVE:
        return None
    account = submission.account
    if submission.region:
        return _in_connect(submission)
    found = queue.queue_of(account, clock.now())
    if submission.state == State.QUEUED:
        at = found.planned.get(submission.pk)
    else:
        at = found.would_go_out(submission.content["severity_code"])
    return Outlook(
        at=at,
        now=found.is_now(at),
        used=found.budget.used,
        limit=found.budget.limit,
        reserve=found.budget.reserve,
        urgent=submission.is_urgent,
        blocked=account.check_summary if account.check_result == CheckResult.BLOCKED else "",
    )


def _in_connect(submission: Submission) -> Outlook:
    """Connect's lanes only wait where AWS does not let them in, or a person holds the row; the account's check is of Support."""
    now = clock.now()
    lane = AccountGate.objects.filter(
        account=submission.account_id, family="connectcases", region=submission.region, mode=Mode.WRITE
    ).first()
    shut = gates.closed(lane, now) if lane else None
    at = max(now, shut.until if shut else now, submission.due_at or now)
    return Outlook(at=at, now=at == now)
