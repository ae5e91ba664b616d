"""Tests of drafts that save themselves: one draft for each page, nothing checked, nothing overwritten, no page told about itself."""

import re

import pytest

from casesite.cases.models import Case, Stage
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from tests.factories import a_user

from .conftest import NEW, a_saved_draft, edit_url, new_token, post_edit, signed_in, token_of

NEW_SAVE = f"{NEW}save/"
EMPTY = dict.fromkeys(
    ("service_code", "category_code", "severity_code", "subject", "communication_body", "cc_email_addresses"), ""
)


class Tab:
    """A page of the form in a browser, as autosave.js goes on with it."""

    def __init__(self, client, address=NEW):
        self.client, self.address = client, address
        html = client.get(address).content.decode()
        self.token = re.search(r'name="form_token" value="([^"]*)"', html)[1]
        self.page = re.search(r'name="page" value="([^"]*)"', html)[1]
        self.save_address = re.search(r'hx-post="([^"]*/save/)"', html)[1]
        self.serial = 0

    def carried(self, typed, **more):
        self.serial += 1
        return typed | {"form_token": self.token, "page": self.page, "serial": str(self.serial)} | more

    def send(self, posted):
        return self.client.post(self.save_address, posted, headers={"HX-Request": "true"})

    def save(self, typed, *, answer_lost=False):
        response = self.send(self.carried(typed))
        if not answer_lost and response.status_code == 200:
            html = response.content.decode()
            self.token = re.search(r'data-token="([^"]*)"', html)[1]
            self.address = re.search(r'data-address="([^"]*)"', html)[1]
            self.save_address = re.search(r'hx-post="([^"]*)"', html)[1]
        return response

    def press(self, typed, action):
        return self.client.post(self.address, self.carried(typed, action=action))

    def look(self, typed):
        return self.send(typed | {"form_token": self.token, "page": self.page, "serial": str(self.serial), "look": "1"})


def state_of(response):
    return re.search(r'data-state="(\w+)"', response.content.decode())[1]


# --- one page, one draft -----------------------------------------------------------------------------------------------
def test_first_saving_makes_the_draft_and_the_page_goes_on_as_its_own(client, typed, clock):
    tab = Tab(client)

    response = tab.save(typed)

    case = Case.objects.get()
    assert state_of(response) == "saved"
    assert (tab.address, tab.save_address, tab.token) == (edit_url(case), f"/cases/{case.reference}/save/", "1")
    assert f">{clock.now:%H:%M}</time>" in response.content.decode()


def test_further_savings_change_the_same_draft_without_lines_in_its_story(client, typed):
    tab = Tab(client)
    for subject in ("R", "RD", "RDS"):
        tab.save(typed | {"subject": subject})

    case = Case.objects.get()
    assert (case.subject, case.version) == ("RDS", 3)
    assert [event.what for event in case.events.all()] == ["created"]
    assert 'value="RDS"' in client.get(tab.address).content.decode()


def test_draft_saves_whatever_it_holds(client):
    response = Tab(client).save(EMPTY | {"account": "", "language": "xx", "issue_type": "odd"})

    assert state_of(response) == "saved"
    assert Case.objects.get().support.language == "xx"
    assert not Submission.objects.exists()


def test_what_can_not_be_stored_is_said_and_nothing_is_kept(client, typed):
    response = Tab(client).save(typed | {"subject": "x" * 1001})

    assert state_of(response) == "refused"
    assert "Not saved:" in response.content.decode()
    assert not Case.objects.exists()


def test_form_without_a_token_of_ours_gets_one_and_is_saved_next(client, typed):
    tab = Tab(client)
    tab.token = "short"

    assert state_of(tab.save(typed)) == "again"
    assert state_of(tab.save(typed)) == "saved"


# --- answers that are late or lost ---------------------------------------------------------------------------------------
def test_page_whose_answers_were_lost_is_not_told_about_itself(client, typed):
    tab = Tab(client)
    for subject in ("R", "RD", "RDS"):
        tab.save(typed | {"subject": subject}, answer_lost=True)

    response = tab.press(typed | {"subject": "RDS failed"}, "submit")

    assert response.url == f"/cases/{Case.objects.get().reference}/"
    assert Submission.objects.get().content["subject"] == "RDS failed"


def test_draft_whose_answer_was_lost_is_submitted_by_the_same_page(client, typed):
    case = a_saved_draft(client, typed)
    tab = Tab(client, edit_url(case))
    tab.save(typed | {"subject": "One"}, answer_lost=True)
    tab.save(typed | {"subject": "Two"}, answer_lost=True)

    tab.press(typed | {"subject": "Three"}, "submit")

    assert Submission.objects.get().content["subject"] == "Three"


def test_saving_that_arrives_after_a_newer_one_changes_nothing(client, typed):
    case = a_saved_draft(client, typed)
    tab = Tab(client, edit_url(case))
    late = tab.carried(typed | {"subject": "Older"})
    tab.press(typed | {"subject": "Newer"}, "save_draft")

    response = tab.send(late)

    assert response.status_code == 204
    assert Case.objects.get().subject == "Newer"


