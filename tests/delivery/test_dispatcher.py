"""The sweeper: nothing waits where nobody sees it."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from casesite.delivery import canary, process
from casesite.delivery import dispatcher as sweeping
from casesite.delivery.dispatcher import Dispatcher
from casesite.delivery.models import Beat
from casesite.lookups.models import Lookup
from casesite.pacing import bell, gate
from casesite.pacing.models import AccountGate, Mode
from casesite.submissions.models import PAYLOAD_VERSION, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from tests.factories import a_submission, a_team, an_account, many_like

pytestmark = pytest.mark.django_db


def work_bells(bells):
    return [rung for rung in bells if rung.task == bell.WORK_OFF]


def test_due_work_is_rung_for_at_most_twice_in_fifteen_seconds(bells, clock):
    first = a_submission(State.QUEUED)
    for number in range(3):
        a_submission(State.QUEUED, by=first.case.author, account=first.account, subject=f"More {number}")
    bells.clear()
    dispatcher = Dispatcher()

    for _round in range(3):
        dispatcher.tick()
        clock.advance(seconds=4)
    assert len(work_bells(bells)) == 2
    clock.advance(seconds=10)
    dispatcher.tick()

    assert len(work_bells(bells)) == 4
    assert {rung.account for rung in work_bells(bells)} == {first.account_id}


def test_urgent_work_is_rung_in_the_urgent_queue(bells, clock):
    a_submission(State.QUEUED, severity_code="urgent")
    bells.clear()

    Dispatcher().tick()

    assert [rung.queue for rung in work_bells(bells)] == ["urgent"]


def test_nothing_is_rung_for_what_is_not_due_or_behind_a_closed_gate(bells, clock):
    waiting = a_submission(State.QUEUED)
    Submission.objects.filter(pk=waiting.pk).update(due_at=clock.now + timedelta(minutes=5))
    blocked = a_submission(State.QUEUED)
    gate.access_refused(blocked.account_id, Mode.WRITE, "AccessDenied")
    a_submission(State.PENDING_REVIEW)
    bells.clear()

    Dispatcher().tick()

    assert work_bells(bells) == []


def test_nothing_is_rung_while_the_hour_is_used_up(bells, clock):
    account = an_account(cases_per_hour=1, reserved_urgent=0)
    team = a_submission(State.PENDING_REVIEW).case.team
    account.teams.add(team)
    sent = a_submission(State.DELIVERED, team=team, account=account)
    a_submission(State.QUEUED, by=sent.case.author, team=team, account=account)
    bells.clear()
    dispatcher = Dispatcher()
    Submission.objects.filter(pk=sent.pk).update(due_at=None)

    dispatcher.tick()
    assert work_bells(bells) == []
    clock.advance(minutes=61)
    dispatcher.tick()

    assert len(work_bells(bells)) == 1


def test_a_stopped_account_is_rung_for_when_its_pause_is_over(bells, clock):
    submission = a_submission(State.QUEUED)
    gate.access_refused(submission.account_id, Mode.WRITE, "AccessDenied")
    bells.clear()

    clock.advance(seconds=31)
    Dispatcher().tick()

    assert len(work_bells(bells)) == 1


def test_open_lookups_are_rung_for(bells, clock):
    account = an_account()
    Lookup.objects.create(account=account, kind="account_check", key="x", asked_at=clock.now)
    bells.clear()

    Dispatcher().tick()

    assert [(rung.task, rung.queue) for rung in bells if rung.account == account.pk] == [(bell.ANSWER, "lookups")]


def test_an_expired_preparation_goes_back_to_the_queue(bells, clock):
    submission = a_submission(State.PREPARING)

    clock.advance(minutes=6)
    sweeping.expire_preparing()

    submission.refresh_from_db()
    assert (submission.state, submission.due_at, submission.lease_by) == (State.QUEUED, clock.now, "")


def test_a_live_lease_is_left_alone(bells, clock):
    preparing = a_submission(State.PREPARING)
    sending = a_submission(State.SENDING)

    clock.advance(seconds=60)
    sweeping.expire_preparing()
    sweeping.expire_sending()

    preparing.refresh_from_db()
    sending.refresh_from_db()
    assert (preparing.state, sending.state) == (State.PREPARING, State.SENDING)


def test_the_third_lease_lost_in_a_row_needs_a_person(bells, clock):
    submission = a_submission(State.PREPARING)
    Submission.objects.filter(pk=submission.pk).update(claims=3)

    clock.advance(minutes=6)
    sweeping.expire_preparing()

    submission.refresh_from_db()
    assert (submission.state, submission.reason_code) == (State.NEEDS_ATTENTION, Reason.POISON)


def test_a_day_behind_a_stopped_account_needs_a_person(bells, clock):
    submission = a_submission(State.QUEUED)
    free = a_submission(State.QUEUED)
    gate.access_refused(submission.account_id, Mode.WRITE, "AccessDenied")

    clock.advance(hours=23)
    sweeping.park_hopeless()
    submission.refresh_from_db()
    assert submission.state == State.QUEUED
    clock.advance(hours=1, minutes=1)
    sweeping.park_hopeless()

    submission.refresh_from_db()
    free.refresh_from_db()
    assert (submission.state, submission.reason_code) == (State.NEEDS_ATTENTION, Reason.BLOCKED_LONG)
    assert free.state == State.QUEUED


def test_a_payload_no_worker_knows_needs_a_person_after_an_hour(bells, clock):
    submission = a_submission(State.QUEUED)
    Submission.objects.filter(pk=submission.pk).update(payload_version=PAYLOAD_VERSION + 1)

    clock.advance(minutes=61)
    sweeping.park_hopeless()

    submission.refresh_from_db()
    assert (submission.state, submission.reason_code) == (State.NEEDS_ATTENTION, Reason.NO_WORKER)


def test_of_two_dispatchers_one_acts_until_its_lease_ends(bells, clock, monkeypatch):
    monkeypatch.setattr(process, "name", lambda: "first")
    assert sweeping.elected()
    monkeypatch.setattr(process, "name", lambda: "second")
    assert not sweeping.elected()

    clock.advance(seconds=16)

    assert sweeping.elected()
    monkeypatch.setattr(process, "name", lambda: "first")
    assert not sweeping.elected()


def test_a_resigned_dispatcher_is_followed_at_once(bells, clock, monkeypatch):
    monkeypatch.setattr(process, "name", lambda: "first")
    assert sweeping.elected()
    sweeping.resign()
    monkeypatch.setattr(process, "name", lambda: "second")

    assert sweeping.elected()


def test_a_canary_goes_out_to_each_queue_and_its_silence_is_seen(bells, clock):
    dispatcher = Dispatcher()
    dispatcher.tick()
    assert {rung.queue for rung in bells if rung.task == canary.TASK} == {"urgent", "default", "lookups", "sync"}
    canary.answer("urgent")

    clock.advance(minutes=3)

    assert canary.silent_queues() == ["default", "lookups", "sync"]


@pytest.mark.django_db(transaction=True)
def test_work_that_nobody_takes_for_a_minute_is_done_here(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    dispatcher = Dispatcher()
    dispatcher.tick()
    clock.advance(seconds=59)
    dispatcher.tick()
    assert sandbox.cases() == []

    clock.advance(seconds=2)
    dispatcher.tick()
    for drained in dispatcher._draining.values():
        drained.result(timeout=20)

    submission.refresh_from_db()
    assert submission.state == State.DELIVERED
    assert len(sandbox.cases()) == 1


@pytest.mark.django_db(transaction=True)
def test_work_that_nobody_takes_is_done_here_although_the_clock_was_set_back(sandbox, bells, clock):
    """The account's last token was taken at a time that is yet to come again: it shows nobody at work."""
    submission = a_submission(State.QUEUED)
    gate.of(submission.account_id, Mode.WRITE)
    AccountGate.objects.update(refilled_at=clock.now + timedelta(hours=1))
    dispatcher = Dispatcher()
    dispatcher.tick()

    clock.advance(seconds=61)
    dispatcher.tick()
    for drained in dispatcher._draining.values():
        drained.result(timeout=20)

    submission.refresh_from_db()
    assert submission.state == State.DELIVERED
    assert len(sandbox.cases()) == 1


