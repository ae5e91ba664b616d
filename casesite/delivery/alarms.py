"""What an operator must know now, as facts read from the database."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet

from casesite import clock
from casesite.pacing.models import AccountGate, Circuit
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount

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


def late_accounts(now: datetime) -> list[int]:
    """Accounts, by primary key, whose work has been due for long and that nobody works on."""
    from .dispatcher import due_accounts

    return [pk for pk, work in due_accounts(now - DUE_LATE).items() if not work.claimed]


def unknown_for_long(now: datetime) -> QuerySet[Submission]:
    """Rows whose outcome nobody knows, and whose newest attempt began long ago."""
    unknown = Submission.objects.filter(state=State.UNKNOWN)
    return unknown.annotate(sent_at=Max("attempts__started_at")).filter(sent_at__lte=now - UNKNOWN_LONG)


def _rows() -> list[Alarm]:
    now, found = clock.now(), []
    if late := late_accounts(now):
        numbers = list(AwsAccount.objects.filter(pk__in=late).values_list("account_id", flat=True))
        found.append(Alarm("due_late", "work has been due for more than five minutes", {"accounts": numbers}))
    if unknown := unknown_for_long(now).count():
        found.append(
            Alarm("unknown_long", "outcomes have been unknown for more than half an hour", {"submissions": unknown})
        )
    if attention := Submission.objects.filter(state=State.NEEDS_ATTENTION).count():
        found.append(Alarm("needs_attention", "submissions need a person", {"submissions": attention}))
    return found


def _accounts() -> list[Alarm]:
    stopped = AccountGate.objects.exclude(circuit=Circuit.CLOSED).select_related("account")
    return [
        Alarm(
            "blocked",
            "an account is stopped",
            {"account": gate.account.account_id, "mode": gate.mode, "trouble": gate.trouble}
            | ({"region": gate.region} if gate.region else {}),
        )
        for gate in stopped
    ]


def _processes() -> list[Alarm]:
    found = [Alarm("canary", "a queue is not being worked on", {"queue": name}) for name in canary.silent_queues()]
    beats = Beat.objects.filter(at__gt=clock.now() - MINUTE, clock_skew__isnull=False)
    found += [
        Alarm(
            "clock",
            "this machine's clock is off",
            {"process_name": beat.process, "seconds": round(beat.clock_skew or 0)},
        )
        for beat in beats
        if is_skewed(beat)
    ]
    return found


def is_skewed(beat: Beat) -> bool:
    """Whether a process found its clock too far from AWS's."""
    return abs(beat.clock_skew or 0) > SKEW


def _disk() -> list[Alarm]:
    free = disk_free()
    return [Alarm("disk", "the disk is nearly full", {"free": free})] if free < DISK_LEFT else []
