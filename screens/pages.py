"""Which pages there are, who looks at them, and what they do before the picture is taken."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page as Tab

from screens import connect, states
from screens.opening import go
from screens.shapes import ALL, FEW, STRONG, Shape
from screens.stage import NEWCOMER, Stage

Opening = Callable[[Tab, Stage], None]
RETURNED, SECOND = "ECS service stuck at 0 of 6 tasks in eu-west-1", "S3 batch job fails with 503 SlowDown"
ANSWERED, RESOLVED = "Invoice shows two support charges", "NAT gateway drops packets above 40 Gbit/s"
CHECKED, TAKEN_OVER = (
    "Direct Connect in Frankfurt flaps every ten minutes",
    "GPU instances stay in pending in us-east-1",
)
QUEUED, REFUSED = (
    "CloudFront serves an old certificate in two locations",
    "Lambda function times out only when it is cold",
)
SENT_FIRST, DRAFT = "RDS failover took 11 minutes", "Route 53 health checks flap"
REJECTED, CANCELLED = "Please add a route to 10.20.0.0/16", "Load balancer closes idle connections early"
WITHDRAWN = "Which DynamoDB table class for receipts"
QUEUE = "/admin/submissions/submission/"


@dataclass(frozen=True)
class Page:
    """`open` brings a tab, whose person is signed in, to the page in the state that is pictured."""

    name: str
    title: str
    who: str
    open: Opening
    shapes: tuple[Shape, ...] = FEW


# --- ways to a page ------------------------------------------------------------------------------------------------------
def at(address: str) -> Opening:
    return lambda tab, stage: go(tab, address)


def case(subject: str) -> Opening:
    return lambda tab, stage: go(tab, f"/cases/{stage.case(subject)['reference']}/")


def draft(subject: str) -> Opening:
    return lambda tab, stage: go(tab, f"/cases/{stage.case(subject)['reference']}/edit/")


def submission(subject: str, page: str = "change") -> Opening:
    def opening(tab: Tab, stage: Stage) -> None:
        go(tab, f"{QUEUE}{stage.case(subject)['submission']}/{page}/")
        tab.get_by_text("Asking AWS").wait_for(state="hidden")

    return opening


def account(name: str, address: str = "/accounts/{}/") -> Opening:
    return lambda tab, stage: go(tab, address.format(stage.account(name)))


# --- what people do there ------------------------------------------------------------------------------------------------
def _write_a_case(tab: Tab, stage: Stage) -> None:
    go(tab, "/cases/new/support/")
    tab.get_by_label("Account", exact=True).select_option(label="Payments prod (1111 1111 1111)")
    tab.wait_for_load_state("networkidle")
    tab.get_by_placeholder("Search by name or code").fill("PostgreSQL")
    tab.locator(".ts-dropdown .option", has_text="(PostgreSQL)").click()
    tab.wait_for_load_state("networkidle")
    tab.get_by_label("Category").select_option(index=1)
    tab.get_by_role("radio", name=re.compile("^Production system impaired")).check()
    tab.get_by_label("Subject").fill("Replica of settlements-2 lags by 40 minutes")
    tab.get_by_label("Description").fill(
        "Since 07:20 UTC the read replica settlements-2-ro in eu-west-1 lags by about 40 minutes.\n\n"
        "Reports for merchants are late. Tried: a restart of the replica; the lag came back within minutes."
    )
    tab.get_by_label("Copy to").fill("settlement@example.com, oncall@example.com")
    tab.get_by_label("Subject").focus()
    tab.wait_for_timeout(1500)  # the description is sent a second after the last key
    tab.wait_for_load_state("networkidle")
    tab.evaluate("document.activeElement.blur()")


def _write_with_remarks(tab: Tab, stage: Stage) -> None:
    _write_a_case(tab, stage)
    tab.get_by_label("Subject").fill("Production is down, please increase our limit")
    tab.get_by_role("radio", name=re.compile("^General guidance")).check()
    tab.get_by_label("Description").fill(
        "Production is down for all customers. Please raise the quota of EC2 instances to 200.\n"
        "We connect with postgres://app:9fK2-tulip-Harbor@db.example.com/pay"
    )
    tab.get_by_label("Subject").focus()
    tab.wait_for_timeout(1500)
    tab.wait_for_load_state("networkidle")
    tab.evaluate("document.activeElement.blur()")


def _submit_with_mistakes(tab: Tab, stage: Stage) -> None:
    go(tab, "/cases/new/support/")
    tab.get_by_label("Description").fill("It does not work.")
    tab.get_by_label("Copy to").fill("nobody, nowhere")
    tab.get_by_role("button", name="Submit for review").click()
    tab.wait_for_load_state("networkidle")


def _return_without_a_reason(tab: Tab, stage: Stage) -> None:
    submission(SECOND)(tab, stage)
    tab.get_by_role("button", name="Return to").click()
    tab.wait_for_load_state("networkidle")


def _template(tab: Tab, stage: Stage) -> None:
    account("Payments prod")(tab, stage)
    tab.get_by_role("link", name=connect.TEMPLATE).click()
    tab.wait_for_load_state("networkidle")


def _try_the_template(tab: Tab, stage: Stage) -> None:
    _template(tab, stage)
    tab.get_by_role("link", name="Try it").click()
    tab.wait_for_load_state("networkidle")


def _text(tab: Tab, stage: Stage) -> None:
    go(tab, "/admin/teams/cannedtext/")
    tab.get_by_role("link", name="Database failover").click()
    tab.wait_for_load_state("networkidle")


def _sign_in_wrongly(tab: Tab, stage: Stage) -> None:
    go(tab, "/accounts/login/")
    tab.get_by_label("Username").fill("agent")
    tab.get_by_label("Password").fill("guessed")
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_load_state("networkidle")


def _break(tab: Tab, stage: Stage) -> None:
    tab.route("**/broken/", lambda route: route.fulfill(status=500, content_type="text/html", body=stage.broken))
    tab.goto("/broken/")


def _unfold_an_attempt(tab: Tab, stage: Stage) -> None:
    case(SENT_FIRST)(tab, stage)
    for summary in tab.locator("main details > summary").all():
        summary.click()


def _simulator(tab: Tab, stage: Stage) -> None:
    go(tab, f"{stage.site.sandbox_url}/_sandbox/")


def _open_the_menu(tab: Tab, stage: Stage) -> None:
    go(tab, "/")
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.locator(".narrow summary").click()


PAGES = (
    Page("desk", "Desk", "agent", at("/"), STRONG),
    Page("desk-empty", "Desk of somebody who has just arrived", NEWCOMER[0], at("/")),
    Page("desk-lead", "Desk of a lead, with a case that needs a person", "lead", at("/")),
    Page("menu", "The folded menu", "lead", _open_the_menu, (Shape(390), Shape(390, "dark"))),
    Page("case-draft", "Case: draft", "agent", case(DRAFT)),
    Page("case-waiting", "Case: waiting for review", "agent", case(SECOND)),
    Page("case-returned", "Case: returned", "agent", case(RETURNED)),
    Page("case-queued", "Case: approved, waiting for its turn", "agent", case(QUEUED)),
    Page("case-checked", "Case: AWS's answer was lost", "agent", case(CHECKED), STRONG),
    Page("case-person", "Case: needs a person", "agent2", case(TAKEN_OVER)),
    Page("case-answered", "Case: open, answered by AWS", "agent", case(ANSWERED)),
    Page("case-resolved", "Case: resolved", "agent2", case(RESOLVED)),
    Page("case-sent-first", "Case: sent before review, all details unfolded", "agent2", _unfold_an_attempt),
    Page("case-refused", "Case: refused by AWS", "agent", case(REFUSED)),
    Page("case-rejected", "Case: rejected", "agent2", case(REJECTED)),
    Page("case-withdrawn", "Case: withdrawn", "agent", case(WITHDRAWN)),
    Page("case-cancelled", "Case: cancelled", "agent2", case(CANCELLED)),
    Page("cases", "Cases", "reviewer", at("/cases/"), ALL),
    Page("cases-filtered", "Cases, filtered", "reviewer", at("/cases/?state=open&q=invoice")),
    Page("cases-none", "Cases, none found", "reviewer", at("/cases/?q=nothing+like+this")),
    Page("cases-empty", "Cases, none yet", NEWCOMER[0], at("/cases/")),
    Page("queue", "What goes out when", "lead", at("/queue/"), ALL),
    Page("review-queue", "Review queue", "reviewer", at(f"{QUEUE}?state__exact=pending_review"), ALL),
    Page("review", "Review, second revision", "reviewer", submission(SECOND), STRONG),
    Page("review-mistake", "Review, returned without a reason", "reviewer", _return_without_a_reason),
    Page("review-afterwards", "Review of what went out before", "reviewer", submission(SENT_FIRST)),
    Page("attention-queue", "What needs a person", "lead", at(f"{QUEUE}?state__exact=needs_attention")),
    Page("attention", "A case that needs a person", "lead", submission(TAKEN_OVER, "attention")),
    Page("accounts", "Accounts", "agent", at("/accounts/")),
    Page("account", "An account", "agent", account("Payments prod")),
    Page("account-blocked", "An account that can't send", "agent", account("Data lake")),
    Page(
        "account-form", "An account's settings", "lead", account("Core network", "/admin/teams/awsaccount/{}/change/")
    ),
    Page("administration", "Administration", "admin", at("/admin/")),
    Page("delivery", "Delivery, as those who run the site see it", "admin", at("/admin/delivery/")),
    Page("people", "People", "admin", at("/admin/auth/user/")),
    Page("settings", "Settings", "agent", at("/accounts/settings/"), ALL),
    Page("password", "Change of password", "agent", at("/accounts/password/")),
    Page("sign-in", "Sign-in", "", at("/accounts/login/"), ALL),
    Page("sign-in-wrong", "Sign-in, mistyped", "", _sign_in_wrongly),
    Page("forbidden", "403", "agent", at("/admin/")),
    Page("missing", "404", "agent", at("/cases/CS-AAAA-AAAA/")),
    Page("broken", "500", "", _break),
    Page("simulator", "The simulator's page", "", _simulator, (Shape(1280), Shape(390))),
    # Last, because a form saves what is written in it as a draft, and lists would show that.
    Page("new-empty", "New Support case", "agent", at("/cases/new/support/"), ALL),
    Page("new-filled", "New Support case, filled in", "agent", _write_a_case),
    Page("new-remarks", "New Support case with remarks", "agent", _write_with_remarks),
    Page("new-errors", "New Support case with errors", "agent", _submit_with_mistakes, STRONG),
    Page("edit-returned", "A returned case, to be changed", "agent", draft(RETURNED)),
    Page("edit-refused", "A case that AWS refused, to be changed", "agent", draft(REFUSED)),
    Page("new-files", "New Support case, files on their way", "agent", states.files_on_their_way),
    Page("new-text", "New Support case with a text of the team", "agent", states.text_of_the_team),
    Page("new-alike", "New Support case that is like others", "agent", states.alike),
    Page("new-asking", "New Support case, AWS is being asked", "agent", states.asking),
    Page("new-asked", "New Support case, AWS would accept it", "agent", states.asked),
    Page("new-long", "New Support case, long and in three scripts", "agent", states.long),
    Page("edit-changed", "A draft that another tab changed", "agent", states.changed_elsewhere),
    Page("edit-commented", "A case with a reviewer's comment at a field", "agent", states.commented),
    Page("case-files", "Case with files: waiting for review", "agent", states.with_files),
    Page("review-files", "Review of files, while somebody else looks", "reviewer", states.looked_at_by_two),
    Page("review-second", "Review by the second of two", "reviewer", states.first_of_two_has_approved),
    Page("desk-discarded", "Desk with a draft that can be brought back", "agent", states.discarded),
    Page("queue-held", "A case that is held back", "lead", states.held),
    Page("connect-choose", "New Connect case: the choice of a template", "agent", at("/cases/new/connect/")),
    Page("connect-empty", "New Connect case", connect.WHO, connect.empty),
    Page("connect-filled", "New Connect case, filled in as its rules lead", connect.WHO, connect.filled, ALL),
    Page("connect-errors", "New Connect case with errors", connect.WHO, connect.with_mistakes),
    Page("case-connect", "Case for Amazon Connect: waiting for review", connect.WHO, connect.submitted),
    Page("review-connect", "Review of a Connect case", "reviewer", connect.under_review),
    Page("template", "A template, as leads see it", "lead", _template),
    Page("template-try", "A template, tried out", "lead", _try_the_template),
    Page("text-form", "A text of a team", "lead", _text),
)
