"""Files in the form in a real browser: each goes at once, can be cancelled and taken out; and all works without a script."""

import os
import threading

import pytest
from playwright.sync_api import expect

from casesite.cases import files
from casesite.cases.models import Case
from casesite.catalog.known import MAY_UPLOAD
from tests.axe import assert_accessible
from tests.factories import PASSWORD, a_catalog, a_draft, a_file, a_team, a_user, an_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOG = {"name": "ecs-events.json", "mimeType": "application/json", "buffer": b'{"events": []}\n'}
MORE = {"name": "画面 <b>.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n"}
LEAKING = {"name": "db.ini", "mimeType": "text/plain", "buffer": b"password = hunter2horse99\n"}
EMPTY = {"name": "empty.log", "mimeType": "text/plain", "buffer": b""}


@pytest.fixture
def author(bells):
    team = a_team("Payments")
    found = [{"name": "Upload large files", "state": "good", "text": "", "todo": "", "code": MAY_UPLOAD}]
    a_catalog(an_account(team, name="Payments prod", check_details=found))
    return a_user("m.silva", team=team)


@pytest.fixture
def draft(author):
    return a_draft(by=author, account=author.memberships.get().team.accounts.get())


@pytest.fixture
def editing(live_server, page_at, author, draft):
    """The draft's form, opened by its author; options as for a browser context."""

    def at(**options):
        page = page_at(live_server, **options)
        address = f"/cases/{draft.reference}/edit/"
        page.goto(f"/accounts/login/?next={address}")
        page.get_by_label("Username").fill("m.silva")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: url.endswith(address))
        return page

    return at


def names(page):
    return page.locator(".file-list .file-name").all_inner_texts()


def names_of(draft):
    return [file.name for file in files.of_draft(Case.objects.get(pk=draft.pk))]


def test_chosen_files_go_at_once_and_can_be_taken_out(editing, draft, console):
    page = editing()

    page.locator("#id_files").set_input_files([LOG, MORE, EMPTY])
    expect(page.locator(".file-list [data-remove-file]")).to_have_count(2)
    expect(page.get_by_role("alert")).to_contain_text("“empty.log” was not taken: it is empty.")
    assert page.locator("#id_files").evaluate("input => input.files.length") == 0
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_role("button", name=f"Remove {MORE['name']}").click()
    page.get_by_role("button", name="Save draft").click()

    expect(page.get_by_text("Draft saved.")).to_be_visible()
    assert (names(page), names_of(draft)) == ([LOG["name"]], [LOG["name"]])
    _forget_refusals(console)


# Writes down each change of the line of a file that is on its way: how far its bar is, and its words.
WATCH = """() => {
  window.told = [];
  const note = () => {
    const line = document.querySelector(".file-list .file-told");
    if (line && line.querySelector("progress"))
      window.told.push([line.querySelector("progress").value, line.firstChild.textContent]);
  };
  const list = document.querySelector(".file-list");
  new MutationObserver(note).observe(list, { subtree: true, childList: true, attributes: true, characterData: true });
}"""


@pytest.fixture
def stored(monkeypatch):
    """Files that came in are stored once this is set, not before."""
    let_go, take_one = threading.Event(), files.take_one

    def take_when_let(*args, **kwargs):
        assert let_go.wait(60)
        return take_one(*args, **kwargs)

    monkeypatch.setattr(files, "take_one", take_when_let)
    yield let_go
    let_go.set()


def test_file_on_its_way_tells_how_far_it_is_until_it_is_stored(editing, draft, stored):
    page = editing()
    page.evaluate(WATCH)
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1_000_000}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", line)

    page.locator("#id_files").set_input_files([LOG | {"name": "heap.hprof", "buffer": b"x" * 3 * 1024 * 1024}])
    expect(page.locator(".file-told")).to_have_text("being stored")
    told = page.evaluate("told")
    stored.set()

    expect(page.locator(".file-list [data-remove-file]")).to_have_count(1)
    expect(page.locator(".file-list progress")).to_have_count(0)
    expect(page.locator("[data-files-said]")).to_have_text("heap.hprof added")
    assert names_of(draft) == []  # until the draft is saved, which holds it
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    assert names_of(draft) == ["heap.hprof"]
    values, words = [value for value, _words in told], [text for _value, text in told]
    under_way = {value for value in values if 0 < value < 1}
    assert len(under_way) > 1
    assert values == sorted(values)
    assert (values[0], words[0]) == (0, "waiting")
    assert (values[-1], words[-1]) == (1, "being stored")
    assert {text.partition(" MB of ")[2] for text in words[1:-1] if "of" in text} == {"3.0 MB"}


