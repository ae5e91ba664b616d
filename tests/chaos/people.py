"""Authors, reviewers and a lead at the site: over HTTP, through its own forms, and patient.

What a person does when a page does not come: wait a moment, and press the same button again.
"""

from __future__ import annotations

import http.client
import queue
import random
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.error import URLError
from urllib.parse import urljoin
from urllib.request import Request

from tests.chaos.plans import KINDS, Desk, File, Planned
from tests.e2e.http import Form, Page, Person, _Reader

WAITING = "/admin/submissions/submission/?state__exact=pending_review"
NEEDS_PERSON = "/admin/submissions/submission/?state__exact=needs_attention"
REVIEW = re.compile(r"/admin/submissions/submission/([0-9a-f-]{36})/change/")
ATTENTION = re.compile(r"/admin/submissions/submission/([0-9a-f-]{36})/attention/")
AWAY = (URLError, ConnectionError, TimeoutError, http.client.HTTPException)
AGAIN = 0.4  # seconds until a person presses again
PATIENCE = 600.0  # seconds until one gives up on a page
MOST_IDLE = 5.0  # seconds between two looks at a list that has been empty for a while


class Gone(Exception):
    """The site did not answer for ten minutes, or the run is over."""


class Patient(Person):
    """A person who presses again until an answer comes, and can choose files."""

    over: threading.Event
    presses_again = 0

    def until_answered(self, act: Callable[[], Page]) -> Page:
        """The first answer that is not an error of the server's."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                page = act()
                if page.status < 500:
                    return page
            except AWAY:
                pass
            self.presses_again += 1
            if time.monotonic() > give_up or self.over.wait(AGAIN):
                raise Gone

    def read(self, path: str) -> Page:
        return self.until_answered(lambda: self.get(path))

    def send(self, page: Page, form: Form, values: Mapping[str, str], files: Iterable[File] = ()) -> Page:
        """Post a form of a page as a browser would. Once; it may raise."""
        url = urljoin(page.url, form.action)
        body, kind = _multipart(form.fields | dict(values), files)
        request = Request(url, body, {"Referer": url, "Accept": "text/html", "Content-Type": kind})
        return self._answered(request)

    def _answered(self, request: Request) -> Page:
        from urllib.error import HTTPError

        began = time.monotonic()
        try:
            answer = self._open(request, timeout=30)
        except HTTPError as error:
            answer = error
        with answer:
            text = answer.read().decode(errors="replace")
            reader = _Reader()
            reader.feed(text)
            seconds = time.monotonic() - began
            return Page(
                answer.status, answer.url, text, answer.headers, seconds, reader.forms, reader.main, reader.links
            )


def patient(url: str, name: str, password: str, over: threading.Event) -> Patient:
    """Signed in, whatever it takes."""
    give_up = time.monotonic() + PATIENCE
    while True:
        person = Patient(url)
        person.over = over
        try:
            page = person.post(person.get("/accounts/login/"), "username", username=name, password=password)
            if page.status == 200 and "/accounts/login/" not in page.url:
                return person
        except (*AWAY, AssertionError):
            pass
        if time.monotonic() > give_up or over.wait(AGAIN):
            raise Gone


class Crowd:
    """Everybody who works at the site, each on a thread. `stop` ends them."""

    def __init__(
        self, url: str, sign_ins: Iterable[str], plan: Iterable[Planned], desks: Mapping[str, Desk], seed: int
    ) -> None:
        self.url = url
        self.passwords = dict(line.split(", ")[:2] for line in sign_ins)
        self.desks = desks
        self.seed = seed
        self.over = threading.Event()
        self.planned: queue.SimpleQueue[Planned] = queue.SimpleQueue()
        self.submitted: list[Planned] = []  # the author was told so
        self.approved: set[str] = set()  # the reviewer was told so: primary keys of submissions
        self.sent_again: list[str] = []  # by the lead
        self.troubles: list[str] = []
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._people: list[Patient] = []
        self.total = 0
        for each in plan:
            self.planned.put(each)
            self.total += 1

    def start(self, *, authors: int, reviewers: int) -> None:
        for number in range(authors):
            self._run(self._write, "agent", number)
        for number in range(reviewers):
            self._run(self._review, "reviewer", number)
        self._run(self._lead, "lead", 0)

    def stop(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def presses_again(self) -> int:
        return sum(person.presses_again for person in self._people)

    def _run(self, work: Callable[[Patient, random.Random], None], name: str, number: int) -> None:
        def run() -> None:
            try:
                person = patient(self.url, name, self.passwords[name], self.over)
                self._people.append(person)
                work(person, random.Random(f"{self.seed}:{name}:{number}"))
            except Gone:
                if not self.over.is_set():
                    self.troubles.append(f"{name} {number + 1} got no answer for {PATIENCE:g} s")
            except Exception as exc:  # a person who leaves must be heard of
                self.troubles.append(f"{name} {number + 1}: {type(exc).__name__}: {exc}"[:2000])

        thread = threading.Thread(target=run, name=f"{name}-{number + 1}", daemon=True)
        thread.start()
        self._threads.append(thread)

    # --- an author -------------------------------------------------------------------------------------------------
    def _write(self, agent: Patient, chance: random.Random) -> None:
        while not self.over.is_set():
            try:
                planned = self.planned.get_nowait()
            except queue.Empty:
                return
            kind, desk = KINDS[planned.kind], self.desks[planned.account.account_id]
            page = agent.read(kind.address(desk))
            form = page.form_with("form_token")
            fields = kind.fields(planned, desk)
            answer = agent.until_answered(lambda: agent.send(page, form, fields, planned.files))  # noqa: B023
            if answer.status != 200 or "data-state" not in answer.main:
                raise AssertionError(f"{planned.subject} was not submitted ({answer.status}): {_errors(answer)}")
            planned.seen["reference"] = answer.url.rstrip("/").rpartition("/")[2]
            with self._lock:
                self.submitted.append(planned)

    # --- a reviewer --------------------------------------------------------------------------------------------------
    def _review(self, reviewer: Patient, chance: random.Random) -> None:
        page: Page | None = None
        idle = 0
        while not self.over.is_set():
            form = _decision(page) if page else None
            if page is None or form is None:
                page = self._next_to_review(reviewer, chance)
                idle = 0 if page else idle + 1
                self.over.wait(min(idle, MOST_IDLE))
                continue
            pk = REVIEW.search(page.url)
            try:
                answer = reviewer.send(page, form, {"decision": "approve"})  # the next case opens
            except AWAY:
                reviewer.presses_again += 1
                page = None  # whether it was approved, the list will show
                continue
            if pk and answer.status == 200:
                with self._lock:
                    self.approved.add(pk[1])
            page = answer if answer.status == 200 else None

    def _next_to_review(self, reviewer: Patient, chance: random.Random) -> Page | None:
        waiting = reviewer.read(WAITING)
        found = sorted({match[0] for match in REVIEW.finditer(waiting.text)})
        return reviewer.read(chance.choice(found)) if found else None

    # --- a lead --------------------------------------------------------------------------------------------------------
    def _lead(self, lead: Patient, chance: random.Random) -> None:
        """Has sent again what waits for a person: the site looks once more whether AWS has it, and then sends."""
        while not self.over.wait(2):
            found = {match[0]: match[1] for match in ATTENTION.finditer(lead.read(NEEDS_PERSON).text)}
            for address, pk in sorted(found.items()):
                page = lead.read(address)
                form = next((form for form in page.forms if "reason" in form.names and "action" in form.names), None)
                if page.main.get("data-state") != "needs_attention" or form is None:
                    continue
                values = {"action": "send_again", "reason": f"Nobody else will: {page.main.get('data-reason')}"}
                try:
                    answer = lead.send(page, form, values)
                except AWAY:
                    continue
                if answer.status == 200:
                    self.sent_again.append(pk)


def _decision(page: Page) -> Form | None:
    return next((form for form in page.forms if {"payload_sha256", "decision"} <= form.names), None)


def _errors(page: Page) -> str:
    text = re.sub(r"<(script|style|select)\b.*?</\1>|<[^>]+>", " ", page.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", text)[:1500]


def _multipart(fields: Mapping[str, str], files: Iterable[File]) -> tuple[bytes, str]:
    """A form's body as a browser sends it, and its type."""
    boundary = secrets.token_hex(16)
    parts: list[Any] = []
    for name, value in fields.items():
        parts += [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()]
    for file in files:
        head = f'Content-Disposition: form-data; name="files"; filename="{file.name}"\r\nContent-Type: text/plain'
        parts += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), file.data, b"\r\n"]
    parts += [f"--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
