"""How many cases an account may open in the rolling hour. No database."""

from datetime import UTC, datetime, timedelta

import pytest

from casesite.pacing.budget import Budget

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ago(*minutes):
    return tuple(NOW - timedelta(minutes=each) for each in minutes)


def a_budget(ordinary=(), urgent=(), limit=10, reserve=3):
    return Budget(limit=limit, reserve=reserve, hour=HOUR, ordinary=ago(*ordinary), urgent=ago(*urgent))


@pytest.mark.parametrize(
    ("ordinary", "urgent", "room", "room_for_urgent"),
    [
        ((), (), True, True),
        (range(6), (), True, True),
        (range(7), (), False, True),
        (range(4), range(5), True, True),
        (range(7), range(2), False, True),
        (range(7), range(3), False, False),
        ((), range(9), True, True),
        ((), range(10), False, False),
        ([60] * 10, (), True, True),
        ([59] * 7, (), False, True),
    ],
)
def test_ordinary_cases_leave_the_reserve_to_urgent_ones(ordinary, urgent, room, room_for_urgent):
    budget = a_budget(ordinary, urgent)

    assert (budget.has_room(NOW, urgent=False), budget.has_room(NOW, urgent=True)) == (room, room_for_urgent)


def test_the_next_slot_is_free_when_the_oldest_leaves_the_hour():
    budget = a_budget(ordinary=(5, 50, 40, 30, 20, 10, 1), urgent=(58, 2, 3))

    assert budget.free_at(NOW, urgent=True) == NOW + timedelta(minutes=2)
    assert budget.free_at(NOW, urgent=False) == NOW + timedelta(minutes=10)


def test_more_than_the_limit_waits_until_fewer_are_left():
    """Somebody lowered the account's limit, or the hour was filled at once."""
    budget = a_budget(urgent=(50, 40, 30), limit=2, reserve=0)

    assert budget.free_at(NOW, urgent=True) == NOW + timedelta(minutes=20)


@pytest.mark.parametrize(("limit", "reserve", "ordinary"), [(10, 3, 7), (10, 0, 10), (3, 3, 1), (1, 3, 1), (1, 0, 1)])
def test_one_ordinary_case_an_hour_goes_out_whatever_the_reserve(limit, reserve, ordinary):
    assert a_budget(limit=limit, reserve=reserve).ordinary_limit == ordinary


def test_a_spent_slot_counts_and_the_old_budget_stays():
    before = a_budget(limit=2, reserve=1)

    after = before.spend(NOW, urgent=False)

    assert (before.used, after.used) == (0, 1)
    assert (after.has_room(NOW, urgent=False), after.has_room(NOW, urgent=True)) == (False, True)
    assert not after.spend(NOW, urgent=True).has_room(NOW, urgent=True)
