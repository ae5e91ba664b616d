"""How a tab gets to a page."""

from playwright.sync_api import Page as Tab


def go(tab: Tab, address: str) -> None:
    tab.goto(address)
    tab.wait_for_load_state("networkidle")


def sign_in(tab: Tab, name: str, password: str) -> None:
    tab.goto("/accounts/login/")
    tab.get_by_label("Username").fill(name)
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("/")