def test_secret_in_a_chosen_file_brings_its_tick_at_once_and_takes_it_away(editing, draft):
    page = editing()
    tick = page.get_by_label("Send it all the same")

    page.locator("#id_files").set_input_files([LEAKING])
    expect(tick).to_be_visible()
    page.get_by_role("button", name=f"Remove {LEAKING['name']}").click()

    expect(tick).to_have_count(0)


def _forget_refusals(console):
    """A browser notes each refused request; that is what this test provokes."""
    console[:] = [said for said in console if "422" not in said]


def test_upload_can_be_cancelled_and_a_submit_waits_for_the_rest(editing, draft):
    page = editing()
    held = []
    page.route("**/cases/files/", lambda route: held.append(route))

    page.locator("#id_files").set_input_files([LOG, MORE])
    expect(page.locator(".file-list progress")).to_have_count(2)
    page.get_by_role("button", name=f"Cancel {MORE['name']}").click()
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Files are still on their way.")).to_be_visible()
    held[0].continue_()

    expect(page.get_by_text("Draft saved.")).to_be_visible()
    assert names_of(draft) == [LOG["name"]]


def test_file_is_dropped_on_the_form(editing, draft):
    page = editing()
    transfer = page.evaluate_handle(
        "() => { const data = new DataTransfer(); data.items.add(new File(['x'], 'dropped.txt')); return data; }"
    )

    page.dispatch_event("[data-files]", "drop", {"dataTransfer": transfer})

    expect(page.locator(".file-list [data-remove-file]")).to_have_count(1)
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    assert names_of(draft) == ["dropped.txt"]


def test_too_large_file_is_refused_before_its_bytes_leave(editing, draft, console, tmp_path):
    page = editing()
    large = tmp_path / "heap.bin"
    with large.open("wb") as file:
        file.truncate(157_286_401)
    sizes = []
    page.on("request", lambda request: sizes.append(len(request.post_data_buffer or b"")))

    page.locator("#id_files").set_input_files(large)

    expect(page.get_by_role("alert")).to_contain_text(
        "(157,286,401 bytes), 150\xa0MB (157,286,400 bytes) are the most."
    )
    assert max(sizes) < 10_000
    _forget_refusals(console)


def test_files_work_without_a_script(editing, draft):
    page = editing(java_script_enabled=False)

    page.locator("#id_files").set_input_files([LOG, MORE])
    page.get_by_role("button", name="Save draft").click()
    assert names(page) == [LOG["name"], MORE["name"]]
    page.get_by_role("button", name=f"Remove {MORE['name']}").click()
    page.get_by_role("button", name="Save draft").click()

    assert (names(page), names_of(draft)) == ([LOG["name"]], [LOG["name"]])


def test_file_comes_down_from_the_case_page(editing, draft):
    a_file(draft, LOG["name"], LOG["buffer"])
    page = editing()
    page.goto(f"/cases/{draft.reference}/")

    with page.expect_download() as coming:
        page.get_by_role("link", name=LOG["name"]).click()

    assert coming.value.suggested_filename == LOG["name"]
    assert coming.value.path().read_bytes() == LOG["buffer"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_with_files_are_accessible(editing, draft, scheme, width, console):
    a_file(draft, LOG["name"], LOG["buffer"])
    a_file(draft, "a-very-long-name-" * 12 + ".txt", b"long")
    page = editing(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.route(
        "**/cases/files/",
        lambda route: None if b"heap" in (route.request.post_data_buffer or b"") else route.continue_(),
    )
    page.locator("#id_files").set_input_files([EMPTY, LOG | {"name": "heap-dump.hprof.gz", "buffer": b"x" * 3_000_000}])
    expect(page.get_by_role("alert")).to_be_visible()

    for address in ("", f"/cases/{draft.reference}/"):
        if address:
            page.goto(address)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if folder := os.environ.get("FILES_PICTURES"):
            page.screenshot(path=f"{folder}/{'case' if address else 'form'}-{scheme}-{width}.png", full_page=True)
    _forget_refusals(console)
