"""The reviewer's desk in a real browser: keys, copying, accessibility, and the way of an adopted case."""

import pytest
from playwright.sync_api import expect

from casesite import clock
from casesite.cases.models import Case
from casesite.lookups.models import Lookup, LookupState
from casesite.submissions.states import State
from casesite.teams.models import ReviewPolicy, Role
from tests.axe import assert_accessible
from tests.factories import PASSWORD, a_draft, a_file, a_submission, a_team, a_user, an_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
READ = 1000  # milliseconds after which the key that approves is heard
LIST = "/admin/submissions/submission/"
QUEUE = f"{LIST}?state__exact=pending_review"
ODD = "can\u200b't place\ttasks  \nSee \u202egpj.exe"


@pytest.fixture
def account(bells):
    return an_account(a_team("Payments"), name="Payments prod", review_policy=ReviewPolicy.AFTER_URGENT)


@pytest.fixture
def lead(account):
    return a_user("l.berg", team=account.teams.get(), role=Role.LEAD)


@pytest.fixture
def submitted(account, lead):
    author = a_user("m.silva", team=account.teams.get())
    return lambda state=State.PENDING_REVIEW, **draft: a_submission(
        state, case=a_draft(by=author, account=account, **draft), reviewer=lead
    )


@pytest.fixture
def signed_in(live_server, page_at, lead):
    """A page in which the lead is signed in; options as for a browser context."""

    def at(address, **options):
        page = page_at(live_server, **options)
        page.goto(f"/accounts/login/?next={address}")
        page.get_by_label("Username").fill("l.berg")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: url.endswith(address))
        return page

    return at


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_accessible(scheme, width, submitted, signed_in):
    submitted(subject="A long subject " + "that-does-not-break" * 6)
    submitted(severity_code="critical")
    stuck, unknown = submitted(State.NEEDS_ATTENTION), submitted(State.UNKNOWN)
    returned = Case.objects.get(pk=submitted(State.RETURNED).case_id)
    returned.support.communication_body = ODD + "x" * 400
    returned.support.save()
    a_file(returned, "events-" + "long-" * 40 + "name.json", b'{"events": [\n  "' + b"x" * 300 + b'"]}')
    a_file(returned, "heap.bin", b"\0\1")
    second = a_submission(case=returned)
    page = signed_in("/admin/", color_scheme=scheme, viewport={"width": width, "height": 900})

    for address in (
        "/admin/",
        QUEUE,
        LIST,
        f"{LIST}?review_after__exact=1",
        f"{QUEUE}&q=nothing",
        f"{LIST}{second.pk}/change/",
        f"{LIST}{stuck.pk}/change/",
        f"{LIST}{stuck.pk}/attention/",
        f"{LIST}{unknown.pk}/attention/",
    ):
        page.goto(address)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_keys_go_through_the_queue_and_on_from_page_to_page(submitted, signed_in):
    for subject in ("First", "Second", "Third"):
        submitted(subject=subject)
    page = signed_in(QUEUE)

    for key, subject in (("j", "First"), ("j", "Second"), ("k", "First"), ("j", "Second")):
        page.keyboard.press(key)
        expect(page.get_by_role("link", name=subject)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Second", level=1)).to_be_visible()
    page.wait_for_load_state()  # keys are heard once the script is there
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="Third", level=1)).to_be_visible()
    page.wait_for_load_state()  # keys are heard once the script is there
    page.keyboard.press("k")
    expect(page.get_by_role("heading", name="Second", level=1)).to_be_visible()


