"""The sweeper: finds due work, rings for it, ends what a dead worker left, and drains the queue itself where nobody comes.

Its own process, independent of the broker. Any number run; a lease in the database elects one.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import DatabaseError, connection
from django.db.models import Case, Count, Exists, F, FilteredRelation, IntegerField, OuterRef, Q, QuerySet, Value, When

from casesite import clock, prepared
from casesite.cases import files, scans
from casesite.catalog import questions
from casesite.database import write
from casesite.lookups import cleaning
from casesite.lookups.models import Lookup
from casesite.notices import mail, review, trouble
from casesite.pacing import bell, budget, gate, times
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.submissions import marker as markers
from casesite.submissions import queue
from casesite.submissions.models import PAYLOAD_VERSION, URGENT_RANK, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount

from . import canary, doubt, journal, lanes, process, watch
from .models import Attempt, Beat, Outcome, Phase, Watch

logger = logging.getLogger(__name__)

TICK = timedelta(seconds=5)
RING_AGAIN = timedelta(seconds=15)
BELLS_AT_ONCE = 2  # more would only find the account's two calls in flight
UNCLAIMED = timedelta(seconds=60)  # due work that nobody took: broker or workers are gone
DRAIN_THREADS = 2
LEADER_LEASE = timedelta(seconds=15)
LEASES_LOST = 3  # in a row without an attempt: something in the row kills its worker
BLOCKED_LONG = timedelta(hours=24)
NO_WORKER = timedelta(hours=1)
AT_ONCE = 100  # hopeless rows of a round
MINUTE = timedelta(minutes=1)
HALF_A_MINUTE = timedelta(seconds=30)
LEADER = "dispatcher-leader"
LOOKED_AT = (State.UNKNOWN, State.NEEDS_ATTENTION, State.DELIVERED)  # for a case, or for how it stands at AWS
LEASED = (State.PREPARING, State.SENDING, *LOOKED_AT)  # the states in which a row may be leased


class Dispatcher:
    """One dispatcher. `tick()` is one round; `run()` makes rounds until stopped."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._rung: dict[tuple[str, int], datetime] = {}
        self._unclaimed_since: dict[int, datetime] = {}
        self._draining: dict[int, Future[object]] = {}
        self._drained_at: dict[int, datetime] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._mailer: ThreadPoolExecutor | None = None
        self._mailing: Future[object] | None = None
        self._next: dict[str, datetime] = {}

    def run(self) -> None:
        """Round after round, until `stop` is set; then let running calls end."""
        pause = max(0.5, times.scaled(TICK).total_seconds())
        while not self.stop.is_set():
            try:
                self.tick()
            except DatabaseError:
                logger.exception("the dispatcher waits for the database")
                connection.close()
            except Exception:  # one broken part of a round must not end the sweeping of all others
                logger.exception("a round of the dispatcher failed")
            self.stop.wait(pause)
        process.stopping.set()
        for pool in (self._pool, self._mailer):
            if pool:
                pool.shutdown(wait=True)

    def tick(self) -> None:
        process.beat()
        if not elected():
            return
        if leases_ran_out():
            expire_preparing()
            expire_sending()
        due = due_accounts(clock.now())
        self._ring(due)
        self._drain(due)
        self._now_and_then("notices", HALF_A_MINUTE, _raise_notices)
        self._mail()
        self._now_and_then("hopeless", MINUTE, park_hopeless)
        self._now_and_then("watch", MINUTE, watch.start)
        self._now_and_then("canary", canary.EVERY, canary.ring)
        self._now_and_then("sync", MINUTE, _refresh_and_clean)
        self._now_and_then("alarms", MINUTE, raise_alarms)

    # --- bells -------------------------------------------------------------------------------------------------------
    def _ring(self, due: "dict[int, DueWork]") -> None:
        now = clock.now()
        for account_pk, work in due.items():
            if self._may_ring(bell.WORK_OFF, account_pk, now):
                name = "urgent" if work.urgent else "default"
                for _bell in range(min(BELLS_AT_ONCE, work.count)):
                    bell.ring_now(bell.WORK_OFF, account_pk, queue_name=name)
        for account_pk in accounts_with_lookups():
            if self._may_ring(bell.ANSWER, account_pk, now):
                bell.ring_now(bell.ANSWER, account_pk, queue_name="lookups")

    def _may_ring(self, task: str, account_pk: int, now: datetime) -> bool:
        last = self._rung.get((task, account_pk))
        if last and now - last < times.scaled(RING_AGAIN, floor=1):
            return False
        self._rung[task, account_pk] = now
        return True

    # --- doing it ourselves ----------------------------------------------------------------------------------------------
    def _drain(self, due: "dict[int, DueWork]") -> None:
        """Work off accounts whose due work nobody has claimed for a minute, urgent ones first and in turns.

        What this process has begun it goes on with, although it is claimed now.
        """
        now = clock.now()
        unclaimed = {pk for pk, work in due.items() if pk in self._draining or not work.claimed}
        self._unclaimed_since = {pk: self._unclaimed_since.get(pk, now) for pk in unclaimed}
        patience = times.scaled(UNCLAIMED, floor=3)
        waiting = [pk for pk, since in self._unclaimed_since.items() if now - since >= patience]
        waiting.sort(key=lambda pk: (not due[pk].urgent, self._drained_at.get(pk, self._unclaimed_since[pk])))
        self._draining = {pk: future for pk, future in self._draining.items() if not future.done()}
        self._drained_at = {pk: at for pk, at in self._drained_at.items() if pk in unclaimed}
        for account_pk in waiting:
            if account_pk not in self._draining and len(self._draining) < DRAIN_THREADS:
                logger.warning("no worker took the work of an account: doing it here", extra={"account_pk": account_pk})
                self._drained_at[account_pk] = now
                self._draining[account_pk] = self._threads().submit(_work_off_here, account_pk)

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            from . import watchdog

            self._pool = ThreadPoolExecutor(DRAIN_THREADS, thread_name_prefix="drain")
            watchdog.start()
        return self._pool

    def _mail(self) -> None:
        """Send letters that are due, on a thread of their own: a mail server that hangs keeps no round waiting."""
        if self._mailing and not self._mailing.done():
            return
        if mail.is_due():
            self._mailer = self._mailer or ThreadPoolExecutor(1, thread_name_prefix="mail")
            self._mailing = self._mailer.submit(_mail_here)

    def _now_and_then(self, name: str, every: timedelta, action: Callable[[], None]) -> None:
        now = clock.now()
        if self._next.get(name, now) <= now:
            self._next[name] = now + every
            action()


