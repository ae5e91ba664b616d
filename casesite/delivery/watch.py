"""The watch after success: what was ever unknown at AWS is looked up again when it should long be settled.

A request may arrive later than anybody promised. Then AWS has a second case with the same marker, and people are told.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from casesite import clock, prepared
from casesite.database import write
from casesite.pacing import times
from casesite.submissions.states import State

from .models import Watch

AFTER = tuple(timedelta(minutes=minutes) for minutes in (15, 60, 24 * 60))  # the end of what was unknown
TRY_AGAIN = timedelta(minutes=15)  # where AWS could not be searched
GIVE_UP = timedelta(hours=72)  # an account that can't be read any more is not asked for ever
SETTLED = (State.DELIVERED, State.FAILED, State.CANCELLED)


_start = prepared.Update(
    lambda now, first: (
        Watch.objects.filter(since=None, submission__state__in=SETTLED),
        {"since": now, "due_at": first},
    ),
    now=datetime,
    first=datetime,
)


def start() -> None:
    """Count the time from when a row is settled; the dispatcher does it once a minute."""
    now = clock.now()
    with write(durable=False):
        _start(now=now, first=now + times.scaled(AFTER[0]))


# --- what is due ----------------------------------------------------------------------------------------------------------
def due(now: datetime) -> QuerySet[Watch]:
    # In no order: in that of their numbers SQLite would read all there are.
    return Watch.objects.filter(Q(lease_until=None) | Q(lease_until__lte=now), due_at__lte=now).order_by()


def due_leases(now: datetime) -> QuerySet[Watch, tuple[Any, datetime | None]]:
    """The account of each watch that is due, and until when somebody has it."""
    return Watch.objects.filter(due_at__lte=now).order_by().values_list("submission__account_id", "lease_until")


is_due = prepared.Rows(
    lambda account, now: due(now).filter(submission__account=account, submission__region="").values_list("pk")[:1],
    account=int,
    now=datetime,
)
is_due_in_connect = prepared.Rows(
    lambda account, now: due(now).filter(submission__account=account, submission__region__gt="").values_list("pk")[:1],
    account=int,
    now=datetime,
)


def next_at(watch: Watch) -> datetime | None:
    """When to look after the look that was just made."""
    if watch.step + 1 >= len(AFTER) or watch.since is None:
        return None
    return max(watch.since + times.scaled(AFTER[watch.step + 1]), clock.now())


def again_at(watch: Watch) -> datetime | None:
    """When to look again after one that failed."""
    now = clock.now()
    if watch.since is None or now - watch.since > times.scaled(GIVE_UP):
        return None
    return now + times.scaled(TRY_AGAIN, floor=1)
