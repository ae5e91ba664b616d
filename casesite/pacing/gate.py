"""The gate of an account: tokens, pauses and the circuit. Each function is one short step inside the caller's transaction."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import F, QuerySet

from casesite import clock, prepared
from casesite.database import write

from .models import AccountGate, Circuit, Mode
from .times import MINUTE, SECOND, scaled


class Api(NamedTuple):
    """An API with limits of its own; services that live in each region have them in each."""

    family: str
    region: str = ""


SUPPORT = Api("support")
# Calls a second, and the burst. AWS allows 5 Support calls a second for an account, reads and writes together. One is left
# to others; of the four, writes have two of their own, so that no page and no sync ever takes a write's last token.
# Of Connect Cases every operation has a limit of its own; the slowest reads allow 2 a second and a burst of 5, writes a burst
# of 10, of which one is left to others.
# Look-ups of people share the rate of the slowest operation of their service.
RATES = {"support": (2.0, 2.0), "connectcases": (2.0, 5.0), "customer-profiles": (5.0, 5.0), "connect": (2.0, 5.0)}
BURST_OF_WRITES = {"connectcases": 9.0}
CONNECTION_FAILURES_OPEN = 5
CLOCKS_DIFFER = MINUTE  # between processes, at most
BUG = "bug"  # the trouble that waits for a person


@dataclass(frozen=True)
class Closed:
    """Why no call may be made now, and when to ask again."""

    until: datetime
    because: str  # throttled, quota, rate, connection, access


class GateClosed(Exception):
    """A read did not get through the gate in time."""

    def __init__(self, closed: Closed) -> None:
        super().__init__(f"{closed.because} until {closed.until:%H:%M:%S}")
        self.closed = closed


def _gates(account: int, mode: str, family: str, region: str) -> QuerySet[AccountGate]:
    return AccountGate.objects.filter(account_id=account, family=family, region=region, mode=mode)


def _prepared(build: Callable[..., QuerySet[AccountGate]]) -> prepared.Objects:
    return prepared.Objects(build, account=int, mode=str, family=str, region=str)


_found = _prepared(_gates)
_locked = _prepared(lambda **key: _gates(**key).select_for_update())


def of(account_pk: int, mode: Mode, api: Api = SUPPORT) -> AccountGate:
    """The account's gate, made at first use."""
    gate: AccountGate
    if found := _found(**_key(account_pk, mode, api)):
        gate = found[0]
    else:
        gate, _made = AccountGate.objects.get_or_create(
            account_id=account_pk,
            family=api.family,
            region=api.region,
            mode=mode,
            defaults={"rate": _rate(api), "tokens": _burst(api, mode), "refilled_at": clock.now()},
        )
    return gate


def locked(account_pk: int, mode: Mode, api: Api = SUPPORT) -> AccountGate:
    """The same, locked for the running write transaction, also at its first use: who made it has it locked, others wait."""
    key = _key(account_pk, mode, api)
    if not (found := _locked(**key)):
        of(account_pk, mode, api)
        found = _locked(**key)
    gate: AccountGate = found[0]
    if gate.refilled_at - (now := clock.now()) > CLOCKS_DIFFER:
        # The clock was set back. No token would come until it is as late again: from now on they are counted anew.
        _spend(pk=gate.pk, tokens=gate.tokens, now=now)
        gate.refilled_at = now
    return gate


def _key(account_pk: int, mode: Mode, api: Api) -> dict[str, Any]:
    return {"account": account_pk, "mode": mode.value, "family": api.family, "region": api.region}


def closed(gate: AccountGate, now: datetime) -> Closed | None:
    """Whether the gate is shut, tokens aside."""
    if gate.blocked_until and gate.blocked_until > now:
        by_circuit = gate.blocked_because in ("", "circuit")
        return Closed(gate.blocked_until, gate.trouble if by_circuit else gate.blocked_because)
    if gate.circuit != Circuit.CLOSED:
        return Closed(now + scaled(30 * SECOND), gate.trouble)
    return None


def take(
    account_pk: int,
    mode: Mode,
    *,
    leave: float = 0.0,
    read: AccountGate | None = None,
    api: Api = SUPPORT,
    probing: bool = False,
) -> Closed | None:
    """Take one token, but not one of the last `leave`, or say why not. Call it in a write transaction.

    `read` is the gate where this transaction has read and locked it already; `probing` passes one that is being tried.
    """
    gate, now = read or locked(account_pk, mode, api), clock.now()
    tried = probing and gate.circuit == Circuit.HALF_OPEN
    if not tried and (shut := closed(gate, now)):
        return shut
    tokens = _tokens(gate, now)
    if tokens < 1 + leave:
        return Closed(now + timedelta(seconds=(1 + leave - tokens) / gate.rate), "rate")
    _spend(pk=gate.pk, tokens=tokens - 1, now=now)
    return None


