"""The form's page, a draft and a submit, beside the least that a page and a POST can be: ratios of one run at one server."""

import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.figures import Figure, at_least, at_most, say
from bench.requests import CONNECTIONS, Browser, Load
from bench.throughput import fill
from tests.sites import Site

ROUNDS = 5  # interleaved; one before them warms
REQUESTS = 120  # of each kind in a round
SERVICES = 280
FORM, EMPTY, PLAIN, BARE = "/cases/new/support/", "/comparison/empty/", "/comparison/plain/", "/comparison/bare/"
GOAL_CPU, GOAL_PLAIN, GOAL_DRAFT, GOAL_DRAFT_CPU, GOAL_SUBMIT = 3, 3, 0.7, 1.45, 2.5
HOW = (
    "Pages",
    f"One web process as `make run` starts it, with comparison views added to its addresses (`bench/comparison`), for one signed-in agent with a "
    f"catalogue of {SERVICES} services and seven used lately. {ROUNDS} rounds of {REQUESTS} requests of each kind in turns over 4 connections, from "
    "the same machine; the medians of each round's ratios. All pages have the same middleware and frame; who is signed in the comparison views ask as any Django site does, "
    "by its own sessions and backend. The plain form has the same ten "
    "fields with five services, rendered by crispy forms. The bare view checks the sign-in and CSRF and inserts one row, with the same commit to disk; "
    "a draft is one new case, a submit is a new case handed to review. What everybody gets of a frame and of the empty form's page is rendered once, "
    "and what is a person's own once for each set of values that it shows "
    "(`casesite/web/templatetags/pieces.py`, `casesite/desk/forms/blank.py`); what pages ask and write is compiled once (`casesite/prepared.py`); a form "
    "that is kept copies no fields (`casesite/desk/forms/typed.py`); a draft reads twice (rights; account, teams and catalogue in one) and writes three rows, "
    "and the form's token is looked for by the insert itself; of a person's cases the empty form reads the latest alone, by an index, where it once "
    "sorted all of them.",
)
MISSED = (
    "Missed, and why: half of what the empty form takes an empty page takes as well. The rest are eight reads, and what is never kept: tokens, and the time at which the catalogue was seen. "
    "Tried: pieces rendered once for each set of values they show, which took a fifth of the form's time; rows and questions by compiled statements, the session and the "
    "person among them (a third of an empty page), one account instead of all, fewer reads (thirteen became eleven), garbage looked for seldom. "
    "A draft writes into three tables with sixteen indexes and the words by which it is found, 1.35 ms in SQLite with its commit, checks "
    "twelve fields and leaves a signed message. Not worth it: without the indexes of foreign keys that nobody searches by, a draft's rows take 0.04 ms less; "
    "the five indexes of the list of cases take 0.4, the words 0.15, and are needed."
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.in_parts(Path(folder), time_scale=1)
        try:
            for part in ("worker", "dispatcher", "web"):
                site.stop_part(part)
            told = json.loads(fill(site, "pages", SERVICES, DJANGO_SETTINGS_MODULE="bench.settings"))
            web = site.start_part("web", DJANGO_SETTINGS_MODULE="bench.settings")
            return _figures(_rounds(*browsers_of(site, told, web.pid), told["fields"]))
        finally:
            site.stop()


def browsers_of(site: Site, told: dict[str, Any], pid: int, connections: int = CONNECTIONS) -> list[Browser]:
    """Somebody at our pages, and the same person at the comparison views."""
    return [Browser(site.url, told[key], pid, connections) for key in ("session", "django_session")]


def _rounds(browser: Browser, django: Browser, fields: dict[str, str]) -> list[dict[str, Load]]:
    kinds: dict[str, Callable[[], Load]] = {
        "empty": lambda: django.get(EMPTY, REQUESTS),
        "plain": lambda: django.get(PLAIN, REQUESTS),
        "form": lambda: browser.get(FORM, REQUESTS),
        "bare": lambda: django.post(BARE, REQUESTS, fields),
        "draft": lambda: browser.post(FORM, REQUESTS, fields | {"action": "save_draft"}),
        "submit": lambda: browser.post(FORM, REQUESTS, fields | {"action": "submit"}),
    }
    rounds = []
    for number in range(ROUNDS + 1):
        loads = {name: ask() for name, ask in kinds.items()}
        if number:
            rounds.append(loads)
            told = ", ".join(f"{name} {load.per_second:.0f}/s {load.cpu * 1000:.2f} ms" for name, load in loads.items())
            say(f"  round {number}: {told}")
    return rounds


def _figures(rounds: list[dict[str, Load]]) -> list[Figure]:
    def ratio(of: str, to: str, what: str) -> float:
        return statistics.median(getattr(loads[of], what) / getattr(loads[to], what) for loads in rounds)

    def cpu(*names: str) -> str:
        each = (f"{name} {statistics.median(loads[name].cpu for loads in rounds) * 1000:.1f}" for name in names)
        return f"ms of CPU: {', '.join(each)}"

    def rate(*names: str) -> str:
        each = (f"{name} {statistics.median(loads[name].per_second for loads in rounds):.0f}" for name in names)
        return f"requests a second: {', '.join(each)}"

    return [
        at_most(
            "CPU of the empty form, of an empty page's",
            ratio("form", "empty", "cpu"),
            GOAL_CPU,
            "×",
            digits=2,
            beside=cpu("form", "empty"),
        ),
        at_least(
            "Requests of the empty form, of a plain form's",
            ratio("form", "plain", "per_second"),
            GOAL_PLAIN,
            "×",
            beside=f"{rate('form', 'plain')}; {cpu('form', 'plain')}",
        ),
        at_least(
            "Requests that save a draft, of a bare view's",
            ratio("draft", "bare", "per_second"),
            GOAL_DRAFT,
            "×",
            beside=rate("draft", "bare"),
        ),
        at_most(
            "CPU of saving a draft, of a bare view's",
            ratio("draft", "bare", "cpu"),
            GOAL_DRAFT_CPU,
            "×",
            digits=2,
            beside=cpu("draft", "bare"),
        ),
        at_most(
            "CPU of a submit, of a bare view's",
            ratio("submit", "bare", "cpu"),
            GOAL_SUBMIT,
            "×",
            digits=2,
            beside=cpu("submit", "bare"),
        ),
    ]
