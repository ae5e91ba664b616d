"""A proven case: AWS has it. Merged whoever brings the proof, however late, from whatever state."""

import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection
from django.db.models import F

from casesite import clock, prepared
from casesite.cases.models import Case
from casesite.database import write

from . import companions, stage
from .models import Kind, Submission
from .reasons import Reason
from .states import TRANSITIONS, UNFINISHED, State

logger = logging.getLogger(__name__)

NOT_LEFT_YET = (State.PENDING_REVIEW, State.QUEUED, State.PREPARING)


def record_case(
    submission_id: Any, remote_id: str, *, by: Any = None, text: str = "", row: Submission | None = None
) -> State:
    """Store AWS's case id for an opening submission and its case; returns the submission's state afterwards.

    The case's other waiting openings are cancelled. A second id for the same case sets the flag `duplicate`; an id that
    belongs to another case leaves the submission to a person. `row` is the submission where the running transaction has
    just `locked` it.
    """
    try:
        with write():
            return _record(row or locked(submission_id), remote_id, by, text)
    except IntegrityError:
        with write():
            return _record_taken(submission_id, remote_id)


def record_done(row: Submission, remote_id: str) -> State:
    """Store AWS's id of what a submission added to an open case. Call it in a write transaction, the row `locked`."""
    now, was = clock.now(), State(row.state)
    if was == State.DELIVERED:
        return State.DELIVERED
    _deliver(pk=row.pk, remote_id=remote_id, by=None, now=None)
    what = "second_resolved" if row.kind == Kind.SUPPORT_RESOLVE else "delivered"
    row.case.events.create(at=now, what=what, was=was, became=State.DELIVERED, submission_id=row.pk)
    companions.let_go(row.case, now)
    return State.DELIVERED


def record_orphan(
    case_id: int, remote_id: str, *, by: Any = None, text: str = "", account_id: int | None = None
) -> bool:
    """Give AWS's case id to a case alone: the marker is ours, but its row is gone, as after a restore from a backup.

    Every row of the case is an *other* row then. `account_id` is the account that has it, where that is not certain: the
    draft may name another one. False where the id belongs to another case.
    """
    try:
        with write():
            _record_orphan(case_id, remote_id, by, text, account_id)
    except IntegrityError:
        logger.error("an AWS case id belongs to another case", extra={"case_pk": case_id, "aws_case": remote_id})
        return False
    return True


def _record_orphan(case_id: int, remote_id: str, by: Any, text: str, account_id: int | None) -> None:
    case = Case.objects.select_for_update().get(pk=case_id)
    now = clock.now()
    if remote_id in (case.aws_case_id, case.duplicate_aws_case_id):
        return
    if case.aws_case_id is None:
        Case.objects.filter(pk=case.pk).update(
            aws_case_id=remote_id, account_id=account_id or case.account_id, changed_at=now
        )
        case.events.create(at=now, by=by, what="adopted", text=text)
    else:
        Case.objects.filter(pk=case.pk).update(duplicate_aws_case_id=remote_id)
        case.events.create(at=now, by=by, what="duplicate", text=remote_id)
        logger.error("two cases at AWS for one", extra={"case": case.reference, "second": remote_id})
    _cancel_waiting(case, now)
    stage.recompute(case.pk)
    logger.info("case is at AWS", extra={"case": case.reference, "aws_case": remote_id})


def locked(submission_id: Any) -> Submission:
    """The row with its case and account as they are now; the case locked first, as everywhere."""
    if connection.features.has_select_for_update:  # a write transaction of SQLite holds the whole file
        case_id = Submission.objects.values_list("case_id", flat=True).get(pk=submission_id)
        Case.objects.select_for_update().get(pk=case_id)
    found: list[Submission] = _locked(pk=submission_id)
    if not found:
        raise Submission.DoesNotExist(submission_id)
    return found[0]


_locked = prepared.Objects(
    lambda pk: Submission.objects.filter(pk=pk).select_for_update(of=("self",)), related=("case", "account"), pk=UUID
)


