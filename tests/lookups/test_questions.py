"""Asking: one open question at a time, fresh answers are used again."""

from datetime import timedelta

import pytest

from casesite.lookups import questions
from casesite.lookups.answer import answer_open
from casesite.lookups.models import PATIENCE, Lookup, LookupState
from casesite.pacing import bell
from tests.factories import a_user, an_account

pytestmark = pytest.mark.django_db(transaction=True)


def test_question_is_written_down_and_a_worker_is_rung(account, bells, clock):
    user = a_user()

    lookup = questions.ask("echo", account, {"service": "billing"}, by=user)

    assert (lookup.state, lookup.asked_by, lookup.asked_at) == (LookupState.OPEN, user, clock.now)
    assert bells == [(bell.ANSWER, account.pk, "lookups")]


def test_open_question_is_shared(account, bells):
    first = questions.ask("echo", account, {"a": 1, "b": 2})
    second = questions.ask("echo", account, {"b": 2, "a": 1})

    assert second == first
    assert len(bells) == 1


@pytest.mark.parametrize(
    ("age", "max_age", "used"),
    [
        (timedelta(minutes=59), None, True),
        (timedelta(minutes=61), None, False),
        (timedelta(minutes=4), timedelta(minutes=5), True),
        (timedelta(minutes=6), timedelta(minutes=5), False),
        (timedelta(0), questions.NOW, False),
    ],
)
def test_answer_is_used_again_while_it_is_fresh(account, bells, clock, age, max_age, used):
    first = questions.ask("echo", account)
    answer_open(account.pk)
    clock.advance(age)

    second = questions.ask("echo", account, max_age=max_age)

    assert (second == first) is used


def test_question_is_one_for_each_account_kind_and_parameters(account, team, bells):
    other = an_account(team)
    asked = [
        questions.ask("echo", account, {"a": 1}),
        questions.ask("echo", account, {"a": 2}),
        questions.ask("fail_with", account, {"a": 1}),
        questions.ask("echo", other, {"a": 1}),
    ]

    assert len({lookup.pk for lookup in asked}) == 4


def test_unknown_kind_is_found_when_it_is_asked(account, bells):
    with pytest.raises(LookupError):
        questions.ask("nobody_registered_this", account)

    assert Lookup.objects.count() == 0


def test_two_who_ask_at_once_get_the_same_row(account, bells, monkeypatch):
    first = questions.ask("echo", account)
    monkeypatch.setattr(questions, "newest", lambda *_args: None)  # the second looked before the first had written

    assert questions.ask("echo", account) == first
    assert len(bells) == 1


def test_newest_answer_outlives_a_later_failure(account, bells):
    answered = questions.ask("echo", account)
    answer_open(account.pk)
    failed = questions.ask("echo", account, max_age=questions.NOW)
    Lookup.objects.filter(pk=failed.pk).update(state=LookupState.FAILED)

    assert questions.newest("echo", account) == failed
    assert questions.newest_answer("echo", account) == answered


def test_asking_again_starts_the_wait_anew_and_rings(account, bells, clock):
    lookup = questions.ask("echo", account)
    clock.advance(PATIENCE + timedelta(seconds=1))
    lookup.refresh_from_db()
    assert lookup.is_overdue

    again = questions.ask_again(lookup, by=None)

    assert (again.pk, again.is_overdue, len(bells)) == (lookup.pk, False, 2)


def test_asking_again_after_an_answer_is_a_new_question(account, bells):
    lookup = questions.ask("echo", account, {"a": 1})
    answer_open(account.pk)

    again = questions.ask_again(lookup, by=None)

    assert (again.pk != lookup.pk, again.is_open, again.params) == (True, True, {"a": 1})
