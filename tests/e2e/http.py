"""A person at the site without a browser: signs in, reads pages, fills in their forms and posts them as a browser would."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

PATIENCE = 15.0  # seconds for one page


@dataclass
class Form:
    """A form on a page with what a browser would send if nobody touched it, buttons left out."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  # of all that could be sent, buttons too


@dataclass
class Page:
    """An answer: where it came from in the end, and what stands in it."""

    status: int
    url: str
    text: str
    headers: Mapping[str, str]
    seconds: float
    forms: list[Form] = field(default_factory=list)
    main: dict[str, str] = field(default_factory=dict)  # attributes of the main element
    links: list[dict[str, str]] = field(default_factory=list)

    def form_with(self, name: str) -> Form:
        """The one form that has a field or a button of that name."""
        found = [form for form in self.forms if name in form.names]
        assert len(found) == 1, f"{len(found)} forms with {name} on {self.url} ({self.status}): {self.text[:3000]}"
        return found[0]

    def link(self, attribute: str) -> str:
        """The address of the first link with that attribute."""
        return next(each["href"] for each in self.links if attribute in each)


def forms_in(text: str) -> list[Form]:
    """The forms of a page."""
    reader = _Reader()
    reader.feed(text)
    return reader.forms


class _Reader(HTMLParser):
    """Gathers forms, links and the main element."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[dict[str, str]] = []
        self.main: dict[str, str] = {}
        self._select: str | None = None
        self._chosen = False
        self._text: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag == "main":
            self.main = given
        elif tag == "a" and "href" in given:
            self.links.append(given)
        elif self.forms and tag in ("input", "button", "select", "textarea", "option"):
            self._field(tag, given, self.forms[-1])

    def _field(self, tag: str, given: dict[str, str], form: Form) -> None:
        name = given.get("name", "")
        form.names |= {name} - {""}
        if tag == "option" and self._select and (not self._chosen or "selected" in given):
            form.fields[self._select] = given.get("value", "")  # a browser takes the first one where none is selected
            self._chosen = True
        elif tag == "select" and name:
            self._select, self._chosen = name, False
        elif tag == "textarea" and name:
            self._text = name
            form.fields[name] = ""
        elif tag == "input" and name and _counts(given):
            form.fields[name] = given.get("value", "on" if given.get("type") == "checkbox" else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._text = None

    def handle_data(self, data: str) -> None:
        if self._text:
            self.forms[-1].fields[self._text] += data


def _counts(given: dict[str, str]) -> bool:
    """Whether a browser sends this input if nobody touches it."""
    kind = given.get("type")
    return kind not in ("submit", "image", "button", "file") and (
        kind not in ("checkbox", "radio") or "checked" in given
    )


class Person:
    """Somebody with a session of their own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._open = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar())).open

    @classmethod
    def signed_in(cls, url: str, name: str, password: str) -> Person:
        person = cls(url)
        page = person.get("/accounts/login/")
        page = person.post(page, "username", username=name, password=password)
        assert page.status == 200 and "/accounts/login/" not in page.url, f"{name} can't sign in: {page.text[:2000]}"
        return person

    def get(self, path: str) -> Page:
        return self._ask(urljoin(self.url, path))

    def post(self, page: Page, having: str, **values: str) -> Page:
        """Post the page's form that has this field or button, changed by `values`."""
        form = page.form_with(having)
        assert form.method == "post", f"the form with {having} on {page.url} is not posted"
        return self._ask(urljoin(page.url, form.action), form.fields | values)

    def _ask(self, url: str, posted: Mapping[str, Any] | None = None) -> Page:
        data = urlencode(posted).encode() if posted is not None else None
        request = Request(url, data, {"Referer": url, "Accept": "text/html"})
        began = time.monotonic()
        try:
            answer = self._open(request, timeout=PATIENCE)
        except HTTPError as error:
            answer = error
        with answer:
            text = answer.read().decode(errors="replace")
            seconds = time.monotonic() - began
            reader = _Reader()
            reader.feed(text)
            return Page(
                answer.status, answer.url, text, answer.headers, seconds, reader.forms, reader.main, reader.links
            )
