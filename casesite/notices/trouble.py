"""Tells leads of what only people can end: a submission that needs one, an urgent one whose outcome is unknown, a stopped account.

Once for each fact, which is named by what it is about and since when: a look that finds nothing new tells nobody again. Who
has brought a submission before a person is not told of it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField, Exists, F, Max, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from casesite import clock
from casesite.cases.models import CaseEvent
from casesite.database import write
from casesite.pacing import times
from casesite.pacing.models import AccountGate, Circuit
from casesite.submissions.models import URGENT_RANK, Submission
from casesite.submissions.states import State
from casesite.teams.models import Membership, Role

from .models import Kind, Notice

AT_ONCE = 100  # rows of one round
LINE_PATIENCE = timedelta(minutes=5)  # a line that fails may come back by itself; missing access does not


def raise_new() -> None:
    """Write down each fact that leads were not told yet, and for whom."""
    now = clock.now()
    for kind, rows in ((Kind.ATTENTION, _needing_a_person()), (Kind.UNKNOWN, _urgent_and_unknown())):
        for row in _untold(rows, kind):
            leads = _leads().filter(team=row.case.team_id).exclude(user=row.brought_by)
            _tell(leads, now, kind=kind, submission=row, due_at=row.since)
    for account_pk, since in _stopped(now).items():
        leads = _leads().filter(team__accounts=account_pk)
        _tell(leads, now, kind=Kind.STOPPED, account_id=account_pk, due_at=since)


def still_holds(notice: Notice) -> bool:
    """Whether what a notice is about is as it was: a letter about anything else comes too late."""
    if notice.submission_id is None:
        return _shut_gates().filter(account=notice.account_id).exists()
    state = {Kind.ATTENTION: State.NEEDS_ATTENTION, Kind.UNKNOWN: State.UNKNOWN}.get(
        Kind(notice.kind), State.PENDING_REVIEW
    )
    return Submission.objects.filter(pk=notice.submission_id, state=state).exists()


# --- submissions -----------------------------------------------------------------------------------------------------------
def _needing_a_person() -> QuerySet[Submission]:
    return Submission.objects.filter(state=State.NEEDS_ATTENTION)


def _urgent_and_unknown() -> QuerySet[Submission]:
    return Submission.objects.filter(state=State.UNKNOWN, rank__lte=URGENT_RANK)


def _untold(rows: QuerySet[Submission], kind: Kind) -> Iterable[Any]:
    """Those of a kind that no lead was told since they came to their state, where there is a lead to tell."""
    came = CaseEvent.objects.filter(
        case=OuterRef("case"), submission_id=OuterRef("pk"), became=OuterRef("state")
    ).order_by("-id")
    told = Notice.objects.filter(submission=OuterRef("pk"), kind=kind, due_at=OuterRef("since"))
    leads = _leads().filter(team=OuterRef("case__team")).exclude(user=OuterRef("brought_by"))
    return (
        rows.annotate(
            since=Coalesce(Subquery(came.values("at")[:1]), F("submitted_at")),
            brought_by=Coalesce(Subquery(came.values("by")[:1]), Value(0), output_field=BigIntegerField()),
        )
        .filter(~Exists(told), Exists(leads))
        .select_related("case")
        .defer("content", "payload")
        .order_by("since")[:AT_ONCE]
    )


# --- accounts --------------------------------------------------------------------------------------------------------------
def _shut_gates() -> QuerySet[AccountGate]:
    return AccountGate.objects.exclude(circuit=Circuit.CLOSED)


def _stopped(now: datetime) -> dict[int, datetime]:
    """Accounts that are stopped and of which nobody was told since, by primary key, with the time it began."""
    since: dict[int, datetime] = {}
    for gate in _shut_gates().filter(opened_at__isnull=False):
        at = gate.opened_at or now
        patience = times.scaled(LINE_PATIENCE) if gate.trouble == "connection" else timedelta(0)
        if at <= now - patience:
            since[gate.account_id] = min(at, since.get(gate.account_id, at))
    told = Notice.objects.filter(kind=Kind.STOPPED, account__in=since).values_list("account").annotate(at=Max("due_at"))
    last = dict(told.order_by())
    return {pk: at for pk, at in since.items() if pk not in last or last[pk] < at}


# --- whom ------------------------------------------------------------------------------------------------------------------
def _leads() -> QuerySet[Membership]:
    return Membership.objects.filter(role=Role.LEAD, user__is_active=True)


def _tell(leads: QuerySet[Membership], now: datetime, **fact: Any) -> None:
    people = {each.user_id: each.user for each in leads.select_related("user")}
    with write():
        Notice.objects.bulk_create(
            (
                Notice(user=person, at=now, next_try_at=now if settings.MAIL and person.email else None, **fact)
                for person in people.values()
            ),
            ignore_conflicts=True,  # two dispatchers, one of which believed for a moment that it was elected
        )
