"""What a fragment leaves alone: the focus of whoever works without a mouse, and what they have unfolded."""

import re

import pytest
from playwright.sync_api import expect

from casesite import clock
from casesite.catalog import questions
from casesite.lookups.answer import note
from casesite.lookups.models import Lookup, LookupState
from casesite.submissions import dry_runs, workflow
from casesite.submissions.dry_runs import Result, Said
from casesite.submissions.states import State
from casesite.teams.models import CannedText, Role
from tests.factories import a_catalog, a_draft, a_submission, a_team, a_user, an_account
from tests.sites import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NOW_THERE = "() => [document.activeElement.tagName, document.activeElement.id]"
COUNT_FRAGMENTS = """() => {
  window.fragments = 0;
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (!detail.pathInfo?.requestPath.endsWith("/save/")) window.fragments += 1;
  });
}"""


@pytest.fixture
def team(bells):
    return a_team("Payments")


@pytest.fixture
def account(team):
    return an_account(team, name="Payments prod")


@pytest.fixture
def author(team):
    return a_user("m.silva", team=team)


@pytest.fixture
def lead(team):
    return a_user("l.berg", team=team, role=Role.LEAD)


def test_case_that_moves_on_keeps_focus_and_unfolded_details(page_of, team, account, author):
    reviewer = a_user("a.okafor", team=team, role=Role.REVIEWER)
    submission = a_submission(case=a_draft(by=author, account=account))
    page = page_of("m.silva", f"/cases/{submission.case.reference}/")
    main, summary = page.locator("main"), page.locator("summary", has_text="Show revision 1")
    summary.focus()
    page.keyboard.press("Enter")

    workflow.approve(submission, by=reviewer, payload_sha256=submission.payload_sha256)
    expect(main).to_have_attribute("data-state", State.QUEUED)

    expect(summary).to_be_focused()
    expect(page.locator("details", has=summary)).to_have_attribute("open", "")

    page.get_by_role("button", name="Cancel sending").focus()
    workflow.cancel(submission, by=reviewer)
    expect(main).to_have_attribute("data-state", State.CANCELLED)

    expect(main).to_be_focused()


# --- questions to AWS ----------------------------------------------------------------------------------------------------
def fail_what_is_asked():
    """As a worker would that could not ask AWS."""
    failed = {"state": LookupState.FAILED, "error": "AWS could not be reached.", "answered_at": clock.now()}
    assert Lookup.objects.filter(state=LookupState.OPEN).update(**failed) == 1


def test_question_asked_again_leaves_the_focus_where_its_answer_comes(page_of, account, lead):
    questions.ask_check(account, by=lead)
    fail_what_is_asked()
    page = page_of("l.berg", f"/accounts/{account.pk}/")
    again, box = page.get_by_role("link", name="Try again"), page.locator("#lookup-account_check")

    again.focus()
    page.keyboard.press("Enter")
    expect(box).to_contain_text("Asking AWS…")
    expect(box).to_be_focused()

    fail_what_is_asked()
    expect(box).to_contain_text("AWS could not be reached.")
    expect(box).to_be_focused()
    page.keyboard.press("Tab")
    expect(again).to_be_focused()


def test_page_that_an_answer_loads_anew_goes_on_at_what_had_the_focus(page_of, account, lead):
    lookup = questions.ask_check(account, by=lead)
    page = page_of("l.berg", f"/accounts/{account.pk}/")
    page.get_by_role("button", name="Fetch now").focus()

    with page.expect_event("load"):
        note(lookup.kind, account, lookup.params, {})
    expect(page.locator("#lookup-account_check")).to_have_count(0)

    expect(page.get_by_role("button", name="Fetch now")).to_be_focused()


def test_dry_run_asked_again_on_the_review_page_keeps_focus(page_of, account, author, lead, settings):
    settings.DRY_RUNS = True
    submission = a_submission(case=a_draft(by=author, account=account))
    page = page_of("l.berg", f"/admin/submissions/submission/{submission.pk}/change/")
    again, box = page.get_by_role("link", name="Try again"), page.locator("#lookup-dry_run")
    fail_what_is_asked()

    again.focus()
    page.keyboard.press("Enter")
    expect(box).to_contain_text("Asking AWS…")
    expect(box).to_be_focused()

    note(dry_runs.KIND, account, dry_runs.params_of(submission), Result(said=Said.ACCEPTED).as_answer())
    expect(box).to_contain_text("AWS would accept this")
    expect(box).to_be_focused()


# --- the form ------------------------------------------------------------------------------------------------------------
class Keys:
    """The form of a new case for somebody who only has a keyboard: after each fragment it tells what has the focus."""

    def __init__(self, page):
        self.page = page
        page.evaluate(COUNT_FRAGMENTS)

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, *keys):
        """What has the focus once the form has followed."""
        before = self._fragments()
        self.press(*keys)
        wait_until(lambda: self._fragments() > before, what=f"a fragment after {keys}")
        return self.page.evaluate(NOW_THERE)

    def _fragments(self):
        return self.page.evaluate("window.fragments")


def test_form_by_keyboard_never_loses_the_focus(page_of, team, account, author):
    a_catalog(account)
    a_catalog(an_account(team, name="Payments test"))
    CannedText.objects.create(team=team, name="Failover", subject="RDS", body="Which cluster?")
    page = page_of("m.silva", "/cases/new/support/")
    keys = Keys(page)

    page.get_by_label("Account", exact=True).focus()
    assert keys.choose("ArrowDown") == ["SELECT", "id_account"]
    page.get_by_label("Kind").focus()
    assert keys.choose("ArrowDown") == ["SELECT", "id_issue_type"]
    assert keys.choose("ArrowUp") == ["SELECT", "id_issue_type"]
    page.get_by_placeholder("Search by name or code").focus()
    page.keyboard.type("EC2 - Lin")
    assert keys.choose("Enter", "Tab") == ["SELECT", "id_category_code"]  # which is put in place anew meanwhile
    page.wait_for_timeout(500)  # no list opens again for what was typed
    expect(page.get_by_label("Category")).to_be_focused()
    expect(page.locator("#id_service_code")).to_have_value("amazon-elastic-compute-cloud-linux")
    assert keys.choose("ArrowDown") == ["SELECT", "id_category_code"]
    expect(page.get_by_label("Category")).to_have_value("instance-issue")
    page.get_by_role("radio", name=re.compile("^General guidance")).focus()
    assert keys.choose("Space") == ["INPUT", "id_severity_code_0"]
    assert keys.choose("ArrowRight") == ["INPUT", "id_severity_code_1"]

    page.locator("#id_files").set_input_files([{"name": "a.txt", "mimeType": "text/plain", "buffer": b"1\n"}])
    page.get_by_role("button", name="Remove a.txt").focus()
    keys.press("Enter")
    expect(page.get_by_role("button", name="Remove a.txt")).to_have_count(0)
    expect(page.locator("#id_files")).to_be_focused()

    page.get_by_label("Text of the team").focus()
    keys.press("F", "Tab", "Enter")
    expect(page.get_by_label("Description")).to_have_value("Which cluster?")
    expect(page.get_by_label("Description")).to_be_focused()
    page.get_by_role("button", name="Add what is missing as headings").focus()
    keys.press("Enter")
    expect(page.get_by_label("Description")).to_have_value(re.compile("What happens"))
    expect(page.get_by_label("Description")).to_be_focused()
