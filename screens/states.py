"""States that the demo's cases are not in by themselves: files on their way, drafts that changed elsewhere, a case that two people look at."""

import re

from playwright.sync_api import Page as Tab

from screens.opening import beside, go
from screens.stage import Stage

WITH_FILES = "Payouts of Tuesday are missing in the report"
LONG = (
    "決済レポートが毎朝10時まで届きません · تقارير المدفوعات لا تصل قبل العاشرة صباحًا · 𠮷野家 🦀 "
    + "and a subject without an end " * 4
)
DISCARDED, CHANGED = "Old question about tape gateways", "EFS throughput drops at night"
LIKE = "Does a FIFO queue keep its order after a re-drive?"
LOG = {
    "name": "report-job.log",
    "mimeType": "text/plain",
    "buffer": b"06:01 started\n06:04 402 of 418 payouts written\n" * 40,
}
PICTURE = {"name": "グラフ 06-04.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + b"\0" * 180_000}


# --- writing -------------------------------------------------------------------------------------------------------------
def written(
    tab: Tab,
    subject: str,
    service: str = "PostgreSQL",
    body: str = "Since 06:04 UTC, in eu-west-1.",
    account: str = "Payments prod (1111 1111 1111)",
) -> None:
    """A complete case on the form of a new one."""
    go(tab, "/cases/new/support/")
    tab.get_by_label("Account", exact=True).select_option(label=account)
    tab.wait_for_load_state("networkidle")
    tab.get_by_placeholder("Search by name or code").fill(service)
    tab.locator(".ts-dropdown .option", has_text=service).first.click()
    tab.wait_for_load_state("networkidle")
    tab.get_by_label("Category").select_option(index=1)
    tab.get_by_role("radio", name=re.compile("^System impaired")).check()
    tab.get_by_label("Subject").fill(subject)
    tab.get_by_label("Description").fill(body)
    _settle(tab)


def _settle(tab: Tab) -> None:
    tab.get_by_label("Subject").focus()
    tab.wait_for_timeout(1500)  # the description is sent a second after the last key
    tab.wait_for_load_state("networkidle")
    tab.evaluate("document.activeElement.blur()")


def _press(tab: Tab, name: str) -> None:
    tab.get_by_role("button", name=name).first.click()
    tab.wait_for_load_state("networkidle")


def _submit(tab: Tab) -> None:
    _press(tab, "Submit for review")
    tab.wait_for_url(re.compile("/cases/CS-[^/]*/$"))


def _review_of(stage: Stage, subject: str) -> str:
    return f"/admin/submissions/submission/{stage.case(subject)['submission']}/change/"


def _saved(tab: Tab, stage: Stage, subject: str) -> None:
    if not stage.has_case(subject):
        written(tab, subject)
        _press(tab, "Save draft")


# --- the form ------------------------------------------------------------------------------------------------------------
def files_on_their_way(tab: Tab, stage: Stage) -> None:
    """One is stored, one was refused, the last one is not answered yet."""
    written(tab, WITH_FILES)
    tab.locator("#id_files").set_input_files([LOG, PICTURE | {"name": "empty.txt", "buffer": b""}])
    tab.locator('[data-files] input[name="kept_files"]').first.wait_for(state="attached")
    tab.route("**/cases/files/", lambda route: None)
    tab.locator("#id_files").set_input_files([PICTURE])
    tab.wait_for_timeout(800)
    tab.evaluate("document.activeElement.blur()")


def text_of_the_team(tab: Tab, stage: Stage) -> None:
    written(tab, "", body="")
    tab.get_by_label("Text of the team").select_option(index=1)
    _press(tab, "Insert")


def alike(tab: Tab, stage: Stage) -> None:
    written(tab, LIKE, service="Simple Queue Service")


def asked(tab: Tab, stage: Stage) -> None:
    written(tab, "Would AWS take this?")
    _press(tab, "Ask AWS whether it would accept this")
    tab.get_by_text("AWS would accept this").first.wait_for()


def asking(tab: Tab, stage: Stage) -> None:
    """AWS has not answered yet."""
    tab.route("**/lookups/**", lambda route: None)
    written(tab, "Would AWS take this?")
    tab.get_by_role("button", name="Ask AWS whether it would accept this").click()
    tab.get_by_text("Would AWS accept it?").first.wait_for()


def long(tab: Tab, stage: Stage) -> None:
    written(tab, LONG[:250], body="毎朝10時まで届きません。\nتقارير المدفوعات لا تصل.\n𠮷野家 🦀\n" * 12)


def changed_elsewhere(tab: Tab, stage: Stage) -> None:
    """The older of two tabs, when it is saved."""
    _saved(tab, stage, CHANGED)
    address = f"/cases/{stage.case(CHANGED)['reference']}/edit/"
    go(tab, address)
    newer = tab.context.new_page()
    go(newer, address)
    newer.get_by_label("Description").fill("Since 01:00 UTC, in eu-central-1.")
    _press(newer, "Save draft")
    newer.close()
    tab.get_by_label("Description").fill("Since 01:00 UTC, in eu-west-1.")
    _press(tab, "Save draft")


# --- the case and its review ---------------------------------------------------------------------------------------------
def with_files(tab: Tab, stage: Stage) -> None:
    _with_files(tab, stage)
    go(tab, f"/cases/{stage.case(WITH_FILES)['reference']}/")


def _with_files(tab: Tab, stage: Stage) -> None:
    found = stage.case(WITH_FILES) if stage.has_case(WITH_FILES) else None
    if found and found["submission"]:
        return
    if found:
        go(tab, f"/cases/{found['reference']}/edit/")
    else:
        written(tab, WITH_FILES)
    tab.locator("#id_files").set_input_files([LOG, PICTURE])
    tab.locator('[data-files] input[name="kept_files"]').nth(1).wait_for(state="attached")
    _submit(tab)


def looked_at_by_two(tab: Tab, stage: Stage) -> None:
    """Files in review, while somebody else has the page open."""
    author, other = (beside(tab, stage, name) for name in ("agent", "reviewer2"))
    _with_files(author, stage)
    go(other, _review_of(stage, WITH_FILES))
    go(tab, _review_of(stage, WITH_FILES))
    tab.get_by_text("Asking AWS").wait_for(state="hidden")
    for summary in tab.locator("main .file-row details > summary").all():
        summary.click()
    author.context.close()
    other.context.close()


def first_of_two_has_approved(tab: Tab, stage: Stage) -> None:
    """A lead asks for two people; the second one opens the case."""
    subject = "Vacuum holds up the nightly export"
    if not stage.has_case(subject):
        lead, author, first = (beside(tab, stage, name) for name in ("lead", "agent2", "reviewer2"))
        go(lead, f"/admin/teams/awsaccount/{stage.account('Research lab')}/change/")
        lead.get_by_label("Second approval").select_option("always")
        lead.get_by_role("button", name="Save", exact=True).click()
        lead.wait_for_load_state("networkidle")
        written(author, subject, account="Research lab (4444 4444 4444)")
        _submit(author)
        go(first, _review_of(stage, subject))
        first.get_by_role("button", name="Approve as the first").click()
        first.wait_for_load_state("networkidle")
        for each in (lead, author, first):
            each.context.close()
    go(tab, _review_of(stage, subject))
    tab.get_by_text("Asking AWS").wait_for(state="hidden")


def commented(tab: Tab, stage: Stage) -> None:
    """Returned with a comment at a field; the author opens it."""
    subject = "Aurora reader is slow after the upgrade"
    if not stage.has_case(subject):
        written(tab, subject)
        _submit(tab)
        reviewer = beside(tab, stage, "reviewer")
        go(reviewer, _review_of(stage, subject))
        described = reviewer.locator("tr", has_text="communicationBody")
        described.locator("summary", has_text="Comment").click()
        described.locator("textarea").fill("Which engine version, before and after?")
        reviewer.get_by_label("Reason").fill("Nearly there.")
        reviewer.get_by_role("button", name="Return to").click()
        reviewer.wait_for_load_state("networkidle")
        reviewer.context.close()
    go(tab, f"/cases/{stage.case(subject)['reference']}/edit/")


def discarded(tab: Tab, stage: Stage) -> None:
    """A desk with a draft that can be brought back."""
    _saved(tab, stage, DISCARDED)
    go(tab, f"/cases/{stage.case(DISCARDED)['reference']}/edit/")
    _press(tab, "Discard draft")
    go(tab, "/")


def held(tab: Tab, stage: Stage) -> None:
    go(tab, "/queue/")
    if not tab.get_by_text("Change the time").count():
        tab.locator("summary", has_text="Hold back").first.click()
        tab.locator(".hold").get_by_role("button", name="Hold back").first.click()
        tab.wait_for_load_state("networkidle")