def _work_off_here(account_pk: int) -> None:
    from casesite.lookups import answer  # they import boto3: only a dispatcher that drains pays for it

    from . import work

    try:
        turn_ends = time.monotonic() + work.LONGEST
        while (pause := work.work_off(account_pk)) is not None and time.monotonic() + pause < turn_ends:
            process.stopping.wait(pause)  # there is nobody whom a bell would reach
        answer.answer_open(account_pk)
    except Exception:
        logger.exception("draining an account failed", extra={"account_pk": account_pk})
    finally:
        connection.close()


def _raise_notices() -> None:
    review.raise_due()
    trouble.raise_new()


def _mail_here() -> None:
    try:
        mail.send_due()
    except Exception:
        logger.exception("sending letters failed")
    finally:
        connection.close()


# --- election ------------------------------------------------------------------------------------------------------------
def elected() -> bool:
    """Whether this process is the one dispatcher that acts, for the next 15 s."""
    now, me = clock.now(), process.name()
    with write():
        if _lead(me, now):
            return True
        _beat, first = Beat.objects.get_or_create(
            process=LEADER, defaults={"role": "leader", "started_at": now, "at": now, "leader_until": now}
        )
        return first and _lead(me, now)


_take_the_lead = prepared.Update(
    lambda me, now, until: (
        Beat.objects.filter(Q(leader_until__lte=now) | Q(queues=me), process=LEADER),
        {"queues": me, "at": now, "leader_until": until},
    ),
    me=str,
    now=datetime,
    until=datetime,
)


def _lead(me: str, now: datetime) -> bool:
    return bool(_take_the_lead(me=me, now=now, until=now + LEADER_LEASE))


