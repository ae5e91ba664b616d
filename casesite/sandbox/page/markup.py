"""HTML built from parts: whatever is not markup already is text, and is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Html(str):
    """Markup made by `tag` or `join`: safe to put into a page as it stands."""

    __slots__ = ()


Part = str | int | float | None | Iterable["Part"]


def tag(name: str, /, *parts: Part, **attributes: str | int | bool | None) -> Html:
    """An element. `class_` and `for_` lose their underscore, others turn it into a dash; False and None leave one out."""
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    end = "" if name in VOID else f"{join(parts)}</{name}>"
    return Html(f"<{name}{written}>{end}")


def join(part: Part) -> Html:
    """Parts one after the other, text escaped."""
    if part is None:
        return Html("")
    if isinstance(part, Html):
        return part
    if isinstance(part, str | int | float):
        return Html(escape(str(part)))
    return Html("".join(join(each) for each in part))


def _attribute(key: str, value: str | int | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
