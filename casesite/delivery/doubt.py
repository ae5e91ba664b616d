"""What a restored database may have forgotten: cases that were sent after the backup was taken.

Every case without an id of AWS's is suspect then, drafts too, and nothing is sent for it until a search at AWS, made when
nothing can arrive there any more, has counted. A dispatcher marks the doubt as it starts; workers make the searches.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest

from casesite import clock, prepared
from casesite.cases.models import Case, Kind
from casesite.database import write
from casesite.pacing import bell, times
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount

from . import process
from .models import Beat, Doubt

logger = logging.getLogger(__name__)

LONG_ABSENCE = timedelta(minutes=15)  # of every process, without a clean stop
SEARCH_EVERY = timedelta(minutes=10)


# --- when a dispatcher starts ---------------------------------------------------------------------------------------------
def is_called_for() -> bool:
    """Whether nobody has beaten for long, and the last one to do so did not stop in order. Ask before the own first beat."""
    last = _last_beat()
    return last is not None and last.stopped_at is None and clock.now() - last.at > LONG_ABSENCE


def _last_beat() -> Beat | None:
    """The last beat from before this start.

    A worker may be quicker than its dispatcher: one that started long after the last dispatcher fell silent shows nothing.
    """
    beats = Beat.objects.filter(role__in=("dispatcher", "worker"))
    dispatcher = beats.filter(role="dispatcher").order_by("-at").first()
    if dispatcher is None:
        return None
    return beats.filter(started_at__lte=dispatcher.at + LONG_ABSENCE).order_by("-at").first()


def mark() -> None:
    """Have every case that AWS may have without our knowing searched for. Call it before anybody may claim."""
    now = clock.now()
    bound = now + times.validity(urgent=False) + times.visibility()
    with write():
        Case.objects.filter(aws_case_id=None).update(verify_first=bound)
        rows = Submission.objects.unfinished()
        rows.filter(Q(verify_first=None) | Q(verify_first__lt=bound)).update(verify_first=bound)
        after = bound + times.SECOND
        rows.filter(state=State.QUEUED, case__aws_case_id=None).update(
            due_at=Greatest(Coalesce("due_at", Value(after, DateTimeField())), Value(after, DateTimeField())),
            reason_code=Reason.VERIFYING,
            reason_text="",
        )
        for account in AwsAccount.objects.filter(Q(active=True) | Q(submissions__in=rows)).distinct():
            Doubt.objects.update_or_create(
                account=account,
                defaults={
                    "since": now,
                    "bound": bound,
                    "due_at": now,
                    "lease_until": None,
                    "lease_by": "",
                    "searches": 0,
                    "found": 0,
                    "error_text": "",
                    "settled_at": None,
                },
            )
    logger.warning("AWS is searched for what the database may have forgotten", extra={"until": bound.isoformat()})


def may_claim() -> bool:
    """Whether a dispatcher lives on this very database, so that every doubt is marked. Asked by each claim."""
    before = process.dispatchers_before
    if before is None:
        return True
    if process.dispatchers() <= before:
        return False
    process.dispatchers_before = None
    return True


# --- what is due ----------------------------------------------------------------------------------------------------------
def due(now: datetime) -> QuerySet[Doubt]:
    return Doubt.objects.filter(Q(lease_until=None) | Q(lease_until__lte=now), due_at__lte=now)


def due_leases(now: datetime) -> QuerySet[Doubt, tuple[Any, datetime | None]]:
    """The account of each search that is due, and until when somebody has it."""
    return Doubt.objects.filter(due_at__lte=now).order_by().values_list("account_id", "lease_until")


search_is_due = prepared.Rows(
    lambda account, now: due(now).filter(account_id=account).values_list("pk"), account=int, now=datetime
)


def suspects(account: AwsAccount) -> QuerySet[Case]:
    """Support cases that may have been opened in this account: its team may choose among accounts until it submits."""
    return _suspects(account, Kind.SUPPORT)


def suspects_in_connect(account: AwsAccount) -> QuerySet[Case]:
    """The same of Connect. Each is searched for once more in its own domain before it is sent, whatever was found before."""
    return _suspects(account, Kind.CONNECT)


def _suspects(account: AwsAccount, kind: Kind) -> QuerySet[Case]:
    here = Q(account=account) | Q(team__accounts=account) | Q(submissions__account=account)
    return Case.objects.filter(here, kind=kind, verify_first__isnull=False).distinct()


# --- the end of it --------------------------------------------------------------------------------------------------------
def bound_of(row: Submission) -> datetime | None:
    """From when on a search that finds nothing counts for this row; None where it needs none."""
    return max((at for at in (row.verify_first, row.case.verify_first) if at), default=None)


def searched_elsewhere(row: Submission) -> str:
    """Which other accounts may have the row's case and were not searched to the end, in a sentence; empty where none is left."""
    if row.case.verify_first is None or row.region:
        return ""
    places = Q(teams=row.case.team_id) | Q(cases=row.case_id) | Q(submissions__case=row.case_id)
    left = AwsAccount.objects.filter(places, doubt__settled_at=None, doubt__isnull=False).exclude(pk=row.account_id)
    names = ", ".join(left.distinct().values_list("name", flat=True))
    return f"It is still being looked for in: {names}." if names else ""


def clear_case(row: Submission) -> None:
    """A search that counted was made for this row, and none is left elsewhere."""
    Case.objects.filter(pk=row.case_id, verify_first__isnull=False).update(verify_first=None)
    row.case.verify_first = None


def clear_settled() -> None:
    """Lift the doubt from each case whose accounts were all searched to the end, and let its rows go on."""
    now = clock.now()
    with write():
        open_accounts = Doubt.objects.filter(settled_at=None).values("account")
        suspect = Case.objects.filter(kind=Kind.SUPPORT, verify_first__isnull=False)
        left = suspect.filter(
            Q(team__accounts__in=open_accounts)
            | Q(account__in=open_accounts)
            | Q(submissions__account__in=open_accounts)
        )
        done = list(suspect.exclude(pk__in=left.values("pk")).values_list("pk", flat=True))
        for at in range(0, len(done), 500):
            _clear(done[at : at + 500], now)


def _clear(case_pks: list[int], now: datetime) -> None:
    rows = Submission.objects.unfinished().filter(case__in=case_pks)
    # A person who waived an attempt may have put a later bound on a row: that one it keeps.
    rows.filter(verify_first__lte=F("case__verify_first")).update(verify_first=None)
    Case.objects.filter(pk__in=case_pks).update(verify_first=None)
    waiting = rows.filter(state=State.QUEUED, reason_code=Reason.VERIFYING, verify_first=None)
    accounts = set(waiting.values_list("account_id", flat=True))
    now_or_held = Greatest(Value(now, DateTimeField()), Coalesce(F("held_until"), Value(now, DateTimeField())))
    waiting.update(due_at=now_or_held, reason_code="")
    for account_pk in accounts:
        bell.ring_after_commit(bell.WORK_OFF, account_pk)
