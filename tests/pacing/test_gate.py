"""Tokens, pauses and the circuit of an account."""

import time
from datetime import timedelta

import pytest

from casesite.pacing import gate
from casesite.pacing.gate import GateClosed
from casesite.pacing.models import AccountGate, Circuit, Mode
from tests.factories import an_account

pytestmark = pytest.mark.django_db
WRITE, READ = Mode.WRITE, Mode.READ


@pytest.fixture
def account(clock):
    return an_account().pk


def now_of(account, mode=WRITE):
    return gate.of(account, mode)


def taken(account, mode=WRITE, times=1):
    """Why each of these calls got no token, None where it got one."""
    return [(shut.because if (shut := gate.take(account, mode)) else None) for _time in range(times)]


# --- tokens ---------------------------------------------------------------------------------------------------------------------
def test_two_calls_at_once_then_two_a_second(account, clock):
    assert taken(account, times=3) == [None, None, "rate"]
    assert gate.take(account, WRITE).until == clock.now + timedelta(seconds=0.5)

    clock.advance(seconds=0.5)
    assert taken(account, times=2) == [None, "rate"]


def test_a_bucket_holds_no_more_than_its_burst(account, clock):
    taken(account, times=2)
    clock.advance(hours=1)

    assert taken(account, times=3) == [None, None, "rate"]


def test_reads_have_tokens_of_their_own(account):
    assert taken(account, READ, times=3) == [None, None, "rate"]
    assert taken(account, WRITE) == [None]


def test_accounts_do_not_share_tokens(account, clock):
    taken(account, times=2)

    assert taken(an_account().pk) == [None]


def test_the_last_tokens_can_be_left_to_others(account):
    assert gate.take(account, WRITE, leave=1) is None
    assert gate.take(account, WRITE, leave=1).because == "rate"
    assert gate.take(account, WRITE) is None


def test_a_raised_burst_lets_more_out_at_once(account, settings):
    settings.GATE_BURST = 3

    assert taken(an_account().pk, times=7) == [None] * 6 + ["rate"]


def test_a_raised_rate_brings_tokens_sooner_and_no_more_of_them_at_once(account, settings, clock):
    settings.GATE_RATE = 5
    other = an_account().pk

    assert taken(other, times=3) == [None] * 2 + ["rate"]
    clock.advance(seconds=0.1)
    assert taken(other, times=2) == [None, "rate"]


def test_a_clock_that_goes_back_gives_no_tokens_and_takes_none(account, clock):
    taken(account)
    clock.advance(hours=-1)

    assert taken(account, times=2) == [None, "rate"]


def test_an_empty_bucket_fills_up_again_after_the_clock_went_back(account, clock):
    taken(account, times=2)
    clock.advance(hours=-1)

    assert taken(account) == ["rate"]
    clock.advance(seconds=0.5)
    assert taken(account, times=2) == [None, "rate"]


# --- slower, and faster again -----------------------------------------------------------------------------------------------------
def test_each_throttling_halves_the_rate_and_pauses_longer(account, clock):
    rates, pauses = [], []
    for _refusal in range(8):
        AccountGate.objects.update(blocked_until=None)
        until = gate.slow_down(account, WRITE, "Rate exceeded")
        rates.append(now_of(account).rate)
        pauses.append((until - clock.now).total_seconds())

    assert rates == [1.0, 0.5, 0.25, 0.125, 0.1, 0.1, 0.1, 0.1]
    assert all(0 <= pause <= min(60, 2 ** (n + 1)) for n, pause in enumerate(pauses))
    assert now_of(account).throttles == 8


def test_a_throttled_gate_is_shut_for_its_pause(account, clock, monkeypatch):
    monkeypatch.setattr(gate.random, "uniform", lambda low, high: high)

    until = gate.slow_down(account, WRITE, "Rate exceeded")

    assert until == clock.now + timedelta(seconds=2)
    assert (gate.take(account, WRITE).until, taken(account)) == (until, ["throttled"])
    clock.set(until)
    assert taken(account) == [None]


