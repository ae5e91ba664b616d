"""A whole site and a real browser. A page whose console is not empty at the end fails its test: that is the CSP's test."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from casesite.runner.parts import ROOT
from tests import browsers
from tests.e2e.office import Office, quiet
from tests.factories import PASSWORD
from tests.sites import Site, wait_until

PICTURES = ROOT / "var" / "failed-pages"
DESKTOP = {"width": 1280, "height": 900}
expect.set_options(timeout=20_000)  # what a page comes to counts, not how soon it does on a busy machine


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with a browser share a site and the browser, the others a site in parts: one process for each."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and not item.get_closest_marker("xdist_group"):
            group = "e2e-browser" if item.get_closest_marker("browser") else "e2e-parts"
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with demo data, under `manage.py up`, for all tests that leave it running."""
    site = Site.start(tmp_path_factory.mktemp("site"))
    yield site
    assert site.stop() == 0


@pytest.fixture(scope="session")
def parts_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A site whose parts are started one by one, for tests that kill and stop them. They leave all parts running."""
    site = Site.in_parts(tmp_path_factory.mktemp("parts"))
    wait_until(lambda: quiet(site), what="the end of the demo's deliveries")
    yield Office(site)
    assert site.stop() == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = browsers.find()
    if path is None:
        pytest.fail(browsers.WHY)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=browsers.ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def console() -> list[str]:
    """What the browser complained about. A test that provokes a complaint takes it out of the list."""
    return []


@pytest.fixture
def page(site: Site, browser: Browser, console: list[str], request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in a fresh browser profile whose addresses are the site's."""
    yield from _a_page(browser, console, request, base_url=site.url)


@pytest.fixture
def page_at(browser: Browser, console: list[str], request: pytest.FixtureRequest) -> Iterator[Any]:
    """`page_at(site)` for tests that have a site of their own."""
    opened: list[Iterator[Page]] = []

    def at(site: Site, **options: Any) -> Page:
        opened.append(_a_page(browser, console, request, base_url=site.url, **options))
        return next(opened[-1])

    yield at
    for each in opened:
        next(each, None)


@pytest.fixture
def page_of(page_at: Any, live_server: Any) -> Any:
    """`page_of("m.silva", "/queue/")`: that address as the person sees it who has signed in; options as for a browser context."""

    def of(username: str, address: str, **options: Any) -> Page:
        page = page_at(live_server, **options)
        page.goto(f"/accounts/login/?next={address}")
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: url.endswith(address))
        return page

    return of


def _a_page(browser: Browser, console: list[str], request: pytest.FixtureRequest, **options: Any) -> Iterator[Page]:
    context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB"} | options)
    page = context.new_page()
    page.on("console", lambda said: _note(said.text, console) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: console.append(str(error)))
    yield page
    if request.node.stash.get(_FAILED, False):
        PICTURES.mkdir(parents=True, exist_ok=True)
        name = f"{re.sub(r'[^a-zA-Z0-9]+', '-', request.node.name)}-{next(_pictures)}"
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    context.close()
    assert console == []


def _note(complaint: str, console: list[str]) -> None:
    """Write a complaint down. That htmx gave up a request for a newer one is none; it says so in two lines."""
    if complaint.startswith("htmx:sendAbort") and console[-1:] == [complaint.replace("sendAbort", "afterRequest")]:
        console.pop()
    else:
        console.append(complaint)


_FAILED = pytest.StashKey[bool]()
_pictures = count(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report
