"""Tests of accounts whose cases two people approve."""

import threading

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from casesite.cases.models import Case
from casesite.delivery import claim, invariants
from casesite.submissions import workflow
from casesite.submissions.models import Decision, Submission, Verdict
from casesite.submissions.reasons import Reason
from casesite.submissions.states import StaleSubmission, State
from casesite.teams.models import AwsAccount, ReviewPolicy, Role, SecondApproval
from tests.factories import a_catalog, a_draft, a_submission, a_team, a_user, an_account, an_attempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db):
    return a_team()


@pytest.fixture
def people(team):
    return [a_user(name, team=team, role=Role.REVIEWER) for name in ("first", "second", "third")]


@pytest.fixture
def submitted(team, bells):
    def with_setting(asked=SecondApproval.ALWAYS, policy=ReviewPolicy.ALWAYS, **draft):
        account = an_account(team, second_approval=asked, review_policy=policy)
        return a_submission(case=a_draft(team=team, account=account, by=a_user(team=team), **draft))

    return with_setting


def approve(submission, by):
    """As a page does that was opened before: with a row of its own."""
    row = Submission.objects.select_related("case", "account").get(pk=submission.pk)
    workflow.approve(row, by=by, payload_sha256=submission.payload_sha256)
    return row


def test_two_decisions_by_two_people_let_it_go(submitted, people, bells, clock, django_capture_on_commit_callbacks):
    submission = submitted()
    first, second, _third = people

    with django_capture_on_commit_callbacks(execute=True):
        waiting = approve(submission, first)
    bells_before = list(bells)
    clock.advance(minutes=5)
    with django_capture_on_commit_callbacks(execute=True):
        gone = approve(submission, second)

    assert (waiting.state, waiting.first_approved_by, waiting.queued_at) == (State.PENDING_REVIEW, first, None)
    assert bells_before == []
    assert (gone.state, gone.approved_at, len(bells)) == (State.QUEUED, clock.now, 1)
    assert [(each.by, each.what, each.payload_sha256) for each in Decision.objects.all()] == [
        (first, Verdict.APPROVE, submission.payload_sha256),
        (second, Verdict.APPROVE, submission.payload_sha256),
    ]
    assert [event.what for event in gone.case.events.all()][-2:] == ["approved_first", "approved"]


def test_nobody_approves_twice(submitted, people):
    submission = submitted()
    approve(submission, people[0])

    with pytest.raises(PermissionDenied, match="Somebody else has to approve it too"):
        approve(submission, people[0])

    submission.refresh_from_db()
    assert (submission.state, Decision.objects.count()) == (State.PENDING_REVIEW, 1)


def test_author_is_neither_of_the_two(team, people, bells):
    account = an_account(team, second_approval=SecondApproval.ALWAYS)
    submission = a_submission(case=a_draft(team=team, account=account, by=people[1]))
    approve(submission, people[0])

    with pytest.raises(PermissionDenied, match="Nobody reviews what they wrote"):
        approve(submission, people[1])


@pytest.mark.parametrize(
    ("asked", "severity_code", "needed"),
    [
        (SecondApproval.NEVER, "critical", False),
        (SecondApproval.URGENT, "high", False),
        (SecondApproval.URGENT, "urgent", True),
        (SecondApproval.URGENT, "critical", True),
        (SecondApproval.ALWAYS, "low", True),
    ],
)
def test_account_says_which_cases_need_two(asked, severity_code, needed, submitted, people):
    submission = approve(submitted(asked, severity_code=severity_code), people[0])

    assert (submission.needs_two, submission.state == State.PENDING_REVIEW) == (needed, needed)


@pytest.mark.parametrize(
    ("policy", "asked", "fits"),
    [
        (ReviewPolicy.ALWAYS, SecondApproval.NEVER, True),
        (ReviewPolicy.ALWAYS, SecondApproval.URGENT, True),
        (ReviewPolicy.ALWAYS, SecondApproval.ALWAYS, True),
        (ReviewPolicy.AFTER_URGENT, SecondApproval.NEVER, True),
        (ReviewPolicy.AFTER_URGENT, SecondApproval.URGENT, False),
        (ReviewPolicy.AFTER_URGENT, SecondApproval.ALWAYS, True),
        (ReviewPolicy.NEVER, SecondApproval.NEVER, True),
        (ReviewPolicy.NEVER, SecondApproval.URGENT, False),
        (ReviewPolicy.NEVER, SecondApproval.ALWAYS, False),
    ],
)
def test_settings_that_contradict_each_other_are_refused(policy, asked, fits, team):
    account = an_account(team, review_policy=policy, second_approval=asked)

    if fits:
        account.full_clean()
    else:
        with pytest.raises(ValidationError) as refused:
            account.full_clean()
        assert list(refused.value.message_dict) == ["second_approval"]