def test_success_recovers_a_tenth_at_a_time_up_to_the_start(account, clock):
    gate.slow_down(account, WRITE, "Rate exceeded")
    rates = []
    for _success in range(12):
        gate.went_well(account, WRITE)
        rates.append(round(now_of(account).rate, 1))

    assert rates == [1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.0, 2.0]
    assert (now_of(account).throttles, now_of(account).blocked_until) == (0, None)


def test_a_gate_in_order_is_not_written_by_success(account, django_assert_num_queries):
    now_of(account)

    with django_assert_num_queries(1):
        gate.went_well(account, WRITE)


# --- the hour ---------------------------------------------------------------------------------------------------------------------
def test_a_hold_keeps_writes_back_and_reads_not(account, clock):
    until = clock.now + timedelta(minutes=40)

    gate.hold(account, until, "too many cases this hour")

    assert (taken(account, WRITE), taken(account, READ)) == (["quota"], [None])
    assert gate.take(account, WRITE).until == until


def test_a_later_hold_keeps_its_time_when_the_circuit_opens(account, clock):
    until = clock.now + timedelta(minutes=40)
    gate.hold(account, until, "full")

    gate.access_refused(account, WRITE, "no")

    assert (now_of(account).blocked_until, taken(account)) == (until, ["quota"])
    clock.set(until)
    assert taken(account) == ["access"]
    assert gate.start_probe(account, WRITE) is not None
    assert taken(account) == ["access"]  # while it is tried


def test_a_circuit_that_opens_for_longer_than_a_hold_outlasts_it(account, clock):
    gate.hold(account, clock.now + timedelta(seconds=10), "full")

    gate.access_refused(account, WRITE, "no")

    assert now_of(account).blocked_until == clock.now + timedelta(seconds=30)
    gate.hold(account, clock.now + timedelta(seconds=20), "full")
    assert now_of(account).blocked_until == clock.now + timedelta(seconds=30)


def test_mended_access_frees_no_place_in_the_hour(account, clock):
    until = clock.now + timedelta(minutes=40)
    gate.access_refused(account, WRITE, "no")
    gate.hold(account, until, "full")

    gate.release(account, WRITE)

    assert (now_of(account).circuit, now_of(account).blocked_until) == (Circuit.CLOSED, until)
    assert taken(account) == ["quota"]


def test_neither_throttling_nor_success_shortens_a_hold(account, clock):
    until = clock.now + timedelta(minutes=40)
    gate.hold(account, until, "full")

    gate.slow_down(account, WRITE, "Rate exceeded")
    gate.went_well(account, WRITE)

    assert (now_of(account).blocked_until, taken(account)) == (until, ["quota"])


# --- the circuit ---------------------------------------------------------------------------------------------------------------------
def test_the_fifth_failure_in_a_row_opens_the_circuit(account, clock):
    for _failure in range(4):
        gate.unreachable(account, WRITE, "gone")
    assert taken(account) == [None]

    gate.unreachable(account, WRITE, "gone")

    opened = now_of(account)
    assert (opened.circuit, opened.trouble, opened.opened_at) == (Circuit.OPEN, "connection", clock.now)
    assert opened.blocked_until == clock.now + timedelta(seconds=30)
    assert taken(account) == ["connection"]


def test_a_success_between_failures_starts_the_count_anew(account):
    for _failure in range(4):
        gate.unreachable(account, WRITE, "gone")
    gate.went_well(account, WRITE)
    gate.unreachable(account, WRITE, "gone")

    assert (now_of(account).circuit, now_of(account).failures) == (Circuit.CLOSED, 1)


def test_a_refused_access_opens_the_circuit_at_once(account):
    gate.access_refused(account, WRITE, "not authorized")

    assert (now_of(account).circuit, now_of(account).trouble) == (Circuit.OPEN, "access")
    assert taken(account) == ["access"]