def next_token(gate: AccountGate, now: datetime) -> datetime:
    """When there is a token: now, or as soon as the rate has brought one."""
    return now + timedelta(seconds=max(0.0, 1 - _tokens(gate, now)) / gate.rate)


def _tokens(gate: AccountGate, now: datetime) -> float:
    passed = max(0.0, (now - gate.refilled_at).total_seconds())
    return min(_burst(Api(gate.family, gate.region), Mode(gate.mode)), gate.tokens + passed * gate.rate)


_spend = prepared.Update(
    lambda pk, tokens, now: (AccountGate.objects.filter(pk=pk), {"tokens": tokens, "refilled_at": now}),
    pk=int,
    tokens=float,
    now=datetime,
)


def wait_for_read(account_pk: int, *, patience: float = 10.0, api: Api = SUPPORT) -> None:
    """Take a read token, waiting in steps under a second. Raises GateClosed after `patience` seconds. No transaction may be open."""
    give_up = time.monotonic() + patience
    while True:
        with write(durable=False):
            shut = take(account_pk, Mode.READ, api=api)
        if shut is None:
            return
        pause = min(0.5, max(0.01, (shut.until - clock.now()).total_seconds()))
        if shut.because != "rate" or time.monotonic() + pause > give_up:
            raise GateClosed(shut)
        time.sleep(pause)


_troubled = prepared.Rows(
    lambda account, mode, family, region, start: (
        AccountGate.objects.filter(account_id=account, family=family, region=region, mode=mode)
        .exclude(circuit=Circuit.CLOSED, failures=0, throttles=0, blocked_until=None, rate__gte=start)
        .values_list("pk")
    ),
    account=int,
    mode=str,
    family=str,
    region=str,
    start=float,
)


def went_well(account_pk: int, mode: Mode, api: Api = SUPPORT) -> None:
    """A call was answered in order: the rate recovers a little, pauses and the circuit end."""
    start = _rate(api)
    if not _troubled(account=account_pk, mode=mode.value, family=api.family, region=api.region, start=start):
        return  # nothing to lock or to write on the hot path
    gate = locked(account_pk, mode, api)
    AccountGate.objects.filter(pk=gate.pk).update(
        rate=min(start, gate.rate + 0.1),
        throttles=0,
        failures=0,
        opened=0,
        opened_at=None,
        circuit=Circuit.CLOSED,
        trouble="",
        **_hold_alone(gate),
    )


def slow_down(account_pk: int, mode: Mode, message: str, api: Api = SUPPORT) -> datetime:
    """AWS throttled us: half the rate and a pause with full jitter. Returns when the gate opens again."""
    gate, now = of(account_pk, mode, api), clock.now()
    pause = scaled(timedelta(seconds=random.uniform(0, min(60, 2 ** (gate.throttles + 1)))))
    until = max(now + pause, gate.blocked_until or now)
    AccountGate.objects.filter(pk=gate.pk).update(
        rate=max(0.1, gate.rate / 2),
        throttles=F("throttles") + 1,
        blocked_until=until,
        blocked_because=gate.blocked_because if gate.blocked_because == "quota" else "throttled",
        last_error=message[:500],
        last_error_at=now,
    )
    return until


def hold(account_pk: int, until: datetime, message: str, api: Api = SUPPORT) -> None:
    """AWS counts more cases this hour than allowed, or than it keeps at all: no write before `until`."""
    gate = of(account_pk, Mode.WRITE, api)
    block = _the_later(gate, until, "quota")
    AccountGate.objects.filter(pk=gate.pk).update(last_error=message[:500], last_error_at=clock.now(), **block)


def unreachable(account_pk: int, mode: Mode, message: str, api: Api = SUPPORT) -> None:
    """A connection failure or a 5xx. Five in a row open the circuit."""
    gate, now = of(account_pk, mode, api), clock.now()
    failures = gate.failures + 1
    fields = {"failures": failures, "last_error": message[:500], "last_error_at": now}
    if failures >= CONNECTION_FAILURES_OPEN or gate.circuit != Circuit.CLOSED:
        fields |= _opened(gate, now, "connection")
    AccountGate.objects.filter(pk=gate.pk).update(**fields)


def access_refused(account_pk: int, mode: Mode, message: str, api: Api = SUPPORT) -> None:
    """AWS does not let us in, with a fresh role session too: the circuit opens at once."""
    gate, now = of(account_pk, mode, api), clock.now()
    AccountGate.objects.filter(pk=gate.pk).update(
        failures=gate.failures + 1, last_error=message[:500], last_error_at=now, **_opened(gate, now, "access")
    )


