"""A Connect case or its first comment that needs a person: adopting a case of the domain, and what a comment allows."""

import pytest
from django.core.exceptions import ValidationError

from casesite.cases.models import Case
from casesite.lookups.models import Lookup, LookupState
from casesite.submissions import proven, workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from tests.catalog.templates import a_template, select
from tests.factories import a_connect_draft, a_connect_template, a_submission, brought_to

from .conftest import attention_url
from .test_attention import page_with, post, ways_out
from .test_review import alert_of, text_of

AWS_ID = "1b2c3d4e-5f60-4a1b-8c2d-3e4f5a6b7c8d"
TYPED = {"title": "Late delivery", "channel": "phone"}


@pytest.fixture
def draft(account, author, bells):
    template = a_connect_template(account, a_template(select("channel", "phone", "mail")))
    return a_connect_draft(template, by=author, typed=TYPED, first_comment="They called twice.")


@pytest.fixture
def stuck(draft, reviewer):
    return a_submission(State.NEEDS_ATTENTION, case=draft, reviewer=reviewer)


@pytest.fixture
def comment(draft, reviewer):
    """A first comment of an open case that nobody could prove."""
    row = a_submission(State.QUEUED, case=draft, reviewer=reviewer)
    proven.record_case(row.pk, AWS_ID)
    return brought_to(State.NEEDS_ATTENTION, Submission.objects.companions().get())


@pytest.fixture
def client(as_user, lead):
    return as_user(lead)


def answered(lookup, **told):
    """What a worker would write."""
    answer = {
        "found": True,
        "case_id": AWS_ID,
        "display_id": "7",
        "subject": "Late delivery",
        "status": "open",
        "created_at": "2026-03-02T09:12:00+00:00",
        "submitted_by": "",
        "last_line": "Ref: ",
        **told,
    }
    asked_at = lookup.asked_at
    Lookup.objects.filter(pk=lookup.pk).update(
        state=LookupState.ANSWERED, answer=answer, answered_at=asked_at, expires_at=asked_at.replace(year=2100)
    )
    return lookup


def looked_up(client, row, given=AWS_ID):
    post(client, row, "look_up", aws_id=given)
    return Lookup.objects.get(kind="adopt_connect_case")


def test_case_is_asked_for_in_the_domain_it_would_stand_in(stuck, client):
    lookup = looked_up(client, stuck, f" {AWS_ID} ")

    assert lookup.params == {
        "case_id": AWS_ID,
        "region": "us-east-1",
        "domain_id": stuck.payload["domainId"],
        "tag": "casesite-ref",
    }


@pytest.mark.parametrize("given", ["", "what?", "x" * 501, "case 1"])
def test_what_is_no_id_asks_nothing(given, stuck, client):
    answer = post(client, stuck, "look_up", aws_id=given)

    assert answer.status_code == 200 and 'id="error_1_id_look_up_aws_id"' in answer.content.decode()
    assert not Lookup.objects.filter(kind="adopt_connect_case").exists()


def test_case_with_our_reference_is_adopted_and_its_comment_follows(stuck, client, lead):
    lookup = answered(looked_up(client, stuck), last_line=f"Ref: {stuck.marker}")
    assert "It carries our reference: this is what we sent." in text_of(page_with(client, stuck, lookup))

    post(client, stuck, "adopt", lookup=lookup.pk)

    stuck.refresh_from_db()
    assert (stuck.state, stuck.remote_id, stuck.adopted_by) == (State.DELIVERED, AWS_ID, lead)
    assert Case.objects.get(pk=stuck.case_id).aws_display_id == "7"
    assert Submission.objects.companions().get().state == State.QUEUED


def test_case_without_a_reference_is_adopted_with_a_warning(stuck, client):
    lookup = answered(looked_up(client, stuck))
    page = page_with(client, stuck, lookup)

    assert "It carries no reference line of ours." in text_of(page) and "adopt" in ways_out(page)


def test_case_of_another_domain_is_not_taken(stuck, client):
    lookup = answered(looked_up(client, stuck), last_line=f"Ref: {stuck.marker}")
    Lookup.objects.filter(pk=lookup.pk).update(params=lookup.params | {"domain_id": "domain-other"})

    answer = post(client, stuck, "adopt", lookup=lookup.pk)

    assert answer.status_code == 409 and "First look the case up" in alert_of(answer)
    stuck.refresh_from_db()
    assert stuck.state == State.NEEDS_ATTENTION


def test_domain_that_has_no_such_case_is_named(stuck, client):
    lookup = looked_up(client, stuck)
    Lookup.objects.filter(pk=lookup.pk).update(state=LookupState.ANSWERED, answer={"found": False})

    assert "Amazon Connect has no such case in the domain Service desk." in text_of(page_with(client, stuck, lookup))


# --- a first comment ---------------------------------------------------------------------------------------------------
def test_comment_is_sent_again_or_given_up_and_never_adopted(comment, client):
    page = client.get(attention_url(comment))

    assert ways_out(page) == ["send_again", "give_up"]
    for action in ("look_up", "adopt"):
        assert post(client, comment, action, aws_id=AWS_ID).status_code == 400
    with pytest.raises(ValidationError, match="Only a case is adopted"):
        workflow.check_adoptable(comment, by=None, aws_case_id=AWS_ID, marker=None)


def test_comment_that_is_given_up_leaves_the_case_open(comment, client):
    answer = client.post(attention_url(comment), {"action": "give_up", "reason": "Told by phone."}, follow=True)

    comment.refresh_from_db()
    assert (comment.state, comment.case.aws_case_id) == (State.FAILED, AWS_ID)
    assert "The case stays open without it." in text_of(answer)


def test_comment_is_sent_again_after_a_look(comment, client):
    post(client, comment, "send_again")

    comment.refresh_from_db()
    assert (comment.state, comment.look_before_send) == (State.QUEUED, True)
