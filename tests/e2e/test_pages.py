"""Every page in a real browser: what people wrote stays text, everybody can use it, and nothing is forbidden on it."""

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.urls import include, path
from playwright.sync_api import Page

from casesite.submissions.states import State
from tests.axe import findings
from tests.worlds import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("e2e-pages")]

HOSTILE = "<script>ran=1</script>\"><img src=x onerror=ran=1>'{{7*7}}&lt;\u202e😀"
LONG = f"{'Unbroken' * 50} 長い日本語の件名がここに続きます 𠮷野家 طلب عاجل من الفريق"
DESKTOP, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
ZOOMED = {"width": 640, "height": 450}  # the desktop at 200 %


class Visit:
    """One browser page that looks at the site as one person after another."""

    def __init__(self, page: Page, url: str, world: World) -> None:
        self.page, self.url, self.world = page, url, world
        self.name = "nobody"

    def go(self, name: str, address: str) -> int:
        if name != self.name:
            self.page.goto("about:blank")  # a page that looks again by itself would find itself signed out
            self.page.context.clear_cookies()
            cookies = self.world.client(name).cookies.values()
            self.page.context.add_cookies(
                [{"name": each.key, "value": each.value, "url": self.url} for each in cookies]
            )
            self.name = name
        answer = self.page.goto(address)
        assert answer
        return answer.status


def sideways(page: Page) -> list[int]:
    """The widths at which the page as a whole has to be moved sideways."""
    found = []
    for size in (ZOOMED, NARROW, DESKTOP):
        page.set_viewport_size(size)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(size["width"])
    return found


def test_hostile_and_long_words_stay_text_and_fit_on_every_page(live_server, page_at, bells):
    world = World(spice=f"{HOSTILE} {LONG}")
    page = page_at(live_server)
    page.on("dialog", lambda dialog: pytest.fail(f"{page.url} shows a dialog: {dialog.message}"))
    visit = Visit(page, live_server.url, world)
    shown, wide = 0, []

    for name, address in world.pages():
        assert visit.go(name, address) == 200, (name, address)
        found = page.evaluate("[window.ran, document.querySelectorAll('img[src=x], script:not([src])').length]")
        assert found == [None, 0], (name, address)
        wide += [(address, width) for width in sideways(page)]
        shown += "<script>ran=1</script>" in page.locator("body").inner_text()

    assert shown > len(world.pages()) / 2
    assert wide == []