def resign() -> None:
    """Let the next dispatcher take over at once."""
    with write():
        Beat.objects.filter(process=LEADER, queues=process.name()).update(leader_until=clock.now())


def begin(*, after_restore: bool = False) -> bool:
    """Write the first beat and, with it, the doubt where the database may be one that was restored. Whether it was marked."""
    marked = False

    def judge() -> None:
        nonlocal marked
        marked = after_restore or doubt.is_called_for()
        if marked:
            expire_preparing(all_of_them=True)
            expire_sending(all_of_them=True)
            doubt.mark()

    markers.ensure_key()
    process.first_beat("dispatcher", before=judge)
    return marked


# --- what is due ---------------------------------------------------------------------------------------------------------
class DueWork:
    """What one account has to do now."""

    def __init__(self, count: int, urgent: bool, claimed: bool) -> None:
        self.count, self.urgent, self.claimed = count, urgent, claimed


def due_accounts(now: datetime) -> dict[int, DueWork]:
    """Accounts with work that may be done now: gate open, budget with room; or looks and reads that have come due."""
    found = _due_lanes(now)
    due = {account_pk: DueWork(1, False, searched) for account_pk, searched in _searches_due(now).items()}
    if not found:
        return due
    places = _places({row["account_id"] for row in found})
    # A token from a time that is yet to come was taken before the clock was set back.
    since, until = now - _token_tells(), now + gate.CLOCKS_DIFFER
    worked_on = _leased(now) | {
        account_pk
        for account_pk, place in places.items()
        if any(since < each.refilled_at <= until for each in place.gates.values())
    }
    sendable = _sendable(found, places, now)
    for row in found:
        account_pk = row["account_id"]
        if count := sendable.get((account_pk, row["region"]), 0) + row["others"]:
            before = due.get(account_pk, DueWork(0, urgent=False, claimed=account_pk in worked_on))
            due[account_pk] = DueWork(before.count + count, before.urgent or bool(row["urgent"]), before.claimed)
    return due


def _count_by_lane(now: datetime) -> QuerySet[Any, tuple[Any, ...]]:
    """Two halves of one query, so that what waits is counted in its index alone."""
    due = Submission.objects.filter(due_at__lte=now).order_by()
    none = Value(0, IntegerField())
    waiting = due.filter(state=State.QUEUED, payload_version__lte=PAYLOAD_VERSION).values_list("account_id", "region")
    waiting = waiting.annotate(waiting=Count("*"), urgent=Count(Case(When(rank__lte=URGENT_RANK, then=1))), others=none)
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    others = due.filter(free, state__in=LOOKED_AT).values_list("account_id", "region")
    others = others.annotate(waiting=none, urgent=none, others=Count("*"))
    return waiting.union(others, all=True)


# What each round asks, also where there is nothing to do, is compiled once.
_due_in_lanes = prepared.Rows(_count_by_lane, now=datetime)


def _due_lanes(now: datetime) -> list[dict[str, Any]]:
    """Rows of each lane that have come due, counted: those that wait, the urgent among them, and those to look at or read."""
    rows = _due_in_lanes(now=now)
    lanes: dict[queue.Lane, dict[str, Any]] = {}
    for account_pk, region, waits, urgent, looks in rows:
        lane = lanes.setdefault(
            (account_pk, region), {"account_id": account_pk, "region": region, "waiting": 0, "urgent": 0, "others": 0}
        )
        lane["waiting"] += waits
        lane["urgent"] += urgent
        lane["others"] += looks
    return list(lanes.values())


def _token_tells() -> timedelta:
    """How long a token that was taken shows that somebody works: one that keeps a pace holds no lease meanwhile."""
    return times.scaled(UNCLAIMED, floor=3) / 2


def _leased(now: datetime) -> set[int]:
    """Accounts with a live lease. The states are named for the index: there are few leases, and many rows that wait."""
    rows = Submission.objects.filter(state__in=LEASED, lease_until__gt=now)
    return set(rows.values_list("account_id", flat=True))


def _searches_due(now: datetime) -> dict[int, bool]:
    """Accounts that are to be searched for what was forgotten, or came late; and whether somebody is at it."""
    return {account_pk: bool(until and until > now) for account_pk, until in _search_leases(now=now)}