def test_work_with_a_live_lease_is_not_unclaimed(bells, clock):
    preparing = a_submission(State.PREPARING)
    a_submission(State.QUEUED, by=preparing.case.author, account=preparing.account, subject="Another")
    dispatcher = Dispatcher()

    for _second in range(4):
        dispatcher.tick()
        clock.advance(seconds=30)

    assert dispatcher._draining == {}


def test_each_round_beats(bells, clock, monkeypatch):
    monkeypatch.setattr(
        process, "_beat_on", lambda: None
    )  # the thread that beats between rounds would outlive the test
    process.start_beating("dispatcher")
    dispatcher = Dispatcher()
    clock.advance(minutes=5)

    dispatcher.tick()

    assert Beat.objects.get(role="dispatcher").at == clock.now


def test_a_clock_that_is_off_is_an_alarm_in_the_log(bells, clock, caplog):
    Beat.objects.create(process="here 1", role="worker", started_at=clock.now, at=clock.now, clock_skew=-90)

    sweeping.raise_alarms()

    [record] = [each for each in caplog.records if getattr(each, "alarm", "") == "clock"]
    assert (record.process_name, record.seconds) == ("here 1", -90)


def test_a_broker_that_takes_no_bell_ends_no_round(clock, monkeypatch):
    class Gone:
        @staticmethod
        def send_task(*_message, **_options):
            raise ConnectionError("no broker")

    monkeypatch.setattr(bell, "current_app", Gone)
    expired = a_submission(State.PREPARING)
    clock.advance(minutes=6)

    Dispatcher().tick()

    expired.refresh_from_db()
    assert expired.state == State.QUEUED


