"""Tests of keeping what is typed: one form is one wish, and nobody's text is overwritten unawares."""

import threading

import pytest
from django.db import connection

from casesite.cases.models import Case, CaseEvent, Stage
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from tests.factories import a_draft, a_submission, a_team, a_user

from .conftest import (
    NEW,
    a_saved_draft,
    edit_url,
    errors_of,
    new_token,
    post_edit,
    post_new,
    signed_in,
    token_of,
)


def post(client, url, typed, token, action):
    return client.post(url, typed | {"form_token": token, "action": action})


# --- a new form ----------------------------------------------------------------------------------------------------------
def test_saved_draft_goes_to_its_edit_page(client, typed):
    response = post_new(client, typed, "save_draft")

    case = Case.objects.get()
    assert response.url == f"/cases/{case.reference}/edit/"
    assert (case.stage, case.version, case.author.username) == (Stage.DRAFT, 1, "silva")
    assert [event.what for event in case.events.all()] == ["created"]


def test_submitted_form_goes_to_its_case(client, typed):
    response = post_new(client, typed)

    case = Case.objects.get()
    assert response.url == f"/cases/{case.reference}/"
    assert case.stage == Stage.OUTGOING
    assert [event.what for event in case.events.all()] == ["created", "submitted"]


@pytest.mark.parametrize("action", ["save_draft", "submit"])
def test_same_post_twice_is_one_case(client, typed, action):
    token = new_token(client)

    first, second = (post(client, NEW, typed, token, action) for _n in range(2))

    assert first.url == second.url
    assert Case.objects.count() == 1
    assert Submission.objects.count() == (action == "submit")


def test_two_renderings_are_two_cases(client, typed):
    post_new(client, typed)
    post_new(client, typed)

    assert Case.objects.count() == 2


def test_back_and_submit_after_saving_submits_the_same_case(client, typed):
    token = new_token(client)
    post(client, NEW, typed, token, "save_draft")

    post(client, NEW, typed, token, "submit")

    assert Submission.objects.get().case == Case.objects.get()


def test_back_and_other_text_updates_the_untouched_draft(client, typed):
    token = new_token(client)
    post(client, NEW, typed, token, "save_draft")

    response = post(client, NEW, typed | {"subject": "Other"}, token, "save_draft")

    case = Case.objects.get()
    assert response.url == edit_url(case)
    assert (case.subject, case.version) == ("Other", 2)


def test_back_and_other_text_over_an_edited_draft_is_told(client, typed):
    token = new_token(client)
    post(client, NEW, typed, token, "save_draft")
    case = Case.objects.get()
    post_edit(client, case, typed | {"subject": "Edited"})

    response = post(client, NEW, typed | {"subject": "Older"}, token, "submit")

    assert "This draft was changed in another tab at" in response.content.decode()
    assert 'value="Older"' in response.content.decode()
    assert Case.objects.get().subject == "Edited"
    assert not Submission.objects.exists()


def test_back_and_other_text_after_submitting_is_told_and_kept(client, typed):
    token = new_token(client)
    post(client, NEW, typed, token, "submit")
    case = Case.objects.get()

    response = post(client, NEW, typed | {"subject": "Another wish"}, token, "submit")

    page = response.content.decode()
    assert "This form became a case already" in page
    assert f'href="/cases/{case.reference}/"' in page
    assert 'value="Another wish"' in page
    assert token_of(response) != token
    assert Case.objects.count() == 1
    response = post(client, NEW, typed | {"subject": "Another wish"}, token_of(response), "submit")
    assert Case.objects.count() == 2


def test_reload_of_the_post_after_a_return_submits_nothing(client, typed, reviewer):
    token = new_token(client)
    post(client, NEW, typed, token, "submit")
    submission = Submission.objects.get()
    workflow.return_to_author(submission, by=reviewer, payload_sha256=submission.payload_sha256, reason="More, please.")

    response = post(client, NEW, typed, token, "submit")

    assert response.url == f"/cases/{submission.case.reference}/"
    assert Submission.objects.count() == 1


def test_form_of_a_discarded_draft_revives_nothing(client, typed, author):
    token = new_token(client)
    post(client, NEW, typed, token, "save_draft")
    case = Case.objects.get()
    workflow.discard(case, by=author)

    assert post(client, NEW, typed, token, "submit").url == f"/cases/{case.reference}/"
    assert "was discarded meanwhile" in post(client, NEW, typed | {"subject": "x"}, token, "submit").content.decode()
    assert not Submission.objects.exists()


