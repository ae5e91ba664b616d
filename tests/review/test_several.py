"""Tests of approving several at once: which may be, and that the server holds to it."""

import re
import threading

import pytest
from django.db import connection
from django.urls import reverse

from casesite.cases.models import CaseEvent
from casesite.review import several
from casesite.review.models import Viewing
from casesite.submissions import workflow
from casesite.submissions.models import Decision, Submission
from casesite.submissions.states import State
from casesite.teams.models import SecondApproval
from tests.factories import a_draft, a_submission, an_account

from .conftest import review_url
from .test_review import text_of

APPROVE = "/admin/submissions/submission/approve/"


def value_of(submission, payload_sha256=None):
    return f"{submission.pk}:{payload_sha256 or submission.payload_sha256}"


def boxes_of(answer):
    """What can be ticked, and what could be once it was opened."""
    found = re.findall(r'name="chosen" value="([^:"]*):[^"]*" data-choose (disabled)?', answer.content.decode())
    return {key: not disabled for key, disabled in found}


def approve(client, *submissions):
    return client.post(APPROVE, {"chosen": [value_of(each) for each in submissions]}, follow=True)


def states_of(*submissions):
    states = dict(Submission.objects.values_list("pk", "state"))
    return [states[each.pk] for each in submissions]


@pytest.fixture
def read(as_user, reviewer):
    """A client in which the reviewer opens submissions."""
    client = as_user(reviewer)

    def opened(*submissions):
        for each in submissions:
            client.get(review_url(each))
        return client

    return opened


def confirm_secrets(submission):
    CaseEvent.objects.create(
        case=submission.case,
        at=submission.submitted_at,
        by=submission.submitted_by,
        what="confirmed_secrets",
        submission_id=submission.pk,
    )


def test_several_that_were_opened_are_approved_at_once(submitted, read, reviewer, queue_url):
    rows = [submitted(severity_code=severity) for severity in ("low", "normal", "normal")]

    answer = approve(read(*rows), *rows)

    assert answer.redirect_chain[-1] == (queue_url, 302)
    assert states_of(*rows) == [State.QUEUED] * 3
    assert {(each.by, each.payload_sha256) for each in Decision.objects.all()} == {
        (reviewer, row.payload_sha256) for row in rows
    }
    assert "Approved 3: “RDS failover" in text_of(answer)
    assert not Viewing.objects.exists()


def test_what_was_not_opened_is_left(submitted, read):
    opened, closed = submitted(), submitted(subject="Never read")

    answer = approve(read(opened), opened, closed)

    assert states_of(opened, closed) == [State.QUEUED, State.PENDING_REVIEW]
    assert "Not approved: “Never read”. Open it first." in text_of(answer)


def test_somebody_elses_reading_does_not_count(waiting, read, lead, as_user):
    as_user(lead).get(review_url(waiting))

    approve(read(), waiting)

    assert states_of(waiting) == [State.PENDING_REVIEW]


def test_reading_counts_for_a_day(waiting, read, clock):
    client = read(waiting)
    clock.advance(hours=24)

    approve(client, waiting)

    assert states_of(waiting) == [State.PENDING_REVIEW]


def test_reading_counts_for_that_revision(submitted, read, author, lead):
    first = submitted()
    client = read(first)
    workflow.return_to_author(first, by=lead, payload_sha256=first.payload_sha256, reason="Which region?")
    second = a_submission(case=type(first.case).objects.get(pk=first.case_id))

    approve(client, first, second)

    assert states_of(first, second) == [State.RETURNED, State.PENDING_REVIEW]


def test_hash_of_another_text_approves_nothing(waiting, read):
    answer = read(waiting).post(APPROVE, {"chosen": value_of(waiting, "0" * 64)}, follow=True)

    assert states_of(waiting) == [State.PENDING_REVIEW]
    assert "The text changed since you opened this page." in text_of(answer)


@pytest.mark.parametrize("severity_code", ["high", "urgent", "critical"])
def test_severe_cases_are_decided_one_by_one(severity_code, submitted, read, queue_url):
    row = submitted(severity_code=severity_code)
    client = read(row)

    answer = approve(client, row)

    assert states_of(row) == [State.PENDING_REVIEW]
    assert "Only cases of normal and low severity" in text_of(answer)
    assert boxes_of(client.get(queue_url)) == {}


