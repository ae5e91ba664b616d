"""Answering in a worker: leases, tries, words."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from casesite.aws.errors import Cause, NotSent, OutcomeUnknown, Refused
from casesite.lookups import answer, questions
from casesite.lookups.models import Lookup, LookupState
from casesite.lookups.registry import Unanswered
from casesite.lookups.tasks import answer as task
from tests.factories import an_account

from . import handlers

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(minutes=2)
PASSING = OutcomeUnknown("Service Unavailable", operation="support.DescribeServices", http_status=503)
FINAL = Refused(
    "User: x is not authorized",
    cause=Cause.ACCESS,
    again=True,
    operation="support.DescribeServices",
    code="AccessDeniedException",
)


def read(lookup):
    return Lookup.objects.get(pk=lookup.pk)


def test_worker_answers_what_is_open_outside_any_transaction(account, bells, clock):
    lookup = questions.ask("echo", account, {"a": 1})
    clock.advance(seconds=2)

    assert answer.answer_open(account.pk) == 1

    found = read(lookup)
    assert (found.state, found.answer) == (LookupState.ANSWERED, {"account": account.account_id, "a": 1})
    assert (found.answered_at, found.expires_at) == (clock.now, clock.now + timedelta(hours=1))
    assert handlers.in_transaction == [False]


def test_bell_answers_all_questions_of_its_account_and_no_others(account, team, bells):
    other = an_account(team)
    for number in range(3):
        questions.ask("echo", account, {"n": number})
    questions.ask("echo", other, {"n": 9})

    task(account.pk)

    assert handlers.asked == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_claimed_question_is_left_alone_until_its_lease_ends(account, bells, clock):
    questions.ask("echo", account)
    answer.claim_next(account.pk)

    assert answer.answer_open(account.pk) == 0

    clock.advance(LEASE)
    assert answer.answer_open(account.pk) == 1


def test_question_that_three_workers_died_of_fails_in_words(account, bells, clock):
    lookup = questions.ask("echo", account)
    for _worker in range(3):
        answer.claim_next(account.pk)
        clock.advance(LEASE)

    assert answer.answer_open(account.pk) == 0

    found = read(lookup)
    assert found.state == LookupState.FAILED
    assert found.error == "Three workers took this up and none brought an answer. Ask again."
    assert handlers.asked == []


def test_passing_trouble_is_tried_again_after_a_pause(account, bells, clock):
    handlers.errors[:] = [PASSING]
    lookup = questions.ask("fail_with", account)

    assert answer.answer_open(account.pk) == 1
    assert read(lookup).state == LookupState.OPEN
    clock.advance(seconds=4)
    answer.answer_open(account.pk)

    assert (read(lookup).answer, read(lookup).error) == ({"in": "the end"}, "")


def test_trouble_that_lasts_fails_after_three_tries(account, bells, clock):
    handlers.errors[:] = [PASSING] * 3
    lookup = questions.ask("fail_with", account)
    for _try in range(4):
        answer.answer_open(account.pk)
        clock.advance(minutes=1)

    found = read(lookup)
    assert (found.state, len(handlers.asked)) == (LookupState.FAILED, 3)
    assert found.error == "AWS did not answer in order: Service Unavailable. Try again in a minute."


def test_refusal_fails_at_once_and_says_what_to_do(account, bells):
    handlers.errors[:] = [FINAL]
    lookup = questions.ask("fail_with", account)

    answer.answer_open(account.pk)

    found = read(lookup)
    assert (found.state, len(handlers.asked)) == (LookupState.FAILED, 1)
    assert found.error == (
        "The role may not do this at AWS: User: x is not authorized. Allow support:DescribeServices in the role's policy."
    )


def test_mistake_of_ours_ends_in_words_too(account, bells, clock):
    handlers.errors[:] = [ZeroDivisionError()] * 3
    lookup = questions.ask("fail_with", account)
    for _try in range(3):
        answer.answer_open(account.pk)
        clock.advance(minutes=1)

    assert read(lookup).error == (
        "Something went wrong here (ZeroDivisionError). An operator finds it in the worker's log."
    )


def test_answer_counts_also_after_the_lease(account, bells, clock):
    lookup = questions.ask("echo", account)
    slow = answer.claim_next(account.pk)
    clock.advance(LEASE)
    answer.claim_next(account.pk)

    answer.answer_one(slow)

    assert read(lookup).state == LookupState.ANSWERED


def test_failure_counts_only_from_the_holder_of_the_lease(account, bells, clock):
    handlers.errors[:] = [FINAL]
    lookup = questions.ask("fail_with", account)
    slow = answer.claim_next(account.pk)
    clock.advance(LEASE)
    answer.claim_next(account.pk)

    answer.answer_one(slow)

    assert read(lookup).state == LookupState.OPEN


def test_workers_side_by_side_ask_aws_once(account, bells):
    questions.ask("echo", account)

    def work():
        answer.answer_open(account.pk)
        connection.close()

    workers = [threading.Thread(target=work) for _n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert handlers.asked == [{}]


def test_credentials_of_the_site_that_are_missing_are_told_apart(account, bells):
    handlers.errors[:] = [NotSent("The site has no AWS credentials.", cause=Cause.CREDENTIALS, operation="credentials")]
    lookup = questions.ask("fail_with", account)

    answer.answer_open(account.pk)

    assert read(lookup).error == (
        "The site has no working AWS credentials: The site has no AWS credentials. "
        "An operator has to give the workers credentials."
    )


def test_handler_that_has_no_answer_says_why_and_is_not_tried_again(account, bells, clock):
    handlers.errors.append(Unanswered("Nobody may ask this."))
    lookup = questions.ask("fail_with", account)

    answer.answer_open(account.pk)
    clock.advance(minutes=10)
    answer.answer_open(account.pk)

    assert (read(lookup).state, read(lookup).error) == (LookupState.FAILED, "Nobody may ask this.")
    assert len(handlers.asked) == 1


def test_answer_that_came_up_on_the_way_is_kept(account, bells, clock):
    answer.note("echo", account, {"a": 1}, {"found": "it"})

    kept = questions.newest_answer("echo", account, {"a": 1})
    assert (kept.answer, kept.answered_at, kept.expires_at) == (
        {"found": "it"},
        clock.now,
        clock.now + timedelta(hours=1),
    )
    assert questions.ask("echo", account, {"a": 1}) == kept


def test_answer_that_came_up_on_the_way_settles_the_open_question(account, bells):
    lookup = questions.ask("echo", account, {"a": 1})

    answer.note("echo", account, {"a": 1}, {"found": "it"})

    assert (read(lookup).state, read(lookup).answer) == (LookupState.ANSWERED, {"found": "it"})
    assert Lookup.objects.count() == 1
