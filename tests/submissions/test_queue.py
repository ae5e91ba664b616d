"""Tests of where an account stands: budget, gate, and when each row goes out."""

from datetime import timedelta

import pytest
from django.test import override_settings

from casesite.delivery.models import Outcome
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions import queue
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount
from tests.factories import a_draft, a_submission, a_team, a_user, an_account, an_attempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return a_team()


@pytest.fixture
def author(team):
    return a_user(team=team)


@pytest.fixture
def account(team):
    return an_account(team, cases_per_hour=3, reserved_urgent=1)


def queued(author, account, **fields):
    return a_submission(State.QUEUED, case=a_draft(by=author, account=account, **fields))


def sent(author, account, clock, outcome=Outcome.DONE, ago=timedelta(), **fields):
    return an_attempt(queued(author, account, **fields), outcome, started_at=clock.now - ago)


@pytest.mark.parametrize("outcome", Outcome)
def test_budget_counts_what_aws_may_count(author, account, clock, bells, outcome):
    sent(author, account, clock, outcome)

    assert queue.budget_of(account, clock.now).used == (outcome in (Outcome.DONE, Outcome.UNKNOWN))


def test_budget_counts_an_attempt_under_way(author, account, clock, bells):
    sent(author, account, clock, outcome=None)

    assert queue.budget_of(account, clock.now).used == 1


def test_budget_forgets_what_is_an_hour_old(author, account, clock, bells):
    sent(author, account, clock, ago=timedelta(hours=1))
    sent(author, account, clock, ago=timedelta(minutes=59, seconds=59))

    budget = queue.budget_of(account, clock.now)

    assert budget.ordinary == (clock.now - timedelta(minutes=59, seconds=59),)


def test_budget_counts_an_hour_from_the_end_of_an_attempt(author, account, clock, bells):
    """AWS opened the case between the intent and the answer: an hour after the intent the place may still be taken there."""
    answered = clock.now - timedelta(minutes=59, seconds=50)
    an_attempt(queued(author, account), Outcome.DONE, started_at=answered - timedelta(seconds=80), closed_at=answered)

    assert queue.budget_of(account, clock.now).ordinary == (answered,)
    clock.advance(seconds=10)
    assert queue.budget_of(account, clock.now).ordinary == ()


def test_what_is_proven_late_holds_its_place_no_longer(author, account, clock, bells):
    """A search found the case long after the lease had run out: AWS has counted it since it was sent."""
    started = clock.now - timedelta(minutes=40)
    an_attempt(queued(author, account), Outcome.DONE, started_at=started, closed_at=clock.now)

    place_counts_from = started + timedelta(seconds=90)  # the lease of what is being sent
    assert queue.budget_of(account, clock.now).ordinary == (place_counts_from,)
    assert queue.queue_of(account, clock.now).budget.ordinary == (place_counts_from,)
    clock.advance(minutes=21, seconds=29)
    assert queue.used_by_account(clock.now) == {account.pk: (1, 0)}
    clock.advance(seconds=1)
    assert queue.used_by_account(clock.now) == {}


def test_budget_follows_the_time_scale(author, account, clock, bells):
    sent(author, account, clock, ago=timedelta(minutes=2))

    with override_settings(TIME_SCALE=60):
        assert queue.budget_of(account, clock.now).used == 0


def test_budget_parts_urgent_from_ordinary(author, account, clock, bells):
    sent(author, account, clock, severity_code="critical")
    sent(author, account, clock, severity_code="urgent")
    sent(author, account, clock, severity_code="high")

    budget = queue.budget_of(account, clock.now)

    assert (len(budget.urgent), len(budget.ordinary)) == (2, 1)
    assert (budget.limit, budget.reserve) == (3, 1)


def test_budget_counts_every_attempt_of_a_row_once(author, account, clock, bells):
    row = queued(author, account)
    an_attempt(row, Outcome.NOT_SENT)
    an_attempt(row, Outcome.UNKNOWN)
    an_attempt(row, Outcome.DONE)

    assert queue.budget_of(account, clock.now).used == 2


def test_budget_of_another_account_is_its_own(author, account, clock, bells, team):
    other = an_account(team)
    sent(author, account, clock)
    sent(author, account, clock, severity_code="urgent")

    assert [queue.budget_of(each, clock.now).used for each in (account, other)] == [2, 0]
    assert queue.used_by_account(clock.now) == {account.pk: (1, 1)}


def test_planned_gives_each_queued_row_its_time(author, account, clock, bells):
    """Of three places one is kept for urgent cases; of the two others one was used 50 minutes ago."""
    start = clock.now
    a_submission(State.DELIVERED, case=a_draft(by=author, account=account))
    clock.advance(minutes=50)
    queued(author, account).move(State.PREPARING)
    first, second, third = (queued(author, account) for _n in range(3))

    assert queue.planned(account, clock.now) == {
        first.pk: start + timedelta(hours=1),
        second.pk: clock.now + timedelta(hours=1),
        third.pk: start + timedelta(hours=2),
    }


