"""Asking AWS beforehand: the author's button on the case page and on the form. Nothing typed is lost, nothing is kept."""

import html

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casesite.cases.models import Case
from casesite.lookups import answer
from casesite.lookups.models import Lookup, LookupState
from casesite.pacing import gate
from casesite.submissions import dry_runs, workflow
from casesite.submissions.dry_runs import KIND, Result, Said
from casesite.submissions.models import Submission
from tests.factories import a_draft, a_submission, a_user

from .conftest import NEW, a_saved_draft, edit_url, errors_of, post_edit, post_new, signed_in, token_of

BUTTON = "Ask AWS whether it would accept this"
WAITING = 'class="lookup waiting"'


@pytest.fixture(autouse=True)
def dry_runs_on(settings):
    settings.DRY_RUNS = True


def asked():
    return Lookup.objects.get(kind=KIND)


def say(lookup, said=Said.ACCEPTED, **more):
    answer.note(KIND, lookup.account, lookup.params, Result(said=said, **more).as_answer())


# --- the form ----------------------------------------------------------------------------------------------------------------
def test_complete_form_is_asked_about_and_stays_as_typed(client, typed, account, team, author):
    response = post_new(client, typed, "ask_aws")

    shown = html.unescape(response.content.decode())
    assert response.status_code == 200
    assert WAITING in shown
    assert "Nothing was saved or sent." in shown
    assert typed["subject"] in shown
    assert "We tried a reboot." in shown
    assert (Case.objects.count(), Submission.objects.count()) == (0, 0)
    lookup = asked()
    assert (lookup.account, lookup.asked_by, lookup.params["team"]) == (account, author, team.pk)
    assert lookup.params["reference"] == ""
    assert lookup.params["content"]["communication_body"] == "Since 09:12 UTC.\nWe tried a reboot."


def test_form_that_was_asked_about_can_be_submitted(client, typed):
    response = post_new(client, typed, "ask_aws")

    sent = client.post(NEW, typed | {"form_token": token_of(response), "action": "submit"})

    assert sent.status_code == 302
    assert Submission.objects.count() == 1


def test_incomplete_form_is_told_what_is_missing_and_asks_nothing(client, typed):
    response = post_new(client, typed | {"category_code": ""}, "ask_aws")

    assert errors_of(response) == {"category_code": ["Choose a category."]}
    assert "We tried a reboot." in response.content.decode()
    assert not Lookup.objects.filter(kind=KIND).exists()


def test_same_text_again_shows_the_answer_without_javascript(client, typed):
    first = post_new(client, typed, "ask_aws")
    assert (
        '<button class="btn sm" type="submit" form="case-form" name="action" value="ask_aws">'
        in (first.content.decode().split("<noscript>")[1])
    )
    say(asked())

    second = client.post(NEW, typed | {"form_token": token_of(first), "action": "ask_aws"})

    assert 'data-dry-run="accepted"' in second.content.decode()
    assert Lookup.objects.filter(kind=KIND).count() == 1


def test_wait_leads_nowhere_that_would_lose_the_text(client, typed):
    shown = post_new(client, typed, "ask_aws").content.decode().split('class="note asked-aws"')[1].split("<form")[0]

    assert WAITING in shown
    assert "<a " not in shown


def test_another_text_is_another_question(client, typed):
    post_new(client, typed, "ask_aws")

    post_new(client, typed | {"subject": "Another"}, "ask_aws")

    assert Lookup.objects.filter(kind=KIND).count() == 2


def test_refusal_leads_to_its_field(client, typed):
    post_new(client, typed, "ask_aws")
    say(asked(), Said.REFUSED, text="Invalid severity code")

    for shown in (
        post_new(client, typed, "ask_aws").content.decode(),
        client.get(f"/lookups/{asked().pk}/", headers={"HX-Request": "true"}).content.decode(),
    ):
        assert '<a href="#id_severity_code_0">Severity</a>:' in shown
        assert "<q>Invalid severity code</q>" in shown
    assert 'href="#id_' not in client.get(f"/lookups/{asked().pk}/").content.decode().split("<main")[1]


def test_question_that_failed_is_asked_again_by_the_button(client, typed):
    post_new(client, typed, "ask_aws")
    Lookup.objects.filter(kind=KIND).update(state=LookupState.FAILED, error="AWS could not be reached.")

    post_new(client, typed, "ask_aws")

    assert Lookup.objects.filter(kind=KIND, state=LookupState.OPEN).count() == 1


