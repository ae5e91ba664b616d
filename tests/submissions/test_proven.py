"""Tests of the proven case: AWS has it, whoever says so and however late."""

import pytest
from django.core.exceptions import ValidationError

from casesite.cases.models import Case, Stage
from casesite.delivery.models import Outcome
from casesite.submissions import marker as markers
from casesite.submissions import proven, workflow
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import AT_RISK, UNFINISHED, State
from casesite.teams.models import Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account, an_attempt

pytestmark = pytest.mark.django_db

NOT_LEFT_YET = (State.PENDING_REVIEW, State.QUEUED, State.PREPARING)
MAY_NEED_A_PERSON = (State.QUEUED, State.PREPARING, State.SENDING, State.UNKNOWN, State.NEEDS_ATTENTION)


@pytest.fixture
def team():
    return a_team()


@pytest.fixture
def author(team):
    return a_user(team=team)


@pytest.fixture
def lead(team):
    return a_user(team=team, role=Role.LEAD)


@pytest.fixture
def account(team):
    return an_account(team)


@pytest.fixture
def in_state(author, account, bells):
    """Submissions of one author and account, each of a case of its own."""
    return lambda state: a_submission(state, case=a_draft(by=author, account=account))


def case_of(submission):
    return Case.objects.get(pk=submission.case_id)


def fresh(submission):
    return Submission.objects.get(pk=submission.pk)


def next_revision(submission, state):
    return a_submission(state, case=case_of(submission))


# --- one row -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", [state for state in State if state != State.DELIVERED])
def test_late_success_proves_a_row_in_any_state(state, in_state, clock):
    submission = in_state(state)
    clock.advance(minutes=5)

    assert proven.record_case(submission.pk, "case-1") == State.DELIVERED

    row, case = fresh(submission), case_of(submission)
    assert (row.state, row.remote_id, row.token) == (State.DELIVERED, "case-1", submission.token + 1)
    assert (row.lease_until, row.lease_by, row.reason_code, row.reason_text) == (None, "", "", "")
    assert row.due_at == clock.now  # to read its display id and status
    assert (row.duplicate, row.adopted_by) == (False, None)
    assert (case.aws_case_id, case.stage, case.changed_at) == ("case-1", Stage.OPEN, clock.now)
    event = case.events.last()
    assert (event.what, event.was, event.became, event.by) == ("delivered", state, State.DELIVERED, None)


def test_same_success_twice_is_one(in_state):
    submission = in_state(State.SENDING)
    proven.record_case(submission.pk, "case-1")
    events = submission.case.events.count()

    assert proven.record_case(submission.pk, "case-1") == State.DELIVERED

    assert fresh(submission).duplicate is False
    assert submission.case.events.count() == events


def test_second_id_for_a_delivered_row_is_a_duplicate_and_the_first_stays(in_state):
    submission = in_state(State.SENDING)
    proven.record_case(submission.pk, "case-1")

    assert proven.record_case(submission.pk, "case-2") == State.DELIVERED

    row, case = fresh(submission), case_of(submission)
    assert (row.remote_id, row.duplicate, row.duplicate_remote_id) == ("case-1", True, "case-2")
    assert (case.aws_case_id, case.duplicate_aws_case_id) == ("case-1", "case-2")
    assert case.events.last().what == "duplicate"


def test_duplicate_told_again_is_not_written_again(in_state):
    submission = in_state(State.SENDING)
    for remote_id in ("case-1", "case-2"):
        proven.record_case(submission.pk, remote_id)
    events = submission.case.events.count()

    for remote_id in ("case-2", "case-1"):
        proven.record_case(submission.pk, remote_id)

    assert submission.case.events.count() == events
    assert fresh(submission).remote_id == "case-1"


