"""Searching Connect for cases of ours: by the reference that each carries as a tag, or at the end of its title."""

from dataclasses import dataclass
from datetime import datetime

from casesite import clock
from casesite.aws import connect_cases
from casesite.aws.errors import AwsError
from casesite.database import write
from casesite.lookups.reading import target_of
from casesite.pacing import gate
from casesite.submissions import marker as markers
from casesite.submissions import proven
from casesite.submissions.connect import REFERENCE_TAG
from casesite.submissions.models import TOKEN_KINDS, Kind, Submission

from . import connect_files, journal, lanes, process, reconcile
from .models import Attempt, LookResult, Outcome


@dataclass(frozen=True)
class Seen:
    """What a search brought of our own: AWS's ids by marker, the oldest first."""

    aws_date: datetime | None
    pages: int
    by_marker: dict[str, list[str]]


def search_own(row: Submission) -> Seen:
    """Search for what the row made, by its own reference. Raises AwsError or GateClosed; then nothing counts."""
    gate.wait_for_read(row.account_id, api=lanes.api_of(row))
    if row.kind == Kind.CONNECT_FILE:
        return _files(row)
    return _comments(row) if row.kind == Kind.CONNECT_COMMENT else _cases(row)


def search_since(row: Submission, since: datetime) -> Seen:
    """Search the domain for every case of ours that was opened since an instant, whichever submission opened it."""
    gate.wait_for_read(row.account_id, api=lanes.api_of(row))
    found = connect_cases.search_opened_since(
        target_of(row.account), region=row.region, domain_id=row.payload["domainId"], since=since
    )
    return _sorted_out(found)


def _cases(row: Submission) -> Seen:
    where = {"region": row.region, "domain_id": row.payload["domainId"]}
    if REFERENCE_TAG in row.payload.get("tags", {}):
        found = connect_cases.search_by_tag(target_of(row.account), key=REFERENCE_TAG, value=row.marker, **where)
    else:
        found = connect_cases.search_by_title(target_of(row.account), part=row.marker, **where)
    return _sorted_out(found)


def _comments(row: Submission) -> Seen:
    """A comment ends with the reference of the case that it was decided with."""
    items, aws_date, pages = connect_cases.related_items(
        target_of(row.account),
        region=row.region,
        domain_id=row.payload["domainId"],
        case_id=str(row.case.aws_case_id),
        filter_={"comment": {}},
    )
    bodies = {item["relatedItemId"]: item["content"].get("comment", {}).get("body", "") for item in items}
    ours = [id_ for id_, body in bodies.items() if markers.in_body(body) == row.content["reference"]]
    return Seen(_noted(aws_date), pages, {row.marker: ours[::-1]})


def _files(row: Submission) -> Seen:
    """A file is known by the name that AWS gave it, at any of the tries to bring it. Without one nothing was ever related."""
    arns = connect_files.arns_of(row)
    items, aws_date, pages = connect_cases.related_items(
        target_of(row.account),
        region=row.region,
        domain_id=row.payload["domainId"],
        case_id=row.payload["caseId"],
        filter_={"file": {"fileArn": min(arns)}} if len(arns) == 1 else {"file": {}},
    )
    ours = [item["relatedItemId"] for item in items if item["content"].get("file", {}).get("fileArn") in arns]
    return Seen(_noted(aws_date), pages, {row.marker: ours} if ours else {})


def _sorted_out(found: connect_cases.Search) -> Seen:
    by_marker: dict[str, list[str]] = {}
    for case in found.cases:
        marker = marker_of(case)
        if markers.is_valid(marker):
            by_marker.setdefault(marker, []).append(case.case_id)
    return Seen(_noted(found.aws_date), found.pages, by_marker)


def marker_of(case: connect_cases.FoundCase) -> str:
    """What stands where our reference would; it need not be one."""
    return case.tags.get(REFERENCE_TAG) or case.title.rpartition(" [")[2].removesuffix("]")


def _noted(aws_date: datetime | None) -> datetime | None:
    if aws_date:
        process.note_clock((aws_date - clock.now()).total_seconds())
    return aws_date


def look_before_sending(row: Submission) -> reconcile.LookBefore:
    """Search for what the row would make: any case of ours for its case, whichever submission opened it; a companion's own."""
    bound = row.verify_first or clock.now()
    try:
        seen = search_own(row) if row.is_companion else search_since(row, row.case.created_at - reconcile.LOOK_BACK)
    except (AwsError, gate.GateClosed) as exc:
        reconcile.note_trouble(row.account_id, exc, lanes.api_of(row))
        return reconcile.could_not_look(row, bound, getattr(exc, "text", str(exc)))
    ours = [
        (marker, remote_id)
        for marker, ids in sorted(seen.by_marker.items())
        if markers.reference_of(marker) == row.case.reference
        for remote_id in ids
    ]
    if not ours:
        counts = seen.aws_date is not None and seen.aws_date >= bound
        reconcile.note_look(row, bound, LookResult.ABSENT, seen.aws_date, seen.pages, counts=counts)
    for marker, remote_id in ours:
        reconcile.note_look(row, bound, LookResult.FOUND, seen.aws_date, seen.pages, remote_id=remote_id)
        if row.is_companion:
            for attempt in take_found(row, remote_id):
                journal.settled(attempt, row, Outcome.DONE, by="look")
        else:
            reconcile.adopt_found(row, marker, remote_id)
    return reconcile.LookBefore(found=bool(ours), aws_date=seen.aws_date)


def take_found(row: Submission, remote_id: str) -> list[Attempt]:
    """Record what AWS has of a companion; returns the attempts that are proven by it."""
    with write():
        locked = proven.locked(row.pk)
        unproven = row.attempts.filter(outcome__in=(Outcome.UNKNOWN, Outcome.WAIVED)).order_by("-n")
        # Repeats of one client token are one request. Without a token each is one of its own, and the newest is the likeliest.
        proved = list(unproven if row.kind in TOKEN_KINDS else unproven[:1])
        row.attempts.filter(pk__in=[attempt.pk for attempt in proved]).update(outcome=Outcome.DONE, remote_id=remote_id)
        proven.record_done(locked, remote_id)
    return proved
