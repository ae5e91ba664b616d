"""After success: GetCase confirms what AWS has, and a difference to what was sent is kept for people to see."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from casesite import clock, prepared
from casesite.aws import connect_cases
from casesite.aws.connect_cases import NUMBER, STATUS, ReadCase
from casesite.aws.errors import AwsError
from casesite.cases.models import Case, ConnectContent
from casesite.catalog.rule_words import name_of
from casesite.catalog.template import Template
from casesite.database import write
from casesite.lookups.reading import target_of
from casesite.pacing import gate, times
from casesite.pacing.models import Mode
from casesite.submissions import proven, stage
from casesite.submissions.models import Kind, Submission
from casesite.submissions.states import State

from . import connect_search, lanes, process, reconcile
from .models import Outcome


def due_reads(account_pk: int, region: str, now: datetime) -> Any:
    """Delivered cases of a lane that were not read back yet."""
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Submission.objects.filter(
        free,
        account_id=account_pk,
        region=region,
        kind=Kind.CONNECT_CASE,
        state=State.DELIVERED,
        due_at__lte=now,
        remote_id__isnull=False,
    )


_is_due = prepared.Rows(
    lambda account, region, now: due_reads(account, region, now).values_list("pk")[:1],
    account=int,
    region=str,
    now=datetime,
)


def read_due(account_pk: int, region: str) -> bool:
    """Read one delivered case back; tried again until AWS shows it. False where none is due."""
    if not _is_due(account=account_pk, region=region, now=clock.now()):
        return False
    row = _claim(account_pk, region)
    if row is None:
        return False
    try:
        shown = _read(row)
        seconds = _others(row)
    except (AwsError, gate.GateClosed) as exc:
        reconcile.note_trouble(account_pk, exc, lanes.api_of(row))
        reconcile.read_later([row])
        return True
    for second in seconds:
        proven.record_case(row.pk, second)
    _store(row, shown)
    return True


def _claim(account_pk: int, region: str) -> Submission | None:
    with write(durable=False):
        now = clock.now()
        due = due_reads(account_pk, region, now).select_related("account", "template_version").order_by("due_at")
        row: Submission | None = due.select_for_update(of=("self",), skip_locked=True).first()
        if row is not None:
            Submission.objects.filter(pk=row.pk).update(lease_until=now + times.look_lease(), lease_by=process.name())
    return row


def _read(row: Submission) -> ReadCase:
    gate.wait_for_read(row.account_id, api=lanes.api_of(row))
    shown = connect_cases.read_case(
        target_of(row.account),
        region=row.region,
        domain_id=row.payload["domainId"],
        case_id=str(row.remote_id),
        field_ids=[field["id"] for field in row.payload["fields"]],
    )
    with write():
        gate.went_well(row.account_id, Mode.READ, lanes.api_of(row))
    return shown


def _others(row: Submission) -> list[str]:
    """Further cases at AWS for the same request: nobody promises that a repeated token never makes a second one."""
    if row.attempts.exclude(outcome__in=(Outcome.REFUSED_RETRY, Outcome.NOT_SENT)).count() < 2:
        return []
    found = connect_search.search_own(row).by_marker.get(row.marker, [])
    return [case_id for case_id in found if case_id != row.remote_id]


def _store(row: Submission, shown: ReadCase) -> None:
    now = clock.now()
    assert row.template_version is not None
    confirmed = {"at": now.isoformat(), "differences": differences(row, shown, row.template_version.snapshot)}
    with write():
        case = Case.objects.select_for_update().get(pk=row.case_id)
        Submission.objects.filter(pk=row.pk).update(due_at=None, refusals=0, lease_until=None, lease_by="")
        ConnectContent.objects.filter(pk=case.pk).update(confirmed=confirmed)
        if case.aws_case_id == row.remote_id:
            number, status = shown.fields.get(NUMBER, {}), shown.fields.get(STATUS, {})
            stage.settle(
                case,
                aws_display_id=str(number.get("stringValue", ""))[:40],
                aws_status=str(status.get("stringValue", "")).lower()[:40],
                aws_read_at=now,
            )


def differences(row: Submission, shown: ReadCase, template: Template) -> list[dict[str, Any]]:
    """What AWS shows otherwise than it was sent: `id`, `name`, and the unions `sent` and `shown` (null: nothing)."""
    return [
        {
            "id": field["id"],
            "name": name_of(template, field["id"]),
            "sent": field["value"],
            "shown": shown.fields.get(field["id"]),
        }
        for field in row.payload["fields"]
        if shown.fields.get(field["id"]) != field["value"]
    ]
