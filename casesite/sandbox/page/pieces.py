"""What the parts of the page are made of: forms and their fields, chips, moments, sizes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from casesite.sandbox.page.markup import Html, tag

KIB, MIB = 1024, 1024 * 1024


def form(action: str, *parts: Any) -> Html:
    return tag("form", *parts, method="post", action=f"/_sandbox/page/{action}")


def button(text: str, *, main: bool = False, bad: bool = False) -> Html:
    return tag("button", text, class_="main" if main else "bad" if bad else None)


def hidden(name: str, value: str) -> Html:
    return tag("input", type="hidden", name=name, value=value)


def select(name: str, label: str, options: list[tuple[str, str]], chosen: str) -> Html:
    choices = [tag("option", text, value=value, selected=value == chosen) for value, text in options]
    return tag("label", tag("span", label), tag("select", choices, name=name), class_="field")


def field(name: str, label: str, value: Any, *, kind: str = "number", step: str = "any") -> Html:
    number: dict[str, str | int] = (
        {"min": 0, "step": step} if kind == "number" else {"maxlength": 500, "autocomplete": "off"}
    )
    value = "" if value is None else str(value)
    return tag("label", tag("span", label), tag("input", type=kind, name=name, value=value, **number), class_="field")


def size_in_words(size: int) -> str:
    if size < KIB:
        return f"{size} bytes"
    return f"{size / MIB:.1f} MB" if size >= MIB else f"{size / KIB:.1f} KB"


def chip(text: str, look: str) -> Html:
    return tag("span", tag("i"), text, class_=f"chip {look}")


def moment(at: float) -> Html:
    exact = datetime.fromtimestamp(at, UTC)
    return tag(
        "time",
        f"{exact:%H:%M:%S}",
        datetime=exact.isoformat(),
        title=f"{exact:%Y-%m-%d %H:%M:%S} UTC",
        class_="small muted",
    )


def grouped(account_id: str) -> str:
    return f"{account_id[:4]} {account_id[4:8]} {account_id[8:]}"
