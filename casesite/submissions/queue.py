"""Where an account stands: what it used of its hour, what keeps it shut, what waits, and when each row goes out.

The worker's claim, the pages' promises and the form's outlook all read it from here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, FilteredRelation, Q, QuerySet, Value, When, Window
from django.db.models.functions import Coalesce, RowNumber

from casesite import prepared
from casesite.pacing import gate as gates
from casesite.pacing import times
from casesite.pacing.budget import Budget
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.pacing.schedule import Slot, Waiting, slots
from casesite.teams.models import AwsAccount

from .models import RANKS, URGENT_RANK, Kind, Submission
from .states import State

# Attempts that AWS may count: under way, done, and those whose outcome nobody knows.
COUNTED = ("", "done", "unknown")
_CONNECT = "connectcases"
PLANNED_ROWS = 200  # of one account; who stands behind these is told no time


@dataclass(frozen=True)
class Gate:
    """What may keep an account's sending shut."""

    blocked_until: datetime | None = None
    circuit: str = Circuit.CLOSED
    trouble: str = ""
    because: str = ""  # throttled, quota, circuit
    rate: float | None = None  # writes a second; None where nothing was sent yet


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One account at one instant; or, where it has a region, its cases of Connect there, which no hour limits."""

    now: datetime
    region: str = ""
    budget: Budget
    rows: tuple[Waiting, ...]  # queued
    preparing: tuple[bool, ...]  # about to leave; True where urgent
    gate: Gate

    @property
    def shut_until(self) -> datetime | None:
        """Until when the account's gate lets nothing out, or None where it is open."""
        until = self.gate.blocked_until
        return until if until and until > self.now else None

    @property
    def trouble(self) -> str:
        """Why calls to AWS are stopped: access, connection, or nothing."""
        return self.gate.trouble if self.gate.circuit != Circuit.CLOSED else ""

    @cached_property
    def slots(self) -> dict[UUID, Slot]:
        """When each queued row goes out if nothing else happens and why not sooner, the next one first."""
        return self._slots(self.rows)

    @cached_property
    def planned(self) -> dict[UUID, datetime]:
        """The times alone."""
        return {key: slot.at for key, slot in self.slots.items()}

    @cached_property
    def places(self) -> dict[UUID, int]:
        """The number of each queued row in line."""
        return {key: number for number, key in enumerate(self.slots, start=1)}

    def is_now(self, at: datetime | None) -> bool:
        """Whether a planned time is as good as now: the site looks around every few seconds."""
        return at is not None and at <= self.now + times.scaled(times.MINUTE / 2)

    def free_at(self, *, urgent: bool) -> datetime:
        """The earliest instant at which one more case may go out, were nothing else waiting."""
        at = max(self.now, self.shut_until or self.now)
        return self._after_preparing().free_at(at, urgent=urgent)

    def would_go_out(self, severity_code: str) -> datetime | None:
        """When a case of that severity would go out if it were queued now; None behind more rows than are planned."""
        if len(self.rows) >= PLANNED_ROWS:
            return None
        rank = RANKS.get(severity_code, max(RANKS.values()))
        new = Waiting(key=None, rank=rank, urgent=rank <= URGENT_RANK, queued_at=self.now, due_at=self.now)
        return self._slots((*self.rows, new))[None].at

    def _slots(self, rows: Iterable[Waiting]) -> dict[Any, Slot]:
        pace = timedelta(seconds=1 / (self.gate.rate or gates.rate_of(_CONNECT if self.region else "support")))
        return slots(rows, self._after_preparing(), self.now, not_before=self.shut_until, pace=pace)

    def _after_preparing(self) -> Budget:
        budget = self.budget
        for urgent in self.preparing:
            budget = budget.spend(self.now, urgent=urgent)
        return budget


def budget_of(account: AwsAccount, now: datetime) -> Budget:
    """What the account has used of the rolling hour."""
    attempts = _counted_of(account=account.pk, at_aws=account.account_id, since=_earliest_start(now))
    return _as_budgets([account], attempts, now)[account.pk]


def _earliest_start(now: datetime) -> datetime:
    """Attempts begun since then may count still."""
    return now - times.hour() - times.sending_lease()


def _counted(since: datetime, **where: Any) -> QuerySet[Submission]:
    """Support openings with attempts begun since then that AWS may count, once for each attempt. Connect counts no hour."""
    return Submission.objects.filter(
        kind=Kind.SUPPORT_CASE, attempts__started_at__gt=since, attempts__outcome__in=COUNTED, **where
    )


def _counted_of_accounts(accounts: list[int], at_aws: list[str], since: datetime) -> QuerySet[Submission]:
    """Those of some accounts, found in the index of attempts by the account's number at AWS and the hour: neither what an account
    ever sent is read, which grows for years, nor what all others sent this hour.

    Added to zero, the account's key is not what SQLite looks for first.
    """
    return _counted(since, attempts__account_id_at_aws__in=at_aws).alias(of=F("account_id") + 0).filter(of__in=accounts)


