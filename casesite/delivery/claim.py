"""Which row of an account goes out next, and the lease that lets one worker try.

The compare-and-set UPDATE is the lock on both databases; on PostgreSQL the account's gate row is locked before it, so that
two claims of one account do not count the same calls in flight, and a row that somebody else holds is passed over.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Min, Q, QuerySet

from casesite import clock, prepared
from casesite.catalog.models import SupportCatalog
from casesite.database import write
from casesite.pacing import gate, schedule, times
from casesite.pacing.models import AccountGate, Mode
from casesite.submissions import queue
from casesite.submissions.models import COMPANION_KINDS, PAYLOAD_VERSION, RANKS, URGENT_RANK, Kind, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.review_times import review_times
from casesite.submissions.states import State

from . import doubt, lanes, process
from .models import Outcome

SOON = timedelta(seconds=15)  # by then the dispatcher rings anyhow
AFTER_OTHERS = timedelta(seconds=30)  # until it is looked again whether a companion may go; it is told sooner, too
NOTHING_AT_AWS = (Outcome.REFUSED_RETRY, Outcome.REFUSED_FINAL, Outcome.NOT_SENT)


def claim_next(account_pk: int, region: str = "", *, probing: bool = False) -> Submission | None:
    """Claim the next due row of a lane for preparation, or None where nothing may go out now.

    `probing`: one row goes out although the gate is shut, to find out whether AWS lets us in again.
    """
    if not is_due(account_pk, region) or not doubt.may_claim():
        return None
    with write(durable=False):
        now = clock.now()
        locked = lock_gate(account_pk, region)
        if not probing and (gate.closed(locked, now) or gate.next_token(locked, now) > now):
            return None
        if in_flight(account_pk, region, now) >= lanes.most_in_flight(region):
            return None
        while row := _first_due(account_pk, region, now):
            if row.is_companion and _waits_for_others(row):
                Submission.objects.filter(pk=row.pk).update(
                    due_at=now + times.scaled(AFTER_OTHERS, floor=0.5), reason_code=Reason.AFTER_OTHERS
                )
                continue
            if _approval_ran_out(row, now):
                row.move(
                    State.PENDING_REVIEW,
                    what="approval_expired",
                    due_at=None,
                    reason_code=Reason.APPROVAL_EXPIRED,
                    first_approved_by=None,  # where two people approve, both do so anew
                    first_approved_at=None,
                    **review_times(row.account, now),
                )
                continue
            return _claimed(row, now)
    return None


def _waits_for_others(row: Submission) -> bool:
    """Whether something that comes before it in its case is not done yet."""
    earlier = Submission.objects.unfinished().filter(case=row.case_id, queued_at__lt=row.queued_at)
    return earlier.exists()


def lock_gate(account_pk: int, region: str = "") -> AccountGate:
    """The lane's write gate, locked for this transaction."""
    return gate.locked(account_pk, Mode.WRITE, lanes.api_in(region))


_leased = prepared.Rows(
    lambda account, region, now: Submission.objects.filter(
        account_id=account, region=region, lease_until__gt=now
    ).values_list("pk", "state", "lease_by", "lease_until"),
    account=int,
    region=str,
    now=datetime,
)


def in_flight(account_pk: int, region: str, now: datetime) -> int:
    """Calls of a lane under way, counted from live leases: a number kept somewhere would be wrong after a crash.

    One look serves many rows: those leased at the same instant by the same process count once.
    """
    calls: set[object] = {
        pk if state in (State.PREPARING, State.SENDING) else (lease_by, lease_until)
        for pk, state, lease_by, lease_until in _leased(account=account_pk, region=region, now=now)
    }
    return len(calls)


def queued_rows(account_pk: int, region: str = "") -> QuerySet[Submission]:
    """A lane's queued rows that this code understands. A case that is open is never opened again."""
    to_open = Q(case__aws_case_id__isnull=True)
    return Submission.objects.filter(
        to_open | Q(kind__in=(*COMPANION_KINDS, Kind.SUPPORT_RESOLVE)),
        account_id=account_pk,
        region=region,
        state=State.QUEUED,
        payload_version__lte=PAYLOAD_VERSION,
    )


def due_rows(account_pk: int, region: str, now: datetime) -> QuerySet[Submission]:
    """Queued rows whose time has come, whatever gate and budget say."""
    return queued_rows(account_pk, region).filter(due_at__lte=now)


def is_due(account_pk: int, region: str) -> bool:
    """Whether the time of one of the lane's rows has come, whatever gate and budget say."""
    return bool(_due(account=account_pk, region=region, now=clock.now()))


