"""Tests of comments on single fields: given with a return, read at the field, seen by the next reviewer."""

import re
from html import unescape

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from casesite.cases.models import Case
from casesite.submissions import workflow
from casesite.submissions.models import Comment, Decision
from casesite.submissions.states import State
from tests.factories import a_submission

from .conftest import review_url
from .test_review import post, text_of

BOTH = {"comment-subject": "Name the database.", "comment-communication_body": "Since when?\r\nWhich region?"}


def edit_url(case):
    return reverse("case_edit", args=[case.reference])


def comments_in(answer):
    """What stands at which field."""
    found = re.findall(r'data-comment="(\w+)">(.*?)</(?:p|li)>', answer.content.decode(), re.DOTALL)
    return {field: " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split()) for field, text in found}


@pytest.fixture
def returned(waiting, as_user, reviewer):
    post(as_user(reviewer), waiting, "return", **BOTH)
    waiting.refresh_from_db()
    return waiting


def next_revision(submission, **support):
    case = Case.objects.get(pk=submission.case_id)
    for name, value in support.items():
        setattr(case.support, name, value)
    case.support.save()
    return a_submission(case=case)


def test_return_with_comments_needs_no_general_reason(returned, reviewer):
    decision = Decision.objects.get()

    assert (returned.state, decision.by, decision.reason) == (State.RETURNED, reviewer, "")
    assert {each.field: each.text for each in decision.comments.all()} == {
        "subject": "Name the database.",
        "communication_body": "Since when?\nWhich region?",
    }


def test_blank_comments_are_none(waiting, as_user, reviewer):
    answer = post(as_user(reviewer), waiting, "return", **{"comment-subject": "  \n"})

    assert 'id="error_1_id_reason"' in answer.content.decode()
    assert not Comment.objects.exists()


def test_comment_is_not_lost_in_an_approval(waiting, as_user, reviewer):
    answer = post(as_user(reviewer), waiting, "approve", **BOTH)

    page = answer.content.decode()
    assert 'id="error_1_id_comment-subject"' in page
    assert "Name the database." in page
    waiting.refresh_from_db()
    assert waiting.state == State.PENDING_REVIEW


def test_every_parameter_has_a_box_that_belongs_to_the_decision(waiting, as_user, reviewer, author):
    page = as_user(reviewer).get(review_url(waiting)).content.decode()

    boxes = re.findall(r'form="decision-form" name="comment-(\w+)"', page)
    assert boxes == [
        "account",
        "issue_type",
        "service_code",
        "category_code",
        "severity_code",
        "language",
        "subject",
        "communication_body",
    ]


def test_own_submission_has_no_boxes(submitted, as_user, reviewer):
    assert "comment-subject" not in as_user(reviewer).get(review_url(submitted(by=reviewer))).content.decode()


def test_author_reads_each_comment_at_its_field(returned, as_user, author):
    answer = as_user(author).get(edit_url(returned.case))

    page = answer.content.decode()
    assert comments_in(answer) == {
        "subject": "reviewer: Name the database.",
        "communication_body": "reviewer: Since when? Which region?",
    }
    assert re.search(r'<input[^>]*name="subject"[^>]*aria-describedby="comment_id_subject"', page)
    assert (
        page.index('name="subject"') < page.index('id="comment_id_subject"') < page.index('name="communication_body"')
    )
    assert 'href="#comment_id_communication_body"' in page


def test_comments_stay_while_the_draft_is_saved(returned, as_user, author):
    client = as_user(author)
    shown = client.get(edit_url(returned.case)).content.decode()
    token = re.search(r'name="form_token" value="(\d+)"', shown)[1]
    support = returned.case.support

    client.post(
        edit_url(returned.case),
        {
            "form_token": token,
            "action": "save_draft",
            "account": returned.account_id,
            "subject": "db-1 failed over for 11 minutes",
            "communication_body": support.communication_body,
        },
    )

    assert set(comments_in(client.get(edit_url(returned.case)))) == {"subject", "communication_body"}


def test_field_with_an_error_tells_the_error(returned, as_user, author):
    answer = as_user(author).post(
        edit_url(returned.case), {"form_token": "1", "action": "submit", "account": returned.account_id, "subject": ""}
    )

    page = answer.content.decode()
    assert "comment_id_subject" in page
    assert not re.search(r'name="subject"[^>]*aria-describedby="comment', page)


def test_case_page_tells_the_comments(returned, as_user, author):
    answer = as_user(author).get(returned.case.get_absolute_url())

    assert comments_in(answer) == {
        "subject": "Subject: Name the database.",
        "communication_body": "Description: Since when? Which region?",
    }
    assert answer.content.decode().count('data-comment="subject"') == 2  # now, and in what happened


def test_desk_says_where_to_look(returned, as_user, author):
    assert "see the comments at its fields" in as_user(author).get("/").content.decode()


def test_comments_go_away_with_the_next_revision(returned, as_user, author):
    second = next_revision(returned, communication_body="Since 10:00 UTC in eu-west-1.")
    workflow.withdraw(second, by=author)

    assert comments_in(as_user(author).get(edit_url(returned.case))) == {}


def test_next_reviewer_sees_what_was_asked_for_and_whether_it_changed(returned, as_user, lead):
    second = next_revision(returned, communication_body="Since 10:00 UTC in eu-west-1.")

    answer = as_user(lead).get(review_url(second))

    page = answer.content.decode()
    assert re.findall(r'data-(changed|unchanged)="(\w+)"', page) == [
        ("changed", "communication_body"),
        ("unchanged", "subject"),
    ]
    assert re.findall(r'data-asked="(\w+)"', page) == ["communication_body", "subject"]
    assert "reviewer on revision 1: Name the database. Not changed since." in text_of(answer)


def test_next_reviewer_sees_it_past_a_withdrawn_revision(returned, as_user, author, lead):
    workflow.withdraw(next_revision(returned), by=author)

    page = as_user(lead).get(review_url(next_revision(returned))).content.decode()

    assert re.findall(r'data-asked="(\w+)"', page) == ["subject", "communication_body"]


def test_only_what_the_last_reviewer_said_is_asked_for(returned, as_user, reviewer, lead):
    second = next_revision(returned)
    post(as_user(lead), second, "return", **{"comment-severity_code": "Is it that urgent?"})

    page = as_user(reviewer).get(review_url(next_revision(second))).content.decode()

    assert re.findall(r'data-asked="(\w+)"', page) == ["severity_code"]


def test_rejection_may_carry_comments_too(waiting, as_user, reviewer, author):
    post(as_user(reviewer), waiting, "reject", "Not ours.", **{"comment-service_code": "This is not RDS."})

    assert "Service: This is not RDS." in text_of(as_user(author).get(waiting.case.get_absolute_url()))


def test_hostile_comment_stays_text(waiting, as_user, reviewer, author):
    post(as_user(reviewer), waiting, "return", **{"comment-subject": "<script>alert(1)</script>"})
    second = next_revision(waiting)

    for client, address in (
        (as_user(author), waiting.case.get_absolute_url()),
        (as_user(reviewer), review_url(second)),
    ):
        assert "<script>alert" not in client.get(address).content.decode()


def test_too_long_comment_is_kept_and_refused(waiting, as_user, reviewer):
    answer = post(as_user(reviewer), waiting, "return", **{"comment-subject": "x" * 2001})

    assert 'id="error_1_id_comment-subject"' in answer.content.decode()
    with pytest.raises(ValidationError):
        workflow.return_to_author(
            waiting, by=reviewer, payload_sha256=waiting.payload_sha256, comments={"subject": "x" * 2001}
        )


def test_comment_on_a_field_that_is_none_is_an_error_of_ours(waiting, reviewer):
    with pytest.raises(ValueError):
        workflow.return_to_author(
            waiting, by=reviewer, payload_sha256=waiting.payload_sha256, comments={"nonsense": "x"}
        )