_counted_of = prepared.Rows(
    lambda account, at_aws, since: _counted_of_accounts([account], [at_aws], since).values_list(
        "account_id", "rank", "attempts__started_at", "attempts__closed_at"
    ),
    account=int,
    at_aws=str,
    since=datetime,
)


# Grouped by the number alone: else SQLite would read all that each account ever sent in the order of accounts.
_used = prepared.Rows(
    lambda since, earliest: (
        _counted(earliest)
        .alias(counts_from=Coalesce("attempts__closed_at", "attempts__started_at"))
        .filter(counts_from__gt=since)
        .order_by()
        .annotate(of=F("account_id") + 0)
        .values_list("of")
        .annotate(
            ordinary=Count(Case(When(rank__gt=URGENT_RANK, then=1))),
            urgent=Count(Case(When(rank__lte=URGENT_RANK, then=1))),
        )
    ),
    since=datetime,
    earliest=datetime,
)


def used_by_account(now: datetime) -> dict[int, tuple[int, int]]:
    """How many ordinary and urgent cases each account opened in the last hour; no entry where it is none. One query, no times read."""
    used = _used(since=now - times.hour(), earliest=_earliest_start(now))
    return {account_pk: (ordinary, urgent) for account_pk, ordinary, urgent in used}


def _counts_from(started_at: datetime, closed_at: datetime | None) -> datetime:
    """When an attempt's hour begins: AWS opened its case between intent and answer, and refuses a place used again too early.

    What was proven long after its worker's lease had run out counts from the lease's end.
    """
    return min(closed_at or started_at, started_at + times.sending_lease())


def _as_budgets(
    accounts: Sequence[AwsAccount], attempts: Iterable[tuple[int, int, datetime, datetime | None]], now: datetime
) -> dict[int, Budget]:
    ordinary: dict[int, list[datetime]] = {account.pk: [] for account in accounts}
    urgent: dict[int, list[datetime]] = {account.pk: [] for account in accounts}
    since = now - times.hour()
    for at, account_pk, rank in sorted((_counts_from(began, ended), pk, rank) for pk, rank, began, ended in attempts):
        if at > since:
            (urgent if rank <= URGENT_RANK else ordinary)[account_pk].append(at)
    return {
        account.pk: Budget(
            limit=account.cases_per_hour,
            reserve=account.reserved_urgent,
            hour=times.hour(),
            ordinary=tuple(ordinary[account.pk]),
            urgent=tuple(urgent[account.pk]),
        )
        for account in accounts
    }


def queue_of(account: AwsAccount, now: datetime) -> Queue:
    return queues_of([account], now)[account.pk]


def with_gates(accounts: QuerySet[AwsAccount]) -> QuerySet[AwsAccount]:
    """Reads each account with its gate, which saves `queues_of` a query."""
    gate = FilteredRelation("gates", condition=Q(gates__family="support", gates__mode=Mode.WRITE))
    return accounts.annotate(write_gate=gate).annotate(
        gate_blocked_until=F("write_gate__blocked_until"),
        gate_circuit=F("write_gate__circuit"),
        gate_trouble=F("write_gate__trouble"),
        gate_because=F("write_gate__blocked_because"),
        gate_rate=F("write_gate__rate"),
    )


def queues_of(accounts: Iterable[AwsAccount], now: datetime) -> dict[int, Queue]:
    """The queue of each account by its primary key, in two queries however many accounts; one after `with_gates`."""
    accounts = list(accounts)
    gates = _gates_of(accounts)
    lines: dict[str, list[_Line]] = {_ATTEMPT: [], State.QUEUED: [], State.PREPARING: []}
    for line in _lines(accounts, now):
        lines[line.what].append(line)
    attempts = [(line.account_pk, line.rank, line.at, line.due_at) for line in lines[_ATTEMPT]]
    budgets = _as_budgets(accounts, attempts, now)
    rows: dict[int, list[Waiting]] = {account.pk: [] for account in accounts}
    preparing: dict[int, list[bool]] = {account.pk: [] for account in accounts}
    for line in lines[State.QUEUED]:
        rows[line.account_pk].append(line.as_waiting)
    for line in lines[State.PREPARING]:
        preparing[line.account_pk].append(line.urgent)
    return {
        account.pk: Queue(
            now=now,
            budget=budgets[account.pk],
            rows=tuple(rows[account.pk]),
            preparing=tuple(preparing[account.pk]),
            gate=gates.get(account.pk, Gate()),
        )
        for account in accounts
    }


Lane = tuple[int, str]  # account and region


