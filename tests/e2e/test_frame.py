"""The frame in a real browser: menus, copying, themes, unsaved text, the way through the sign-in, accessibility."""

import pytest
from django.http import HttpResponse
from django.template import RequestContext, Template
from django.urls import include, path
from playwright.sync_api import expect

from casesite import clock
from casesite.teams.models import Role
from casesite.web.auth import login_required_keeping_text
from tests.axe import assert_accessible
from tests.factories import PASSWORD, a_team, a_user, an_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NARROW = {"width": 390, "height": 844}


@pytest.fixture
def account():
    return an_account(a_team("Payments"), name="Payments prod")


@pytest.fixture
def person(account):
    return a_user("m.silva", team=account.teams.get(), role=Role.LEAD)


@pytest.fixture
def open_page(live_server, page_at):
    """A page of the site in this test's own database; options as for a browser context."""
    return lambda **options: page_at(live_server, **options)


def sign_in(page, address: str = "/accounts/settings/"):
    page.goto(f"/accounts/login/?next={address}")
    page.get_by_label("Username").fill("m.silva")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{address}")
    return page


def background(page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


LIGHT, DARK = "rgb(247, 247, 245)", "rgb(21, 23, 26)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_accessible(open_page, person, account, scheme, width):
    page = open_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto("/accounts/login/")
    assert_accessible(page)
    sign_in(page)

    for address in (
        "/accounts/settings/",
        "/accounts/password/",
        "/admin/",
        "/admin/teams/awsaccount/",
        f"/admin/teams/awsaccount/{account.pk}/change/",
        f"/admin/teams/awsaccount/{account.pk}/history/",
        f"/admin/teams/team/{account.teams.get().pk}/change/",
    ):
        page.goto(address)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_error_page_is_accessible(open_page, person, console):
    page = sign_in(open_page())
    page.goto("/nowhere/")

    assert_accessible(page)
    assert len(console) == 1  # the browser's own word on the 404
    console.clear()


@pytest.mark.parametrize("scripts", [True, False])
def test_menu_unfolds_on_a_narrow_screen_with_and_without_scripts(open_page, person, scripts):
    page = sign_in(open_page(viewport=NARROW, java_script_enabled=scripts))
    settings = page.get_by_role("link", name="Settings").locator("visible=true")
    expect(settings).to_have_count(0)

    page.get_by_text("Menu", exact=True).click()

    expect(settings).to_be_visible()
    for place in ("Desk", "Cases", "Review"):
        expect(page.get_by_role("link", name=place, exact=True).locator("visible=true")).to_be_visible()


def test_menu_closes_on_escape_and_on_a_click_elsewhere(open_page, person):
    page = sign_in(open_page())
    summary = page.locator(".top summary", has_text="m.silva")
    sign_out = page.get_by_role("button", name="Sign out").locator("visible=true")

    summary.click()
    expect(sign_out).to_be_visible()
    page.keyboard.press("Escape")
    expect(sign_out).to_have_count(0)
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    summary.click()
    page.locator("h1").click()
    expect(sign_out).to_have_count(0)


def test_person_signs_out_from_the_menu(open_page, person):
    page = sign_in(open_page())
    page.locator(".top summary", has_text="m.silva").click()

    page.get_by_role("button", name="Sign out").locator("visible=true").click()

    page.wait_for_url("**/accounts/login/")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_keyboard_skips_to_the_content(open_page, person):
    page = sign_in(open_page())

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"


def test_theme_of_the_person_goes_before_the_systems(open_page, person):
    page = sign_in(open_page(color_scheme="light"))
    assert background(page) == LIGHT

    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your settings are saved.")).to_be_visible()

    assert background(page) == DARK
    page.goto("/admin/teams/team/")
    assert background(page) == DARK


def test_time_zone_is_found_by_typing(open_page, person):
    page = sign_in(open_page(timezone_id="America/Sao_Paulo"))
    expect(page.get_by_role("combobox", name="Time zone")).to_have_count(1)
    expect(page.locator(".ts-control .item")).to_have_text("America/Sao Paulo")

    page.locator(".ts-control").click()
    page.keyboard.type("tokyo")
    page.locator(".ts-dropdown .option", has_text="Asia/Tokyo").click()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Your settings are saved.")).to_be_visible()
    person.refresh_from_db()
    assert person.preferences.time_zone == "Asia/Tokyo"


def test_leaving_with_unsaved_changes_asks(open_page, person):
    page = sign_in(open_page())
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))

    page.get_by_label("Dark").check()
    page.get_by_role("link", name="Change password").click()
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your settings are saved.")).to_be_visible()
    page.get_by_role("link", name="Change password").click()
    page.wait_for_url("**/accounts/password/")

    assert asked == ["beforeunload"]