# --- for everybody -------------------------------------------------------------------------------------------------------
# Colours are looked at when they have arrived; a sheet made by script is not for the page's policy to forbid.
WITHOUT_MOTION = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important }");
  document.adoptedStyleSheets.push(sheet);
}"""


# Colours are the one thing that these change.
MODES = {
    "dark": {"color_scheme": "dark", "contrast": "no-preference"},
    "dark, more contrast": {"color_scheme": "dark", "contrast": "more"},
    "more contrast": {"color_scheme": "light", "contrast": "more"},
}


def troubles(page: Page) -> list[str]:
    """What axe finds on the page as it stands: light, dark, with more contrast, on a narrow screen; and whether that has to
    be moved sideways."""
    page.evaluate(WITHOUT_MOTION)
    found = findings(page)
    for mode, media in MODES.items():
        page.emulate_media(**media)
        found += [f"{mode}: {each}" for each in findings(page, "color-contrast", "link-in-text-block")]
    page.emulate_media(color_scheme="light", contrast="no-preference")
    page.set_viewport_size(NARROW)
    found += [f"narrow: {each}" for each in findings(page)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("narrow: wider than the screen")
    page.set_viewport_size(DESKTOP)
    return [f"{page.url}: {each}" for each in found]


def test_every_page_is_accessible(live_server, page_at, bells):
    world = World()
    page = page_at(live_server)
    visit = Visit(page, live_server.url, world)
    found: list[str] = []

    for name, address in world.pages():
        assert visit.go(name, address) == 200, (name, address)
        found += troubles(page)

    assert not found, "\n".join(found)


# --- when something went wrong -------------------------------------------------------------------------------------------
def bent(request):
    raise SuspiciousOperation("bent")


def broken(request):
    raise RuntimeError("broken")


def away(request):
    raise OperationalError("the database is away")


urlpatterns = [
    path("bent/", bent),
    path("broken/", broken),
    path("away/", away),
    path("", include("casesite.urls")),
]
handler400, handler500 = "casesite.web.views.bad_request", "casesite.web.views.server_error"


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("name", "address", "status"),
    [
        ("author", "/bent/", 400),
        ("author", "/admin/login/", 403),
        ("author", "/cases/CS-AAAA-AAAA/", 404),
        ("author", "/broken/", 500),
        ("nobody", "/broken/", 500),
        ("author", "/away/", 503),
    ],
)
def test_error_pages_are_accessible(live_server, page_at, bells, console, name, address, status):
    page = page_at(live_server)

    assert Visit(page, live_server.url, World()).go(name, address) == status

    assert troubles(page) == []
    assert len(console) == 1  # the browser's own word on the status
    console.clear()


def refuse_sign_in(visit: Visit) -> None:
    visit.go("nobody", "/accounts/login/")
    visit.page.get_by_label("Username").fill("owl-author")
    visit.page.get_by_label("Password").fill("wrong")
    visit.page.get_by_role("button", name="Sign in").click()


def submit_an_empty_case(visit: Visit) -> None:
    visit.go("author", "/cases/new/support/")
    visit.page.get_by_label("Copy to").fill("nobody, nowhere")
    visit.page.get_by_role("button", name="Submit for review").click()


def mistype_a_password(visit: Visit) -> None:
    visit.go("author", "/accounts/password/")
    for label in visit.page.locator("main input[type=password]").all():
        label.fill("short")
    visit.page.locator("main").get_by_role("button").last.click()


def return_without_a_reason(visit: Visit) -> None:
    visit.go("lead", f"/admin/submissions/submission/{visit.world.cases[State.PENDING_REVIEW].pk}/change/")
    visit.page.get_by_role("button", name="Return to").click()


def give_up_without_a_reason(visit: Visit) -> None:
    visit.go("lead", f"/admin/submissions/submission/{visit.world.cases[State.NEEDS_ATTENTION].pk}/attention/")
    visit.page.locator("button[value=give_up]").click()


def look_up_nonsense(visit: Visit) -> None:
    visit.go("lead", f"/admin/submissions/submission/{visit.world.cases[State.NEEDS_ATTENTION].pk}/attention/")
    visit.page.get_by_label("AWS case id").fill("nonsense")
    visit.page.get_by_role("button", name="Look it up at AWS").click()


def add_an_empty_account(visit: Visit) -> None:
    visit.go("superuser", "/admin/teams/awsaccount/add/")
    visit.page.get_by_role("button", name="Save", exact=True).click()


def name_a_stranger(visit: Visit) -> None:
    visit.go("lead", f"/admin/teams/team/{visit.world.team.pk}/change/")
    visit.page.locator("input[name$=username]:visible").last.fill("nobody-at-all")
    visit.page.get_by_role("button", name="Save", exact=True).click()


@pytest.mark.parametrize(
    "go_wrong",
    [
        refuse_sign_in,
        submit_an_empty_case,
        mistype_a_password,
        return_without_a_reason,
        give_up_without_a_reason,
        look_up_nonsense,
        add_an_empty_account,
        name_a_stranger,
    ],
)
def test_pages_that_name_mistakes_are_accessible(live_server, page_at, bells, go_wrong):
    page = page_at(live_server)

    go_wrong(Visit(page, live_server.url, World()))
    page.locator(".is-invalid, .errorlist, .note, [data-error-summary]").first.wait_for()

    assert troubles(page) == []


def test_simulators_page_is_accessible(page_at, live_server, sandbox):
    sandbox.open_case("111111111111", subject="A case", body="Its text")
    sandbox.lose_answer("support.CreateCase")
    page = page_at(live_server)

    page.goto(f"{sandbox.url}/_sandbox/")
    for details in page.locator("summary").all():
        details.click()

    assert troubles(page) == []
