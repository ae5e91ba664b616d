"""Tests of the one label for where a case stands: the table over every stage and state."""

from datetime import UTC, datetime

import pytest

from casesite.cases.labels import LABELS, label_of
from casesite.cases.models import Stage
from casesite.submissions.states import State

WORDS = {
    "Draft",
    "Returned to you",
    "Waiting for review",
    "Queued",
    "Sending",
    "Checking with AWS",
    "Open at AWS",
    "Needs a person",
    "Refused by AWS",
    "Rejected",
    "Withdrawn",
    "Cancelled",
    "Discarded",
    "Resolved",
}
S = State
TABLE = {
    Stage.DRAFT: {
        None: "Draft",
        S.RETURNED: "Returned to you",
        S.FAILED: "Refused by AWS",
        S.CANCELLED: "Cancelled",
        S.REJECTED: "Rejected",
    },
    Stage.OUTGOING: {
        None: "Waiting for review",
        S.PENDING_REVIEW: "Waiting for review",
        S.QUEUED: "Queued",
        S.PREPARING: "Sending",
        S.SENDING: "Sending",
        S.UNKNOWN: "Checking with AWS",
        S.NEEDS_ATTENTION: "Needs a person",
    },
    Stage.OPEN: dict.fromkeys([None, *S], "Open at AWS"),
    Stage.RESOLVED: dict.fromkeys([None, *S], "Resolved"),
    Stage.CLOSED: {**dict.fromkeys([None, *S], "Discarded"), S.REJECTED: "Rejected"},
}
OTHERWISE = {Stage.DRAFT: "Draft", Stage.OUTGOING: "Waiting for review"}  # pairs that no move leads to
DUE = datetime(2026, 3, 2, 14, 32, tzinfo=UTC)


def test_labels_are_the_house_words():
    assert {str(label.text) for label in LABELS} == WORDS
    assert len({label.code for label in LABELS}) == len(WORDS)


def test_labels_have_a_tone_of_the_tokens():
    assert {label.tone for label in LABELS} <= {"ok", "warn", "bad", "doubt", "wait", "plain"}


@pytest.mark.parametrize("state", [None, *State])
@pytest.mark.parametrize("stage", Stage)
def test_label_of_every_stage_and_state(stage, state):
    expected = TABLE[stage].get(state, OTHERWISE.get(stage))

    assert str(label_of(stage, state).text) == expected


def test_label_tells_withdrawn_from_cancelled():
    assert label_of(Stage.DRAFT, State.CANCELLED, "withdrawn").code == "withdrawn"
    assert label_of(Stage.DRAFT, State.CANCELLED, "cancelled").code == "cancelled"


def test_label_of_a_case_that_was_given_up_blames_nobody():
    assert label_of(Stage.DRAFT, State.FAILED, "gave_up").code == "draft"


@pytest.mark.parametrize("reason", ["refused", "invalid", "our_bug"])
def test_label_of_a_failed_case_is_refused_whatever_the_reason(reason):
    assert label_of(Stage.DRAFT, State.FAILED, reason).code == "refused"


def test_label_of_a_returned_case_speaks_to_its_author_only():
    label = label_of(Stage.DRAFT, State.RETURNED, mine=False)

    assert (label.code, str(label.text)) == ("returned", "Returned")


@pytest.mark.parametrize("state", State)
def test_label_carries_the_due_time_where_people_wait_for_it(state):
    label = label_of(Stage.OUTGOING, state, due_at=DUE)

    assert label.due_at == (DUE if state in (State.QUEUED, State.UNKNOWN) else None)
