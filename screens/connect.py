"""Pages of Amazon Connect cases: the choice of a template, its form in several states, and the case and its review."""

import re

from playwright.sync_api import Locator, expect
from playwright.sync_api import Page as Tab

from screens.opening import beside, go
from screens.stage import Stage

TEMPLATE = "Product incident"
TITLE = "Orders fail at checkout"
WHO = "agent"


def empty(tab: Tab, stage: Stage) -> None:
    go(tab, "/cases/new/connect/")
    tab.get_by_role("link", name=TEMPLATE).click()
    tab.wait_for_load_state("networkidle")


def filled(tab: Tab, stage: Stage, title: str = "Checkout stays blank") -> None:
    """By the order of its rules: a product narrows the components, two answers require the loss, a start shows the end."""
    empty(tab, stage)
    _field(tab, "Title").get_by_role("textbox").fill(title)
    _find_customer(tab, "sam.demo@example.com")
    _choose(tab, "Product", "platform")
    expect(_field(tab, "Component").locator("option")).to_have_count(5)
    _choose(tab, "Component", "database")
    _choose(tab, "Severity", "sev1")
    _field(tab, "Production impact").get_by_label("Yes").check()
    expect(_field(tab, "Estimated loss")).not_to_contain_text("optional")
    _field(tab, "Estimated loss").get_by_role("textbox").fill("2500.50")
    _field(tab, "Incident start").locator("input").last.fill("2026-11-25T09:10")
    expect(_field(tab, "Incident end").locator("label")).to_have_count(1)
    _field(tab, "Problem description").get_by_role("textbox").fill(
        "Error 502 after pressing Pay.\nSeen in two browsers, from three countries."
    )
    tab.get_by_label("First comment").fill("The customer called twice.")
    tab.wait_for_timeout(800)  # the form follows a moment after the last key
    tab.wait_for_load_state("networkidle")
    tab.evaluate("document.activeElement.blur()")


def with_mistakes(tab: Tab, stage: Stage) -> None:
    empty(tab, stage)
    _choose(tab, "Product", "platform")
    expect(_field(tab, "Component").locator("option")).to_have_count(5)
    _field(tab, "Estimated loss").get_by_role("textbox").fill("a lot")
    _submit(tab)


def submitted(tab: Tab, stage: Stage) -> None:
    if not stage.has_case(TITLE):
        filled(tab, stage, TITLE)
        _submit(tab)
        tab.wait_for_url(re.compile("/cases/CS-"))
    go(tab, f"/cases/{stage.case(TITLE)['reference']}/")


def under_review(tab: Tab, stage: Stage) -> None:
    """Written by somebody else, in a browser of their own."""
    if not stage.has_case(TITLE):
        author = beside(tab, stage, WHO)
        submitted(author, stage)
        author.context.close()
    go(tab, f"/admin/submissions/submission/{stage.case(TITLE)['submission']}/change/")


def _submit(tab: Tab) -> None:
    tab.get_by_role("button", name="Submit for review").click()
    tab.wait_for_load_state("networkidle")


def _field(tab: Tab, name: str) -> Locator:
    named = tab.locator("label, legend").filter(has_text=re.compile(rf"^\s*{re.escape(name)}\b"))
    return tab.locator("[data-field]").filter(has=named)


def _choose(tab: Tab, name: str, value: str) -> None:
    _field(tab, name).locator("select").select_option(value)
    tab.wait_for_load_state("networkidle")


def _find_customer(tab: Tab, address: str) -> None:
    field = _field(tab, "Customer")
    field.get_by_label("Search by").select_option(label="E-mail address")
    field.get_by_label("What to search for").fill(address)
    field.get_by_role("button", name="Search").click()
    field.get_by_role("button", name="Choose").first.click(timeout=60_000)
    tab.wait_for_load_state("networkidle")