@pytest.mark.parametrize("start", ["new", "draft"])
def test_submit_wins_over_a_saving_under_way(client, typed, start):
    tab = Tab(client) if start == "new" else Tab(client, edit_url(a_saved_draft(client, typed)))
    late = tab.carried(typed | {"subject": "Older"})
    tab.press(typed | {"subject": "Newer"}, "submit")

    response = tab.send(late)

    assert state_of(response) == "stopped"
    assert Case.objects.get().subject == Submission.objects.get().content["subject"] == "Newer"
    assert Case.objects.get().stage == Stage.OUTGOING


def test_refused_form_goes_on_as_the_same_page(client, typed):
    tab = Tab(client)
    tab.save(typed | {"subject": "One"}, answer_lost=True)
    tab.save(typed | {"subject": "Two"}, answer_lost=True)

    response = tab.press(typed | {"subject": ""}, "submit")

    html = response.content.decode()
    assert f'name="page" value="{tab.page}"' in html
    assert f'name="serial" value="{tab.serial}"' in html
    assert state_of(tab.save(typed | {"subject": "Three"})) == "saved"


# --- two tabs --------------------------------------------------------------------------------------------------------------
def test_older_tab_is_told_and_overwrites_nothing(client, typed):
    case = a_saved_draft(client, typed)
    older, newer = Tab(client, edit_url(case)), Tab(client, edit_url(case))
    newer.save(typed | {"subject": "Newer"})

    looked, saved = older.look(typed), older.save(typed | {"subject": "Older"})

    for response in (looked, saved):
        assert state_of(response) == "stopped"
        assert "This draft was changed in another tab at" in response.content.decode()
    assert Case.objects.get().subject == "Newer"
    assert newer.look(typed).status_code == 204


def test_older_tab_is_told_after_many_savings_of_its_own(client, typed):
    case = a_saved_draft(client, typed)
    older, newer = Tab(client, edit_url(case)), Tab(client, edit_url(case))
    older.save(typed | {"subject": "First"})
    newer.token = "2"  # it was opened after that
    newer.save(typed | {"subject": "Newer"})

    assert state_of(older.save(typed | {"subject": "Older"})) == "stopped"
    assert older.press(typed | {"subject": "Older"}, "submit").status_code == 200
    assert Case.objects.get().subject == "Newer"
    assert not Submission.objects.exists()


def test_older_tabs_text_may_become_a_draft_of_its_own(client, typed):
    case = a_saved_draft(client, typed)
    older = Tab(client, edit_url(case))
    post_edit(client, case, typed | {"subject": "Newer"})
    html = older.save(typed | {"subject": "Older"}).content.decode()
    token = re.search(r'name="keep_as_new" value="([^"]+)"', html)[1]

    for _click in range(2):
        client.post(NEW, older.carried(typed | {"subject": "Older"}, keep_as_new=token))

    assert [each.subject for each in Case.objects.order_by("pk")] == ["Newer", "Older"]


def test_tab_of_a_draft_that_was_submitted_is_told(client, typed):
    case = a_saved_draft(client, typed)
    older = Tab(client, edit_url(case))
    post_edit(client, case, typed, "submit")

    for response in (older.look(typed), older.save(typed | {"subject": "Older"})):
        assert state_of(response) == "stopped"
        assert "This form became a case already" in response.content.decode()


def test_page_from_before_the_submission_does_not_write_in_the_returned_draft(client, typed, reviewer):
    tab = Tab(client)
    tab.save(typed)
    tab.press(typed, "submit")
    submission = Submission.objects.get()
    workflow.return_to_author(submission, by=reviewer, payload_sha256=submission.payload_sha256, reason="More.")

    assert state_of(tab.save(typed | {"subject": "Older"})) == "stopped"
    assert Case.objects.get().subject == typed["subject"]


# --- whose -----------------------------------------------------------------------------------------------------------------
def test_signed_out_page_keeps_its_text(client, typed):
    tab = Tab(client)
    client.logout()

    assert tab.save(typed).status_code == 401
    assert not Case.objects.exists()


def test_draft_of_somebody_else_is_not_saved(client, typed, team):
    case = a_saved_draft(client, typed)
    other = signed_in(a_user(team=team))

    response = other.post(f"/cases/{case.reference}/save/", typed | {"subject": "Mine", "form_token": "1"})

    assert response.status_code == 403
    assert Case.objects.get().subject == typed["subject"]


def test_draft_is_there_after_the_next_sign_in(client, author, typed):
    Tab(client).save(typed | {"subject": "Half a"})
    client.logout()
    client.force_login(author)

    assert 'value="Half a"' in client.get(edit_url(Case.objects.get())).content.decode()
    assert "Half a" in client.get("/").content.decode()


def test_saving_by_button_without_a_script_is_as_before(client, typed):
    token = new_token(client)

    response = client.post(NEW, typed | {"form_token": token, "action": "save_draft", "page": token, "serial": "0"})

    assert token_of(client.get(response.url)) == "1"


def test_page_of_a_discarded_draft_is_told_so_and_saves_again_once_it_is_back(client, typed):
    tab = Tab(client)
    tab.save(typed)
    case = Case.objects.get()
    client.post(case.get_absolute_url(), {"action": "discard"})

    told = tab.send(tab.carried(typed | {"subject": "After that"}))
    client.post(case.get_absolute_url(), {"action": "bring_back"})

    assert state_of(told) == "stopped"
    assert "This draft was discarded meanwhile:" in told.content.decode()
    assert state_of(tab.save(typed | {"subject": "And back"})) == "saved"
