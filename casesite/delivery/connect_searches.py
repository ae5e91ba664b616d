"""Searching the domains of Connect for cases of ours that the database does not know of.

A client token keeps a repeat from opening a second case for as long as AWS knows it, which nobody promises for how long; and
what a lead gave up may arrive after all. So what was ever unclear is looked up again here, too.
"""

from datetime import datetime

from django.db.models import QuerySet

from casesite import clock
from casesite.aws import connect_cases
from casesite.aws.connect_cases import FoundCase
from casesite.aws.errors import AwsError
from casesite.cases.models import Case
from casesite.catalog.models import CasesDomain
from casesite.lookups.reading import target_of
from casesite.pacing import gate
from casesite.submissions import marker as markers
from casesite.submissions import proven
from casesite.submissions.models import Submission
from casesite.teams.models import AwsAccount

from . import connect_search, doubt, lanes, reconcile, searches, watch
from .models import LookResult, Watch
from .searches import Orphan


# --- after a restore --------------------------------------------------------------------------------------------------------
def take_forgotten(account_pk: int) -> None:
    """Take what a restored database forgot that it sent to Connect: drafts may have been submitted, what waits approved.

    A domain that cannot be searched keeps no other waiting, nor Support: it is tried again with the account's next search.
    """
    account = AwsAccount.objects.get(pk=account_pk)
    oldest = doubt.suspects_in_connect(account).order_by("created_at").values_list("created_at", flat=True).first()
    if oldest is None:
        return
    for domain in _domains(account):
        try:
            seen = _search(account, domain, oldest - reconcile.LOOK_BACK)
        except (AwsError, gate.GateClosed) as exc:
            reconcile.note_trouble(account.pk, exc, lanes.api_in(domain.region))
            continue
        for case in seen.cases:
            if markers.is_valid(marker := connect_search.marker_of(case)) and not searches.is_known(
                account, case.case_id
            ):
                _take(account, marker, case.case_id)


def _take(account: AwsAccount, marker: str, case_id: str) -> None:
    row = Submission.objects.opening().filter(marker=marker).first()
    case = Case.objects.filter(reference=markers.reference_of(marker)).first()
    if row:
        reconcile.take(row, case_id)
    elif case:
        proven.record_orphan(case.pk, case_id, account_id=account.pk)


# --- after success ----------------------------------------------------------------------------------------------------------
def look_again(account_pk: int) -> bool:
    """Look again for one of the account's due rows of Connect. False where none was due."""
    if not watch.is_due_in_connect(account=account_pk, now=clock.now()):
        return False
    due = watch.due(clock.now()).filter(submission__account=account_pk, submission__region__gt="")
    claimed = searches.claim_watches(due, at_once=1)
    for each in claimed:
        _look(each)
    return bool(claimed)


def _look(watched: Watch) -> None:
    row = watched.submission
    try:
        seen = connect_search.search_own(row)
    except (AwsError, gate.GateClosed) as exc:
        reconcile.note_trouble(row.account_id, exc, lanes.api_of(row))
        searches.try_again([watched], getattr(exc, "text", str(exc)))
        return
    found = seen.by_marker.get(row.marker, [])
    searches.store_look(watched, LookResult.FOUND if found else LookResult.ABSENT, seen.aws_date, seen.pages, found[:1])
    for case_id in found:
        row.refresh_from_db()
        if case_id not in (row.remote_id, row.duplicate_remote_id):
            reconcile.take(row, case_id)
    searches.release_watch(watched, step=watched.step + 1, due_at=watch.next_at(watched), error_text="")


# --- orphans ----------------------------------------------------------------------------------------------------------------
def orphans(account: AwsAccount) -> list[Orphan]:
    """Search each domain of the account that is still there. Raises AwsError or GateClosed."""
    since = clock.now() - searches.KEPT_AT_AWS
    seen = [case for domain in _domains(account) for case in _search(account, domain, since).cases]
    return [orphan for case in seen if (orphan := _orphan(account, case))]


def _domains(account: AwsAccount) -> QuerySet[CasesDomain]:
    return CasesDomain.objects.filter(account=account, gone_at=None).order_by("region", "domain_id")


def _search(account: AwsAccount, domain: CasesDomain, since: datetime) -> connect_cases.Search:
    gate.wait_for_read(account.pk, api=lanes.api_in(domain.region))
    where = {"region": domain.region, "domain_id": domain.domain_id}
    return connect_cases.search_opened_since(target_of(account), since=since, **where)


def _orphan(account: AwsAccount, case: FoundCase) -> Orphan | None:
    marker = connect_search.marker_of(case)
    if not markers.is_valid(marker) or searches.is_known(account, case.case_id):
        return None
    return searches.an_orphan(account, marker, case.case_id, case.number, case.status, case.title)