@pytest.mark.parametrize("token", ["", "short", "x" * 65])
def test_token_that_is_none_keeps_the_text_and_makes_nothing(client, typed, token):
    response = post(client, NEW, typed, token, "submit")

    assert "This page was not complete" in response.content.decode()
    assert 'value="RDS failover took 11 minutes"' in response.content.decode()
    assert not Case.objects.exists()
    assert post(client, NEW, typed, token_of(response), "submit").status_code == 302


def test_token_of_somebody_else_reaches_no_case_of_theirs(client, typed, team):
    token = new_token(client)
    post(client, NEW, typed, token, "save_draft")
    other = signed_in(a_user(team=team))

    response = post(other, NEW, typed | {"subject": "Mine"}, token, "save_draft")

    assert "This page was not complete" in response.content.decode()
    assert Case.objects.get().subject == "RDS failover took 11 minutes"


def test_refused_form_keeps_its_token(client, typed):
    token = new_token(client)

    response = post(client, NEW, typed | {"subject": ""}, token, "submit")

    assert token_of(response) == token
    post(client, NEW, typed, token, "submit")
    post(client, NEW, typed, token, "submit")
    assert Case.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_case(client, typed, author):
    token = new_token(client)
    answers = []

    def click():
        try:
            answers.append(post(signed_in(author), NEW, typed, token, "submit").url)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _n in range(4)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()

    assert len(answers) == 4
    assert len(set(answers)) == 1
    assert Case.objects.count() == Submission.objects.count() == 1


# --- a draft -------------------------------------------------------------------------------------------------------------
def test_draft_is_saved_over_its_version(client, typed):
    case = a_saved_draft(client, typed)

    response = post_edit(client, case, typed | {"subject": "Edited"})

    case.refresh_from_db()
    assert response.url == edit_url(case)
    assert (case.subject, case.version) == ("Edited", 2)
    assert [event.what for event in case.events.all()] == ["created", "saved"]


def test_draft_saved_unchanged_stays_as_it_is(client, typed):
    case = a_saved_draft(client, typed)

    post_edit(client, case, typed)

    case.refresh_from_db()
    assert case.version == 1
    assert CaseEvent.objects.count() == 1


def test_draft_is_submitted_with_what_was_typed(client, typed):
    case = a_saved_draft(client, typed)

    response = post_edit(client, case, typed | {"subject": "Edited"}, "submit")

    assert response.url == f"/cases/{case.reference}/"
    assert Submission.objects.get().content["subject"] == "Edited"


@pytest.mark.parametrize("action", ["save_draft", "submit"])
def test_same_edit_twice_redirects(client, typed, action):
    case = a_saved_draft(client, typed)
    token = token_of(client.get(edit_url(case)))
    changed = typed | {"subject": "Edited"}

    first, second = (post(client, edit_url(case), changed, token, action) for _n in range(2))

    assert first.url == second.url
    assert Submission.objects.count() == (action == "submit")


def test_older_tab_is_told_and_keeps_its_text(client, typed, clock):
    case = a_saved_draft(client, typed)
    older = token_of(client.get(edit_url(case)))
    clock.advance(minutes=2)
    post_edit(client, case, typed | {"subject": "Newer"})
    at = clock.now
    clock.advance(minutes=1)

    for action in ("save_draft", "submit"):
        page = post(client, edit_url(case), typed | {"subject": "Older"}, older, action).content.decode()
        assert "This draft was changed in another tab at" in page
        assert f">{at:%H:%M}</time>" in page
        assert 'value="Older"' in page
        assert 'data-guard="unsaved"' in page
        assert f'href="{edit_url(case)}" target="_blank"' in page
    case.refresh_from_db()
    assert case.subject == "Newer"
    assert not Submission.objects.exists()


def test_older_tab_may_overwrite_deliberately(client, typed):
    case = a_saved_draft(client, typed)
    older = token_of(client.get(edit_url(case)))
    post_edit(client, case, typed | {"subject": "Newer"})
    changed = typed | {"subject": "Older", "form_token": older}

    told = client.post(edit_url(case), changed | {"action": "save_draft"}).content.decode()
    assert 'name="overwrite" value="2"' in told
    response = client.post(edit_url(case), changed | {"overwrite": "2"})

    case.refresh_from_db()
    assert response.url == edit_url(case)
    assert (case.subject, case.version) == ("Older", 3)


def test_overwriting_what_changed_once_more_is_told_again(client, typed):
    case = a_saved_draft(client, typed)
    post_edit(client, case, typed | {"subject": "Second"})
    post_edit(client, case, typed | {"subject": "Third"})

    response = client.post(edit_url(case), typed | {"subject": "Older", "form_token": "1", "overwrite": "2"})

    assert 'name="overwrite" value="3"' in response.content.decode()
    assert Case.objects.get().subject == "Third"


