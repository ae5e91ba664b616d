"""What an operator must know now, as facts read from the database."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from casesite import clock
from casesite.pacing.models import AccountGate, Circuit
from casesite.submissions.models import Submission
from casesite.submissions.states import State

from . import canary
from .models import Beat
from .readiness import DISK_LEFT, disk_free

DUE_LATE = timedelta(minutes=5)
UNKNOWN_LONG = timedelta(minutes=30)
SKEW = 60.0  # seconds
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Alarm:
    code: str
    text: str
    facts: dict[str, Any] = field(default_factory=dict)


def current() -> list[Alarm]:
    return [*_rows(), *_accounts(), *_processes(), *_disk()]


def _rows() -> list[Alarm]:
    from .dispatcher import due_accounts

    now, found = clock.now(), []
    late = [pk for pk, work in due_accounts(now - DUE_LATE).items() if not work.claimed]
    if late:
        found.append(Alarm("due_late", "work has been due for more than five minutes", {"accounts": late}))
    unknown = (
        Submission.objects.filter(state=State.UNKNOWN, attempts__started_at__lte=now - UNKNOWN_LONG).distinct().count()
    )
    if unknown:
        found.append(
            Alarm("unknown_long", "outcomes have been unknown for more than half an hour", {"submissions": unknown})
        )
    attention = Submission.objects.filter(state=State.NEEDS_ATTENTION).count()
    if attention:
        found.append(Alarm("needs_attention", "submissions need a person", {"submissions": attention}))
    return found


def _accounts() -> list[Alarm]:
    stopped = AccountGate.objects.exclude(circuit=Circuit.CLOSED).select_related("account")
    return [
        Alarm(
            "blocked",
            "an account is stopped",
            {"account": gate.account.account_id, "mode": gate.mode, "trouble": gate.trouble},
        )
        for gate in stopped
    ]


def _processes() -> list[Alarm]:
    found = [Alarm("canary", "a queue is not being worked on", {"queue": name}) for name in canary.silent_queues()]
    skewed = Beat.objects.filter(at__gt=clock.now() - MINUTE, clock_skew__isnull=False)
    found += [
        Alarm(
            "clock",
            "this machine's clock is off",
            {"process_name": beat.process, "seconds": round(beat.clock_skew or 0)},
        )
        for beat in skewed
        if abs(beat.clock_skew or 0) > SKEW
    ]
    return found


def _disk() -> list[Alarm]:
    free = disk_free()
    return [Alarm("disk", "the disk is nearly full", {"free": free})] if free < DISK_LEFT else []
