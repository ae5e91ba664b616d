"""How a tab gets to a page."""

from playwright.sync_api import Page as Tab

from screens.stage import Stage


def go(tab: Tab, address: str) -> None:
    tab.goto(address)
    tab.wait_for_load_state("networkidle")


def sign_in(tab: Tab, name: str, password: str) -> None:
    tab.goto("/accounts/login/")
    tab.get_by_label("Username").fill(name)
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("/")


def beside(tab: Tab, stage: Stage, name: str) -> Tab:
    """Somebody else, in a browser of their own; who closes its context is done with it."""
    assert tab.context.browser is not None
    other = tab.context.browser.new_context(base_url=stage.site.url, locale="en-GB", timezone_id="UTC").new_page()
    sign_in(other, name, stage.password(name))
    return other
