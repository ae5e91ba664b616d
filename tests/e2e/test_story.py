"""The story the site is for, with real processes: a form becomes a case at AWS, whatever happens on the way."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from redis import Redis

from tests.e2e.http import Page as PageRead
from tests.e2e.office import Case, Office, quiet
from tests.sites import Site, wait_until

pytestmark = pytest.mark.processes

GOES_OUT = re.compile(r'Goes out about\s*<time datetime="([^"]+)"')
SUBJECT = "EC2 instances in eu-west-1a lose packets"


# --- as people see it ----------------------------------------------------------------------------------------------------
@pytest.mark.browser
def test_case_goes_from_the_form_through_review_to_aws(site, page_at):
    agent, reviewer = page_at(site), page_at(site)

    sign_in(agent, site, "agent")
    write_a_case(agent)
    expect(agent.locator("main")).to_have_attribute("data-state", "pending_review")

    sign_in(reviewer, site, "reviewer")
    approve(reviewer)
    expect(reviewer.locator("#messages")).to_contain_text("Approved")

    # The author's page finds out by itself.
    expect(agent.locator("main")).to_have_attribute("data-state", "delivered", timeout=30_000)
    cases = [case for case in site.sandbox.cases() if case.subject == SUBJECT]
    assert [case.case_id for case in cases] == [agent.locator("main").get_attribute("data-aws-case-id")]
    expect(agent.locator("main")).to_contain_text(cases[0].display_id)
    sent = [each for each in site.sandbox.requests("support.CreateCase") if each["case_id"] == cases[0].case_id]
    assert [(each["outcome"], each["sdk_attempt"]) for each in sent] == [("ok", 1)]


def sign_in(page: Page, site: Site, name: str) -> None:
    passwords = dict(line.split(", ")[:2] for line in site.sign_ins)
    page.goto("/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(passwords[name])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}/")


def write_a_case(page: Page) -> None:
    page.get_by_role("link", name="New case").click()
    page.get_by_label("Account").select_option(label="Payments prod (1111 1111 1111)")
    page.get_by_placeholder("Search by name or code").fill("EC2 - Linux")  # while the account's own services arrive
    page.locator("#id_service_code-ts-dropdown").get_by_role("option", name=re.compile("EC2 - Linux")).click()
    category = page.get_by_label("Category")
    expect(category.get_by_role("option", name="Instance Issue")).to_be_attached()
    category.select_option(label="Instance Issue")
    page.get_by_role("radio", name=re.compile("^System impaired")).check()
    page.get_by_label("Subject").fill(SUBJECT)
    page.get_by_label("Description").fill("Since 09:10 UTC about 2 % of packets are lost.\nTried: stop and start.")
    page.get_by_role("button", name="Submit for review").click()
    page.wait_for_url(re.compile("/cases/CS-"))


def approve(page: Page) -> None:
    page.get_by_role("link", name="Review").click()
    page.get_by_role("link", name=SUBJECT).click()
    expect(page.locator("main")).to_contain_text("Tried: stop and start.")
    page.get_by_role("button", name="Approve").click()


# --- what happens on the way ---------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def full_hours(parts_office: Office) -> dict[str, tuple[Case, Case, PageRead]]:
    """Two cases each in an account whose hour has room for one, by our limit or by AWS's; and what the page of the
    second told while it waited.

    Begun before anything else here: an hour takes a minute.
    """
    ours = parts_office.account(cases_per_hour=1, reserve=0)
    theirs = parts_office.account()
    parts_office.site.sandbox.account(theirs.account_id, cases_per_hour=1)
    pairs = {
        name: (account.submit("The first"), account.submit("The second"))
        for name, account in (("ours", ours), ("aws", theirs))
    }
    waiting = {}
    for name, (first, second) in pairs.items():
        first.approve()
        first.wait_for("delivered")
        second.approve()
        reason = {"ours": "", "aws": "quota"}[name]  # AWS has to refuse first
        told = wait_until(lambda case=second, why=reason: waits_for_the_hour(case, why), what=f"the wait of {name}")
        waiting[name] = (first, second, told)
    return waiting


def waits_for_the_hour(case: Case, reason: str) -> PageRead | None:
    """The case's page once it says when the case goes out."""
    page = case.page
    waits = page.main["data-state"] == "queued" and page.main["data-reason"] == reason
    return page if waits and GOES_OUT.search(page.text) else None