def test_what_holds_a_secret_is_decided_by_itself(waiting, read):
    confirm_secrets(waiting)

    answer = approve(read(waiting), waiting)

    assert states_of(waiting) == [State.PENDING_REVIEW]
    assert "It holds what seems to be a secret." in text_of(answer)


def test_what_two_approve_is_decided_by_itself(submitted, team, read):
    row = submitted(account=an_account(team, second_approval=SecondApproval.ALWAYS))

    approve(read(row), row)

    assert states_of(row) == [State.PENDING_REVIEW]
    assert not Decision.objects.exists()


def test_own_and_foreign_ones_are_not_approved(submitted, read, reviewer, foreign_lead):
    own = submitted(by=reviewer)
    foreign = a_submission(case=a_draft(team=foreign_lead.memberships.get().team))
    for row in (own, foreign):
        Viewing.objects.create(submission=row, user=reviewer, at=row.submitted_at)

    answer = approve(read(), own, foreign)

    assert states_of(own, foreign) == [State.PENDING_REVIEW] * 2
    assert "Nobody reviews what they wrote themselves." in text_of(answer)
    assert "1 of them is not there any more." in text_of(answer)


def test_what_somebody_decided_meanwhile_is_told(submitted, read, lead, clock):
    row, other = submitted(), submitted()
    client = read(row, other)
    workflow.reject(row, by=lead, payload_sha256=row.payload_sha256, reason="Not ours.")

    answer = approve(client, row, other)

    assert states_of(row, other) == [State.REJECTED, State.QUEUED]
    assert f"Already rejected by lead at {clock.now:%H:%M}." in text_of(answer)


def test_more_than_the_limit_approves_none(submitted, read, monkeypatch):
    monkeypatch.setattr(several, "AT_ONCE", 2)
    rows = [submitted() for _row in range(3)]

    answer = approve(read(*rows), *rows)

    assert states_of(*rows) == [State.PENDING_REVIEW] * 3
    assert "up to 2 can be approved together" in text_of(answer)


@pytest.mark.parametrize("chosen", [[], ["nonsense"], ["x:y", ":"]])
def test_nothing_ticked_is_said(chosen, waiting, read):
    answer = read(waiting).post(APPROVE, {"chosen": chosen}, follow=True)

    assert "Nothing was ticked, so nothing was approved." in text_of(answer)


def test_boxes_open_with_the_reading(submitted, read, queue_url):
    opened, closed = submitted(), submitted()
    submitted(severity_code="critical")

    answer = read(opened).get(queue_url)

    assert boxes_of(answer) == {str(opened.pk): True, str(closed.pk): False}
    assert "Low-risk cases can be approved together: normal or low severity" in text_of(answer)


def test_other_lists_have_no_boxes(submitted, read):
    row = submitted()

    assert boxes_of(read(row).get(reverse("admin:submissions_submission_changelist"))) == {}


@pytest.mark.parametrize("count", [1, 5])
def test_queue_with_boxes_asks_few_questions(count, submitted, read, queue_url, django_assert_max_num_queries):
    client = read(*(submitted() for _row in range(count)))
    client.get(queue_url)

    with django_assert_max_num_queries(8):
        client.get(queue_url)


def test_address_takes_posts_only(read):
    assert read().get(APPROVE).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_with_the_same_boxes_approve_each_once(submitted, read, reviewer, lead):
    rows = [submitted() for _row in range(4)]
    for person in (reviewer, lead):
        for row in rows:
            Viewing.objects.update_or_create(submission=row, user=person, defaults={"at": row.submitted_at})
    chosen = {row.pk: row.payload_sha256 for row in rows}
    start, outcomes = threading.Barrier(2), []

    def run(person):
        start.wait()
        try:
            found = Submission.objects.select_related("case", "account")
            outcomes.append(several.approve(found, chosen, by=person))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(person,)) for person in (reviewer, lead)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert states_of(*rows) == [State.QUEUED] * 4
    assert Decision.objects.count() == 4
    assert sum(len(outcome.approved) for outcome in outcomes) == 4
    assert sum(len(outcome.refused) for outcome in outcomes) == 4
