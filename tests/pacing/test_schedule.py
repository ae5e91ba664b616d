"""When each row goes out if nothing else happens. Pure, so properties are tried on many made-up queues."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casesite.pacing.budget import Budget
from casesite.pacing.schedule import Because, Waiting, order_of, plan, slots

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_row(key, rank=3, *, queued=0, due=0):
    """A row of the queue; `queued` minutes ago, due in `due` minutes."""
    return Waiting(
        key=key,
        rank=rank,
        urgent=rank <= 1,
        queued_at=NOW - timedelta(minutes=queued),
        due_at=NOW + timedelta(minutes=due),
    )


def a_budget(limit=10, reserve=3, ordinary=(), urgent=()):
    return Budget(limit=limit, reserve=reserve, hour=HOUR, ordinary=ordinary, urgent=urgent)


rows = st.lists(
    st.builds(
        a_row, st.uuids(), st.integers(0, 4), queued=st.integers(0, 300), due=st.sampled_from((-60, 0, 0, 5, 90))
    ),
    min_size=5,
    max_size=25,
    unique_by=lambda row: row.key,
)
spent = st.lists(st.integers(0, 80).map(lambda minutes: NOW - timedelta(minutes=minutes)), max_size=4).map(tuple)
budgets = st.builds(a_budget, st.integers(4, 12), st.integers(0, 3), ordinary=spent, urgent=spent).filter(
    lambda budget: budget.used <= budget.limit and len(budget.ordinary) <= budget.ordinary_limit
)


def most_in_an_hour(instants):
    """The most that lie in any window of an hour."""
    return max((sum(start <= at < start + HOUR for at in instants) for start in instants), default=0)


@given(rows, budgets)
def test_no_hour_ever_holds_more_than_the_limit(waiting, budget):
    planned = plan(waiting, budget, NOW)

    assert most_in_an_hour([*planned.values(), *budget.ordinary, *budget.urgent]) <= budget.limit


@given(rows, budgets)
def test_ordinary_rows_never_use_the_reserve(waiting, budget):
    planned = plan(waiting, budget, NOW)

    ordinary = [planned[row.key] for row in waiting if not row.urgent]
    assert most_in_an_hour([*ordinary, *budget.ordinary]) <= budget.ordinary_limit


@given(rows, budgets)
def test_every_row_is_planned_and_none_before_its_time(waiting, budget):
    planned = plan(waiting, budget, NOW)

    assert set(planned) == {row.key for row in waiting}
    assert all(planned[row.key] >= max(NOW, row.due_at) for row in waiting)


@given(rows, budgets)
def test_among_rows_that_may_use_the_same_slots_the_first_in_order_goes_first(waiting, budget):
    """The order is that of the moment when a row goes out: by then others may have waited long enough to pass it."""
    planned = plan(waiting, budget, NOW)

    for urgent in (True, False):
        due = [row for row in waiting if row.urgent is urgent and row.due_at <= NOW]
        for first, second in combinations(sorted(due, key=lambda row: planned[row.key]), 2):
            at = planned[first.key]
            before, after = (order_of(row.rank, row.queued_at, at) for row in (first, second))
            assert before <= after or planned[second.key] == at


def test_a_row_that_waits_long_enough_passes_a_better_one_before_its_slot_comes():
    low, normal = a_row("low", rank=4, queued=29), a_row("normal", rank=3)

    planned = plan([low, normal], a_budget(limit=1, reserve=0, ordinary=(NOW - timedelta(minutes=59),)), NOW)

    assert planned == {"low": NOW + timedelta(minutes=1), "normal": NOW + timedelta(minutes=61)}


@pytest.mark.parametrize(
    ("row", "used", "opens", "because"),
    [
        (a_row("row"), 0, 0, Because.NOTHING),
        (a_row("row"), 1, 0, Because.RESERVE),
        (a_row("row"), 2, 0, Because.HOUR),
        (a_row("row", rank=1), 1, 0, Because.NOTHING),
        (a_row("row", rank=1), 2, 0, Because.HOUR),
        (a_row("row"), 0, 7, Because.GATE),
        (a_row("row", due=5), 0, 7, Because.GATE),
        (a_row("row", due=9), 0, 7, Because.DUE),
        (a_row("row", due=9), 0, 0, Because.DUE),
        (a_row("row", due=90), 2, 0, Because.DUE),
        (a_row("row", due=9), 2, 7, Because.HOUR),
    ],
)
def test_a_slot_says_why_it_is_not_sooner(row, used, opens, because):
    """Two places an hour, one of them for urgent cases."""
    budget = a_budget(limit=2, reserve=1, ordinary=(NOW,) * min(used, 1), urgent=(NOW,) * max(0, used - 1))

    assert slots([row], budget, NOW, not_before=NOW + timedelta(minutes=opens))["row"].because == because


def test_rows_leave_one_after_another():
    planned = slots([a_row(n, queued=9 - n) for n in range(3)], a_budget(), NOW, pace=timedelta(seconds=2))

    assert planned == {
        0: (NOW, Because.NOTHING),
        1: (NOW + timedelta(seconds=2), Because.PACE),
        2: (NOW + timedelta(seconds=4), Because.PACE),
    }


@given(rows, budgets)
def test_an_ordinary_row_delays_no_urgent_one_beyond_the_limit(waiting, budget):
    """With no more urgent rows than the reserve holds, ordinary ones do not make them wait at all."""
    urgent = [row for row in waiting if row.urgent][: budget.reserve]
    ordinary = [row for row in waiting if not row.urgent]
    fresh = a_budget(budget.limit, budget.reserve)

    planned = plan([*urgent, *ordinary], fresh, NOW)

    assert all(planned[row.key] == max(NOW, row.due_at) for row in urgent)


@given(rows, budgets, st.integers(0, 120))
def test_nothing_goes_out_before_the_gate_opens(waiting, budget, minutes):
    opens = NOW + timedelta(minutes=minutes)

    planned = plan(waiting, budget, NOW, not_before=opens)

    assert all(at >= opens for at in planned.values())


def test_ten_rows_fill_the_hour_and_the_others_follow_as_it_frees_up():
    waiting = [a_row(number, rank=1, queued=60 - number) for number in range(12)]

    planned = plan(waiting, a_budget(urgent=(NOW - timedelta(minutes=45),)), NOW)

    waits = [(planned[number] - NOW).total_seconds() / 60 for number in range(12)]
    assert waits == [0] * 9 + [15, 60, 60]


def test_ordinary_rows_fill_their_part_of_the_hour_and_urgent_ones_find_room():
    waiting = [a_row(number, queued=60 - number) for number in range(9)] + [a_row("urgent", rank=1)]

    planned = plan(waiting, a_budget(), NOW)

    assert [at for key, at in sorted(planned.items(), key=lambda item: str(item[0]))] == [NOW] * 7 + [
        NOW + HOUR
    ] * 2 + [NOW]


def test_a_row_that_is_due_later_gives_its_slot_away():
    planned = plan([a_row("late", rank=2, due=30), a_row("now", rank=4)], a_budget(limit=1, reserve=0), NOW)

    assert planned == {"now": NOW, "late": NOW + HOUR}


@pytest.mark.parametrize(
    ("rank", "minutes", "aged"),
    [(0, 0, 0), (0, 600, 0), (1, 600, 1), (2, 29, 2), (2, 30, 1), (4, 60, 2), (4, 89, 2), (4, 90, 1), (4, 6000, 1)],
)
def test_waiting_lifts_a_row_each_half_hour_but_never_to_critical(rank, minutes, aged):
    queued_at = NOW - timedelta(minutes=minutes)

    assert order_of(rank, queued_at, NOW) == (aged, queued_at)