_search_leases = prepared.Rows(lambda now: watch.due_leases(now).union(doubt.due_leases(now), all=True), now=datetime)


class LaneGate(NamedTuple):
    blocked_until: datetime | None
    refilled_at: datetime


class Place(NamedTuple):
    """An account's limits, and the gates of its lanes that write, by region."""

    pk: int
    cases_per_hour: int
    reserved_urgent: int
    gates: dict[str, LaneGate]

    def is_open(self, region: str, now: datetime) -> bool:
        gate = self.gates.get(region)
        return gate is None or gate.blocked_until is None or gate.blocked_until <= now

    def has_room(self, ordinary: int, urgent: int, *, for_urgent: bool) -> bool:
        """Whether the hour takes one more after so many of both kinds."""
        limits = self.cases_per_hour, self.reserved_urgent
        return budget.has_room(*limits, ordinary=ordinary, urgent=urgent, for_urgent=for_urgent)


def _places(accounts: set[int]) -> dict[int, Place]:
    """In one query, however many."""
    of_writes = Q(gates__family__in=(gate.SUPPORT.family, lanes.CONNECT), gates__mode=Mode.WRITE)
    rows = (
        AwsAccount.objects.filter(pk__in=accounts)
        .annotate(lane=FilteredRelation("gates", condition=of_writes))
        .values_list(
            "pk", "cases_per_hour", "reserved_urgent", "lane__region", "lane__blocked_until", "lane__refilled_at"
        )
    )
    places: dict[int, Place] = {}
    for pk, cases_per_hour, reserved_urgent, region, *known in rows:
        place = places.setdefault(pk, Place(pk, cases_per_hour, reserved_urgent, {}))
        if region is not None:
            place.gates[region] = LaneGate(*known)
    return places


def _sendable(rows: list[dict[str, Any]], places: dict[int, Place], now: datetime) -> dict[queue.Lane, int]:
    """How many due rows the gate lets out and, of Support, the hour. No row is read for it, however many wait."""
    waiting = [row for row in rows if row["waiting"] and places[row["account_id"]].is_open(row["region"], now)]
    used = queue.used_by_account(now) if any(not row["region"] for row in waiting) else {}
    sendable: dict[queue.Lane, int] = {}
    for row in waiting:
        account_pk, region = row["account_id"], row["region"]
        if region:
            sendable[account_pk, region] = row["waiting"]
            continue
        has_room = partial(places[account_pk].has_room, *used.get(account_pk, (0, 0)))
        of_each = {False: row["waiting"] - row["urgent"], True: row["urgent"]}
        sendable[account_pk, region] = sum(count for urgent, count in of_each.items() if has_room(for_urgent=urgent))
    return sendable


def accounts_with_lookups() -> list[int]:
    return [account_pk for (account_pk,) in _open_lookups()]


_open_lookups = prepared.Rows(lambda: Lookup.objects.filter(state="open").values_list("account_id").distinct())


# --- what dead processes left -----------------------------------------------------------------------------------------------
def leases_ran_out() -> bool:
    """Whether somebody died over a row: one question instead of two, in rounds that find nothing."""
    return bool(_ran_out(now=clock.now()))


_ran_out = prepared.Rows(
    lambda now: Submission.objects.filter(state__in=(State.PREPARING, State.SENDING), lease_until__lte=now).values_list(
        "pk"
    )[:1],
    now=datetime,
)


def expire_preparing(*, all_of_them: bool = False) -> None:
    """Back to the queue where a lease ran out; the third time in a row a person looks at what kills its workers.

    All of them after a restore: whoever held these leases is gone, and not because of the row.
    """
    now = clock.now()
    lost = Submission.objects.filter(state=State.PREPARING)
    for row in (lost if all_of_them else lost.filter(lease_until__lte=now)).select_related("case"):
        poison = row.claims >= LEASES_LOST and not all_of_them
        to = State.NEEDS_ATTENTION if poison else State.QUEUED
        with write():
            moved = Submission.objects.filter(pk=row.pk, state=State.PREPARING, token=row.token).update(
                state=to,
                token=F("token") + 1,
                due_at=None if poison else now,
                lease_until=None,
                lease_by="",
                reason_code=Reason.POISON if poison else row.reason_code,
            )
            if moved and poison:
                row.case.events.create(at=now, what=to, was=State.PREPARING, became=to, submission_id=row.pk)


