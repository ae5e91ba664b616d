"""Searching an account for cases of ours that the database does not know of."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Min, Q, QuerySet

from casesite import clock
from casesite.aws.errors import AwsError
from casesite.aws.support import FoundCase
from casesite.cases.models import Case
from casesite.catalog.known import LANGUAGES
from casesite.database import write
from casesite.lookups.reading import target_of
from casesite.pacing import gate, times
from casesite.pacing.models import Mode
from casesite.submissions import marker as markers
from casesite.submissions import proven
from casesite.submissions.models import Submission
from casesite.teams.models import AwsAccount

from . import doubt, process, reconcile, watch
from .models import Doubt, LookResult, Watch
from .reconcile import Seen

logger = logging.getLogger(__name__)

KEPT_AT_AWS = timedelta(days=730)  # AWS shows cases for 24 months
EVERY_LANGUAGE = tuple(code for code, _name in LANGUAGES)


# --- after a restore --------------------------------------------------------------------------------------------------------
def settle_doubt(account_pk: int) -> bool:
    """Search the account for what a restored database may have forgotten. False where no search is due."""
    if not doubt.search_is_due(account=account_pk, now=clock.now()):
        return False
    claimed = _claim(account_pk)
    if claimed is None:
        return False
    account = claimed.account
    oldest = doubt.suspects(account).order_by("created_at").values_list("created_at", flat=True).first()
    try:
        seen = whole(account, after=oldest - reconcile.LOOK_BACK) if oldest else None
    except (AwsError, gate.GateClosed) as exc:
        reconcile.note_trouble(account.pk, exc)
        _release(
            claimed, due_at=clock.now() + times.scaled(times.MINUTE), error_text=getattr(exc, "text", str(exc))[:1000]
        )
        return True
    found = take_all(account, seen) if seen else 0
    _store(claimed, seen, found)
    return True


def _claim(account_pk: int) -> Doubt | None:
    now = clock.now()
    with write():
        row = doubt.due(now).filter(account_id=account_pk).select_related("account").first()
        if row is None or not doubt.due(now).filter(pk=row.pk).update(
            lease_until=now + times.look_lease(), lease_by=process.name()
        ):
            return None
    return row


def _store(claimed: Doubt, seen: Seen | None, found: int) -> None:
    """A search at or after the bound, by AWS's clock, ends the doubt, whatever it found."""
    now = clock.now()
    if seen is None or (seen.aws_date is not None and seen.aws_date >= claimed.bound):
        with write():
            if _release(claimed, due_at=None, settled_at=now, error_text="", found=F("found") + found):
                doubt.clear_settled()
        return
    at_bound = claimed.bound + times.SECOND  # AWS's Date header counts whole seconds
    again = (
        min(now + times.scaled(doubt.SEARCH_EVERY), at_bound) if now < at_bound else now + times.scaled(times.MINUTE)
    )
    _release(claimed, due_at=again, error_text="", found=F("found") + found)


def _release(claimed: Doubt, **fields: object) -> bool:
    """Write down how the search ended, unless the doubt was marked anew meanwhile."""
    with write():
        ours = Doubt.objects.filter(pk=claimed.pk, since=claimed.since, settled_at=None)
        return bool(ours.update(lease_until=None, lease_by="", searches=F("searches") + 1, **fields))


# --- after success ----------------------------------------------------------------------------------------------------------
def look_again(account_pk: int) -> bool:
    """Look again for all of the account's due rows with one search. False where none was due."""
    if not watch.is_due(account=account_pk, now=clock.now()):
        return False
    claimed = claim_watches(
        watch.due(clock.now()).filter(submission__account=account_pk, submission__region=""), at_once=reconcile.AT_ONCE
    )
    if not claimed:
        return False
    rows = [each.submission for each in claimed]
    sent = Submission.objects.filter(pk__in=[row.pk for row in rows]).aggregate(at=Min("attempts__started_at"))["at"]
    try:
        seen = reconcile.search(target_of(rows[0].account), rows, after=sent - reconcile.LOOK_BACK)
    except (AwsError, gate.GateClosed) as exc:
        reconcile.note_trouble(account_pk, exc)
        try_again(claimed, getattr(exc, "text", str(exc)))
        return True
    with write():
        gate.went_well(account_pk, Mode.READ)
    for each in claimed:
        _store_watch(each, seen)
    return True


def claim_watches(due: QuerySet[Watch], *, at_once: int) -> list[Watch]:
    """Take some that are due under a lease."""
    now = clock.now()
    with write(durable=False):
        return [
            each
            for each in due.select_related("submission__account", "submission__case")[:at_once]
            if watch.due(now).filter(pk=each.pk).update(lease_until=now + times.look_lease(), lease_by=process.name())
        ]


