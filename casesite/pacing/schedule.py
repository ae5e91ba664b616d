"""When may a row go out? Pure, and the same code for the worker's choice and for what pages promise."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from .budget import Budget

AGING = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A queued row: `rank` 0 (critical) to 4 (low)."""

    key: Any
    rank: int
    urgent: bool
    queued_at: datetime
    due_at: datetime


class Because(Enum):
    """Why a row does not go out sooner."""

    NOTHING = "nothing"  # it goes out now
    HOUR = "hour"  # all places of the hour are used
    RESERVE = "reserve"  # what is left of the hour is kept for urgent cases
    PACE = "pace"  # others leave just before it
    GATE = "gate"  # the account's gate is shut
    DUE = "due"  # its own time: it is held, or tried again then


class Slot(NamedTuple):
    at: datetime
    because: Because


def order_of(rank: int, queued_at: datetime, now: datetime) -> tuple[int, datetime]:
    """What the queue is sorted by: the rank, one better for each half hour waited, never as good as critical."""
    aged = rank if rank == 0 else max(1, rank - (now - queued_at) // AGING)
    return aged, queued_at


def slots(
    rows: Iterable[Waiting],
    budget: Budget,
    now: datetime,
    *,
    not_before: datetime | None = None,
    pace: timedelta = timedelta(0),
) -> dict[Any, Slot]:
    """When each row goes out if nothing else happens, and why not sooner, by the row's key and in that order.

    `not_before` is when the account's gate opens, `pace` lies between two rows. Whenever a place is free, the row that
    comes first by then takes it, as in the worker's claim.
    """
    start = max(now, not_before) if not_before else now
    waiting = list(rows)
    planned: dict[Any, Slot] = {}
    at = start
    while waiting:
        # Few distinct questions for many rows: a page plans hundreds of them.
        free_at = cache(budget.free_at)
        times = [free_at(max(at, row.due_at), urgent=row.urgent) for row in waiting]
        at = min(times)
        ready = (number for number, time in enumerate(times) if time == at)
        row = waiting.pop(min(ready, key=lambda number: order_of(waiting[number].rank, waiting[number].queued_at, at)))
        planned[row.key] = Slot(at, _because(row, budget, at, now, start))
        budget = budget.spend(at, urgent=row.urgent)
        at += pace
    return planned


def plan(
    rows: Iterable[Waiting], budget: Budget, now: datetime, *, not_before: datetime | None = None
) -> dict[Any, datetime]:
    """The times alone."""
    return {key: slot.at for key, slot in slots(rows, budget, now, not_before=not_before).items()}


def _because(row: Waiting, budget: Budget, at: datetime, now: datetime, start: datetime) -> Because:
    """What keeps a row until `at`, its budget being as it is then."""
    earliest = max(start, row.due_at)
    if budget.free_at(earliest, urgent=row.urgent) > earliest:
        kept = not row.urgent and budget.has_room(earliest, urgent=True)
        return Because.RESERVE if kept else Because.HOUR
    if at > earliest:
        return Because.PACE
    if at <= now:
        return Because.NOTHING
    return Because.DUE if row.due_at == at and row.due_at > start else Because.GATE