def test_key_approves_and_the_next_one_opens_then_the_rest_is_ticked_in_the_queue(submitted, signed_in):
    rows = [submitted(subject=subject) for subject in ("First", "Second", "Third", "Fourth")]
    page = signed_in(f"{LIST}{rows[0].pk}/change/")

    page.wait_for_timeout(READ)
    page.add_init_script("performance.now = () => 0")  # a second stroke comes at once, however slow the machine is
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Second", level=1)).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("a")  # the second stroke of a double one: nobody has read this page
    expect(page.get_by_role("status").first).to_contain_text("Approved: “First”")
    page.get_by_label("Reason").press_sequentially("a")
    page.get_by_label("Reason").fill("")
    page.get_by_role("heading", name="Second", level=1).click()
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="Third", level=1)).to_be_visible()
    page.goto(QUEUE)
    for key in "jajaja":
        page.keyboard.press(key)
    expect(page.get_by_role("checkbox", name="Approve “Second”")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Open “Fourth” first")).to_be_disabled()
    page.get_by_role("button", name="Approve the ticked ones").click()

    expect(page.get_by_role("status").first).to_contain_text("Approved 2: “Second”, “Third”.")
    for row in rows:
        row.refresh_from_db()
    assert [row.state for row in rows] == [State.QUEUED] * 3 + [State.PENDING_REVIEW]


def test_keys_are_letters_while_somebody_types(submitted, signed_in):
    submitted()
    waiting = submitted(subject="The one that is read")
    page = signed_in(f"{LIST}{waiting.pk}/change/")

    page.get_by_label("Reason").press_sequentially("jk")
    page.wait_for_timeout(READ)
    page.get_by_text("Comment on Subject").click()
    expect(page.get_by_label("Comment on “Subject”")).to_be_focused()
    page.keyboard.type("a")
    page.get_by_text("Comment on Subject").focus()
    page.keyboard.type("a")

    expect(page.get_by_label("Reason")).to_have_value("jk")
    expect(page.get_by_label("Comment on “Subject”")).to_have_value("a")
    expect(page.get_by_role("heading", name="The one that is read", level=1)).to_be_visible()


def test_what_is_copied_from_the_page_is_the_text_itself(submitted, signed_in):
    waiting = submitted(communication_body=ODD)
    page = signed_in(f"{LIST}{waiting.pk}/change/")

    copied = page.locator("[data-parameter=communicationBody] pre").evaluate(
        "pre => { getSelection().selectAllChildren(pre); return getSelection().toString(); }"
    )

    assert copied == waiting.payload["communicationBody"]


def test_stopping_without_a_reason_leads_into_the_field(submitted, signed_in):
    waiting = submitted()
    page = signed_in(f"{LIST}{waiting.pk}/change/")

    page.get_by_role("button", name="Return to m.silva").click()
    page.get_by_role("link", name="Say why").click()
    page.get_by_label("Reason").fill("Which region?")
    page.get_by_role("button", name="Return to m.silva").click()

    expect(page.get_by_role("status")).to_contain_text("Returned to m.silva")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason_text) == (State.RETURNED, "Which region?")


def test_reason_typed_is_not_left_unasked(submitted, signed_in):
    waiting = submitted()
    page = signed_in(f"{LIST}{waiting.pk}/change/")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))

    page.get_by_label("Reason").press_sequentially("Half a reason")
    page.get_by_role("link", name="Desk").click()
    page.wait_for_url("**/")

    assert asked == ["beforeunload"]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_lead_adopts_a_case_that_a_worker_reads(scripts, submitted, signed_in):
    stuck = submitted(State.NEEDS_ATTENTION)
    page = signed_in(f"{LIST}{stuck.pk}/attention/", java_script_enabled=scripts)

    page.get_by_label("AWS case id or display id").fill("170123456700123")
    page.get_by_role("button", name="Look it up at AWS").click()
    expect(page.get_by_text("Asking AWS…")).to_be_visible()
    _worker_answers(stuck)
    if not scripts:
        page.reload()
    expect(page.get_by_text("It carries our reference line: this is what we sent.")).to_be_visible()
    form = page.locator("form", has=page.get_by_role("button", name="Adopt this case"))
    form.get_by_label("Reason").fill("Seen in the console.")
    form.get_by_role("button", name="Adopt this case").click()

    expect(page.get_by_role("status").first).to_contain_text("Adopted: the case is open at AWS as 170123456700123.")
    expect(page.locator("main")).to_have_attribute("data-aws-case-id", "case-1")


def _worker_answers(submission):
    now = clock.now()
    answer = {
        "found": True,
        "case_id": "case-1",
        "display_id": "170123456700123",
        "subject": submission.payload["subject"],
        "status": "opened",
        "created_at": now.isoformat(),
        "submitted_by": "",
        "last_line": f"Ref: {submission.marker}",
    }
    expires = now.replace(year=now.year + 1)
    asked = Lookup.objects.filter(state=LookupState.OPEN)
    assert asked.update(state=LookupState.ANSWERED, answer=answer, answered_at=now, expires_at=expires) == 1
