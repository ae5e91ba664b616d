"""Old questions end, old answers go, the newest of each stays."""

from datetime import timedelta

import pytest

from casesite.lookups import answer, questions, registry
from casesite.lookups.cleaning import clean_up
from casesite.lookups.models import Lookup, LookupState

from . import handlers

pytestmark = pytest.mark.django_db


def ask_and_answer(account, n=0):
    lookup = questions.ask("echo", account, {"n": n}, max_age=questions.NOW)
    answer.answer_open(account.pk)
    return lookup


def test_question_without_an_answer_for_an_hour_fails(account, clock):
    lookup = questions.ask("echo", account)
    clock.advance(timedelta(minutes=60))
    assert clean_up() == 0

    clock.advance(timedelta(seconds=1))
    assert clean_up() == 1

    lookup.refresh_from_db()
    assert (lookup.state, lookup.error) == (LookupState.FAILED, "No worker answered for an hour. Ask again.")


def test_expired_answers_go_but_for_the_newest_of_each_question(account, clock):
    rows = [ask_and_answer(account, n) for n in (0, 0, 1)]
    clock.advance(hours=2)

    assert clean_up() == 1

    assert set(Lookup.objects.values_list("pk", flat=True)) == {rows[1].pk, rows[2].pk}


def test_answers_that_hold_stay(account, clock):
    for _n in range(2):
        ask_and_answer(account)

    assert clean_up() == 0


def test_newest_answer_stays_when_a_later_question_failed(account, clock):
    kept = ask_and_answer(account)
    questions.ask("echo", account, {"n": 0}, max_age=questions.NOW)
    clock.advance(hours=2)

    clean_up()

    assert questions.newest_answer("echo", account, {"n": 0}) == kept


def test_failures_are_kept_for_a_week(account, clock):
    handlers.errors[:] = [ValueError()] * 3
    questions.ask("fail_with", account)
    for _try in range(3):
        answer.answer_open(account.pk)
        clock.advance(minutes=1)

    clock.advance(timedelta(days=6))
    assert clean_up() == 0
    clock.advance(timedelta(days=2))
    assert clean_up() == 1


@pytest.mark.parametrize("failing", [False, True])
def test_answers_with_a_time_to_be_kept_go_after_it(failing, account, clock):
    registry.register(
        "passing",
        f"tests.lookups.handlers:{'fail_with' if failing else 'echo'}",
        expires=timedelta(hours=1),
        title="What passes",
        keep=timedelta(days=1),
    )
    handlers.errors[:] = [registry.Unanswered("No.")] if failing else []
    questions.ask("passing", account)
    answer.answer_open(account.pk)

    clock.advance(hours=24)
    assert clean_up() == 0
    clock.advance(hours=1, seconds=1)

    assert clean_up() == 1
