"""What somebody does in the form while the answer to an earlier choice is still under way: nothing of it is lost."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.factories import PASSWORD, a_catalog, a_team, a_user, an_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEW = "/cases/new/support/"


class Held:
    """The first answer to a choice, kept back until `let_go`; those after it come as they come."""

    def __init__(self, page: Page) -> None:
        self._routes: list[Route] = []
        self._page = page
        page.route(f"**{NEW}", self._hold)

    def _hold(self, route: Route) -> None:
        if route.request.method != "POST" or self._routes:
            route.continue_()
        else:
            self._routes.append(route)

    def let_go(self) -> None:
        with self._page.expect_response(f"**{NEW}"):
            self._routes[0].continue_()


@pytest.fixture
def page(live_server, page_at, bells):
    team = a_team("Payments")
    for name in ("Payments prod", "Payments test"):
        a_catalog(an_account(team, name=name))
    a_user("m.silva", team=team)
    page = page_at(live_server)
    page.goto(f"/accounts/login/?next={NEW}")
    page.get_by_label("Username").fill("m.silva")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{NEW}")
    return page


@pytest.fixture
def held(page):
    """The page when an account was chosen, and its services are still under way."""
    held = Held(page)
    with page.expect_request(lambda request: request.method == "POST"):
        page.get_by_label("Account").select_option(index=1)
    return held


def services(page):
    return page.get_by_placeholder("Search by name or code")


def service(page, name):
    return page.locator("#id_service_code-ts-dropdown").get_by_role("option", name=name)


def test_service_chosen_before_the_services_of_the_account_arrive_stays_chosen(page, held):
    services(page).fill("EC2 - Linux")
    service(page, "EC2 - Linux").click()
    held.let_go()

    expect(page.get_by_label("Category").get_by_role("option", name="Instance Issue")).to_be_attached()
    expect(page.locator("#id_service_code")).to_have_value("amazon-elastic-compute-cloud-linux")
    expect(service(page, "EC2 - Linux")).to_be_hidden()


def test_what_is_typed_into_a_choice_goes_on_in_its_successor(page, held):
    services(page).fill("EC2 - Lin")
    held.let_go()

    expect(services(page)).to_have_value("EC2 - Lin")
    expect(services(page)).to_be_focused()
    service(page, "EC2 - Linux").click()
    expect(page.get_by_label("Category").get_by_role("option", name="Instance Issue")).to_be_attached()


def test_severity_chosen_before_those_of_the_account_arrive_stays_chosen(page, held):
    page.get_by_role("radio", name=re.compile("^System impaired")).check()
    held.let_go()

    expect(page.locator("#part-next")).to_contain_text("within 12 h")
    expect(page.get_by_role("radio", name=re.compile("^System impaired"))).to_be_checked()
