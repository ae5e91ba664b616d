"""The lines of the operator's page: a process, a queue's bell, a gate, a row, an account, a lost answer."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext as _

from casesite.catalog.labels import Trouble, trouble_of
from casesite.pacing import gate as gates
from casesite.pacing import times
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.submissions.models import Submission
from casesite.submissions.queue import Queue
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CheckResult

from . import alarms, canary, readiness
from .models import Beat


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """Something that is wrong now, as the log's alarms have it, and what to do."""

    code: str
    text: str
    todo: str = ""
    tone: str = "bad"
    url: str = ""
    link_text: str = ""


@dataclass(frozen=True)
class Process:
    """One that beats, or that fell silent."""

    beat: Beat
    now: datetime
    acts: bool  # the elected dispatcher

    @property
    def role(self) -> str:
        if self.beat.role == "worker":
            return _("Worker")
        return _("Dispatcher, the one that acts") if self.acts else _("Dispatcher")

    @property
    def queues(self) -> str:
        return ", ".join(self.beat.queues.split(","))

    @property
    def is_alive(self) -> bool:
        return not self.beat.stopped_at and self.now - self.beat.at <= readiness.DISPATCHER_LATE

    @property
    def state(self) -> tuple[str, str]:
        """A word and its tone."""
        if not self.is_alive:
            return _("Silent"), "bad"
        return (_("Clock is off"), "bad") if self.skew else (_("Beats"), "ok")

    @property
    def skew(self) -> str:
        """How its clock differs from AWS's, where that is too much."""
        if not self.is_alive or not alarms.is_skewed(self.beat):
            return ""
        ahead = round(self.beat.clock_skew or 0)
        text = _("Its clock is %d s behind AWS's.") if ahead > 0 else _("Its clock is %d s ahead of AWS's.")
        return text % abs(ahead)


@dataclass(frozen=True)
class QueueBell:
    """Whether a queue is consumed, as its canary knows. `beat` is None where it was never rung."""

    name: str
    beat: Beat | None
    now: datetime

    @property
    def is_silent(self) -> bool:
        rung = self.beat.rung_at if self.beat else None
        return rung is not None and rung < self.now - canary.LATE

    @property
    def state(self) -> tuple[str, str]:
        if self.beat is None:
            return _("Not tried yet"), "plain"
        if self.is_silent:
            return _("Silent"), "bad"
        return (_("Rung"), "wait") if self.beat.rung_at else (_("Answers"), "ok")


@dataclass(frozen=True)
class GateLine:
    """One gate: how fast, and whether at all."""

    gate: AccountGate
    now: datetime

    @property
    def name(self) -> str:
        what = _("sending") if self.gate.mode == Mode.WRITE else _("reading")
        return f"{self.gate.api_name}, {what}"

    @cached_property
    def trouble(self) -> Trouble | None:
        return trouble_of(self.gate, self.now)

    @property
    def is_calm(self) -> bool:
        return self.trouble is None and not self._is_slowed

    @property
    def state(self) -> tuple[str, str]:
        if self.gate.circuit == Circuit.OPEN:
            return _("Stopped"), "bad"
        if self.gate.circuit == Circuit.HALF_OPEN:
            return _("Being tried"), "doubt"
        if self.trouble:
            return _("Paused"), "warn"
        return (_("Slowed"), "warn") if self._is_slowed else (_("Open"), "ok")

    @property
    def _is_slowed(self) -> bool:
        return self.gate.rate < gates.rate_of(self.gate.family)


@dataclass(frozen=True)
class Row:
    """A submission in line or leaving. `shown` is whether the person may know what it is about."""

    submission: Submission
    shown: bool
    at: datetime | None = None  # when it goes out; None where that is now or nobody can tell
    place: int | None = None
    is_now: bool = False

    @property
    def is_leaving(self) -> bool:
        return self.submission.state != State.QUEUED


def connect_row(row: Submission, shown: bool, gate: GateLine | None, now: datetime) -> Row:
    """A case for Connect, which knows no hour: it goes out when it is due and its gate is open."""
    at = row.due_at or now
    if gate and gate.trouble:
        if gate.gate.circuit != Circuit.CLOSED:
            return Row(row, shown)
        at = max(at, gate.trouble.until or at)
    is_now = at <= now + times.scaled(times.MINUTE / 2)
    return Row(row, shown, None if is_now else at, is_now=is_now)


@dataclass(frozen=True)
class AccountView:
    """One account: its lines, its hour and its gates. `waiting` counts what stands in its lines, `rows` are the first."""

    account: AwsAccount
    queue: Queue
    gates: list[GateLine]
    rows: list[Row]
    waiting: int
    leaving: int

    @property
    def shut_gates(self) -> list[GateLine]:
        """Those that let nothing through just now, or less than usual."""
        return [line for line in self.gates if not line.is_calm]

    @property
    def open_gates(self) -> list[GateLine]:
        return [line for line in self.gates if line.is_calm]

    @property
    def others(self) -> int:
        """Rows in line that are not shown."""
        return max(0, self.waiting - sum(not row.is_leaving for row in self.rows))

    @property
    def next_slot(self) -> datetime | None:
        """When one more ordinary Support case could go out, were nothing waiting; None where that is now."""
        at = self.queue.free_at(urgent=False)
        return None if self.queue.is_now(at) else at

    @property
    def is_unfit(self) -> bool:
        """Its last check found that it can't send."""
        return self.account.active and self.account.check_result == CheckResult.BLOCKED


@dataclass(frozen=True)
class Doubt:
    """A submission whose outcome nobody knows, or that needs a person. `url` leads to where it is decided."""

    submission: Submission
    shown: bool
    url: str
    now: datetime

    @property
    def needs_person(self) -> bool:
        return self.submission.state == State.NEEDS_ATTENTION

    @property
    def is_looking(self) -> bool:
        """Whether a worker looks for it, or sends it again, just now."""
        until = self.submission.lease_until
        return until is not None and until > self.now