# --- small behaviours ----------------------------------------------------------------------------------------------------------------
@pytest.mark.urls(__name__)
def test_id_is_copied_and_the_button_says_so(open_page, person):
    page = sign_in(open_page(permissions=["clipboard-read", "clipboard-write"]), "/note/")

    page.get_by_role("button", name="Copy account id").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "111122223333"


@pytest.mark.urls(__name__)
def test_relative_time_stays_true_while_the_page_is_open(open_page, person):
    page = open_page()
    page.clock.install()
    sign_in(page, "/note/")
    expect(page.locator("time")).to_have_text("just now")

    page.clock.fast_forward("03:05")

    expect(page.locator("time")).to_have_text("3 min ago")


@pytest.mark.urls(__name__)
def test_fragment_after_the_session_leaves_the_text_and_tells(open_page, person, settings, console):
    page = sign_in(open_page(), "/note/")
    page.get_by_label("Text").fill(TYPED)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)

    page.get_by_role("button", name="Look again").click()

    expect(page.locator("#messages")).to_contain_text("You are signed out. What you typed is still here")
    expect(page.get_by_label("Text")).to_have_value(TYPED)
    assert [said for said in console if "401" not in said] == []
    console.clear()


# --- what was typed before the session ended -------------------------------------------------------------------------------------
@login_required_keeping_text
def note(request):
    """A page with a text box that shows what it was sent."""
    source = """{% extends "base.html" %}{% load casesite %}{% block title %}Note{% endblock %}
        {% block content %}<h1>Note</h1>{% when now %}{% copyable "111122223333" "1111 2222 3333" "account id" %}
        <button hx-get="/note/" hx-target="#got">Look again</button><pre id="got">{{ request.POST.text }}</pre>
        <form method="post">{% csrf_token %}<label for="text">Text</label><textarea id="text" name="text"></textarea>
        <button>Send</button></form>{% endblock %}"""
    return HttpResponse(Template(source).render(RequestContext(request, {"now": clock.now()})))


urlpatterns = [path("note/", note), path("", include("casesite.urls"))]
TYPED = "first line\nsecond <b>line</b>"


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("scripts", [True, False])
def test_what_was_typed_outlives_the_session(open_page, person, settings, scripts):
    page = sign_in(open_page(java_script_enabled=scripts), "/note/")
    page.get_by_label("Text").fill(TYPED)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)

    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("What you typed is kept")).to_be_visible()
    page.get_by_label("Username").fill("m.silva")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    if not scripts:
        page.get_by_role("button", name="Go on").click()

    expect(page.locator("#got")).to_have_text(TYPED)


@pytest.mark.urls(__name__)
def test_what_was_typed_outlives_a_sign_in_in_another_tab(open_page, person, console):
    page = sign_in(open_page(), "/note/")
    page.get_by_label("Text").fill(TYPED)
    other = page.context.new_page()
    other.goto("/accounts/settings/")
    other.locator(".top summary", has_text="m.silva").click()
    other.get_by_role("button", name="Sign out").locator("visible=true").click()
    sign_in(other)

    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Go on").click()

    expect(page.locator("#got")).to_have_text(TYPED)
    assert len(console) == 1  # the browser's own word on the 403
    console.clear()
