"""Which row goes out next, and that each goes out once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import connection

from casesite import database, failpoints
from casesite.delivery import claim, dispatcher, lanes, process, reconcile
from casesite.delivery.models import Outcome
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions import workflow
from casesite.submissions.models import PAYLOAD_VERSION, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, Role
from tests.delivery.steps import again, send, work_off
from tests.factories import a_catalog, a_submission, a_team, a_user, an_account, an_attempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(bells, clock):
    return an_account(a_team())


@pytest.fixture
def queued(account):
    """`queued("low", "critical")` queues rows of one account in that order, and gives them."""
    team = account.teams.get()
    author, reviewer = a_user(team=team), a_user(team=team, role=Role.REVIEWER)

    def queue(*severities):
        more = {"by": author, "account": account, "reviewer": reviewer}
        return [a_submission(State.QUEUED, severity_code=severity, **more) for severity in severities]

    return queue


@pytest.fixture
def any_number_at_once(monkeypatch):
    monkeypatch.setitem(lanes.IN_FLIGHT, "support", 1000)


def claimed(account, times=1):
    """The rows of that many claims, None for those that found nothing."""
    return [claim.claim_next(account.pk) for _time in range(times)]


# --- a claim --------------------------------------------------------------------------------------------------------------------
def test_a_claim_is_a_lease_of_five_minutes(account, queued, clock):
    [submission] = queued("normal")

    [row] = claimed(account)

    assert row == again(submission)
    assert (submission.state, submission.token, submission.claims) == (State.PREPARING, 2, 1)
    assert (submission.lease_by, submission.lease_until) == (process.name(), clock.now + timedelta(minutes=5))
    assert (row.token, row.state, row.lease_until) == (2, State.PREPARING, submission.lease_until)


def test_a_row_is_claimed_when_its_time_has_come(account, queued, clock):
    [submission] = queued("normal")
    Submission.objects.update(due_at=clock.now + timedelta(seconds=10))

    assert claimed(account) == [None]
    clock.advance(seconds=10)
    assert claimed(account) == [submission]


def test_only_queued_rows_of_the_account_are_claimed(account, queued):
    a_submission(State.QUEUED)
    [submission] = queued("normal")
    workflow.cancel(submission, by=submission.case.author)

    assert claimed(account) == [None]


def test_a_row_of_a_newer_version_is_left_to_a_newer_worker(account, queued):
    queued("normal")
    Submission.objects.update(payload_version=PAYLOAD_VERSION + 1)

    assert claimed(account) == [None]


def test_a_case_that_is_open_is_never_claimed(account, queued, sandbox):
    [submission] = queued("normal")
    submission.case.aws_case_id = "case-1"
    submission.case.save(update_fields=["aws_case_id"])

    assert claimed(account) == [None]
    workflow.cancel(submission, by=submission.case.author)


def test_a_row_given_back_is_claimed_again_and_its_lost_lease_gives_nothing_back(account, queued, clock):
    queued("normal")
    [first] = claimed(account)

    assert claim.give_back(first, due_at=clock.now, reason=Reason.CHANGED) is True
    [second] = claimed(account)

    assert (second.token, second.claims) == (first.token + 2, 1)
    assert claim.give_back(first, due_at=clock.now, reason=Reason.CHANGED) is False
    assert again(second).state == State.PREPARING


# --- order ------------------------------------------------------------------------------------------------------------------------
def test_the_severest_goes_first_and_among_equals_the_oldest(account, queued, clock, any_number_at_once):
    low, normal, critical, high, urgent, later = queued("low", "normal", "critical", "high", "urgent", "normal")
    Submission.objects.filter(pk=later.pk).update(queued_at=clock.now - timedelta(seconds=1))

    assert claimed(account, times=7) == [critical, urgent, high, later, normal, low, None]


def test_waiting_lifts_a_row_by_one_rank_each_half_hour(account, queued, clock, any_number_at_once):
    [normal] = queued("normal")
    clock.advance(minutes=29)
    [before] = queued("high")
    clock.advance(seconds=59)
    assert claimed(account) == [before]

    clock.advance(seconds=1)
    [after] = queued("high")
    assert claimed(account, times=2) == [normal, after]


def test_no_waiting_makes_a_row_critical(account, queued, clock, any_number_at_once):
    [low] = queued("low")
    clock.advance(hours=48)
    critical, urgent = queued("critical", "urgent")

    assert claimed(account, times=3) == [critical, low, urgent]


# --- the hour ---------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("first", ["critical", "normal"])
def test_of_31_normal_and_one_critical_the_critical_one_finds_room(first, account, queued, sandbox, time):
    if first == "critical":
        normal, [critical] = queued(*["normal"] * 31), queued("critical")
        work_off(critical)
    else:
        normal = queued(*["normal"] * 31)
        work_off(normal[0])
        [critical] = queued("critical")
        work_off(critical)

    sent = [case.severity_code for case in sandbox.cases()]
    assert sent == (["critical"] + ["normal"] * 7 if first == "critical" else ["normal"] * 7 + ["critical"])
    # Queued at the same instant, they have no order among themselves.
    assert sorted(again(row).state for row in normal) == [State.DELIVERED] * 7 + [State.QUEUED] * 24

    time.pass_(minutes=61)
    work_off(critical)
    assert [again(row).state for row in normal].count(State.DELIVERED) == 14


@pytest.mark.parametrize(
    ("limit", "reserve", "severities", "sent"),
    [
        (1, 0, ["normal", "normal"], 1),
        (1, 3, ["normal", "normal"], 1),
        (2, 3, ["high", "high"], 1),
        (2, 3, ["high", "urgent", "critical"], 2),
        (3, 1, ["low", "low", "low"], 2),
        (3, 1, ["urgent", "urgent", "urgent", "urgent"], 3),
    ],
)
def test_small_limits_let_something_out(limit, reserve, severities, sent, account, queued, sandbox, settings):
    settings.GATE_RATE = settings.GATE_BURST = 50
    AwsAccount.objects.update(cases_per_hour=limit, reserved_urgent=reserve)
    rows = queued(*severities)

    work_off(rows[0])

    assert len(sandbox.cases()) == sent


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.UNKNOWN, None])
def test_done_unknown_and_open_attempts_count(outcome, account, queued, clock):
    AwsAccount.objects.update(cases_per_hour=1, reserved_urgent=0)
    states = {Outcome.DONE: State.DELIVERED, Outcome.UNKNOWN: State.UNKNOWN, None: State.SENDING}
    a_submission(states[outcome], account=account, team=account.teams.get())
    queued("critical")

    assert claimed(account) == [None]
    clock.advance(minutes=60)
    assert claimed(account) != [None]


@pytest.mark.parametrize("outcome", [Outcome.REFUSED_RETRY, Outcome.REFUSED_FINAL, Outcome.NOT_SENT, Outcome.WAIVED])
def test_what_aws_refused_or_never_got_counts_not(outcome, account, queued):
    AwsAccount.objects.update(cases_per_hour=1, reserved_urgent=0)
    an_attempt(a_submission(State.QUEUED, account=account, team=account.teams.get()), outcome)

    assert claimed(account) != [None]


# --- at once ----------------------------------------------------------------------------------------------------------------------
def test_two_calls_of_an_account_at_a_time(account, queued, clock):
    first, second, third = queued("normal", "normal", "normal")

    assert claimed(account, times=3) == [first, second, None]

    claim.give_back(claim_of(first), due_at=clock.now + timedelta(hours=1), reason=Reason.CHANGED)
    assert claimed(account) == [third]


def claim_of(submission):
    return Submission.objects.get(pk=submission.pk)


def test_a_dead_workers_calls_count_until_their_leases_end(account, queued, clock):
    queued("normal", "normal", "normal")
    claimed(account, times=2)

    clock.advance(minutes=4, seconds=59)
    assert claimed(account) == [None]
    clock.advance(seconds=1)
    assert claimed(account) != [None]
    dispatcher.expire_preparing()


def test_another_accounts_calls_do_not_count(account, queued):
    queued("normal", "normal")
    claimed(account, times=2)
    other = a_submission(State.QUEUED)

    assert claim.claim_next(other.account_id) == other


def test_a_look_for_many_rows_is_one_call(account, queued, sandbox, clock):
    for _row in range(3):
        a_submission(State.UNKNOWN, account=account, team=account.teams.get())
    clock.advance(seconds=10)
    seen = []

    with failpoints.armed("H", lambda: seen.append(claim.in_flight(account.pk, "", clock.now))):
        reconcile.look(account.pk)

    assert seen == [1]
    assert claim.in_flight(account.pk, "", clock.now) == 0


@pytest.mark.parametrize(
    "shut",
    [
        lambda account, now: gate.hold(account.pk, now + timedelta(seconds=1), "full"),
        lambda account, now: gate.access_refused(account.pk, Mode.WRITE, "no"),
    ],
    ids=["held", "stopped"],
)
def test_behind_a_shut_gate_nothing_is_claimed(shut, account, queued, clock):
    queued("critical")
    shut(account, clock.now)

    assert claimed(account) == [None]


def test_an_open_gate_of_reads_is_no_matter_for_writes(account, queued):
    [row] = queued("normal")
    gate.access_refused(account.pk, Mode.READ, "no")

    assert claimed(account) == [row]


# --- an approval runs out ------------------------------------------------------------------------------------------------------------
def change_account(account, clock):
    account.settings_changed_at = clock.now
    account.save(update_fields=["settings_changed_at"])


def change_catalog(account, _clock):
    a_catalog(account)


def change_nothing(_account, _clock):
    pass


@pytest.mark.parametrize(
    ("change", "hours", "state"),
    [
        (change_account, 24, State.PENDING_REVIEW),
        (change_catalog, 24, State.PENDING_REVIEW),
        (change_nothing, 24, State.PREPARING),
        (change_account, 23.9, State.PREPARING),
        (change_catalog, 23.9, State.PREPARING),
    ],
)
def test_an_old_approval_counts_as_long_as_nothing_changed(change, hours, state, account, queued, clock):
    [submission] = queued("normal")
    clock.advance(minutes=1)
    change(account, clock)
    clock.advance(hours=hours, minutes=-1)

    [row] = claimed(account)

    assert again(submission).state == state
    if state == State.PENDING_REVIEW:
        assert row is None
        assert (submission.reason_code, submission.due_at) == (Reason.APPROVAL_EXPIRED, None)
        assert submission.case.events.last().what == "approval_expired"
        assert submission.case.stage == "outgoing"


def test_a_change_before_the_approval_is_no_matter(account, queued, clock):
    change_account(account, clock)
    clock.advance(seconds=1)
    [submission] = queued("normal")
    clock.advance(hours=24)

    assert claimed(account) == [submission]


def test_the_account_says_how_long_an_approval_holds(account, queued, clock):
    AwsAccount.objects.update(approval_hours=48)
    [submission] = queued("normal")
    clock.advance(minutes=1)
    change_account(AwsAccount.objects.get(), clock)
    clock.advance(hours=47)

    assert claimed(account) == [submission]


def test_behind_an_expired_row_the_next_is_claimed(account, queued, clock):
    [old] = queued("critical")
    clock.advance(hours=24)
    [fresh] = queued("normal")
    change_catalog(account, clock)

    assert claimed(account, times=2) == [fresh, None]
    assert again(old).state == State.PENDING_REVIEW


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.REFUSED_RETRY, State.PENDING_REVIEW),
        (Outcome.NOT_SENT, State.PENDING_REVIEW),
        (Outcome.WAIVED, State.PREPARING),
    ],
)
def test_no_second_review_while_aws_might_have_it(outcome, state, account, queued, clock):
    [submission] = queued("normal")
    an_attempt(submission, outcome)
    clock.advance(hours=24)
    change_catalog(account, clock)

    claimed(account)

    assert again(submission).state == state


def test_an_expired_approval_can_be_given_again(account, queued, sandbox, clock):
    [submission] = queued("normal")
    clock.advance(hours=24)
    change_catalog(account, clock)
    claimed(account)

    reviewer = a_user(team=submission.case.team, role=Role.REVIEWER)
    workflow.approve(again(submission), by=reviewer, payload_sha256=submission.payload_sha256)

    assert send(submission).state == State.DELIVERED


# --- many at once --------------------------------------------------------------------------------------------------------------------
def claim_in_threads(account, number):
    """Claims made by as many threads at once, each with a connection of its own."""
    start = threading.Barrier(number)

    def run():
        try:
            # So many on a busy machine wait for each other longer than a page may.
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
            start.wait(timeout=120)
            return claim.claim_next(account.pk)
        except BaseException:
            start.abort()  # else all others wait for this one
            raise
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        runs = [pool.submit(run) for _thread in range(number)]
    failures = [failure for each in runs if (failure := each.exception())]
    if failures:
        raise next((each for each in failures if not isinstance(each, threading.BrokenBarrierError)), failures[0])
    return [row for each in runs if (row := each.result())]


@pytest.fixture(params=["as in a process", "as in as many processes"])
def one_writer(request, monkeypatch):
    """With and without the lock that parts the writers of one process: the database alone has to do."""
    if request.param != "as in a process":
        monkeypatch.setattr(database, "_one_writer", nullcontext())


@pytest.mark.django_db(transaction=True)
def test_a_hundred_claims_at_once_take_each_row_once(account, queued, one_writer, any_number_at_once):
    AwsAccount.objects.update(cases_per_hour=1000)
    rows = queued(*["normal"] * 30)

    found = claim_in_threads(account, 100)

    assert sorted(row.pk for row in found) == sorted(row.pk for row in rows)
    assert set(Submission.objects.values_list("state", "token", "claims")) == {(State.PREPARING, 2, 1)}


def test_of_two_that_saw_the_same_row_one_gets_it(account, queued, monkeypatch):
    """On PostgreSQL two claims may read at once; the guarded UPDATE is what parts them."""
    [submission] = queued("normal")
    seen = [Submission.objects.select_related("account", "case").get() for _worker in range(2)]
    monkeypatch.setattr(claim, "_first_due", lambda *_given: seen.pop())

    assert claimed(account, times=2) == [submission, None]
    assert again(submission).token == 2


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_passed_over_and_holds_up_no_other(account, queued, any_number_at_once):
    held, free = queued("urgent", "normal")
    others = connection.copy()
    try:
        with others.cursor() as cursor:  # as a person who cancels it does until the commit
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM submissions_submission WHERE id = %s FOR UPDATE", [held.pk])

        assert claimed(account, times=2) == [free, None]
    finally:
        others.close()

    assert claimed(account) == [held]


@pytest.mark.django_db(transaction=True)
def test_claims_at_once_never_exceed_two_calls_of_an_account(account, queued, one_writer):
    queued(*["normal"] * 5)

    assert len(claim_in_threads(account, 20)) == 2