def test_planned_lets_an_urgent_row_use_the_reserve(author, account, clock, bells):
    for _n in range(2):
        queued(author, account).move(State.PREPARING)
    ordinary = queued(author, account)
    urgent = queued(author, account, severity_code="urgent")

    assert queue.planned(account, clock.now) == {
        urgent.pk: clock.now,
        ordinary.pk: clock.now + timedelta(hours=1),
    }


def test_planned_waits_for_the_gate(author, account, clock, bells):
    row = queued(author, account)
    gate.hold(account.pk, clock.now + timedelta(minutes=7), "limit exceeded")

    assert queue.planned(account, clock.now) == {row.pk: clock.now + timedelta(minutes=7)}


def test_planned_forgets_a_gate_that_opened(author, account, clock, bells):
    row = queued(author, account)
    gate.hold(account.pk, clock.now - timedelta(seconds=1), "limit exceeded")

    assert queue.planned(account, clock.now) == {row.pk: clock.now}


def test_planned_ignores_the_gate_for_reading(author, account, clock, bells):
    row = queued(author, account)
    gate.access_refused(account.pk, Mode.READ, "no")

    assert queue.planned(account, clock.now) == {row.pk: clock.now}


def test_planned_ignores_what_is_not_queued(author, account, clock, bells):
    a_submission(State.PENDING_REVIEW, case=a_draft(by=author, account=account))
    a_submission(State.UNKNOWN, case=a_draft(by=author, account=account))

    assert queue.planned(account, clock.now) == {}


def test_planned_stops_at_a_number_of_rows(author, account, clock, bells, monkeypatch):
    monkeypatch.setattr(queue, "PLANNED_ROWS", 2)
    rows = [queued(author, account) for _n in range(3)]

    found = queue.queue_of(account, clock.now)

    assert set(found.planned) == {rows[0].pk, rows[1].pk}
    assert found.would_go_out("normal") is None


def test_outlook_is_now_where_there_is_room(account, clock):
    assert queue.queue_of(account, clock.now).would_go_out("normal") == clock.now


def test_outlook_stands_behind_those_who_wait(author, account, clock, bells):
    for _n in range(2):
        queued(author, account)

    outlook = queue.queue_of(account, clock.now)

    assert outlook.would_go_out("normal") == clock.now + timedelta(hours=1)
    assert outlook.would_go_out("critical") == clock.now


def test_queue_names_the_trouble_of_the_account(author, account, clock, bells):
    gate.access_refused(account.pk, Mode.WRITE, "no")

    found = queue.queue_of(account, clock.now)

    assert found.trouble == "access"
    assert found.free_at(urgent=False) == found.shut_until == clock.now + timedelta(seconds=30)


@pytest.mark.parametrize("accounts", [1, 3])
def test_queues_take_two_queries(team, author, clock, bells, django_assert_num_queries, accounts):
    several = [an_account(team) for _n in range(accounts)]
    for account in several:
        queued(author, account)

    with django_assert_num_queries(2):
        found = queue.queues_of(several, clock.now)
        assert len(queue.planned_in(found)) == accounts


@pytest.mark.parametrize("accounts", [1, 3])
def test_queues_take_one_query_where_the_gates_are_read_already(
    team, author, clock, bells, django_assert_num_queries, accounts
):
    for _n in range(accounts):
        account = an_account(team)
        gate.hold(account.pk, clock.now + timedelta(minutes=7), "limit exceeded")
        gate.wait_for_read(account.pk)
    several = list(queue.with_gates(AwsAccount.objects.all()))

    with django_assert_num_queries(1):
        found = queue.queues_of(several, clock.now)

    assert [each.shut_until for each in found.values()] == [clock.now + timedelta(minutes=7)] * accounts


def test_queue_is_open_where_nothing_was_sent_yet(account, clock):
    (only,) = queue.with_gates(AwsAccount.objects.all())

    found = queue.queues_of([only], clock.now)[account.pk]

    assert (found.shut_until, found.trouble) == (None, "")


def test_planning_many_rows_is_quick(account, clock):
    from time import perf_counter

    from casesite.pacing.schedule import Waiting, plan

    rows = [
        Waiting(key=n, rank=3, urgent=False, queued_at=clock.now, due_at=clock.now) for n in range(queue.PLANNED_ROWS)
    ]

    began = perf_counter()
    at = plan(rows, queue.budget_of(account, clock.now), clock.now)

    assert len(at) == queue.PLANNED_ROWS
    assert perf_counter() - began < 1
