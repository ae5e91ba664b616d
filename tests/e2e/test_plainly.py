"""The way of a case from the form to the queue for people without scripts, and for those without a mouse."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from casesite import clock
from casesite.cases.models import Case
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.factories import PASSWORD, a_catalog, a_draft, a_submission, a_team, a_user, an_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
READ = 1000  # milliseconds after which the key that approves is heard
SUBJECT = "Instances lose packets"


@pytest.fixture
def account(bells):
    account = an_account(a_team("Payments"), name="Payments prod")
    a_catalog(account)
    return account


@pytest.fixture
def author(account):
    return a_user("m.silva", team=account.teams.get())


@pytest.fixture
def reviewer(account):
    return a_user("l.berg", team=account.teams.get(), role=Role.REVIEWER)


def reviews(page):
    """The way to the cases that wait for a review."""
    return page.get_by_role("navigation", name="Main").get_by_role("link", name="Review")


def button_of_row(page, words):
    return page.get_by_role("button", name=re.compile(f"^{words} ?: {SUBJECT}$"))


@pytest.mark.usefixtures("author", "reviewer")
def test_case_is_written_returned_changed_approved_held_and_cancelled_without_scripts(page_of):
    author = page_of("m.silva", "/", java_script_enabled=False)
    reviewer = page_of("l.berg", "/", java_script_enabled=False)

    author.get_by_role("link", name="New case").click()
    author.get_by_label("Service").select_option(label="Elastic Compute Cloud (EC2 - Linux)")
    author.get_by_role("button", name="Show what applies").click()
    author.get_by_label("Category").select_option(label="Instance Issue")
    author.get_by_role("radio", name=re.compile("^System impaired")).check()
    author.get_by_label("Subject").fill("It is slow")
    author.get_by_label("Description").fill("Since 09:10 UTC about 2 % of packets are lost.")
    author.get_by_role("button", name="Submit for review").click()
    expect(author.locator("main")).to_have_attribute("data-state", State.PENDING_REVIEW)
    case = author.url

    reviews(reviewer).click()
    reviewer.get_by_role("link", name="It is slow").click()
    reviewer.get_by_text("Comment on Subject").click()
    reviewer.get_by_label("Comment on “Subject”").fill("What is?")
    reviewer.get_by_label("Reason").fill("Say what is slow.")
    reviewer.get_by_role("button", name="Return to m.silva").click()
    expect(reviewer.get_by_role("status")).to_contain_text("Returned to m.silva")

    author.goto(case)
    author.get_by_role("link", name="Edit", exact=True).click()
    expect(author.get_by_role("status").filter(has_text="Say what is slow.")).to_be_visible()
    expect(author.locator("[data-comment=subject]")).to_contain_text("What is?")
    author.get_by_label("Subject").fill(SUBJECT)
    author.get_by_role("button", name="Submit for review").click()

    reviews(reviewer).click()
    reviewer.get_by_role("link", name=SUBJECT).click()
    reviewer.get_by_role("button", name="Approve").click()
    expect(reviewer.get_by_role("status").first).to_contain_text(f"Approved: “{SUBJECT}”")

    author.get_by_role("link", name="Desk").click()
    author.get_by_role("link", name="Queue: what goes out when").click()
    author.get_by_text(f"Hold back…: {SUBJECT}").click()
    until = timezone.localtime(clock.now() + timedelta(hours=2))
    author.get_by_label("Hold back until").fill(f"{until:%Y-%m-%dT%H:%M}")
    button_of_row(author, "Hold back").click()
    expect(button_of_row(author, "Let it go on")).to_be_visible()
    button_of_row(author, "Cancel").click()
    expect(author.get_by_role("status").first).to_contain_text("Cancelled")

    states = Submission.objects.order_by("revision").values_list("state", "content__subject")
    assert list(states) == [(State.RETURNED, "It is slow"), (State.CANCELLED, SUBJECT)]


class Keyboard:
    """Somebody who has nothing but a keyboard, and starts at the sign-in."""

    def __init__(self, page, username):
        self.page = page
        page.goto("/accounts/login/?next=/")
        self.type_into(page.get_by_label("Username"), username)
        self.type_into(page.get_by_label("Password"), PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: url.endswith("/") and "login" not in url)

    def reach(self, locator):
        """Go on by Tab until it has the focus."""
        expect(locator).to_be_visible()
        for _stop in range(60):
            if locator.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"{locator} can't be reached by Tab")

    def type_into(self, locator, text):
        self.reach(locator)
        self.page.keyboard.type(text)

    def press(self, locator, key="Enter"):
        self.reach(locator)
        self.page.keyboard.press(key)


def test_case_is_written_and_approved_by_keyboard_alone(page_at, live_server, account, author, reviewer):
    a_submission(case=a_draft(by=author, account=account, subject="First"))
    page = page_at(live_server)
    agent = Keyboard(page, "m.silva")

    agent.press(page.get_by_role("link", name="New case"))
    page.wait_for_load_state()
    agent.type_into(page.get_by_placeholder("Search by name or code"), "EC2 - Lin")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Category").get_by_role("option", name="Instance Issue")).to_be_attached()
    agent.press(page.get_by_label("Category"), "ArrowDown")
    agent.press(page.get_by_role("radio", name=re.compile("^General guidance")), "Space")
    agent.type_into(page.get_by_label("Subject"), SUBJECT)
    agent.type_into(page.get_by_label("Description"), "Since 09:10 UTC.")
    agent.press(page.get_by_role("button", name="Submit for review"))
    expect(page.locator("main")).to_have_attribute("data-state", State.PENDING_REVIEW)
    a_submission(case=a_draft(by=author, account=account, subject="Third", severity_code="low"))

    page = page_at(live_server)
    reviewing = Keyboard(page, "l.berg")
    reviewing.press(reviews(page))
    expect(page.get_by_role("link", name="Third")).to_be_visible()
    page.wait_for_load_state()
    for key, subject in (("j", "First"), ("j", SUBJECT), ("j", "Third"), ("k", SUBJECT)):
        page.keyboard.press(key)
        expect(page.get_by_role("link", name=subject)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=SUBJECT, level=1)).to_be_visible()
    page.wait_for_timeout(READ)
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Third", level=1)).to_be_visible()

    written = Submission.objects.get(case=Case.objects.get(subject=SUBJECT))
    assert (written.state, written.content["service_code"]) == (State.QUEUED, "amazon-elastic-compute-cloud-linux")