def seconds_to_next(account_pk: int, region: str, looked_at: datetime) -> float | None:
    """How long until the lane's pace lets a row out that a claim at `looked_at` could not have; None where nothing is near."""
    now = clock.now()
    found = _given_back(account=account_pk, region=region, after=looked_at, until=now + SOON)
    at = [due_at for (due_at,) in found]
    if is_due(account_pk, region):
        write_gate = gate.of(account_pk, Mode.WRITE, lanes.api_in(region))
        token_at = gate.next_token(write_gate, looked_at)
        if not gate.closed(write_gate, now) and looked_at < token_at <= now + SOON:
            at.append(token_at)
    return max(0.01, (min(at) - now).total_seconds()) if at else None


_due = prepared.Rows(
    lambda account, region, now: due_rows(account, region, now).values_list("pk")[:1],
    account=int,
    region=str,
    now=datetime,
)
# Those that found no token at their intent, another one having taken it.
_given_back = prepared.Rows(
    lambda account, region, after, until: (
        Submission.objects.filter(
            account_id=account,
            region=region,
            state=State.QUEUED,
            reason_code=Reason.PACE,
            due_at__gt=after,
            due_at__lte=until,
        )
        .order_by("due_at")
        .values_list("due_at")[:1]
    ),
    account=int,
    region=str,
    after=datetime,
    until=datetime,
)


def _unheld(rows: QuerySet[Submission]) -> QuerySet[Submission]:
    """The rows, locked, without those that somebody changes this moment: a person who cancels one holds up no other."""
    return rows.select_for_update(skip_locked=True, of=("self",))


def _first_due(account_pk: int, region: str, now: datetime) -> Submission | None:
    """The first row in claim order, of Support that the hour's budget has room for."""
    found = _first(account=account_pk, region=region, now=now)
    if not found:
        return None
    first: Submission = found[0]
    if region or first.kind == Kind.SUPPORT_RESOLVE:  # Connect knows no severity and no hour; resolving opens nothing
        return first
    budget = queue.budget_of(first.account, now)
    if not budget.has_room(now, urgent=first.is_urgent):
        return None
    lowest = max(RANKS.values()) if budget.has_room(now, urgent=False) else URGENT_RANK
    return _aged_past(first, lowest, now) or first


_first = prepared.Objects(
    lambda account, region, now: _unheld(due_rows(account, region, now)).order_by("rank", "queued_at")[:1],
    related=("account", "case"),
    account=int,
    region=str,
    now=datetime,
)
_aged = prepared.Rows(
    lambda account, now, above, lowest, before: (
        due_rows(account, "", now)
        .filter(rank__gt=above, rank__lte=lowest, queued_at__lte=before)
        .values_list("rank")
        .annotate(at=Min("queued_at"))
    ),
    account=int,
    now=datetime,
    above=int,
    lowest=int,
    before=datetime,
)


def _aged_past(first: Submission, lowest: int, now: datetime) -> Submission | None:
    """A row of a lower rank, down to `lowest`, that comes before the first: waiting lifts a row by a rank each half hour.

    In each rank the oldest stands for all.
    """
    account, before = first.account_id, now - schedule.AGING
    oldest = dict(_aged(account=account, now=now, above=first.rank, lowest=lowest, before=before))
    if not oldest:
        return None
    best = min(oldest, key=lambda rank: schedule.order_of(rank, oldest[rank], now))
    if schedule.order_of(best, oldest[best], now) >= schedule.order_of(first.rank, first.queued_at or now, now):
        return None
    aged = _unheld(due_rows(account, "", now)).filter(rank=best).select_related("account", "case")
    return aged.order_by("queued_at").first()


def _claimed(row: Submission, now: datetime) -> Submission | None:
    until, by = now + times.preparing_lease(), process.name()
    if not _take(pk=row.pk, token=row.token, until=until, by=by):
        return None
    row.state, row.token, row.claims = State.PREPARING, row.token + 1, row.claims + 1
    row.lease_until, row.lease_by = until, by
    return row


_take = prepared.Update(
    lambda pk, token, until, by: (
        Submission.objects.filter(pk=pk, state=State.QUEUED, token=token),
        {
            "state": State.PREPARING,
            "token": F("token") + 1,
            "lease_until": until,
            "lease_by": by,
            "claims": F("claims") + 1,
        },
    ),
    pk=UUID,
    token=int,
    until=datetime,
    by=str,
)


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
    newest = _newest_sha256(row)
    catalogue_moved = newest is not None and row.catalog_sha256 != "" and newest != row.catalog_sha256
    if not catalogue_moved and not (changed_at and changed_at > row.approved_at):
        return False
    return not row.attempts.exclude(outcome__in=NOTHING_AT_AWS).exists()


def _newest_sha256(row: Submission) -> str | None:
    """The hash of what AWS offers now, where its choices came from."""
    if row.template_version is not None:
        found = row.template_version.template.newest
        return found.content_sha256 if found else None
    newest = SupportCatalog.objects.newest_of(row.account)
    return newest.content_sha256 if newest else None


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
