"""Tests of the table of moves: every pair of states, and the guarded update that makes a move."""

from itertools import product

import pytest

from casesite.submissions import states
from casesite.submissions.models import Submission
from casesite.submissions.states import FINAL, TABLE, TRANSITIONS, UNFINISHED, IllegalTransition, StaleSubmission, State
from tests.factories import a_submission

pytestmark = pytest.mark.django_db

PAIRS = list(product(State, State))
# delivery.md's table, written down a second time: a change of either has to be meant.
LEGAL = {
    State.PENDING_REVIEW: "queued returned rejected cancelled delivered",
    State.QUEUED: "preparing pending_review cancelled needs_attention delivered",
    State.PREPARING: "queued cancelled needs_attention failed sending delivered",
    State.SENDING: "queued needs_attention failed unknown cancelled delivered",
    State.UNKNOWN: "queued failed needs_attention cancelled delivered",
    State.NEEDS_ATTENTION: "queued failed cancelled delivered",
    State.DELIVERED: "",
    State.FAILED: "delivered",
    State.RETURNED: "delivered",
    State.REJECTED: "delivered",
    State.CANCELLED: "delivered",
}


@pytest.mark.parametrize(("was", "to"), PAIRS, ids=[f"{was}-{to}" for was, to in PAIRS])
def test_move_follows_the_table(was, to, bells):
    submission = a_submission(was)
    token, events = submission.token, submission.case.events.count()
    needed = {"remote_id": "case-1"} if to == State.DELIVERED else {}

    if to in LEGAL[was].split():
        submission.move(to, **needed)

        assert (submission.state, submission.token) == (to, token + 1)
        last = submission.case.events.last()
        assert (last.was, last.became, last.submission_id) == (was, to, submission.pk)
    else:
        with pytest.raises(IllegalTransition):
            submission.move(to, **needed)

        submission.refresh_from_db()
        assert (submission.state, submission.token) == (was, token)
        assert submission.case.events.count() == events


def test_table_names_each_pair_once():
    pairs = [(row.was, row.to) for row in TABLE]

    assert len(pairs) == len(set(pairs))
    assert {was: " ".join(sorted(to)) for was, to in TRANSITIONS.items()} == {
        was: " ".join(sorted(to.split())) for was, to in LEGAL.items()
    }


def test_states_are_final_or_unfinished():
    assert frozenset(State) == FINAL | UNFINISHED
    assert not FINAL & UNFINISHED
    assert all(TRANSITIONS[state] <= {State.DELIVERED} for state in FINAL)


def test_of_two_moves_of_one_row_the_second_is_stale(bells):
    first = a_submission(State.QUEUED)
    second = Submission.objects.get(pk=first.pk)
    first.move(State.PREPARING)

    with pytest.raises(StaleSubmission):
        second.move(State.CANCELLED)

    second.refresh_from_db()
    assert second.state == State.PREPARING


def test_move_is_stale_where_the_state_came_round_again(bells):
    """The token tells a row that was given back from one that nobody touched."""
    first = a_submission(State.QUEUED)
    second = Submission.objects.get(pk=first.pk)
    first.move(State.PREPARING)
    first.move(State.QUEUED)

    with pytest.raises(StaleSubmission):
        second.move(State.PREPARING)


def test_move_with_a_start_is_stale_from_elsewhere_even_where_the_table_has_the_move(bells):
    submission = a_submission(State.UNKNOWN)

    with pytest.raises(StaleSubmission):
        submission.move(State.QUEUED, start=State.PENDING_REVIEW)


def test_move_with_an_unmet_condition_is_stale_and_leaves_no_event(bells):
    submission = a_submission(State.QUEUED)
    events = submission.case.events.count()

    with pytest.raises(StaleSubmission):
        submission.move(State.PREPARING, when={"payload_sha256": "another"})

    assert submission.case.events.count() == events


def test_printed_table_has_a_line_for_each_move():
    printed = states.as_markdown()

    assert [line for row in TABLE if (line := f"| {row.was} | {row.to} |") not in printed] == []
    assert printed.count("\n| ") == len(TABLE) + 4