# --- the case's other rows -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("other_state", sorted(UNFINISHED))
def test_other_openings_end_as_their_risk_demands(other_state, in_state):
    first = in_state(State.FAILED)
    other = next_revision(first, other_state)

    proven.record_case(first.pk, "case-1")

    row = fresh(other)
    if other_state in NOT_LEFT_YET:
        assert (row.state, row.reason_code) == (State.CANCELLED, Reason.ALREADY_OPEN)
        assert (row.lease_until, row.lease_by, row.due_at) == (None, "", None)
        assert row.token == other.token + 1
        event = row.case.events.filter(submission_id=row.pk).last()
        assert (event.what, event.was, event.became) == ("cancelled", other_state, State.CANCELLED)
    else:
        assert (row.state, row.token) == (other_state, other.token)
    assert case_of(first).stage == Stage.OPEN


@pytest.mark.parametrize("other_state", [*AT_RISK, State.NEEDS_ATTENTION])
def test_other_opening_that_proves_itself_too_is_a_duplicate(other_state, in_state):
    first = in_state(State.FAILED)
    other = next_revision(first, other_state)
    proven.record_case(first.pk, "case-1")

    proven.record_case(other.pk, "case-2")

    row, case = fresh(other), case_of(first)
    assert (row.state, row.remote_id) == (State.DELIVERED, "case-2")
    assert (row.duplicate, row.duplicate_remote_id) == (True, "case-1")
    assert (case.aws_case_id, case.duplicate_aws_case_id) == ("case-1", "case-2")


def test_what_was_cancelled_as_open_and_comes_late_is_a_duplicate(in_state):
    first = in_state(State.FAILED)
    other = next_revision(first, State.QUEUED)
    proven.record_case(first.pk, "case-1")

    proven.record_case(other.pk, "case-2")

    assert (fresh(other).state, fresh(other).duplicate) == (State.DELIVERED, True)


# --- an id of another case ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", MAY_NEED_A_PERSON)
def test_id_of_another_case_needs_a_person(state, in_state):
    first, second = in_state(State.SENDING), in_state(state)
    proven.record_case(first.pk, "case-1")

    assert proven.record_case(second.pk, "case-1") == State.NEEDS_ATTENTION

    row = fresh(second)
    assert (row.state, row.reason_code, row.reason_text) == (State.NEEDS_ATTENTION, Reason.ID_TAKEN, "case-1")
    assert (row.remote_id, row.lease_until, row.due_at) == (None, None, None)
    assert case_of(second).aws_case_id is None
    assert (fresh(first).remote_id, case_of(first).aws_case_id) == ("case-1", "case-1")


@pytest.mark.parametrize("state", [State.PENDING_REVIEW, State.FAILED, State.RETURNED, State.REJECTED, State.CANCELLED])
def test_id_of_another_case_leaves_a_row_that_has_no_way_to_a_person(state, in_state):
    first, second = in_state(State.SENDING), in_state(state)
    proven.record_case(first.pk, "case-1")

    assert proven.record_case(second.pk, "case-1") == state

    assert fresh(second).state == state
    assert case_of(second).events.last().what == "id_taken"


def test_same_id_in_another_account_is_another_case(in_state, team, author):
    first = in_state(State.SENDING)
    elsewhere = a_submission(State.SENDING, case=a_draft(by=author, account=an_account(team)))

    states = [proven.record_case(row.pk, "case-1") for row in (first, elsewhere)]

    assert states == [State.DELIVERED, State.DELIVERED]


# --- an orphan: our marker, but no row ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", sorted(UNFINISHED))
def test_orphan_gives_its_id_to_the_case_and_makes_all_rows_others(state, in_state):
    submission = in_state(state)

    assert proven.record_orphan(submission.case_id, "case-1") is True

    row, case = fresh(submission), case_of(submission)
    assert (case.aws_case_id, case.stage) == ("case-1", Stage.OPEN)
    if state in NOT_LEFT_YET:
        assert (row.state, row.reason_code) == (State.CANCELLED, Reason.ALREADY_OPEN)
    else:
        assert (row.state, row.token) == (state, submission.token)
    assert row.remote_id is None


