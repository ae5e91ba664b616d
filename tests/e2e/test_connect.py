"""A Connect case of all seven types from the browser through review to the simulator, with every kind of rule on the way."""

import re

import pytest
from playwright.sync_api import expect

from tests.sandbox.care import Care
from tests.sites import wait_until

from .test_story import sign_in

pytestmark = [pytest.mark.processes, pytest.mark.browser]
TITLE = "Orders fail at checkout"


def test_connect_case_of_every_type_goes_from_the_form_to_the_simulator(site, page_at):
    told = next(each for each in site.sandbox.connect_domains("111111111111") if each["region"] == "us-east-1")
    care = Care(told)
    agent, reviewer = page_at(site), page_at(site)
    sign_in(agent, site, "agent")
    wait_until(lambda: is_listed(agent), seconds=60, every=1, what="the demo's templates")
    agent.get_by_role("link", name="Product incident").click()

    def field(name):
        return agent.locator(f'[data-field="{care.field(name)}"]')

    field("title").get_by_role("textbox").fill(TITLE)
    field("customer_id").locator(f'[name="fields-{care.field("customer_id")}"]').fill(care.customer)
    # Options: the product narrows the components, and requires one.
    expect(field("Component").locator("option")).to_have_count(1)
    field("Product").locator("select").select_option("platform")
    expect(field("Component").locator("option")).to_have_count(5)
    expect(field("Component")).to_contain_text("Required because")
    field("Component").locator("select").select_option("database")
    # Required: by two answers together.
    expect(field("Estimated loss")).to_contain_text("optional")
    field("Severity").locator("select").select_option("sev1")
    field("Production impact").get_by_label("Yes").check()
    expect(field("Estimated loss")).not_to_contain_text("optional")
    field("Estimated loss").get_by_role("textbox").fill("2500.5")
    # Hidden: the end shows once there is a start.
    expect(field("Incident end").locator("label")).to_have_count(0)
    field("Incident start").locator("input").last.fill("2026-11-25T09:10")
    expect(field("Incident end").locator("label")).to_have_count(1)
    field("Dashboard").get_by_role("textbox").fill("https://grafana.example.com/d/1")
    field("Incident lead").locator(f'[name="fields-{care.field("Incident lead")}"]').fill(care.user)
    field("Problem description").get_by_role("textbox").fill("Error 502 after pressing Pay.\nSeen in two browsers.")
    agent.get_by_label("First comment").fill("The customer called twice.")
    agent.get_by_role("button", name="Submit for review").click()
    agent.wait_for_url(re.compile("/cases/CS-"))
    expect(agent.locator("main")).to_have_attribute("data-state", "pending_review")

    sign_in(reviewer, site, "reviewer")
    reviewer.goto(agent.url)
    reviewer.locator("[data-review]").click()
    expect(reviewer.locator("main")).to_contain_text("userArnValue")
    reviewer.get_by_role("button", name="Approve").click()

    # The author's page finds out by itself.
    expect(agent.locator("main")).to_have_attribute("data-state", "delivered", timeout=30_000)
    expect(agent.locator('[data-companion="connect_comment"]')).to_have_attribute(
        "data-state", "delivered", timeout=30_000
    )
    [case] = [each for each in site.sandbox.connect_cases() if each["fields"]["title"] == {"stringValue": TITLE}]
    assert case["caseId"] == agent.locator("main").get_attribute("data-aws-case-id")
    held = {name: case["fields"][care.field(name)] for name in VALUES}
    assert held == VALUES | {
        "Incident lead": {"userArnValue": care.user},
        "customer_id": {"stringValue": care.customer},
    }
    [comment] = [item["content"]["comment"]["body"] for item in case["relatedItems"]]
    assert comment.startswith("The customer called twice.\n\nRef: CS-")


def is_listed(page):
    page.goto("/cases/new/connect/")
    return page.get_by_role("link", name="Product incident").count()


VALUES = {
    "Product": {"stringValue": "platform"},
    "Component": {"stringValue": "database"},
    "Severity": {"stringValue": "sev1"},
    "Production impact": {"booleanValue": True},
    "Estimated loss": {"doubleValue": 2500.5},
    "Incident start": {"stringValue": "2026-11-25T09:10:00.000Z"},
    "Dashboard": {"stringValue": "https://grafana.example.com/d/1"},
    "Problem description": {"stringValue": "Error 502 after pressing Pay.\nSeen in two browsers."},
    "Incident lead": {},
    "customer_id": {},
}
