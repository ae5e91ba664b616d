"""What a fragment leaves alone: the focus of whoever works without a mouse, and what they have unfolded."""

import pytest
from playwright.sync_api import expect

from casesite.submissions import workflow
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.factories import PASSWORD, a_draft, a_submission, a_team, a_user, an_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_case_that_moves_on_keeps_focus_and_unfolded_details(live_server, page_at, bells):
    team = a_team("Payments")
    author, reviewer = a_user("m.silva", team=team), a_user("a.okafor", team=team, role=Role.REVIEWER)
    case = a_draft(by=author, account=an_account(team), team=team)
    submission = a_submission(case=case)
    page = page_at(live_server)
    page.goto(f"/accounts/login/?next=/cases/{case.reference}/")
    page.get_by_label("Username").fill("m.silva")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    main, summary = page.locator("main"), page.locator("summary", has_text="Show revision 1")
    summary.focus()
    page.keyboard.press("Enter")

    workflow.approve(submission, by=reviewer, payload_sha256=submission.payload_sha256)
    expect(main).to_have_attribute("data-state", State.QUEUED)

    expect(summary).to_be_focused()
    expect(page.locator("details", has=summary)).to_have_attribute("open", "")

    # A button that is there no more leaves the focus to the page, not to the top of the window.
    page.get_by_role("button", name="Cancel sending").focus()
    workflow.cancel(submission, by=reviewer)
    expect(main).to_have_attribute("data-state", State.CANCELLED)

    expect(main).to_be_focused()
