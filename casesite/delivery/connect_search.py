"""Searching Connect for cases of ours: by the reference that each carries as a tag, or at the end of its title."""

from dataclasses import dataclass
from datetime import datetime

from casesite import clock
from casesite.aws import connect_cases
from casesite.aws.connect_cases import FoundCase
from casesite.aws.errors import AwsError
from casesite.lookups.reading import target_of
from casesite.pacing import gate
from casesite.submissions import marker as markers
from casesite.submissions.connect import REFERENCE_TAG
from casesite.submissions.models import Submission

from . import lanes, process, reconcile
from .models import LookResult


@dataclass(frozen=True)
class Seen:
    """What a search brought of our own: cases by marker, the oldest first."""

    aws_date: datetime | None
    pages: int
    by_marker: dict[str, list[FoundCase]]


def search_own(row: Submission) -> Seen:
    """Search for cases with the row's own reference. Raises AwsError or GateClosed; then nothing counts."""
    domain_id, target = row.payload["domainId"], target_of(row.account)
    gate.wait_for_read(row.account_id, api=lanes.api_of(row))
    if REFERENCE_TAG in row.payload.get("tags", {}):
        found = connect_cases.search_by_tag(
            target, region=row.region, domain_id=domain_id, key=REFERENCE_TAG, value=row.marker
        )
    else:
        found = connect_cases.search_by_title(target, region=row.region, domain_id=domain_id, part=row.marker)
    return _sorted_out(found)


def search_since(row: Submission, since: datetime) -> Seen:
    """Search the domain for every case of ours that was opened since an instant, whichever submission opened it."""
    gate.wait_for_read(row.account_id, api=lanes.api_of(row))
    found = connect_cases.search_opened_since(
        target_of(row.account), region=row.region, domain_id=row.payload["domainId"], since=since
    )
    return _sorted_out(found)


def _sorted_out(found: connect_cases.Search) -> Seen:
    if found.aws_date:
        process.note_clock((found.aws_date - clock.now()).total_seconds())
    by_marker: dict[str, list[FoundCase]] = {}
    for case in found.cases:
        marker = case.tags.get(REFERENCE_TAG) or case.title.rpartition(" [")[2].removesuffix("]")
        if markers.is_valid(marker):
            by_marker.setdefault(marker, []).append(case)
    return Seen(found.aws_date, found.pages, by_marker)


def look_before_sending(row: Submission) -> reconcile.LookBefore:
    """Search for any case of ours for the row's case, whichever submission opened it."""
    bound = row.verify_first or clock.now()
    try:
        seen = search_since(row, row.case.created_at - reconcile.LOOK_BACK)
    except (AwsError, gate.GateClosed) as exc:
        reconcile.note_trouble(row.account_id, exc, lanes.api_of(row))
        return reconcile.could_not_look(row, bound, getattr(exc, "text", str(exc)))
    ours = sorted(marker for marker in seen.by_marker if markers.reference_of(marker) == row.case.reference)
    if not ours:
        counts = seen.aws_date is not None and seen.aws_date >= bound
        reconcile.note_look(row, bound, LookResult.ABSENT, seen.aws_date, seen.pages, counts=counts)
    for marker in ours:
        for case in seen.by_marker[marker]:
            known = {"remote_id": case.case_id}
            reconcile.note_look(row, bound, LookResult.FOUND, seen.aws_date, seen.pages, **known)
            reconcile.adopt_found(row, marker, case.case_id)
    return reconcile.LookBefore(found=bool(ours), aws_date=seen.aws_date)
