"""What a screen reader hears of changes that nobody asked for: only what comes into a live region that was there before."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from casesite import clock
from casesite.lookups.answer import note
from casesite.lookups.models import Lookup, LookupState
from casesite.submissions import dry_runs, waiting, workflow
from casesite.submissions.dry_runs import Result, Said
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.factories import a_catalog, a_draft, a_submission, a_team, a_user, an_account
from tests.sites import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LISTEN = """() => {
  window.heard = [];
  for (const region of document.querySelectorAll("[role=status], [role=alert], [aria-live]"))
    new MutationObserver(() => heard.push(region.textContent.replace(/\\s+/g, " ").trim()))
      .observe(region, { childList: true, characterData: true, subtree: true });
}"""


class Listener:
    """Somebody who hears the page: the texts of the regions that are there now, whenever one changes."""

    def __init__(self, page):
        self.page = page
        page.evaluate(LISTEN)

    @property
    def heard(self):
        return self.page.evaluate("heard.filter(Boolean)")

    def hears(self, words):
        wait_until(lambda: any(words in said for said in self.heard), what=f"“{words}” among {self.heard}")


@pytest.fixture
def account(bells):
    return an_account(a_team("Payments"), name="Payments prod")


@pytest.fixture
def lead(account):
    return a_user("l.berg", team=account.teams.get(), role=Role.LEAD)


@pytest.fixture
def author(account):
    return a_user("m.silva", team=account.teams.get())


def test_case_page_says_where_the_case_stands_now(page_of, account, author, lead):
    submission = a_submission(case=a_draft(by=author, account=account))
    page = page_of("m.silva", f"/cases/{submission.case.reference}/")
    listener = Listener(page)

    workflow.approve(submission, by=lead, payload_sha256=submission.payload_sha256)
    expect(page.locator("main")).to_have_attribute("data-state", State.QUEUED)
    assert listener.heard == ["Queued"]
    workflow.cancel(submission, by=lead)
    expect(page.locator("main")).to_have_attribute("data-state", State.CANCELLED)

    assert listener.heard == ["Queued", "Cancelled"]
    expect(page.locator("#case-said")).to_have_text("Cancelled")


def test_queue_says_that_it_changed(page_of, account, author, lead):
    row = a_submission(State.QUEUED, case=a_draft(by=author, account=account), reviewer=lead)
    page = page_of("m.silva", "/queue/")
    listener = Listener(page)

    waiting.hold(row, by=author, until=clock.now() + timedelta(hours=2), token=row.token)
    expect(page.locator("main")).to_contain_text("Let it go on")

    assert listener.heard == ["The queue changed."]
    expect(page.locator("#queue-said")).to_have_text("The queue changed.")


def test_form_says_which_files_came_and_went(page_of, account, author):
    a_catalog(account)
    page = page_of("m.silva", "/cases/new/support/")
    said = page.locator("[data-files-said]")
    listener = Listener(page)

    page.locator("#id_files").set_input_files([{"name": "a.txt", "mimeType": "text/plain", "buffer": b"1\n"}])
    expect(said).to_have_text("a.txt added")
    page.get_by_role("button", name="Remove a.txt").click()
    expect(said).to_have_text("a.txt removed")

    assert [each for each in listener.heard if "a.txt" in each] == ["a.txt added", "a.txt removed"]


# --- dry runs ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def dry_runs_on(settings):
    settings.DRY_RUNS = True


@pytest.mark.usefixtures("dry_runs_on")
def test_review_page_says_what_aws_answers_and_that_it_is_asked_again(page_of, account, author, lead):
    submission = a_submission(case=a_draft(by=author, account=account))
    page = page_of("l.berg", f"/admin/submissions/submission/{submission.pk}/change/")
    listener = Listener(page)

    failed = {"state": LookupState.FAILED, "error": "AWS could not be reached.", "answered_at": clock.now()}
    Lookup.objects.filter(kind=dry_runs.KIND).update(**failed)
    listener.hears("AWS could not be reached.")
    page.get_by_role("link", name="Try again").click()
    listener.hears("Asking AWS…")
    note(dry_runs.KIND, account, dry_runs.params_of(submission), Result(said=Said.ACCEPTED).as_answer())
    listener.hears("AWS would accept this")


@pytest.mark.usefixtures("dry_runs_on")
def test_form_says_what_aws_answers(page_of, account, author):
    draft = a_draft(by=author, account=account)
    page = page_of("m.silva", f"/cases/{draft.reference}/edit/")
    page.get_by_role("button", name="Ask AWS whether it would accept this").click()
    expect(page.locator("#lookup-dry_run")).to_contain_text("Asking AWS…")
    listener = Listener(page)

    lookup = Lookup.objects.get(kind=dry_runs.KIND)
    refused = Result(said=Said.REFUSED, text="Invalid category code", code="ValidationException")
    note(dry_runs.KIND, account, lookup.params, refused.as_answer())

    listener.hears("Category: Invalid category code")