def test_orphan_told_twice_is_one(in_state):
    submission = in_state(State.FAILED)
    proven.record_orphan(submission.case_id, "case-1")
    events = submission.case.events.count()

    proven.record_orphan(submission.case_id, "case-1")

    assert submission.case.events.count() == events


def test_orphan_of_an_open_case_is_a_duplicate(in_state):
    submission = in_state(State.DELIVERED)
    first_id = case_of(submission).aws_case_id

    proven.record_orphan(submission.case_id, "case-2")

    case = case_of(submission)
    assert (case.aws_case_id, case.duplicate_aws_case_id) == (first_id, "case-2")
    assert case.events.last().what == "duplicate"


def test_orphan_with_the_id_of_another_case_is_refused(in_state):
    first, second = in_state(State.SENDING), in_state(State.FAILED)
    proven.record_case(first.pk, "case-1")

    assert proven.record_orphan(second.case_id, "case-1") is False

    assert case_of(second).aws_case_id is None


# --- adopting -----------------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def stuck(in_state):
    return in_state(State.NEEDS_ATTENTION)


def adopt(submission, lead, marker, aws_case_id="case-1"):
    workflow.adopt(submission, by=lead, reason="Seen in the console.", aws_case_id=aws_case_id, marker=marker)
    return case_of(submission)


@pytest.mark.parametrize("marked", [True, False], ids=["with its marker", "without a marker"])
def test_adopted_case_proves_the_row_at_hand(marked, stuck, lead, django_capture_on_commit_callbacks, bells):
    with django_capture_on_commit_callbacks(execute=True):
        case = adopt(stuck, lead, stuck.marker if marked else None)

    assert (stuck.state, stuck.remote_id, stuck.adopted_by) == (State.DELIVERED, "case-1", lead)
    assert (case.aws_case_id, case.stage) == ("case-1", Stage.OPEN)
    assert stuck.attempts.get().outcome == Outcome.WAIVED
    event = case.events.last()
    assert (event.what, event.by, event.text) == ("delivered", lead, "Seen in the console.")
    assert [bell.account for bell in bells] == [stuck.account_id]


def test_adopted_case_with_the_marker_of_an_earlier_revision_proves_that_one(in_state, lead):
    first = in_state(State.FAILED)
    stuck = next_revision(first, State.NEEDS_ATTENTION)

    case = adopt(stuck, lead, first.marker)

    assert (fresh(first).state, fresh(first).remote_id, fresh(first).adopted_by) == (State.DELIVERED, "case-1", lead)
    assert (stuck.state, stuck.reason_code, stuck.remote_id) == (State.CANCELLED, Reason.ALREADY_OPEN, None)
    assert (case.aws_case_id, case.stage) == ("case-1", Stage.OPEN)


def test_adopted_case_whose_row_a_restore_erased_gives_its_id_to_the_case_alone(stuck, lead):
    erased = markers.new(stuck.case.reference)

    case = adopt(stuck, lead, erased)

    assert (stuck.state, stuck.reason_code, stuck.remote_id) == (State.CANCELLED, Reason.ALREADY_OPEN, None)
    assert stuck.attempts.get().outcome == Outcome.WAIVED
    assert (case.aws_case_id, case.stage) == ("case-1", Stage.OPEN)
    assert [(each.what, each.by, each.text) for each in case.events.all()][-2:] == [
        ("adopted", lead, "Seen in the console."),
        ("cancelled", lead, "Seen in the console."),
    ]


def test_adopting_the_id_that_an_earlier_revision_has_ends_the_row_at_hand(in_state, lead):
    first = in_state(State.FAILED)
    stuck = next_revision(first, State.NEEDS_ATTENTION)
    proven.record_case(first.pk, "case-1")

    case = adopt(stuck, lead, None)

    assert (stuck.state, stuck.reason_code) == (State.CANCELLED, Reason.ALREADY_OPEN)
    assert (case.aws_case_id, case.duplicate_aws_case_id) == ("case-1", "")