def test_after_its_pause_the_circuit_is_still_shut_for_all_but_a_probe(account, clock):
    gate.access_refused(account, WRITE, "no")
    clock.advance(minutes=1)

    assert taken(account) == ["access"]
    assert gate.start_probe(account, WRITE) is not None


def test_one_caller_gets_the_probe(account, clock):
    gate.access_refused(account, WRITE, "no")
    assert gate.start_probe(account, WRITE) is None  # its pause is not over

    clock.advance(seconds=30)
    assert gate.start_probe(account, WRITE) is not None
    assert gate.start_probe(account, WRITE) is None
    assert now_of(account).circuit == Circuit.HALF_OPEN


def test_of_two_that_saw_the_same_gate_one_gets_the_probe(account, clock, monkeypatch):
    gate.access_refused(account, WRITE, "no")
    clock.advance(seconds=30)
    seen = now_of(account)
    monkeypatch.setattr(gate, "of", lambda *_given: seen)

    assert [gate.start_probe(account, WRITE) is seen, gate.start_probe(account, WRITE) is seen] == [True, False]


def test_a_probe_whose_worker_died_is_made_by_the_next_after_a_pause(account, clock):
    gate.access_refused(account, WRITE, "no")
    clock.advance(seconds=30)
    gate.start_probe(account, WRITE)

    clock.set(now_of(account).blocked_until)

    assert gate.start_probe(account, WRITE) is not None


def test_a_circuit_in_order_gives_no_probe(account):
    assert gate.start_probe(account, WRITE) is None
    assert gate.stopped(account, WRITE) is None


def test_pauses_double_from_30_seconds_to_five_minutes(account, clock):
    pauses = []
    for _probe in range(6):
        gate.access_refused(account, WRITE, "no")
        pauses.append((now_of(account).blocked_until - clock.now).total_seconds())

    assert pauses == [30, 60, 120, 240, 300, 300]


def test_pauses_are_scaled_but_never_below_a_second(account, clock, settings):
    settings.TIME_SCALE = 60
    gate.access_refused(account, WRITE, "no")

    assert now_of(account).blocked_until == clock.now + timedelta(seconds=1)


def test_it_is_known_since_when_a_circuit_is_open(account, clock):
    gate.access_refused(account, WRITE, "no")
    since = clock.now
    clock.advance(hours=3)
    gate.access_refused(account, WRITE, "no")

    assert now_of(account).opened_at == since


@pytest.mark.parametrize("mend", [gate.release, gate.went_well])
def test_once_mended_everything_is_forgotten(mend, account):
    for _failure in range(6):
        gate.unreachable(account, WRITE, "gone")

    mend(account, WRITE)

    mended = now_of(account)
    assert (mended.circuit, mended.trouble, mended.failures, mended.opened) == (Circuit.CLOSED, "", 0, 0)
    assert (mended.opened_at, mended.blocked_until, mended.blocked_because) == (None, None, "")
    assert taken(account) == [None]


def test_release_leaves_a_hold_alone(account, clock):
    until = clock.now + timedelta(minutes=10)
    gate.hold(account, until, "full")

    gate.release(account, WRITE)

    assert now_of(account).blocked_until == until


# --- reads wait a little -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def real_clock_account(db):
    return an_account().pk


def test_a_read_waits_for_its_token(real_clock_account):
    started = time.monotonic()

    for _read in range(3):
        gate.wait_for_read(real_clock_account)

    assert 0.3 < time.monotonic() - started < 5


def test_a_read_does_not_wait_longer_than_it_was_told(real_clock_account):
    for _read in range(2):
        gate.wait_for_read(real_clock_account)

    with pytest.raises(GateClosed) as caught:
        gate.wait_for_read(real_clock_account, patience=0.1)
    assert caught.value.closed.because == "rate"


def test_a_read_does_not_wait_behind_a_stopped_account(account):
    gate.access_refused(account, READ, "no")
    started = time.monotonic()

    with pytest.raises(GateClosed) as caught:
        gate.wait_for_read(account)

    assert caught.value.closed.because == "access"
    assert time.monotonic() - started < 1
