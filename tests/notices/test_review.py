"""Tests of reminders and escalations: at their time, to whom they concern, once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from casesite.cases.models import CaseEvent
from casesite.delivery import claim
from casesite.delivery.dispatcher import Dispatcher
from casesite.notices import review
from casesite.notices.models import Kind, Notice
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, ReviewPolicy, Role, SecondApproval
from tests.factories import a_catalog, a_draft, a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db):
    return a_team()


@pytest.fixture
def people(team):
    roles = {"agent": Role.AGENT, "reviewer": Role.REVIEWER, "other": Role.REVIEWER, "lead": Role.LEAD}
    return {name: a_user(name, team=team, role=role) for name, role in roles.items()}


@pytest.fixture
def waiting(team, people, bells, clock):
    account = an_account(team, review_minutes=60)
    return a_submission(case=a_draft(by=people["agent"], account=account))


def told():
    return sorted((notice.kind, notice.user.username) for notice in Notice.objects.select_related("user"))


def again(submission):
    submission.refresh_from_db()
    return submission


def test_times_are_fixed_with_the_submission(waiting, clock):
    assert (waiting.remind_at, waiting.review_by, waiting.escalate_at) == (
        clock.now + timedelta(minutes=30),
        clock.now + timedelta(hours=1),
        clock.now + timedelta(hours=1),
    )


def test_reviewers_are_reminded_then_leads_are_told_each_once(waiting, clock):
    seen = []
    for minutes in (29, 1, 29, 1, 600):
        clock.advance(minutes=minutes)
        review.raise_due()
        review.raise_due()
        seen.append(told())

    reminded = [(Kind.REMINDER, name) for name in ("lead", "other", "reviewer")]
    assert seen == [[], reminded, reminded, *[[(Kind.ESCALATION, "lead"), *reminded]] * 2]
    assert CaseEvent.objects.filter(what="review_overdue").count() == 1
    assert again(waiting).state == State.PENDING_REVIEW


def test_reminder_that_was_missed_is_overtaken_by_the_escalation(waiting, clock):
    clock.advance(hours=5)

    review.raise_due()

    assert told() == [(Kind.ESCALATION, "lead")]


@pytest.mark.parametrize("decide", [workflow.approve, workflow.reject])
def test_what_is_decided_is_told_to_nobody(decide, waiting, people, clock):
    reason = {} if decide == workflow.approve else {"reason": "Not ours."}
    decide(waiting, by=people["reviewer"], payload_sha256=waiting.payload_sha256, **reason)
    clock.advance(hours=5)

    review.raise_due()

    assert told() == []


def test_who_has_approved_first_is_not_reminded(waiting, people, clock):
    AwsAccount.objects.update(second_approval=SecondApproval.ALWAYS)
    row = Submission.objects.get(pk=waiting.pk)
    workflow.approve(row, by=people["reviewer"], payload_sha256=row.payload_sha256)
    clock.advance(minutes=30)

    review.raise_due()

    assert told() == [(Kind.REMINDER, "lead"), (Kind.REMINDER, "other")]


def test_author_is_not_reminded_of_their_own(team, people, bells, clock):
    a_submission(case=a_draft(by=people["reviewer"], account=an_account(team, review_minutes=60)))
    clock.advance(minutes=30)

    review.raise_due()

    assert told() == [(Kind.REMINDER, "lead"), (Kind.REMINDER, "other")]


@pytest.mark.parametrize("settings", [{"review_minutes": 0}, {"review_policy": ReviewPolicy.NEVER}])
def test_account_without_a_time_or_review_has_none(settings, team, people, bells, clock):
    submission = a_submission(case=a_draft(by=people["agent"], account=an_account(team, **settings)))
    clock.advance(days=9)

    review.raise_due()

    assert (submission.review_by, told()) == (None, [])


def test_people_of_other_teams_are_told_nothing(waiting, clock):
    a_user(team=a_team(), role=Role.LEAD)
    clock.advance(hours=1)

    review.raise_due()

    assert told() == [(Kind.ESCALATION, "lead")]


def test_time_begins_anew_where_an_approval_ran_out(waiting, people, clock):
    clock.advance(hours=1)
    review.raise_due()
    workflow.approve(again(waiting), by=people["reviewer"], payload_sha256=waiting.payload_sha256)
    clock.advance(hours=24)
    a_catalog(waiting.account)
    claim.claim_next(waiting.account_id)
    assert again(waiting).review_by == clock.now + timedelta(hours=1)
    clock.advance(hours=1)

    review.raise_due()

    assert told() == [(Kind.ESCALATION, "lead")] * 2


def test_dispatcher_raises_them_by_itself(waiting, clock):
    clock.advance(hours=1)

    Dispatcher().tick()
    Dispatcher().tick()

    assert told() == [(Kind.ESCALATION, "lead")]


def test_round_asks_few_questions_of_many_rows(waiting, team, people, clock, django_assert_max_num_queries):
    """Reading is the same for one and for many; each row is then told in a transaction of its own."""
    for _row in range(4):
        a_submission(case=a_draft(by=people["agent"], account=waiting.account))

    with django_assert_max_num_queries(2):
        review.raise_due()
    clock.advance(minutes=30)
    with django_assert_max_num_queries(2 + 5 * 4):
        review.raise_due()


@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_at_once_tell_it_once(waiting, clock):
    clock.advance(hours=1)
    start = threading.Barrier(2)

    def run():
        start.wait()
        try:
            review.raise_due()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _thread in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told() == [(Kind.ESCALATION, "lead")]
    assert CaseEvent.objects.filter(what="review_overdue").count() == 1
