"""Which row of an account goes out next, and the lease that lets one worker try.

The compare-and-set UPDATE is the lock on both databases; on PostgreSQL the account's gate row is locked before it, so that
two claims of one account do not count the same calls in flight.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from casesite import clock
from casesite.catalog.models import SupportCatalog
from casesite.database import write
from casesite.pacing import gate, schedule, times
from casesite.pacing.models import AccountGate, Mode
from casesite.submissions import queue
from casesite.submissions.models import PAYLOAD_VERSION, URGENT_RANK, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount

from . import process
from .models import Outcome

IN_FLIGHT = 2  # calls of one account at a time: a slow account holds two threads, never all
NOTHING_AT_AWS = (Outcome.REFUSED_RETRY, Outcome.REFUSED_FINAL, Outcome.NOT_SENT)


def claim_next(account_pk: int) -> Submission | None:
    """Claim the account's next due row for preparation, or None where nothing may go out now."""
    with write():
        now = clock.now()
        if gate.closed(lock_gate(account_pk), now) or in_flight(account_pk, now) >= IN_FLIGHT:
            return None
        while row := _first_due(account_pk, now):
            if _approval_ran_out(row, now):
                row.move(
                    State.PENDING_REVIEW, what="approval_expired", due_at=None, reason_code=Reason.APPROVAL_EXPIRED
                )
                continue
            return _claimed(row, now)
    return None


def lock_gate(account_pk: int) -> AccountGate:
    """The account's write gate, locked for this transaction."""
    return AccountGate.objects.select_for_update().get(pk=gate.of(account_pk, Mode.WRITE).pk)


def in_flight(account_pk: int, now: datetime) -> int:
    """Calls under way, counted from live leases: a number kept somewhere would be wrong after a crash.

    One look serves many rows: those leased at the same instant by the same process count once.
    """
    leased = Submission.objects.filter(account_id=account_pk, lease_until__gt=now)
    sends = Q(state__in=(State.PREPARING, State.SENDING))
    looks = leased.exclude(sends).values("lease_by", "lease_until").distinct()
    return leased.filter(sends).count() + looks.count()


def queued_rows(account_pk: int) -> QuerySet[Submission]:
    """Queued rows that this code understands. A case that is open is never opened again."""
    return Submission.objects.filter(
        account_id=account_pk,
        state=State.QUEUED,
        payload_version__lte=PAYLOAD_VERSION,
        case__aws_case_id__isnull=True,
    )


def due_rows(account_pk: int, now: datetime) -> QuerySet[Submission]:
    """Queued rows whose time has come, whatever gate and budget say."""
    return queued_rows(account_pk).filter(due_at__lte=now)


def seconds_to_next(account_pk: int) -> float | None:
    """How long until a row that waits for the account's pace comes due, where that is under a second.

    One that came due this moment, after the last claim looked, counts as well.
    """
    now = clock.now()
    soon = Submission.objects.filter(
        account_id=account_pk,
        state=State.QUEUED,
        reason_code=Reason.PACE,
        due_at__gt=now - times.SECOND,
        due_at__lte=now + times.SECOND,
    )
    due_at = soon.order_by("due_at").values_list("due_at", flat=True).first()
    return max(0.01, (due_at - now).total_seconds()) if due_at else None


def _first_due(account_pk: int, now: datetime) -> Submission | None:
    """The first row in claim order that the hour's budget has room for."""
    due = due_rows(account_pk, now)
    if not due.exists():
        return None
    budget = queue.budget_of(AwsAccount.objects.get(pk=account_pk), now)
    if not budget.has_room(now, urgent=True):
        return None
    if not budget.has_room(now, urgent=False):
        due = due.filter(rank__lte=URGENT_RANK)
    ordered = due.order_by("rank", "queued_at").select_related("account", "case")
    first = ordered.first()
    if first is None:
        return None
    # Waiting lifts a row by a rank each half hour, so an older row of a lower rank may come first. In each rank the
    # oldest stands for all.
    best = first
    aged = ordered.filter(rank__gt=first.rank, queued_at__lte=now - schedule.AGING)
    for rank in set(aged.values_list("rank", flat=True).distinct().order_by("rank")):
        oldest = aged.filter(rank=rank).first()
        if oldest and _order(oldest, now) < _order(best, now):
            best = oldest
    return best


def _order(row: Submission, now: datetime) -> tuple[int, datetime]:
    return schedule.order_of(row.rank, row.queued_at or now, now)


def _claimed(row: Submission, now: datetime) -> Submission | None:
    fields: dict[str, Any] = {
        "state": State.PREPARING,
        "token": row.token + 1,
        "lease_until": now + times.preparing_lease(),
        "lease_by": process.name(),
        "claims": row.claims + 1,
    }
    if not Submission.objects.filter(pk=row.pk, state=State.QUEUED, token=row.token).update(**fields):
        return None
    for field, value in fields.items():
        setattr(row, field, value)
    return row


def renew(row: Submission, longer: timedelta = timedelta(0)) -> bool:
    """Hold the row's preparation for another lease, and `longer`; False where it was lost meanwhile."""
    until = clock.now() + times.preparing_lease() + longer
    with write():
        held = Submission.objects.filter(pk=row.pk, state=State.PREPARING, token=row.token).update(lease_until=until)
    row.lease_until = until
    return bool(held)


def _approval_ran_out(row: Submission, now: datetime) -> bool:
    """An old approval counts no more where the account or the catalogue changed since, and AWS certainly has nothing."""
    if row.approved_at is None or row.approved_at + row.account.approval_hours * 60 * times.MINUTE > now:
        return False
    changed_at = row.account.settings_changed_at
    newest = SupportCatalog.objects.newest_of(row.account)
    catalogue_moved = newest is not None and row.catalog_sha256 != "" and newest.content_sha256 != row.catalog_sha256
    if not catalogue_moved and not (changed_at and changed_at > row.approved_at):
        return False
    return not row.attempts.exclude(outcome__in=NOTHING_AT_AWS).exists()


def give_back(row: Submission, *, due_at: datetime, reason: Reason, text: str = "") -> bool:
    """End a preparation in order; False where the lease was lost meanwhile."""
    with write():
        return bool(
            Submission.objects.filter(pk=row.pk, state=State.PREPARING, token=row.token).update(
                state=State.QUEUED,
                token=F("token") + 1,
                due_at=due_at,
                claims=0,
                lease_until=None,
                lease_by="",
                reason_code=reason,
                reason_text=text[:2000],
            )
        )
