"""Tests of the one function that computes a case's stage, over all its situations."""

from itertools import product

import pytest

from casesite.cases.models import Case, Stage
from casesite.submissions import proven, stage, workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import UNFINISHED, State
from tests.factories import a_draft, a_submission

pytestmark = pytest.mark.django_db

BY_NEWEST = {
    **dict.fromkeys(UNFINISHED, Stage.OUTGOING),
    State.DELIVERED: Stage.OPEN,
    State.FAILED: Stage.DRAFT,
    State.RETURNED: Stage.DRAFT,
    State.CANCELLED: Stage.DRAFT,
    State.REJECTED: Stage.CLOSED,
}


def test_case_without_a_submission_is_a_draft():
    case = a_draft()

    assert stage.recompute(case.pk) == Stage.DRAFT


@pytest.mark.parametrize("state", State)
def test_newest_opening_decides(state, bells):
    submission = a_submission(state)

    case = Case.objects.get(pk=submission.case_id)
    assert case.stage == stage.recompute(case.pk) == BY_NEWEST[state]


@pytest.mark.parametrize(
    ("before", "newest"),
    list(product([State.RETURNED, State.FAILED, State.CANCELLED], State)),
    ids=str,
)
def test_earlier_revisions_do_not_decide(before, newest, bells):
    case = Case.objects.get(pk=a_submission(before).case_id)

    a_submission(newest, case=case)

    case.refresh_from_db()
    assert case.stage == BY_NEWEST[newest]


@pytest.mark.parametrize("state", [State.RETURNED, State.FAILED, State.CANCELLED, None])
def test_discarded_draft_is_closed(state, bells):
    case = Case.objects.get(pk=a_submission(state).case_id) if state else a_draft()

    workflow.discard(case, by=case.author)

    case.refresh_from_db()
    assert case.stage == Stage.CLOSED


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(
    ("status", "expected"),
    [("", Stage.OPEN), ("opened", Stage.OPEN), ("reopened", Stage.OPEN), ("resolved", Stage.RESOLVED)],
)
def test_aws_id_outranks_every_submission(state, status, expected, bells):
    submission = a_submission(state)
    Case.objects.filter(pk=submission.case_id).update(aws_case_id="case-1", aws_status=status)

    assert stage.recompute(submission.case_id) == expected


def test_discarded_case_that_turns_out_to_be_open_is_open(bells):
    failed = a_submission(State.FAILED)
    case = Case.objects.get(pk=failed.case_id)
    workflow.discard(case, by=case.author)

    proven.record_case(failed.pk, "case-1")

    case.refresh_from_db()
    assert case.stage == Stage.OPEN


def test_revision_that_fails_does_not_close_an_open_case(bells):
    first = a_submission(State.FAILED)
    second = a_submission(State.SENDING, case=Case.objects.get(pk=first.case_id))
    proven.record_case(first.pk, "case-1")

    second.move(State.FAILED)

    assert Case.objects.get(pk=first.case_id).stage == Stage.OPEN


def test_change_of_stage_is_a_change_of_the_case(clock, bells):
    submission = a_submission(State.PENDING_REVIEW)
    clock.advance(minutes=7)

    workflow.withdraw(submission, by=submission.submitted_by)

    assert Submission.objects.get(pk=submission.pk).case.changed_at == clock.now
