"""Drafts that save themselves in a real browser: focus and caret stay, Back keeps everything, the older of two tabs is told."""

import pytest
from playwright.sync_api import expect

from casesite.cases.models import Case
from casesite.teams.models import Role
from tests.factories import PASSWORD, a_catalog, a_draft, a_team, a_user, an_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEW = "/cases/new/support/"
# When keys were pressed and requests to save went out, by the page's own clock.
WATCH = """() => {
  window.keys = [];
  window.saves = [];
  document.addEventListener("input", () => keys.push(performance.now()), true);
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.pathInfo.requestPath.endsWith("/save/")) saves.push(performance.now());
  });
}"""
# What a person sees of the field that they write in.
SIGHT = """() => {
  const field = document.activeElement;
  window.field ??= field;
  return [window.field === field, field.name, field.selectionStart, field.selectionEnd, scrollX, scrollY];
}"""


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


def test_draft_saves_itself_two_seconds_after_the_last_key(opened):
    page = opened(NEW)
    page.evaluate(WATCH)

    description(page).press_sequentially("Since 09:12 in eu-west-1", delay=60)
    expect(said(page)).to_contain_text("Saved")

    keys, saves = page.evaluate("[keys, saves]")
    for save in saves:
        assert save - max(key for key in keys if key < save) > 1_900, (keys, saves)
    assert len(keys) == 24
    assert 1_900 < saves[-1] - keys[-1] < 8_000, (keys, saves)  # two seconds, and room for a busy machine


def test_nothing_moves_while_a_draft_saves_itself(opened):
    page = opened(NEW, viewport={"width": 1280, "height": 500})
    description(page).fill("Since 09:12.\n" * 40)
    expect(said(page)).to_contain_text("Saved")
    page.evaluate("scrollTo(0, 700)")
    description(page).evaluate("field => { field.focus({ preventScroll: true }); field.setSelectionRange(3, 5) }")
    page.keyboard.press("x")
    before = page.evaluate(SIGHT)

    with page.expect_response("**/save/"):
        pass
    page.wait_for_timeout(300)

    assert before == [True, "communication_body", 4, 4, 0, before[-1]]
    assert before[-1] > 0
    assert page.evaluate(SIGHT) == before


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