def expire_sending(*, all_of_them: bool = False) -> None:
    """A lease that ran out while sending proves nothing: the outcome is unknown. After a restore that goes for all of them."""
    now = clock.now()
    lost = Submission.objects.filter(state=State.SENDING)
    mine = lost if all_of_them else lost.filter(lease_until__lte=now)
    for row in mine.select_related("case", "account"):
        with write():
            moved = Submission.objects.filter(pk=row.pk, state=State.SENDING, token=row.token).update(
                state=State.UNKNOWN,
                token=F("token") + 1,
                due_at=now,
                lease_until=None,
                lease_by="",
                reason_code=Reason.WORKER_LOST,
            )
            if not moved:
                continue
            attempt = Attempt.objects.filter(submission=row, phase=Phase.OPEN).first()
            Attempt.objects.filter(submission=row, phase=Phase.OPEN).update(
                phase=Phase.CLOSED, outcome=Outcome.UNKNOWN, error_class="WorkerLost", closed_at=now
            )
            row.case.events.create(
                at=now, what="unknown", was=State.SENDING, became=State.UNKNOWN, submission_id=row.pk
            )
            Watch.over(row)
        if attempt:
            journal.ended(attempt, row, Outcome.UNKNOWN, error="WorkerLost", state=str(State.UNKNOWN))


def _behind_stopped_gates(now: datetime, long_ago: datetime) -> QuerySet[Submission]:
    stopped = AccountGate.objects.filter(
        account=OuterRef("account"),
        region=OuterRef("region"),
        family__in=lanes.IN_FLIGHT,
        mode=Mode.WRITE,
        opened_at__lte=long_ago,
    ).exclude(circuit=Circuit.CLOSED)
    return Submission.objects.filter(
        Q(held_until=None) | Q(held_until__lte=now),  # what a person holds back does not wait for the account
        Exists(stopped),
        state=State.QUEUED,
        queued_at__lte=long_ago,
    )[:AT_ONCE]


def _unknown_to_workers(since: datetime) -> QuerySet[Submission]:
    waiting = Submission.objects.filter(state=State.QUEUED, payload_version__gt=PAYLOAD_VERSION)
    return waiting.filter(due_at__lte=since)[:AT_ONCE]


_blocked_long = prepared.Objects(_behind_stopped_gates, related=("case",), now=datetime, long_ago=datetime)
_orphaned = prepared.Objects(_unknown_to_workers, related=("case",), since=datetime)


def park_hopeless() -> None:
    """Bring before a person what has waited a day behind a stopped account, or an hour for a worker that knows it."""
    now = clock.now()
    blocked = _blocked_long(now=now, long_ago=now - times.scaled(BLOCKED_LONG))
    orphaned = _orphaned(since=now - times.scaled(NO_WORKER))
    for rows, reason in ((blocked, Reason.BLOCKED_LONG), (orphaned, Reason.NO_WORKER)):
        for row in rows:
            with write():
                moved = Submission.objects.filter(pk=row.pk, state=State.QUEUED, token=row.token).update(
                    state=State.NEEDS_ATTENTION, token=F("token") + 1, due_at=None, reason_code=reason
                )
                if moved:
                    row.case.events.create(
                        at=now,
                        what="needs_attention",
                        was=State.QUEUED,
                        became=State.NEEDS_ATTENTION,
                        submission_id=row.pk,
                    )


# --- now and then ----------------------------------------------------------------------------------------------------------
def _refresh_and_clean() -> None:
    Submission.objects.take_in_by_teams()
    questions.ask_for_due_refreshes()
    cleaning.clean_up()
    files.clean_up()
    scans.ask_for_unscanned()
    with write():
        Beat.objects.filter(role__in=("worker", "dispatcher"), at__lt=clock.now() - timedelta(days=1)).delete()


def raise_alarms() -> None:
    """Log what an operator must know. `/readyz` and the pages show the same facts."""
    from . import alarms

    for alarm in alarms.current():
        logger.error(alarm.text, extra={"alarm": alarm.code, **alarm.facts})