_deliver = prepared.Update(
    lambda pk, remote_id, by, now: (
        Submission.objects.filter(pk=pk),
        {
            "state": State.DELIVERED,
            "token": F("token") + 1,
            "remote_id": remote_id,
            "adopted_by": by,
            "lease_until": None,
            "lease_by": "",
            "due_at": now,  # the workers then read its display id and status
            "refusals": 0,
            "unable_since": None,
            "reason_code": "",
            "reason_text": "",
        },
    ),
    pk=UUID,
    remote_id=str,
    by=int,
    now=datetime,
)


def _record(row: Submission, remote_id: str, by: Any, text: str) -> State:
    case = row.case
    was = State(row.state)
    now = clock.now()
    if was == State.DELIVERED:
        if remote_id not in (row.remote_id, row.duplicate_remote_id):
            _mark_duplicate(row, remote_id)
        return State.DELIVERED
    _deliver(pk=row.pk, remote_id=remote_id, by=by.pk if by else None, now=now)
    case.events.create(
        at=now, by=by, what="delivered", was=was, became=State.DELIVERED, text=text, submission_id=row.pk
    )
    if was not in UNFINISHED:  # a constraint lets a case have one unfinished opening: where this was it, no other waits
        _cancel_waiting(case, now)
    if case.aws_case_id is None:
        stage.settle(case, aws_case_id=remote_id, changed_at=now)
        if row.kind == Kind.CONNECT_CASE:
            companions.make(row, remote_id, now)
    else:
        if case.aws_case_id != remote_id:
            _mark_duplicate(row, remote_id, first_id=case.aws_case_id)
        stage.settle(case)
    logger.info("case is at AWS", extra={"case": case.reference, "submission": str(row.pk), "aws_case": remote_id})
    return State.DELIVERED


def _cancel_waiting(case: Case, now: datetime) -> None:
    """Stop the case's openings that have not left yet; those at risk end by their own proof."""
    waiting = Submission.objects.opening().filter(case=case, state__in=NOT_LEFT_YET)
    for row in waiting.select_for_update():
        Submission.objects.filter(pk=row.pk).update(
            state=State.CANCELLED,
            token=F("token") + 1,
            reason_code=Reason.ALREADY_OPEN,
            lease_until=None,
            lease_by="",
            due_at=None,
        )
        case.events.create(at=now, what="cancelled", was=row.state, became=State.CANCELLED, submission_id=row.pk)


def _mark_duplicate(row: Submission, second_id: str, *, first_id: str | None = None) -> None:
    """Two cases at AWS for one of ours: keep the first, show both."""
    Submission.objects.filter(pk=row.pk).update(duplicate=True, duplicate_remote_id=first_id or second_id)
    Case.objects.filter(pk=row.case_id).update(duplicate_aws_case_id=second_id)
    row.case.events.create(at=clock.now(), what="duplicate", text=second_id, submission_id=row.pk)
    logger.error("two cases at AWS for one", extra={"submission": str(row.pk), "second": second_id})


def _record_taken(submission_id: Any, remote_id: str) -> State:
    """AWS's id already belongs to another case of ours: nobody but a person can tell why."""
    row = locked(submission_id)
    case = row.case
    was = State(row.state)
    logger.error("an AWS case id belongs to another case", extra={"submission": str(row.pk), "aws_case": remote_id})
    if was != State.NEEDS_ATTENTION and State.NEEDS_ATTENTION not in TRANSITIONS[was]:
        case.events.create(at=clock.now(), what="id_taken", text=remote_id, submission_id=row.pk)
        return was
    Submission.objects.filter(pk=row.pk).update(
        state=State.NEEDS_ATTENTION,
        token=F("token") + 1,
        reason_code=Reason.ID_TAKEN,
        reason_text=remote_id,
        lease_until=None,
        lease_by="",
        due_at=None,
    )
    case.events.create(
        at=clock.now(),
        what="needs_attention",
        was=was,
        became=State.NEEDS_ATTENTION,
        text=remote_id,
        submission_id=row.pk,
    )
    return State.NEEDS_ATTENTION
