"""The short form of chaos, and that its judges see what is wrong. The long form is `make chaos`, with docs/reliability.md."""

import json

import pytest

from tests.chaos import plans
from tests.chaos.mutants import MUTANTS
from tests.chaos.runs import Options, run

KILLS, SUBMISSIONS = 20, 200


@pytest.mark.processes
@pytest.mark.xdist_group("chaos")
def test_nothing_is_lost_doubled_or_stuck_while_processes_are_killed():
    report = run(Options(seed=1, submissions=SUBMISSIONS, kills=KILLS, minutes=20))

    print(report.as_words())
    assert report.findings == {name: [] for name in ("lost", "doubled", "stuck", "unexplained", "invariants")}
    assert report.shortfalls == []
    assert (report.submitted, sum(report.kills.values()) >= KILLS) == (SUBMISSIONS, True)
    assert report.calls_share > 0.4
    assert json.loads(report.as_json())["passed"]


def test_a_seed_draws_the_same_submissions_again():
    accounts, first = plans.draw(7, 120)
    _accounts, again = plans.draw(7, 120)
    _accounts, other = plans.draw(8, 120)

    assert first == again
    assert first != other
    assert len({planned.subject for planned in first}) == 120
    assert {planned.account for planned in first} == set(accounts)
    assert any(planned.files for planned in first)
    of_connect = [planned for planned in first if planned.kind == "connect"]
    assert len(of_connect) == 48
    assert {bool(planned.comment) for planned in of_connect} == {True, False}
    assert {planned.account.untagged for planned in of_connect} == {True, False}


def test_the_mistakes_that_chaos_must_see_are_there():
    assert list(MUTANTS) == ["retry-on-timeout", "sdk-retries", "early-looks", "new-tokens"]
