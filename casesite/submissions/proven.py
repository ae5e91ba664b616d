"""A proven case: AWS has it. Merged whoever brings the proof, however late, from whatever state."""

import logging
from typing import Any

from django.db import IntegrityError
from django.db.models import F

from casesite import clock
from casesite.cases.models import Case
from casesite.database import write

from . import stage
from .models import Submission
from .reasons import Reason
from .states import AT_RISK, State

logger = logging.getLogger(__name__)


def record_case(submission_id: Any, remote_id: str, *, by: Any = None, text: str = "") -> State:
    """Store AWS's case id for an opening submission and its case; returns the submission's state afterwards.

    The case's other waiting openings are cancelled. A second id for the same case sets the flag `duplicate`; an id that
    belongs to another case leaves the submission to a person.
    """
    try:
        with write():
            return _record(submission_id, remote_id, by, text)
    except IntegrityError:
        with write():
            return _record_taken(submission_id, remote_id)


def _record(submission_id: Any, remote_id: str, by: Any, text: str) -> State:
    row = Submission.objects.get(pk=submission_id)
    case = Case.objects.select_for_update().get(pk=row.case_id)
    row.refresh_from_db()  # under the case's lock: this is the row that others will also find
    was = State(row.state)
    now = clock.now()
    if was == State.DELIVERED:
        if row.remote_id != remote_id:
            mark_duplicate(row, remote_id)
        return State.DELIVERED
    Submission.objects.filter(pk=row.pk).update(
        state=State.DELIVERED,
        token=F("token") + 1,
        remote_id=remote_id,
        adopted_by=by,
        lease_until=None,
        lease_by="",
        due_at=None,
        unable_since=None,
        reason_code="",
        reason_text="",
    )
    case.events.create(
        at=now, by=by, what="delivered", was=was, became=State.DELIVERED, text=text, submission_id=row.pk
    )
    if case.aws_case_id is None:
        Case.objects.filter(pk=case.pk).update(aws_case_id=remote_id, changed_at=now)
    elif case.aws_case_id != remote_id:
        mark_duplicate(row, remote_id, first_id=case.aws_case_id)
    cancel_others(row, now)
    stage.recompute(case.pk)
    logger.info("case is at AWS", extra={"case": case.reference, "submission": str(row.pk), "aws_case": remote_id})
    return State.DELIVERED


def cancel_others(proven: Submission, now: Any, *, case_id: int | None = None) -> None:
    """Stop the case's other openings that have not left yet; those at risk end by their own proof."""
    others = Submission.objects.opening().filter(
        case_id=case_id or proven.case_id, state__in=(State.PENDING_REVIEW, State.QUEUED, State.PREPARING)
    )
    for other in others.exclude(pk=proven.pk):
        stopped = Submission.objects.filter(pk=other.pk, state=other.state, token=other.token).update(
            state=State.CANCELLED, token=F("token") + 1, reason_code=Reason.ALREADY_OPEN, lease_until=None, due_at=None
        )
        if stopped:
            other.case.events.create(
                at=now, what="cancelled", was=other.state, became=State.CANCELLED, submission_id=other.pk
            )


def mark_duplicate(row: Submission, second_id: str, *, first_id: str | None = None) -> None:
    """Two cases at AWS for one of ours: keep the first, show both."""
    Submission.objects.filter(pk=row.pk).update(duplicate=True, duplicate_remote_id=first_id or second_id)
    Case.objects.filter(pk=row.case_id).update(duplicate_aws_case_id=second_id)
    row.case.events.create(at=clock.now(), what="duplicate", text=second_id, submission_id=row.pk)
    logger.error("two cases at AWS for one", extra={"submission": str(row.pk), "second": second_id})


def _record_taken(submission_id: Any, remote_id: str) -> State:
    """AWS's id already belongs to another case of ours: nobody but a person can tell why."""
    row = Submission.objects.get(pk=submission_id)
    if row.state in AT_RISK:
        row.move(
            State.NEEDS_ATTENTION,
            what="needs_attention",
            text=remote_id,
            reason_code=Reason.ID_TAKEN,
            reason_text=remote_id,
            lease_until=None,
            due_at=None,
        )
    else:
        row.case.events.create(at=clock.now(), what="id_taken", text=remote_id, submission_id=row.pk)
    logger.error("an AWS case id belongs to another case", extra={"submission": str(row.pk), "aws_case": remote_id})
    return State(row.state)
