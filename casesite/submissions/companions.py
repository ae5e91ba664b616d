"""What goes with a Connect case: a first comment and files, submissions of their own, decided together with it.

They can't be frozen before AWS has given the case its id, so they are made of what was approved, in the transaction that
stores the id. All in them follows from the case's submission: made a second time, as after a restore, they are the same
requests under the same tokens.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db.models import DateTimeField, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext as _

from casesite import clock
from casesite.cases.models import Case

from . import connect, payloads
from . import marker as markers
from .models import Decision, Kind, Submission, Verdict
from .reasons import Reason
from .states import State

_IDS = UUID("0d0b7d0e-59a5-5c0b-8a52-7f9f6c2f7c11")  # the name space of companions


def make(row: Submission, aws_case_id: str, now: datetime) -> list[Submission]:
    """The companions of a Connect case that AWS has just been proven to have, queued in their order."""
    made = []
    decision = row.decisions.filter(what__in=(Verdict.APPROVE, Verdict.RELEASE)).exclude(by=row.submitted_by_id).last()
    for number, companion in enumerate(_described(row, aws_case_id), start=1):
        if Submission.objects.filter(pk=companion.pk).exists():
            continue
        companion.queued_at = now + timedelta(microseconds=number)  # their order
        companion.approved_at = companion.due_at = companion.submitted_at = now
        companion.look_before_send = row.case.verify_first is not None  # a restore may have erased that it was sent
        companion.payload_sha256 = payloads.hash_of(companion)
        companion.save(force_insert=True)
        Decision.objects.create(
            submission=companion,
            by=decision.by if decision else None,
            at=clock.now(),
            what=decision.what if decision else Verdict.RELEASE,
            payload_sha256=companion.payload_sha256,
            reason=_("Decided with the case."),
        )
        made.append(companion)
    return made


def _described(row: Submission, aws_case_id: str) -> Iterator[Submission]:
    if row.content["first_comment"].strip():
        yield _comment(row, aws_case_id)
    for file in row.files:
        yield _file(row, aws_case_id, file)


def _comment(row: Submission, aws_case_id: str) -> Submission:
    """The comment ends with the case's own reference, by which it is found again."""
    companion = _companion(row, Kind.CONNECT_COMMENT, "comment", {"comment": row.content["first_comment"]})
    body = markers.with_line(row.content["first_comment"], row.marker)
    companion.payload = _acting(
        row,
        {
            "domainId": row.content["domain_id"],
            "content": {"comment": {"body": body, "contentType": "Text/Plain"}},
            "cases": [{"caseIdentifier": {"caseId": aws_case_id}}],
            "clientToken": str(companion.client_token),
        },
    )
    return companion


def _file(row: Submission, aws_case_id: str, file: dict[str, Any]) -> Submission:
    """AWS's own name of the file is made while sending, and is no part of it."""
    companion = _companion(row, Kind.CONNECT_FILE, f"{file['sha256']} {file['name']}", {"files": [file]})
    companion.payload = _acting(row, {"domainId": row.content["domain_id"], "caseId": aws_case_id, "type": "File"})
    return companion


def _companion(row: Submission, kind: Kind, name: str, content: dict[str, Any]) -> Submission:
    companion = Submission(
        pk=uuid5(_IDS, f"{row.pk} {name}"),
        case=row.case,
        account=row.account,
        kind=kind,
        region=row.region,
        content={"subject": row.content["subject"], "of": str(row.pk), "reference": row.marker} | content,
        payload_version=connect.PAYLOAD_VERSION,
        marker=markers.new(row.case.reference),
        submitted_by=row.submitted_by,
        rank=row.rank,
        state=State.QUEUED,
    )
    companion.client_token = connect.client_token(companion.pk)
    return companion


def _acting(row: Submission, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with whom AWS records as the one who acted."""
    name = row.content["performed_by"]
    return params | ({"performedBy": {"customEntity": name}} if name else {})


def let_go(case: Case, now: datetime) -> None:
    """What waited for an earlier companion of the case is due now, unless a person holds it back.

    What waits for AWS, after a refusal for example, goes on waiting.
    """
    waiting = Submission.objects.companions().filter(case=case, state=State.QUEUED, reason_code=Reason.AFTER_OTHERS)
    now_or_held = Greatest(Value(now, DateTimeField()), Coalesce("held_until", Value(now, DateTimeField())))
    waiting.update(due_at=now_or_held)
