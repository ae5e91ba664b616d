"""When may a row go out? Pure, and the same code for the worker's choice and for what pages promise."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

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


def order_of(rank: int, queued_at: datetime, now: datetime) -> tuple[int, datetime]:
    """What the queue is sorted by: the rank, one better for each half hour waited, never as good as critical."""
    aged = rank if rank == 0 else max(1, rank - (now - queued_at) // AGING)
    return aged, queued_at


def plan(
    rows: Iterable[Waiting], budget: Budget, now: datetime, *, not_before: datetime | None = None
) -> dict[Any, datetime]:
    """When each row goes out if nothing else happens, by the row's key."""
    start = max(now, not_before) if not_before else now
    waiting = sorted(rows, key=lambda row: order_of(row.rank, row.queued_at, now))
    planned: dict[Any, datetime] = {}
    at = start
    while waiting:
        # Few distinct questions for many rows: a page plans hundreds of them.
        free_at = cache(budget.free_at)
        times = [free_at(max(at, row.due_at), urgent=row.urgent) for row in waiting]
        at = min(times)
        row = waiting.pop(times.index(at))
        planned[row.key] = at
        budget = budget.spend(at, urgent=row.urgent)
    return planned
