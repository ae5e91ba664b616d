"""Resolving a second case at AWS. It may be asked for as often as one likes, so what is unknown is read, then asked again."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import F, Q, QuerySet

from casesite import clock, prepared
from casesite.aws import support
from casesite.aws.errors import AwsError, Refused
from casesite.database import write
from casesite.lookups.reading import target_of
from casesite.pacing import gate, times
from casesite.pacing.models import Mode
from casesite.submissions import proven
from casesite.submissions.models import Kind, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.stage import ENDED
from casesite.submissions.states import State

from . import process, reconcile
from .models import Attempt, LookResult, Outcome
from .preparing import Prepared, keys_for


def prepare(row: Submission) -> Prepared:
    """The one request. No search comes before it, whatever was in doubt: nothing can come of it twice."""
    if row.verify_first or row.look_before_send:
        with write():
            Submission.objects.filter(pk=row.pk, state=State.PREPARING, token=row.token).update(
                verify_first=None, look_before_send=False
            )
    target = target_of(row.account)
    keys = keys_for(row, target)
    return Prepared(target, keys, partial(support.resolve_case, target, keys, row.payload["caseId"]))


# --- what became of it ------------------------------------------------------------------------------------------------------
def due(account_pk: int, now: datetime) -> QuerySet[Submission]:
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Submission.objects.filter(
        free, account_id=account_pk, kind=Kind.SUPPORT_RESOLVE, state__in=reconcile.LOOKED_FOR, due_at__lte=now
    )


_is_due = prepared.Rows(lambda account, now: due(account, now).values_list("pk")[:1], account=int, now=datetime)


def look(account_pk: int) -> bool:
    """Read how a case stands whose resolving is unknown. False where none is due."""
    if not _is_due(account=account_pk, now=clock.now()):
        return False
    row = _claim(account_pk)
    attempt = row.attempts.filter(outcome=Outcome.UNKNOWN).order_by("-n").first() if row else None
    if row is None:
        return False
    if attempt is None:  # with a person, and nothing left to prove
        reconcile.release(row, None)
        return True
    try:
        status, aws_date = _read(row)
    except (AwsError, gate.GateClosed) as exc:
        reconcile.note_trouble(account_pk, exc)
        reconcile.store_error(row, attempt, getattr(exc, "text", str(exc)))
        return True
    _store(row, attempt, status, aws_date)
    return True


def _claim(account_pk: int) -> Submission | None:
    now = clock.now()
    with write():
        row = due(account_pk, now).select_related("account", "case").first()
        if row is None or not due(account_pk, now).filter(pk=row.pk, token=row.token).update(
            token=F("token") + 1, lease_until=now + times.look_lease(), lease_by=process.name()
        ):
            return None
    row.token += 1
    return row


def _read(row: Submission) -> tuple[str, datetime | None]:
    gate.wait_for_read(row.account_id)
    try:
        found, aws_date = support.find_case(target_of(row.account), case_id=row.payload["caseId"], read_first=False)
    except Refused as exc:
        if exc.code != "CaseIdNotFound":
            raise
        found, aws_date = None, None
    with write():
        gate.went_well(row.account_id, Mode.READ)
    return (found.status if found else ""), aws_date


def _store(row: Submission, attempt: Attempt, status: str, aws_date: datetime | None) -> None:
    now, case_id, done = clock.now(), row.payload["caseId"], status in ENDED
    known: dict[str, Any] = {"remote_id": case_id} if done else {}
    with write():
        locked = proven.locked(row.pk)
        if (locked.state, locked.token) != (row.state, row.token):
            return
        result = LookResult.FOUND if done else LookResult.ABSENT
        reconcile.note_look(row, attempt.bound, result, aws_date, 1, evidence={"status": status}, **known)
        if done:
            row.attempts.filter(outcome=Outcome.UNKNOWN).update(outcome=Outcome.DONE, remote_id=case_id)
            proven.record_done(locked, case_id)
        elif row.state == State.NEEDS_ATTENTION:
            reconcile.release(row, now + times.scaled(reconcile.HOURLY))
        else:
            row.attempts.filter(outcome=Outcome.UNKNOWN).update(outcome=Outcome.ABSENT)
            later = now + times.scaled(reconcile.APART, floor=1)
            reconcile.settle_unknown(row, State.QUEUED, now, due_at=later, reason_code=Reason.NOT_RESOLVED)