def test_adopting_a_second_case_of_ours_is_a_duplicate(in_state, lead):
    first = in_state(State.FAILED)
    stuck = next_revision(first, State.NEEDS_ATTENTION)
    proven.record_case(first.pk, "case-1")

    case = adopt(stuck, lead, stuck.marker, aws_case_id="case-2")

    assert (stuck.state, stuck.remote_id, stuck.duplicate) == (State.DELIVERED, "case-2", True)
    assert (case.aws_case_id, case.duplicate_aws_case_id) == ("case-1", "case-2")


@pytest.mark.parametrize("marked", [True, False], ids=["with its marker", "without a marker"])
def test_case_of_another_case_is_not_adopted(marked, in_state, stuck, lead):
    other = in_state(State.DELIVERED)
    marker = other.marker if marked else None

    with pytest.raises(ValidationError) as refused:
        adopt(stuck, lead, marker, aws_case_id=other.remote_id)

    assert refused.value.messages == [f"That AWS case belongs to {other.case.reference}, so it is not this one."]
    assert fresh(stuck).state == State.NEEDS_ATTENTION
    assert stuck.attempts.get().outcome == Outcome.UNKNOWN


def test_case_carrying_a_reference_of_another_case_is_not_adopted_though_nobody_has_its_id(in_state, stuck, lead):
    other = in_state(State.UNKNOWN)

    with pytest.raises(ValidationError):
        adopt(stuck, lead, other.marker)

    assert (fresh(stuck).state, fresh(other).state) == (State.NEEDS_ATTENTION, State.UNKNOWN)


def test_duplicate_of_another_case_is_not_adopted(in_state, stuck, lead):
    other = in_state(State.DELIVERED)
    proven.record_case(other.pk, "case-2")

    with pytest.raises(ValidationError):
        adopt(stuck, lead, None, aws_case_id="case-2")


def test_refusal_does_not_name_the_case_of_another_team(stuck, account, lead):
    strangers = a_submission(State.DELIVERED, case=a_draft(team=a_team(), account=account))

    with pytest.raises(ValidationError) as refused:
        adopt(stuck, lead, None, aws_case_id=strangers.remote_id)

    assert refused.value.messages == ["That AWS case belongs to another case here, so it is not this one."]


def test_late_success_after_adoption_without_a_marker_is_a_duplicate(stuck, lead):
    adopt(stuck, lead, None, aws_case_id="case-1")

    proven.record_case(stuck.pk, "case-2")

    assert (fresh(stuck).remote_id, fresh(stuck).duplicate_remote_id) == ("case-1", "case-2")


def test_given_up_row_that_is_found_later_opens_the_case_and_stops_the_next_revision(stuck, lead):
    workflow.give_up(stuck, by=lead, reason="Solved otherwise.")
    following = next_revision(stuck, State.QUEUED)

    proven.record_case(stuck.pk, "case-1")

    assert fresh(stuck).state == State.DELIVERED
    assert (fresh(following).state, fresh(following).reason_code) == (State.CANCELLED, Reason.ALREADY_OPEN)


def test_draft_under_the_pen_is_kept_when_its_case_turns_out_to_be_open(stuck, lead):
    workflow.give_up(stuck, by=lead, reason="Solved otherwise.")
    case = case_of(stuck)
    case.support.communication_body = "A new text, half written"
    case.support.save(update_fields=["communication_body"])

    proven.record_case(stuck.pk, "case-1")

    case = case_of(stuck)
    assert (case.stage, case.support.communication_body) == (Stage.OPEN, "A new text, half written")


def test_unknown_attempt_of_an_adopted_row_is_waived_and_others_are_not(stuck, lead):
    refused = an_attempt(stuck, Outcome.REFUSED_RETRY)

    adopt(stuck, lead, stuck.marker)

    refused.refresh_from_db()
    assert refused.outcome == Outcome.REFUSED_RETRY
