"""What people do with a submission that waits in line: hold it back until a time, let it go on, let it go before its turn.

Holding is no state: the row stays queued and comes due later. Each verb is one guarded UPDATE that names the token the
person saw, so of two people, or of a person and a worker, one is quicker and the other is told by StaleSubmission.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext as _

from casesite import clock
from casesite.cases.models import Case
from casesite.database import write

from . import permissions
from .models import URGENT_RANK, Submission
from .states import StaleSubmission, State
from .workflow import ring

SHORTEST_HOLD = timedelta(minutes=1)
LONGEST_HOLD = timedelta(days=7)


def check_hold(until: datetime) -> None:
    """Raises ValidationError where nobody is to hold a case back until then."""
    now = clock.now()
    if until < now + SHORTEST_HOLD:
        raise ValidationError(_("Choose a time that is still to come."))
    if until > now + LONGEST_HOLD:
        raise ValidationError(_("A case is held back for seven days at most. To stop it for longer, cancel it."))


def hold(submission: Submission, *, by: Any, until: datetime, token: int) -> None:
    """Let it wait until a time within the next seven days. No worker takes it before."""
    check_hold(until)
    with _as_seen(submission, permissions.check_can_hold, by, token):
        # What AWS or the line made wait longer goes on waiting: only an earlier hold is brought forward.
        own_time = submission.due_at if submission.due_at != submission.held_until else None
        fields = {"held_until": until, "held_by": by, "due_at": max(until, own_time or until)}
        _change(submission, "held", by, text=until.isoformat(), **fields)


def resume(submission: Submission, *, by: Any, token: int) -> None:
    """Let what is held back go on, in its turn."""
    with _as_seen(submission, permissions.check_can_hold, by, token):
        now = clock.now()
        if not submission.is_held(now):
            raise StaleSubmission(f"submission {submission.pk} is not held")
        _change(submission, "resumed", by, held_until=None, held_by=None, due_at=now)
        ring(submission)


def send_now(submission: Submission, *, by: Any, token: int) -> None:
    """Let it go before its turn as an urgent case would, in the places kept for those, held back or not.

    AWS's limit of the hour holds all the same, and so does a gate that is shut.
    """
    with _as_seen(submission, permissions.check_can_send_now, by, token):
        now = clock.now()
        fields = {"rank": min(submission.rank, URGENT_RANK), "hurried_at": now, "hurried_by": by}
        _change(submission, "hurried", by, held_until=None, held_by=None, due_at=now, **fields)
        ring(submission)


@contextmanager
def _as_seen(submission: Submission, check: Callable[[Any, Submission], None], by: Any, token: int) -> Iterator[None]:
    """A write transaction in which the row is still as the person saw it, and they may do what they want with it."""
    with write():
        # The case first, as everywhere: two moves that lock in different orders would block each other.
        Case.objects.select_for_update().get(pk=submission.case_id)
        submission.refresh_from_db()
        if submission.token != token:
            raise StaleSubmission(f"submission {submission.pk} changed meanwhile")
        check(by, submission)
        yield


def _change(submission: Submission, what: str, by: Any, *, text: str = "", **fields: Any) -> None:
    """The UPDATE, guarded against workers too, which lock no case; and beside it who did it."""
    rows = Submission.objects.filter(pk=submission.pk, state=State.QUEUED, token=submission.token)
    if not rows.update(token=F("token") + 1, **fields):
        raise StaleSubmission(f"submission {submission.pk} is no longer queued")
    submission.case.events.create(at=clock.now(), by=by, what=what, text=text, submission_id=submission.pk)
    submission.refresh_from_db()
