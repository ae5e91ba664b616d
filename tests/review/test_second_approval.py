"""Tests of what reviewers see where two people approve."""

import re

import pytest

from casesite.review.words import who_was_quicker
from casesite.submissions.models import Decision
from casesite.submissions.states import State
from casesite.teams.models import SecondApproval
from tests.factories import a_submission, an_account

from .conftest import review_url
from .test_queue import rows_of, urls
from .test_review import alert_of, buttons_of, post, text_of


@pytest.fixture
def account(team):
    return an_account(team, name="Payments prod", second_approval=SecondApproval.ALWAYS)


@pytest.fixture
def half(waiting, as_user, lead, clock):
    """Approved by the lead, the first of two."""
    post(as_user(lead), waiting, "approve")
    waiting.refresh_from_db()
    return waiting


def test_page_says_that_two_approve_and_that_this_is_the_first(waiting, as_user, reviewer, lead):
    answer = as_user(reviewer).get(review_url(waiting))

    assert "Yours is the first approval; it goes out once somebody else approves it too." in text_of(answer)
    assert "Approve as the first of two" in text_of(answer)
    assert "Once two have approved It goes out at once." in text_of(answer)


def test_first_approval_is_told_and_lets_nothing_go(waiting, as_user, reviewer, lead):
    client = as_user(reviewer)

    answer = post(client, waiting, "approve")

    waiting.refresh_from_db()
    assert (answer.status_code, waiting.state) == (302, State.PENDING_REVIEW)
    assert "Approved, the first of two" in text_of(client.get(answer.url))


def test_page_says_who_approved_first(half, as_user, reviewer):
    answer = as_user(reviewer).get(review_url(half))

    assert "lead approved it first, just now. With your approval it goes out." in text_of(answer)
    assert "Approved by lead, revision 1" in text_of(answer)
    assert buttons_of(answer) == ["approve", "return", "reject"]


def test_who_approved_first_can_only_stop_it(half, as_user, lead, reviewer):
    client = as_user(lead)

    answer = client.get(review_url(half))
    posted = post(client, half, "approve")

    assert "You approved it first, just now." in text_of(answer)
    assert buttons_of(answer) == ["return", "reject"]
    assert posted.status_code == 403
    assert alert_of(posted).startswith("You have approved it.")
    assert Decision.objects.count() == 1


def test_second_approval_lets_it_go(half, as_user, reviewer):
    post(as_user(reviewer), half, "approve")

    half.refresh_from_db()
    assert half.state == State.QUEUED


def test_page_says_when_there_is_nobody_for_the_second(waiting, as_user, lead):
    answer = as_user(lead).get(review_url(waiting))

    assert "Nobody else in the team can give the second approval." in text_of(answer)


def test_page_of_the_second_does_not_ask_for_a_third(half, as_user, reviewer):
    assert "Nobody else" not in text_of(as_user(reviewer).get(review_url(half)))


def test_who_comes_second_with_a_return_is_told_of_the_first_approval(half, reviewer, clock):
    told = who_was_quicker(half, reviewer)

    assert told == f"lead approved it as the first of two at {clock.now:%H:%M}. It still waits: look once more."


def test_queue_tells_who_approved_and_for_whom_it_waits(half, as_user, reviewer, lead, queue_url):
    seen = {user: as_user(user).get(queue_url) for user in (reviewer, lead)}

    assert rows_of(seen[lead]) == urls(half)
    assert "approved by lead, waits for a second person" in text_of(seen[reviewer])
    assert "approved by you: somebody else has to as well" in text_of(seen[lead])


def test_counts_leave_out_what_waits_for_somebody_else(half, as_user, reviewer, lead):
    counts = {
        user: re.search(r'<span class="count">(\d+)', as_user(user).get("/admin/").content.decode())
        for user in (reviewer, lead)
    }

    assert counts[reviewer][1] == "1"
    assert counts[lead] is None


def test_viewing_of_another_reviewer_stays_after_the_first_approval(waiting, as_user, reviewer, lead):
    as_user(reviewer).get(review_url(waiting))
    post(as_user(lead), waiting, "approve")

    assert [viewing.user for viewing in waiting.viewings.all()] == [reviewer]


def test_author_reads_who_approved_first_and_who_second(half, as_user, author, reviewer):
    client = as_user(author)

    before = text_of(client.get(half.case.get_absolute_url()))
    post(as_user(reviewer), half, "approve")
    after = text_of(client.get(half.case.get_absolute_url()))

    assert "lead approved it as the first of two." in before
    assert "by reviewer, after lead" in after
    assert "lead approved it as the first of two" in after


def test_form_says_that_two_review(account, author, reviewer, lead, as_user, bells):
    case = a_submission(State.RETURNED, by=author, account=account).case

    text = text_of(as_user(author).get(f"/cases/{case.reference}/edit/"))

    assert "by two of lead, reviewer" in text


def test_page_with_two_asks_few_questions_more(half, as_user, reviewer, django_assert_max_num_queries):
    client = as_user(reviewer)
    client.get(review_url(half))

    with django_assert_max_num_queries(20):
        client.get(review_url(half))
