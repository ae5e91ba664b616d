"""Sixteen people who save cases while a worker stores ids in the same SQLite file, beside the least that a POST can be."""

import json
import tempfile
from itertools import chain
from pathlib import Path

from bench.figures import Figure, at_most, percentile, say
from bench.pages import BARE, FORM, SERVICES, browsers_of
from bench.requests import Browser, Load
from bench.throughput import ACCOUNTS, LATENCY, RAISED, fill
from tests.sites import Site

CONNECTIONS = 16
ROUNDS = 8
REQUESTS = 160  # of each kind in a round
CASES = 24  # for each account, waiting for the worker: more than it sends meanwhile
GOAL = 1.5
HOW = (
    "Web beside a worker",
    f"One web process and one worker process of 16 threads on one SQLite file. The worker sends approved cases of {ACCOUNTS} accounts, "
    f"{LATENCY * 1000:g} ms for CreateCase at the simulator, all the while; {CONNECTIONS} connections post, each the next as soon as the "
    f"last is answered: {ROUNDS} rounds in turns of {REQUESTS} new drafts and as many posts to the bare view of the pages. "
    "The 99th percentile of all rounds. The person has all those accounts. An answer other than the expected one ends the measurement.",
)
MISSED = (
    "Missed, and why: drafts and the bare view are posted in turns and not at once. Who saves waits for sixteen of their own kind, so the ratio follows that of the CPU of saving a draft "
    "(`python -m bench pages`)."
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.in_parts(Path(folder), time_scale=1, extra_env=RAISED)
        try:
            return _measure(site)
        finally:
            site.stop()


def _measure(site: Site) -> list[Figure]:
    site.sandbox.settings(cases_per_hour=1_000_000, calls_per_second=100_000, create_case_latency=LATENCY)
    site.stop_part("web")
    told = json.loads(fill(site, "pages", SERVICES, DJANGO_SETTINGS_MODULE="bench.settings"))
    fill(site, "accounts", ACCOUNTS)
    web = site.start_part("web", DJANGO_SETTINGS_MODULE="bench.settings")
    browsers = browsers_of(site, told, web.pid, CONNECTIONS)
    fields = told["fields"]
    _round(*browsers, fields)  # warms
    fill(site, "submit", CASES)
    fill(site, "release")
    before = _stored(site)
    rounds = [_round(*browsers, fields) for _number in range(ROUNDS)]
    stored, left = _stored(site) - before, _waiting(site)
    if not left:
        raise SystemExit(f"The worker had nothing left to send before the posts were over: {stored} ids were stored.")
    worst = {
        name: percentile(list(chain.from_iterable(each[name].seconds for each in rounds)), 99) for name in rounds[0]
    }
    told_worst = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in worst.items())
    say(f"  p99 {told_worst}; {stored} ids stored meanwhile")
    return [
        at_most(
            f"p99 of {CONNECTIONS} connections that save drafts beside a worker, of a bare view's",
            worst["draft"] / worst["bare"],
            GOAL,
            "×",
            digits=2,
            beside=f"p99: {told_worst}; {ROUNDS * REQUESTS} posts of each, no error; {stored} ids stored meanwhile",
        )
    ]


def _round(browser: Browser, django: Browser, fields: dict[str, str]) -> dict[str, Load]:
    return {
        "bare": django.post(BARE, REQUESTS, fields),
        "draft": browser.post(FORM, REQUESTS, fields | {"action": "save_draft"}),
    }


def _stored(site: Site) -> int:
    """Cases whose id AWS gave and the worker wrote down."""
    return int(site.rows("SELECT count(*) AS n FROM cases_case WHERE aws_case_id IS NOT NULL")[0]["n"])


def _waiting(site: Site) -> int:
    return int(site.rows("SELECT count(*) AS n FROM submissions_submission WHERE state = 'queued'")[0]["n"])