def connect_queues_of(lanes: Iterable[Lane], now: datetime) -> dict[Lane, Queue]:
    """The queue of each Connect lane, in two queries however many; none at all where there is no lane."""
    lanes = list(lanes)
    if not lanes:
        return {}
    accounts = {account_pk for account_pk, _region in lanes}
    shut = AccountGate.objects.filter(account__in=accounts, family=_CONNECT, mode=Mode.WRITE)
    gates_by = {
        (row.account_id, row.region): Gate(row.blocked_until, row.circuit, row.trouble, row.blocked_because, row.rate)
        for row in shut
    }
    waiting: dict[Lane, list[Waiting]] = {lane: [] for lane in lanes}
    queued = Submission.objects.filter(kind=Kind.CONNECT_CASE, account__in=accounts, state=State.QUEUED)
    for row in queued.only("account", "region", "rank", "queued_at", "due_at").order_by("rank", "queued_at"):
        rows = waiting.get((row.account_id, row.region))
        if rows is not None and len(rows) < PLANNED_ROWS:
            at = row.queued_at or now
            rows.append(Waiting(key=row.pk, rank=row.rank, urgent=False, queued_at=at, due_at=row.due_at or at))
    unlimited = Budget(limit=1_000_000, reserve=0, hour=times.hour())
    return {
        lane: Queue(
            now=now,
            region=lane[1],
            budget=unlimited,
            rows=tuple(waiting[lane]),
            preparing=(),
            gate=gates_by.get(lane, Gate()),
        )
        for lane in lanes
    }


def queue_for(row: Submission, now: datetime) -> Queue:
    """The queue that a submission waits in."""
    if row.region:
        lane = (row.account_id, row.region)
        return connect_queues_of([lane], now)[lane]
    return queue_of(row.account, now)


def planned(account: AwsAccount, now: datetime) -> dict[UUID, datetime]:
    """When each queued submission of the account goes out, by its primary key."""
    return queue_of(account, now).planned


def planned_in(queues: Mapping[int, Queue]) -> dict[UUID, datetime]:
    """The same for several accounts whose queues were read already."""
    return {key: at for queue in queues.values() for key, at in queue.planned.items()}


def _gates_of(accounts: list[Any]) -> dict[int, Gate]:
    if all(hasattr(account, "gate_circuit") for account in accounts):
        return {
            account.pk: Gate(
                account.gate_blocked_until,
                account.gate_circuit,
                account.gate_trouble,
                account.gate_because,
                account.gate_rate,
            )
            for account in accounts
            if account.gate_circuit
        }
    rows = _gate_of(account=accounts[0].pk) if len(accounts) == 1 else _write_gates(accounts)
    return {
        row.account_id: Gate(row.blocked_until, row.circuit, row.trouble, row.blocked_because, row.rate) for row in rows
    }


def _write_gates(accounts: list[Any]) -> QuerySet[AccountGate]:
    return AccountGate.objects.filter(account__in=accounts, family="support", mode=Mode.WRITE)


# The form asks for one account at each opening and each key: compiled once, it costs a fifth.
_gate_of = prepared.Objects(lambda account: _write_gates([account]), account=int)


@dataclass(frozen=True)
class _Line:
    """A counted attempt, from its start to its end, or a row that waits or is being prepared."""

    account_pk: int
    rank: int
    what: str
    key: UUID
    at: datetime
    due_at: datetime

    @property
    def urgent(self) -> bool:
        return self.rank <= URGENT_RANK

    @property
    def as_waiting(self) -> Waiting:
        return Waiting(key=self.key, rank=self.rank, urgent=self.urgent, queued_at=self.at, due_at=self.due_at)


_ATTEMPT = "attempt"


def _lines(accounts: list[AwsAccount], now: datetime) -> list[_Line]:
    """Attempts and rows of all accounts in one query; at most PLANNED_ROWS queued rows of each account."""
    since = _earliest_start(now)
    if len(accounts) == 1:
        [account] = accounts
        rows = _lines_of(account=account.pk, at_aws=account.account_id, since=since, most=PLANNED_ROWS)
    else:
        keys, at_aws = [account.pk for account in accounts], [account.account_id for account in accounts]
        rows = list(_line_rows(keys, at_aws, since, PLANNED_ROWS))
    return sorted((_Line(*row) for row in rows), key=lambda line: line.at)


def _line_rows(
    accounts: list[int], at_aws: list[str], since: datetime, most: int
) -> QuerySet[Submission, tuple[Any, ...]]:
    names = ("account_id", "rank", "what", "pk", "at", "due")
    started, ended = F("attempts__started_at"), Coalesce("attempts__closed_at", "attempts__started_at")
    attempts = _counted_of_accounts(accounts, at_aws, since).annotate(what=Value(_ATTEMPT), at=started, due=ended)
    waits_since = Coalesce("queued_at", "submitted_at")
    place = Window(RowNumber(), partition_by=("account_id", "state"), order_by=("rank", "queued_at"))
    rows = (
        Submission.objects.filter(kind=Kind.SUPPORT_CASE)
        .filter(account__in=accounts, state__in=(State.QUEUED, State.PREPARING))
        .annotate(what=F("state"), at=waits_since, due=Coalesce("due_at", waits_since), place=place)
        .filter(place__lte=most)
    )
    return attempts.values_list(*names).union(rows.values_list(*names), all=True)


_lines_of = prepared.Rows(
    lambda account, at_aws, since, most: _line_rows([account], [at_aws], since, most),
    account=int,
    at_aws=str,
    since=datetime,
    most=int,
)