def test_draft_is_asked_about_with_its_reference_and_not_saved(client, typed):
    case = a_saved_draft(client, typed)

    response = post_edit(client, case, typed | {"subject": "Half saved"}, "ask_aws")

    assert 'value="Half saved"' in response.content.decode()
    assert token_of(response) == "1"
    assert asked().params["reference"] == case.reference
    case.refresh_from_db()
    assert case.subject == typed["subject"]


def test_account_that_is_not_asked_says_why(client, typed, account):
    gate.forbid_dry_runs(account.pk)

    response = post_new(client, typed, "ask_aws")

    assert "a case was opened there once by only asking" in html.unescape(response.content.decode())
    assert not Lookup.objects.filter(kind=KIND).exists()


def test_switched_off_there_is_no_button_and_no_question(client, typed, settings):
    settings.DRY_RUNS = False

    response = post_new(client, typed, "ask_aws")

    assert BUTTON not in client.get(NEW).content.decode()
    assert BUTTON not in response.content.decode()
    assert not Lookup.objects.filter(kind=KIND).exists()
    assert typed["subject"] in response.content.decode()


def test_nobody_asks_about_a_draft_of_another_person(client, typed, team):
    case = a_saved_draft(client, typed)
    other = signed_in(a_user(team=team))

    assert other.post(edit_url(case), typed | {"action": "ask_aws", "form_token": "1"}).status_code == 403
    assert not Lookup.objects.filter(kind=KIND).exists()


# --- the case page -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def submission(author, account, catalog, bells):
    return a_submission(case=a_draft(by=author, account=account))


def page(client, submission):
    return client.get(submission.case.get_absolute_url()).content.decode()


def ask(client, submission):
    return client.post(
        submission.case.get_absolute_url(), {"action": "ask_aws", "submission": str(submission.pk)}, follow=True
    )


def test_author_asks_about_what_waits_for_review(client, submission, author):
    assert BUTTON in page(client, submission)

    response = ask(client, submission)

    shown = response.content.decode()
    assert response.redirect_chain == [(submission.case.get_absolute_url(), 302)]
    assert WAITING in shown
    assert "See whether the answer is there" in shown
    assert BUTTON not in shown
    assert (asked().asked_by, asked().params) == (author, dry_runs.params_of(submission))


def test_answer_stands_on_the_case_page_for_the_team(client, submission, team):
    ask(client, submission)
    say(asked(), Said.REFUSED, text="Invalid category code")

    for shown in (page(client, submission), page(signed_in(a_user(team=team)), submission)):
        assert 'data-dry-run="refused"' in shown
        assert BUTTON not in shown


def test_after_an_hour_the_author_may_ask_again(client, submission, clock):
    ask(client, submission)
    say(asked())
    clock.advance(minutes=60)

    shown = page(client, submission)

    assert 'data-dry-run="accepted"' in shown
    assert BUTTON in shown
    ask(client, submission)
    assert Lookup.objects.filter(kind=KIND, state=LookupState.OPEN).count() == 1


def test_others_have_no_button_and_may_not_ask(client, submission, team, reviewer):
    colleague = signed_in(a_user(team=team))

    for person in (colleague, signed_in(reviewer)):
        assert BUTTON not in page(person, submission)
    assert colleague.post(submission.case.get_absolute_url(), {"action": "ask_aws"}).status_code == 403
    assert "Only its author asks AWS" in ask(signed_in(reviewer), submission).content.decode()
    assert not Lookup.objects.filter(kind=KIND).exists()


def test_what_waits_no_more_is_not_asked_about(client, submission, author):
    workflow.withdraw(submission, by=author)

    shown = ask(client, submission).content.decode()

    assert "AWS is asked only while it waits for review." in shown
    assert not Lookup.objects.filter(kind=KIND).exists()


def test_account_that_is_not_asked_says_why_on_the_case_page(client, submission):
    gate.forbid_dry_runs(submission.account_id)

    assert "a case was opened there once by only asking" in html.unescape(page(client, submission))
    assert "a case was opened there once by only asking" in html.unescape(ask(client, submission).content.decode())


def test_switched_off_the_case_page_does_not_speak_of_it(client, submission, settings):
    settings.DRY_RUNS = False

    assert BUTTON not in page(client, submission)
    assert "switched off" in ask(client, submission).content.decode()


def test_case_page_takes_two_queries_more(client, submission, settings):
    counts = []
    for on in (False, True):
        settings.DRY_RUNS = on
        with CaptureQueriesContext(
            connection,
        ) as seen:
            page(client, submission)
        counts.append(len(seen))

    assert counts[1] - counts[0] == 2  # what was asked, and whether the account may be
