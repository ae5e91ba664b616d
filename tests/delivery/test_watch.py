"""What was once unknown is looked up again after it is settled: a second case may come up late."""

from datetime import timedelta

import pytest

from casesite.delivery import dispatcher, watch
from casesite.delivery.models import LookResult, Outcome, Watch
from casesite.submissions import marker, workflow
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.delivery.steps import creates, work_off
from tests.factories import a_submission, a_user

pytestmark = pytest.mark.django_db
CREATE = "support.CreateCase"


def found_after_a_lost_answer(sandbox, time):
    row = a_submission(State.QUEUED)
    sandbox.lose_answer(CREATE)
    work_off(row)
    assert row.state == State.UNKNOWN
    time.pass_(seconds=10)
    work_off(row)
    assert row.state == State.DELIVERED
    watch.start()
    return row


def late_second_case(sandbox, row):
    """AWS carries out a request that everybody had given up."""
    return sandbox.open_case(row.account.account_id, row.payload["subject"], row.payload["communicationBody"])


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_second_case_is_flagged_at_the_next_look(step, sandbox, bells, time, clock):
    row = found_after_a_lost_answer(sandbox, time)
    settled = clock.now
    for after in watch.AFTER[:step]:
        time.until(settled + after)
        work_off(row)
    assert not row.duplicate
    second = late_second_case(sandbox, row)

    time.until(settled + watch.AFTER[step] - timedelta(seconds=1))
    work_off(row)
    assert not row.duplicate
    time.until(settled + watch.AFTER[step])
    work_off(row)

    assert (row.duplicate, row.duplicate_remote_id) == (True, second.case_id)
    assert row.case.duplicate_aws_case_id == second.case_id
    assert row.case.aws_case_id == row.remote_id != second.case_id
    assert len(creates(sandbox)) == 1


def test_the_watch_ends_after_a_day_and_flags_nothing_where_there_is_one_case(sandbox, bells, time):
    row = found_after_a_lost_answer(sandbox, time)
    looks = row.looks.count()

    for _quarter in range(4 * 26):
        if watch.due(time._clock.now):
            work_off(row)
        time.pass_(minutes=15)

    assert row.looks.count() == looks + 3
    assert {look.remote_id for look in row.looks.filter(result=LookResult.FOUND)} == {row.remote_id}
    assert not row.duplicate
    assert Watch.objects.get().due_at is None


def test_what_a_person_gave_up_is_watched_and_proven_where_it_comes_up(sandbox, bells, time):
    row = a_submission(State.QUEUED)
    sandbox.fault(CREATE, "drop", when="before")
    work_off(row)
    lead = a_user(team=row.case.team, role=Role.LEAD)
    workflow.take_over(row, by=lead, reason="Seen in the console that it is not there.")
    workflow.give_up(row, by=lead, reason="Not needed any more.")
    watch.start()
    late = late_second_case(sandbox, row)

    time.pass_(minutes=15)
    work_off(row)

    assert (row.state, row.remote_id, row.case.aws_case_id) == (State.DELIVERED, late.case_id, late.case_id)
    assert row.attempts.get().outcome == Outcome.DONE


def test_a_lost_worker_is_watched_too_and_a_plain_success_is_not(sandbox, bells, time, clock):
    a_submission(State.DELIVERED)
    lost = a_submission(State.SENDING)
    clock.advance(minutes=3)
    dispatcher.expire_sending()

    watch.start()

    assert [(each.submission, each.since) for each in Watch.objects.all()] == [(lost, None)]


def test_a_watch_that_cannot_look_tries_again_and_gives_up_after_days(sandbox, bells, time, clock):
    row = found_after_a_lost_answer(sandbox, time)
    sandbox.fault("support.DescribeCases", "cut", times=None)

    time.pass_(minutes=15)
    work_off(row)
    watched = Watch.objects.get()
    assert (watched.step, watched.due_at) == (0, clock.now + timedelta(minutes=15))
    assert watched.error_text
    time.pass_(hours=73)
    work_off(row)

    assert Watch.objects.get().due_at is None


def test_the_dispatcher_starts_a_watch_and_rings_for_it(sandbox, bells, time, clock):
    row = found_after_a_lost_answer(sandbox, time)
    Watch.objects.update(since=None, due_at=None)
    sweeping = dispatcher.Dispatcher()
    sweeping.tick()
    bells.clear()

    time.pass_(minutes=15)
    sweeping.tick()

    assert [rung.account for rung in bells if rung.task == "delivery.work_off"] == [row.account_id]
    assert marker.is_valid(row.marker)
