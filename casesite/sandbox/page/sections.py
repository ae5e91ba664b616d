"""The parts of the simulator's page, from what AWS holds to what came in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from casesite.sandbox import connect_cases, journal, links
from casesite.sandbox.aws import Aws
from casesite.sandbox.faults import DESCRIPTIONS, Fault, Kind
from casesite.sandbox.page.markup import Html, tag
from casesite.sandbox.page.pieces import button, chip, field, form, grouped, hidden, moment, select, size_in_words
from casesite.sandbox.page.switches import SWITCHES, Switch
from casesite.sandbox.state import Account, State
from casesite.sandbox.support import attachments, cases
from casesite.sandbox.support.attachments import Attachment
from casesite.sandbox.support.cases import Case, Window
from casesite.sandbox.support.operations import OPERATIONS
from casesite.sandbox.support.redaction import redacted
from casesite.sandbox.transfers import GET_FILE, PUT_PART

CASES_SHOWN = 60
THREAD_SHOWN = 40
REQUESTS_SHOWN = 40
STATUS_LOOKS = {
    cases.RESOLVED: "plain",
    cases.PENDING_CUSTOMER: "warn",
    cases.REOPENED: "wait",
    cases.CUSTOMER_ACTED: "wait",
    cases.UNASSIGNED: "ok",
}
PLAN_NAMES = {
    "basic": "Basic (no API)",
    "developer": "Developer (no API)",
    "business": "Business (up to urgent)",
    "business_plus": "Business Support+",
    "enterprise": "Enterprise",
    "unified": "Unified Operations",
}
SETTING_NAMES = {
    "cases_per_hour": ("Cases an hour, for each account", "1"),
    "calls_per_second": ("Support calls a second, for each account", "any"),
    "visible_after": ("Seconds until a new case can be seen", "any"),
    "signature_validity": ("Seconds a signature is valid", "any"),
    "clock_ahead": ("Seconds that AWS's clock is ahead", "any"),
    "create_case_latency": ("Seconds CreateCase takes", "any"),
    "part_size": ("Bytes in a part of an upload", "1"),
    "upload_ready_after": ("Seconds until an upload is ready", "any"),
    "link_validity": ("Seconds a link to upload or download lives", "any"),
    "attachment_sets_per_minute": ("Attachment sets a minute, for each account", "1"),
    "client_token_lifetime": ("Seconds a client token of Connect is remembered", "any"),
    "related_items_on_case": ("Items related to a Connect case", "1"),
    "files_on_case": ("Files on a Connect case", "1"),
    "attached_file_size": ("Bytes of a file for a Connect case", "1"),
}
STRIKES = (
    *("support.*", *(f"support.{name}" for name in OPERATIONS), PUT_PART, GET_FILE),
    *("sts.AssumeRole", "sts.GetCallerIdentity"),
    *("connectcases.*", *(f"connectcases.{name}" for name in connect_cases.HANDLERS)),
    *("customer-profiles.*", "customer-profiles.SearchProfiles", "connect.*", "connect.SearchUsers", "*"),
)


def cases_section(state: State, unfolded: str | None = None) -> Html:
    """The newest cases by account; `unfolded` is the id of the one that stands open."""
    everything = list(reversed(cases.every_case(state)))
    shown = everything[:CASES_SHOWN]
    by_account: dict[str, list[Case]] = {}
    for case in shown:
        by_account.setdefault(case.account_id, []).append(case)
    groups = [_account_cases(state, account_id, held, unfolded) for account_id, held in sorted(by_account.items())]
    more = len(everything) - len(shown)
    return tag(
        "section",
        tag("h2", "Cases AWS holds"),
        groups
        or tag("p", "No case yet. One that the site sends, or that you open below, stands here.", class_="empty"),
        tag("p", f"{more} older cases are not shown.", class_="small muted") if more else None,
        _console_form(state),
        id="cases",
    )


def _account_cases(state: State, account_id: str, held: Iterable[Case], unfolded: str | None) -> Html:
    account = state.account(account_id)
    used, limit = _used(state, account)
    heading = tag(
        "h3",
        "Account ",
        tag("span", grouped(account_id), class_="mono"),
        tag("span", f"{used} of {limit} used this hour", class_="small muted"),
    )
    return tag(
        "div",
        heading,
        tag("div", [_case(state, case, case.case_id == unfolded) for case in held], class_="list"),
        class_="group",
    )


def _case(state: State, case: Case, unfolded: bool) -> Html:
    hidden = case.visible_at > state.now()
    summary = tag(
        "summary",
        chip(case.status, STATUS_LOOKS.get(case.status, "plain")),
        tag(
            "span",
            tag("b", redacted(case.subject)),
            tag("span", f"{case.display_id} · {case.severity_code or 'no severity'}", class_="small muted line"),
        ),
        tag("span", chip("not visible yet", "doubt") if hidden else moment(case.created_at), class_="end"),
    )
    return tag(
        "details",
        summary,
        tag("div", _facts(case), _thread(state, case), _actions(case), class_="inside"),
        id=case.case_id,
        open=unfolded,
    )


def _facts(case: Case) -> Html:
    facts = {
        "Case id": tag("span", case.case_id, class_="mono"),
        "Filed under": f"{case.service_code or 'no service'} / {case.category_code or 'no category'}",
        "Kind": f"{case.issue_type}, {case.language}",
        "Opened by": f"{case.submitted_by} ({'console' if case.origin == 'console' else 'API'})",
        "Copies to": ", ".join(case.cc) or "nobody",
    }
    return tag("dl", [(tag("dt", name), tag("dd", value)) for name, value in facts.items()])


def _thread(state: State, case: Case) -> Html:
    written = cases.correspondence(state, case, Window(limit=THREAD_SHOWN))
    carried = attachments.of_messages(state, (each.id for each in written))
    return tag(
        "ol",
        [
            tag(
                "li",
                tag("p", tag("b", each.submitted_by), " ", moment(each.created_at), class_="small"),
                tag("div", redacted(each.body), class_="words"),
                _files(state, carried.get(each.id, [])),
                class_="from-aws" if each.submitted_by == cases.AWS else None,
            )
            for each in reversed(written)
        ],
        class_="thread",
    )


def _files(state: State, carried: list[Attachment]) -> Html | None:
    """The files of a message, each behind a link of the kind that customers get."""
    rows = [
        tag(
            "li",
            tag("a", each.file_name, href=links.to_download(state, each.attachment_id).path),
            " ",
            tag("span", size_in_words(each.size), class_="small muted"),
        )
        for each in carried
    ]
    return tag("ul", rows, class_="files", aria_label="Attached files") if rows else None


def _actions(case: Case) -> Html:
    box = f"reply-{case.id}"
    reply = form(
        "reply",
        hidden("case_id", case.case_id),
        tag("label", "Answer as Amazon Web Services", for_=box),
        tag("textarea", "", id=box, name="body", rows=3, required=True),
        tag("div", button("Answer", main=True), class_="buttons"),
    )
    resolve = form("resolve", hidden("case_id", case.case_id), button("Resolve the case"))
    return Html(reply + ("" if case.status == cases.RESOLVED else resolve))


def _console_form(state: State) -> Html:
    known = [account.account_id for account in state.accounts()]
    fields = (
        tag("label", "Account", for_="console-account"),
        tag(
            "input",
            id="console-account",
            name="account_id",
            pattern=r"\d{12}",
            required=True,
            list="accounts-known",
            inputmode="numeric",
            autocomplete="off",
        ),
        tag("datalist", [tag("option", value=each) for each in known], id="accounts-known"),
        tag("label", "Subject", for_="console-subject"),
        tag("input", id="console-subject", name="subject", required=True, maxlength=200, autocomplete="off"),
        tag("label", "Description", for_="console-body"),
        tag("textarea", "", id="console-body", name="communicationBody", rows=3, required=True),
        tag("p", "Counts toward the account's hour, as a case opened in AWS's console does.", class_="hint"),
        tag("div", button("Open the case", main=True), class_="buttons"),
    )
    summary = tag("summary", tag("b", "Open a case in AWS's console"))
    return tag("details", summary, tag("div", form("open", *fields), class_="inside"), class_="list plainly")


def faults_section(aws: Aws) -> Html:
    on = list(aws.faults)
    accounts = [("*", "any account"), *((each.account_id, grouped(each.account_id)) for each in aws.state.accounts())]
    where = tag(
        "div",
        select("operation", "Strikes", [("", "what its line says"), *((each, each) for each in STRIKES)], ""),
        select("account", "In", accounts, "*"),
        class_="two",
    )
    return tag(
        "section",
        tag("h2", "Faults"),
        _faults_on(on),
        form("switch-on", where, tag("ul", [_switch(each) for each in SWITCHES], class_="switches")),
        _any_fault(),
        id="faults",
    )


def _faults_on(on: list[Fault]) -> Html | None:
    if not on:
        return tag("p", "None is on: AWS behaves.", class_="small muted")
    rows = [
        tag(
            "li",
            tag(
                "div",
                chip("on", "bad"),
                " ",
                tag("b", _fault_name(each)),
                tag("span", _fault_line(each), class_="small muted line"),
            ),
            form("switch-off", hidden("number", str(each.id)), button("Switch off")),
        )
        for each in on
    ]
    everything = form("switch-off", hidden("number", ""), button("Switch all off"))
    return tag("div", tag("ul", rows, class_="faults-on"), everything if len(on) > 1 else None, class_="on")


def _fault_name(fault: Fault) -> str:
    """The name of the switch that makes such a fault, best of all one that strikes the same operation."""
    deed = (fault.fault, fault.when, fault.code)
    alike = [
        switch
        for switch in SWITCHES
        if (switch.fault["fault"], switch.fault.get("when", "before"), switch.fault.get("code")) == deed
    ]
    exact = [switch for switch in alike if switch.operation == fault.operation]
    return (exact or alike)[0].name if alike else f"{fault.fault}, {fault.when}"


def _fault_line(fault: Fault) -> str:
    where = "any account" if fault.account == "*" else f"account {grouped(fault.account)}"
    often = "until off" if fault.times is None else "once" if fault.times == 1 else f"{fault.times} times"
    return f"{fault.operation}, {where}, {often}"


def _switch(switch: Switch) -> Html:
    words = tag("div", tag("b", switch.name), tag("span", switch.line, class_="small muted line"))
    names = {"once": "Once", "always": "Until off"}
    buttons = [
        tag("button", text, name="switch", value=f"{switch.key} {often}", aria_label=f"{switch.name}: {text.lower()}")
        for often, text in names.items()
    ]
    return tag("li", words, tag("div", buttons, class_="pair"))


def _any_fault() -> Html:
    fields = (
        select("fault", "What", [(kind.value, f"{kind.value}: {DESCRIPTIONS[kind]}") for kind in Kind], Kind.DROP),
        select(
            "when",
            "When",
            [("before", "before the call is carried out"), ("after", "after it was carried out")],
            "before",
        ),
        select("operation", "Strikes", [(each, each) for each in STRIKES], "support.CreateCase"),
        tag("div", field("times", "Times (empty: until off)", "1"), field("seconds", "Seconds", ""), class_="two"),
        tag("div", field("code", "Error code", "", kind="text"), field("status", "HTTP status", ""), class_="two"),
        tag("div", button("Switch on"), class_="buttons"),
    )
    summary = tag("summary", tag("b", "Any other fault"))
    return tag("details", summary, tag("div", form("any-fault", *fields), class_="inside"), class_="list plainly")


def accounts_section(state: State) -> Html:
    known = state.accounts()
    rows = [_account(state, each) for each in known]
    return tag(
        "section",
        tag("h2", "Accounts"),
        tag("div", rows, class_="list")
        if rows
        else tag("p", "None yet. An account is there as soon as somebody uses it.", class_="small muted"),
        id="accounts",
    )


def _account(state: State, account: Account) -> Html:
    used, limit = _used(state, account)
    summary = tag(
        "summary",
        tag(
            "span",
            tag("b", grouped(account.account_id), class_="mono"),
            tag("span", PLAN_NAMES[account.plan], class_="small muted line"),
        ),
        tag("span", f"{used} of {limit} this hour", class_="small muted end"),
    )
    fields = (
        hidden("account_id", account.account_id),
        select("plan", "Support plan", list(PLAN_NAMES.items()), account.plan),
        field("cases_per_hour", "Cases an hour (empty: as for all)", account.cases_per_hour),
        field("denied", "Denied actions, by commas", ", ".join(account.denied), kind="text"),
        tag("div", button("Save"), class_="buttons"),
    )
    return tag("details", summary, tag("div", form("account", *fields), class_="inside"))


def settings_section(state: State) -> Html:
    values = asdict(state.settings)
    fields = [field(name, label, _plain(values[name]), step=step) for name, (label, step) in SETTING_NAMES.items()]
    fields.append(
        field(
            "upload_fails_for",
            "Uploads fail whose file name holds (empty: none)",
            values["upload_fails_for"],
            kind="text",
        )
    )
    fields.append(
        select(
            "hidden_values",
            "Values of fields that a rule hides are",
            [("refused", "refused"), ("accepted", "accepted")],
            values["hidden_values"],
        )
    )
    scale = f"Time runs {values['time_scale']:g} times as fast." if values["time_scale"] != 1 else None
    sure = tag(
        "label",
        tag("input", type="checkbox", name="sure", value="yes", required=True),
        " Yes, forget everything",
        class_="tick",
    )
    return tag(
        "section",
        tag("h2", "Settings"),
        tag("p", scale, class_="small muted") if scale else None,
        form("settings", fields, tag("div", button("Save"), class_="buttons")),
        tag("h3", "Start afresh"),
        tag("p", "Cases, files, accounts, faults, requests and settings are forgotten.", class_="small muted"),
        form("reset", sure, tag("div", button("Reset the simulator", bad=True), class_="buttons")),
        id="settings",
    )


def requests_section(state: State) -> Html:
    entries = list(reversed(journal.entries(state, newest=REQUESTS_SHOWN)))
    return tag(
        "section",
        tag("h2", "Last requests"),
        tag("div", [_request(each) for each in entries], class_="list requests")
        if entries
        else tag("p", "None yet. What comes in for AWS stands here, newest first.", class_="empty"),
        id="requests",
    )


def _request(entry: dict[str, Any]) -> Html:
    look = {"ok": "ok", "refused": "warn"}.get(entry["outcome"], "bad")
    done = "carried out" if entry["executed"] else "dry run" if entry["dry_run"] else "not carried out"
    said = " ".join(str(each) for each in (entry["http_status"] or "no answer", entry["error_code"]) if each)
    attempt = f" · attempt {entry['sdk_attempt']}" if (entry["sdk_attempt"] or 1) > 1 else ""
    account = grouped(entry["account"]) if entry["account"] else "unknown caller"
    return tag(
        "div",
        tag("span", chip(entry["outcome"], look)),
        tag(
            "span",
            tag("b", entry["operation"]),
            tag("span", f"{account} · {said} · {done}{attempt}", class_="small muted line"),
        ),
        tag("span", moment(entry["at"]), class_="end"),
        class_="row",
    )


def _plain(number: float) -> str:
    return f"{number:.10g}"


def _used(state: State, account: Account) -> tuple[int, int]:
    limit = state.settings.cases_per_hour if account.cases_per_hour is None else account.cases_per_hour
    return cases.opened_in_hour(state, account.account_id), limit