class Statements:
    """What the block asks the database, transactions aside."""

    def __init__(self):
        self.number = 0

    def __call__(self, execute, sql, *given):
        self.number += not sql.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))
        return execute(sql, *given)


def statements_of_a_minute(bells, clock):
    """Of a dispatcher and a worker that find nothing to do: rounds, beats, and the canaries with their answers."""
    with connection.execute_wrapper(statements := Statements()):
        dispatcher = Dispatcher()
        for _round in range(12):
            bells.clear()
            dispatcher.tick()
            process.beat()  # the worker's
            for rung in bells:
                assert rung.task == canary.TASK
                canary.answer(rung.queue)
            clock.advance(seconds=5)
    return statements.number


@pytest.mark.breaks_invariants  # the copies' attempts and decisions are missing
def test_ten_thousand_waiting_rows_cost_no_more_statements_than_ten(bells, clock):
    accounts = [an_account(cases_per_hour=1, reserved_urgent=0) for _account in range(5)]
    team = a_team()
    waiting = []
    for account in accounts:
        account.teams.add(team)
        sent = a_submission(State.DELIVERED, team=team, account=account)
        Submission.objects.filter(pk=sent.pk).update(due_at=None)
        for _row in range(2):
            waiting.append(a_submission(State.QUEUED, by=sent.case.author, team=team, account=account))
    statements_of_a_minute(bells, clock)  # the first one makes what there is none of
    few = statements_of_a_minute(bells, clock)

    for row in waiting[::2]:
        many_like(row, 1998)
    many = statements_of_a_minute(bells, clock)

    assert Submission.objects.filter(state=State.QUEUED, due_at__lte=clock.now).count() == 10_000
    assert many == few
    assert many / 60 <= 3


def test_gates_survive_the_dispatcher(bells, clock):
    submission = a_submission(State.QUEUED)
    gate.slow_down(submission.account_id, Mode.WRITE, "Rate exceeded")

    Dispatcher().tick()

    assert AccountGate.objects.get(mode=Mode.WRITE).throttles == 1


def test_stop_ends_the_rounds(bells):
    dispatcher = Dispatcher()
    dispatcher.stop.set()

    dispatcher.run()

    assert process.stopping.is_set()
    process.stopping = threading.Event()


def test_what_an_older_version_submitted_is_taken_into_its_team(bells):
    row = a_submission(State.PENDING_REVIEW)
    Submission.objects.filter(pk=row.pk).update(team=None)

    Dispatcher().tick()

    row.refresh_from_db()
    assert row.team == row.case.team