def _store_watch(watched: Watch, seen: Seen) -> None:
    row, found = watched.submission, seen.of(watched.submission)
    result = LookResult.FOUND if found else LookResult.ABSENT
    store_look(watched, result, seen.aws_date, seen.pages, [case.case_id for case in found[:1]])
    for case in found:
        row.refresh_from_db()
        take_for_row(row, case)
    release_watch(watched, step=watched.step + 1, due_at=watch.next_at(watched), error_text="")


def store_look(watched: Watch, result: LookResult, aws_date: datetime | None, pages: int, found: Sequence[str]) -> None:
    """Write down what a look after success saw: the first case of AWS's that it found, if any."""
    with write():
        reconcile.note_look(watched.submission, clock.now(), result, aws_date, pages, remote_id="".join(found[:1]))


def try_again(claimed: list[Watch], text: str) -> None:
    """A look that could not be made is made later."""
    for each in claimed:
        release_watch(each, due_at=watch.again_at(each), error_text=text[:1000])


def release_watch(watched: Watch, **fields: Any) -> None:
    """Give the lease back, where it was not lost."""
    with write(durable=False):
        ours = Watch.objects.filter(pk=watched.pk, lease_by=process.name())
        ours.update(lease_until=None, lease_by="", **fields)


# --- orphans ----------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Orphan:
    """A case at AWS that bears a valid marker of ours, and no row here knows of it."""

    account: AwsAccount
    marker: str
    case_id: str
    display_id: str
    status: str
    subject: str
    has_case: bool  # the case of its reference is still here


def orphans(account: AwsAccount) -> list[Orphan]:
    """Search an account for Support cases, as far back as AWS shows them. Raises AwsError or GateClosed."""
    seen = whole(account, after=clock.now() - KEPT_AT_AWS)
    marked = [(marker, case) for marker, cases in seen.by_marker.items() for case in cases]
    return [
        an_orphan(account, marker, case.case_id, case.display_id, case.status, case.subject)
        for marker, case in marked
        if not is_known(account, case.case_id)
    ]


def is_known(account: AwsAccount, case_id: str) -> bool:
    """Whether a case or a row here names this case of AWS's."""
    here = Case.objects.filter(Q(account=account) | Q(submissions__account=account))
    rows = Submission.objects.opening().filter(account=account)
    return (
        here.filter(Q(aws_case_id=case_id) | Q(duplicate_aws_case_id=case_id)).exists()
        or rows.filter(Q(remote_id=case_id) | Q(duplicate_remote_id=case_id)).exists()
    )


def an_orphan(account: AwsAccount, marker: str, case_id: str, display_id: str, status: str, subject: str) -> Orphan:
    has_case = Case.objects.filter(reference=markers.reference_of(marker)).exists()
    return Orphan(account, marker, case_id, display_id, status, subject, has_case)


# --- searching --------------------------------------------------------------------------------------------------------------
def whole(account: AwsAccount, *, after: datetime) -> Seen:
    """Every case of the account opened after an instant, each with its first communication where that may bear a marker.

    Raises AwsError or GateClosed; then nothing that was read counts.
    """
    after = max(after, clock.now() - KEPT_AT_AWS)
    seen = reconcile.search_account(
        account.pk, target_of(account), subjects=set(), languages=EVERY_LANGUAGE, after=after, read_all=True
    )
    with write():
        gate.went_well(account.pk, Mode.READ)
    return seen


def take_all(account: AwsAccount, seen: Seen, *, reference: str = "") -> int:
    """Take over the cases that bear a marker of ours, of one reference or of any, the oldest first; how many were news."""
    marked = [
        (marker, case)
        for marker, cases in seen.by_marker.items()
        for case in cases
        if not reference or markers.reference_of(marker) == reference
    ]
    marked.sort(key=lambda pair: (pair[1].created_at is None, pair[1].created_at, pair[1].case_id))
    return sum(_take(account, marker, case) for marker, case in marked)


def _take(account: AwsAccount, marker: str, found: FoundCase) -> bool:
    """A case of ours at AWS. The row whose marker it bears is proven by it, or else the case of that reference. True where it was news."""
    row = Submission.objects.opening().filter(marker=marker).first()
    if row:
        return take_for_row(row, found)
    case = Case.objects.filter(reference=markers.reference_of(marker)).first()
    if case is None:
        logger.warning(
            "a case at AWS bears a marker of ours but no case here its reference", extra=_facts(account, found)
        )
        return False
    if found.case_id in (case.aws_case_id, case.duplicate_aws_case_id):
        return False
    if not proven.record_orphan(case.pk, found.case_id, account_id=account.pk):
        return False
    reconcile.store_details_of_case(case.pk, found)
    return True


def take_for_row(row: Submission, found: FoundCase) -> bool:
    """A case that bears the marker of a row proves it; or it is a second one. True where it was news."""
    if found.case_id in (row.remote_id, row.duplicate_remote_id):
        return False
    reconcile.take(row, found.case_id, found.created_at)
    reconcile.store_details({row.pk: found})
    return True


def _facts(account: AwsAccount, found: FoundCase) -> dict[str, str]:
    return {"account": account.account_id, "aws_case": found.case_id}
