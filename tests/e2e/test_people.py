"""A customer found from the form of a Connect case in a real browser: by keyboard, answered while one waits, focus kept."""

import re

import pytest
from playwright.sync_api import expect

from casesite.catalog.models import CasesDomain
from casesite.catalog.template import CUSTOMER, Field, FieldType
from casesite.lookups import answer
from casesite.lookups.models import Lookup
from tests.axe import assert_accessible
from tests.catalog.templates import a_template, text
from tests.factories import PASSWORD, a_connect_template, a_team, a_user, an_account
from tests.sandbox.care import Care
from tests.sites import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ACCOUNT = "111111111111"
TEMPLATE = a_template(
    text("note"),
    Field(CUSTOMER, "Customer", FieldType.TEXT, system=True),
    Field("owner", "Owner", FieldType.USER),
    placed=[CUSTOMER, "owner", "note"],
)


@pytest.fixture
def care(sandbox):
    return Care(next(each for each in sandbox.connect_domains(ACCOUNT) if each["name"] == "Customer care"))


def test_customer_is_found_and_chosen_while_the_form_stays(live_server, page_at, care, bells):
    team = a_team("Payments")
    a_user("m.silva", team=team)
    template = a_connect_template(an_account(team, account_id=ACCOUNT, connect_regions="us-east-1"), TEMPLATE)
    CasesDomain.objects.update(
        found_profiles_domain=care.told["profilesDomain"], found_instance_arn=care.told["instanceArn"]
    )
    address = f"/cases/new/connect/{template.pk}/"
    page = page_at(live_server)
    page.goto(f"/accounts/login/?next={address}")
    page.get_by_label("Username").fill("m.silva")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{address}")
    page.get_by_label("note").fill("Since 09:12")
    customer = page.get_by_role("group", name="Find a customer")

    customer.get_by_label("Search by").select_option("Full name")
    customer.get_by_label("What to search for").fill("Sam Demo")
    customer.get_by_role("button", name="Search").click()
    expect(customer).to_contain_text("Asking AWS")
    wait_until(Lookup.objects.exists)
    answer.answer_open(template.domain.account_id)
    logistics = customer.get_by_role("button", name="Demo Logistics")
    expect(logistics).to_be_visible()
    expect(page.locator("#rules-said")).to_have_text(re.compile(r"^\d+ found\.$"))
    assert_accessible(page)
    logistics.click()

    arn = page.locator("#id_fields-customer_id")
    expect(arn).to_have_value(care.profile_arn(care.told["profiles"][1]["id"]))
    expect(arn).to_be_focused()
    expect(page.locator(".chosen")).to_have_text("Sam Demo")
    expect(page.locator("#rules-said")).to_have_text("Sam Demo is chosen.")
    expect(page.get_by_label("note")).to_have_value("Since 09:12")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".chosen")).to_have_text("Sam Demo")
