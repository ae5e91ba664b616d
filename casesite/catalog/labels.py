"""What people read about an account: whether it can send, and why its calls are paused."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from casesite import clock
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.teams.models import AwsAccount, CheckResult

TONES = {
    CheckResult.NONE: "plain",
    CheckResult.GOOD: "ok",
    CheckResult.LIMITED: "warn",
    CheckResult.BLOCKED: "bad",
}


@dataclass(frozen=True)
class Label:
    text: str | Promise
    tone: str


def account_label(account: AwsAccount) -> Label:
    if not account.active:
        return Label(_("Inactive"), "plain")
    result = CheckResult(account.check_result)
    return Label(result.label, TONES[result])


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why calls of one mode are paused. `said` is AWS's or the line's own text."""

    mode: str
    text: str
    until: datetime | None
    said: str


def troubles_of(account: AwsAccount) -> list[Trouble]:
    """What the account's gates are shut for just now."""
    found = (trouble_of(gate, clock.now()) for gate in account.gates.all())
    return [trouble for trouble in found if trouble]


def trouble_of(gate: AccountGate, now: datetime) -> Trouble | None:
    """What a gate is shut for, or None where it lets calls through."""
    paused = gate.blocked_until is not None and gate.blocked_until > now
    if gate.circuit == Circuit.CLOSED and not paused:
        return None
    if gate.circuit != Circuit.CLOSED:
        because = gate.trouble
    else:
        because = gate.blocked_because
    return Trouble(
        mode=_("Sending") if gate.mode == Mode.WRITE else _("Reading"),
        text=_because(because),
        until=gate.blocked_until if paused else None,
        said=gate.last_error,
    )


def _because(because: str) -> str:
    return {
        "access": _("AWS does not let us in. A good check ends the pause at once."),
        "bug": _("A request of this site was wrong. An operator has to look; a good check then ends the pause."),
        "connection": _("AWS could not be reached several times in a row."),
        "throttled": _("AWS asked us to slow down."),
        "quota": _("AWS says that this hour's cases are used up."),
    }.get(because, _("The last calls failed."))