def test_urgent_ones_that_go_out_first_are_looked_at_by_one(submitted, people):
    policy = ReviewPolicy.AFTER_URGENT
    urgent = submitted(SecondApproval.ALWAYS, policy, severity_code="urgent")
    ordinary = submitted(SecondApproval.ALWAYS, policy, severity_code="normal")

    workflow.review_afterwards(urgent, by=people[0], payload_sha256=urgent.payload_sha256)

    assert (urgent.state, urgent.review_after) == (State.QUEUED, True)
    assert approve(ordinary, people[0]).state == State.PENDING_REVIEW


def test_first_approver_may_still_return_it(submitted, people):
    submission = approve(submitted(), people[0])

    workflow.return_to_author(
        submission, by=people[0], payload_sha256=submission.payload_sha256, reason="On second thoughts."
    )

    assert submission.state == State.RETURNED


def test_next_revision_starts_over(submitted, people):
    submission = approve(submitted(), people[0])
    workflow.return_to_author(submission, by=people[1], payload_sha256=submission.payload_sha256, reason="Which?")
    second = a_submission(case=Case.objects.get(pk=submission.case_id))

    assert second.first_approved_by is None
    assert approve(second, people[1]).state == State.PENDING_REVIEW
    assert approve(second, people[0]).state == State.QUEUED


def test_approval_names_the_payload(submitted, people):
    submission = approve(submitted(), people[0])

    with pytest.raises(workflow.PayloadChanged):
        workflow.approve(submission, by=people[1], payload_sha256="0" * 64)

    assert Decision.objects.count() == 1


def test_first_approval_makes_an_older_page_stale_for_a_return(submitted, people):
    """Whoever returns it has to know that somebody approved it."""
    submission = submitted()
    approve(submission, people[0])

    with pytest.raises(StaleSubmission):
        workflow.return_to_author(
            submission, by=people[1], payload_sha256=submission.payload_sha256, reason="Which region?"
        )


def test_expired_approval_is_given_by_two_again(submitted, people, clock):
    submission = submitted()
    approve(submission, people[0])
    approve(submission, people[1])
    clock.advance(hours=24)
    a_catalog(submission.account)

    claimed = claim.claim_next(submission.account_id)

    submission.refresh_from_db()
    assert (claimed, submission.state, submission.reason_code) == (None, State.PENDING_REVIEW, Reason.APPROVAL_EXPIRED)
    assert approve(submission, people[0]).state == State.PENDING_REVIEW
    assert approve(submission, people[1]).state == State.QUEUED


def test_change_of_the_setting_asks_again_for_what_waits_too_long(submitted, people, team):
    assert "second_approval" in AwsAccount.WEIGHTY


def test_where_two_are_no_longer_asked_for_the_first_lets_it_go(submitted, people):
    submission = approve(submitted(), people[0])
    AwsAccount.objects.update(second_approval=SecondApproval.NEVER)

    gone = approve(submission, people[0])

    assert (gone.state, gone.first_approved_by) == (State.QUEUED, None)


def test_invariant_catches_a_sending_after_one_approval(submitted, people):
    submission = approve(submitted(), people[0])
    an_attempt(submission)

    assert f"I12 {submission.attempts.get()} was sent after one of two approvals" in invariants.broken()


# --- at the same time ------------------------------------------------------------------------------------------------------
def at_once(submission, *people):
    """Approvals by several people at one moment, each with a connection of its own; what became of each."""
    start, outcomes = threading.Barrier(len(people)), {}

    def run(person):
        row = Submission.objects.select_related("case", "account").get(pk=submission.pk)
        start.wait()
        try:
            workflow.approve(row, by=person, payload_sha256=submission.payload_sha256)
            outcomes[person] = row.state
        except (StaleSubmission, PermissionDenied) as exc:
            outcomes[person] = type(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_two_first_approvals_at_once_are_the_two(submitted, people):
    submission = submitted()

    outcomes = at_once(submission, *people[:2])

    submission.refresh_from_db()
    assert sorted(outcomes.values()) == [State.PENDING_REVIEW, State.QUEUED]
    assert submission.state == State.QUEUED
    assert {each.by for each in Decision.objects.all()} == set(people[:2])
    assert outcomes[submission.first_approved_by] == State.PENDING_REVIEW


@pytest.mark.django_db(transaction=True)
def test_third_of_three_at_once_comes_too_late(submitted, people):
    submission = submitted()

    outcomes = at_once(submission, *people)

    assert sorted(map(str, outcomes.values())) == sorted(
        map(str, [StaleSubmission, State.PENDING_REVIEW, State.QUEUED])
    )
    assert Decision.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_person_at_once_in_two_tabs_counts_once(submitted, people):
    submission = submitted()

    at_once(submission, people[0], people[0])

    submission.refresh_from_db()
    assert (submission.state, Decision.objects.count()) == (State.PENDING_REVIEW, 1)
