"""Forms made from Connect templates beside an empty page, and one lane that sends as fast as Amazon Connect takes it."""

import json
import re
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from bench.figures import Figure, at_least, at_most, say
from bench.fill import FIRST_ACCOUNT
from bench.requests import Browser
from bench.throughput import LATENCY, fill
from tests.sites import Site, wait_until

EMPTY = "/comparison/empty/"
FIELDS, MANY, RULES = 30, 200, 50
ROUNDS, REQUESTS, REQUESTS_MANY = 5, 60, 12
CASES = 60  # in one region
RATE, BURST = 2.0, 10  # AWS's, of CreateCase; one of the burst is left to others
HOW = (
    "Connect",
    f"Forms: one web process as `make run` starts it, templates of {FIELDS} and of {MANY} fields with {RULES} rules, for one signed-in agent; "
    f"{ROUNDS} rounds in turns with an empty page of the same sign-in and frame; medians. The fragment is what an answer brings back while one "
    f"fills in the form of {MANY} fields. The lane: {CASES} approved cases of one account and region, one worker process of 16 threads, "
    f"{LATENCY * 1000:g} ms for CreateCase at the simulator, which takes {RATE:g} a second and {BURST} at once and refuses what is more. From the "
    "first request to the last, against the time that this many take where every token is used.",
)


def measure() -> list[Figure]:
    return [*_forms(), *_lane()]


# --- forms -------------------------------------------------------------------------------------------------------------
def _forms() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.in_parts(Path(folder), time_scale=1)
        try:
            for part in ("worker", "dispatcher", "web"):
                site.stop_part(part)
            told = json.loads(fill(site, "connect_forms", MANY, DJANGO_SETTINGS_MODULE="bench.settings"))
            web = site.start_part("web", DJANGO_SETTINGS_MODULE="bench.settings")
            return _form_figures(Browser(site.url, told["session"], web.pid), told)
        finally:
            site.stop()


def _form_figures(browser: Browser, told: dict[str, str]) -> list[Figure]:
    shown = re.findall(r'name="known" value="([^"]*)"', browser.text(told["many"]))
    typed = urlencode([("action", "update"), ("fields-field-7", "option-3"), *(("known", one) for one in shown)])
    rounds = []
    for number in range(ROUNDS + 1):
        empty = browser.get(EMPTY, REQUESTS)
        form = browser.get(told["few"], REQUESTS)
        many = browser.get(told["many"], REQUESTS_MANY)
        fragment = browser.fragment(told["many"], REQUESTS_MANY, typed)
        if number:  # the first one warms
            rounds.append((form.cpu / empty.cpu, form.cpu, many.cpu, fragment.cpu))
            say(
                "  round {}: {:.2f} ×, ms {:.1f}, {:.1f}, {:.1f}".format(
                    number, *(rounds[-1][0], *(each * 1000 for each in rounds[-1][1:]))
                )
            )
    ratio, form_cpu, many_cpu, fragment_cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
    beside = f"{form_cpu * 1000:.1f} ms"
    return [
        at_most(
            f"CPU of a Connect form of {FIELDS} fields, of an empty page's", ratio, 4, "×", digits=2, beside=beside
        ),
        at_most(f"CPU of a Connect form of {MANY} fields and {RULES} rules", many_cpu * 1000, 150, "ms", digits=1),
        at_most(f"CPU of an answer's fragment at {MANY} fields", fragment_cpu * 1000, 60, "ms", digits=1),
    ]


# --- one lane ------------------------------------------------------------------------------------------------------------
def _lane() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.in_parts(Path(folder), time_scale=1)
        try:
            site.stop_part("web")
            return _lane_figures(site)
        finally:
            site.stop()


def _lane_figures(site: Site) -> list[Figure]:
    sandbox = site.sandbox
    sandbox.settings(create_case_latency=LATENCY)
    sandbox.connect_demo(str(FIRST_ACCOUNT))
    fill(site, "connect_lane", CASES)
    fill(site, "release")
    done = "SELECT count(*) AS n FROM submissions_submission WHERE kind = 'connect_case' AND state = 'delivered'"
    wait_until(lambda: site.rows(done)[0]["n"] == CASES, seconds=120, every=0.2, what="the delivery of all cases")
    broken = site.manage("verify_invariants", check=False)
    if broken.returncode:
        raise SystemExit(f"The measurement broke an invariant:\n{broken.stdout}")
    requests = sandbox.requests("connectcases.CreateCase")
    refused = sum(request["outcome"] == "refused" for request in requests)
    truth = [case["tags"]["casesite-ref"] for case in sandbox.connect_cases(str(FIRST_ACCOUNT))]
    at = sorted(request["at"] for request in requests)
    took, ideal = at[-1] - at[0], (CASES - BURST) / RATE
    say(f"  {CASES} cases in {took:.1f} s, {refused} refused, ideal {ideal:.1f} s, {datetime.now(UTC):%H:%M}")
    beside = f"{took:.1f} s for {CASES}, {ideal:.1f} s where every token is used"
    return [
        at_most(
            "Cases of the lane that were lost, or there twice",
            abs(len(truth) - CASES) + len(truth) - len(set(truth)),
            0,
            "",
        ),
        at_most(
            "Refused answers of the lane",
            100 * refused / len(requests),
            1,
            "%",
            digits=1,
            beside=f"{len(requests)} requests",
        ),
        at_least("Rate of Connect that the lane uses", ideal / took, 0.95, "", beside=beside),
    ]
