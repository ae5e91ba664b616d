"""The form's remarks in a real browser: they come while somebody writes, and take neither text nor focus nor tick."""

import pytest
from playwright.sync_api import expect

from casesite.cases.models import CaseEvent
from casesite.teams.models import Role
from tests.axe import assert_accessible
from tests.factories import PASSWORD, a_catalog, a_team, a_user, an_account
from tests.screening.made import MAKERS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEW = "/cases/new/support/"
SECRET = f"aws_secret_access_key = {MAKERS['secret key']('browser')}"


@pytest.fixture
def form(live_server, page_at, bells):
    """The form in the browser of an agent who has signed in; options as for a browser context."""
    team = a_team("Payments")
    a_user("m.silva", team=team)
    a_user("okafor", team=team, role=Role.REVIEWER)
    a_catalog(an_account(team, name="Payments prod"))

    def opened(**options):
        page = page_at(live_server, **options)
        page.goto(f"/accounts/login/?next={NEW}")
        page.get_by_label("Username").fill("m.silva")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**{NEW}")
        return page

    return opened


def description(page):
    return page.get_by_label("Description")


def test_remarks_come_while_somebody_writes_and_leave_the_text_alone(form):
    page = form()
    description(page).press_sequentially("Since 09:12 UTC in eu-west-1.\n")
    expect(page.locator("[data-item=region].ok")).to_be_visible()
    expect(description(page)).to_be_focused()

    description(page).press_sequentially(SECRET, delay=0)
    expect(page.locator("#part-problems")).to_contain_text("Line 2 seems to hold a secret")
    expect(description(page)).to_be_focused()
    expect(description(page)).to_have_value(f"Since 09:12 UTC in eu-west-1.\n{SECRET}")


def test_tick_is_not_lost_by_further_writing(form):
    page = form()
    description(page).fill(SECRET)
    page.get_by_label("Send it all the same").check()

    description(page).press("Control+Home")
    description(page).press_sequentially("Since 09:12 UTC in eu-west-1.\n\n")
    expect(page.locator("#part-problems")).to_contain_text("Line 3")
    expect(page.get_by_label("Send it all the same")).to_be_checked()

    description(page).press("Control+End")
    description(page).press_sequentially(f"\n{MAKERS['github']('browser')}")
    expect(page.locator("#part-problems")).to_contain_text("Line 4")
    expect(page.get_by_label("Send it all the same")).not_to_be_checked()


@pytest.mark.parametrize("scripts", [True, False])
def test_secret_is_sent_with_a_tick(form, scripts):
    page = form(java_script_enabled=scripts)
    page.locator("#id_service_code").select_option("billing", force=True)
    if not scripts:
        page.get_by_role("button", name="Show what applies").click()
    page.locator("#id_category_code").select_option("other-billing-questions")
    page.locator("[name=severity_code][value=normal]").check(force=True)
    page.get_by_label("Subject").fill("A bill")
    description(page).fill(SECRET)
    page.get_by_role("button", name="Submit for review").click()

    summary = page.locator(".error-summary")
    expect(summary).to_contain_text("Line 1 seems to hold a secret: AWS secret access key.")
    expect(description(page)).to_have_value(SECRET)
    summary.get_by_role("link").click()
    page.get_by_label("Send it all the same").check()
    page.get_by_role("button", name="Submit for review").click()

    page.wait_for_url("**/cases/CS-*/")
    assert CaseEvent.objects.get(what="confirmed_secrets").by.username == "m.silva"


@pytest.mark.parametrize("scripts", [True, False])
def test_headings_are_appended(form, scripts):
    page = form(java_script_enabled=scripts)
    description(page).fill("Since 09:12 UTC in eu-west-1.")
    page.get_by_role("button", name="Add what is missing as headings").click()

    expect(page.locator("[role=status]", has_text="stands below it as headings")).to_be_visible()
    assert description(page).input_value().startswith("Since 09:12 UTC in eu-west-1.\n\nWhat happens (exact error):\n")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_form_with_remarks_is_accessible(form, scheme, width):
    page = form(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.get_by_label("General guidance").check(force=True)
    description(page).fill(f"Please raise our EC2 quota. Our production database is down.\n{SECRET}")
    expect(page.locator("#remark-secrets")).to_be_visible()
    expect(page.locator("#remark-severity")).to_be_visible()
    expect(page.locator("#remark-quota")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