@pytest.fixture
def office(parts_office: Office, full_hours: object) -> Office:
    return parts_office


def test_lost_answer_is_looked_up(office):
    account = office.account()
    office.site.sandbox.account(account.account_id, visible_after=100)  # scaled, a little under two seconds
    account.wire.lose_answer()
    case = account.submit()

    case.approve()

    case.wait_for("unknown")
    assert "Checking with AWS" in case.page.text
    case.wait_for("delivered")
    case.assert_delivered_once()
    assert case.attempts == [("done", "ConnectionClosedError")]


def test_worker_killed_during_the_call_is_made_up_for(office):
    account = office.account()
    account.wire.fault("slow", when="after", seconds=3)
    case = account.submit()
    case.approve()
    wait_until(lambda: account.requests_at_aws, what="the request's arrival")

    office.site.kill_part("worker")
    office.site.start_part("worker")

    case.wait_for("delivered")
    case.assert_delivered_once()
    assert case.attempts == [("done", "WorkerLost")]


def test_approval_without_a_broker_is_sent_by_the_dispatcher_and_the_worker_comes_back(office):
    account, later = office.accounts(2)
    case = account.submit()
    office.site.stop_part("broker")

    case.approve()
    case.wait_for("delivered")
    office.site.start_part("broker")

    case.assert_delivered_once()
    assert sender_of(case) == "dispatcher"
    wait_until(lambda: worker_listens(office.site), what="the worker's return to the broker")
    after = later.submit()
    after.approve()
    after.wait_for("delivered")
    after.assert_delivered_once()


def test_broker_that_forgets_everything_before_the_worker_hears_loses_nothing(office):
    account = office.account()
    case = account.submit()
    office.site.stop_part("worker")
    case.approve()

    office.site.stop_part("broker")
    office.site.start_part("broker")
    office.site.start_part("worker")

    case.wait_for("delivered")
    case.assert_delivered_once()


def worker_listens(site: Site) -> bool:
    """Whether somebody waits at the broker for bells."""
    with Redis.from_url(site.broker_url) as client:
        return any(each["cmd"] == "brpop" for each in client.client_list())


def sender_of(case: Case) -> str:
    """The part whose process made the case's newest attempt."""
    pid = int(case.attempt_rows[-1]["worker"].split(":")[1])
    return next((role for role, running in case.office.site.pids.items() if running == pid), "gone")


# --- the hour ------------------------------------------------------------------------------------------------------------
def test_full_hour_by_our_count_is_told_and_the_case_goes_out_when_it_frees_up(full_hours):
    first, second, told = full_hours["ours"]
    account = second.account

    assert "1 of 1 used this hour" in told.text
    promised = datetime.fromisoformat(GOES_OUT.search(told.text)[1])
    second.wait_for("delivered", seconds=90)

    assert second.attempts == [("done", "")]
    assert len(account.cases_at_aws) == len(account.requests_at_aws) == 2
    assert timedelta(0) <= started_at(second) - promised < timedelta(seconds=10)
    assert started_at(second) - started_at(first) >= timedelta(seconds=60)


def test_full_hour_by_awss_count_is_told_and_the_case_goes_out_when_it_frees_up(full_hours):
    _first, second, told = full_hours["aws"]
    account = second.account

    assert told.main["data-reason"] == "quota"
    assert "The case creation limit for the account has been exceeded." in told.text
    second.wait_for("delivered", seconds=90)

    *refused, done = second.attempt_rows
    assert done["outcome"] == "done"
    assert {(row["outcome"], row["aws_code"]) for row in refused} == {("refused_retry", "CaseCreationLimitExceeded")}
    assert len(account.cases_at_aws) == 2
    assert len(account.requests_at_aws) == 2 + len(refused)
    assert len(refused) < 8


def started_at(case: Case) -> datetime:
    return datetime.fromisoformat(case.attempt_rows[-1]["started_at"]).replace(tzinfo=UTC)


def test_invariants_hold_after_all_stories(office):
    wait_until(lambda: quiet(office.site), what="calm")

    said = office.site.manage("verify_invariants").stdout

    assert said.startswith("all hold: I1,")