def stop_for_bug(account_pk: int, mode: Mode, message: str, api: Api = SUPPORT) -> None:
    """A request of ours was wrong: no probe opens this again, only a person's check of the account does."""
    gate, now = of(account_pk, mode, api), clock.now()
    AccountGate.objects.filter(pk=gate.pk).update(
        last_error=message[:500], last_error_at=now, **_opened(gate, now, BUG)
    )


def stopped(account_pk: int, mode: Mode, api: Api = SUPPORT) -> AccountGate | None:
    """The gate where its circuit is not in order; a plain read, for a quick look before `start_probe`."""
    found = _stopped(**_key(account_pk, mode, api))
    return found[0] if found else None


_stopped = _prepared(lambda **key: _gates(**key).exclude(circuit=Circuit.CLOSED))


def start_probe(
    account_pk: int, mode: Mode, api: Api = SUPPORT, *, pause: timedelta | None = None
) -> AccountGate | None:
    """The right to try an open circuit once its pause is over; one caller gets it. Call it in a write transaction.

    `pause` is the time until the next try, where it is not the usual one.
    """
    gate, now = of(account_pk, mode, api), clock.now()
    if gate.circuit == Circuit.CLOSED or (gate.blocked_until and gate.blocked_until > now):
        return None
    # Until the probe reports, nobody else tries; if its worker dies, the next one may after the same pause.
    taken = AccountGate.objects.filter(pk=gate.pk, blocked_until=gate.blocked_until, circuit=gate.circuit).update(
        circuit=Circuit.HALF_OPEN, blocked_until=now + (pause or _pause(gate.opened)), blocked_because="circuit"
    )
    return gate if taken else None


def is_probed(account_pk: int, mode: Mode, api: Api = SUPPORT) -> bool:
    """Whether somebody is finding out now whether the account is in order again."""
    return of(account_pk, mode, api).circuit == Circuit.HALF_OPEN


def release(account_pk: int, mode: Mode, api: Api = SUPPORT) -> None:
    """A person or an account check found the account in order: forget pauses and the circuit, but not a hold of the hour."""
    gate = of(account_pk, mode, api)
    AccountGate.objects.filter(pk=gate.pk).exclude(circuit=Circuit.CLOSED).update(
        circuit=Circuit.CLOSED, trouble="", failures=0, opened=0, opened_at=None, **_hold_alone(gate)
    )


def dry_runs_off(account_pk: int) -> bool:
    """Whether a dry run ever opened a case in this account. A plain read."""
    gates = AccountGate.objects.filter(account_id=account_pk, family="support", region="", mode=Mode.WRITE)
    return gates.filter(dry_runs_off=True).exists()


def forbid_dry_runs(account_pk: int) -> None:
    """A dry run opened a case: none is made for this account again."""
    AccountGate.objects.filter(pk=of(account_pk, Mode.WRITE).pk).update(dry_runs_off=True)


def _opened(gate: AccountGate, now: datetime, trouble: str) -> dict[str, object]:
    return {
        "circuit": Circuit.OPEN,
        "trouble": trouble,
        "opened": gate.opened + 1,
        "opened_at": gate.opened_at or now,
        **_the_later(gate, now + _pause(gate.opened), "circuit"),
    }


def _the_later(gate: AccountGate, until: datetime, because: str) -> dict[str, object]:
    """A block, or the one that is there already where that lasts longer: mended access frees no place in the hour."""
    if gate.blocked_until and gate.blocked_until > until and gate.blocked_because in ("quota", "circuit"):
        return {"blocked_until": gate.blocked_until, "blocked_because": gate.blocked_because}
    return {"blocked_until": until, "blocked_because": because}


def _hold_alone(gate: AccountGate) -> dict[str, object]:
    """What is left of a block once the account is in order again: AWS counts the hour all the same."""
    held = gate.blocked_because == "quota"
    return {"blocked_until": gate.blocked_until if held else None, "blocked_because": "quota" if held else ""}


def _pause(opened: int) -> timedelta:
    """30 s, then double, at most 5 minutes."""
    return scaled(min(5 * MINUTE, 30 * SECOND * 2 ** min(opened, 5)), floor=1)


def rate_of(family: str) -> float:
    """The calls a second that a gate of this API starts with, and comes back to after each throttling."""
    return RATES[family][0] * settings.GATE_RATE


def _rate(api: Api) -> float:
    return rate_of(api.family)


def _burst(api: Api, mode: Mode) -> float:
    most = RATES[api.family][1]
    return (BURST_OF_WRITES.get(api.family, most) if mode == Mode.WRITE else most) * settings.GATE_BURST