def test_older_tab_with_the_same_text_may_submit(client, typed):
    case = a_saved_draft(client, typed)
    older = token_of(client.get(edit_url(case)))
    changed = typed | {"subject": "Edited"}
    post(client, edit_url(case), changed, older, "save_draft")

    response = post(client, edit_url(case), changed, older, "submit")  # Back, then the other button

    assert response.url == f"/cases/{case.reference}/"
    assert Submission.objects.get().content["subject"] == "Edited"


@pytest.mark.parametrize("token", ["", "abc", "-1", "99999999999", "²"])
def test_version_that_is_none_overwrites_nothing(client, typed, token):
    case = a_saved_draft(client, typed)

    response = post(client, edit_url(case), typed | {"subject": "Edited"}, token, "save_draft")

    assert "changed in another tab" in response.content.decode()
    assert Case.objects.get().subject == typed["subject"]


def test_reload_of_a_submit_after_a_return_is_no_new_revision(client, typed, reviewer):
    case = a_saved_draft(client, typed)
    token = token_of(client.get(edit_url(case)))
    post(client, edit_url(case), typed, token, "submit")
    returned(reviewer)

    response = post(client, edit_url(case), typed, token, "submit")

    assert response.url == f"/cases/{case.reference}/"
    assert Submission.objects.count() == 1


def test_returned_draft_is_submitted_as_the_next_revision(client, typed, reviewer):
    post_new(client, typed)
    case = returned(reviewer).case

    post_edit(client, case, typed | {"subject": "Better"}, "submit")

    first, second = Submission.objects.order_by("revision")
    assert (second.revision, second.supersedes) == (2, first)
    assert (second.content["subject"], second.state) == ("Better", State.PENDING_REVIEW)


def test_returned_draft_may_be_submitted_unchanged_on_purpose(client, typed, reviewer):
    post_new(client, typed)
    case = returned(reviewer).case

    post_edit(client, case, typed, "submit")

    assert Submission.objects.count() == 2


def test_draft_submitted_in_another_tab_keeps_the_older_text_as_a_new_case(client, typed):
    case = a_saved_draft(client, typed)
    older = token_of(client.get(edit_url(case)))
    post_edit(client, case, typed, "submit")

    response = post(client, edit_url(case), typed | {"subject": "Older"}, older, "save_draft")

    page = response.content.decode()
    assert "This form became a case already" in page
    assert f'action="{NEW}"' in page
    assert 'value="Older"' in page
    post(client, NEW, typed | {"subject": "Older"}, token_of(response), "save_draft")
    assert Case.objects.count() == 2


def test_case_that_is_no_draft_is_not_edited(client, typed):
    post_new(client, typed)
    case = Case.objects.get()

    assert client.get(edit_url(case)).url == f"/cases/{case.reference}/"


def test_only_the_author_edits(client, typed, reviewer, team):
    case = a_saved_draft(client, typed)

    for other in (reviewer, a_user(team=team)):
        assert signed_in(other).get(edit_url(case)).status_code == 403
        assert post(signed_in(other), edit_url(case), typed, "1", "save_draft").status_code == 403


def test_errors_of_an_edit_keep_text_and_version(client, typed):
    case = a_saved_draft(client, typed)

    response = post_edit(client, case, typed | {"severity_code": "", "subject": "Edited"}, "submit")

    assert errors_of(response) == {"severity_code": ["Choose a severity."]}
    assert token_of(response) == "1"
    assert 'value="Edited"' in response.content.decode()


def test_policy_may_send_at_once(client, typed, account, bells):
    account.review_policy = "never"
    account.save()

    assert "Submit and send" in client.get(NEW).content.decode()
    post_new(client, typed)

    assert Submission.objects.get().state == State.QUEUED


def returned(reviewer) -> Submission:
    submission = Submission.objects.get()
    workflow.return_to_author(submission, by=reviewer, payload_sha256=submission.payload_sha256, reason="More, please.")
    return submission


def test_revisions_that_came_back_follow_their_case_to_another_team(client, author, account, reviewer, typed):
    other = a_team()
    other.memberships.create(user=author)
    other.accounts.add(account)
    returned = a_submission(State.RETURNED, case=a_draft(by=author, account=account), reviewer=reviewer)

    post_edit(client, returned.case, typed | {"team": str(other.pk)})

    returned.refresh_from_db()
    assert (returned.case.team, returned.team) == (other, other)
