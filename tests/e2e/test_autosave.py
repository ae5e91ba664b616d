"""Drafts that save themselves in a real browser: focus and caret stay, Back keeps everything, the older of two tabs is told."""

import pytest
from playwright.sync_api import expect

from casesite.cases.models import Case
from casesite.teams.models import Role
from tests.factories import PASSWORD, a_catalog, a_draft, a_team, a_user, an_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEW = "/cases/new/support/"


@pytest.fixture
def author(bells):
    team = a_team("Payments")
    a_user("okafor", team=team, role=Role.REVIEWER)
    a_catalog(an_account(team, name="Payments prod"))
    return a_user("m.silva", team=team)


@pytest.fixture
def opened(live_server, page_at, author):
    """A page in a browser in which the author has signed in."""

    def at(address, **options):
        page = page_at(live_server, **options)
        page.goto(f"/accounts/login/?next={address}")
        page.get_by_label("Username").fill("m.silva")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**{address}")
        return page

    return at


def description(page):
    return page.get_by_label("Description")


def said(page):
    return page.locator("#saving-said")


def test_draft_saves_itself_and_leaves_text_focus_and_caret_alone(opened):
    page = opened(NEW)
    description(page).press_sequentially("Since 09:12")
    description(page).press("Home")
    expect(said(page)).to_contain_text("Saved")

    case = Case.objects.get()
    page.wait_for_url(f"**/cases/{case.reference}/edit/")
    expect(description(page)).to_be_focused()
    assert description(page).evaluate("field => field.selectionStart") == 0
    description(page).press_sequentially("RDS: ")
    page.get_by_label("Subject").fill("Failover")
    with page.expect_response("**/save/"):
        pass
    page.reload()  # asks nothing: all is saved
    expect(description(page)).to_have_value("RDS: Since 09:12")
    expect(page.get_by_label("Subject")).to_have_value("Failover")
    page.goto("/")
    page.go_back()
    expect(description(page)).to_have_value("RDS: Since 09:12")
    assert Case.objects.count() == 1


def test_older_tab_is_told_at_once_and_a_submit_right_after_typing_is_no_conflict(opened, author):
    draft = a_draft(by=author)
    address = f"/cases/{draft.reference}/edit/"
    older = opened(address)
    newer = older.context.new_page()
    newer.goto(address)
    description(newer).fill("Newer.")
    expect(said(newer)).to_contain_text("Saved")
    expect(older.locator("#changed-elsewhere")).to_be_visible()

    description(newer).fill("Newer still, in eu-west-1 since 09:12.")
    newer.wait_for_timeout(1900)
    newer.get_by_role("button", name="Submit for review").click()
    newer.wait_for_url(f"**/cases/{draft.reference}/")
    expect(newer.locator("main")).to_contain_text("Waiting for review")


def test_saving_that_fails_says_so_and_is_made_up_for(opened, console):
    page = opened(NEW)
    page.route("**/save/", lambda route: route.abort())
    description(page).fill("Text")
    expect(said(page)).to_contain_text("Not saved: the site did not answer")
    assert not Case.objects.exists()
    page.unroute("**/save/")
    expect(said(page)).to_contain_text("Saved")

    page.context.clear_cookies()
    description(page).fill("Text and more")
    expect(said(page)).to_contain_text("Not saved: you are signed out")
    expect(description(page)).to_have_value("Text and more")
    console.clear()  # the browser and htmx complain about both requests
