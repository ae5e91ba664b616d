"""The simulator's own page, for training and demonstrations: plain HTML and forms, no script.

What a form asks is handed to the control interface, so the page can do nothing that JSON could not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from casesite.sandbox.control import Control
from casesite.sandbox.messages import Answer, AwsError, Request
from casesite.sandbox.orders import Mistake
from casesite.sandbox.page import connect, sections
from casesite.sandbox.page.markup import Html, tag
from casesite.sandbox.page.switches import named

TOKENS = Path(__file__).resolve().parents[3] / "static" / "css" / "tokens.css"
STYLE = Path(__file__).with_name("page.css")
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
DONE = {
    "reply": "The answer is in the case. It is the customer's turn now.",
    "resolve": "The case is resolved.",
    "connect-status": "The status is set.",
    "connect-comment": "The comment is in the case.",
    "open": "The case is open.",
    "switch-on": "The fault is on.",
    "any-fault": "The fault is on.",
    "switch-off": "Switched off.",
    "account": "The account is saved.",
    "settings": "The settings are saved.",
    "reset": "Everything is forgotten.",
}
PLACES = {
    "switch-on": "faults",
    "any-fault": "faults",
    "switch-off": "faults",
    "account": "accounts",
    "settings": "settings",
}

Form = Mapping[str, str]


class Page:
    """Serves the page and its style sheets, and takes its forms."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._verbs: dict[str, Callable[[Form], object]] = {
            "reply": lambda form: control.reply({"body": _lines(form, "body")}, form.get("case_id", "")),
            "resolve": lambda form: control.resolve({}, form.get("case_id", "")),
            "open": self._open,
            "connect-status": self._connect_status,
            "connect-comment": lambda form: control.connect.comment(
                {"body": _lines(form, "body")}, form.get("case_id", "")
            ),
            "switch-on": self._switch_on,
            "any-fault": self._any_fault,
            "switch-off": self._switch_off,
            "account": self._account,
            "settings": lambda form: control.change_settings(
                {name: _number(form, name) for name in sections.SETTING_NAMES if name in form}
                | {name: form[name] for name in ("upload_fails_for", "hidden_values") if name in form}
            ),
            "reset": self._reset,
        }

    def answer(self, request: Request, path: str) -> Answer | None:
        """The answer for /_sandbox/<path>, or None where the page has no part in it."""
        if request.method == "GET":
            if path == "":
                asked = dict(parse_qsl(request.query))
                return self._show(DONE.get(asked.get("done", "")), unfolded=asked.get("case"))
            if path in ("tokens.css", "page.css"):
                return _style(TOKENS if path == "tokens.css" else STYLE)
        elif request.method == "POST" and path.startswith("page/"):
            return self._take(path.removeprefix("page/"), _form(request))
        return None

    def _take(self, verb: str, form: Form) -> Answer:
        """Do what a form asks, then show the page anew, so that a reload repeats nothing."""
        if verb not in self._verbs:
            return self._show("There is no such form.", status=404)
        try:
            self._verbs[verb](form)
        except Mistake as mistake:
            return self._show(f"Not done: {mistake}.", status=mistake.status)
        except AwsError as error:
            return self._show(f"Not done: {error.message}", status=409)
        case_id = quote(form.get("case_id", ""))
        shown = f"&case={case_id}#{case_id}" if case_id else f"#{PLACES.get(verb, 'cases')}"
        return Answer(303, b"", {"Location": f"/_sandbox/?done={verb}{shown}", **SAFE})

    def _show(self, said: str | None, *, status: int = 200, unfolded: str | None = None) -> Answer:
        html = "<!doctype html>" + self._document(said, good=status == 200, unfolded=unfolded)
        return Answer(status, html.encode("utf-8", "replace"), {"Content-Type": "text/html; charset=utf-8", **SAFE})

    def _document(self, said: str | None, *, good: bool, unfolded: str | None) -> Html:
        state, faults_on = self._control.state, len(list(self._control.aws.faults))
        places = {
            "cases": "Cases",
            "connect-cases": "Connect cases",
            "domains": "Domains",
            "requests": "Requests",
            "faults": "Faults",
            "accounts": "Accounts",
            "settings": "Settings",
        }
        count = tag("span", faults_on, class_="n") if faults_on else None
        links = [
            tag("a", text, " " if count else None, count if place == "faults" else None, href=f"#{place}")
            for place, text in places.items()
        ]
        head = tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", "AWS simulator"),
            tag("link", rel="icon", href="data:,"),
            tag("link", rel="stylesheet", href="/_sandbox/tokens.css"),
            tag("link", rel="stylesheet", href="/_sandbox/page.css"),
        )
        main = tag(
            "main",
            tag("h1", "What the simulator holds"),
            tag("p", "It answers in AWS's place. Be AWS here: answer and resolve cases, or misbehave.", class_="muted"),
            tag("p", said, class_=f"said {'ok' if good else 'bad'}", role="status") if said else None,
            tag(
                "div",
                tag(
                    "div",
                    sections.cases_section(state, unfolded),
                    connect.cases_section(state, unfolded),
                    connect.domains_section(state),
                    sections.requests_section(state),
                ),
                tag(
                    "aside",
                    sections.faults_section(self._control.aws),
                    sections.accounts_section(state),
                    sections.settings_section(state),
                ),
                class_="cols",
            ),
        )
        bar = tag(
            "div",
            tag("b", "AWS simulator"),
            tag("nav", links, aria_label="Parts of this page"),
            tag("a", "Refresh", href="/_sandbox/", class_="refresh"),
            class_="bar",
        )
        top = tag("header", bar, tag("div", "Sandbox: nothing here reaches AWS.", class_="strip"))
        return tag("html", head, tag("body", top, main), lang="en")

    def _open(self, form: Form) -> None:
        account_id = form.get("account_id", "").replace(" ", "")
        given = {"subject": form.get("subject"), "communicationBody": _lines(form, "communicationBody")}
        self._control.open_case({"account_id": account_id, **given})

    def _connect_status(self, form: Form) -> None:
        fields = {"status": {"stringValue": form.get("status", "")}}
        self._control.connect.change_case({"fields": fields}, form.get("case_id", ""))

    def _switch_on(self, form: Form) -> None:
        key, _, often = form.get("switch", "").partition(" ")
        switch = named(key)
        if switch is None:
            raise Mistake("no such fault is known")
        where = {"operation": form.get("operation") or switch.operation, "account": form.get("account") or "*"}
        self._control.switch_on({**switch.fault, **where, "times": None if often == "always" else 1})

    def _any_fault(self, form: Form) -> None:
        numbers = {name: _number(form, name) for name in ("times", "seconds", "status")}
        words = {name: form.get(name) or None for name in ("fault", "when", "operation", "code")}
        self._control.switch_on(words | numbers)

    def _switch_off(self, form: Form) -> None:
        if form.get("number", "").isdecimal():
            self._control.switch_off({}, form["number"])
        else:
            self._control.switch_all_off({})

    def _account(self, form: Form) -> None:
        denied = [each.strip() for each in form.get("denied", "").split(",") if each.strip()]
        given = {"plan": form.get("plan"), "cases_per_hour": _number(form, "cases_per_hour"), "denied": denied}
        self._control.change_account({"account_id": form.get("account_id"), **given})

    def _reset(self, form: Form) -> None:
        if form.get("sure") != "yes":
            raise Mistake("say that you are sure")
        self._control.reset({})


def _style(path: Path) -> Answer:
    try:
        return Answer(200, path.read_bytes(), {"Content-Type": "text/css; charset=utf-8", **SAFE})
    except OSError:
        return Answer(404, b"", SAFE)


def _form(request: Request) -> Form:
    try:
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return {}


def _lines(form: Form, name: str) -> str:
    """Text of a textarea, with line ends as AWS has them: browsers send CR LF."""
    return form.get(name, "").replace("\r\n", "\n")


def _number(form: Form, name: str) -> Any:
    """A number as typed: whole where it is whole, None where the box is empty."""
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise Mistake(f"{name} must be a number") from None
    return int(value) if value.is_integer() else value
