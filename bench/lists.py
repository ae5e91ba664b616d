"""Lists, desk and search at a thousand cases and at a million, in turns: ratios of one run.

`python -m bench lists-postgres` measures on a cluster of its own instead of SQLite.
"""

import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.figures import Figure, at_most, say
from bench.requests import Browser
from bench.throughput import fill
from tests.chaos.databases import Postgres
from tests.sites import Site

FEW, MANY = 1_000, 1_000_000
ROUNDS = 7
GOAL, GOAL_SEARCH = 1.3, 3
SUBMISSIONS = "/admin/submissions/submission/"
QUEUE = f"{SUBMISSIONS}?state__exact=pending_review"
# What is asked, for whom, and what it is called. Where no page is named, both sizes fill one.
PAGES = {
    "The list of cases": ("reviewer", "/cases/"),
    "The same for two teams": ("lead", "/cases/"),
    "Cases by state": ("reviewer", "/cases/?state=waiting_for_review"),
    "Cases by stage and severity": ("reviewer", "/cases/?state=open&severity=normal"),
    "Cases between two days": ("reviewer", "/cases/?since={since}&until={until}"),
    "The queue of reviews": ("reviewer", QUEUE),
    "All submissions": ("reviewer", SUBMISSIONS),
    "Submissions by state": ("reviewer", f"{SUBMISSIONS}?state__exact=delivered"),
    "The reviewer's start page": ("reviewer", "/admin/"),
    "The desk of a lead": ("reviewer", "/"),
    "The delivery overview": ("lead", "/admin/delivery/"),
}
LAST = {  # beside the first page of the same list, at a million
    "The oldest cases": ("reviewer", "/cases/?last=1", "/cases/"),
    "The end of the queue": ("reviewer", f"{QUEUE}&last=1", QUEUE),
    "The oldest submissions": ("reviewer", f"{SUBMISSIONS}?last=1", SUBMISSIONS),
}
SEARCHES = {
    "Cases by a word of many": ("reviewer", "/cases/?q=failover"),
    "Cases by a word of few": ("reviewer", "/cases/?q=quetzal"),
    "Cases by a word of none": ("reviewer", "/cases/?q=nothinglikeit"),
    "Cases by two characters of Japanese": ("reviewer", f"/cases/?q={quote('接続')}"),
    "Cases by 4-byte characters": ("reviewer", f"/cases/?q={quote('𠮷野家')}"),
    "Submissions by a word of few": ("reviewer", f"{SUBMISSIONS}?q=quetzal"),
}
HOW = (
    "Lists",
    f"Two web processes as `make run` starts them, one with {FEW:,} cases and one with {MANY:,}, their submissions, decisions, attempts and "
    f"events; nothing else runs. {ROUNDS} rounds in which each page is asked for at both in turns, over a connection that stays open; the medians "
    "of the times to the last byte. A fifth of all cases waits for review. The person is in one team of four, which has half of the cases. "
    "Made anew for each run (`bench/crowd.py`), without and then with their indexes, which takes some minutes.",
)
MISSED = (
    "Missed by a hundredth, and why is not known: the run stood beside a load of 25 to 40 on two cores, and the same page on PostgreSQL came to 1.27. The page tells what a reviewer has waiting and how the site is, "
    "each by an index. Not tried: the run on an idle machine."
)


def measure(database: str = "sqlite") -> list[Figure]:
    with ExitStack() as stack:
        few, many = (stack.enter_context(_place(count, database)) for count in (FEW, MANY))
        return _figures(few, many)


class Place:
    """A site's web process and who is signed in there."""

    def __init__(self, site: Site, told: dict[str, Any], pid: int) -> None:
        self.told = told
        self.people = {who: Browser(site.url, told[who], pid) for who in ("reviewer", "lead")}
        self.lines: dict[str, http.client.HTTPConnection] = {}

    def ask(self, who: str, path: str) -> float:
        """Milliseconds to the last byte."""
        browser = self.people[who]
        line = self.lines.setdefault(
            who, http.client.HTTPConnection(browser.address.hostname or "", browser.address.port, timeout=120)
        )
        began = time.perf_counter()
        line.request("GET", path.format(**self.told), headers={"Cookie": browser.cookies})
        answer = line.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {answer.getheader('Location')}")
        return (time.perf_counter() - began) * 1000


@contextmanager
def _place(count: int, database: str) -> Iterator[Place]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="casesite-bench-"))
        more = {}
        if database == "postgres":
            cluster = Postgres.start()
            stack.callback(cluster.stop)
            more["DATABASE_URL"] = cluster.url
        site = Site.in_parts(Path(folder), time_scale=1, extra_env=more)
        stack.callback(site.stop)
        for part in ("worker", "dispatcher", "web"):
            site.stop_part(part)
        began = time.monotonic()
        told = json.loads(fill(site, "crowd", count))
        say(f"  {count:,} cases in {time.monotonic() - began:.0f} s")
        yield Place(site, told, site.start_part("web").pid)


def _figures(few: Place, many: Place) -> list[Figure]:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in (*PAGES, *LAST, *SEARCHES)}
    for number in range(ROUNDS + 1):
        for name, (who, path) in (PAGES | SEARCHES).items():
            pair = few.ask(who, path), many.ask(who, path)
            times[name] += [pair] if number else []  # the first round warms
        for name, (who, last, first) in LAST.items():
            pair = many.ask(who, first), many.ask(who, last)
            times[name] += [pair] if number else []
        say(f"  round {number}")
    return [_figure(name, times[name], GOAL_SEARCH if name in SEARCHES else GOAL, name in LAST) for name in times]


def _figure(name: str, pairs: list[tuple[float, float]], goal: float, of_first: bool) -> Figure:
    one, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    what = f"{name}, of the first page's time" if of_first else f"{name} at a million, of a thousand's"
    return at_most(what, other / one, goal, "×", digits=2, beside=f"{other:.0f} ms against {one:.0f}")
