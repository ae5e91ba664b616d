"""A simulated day of 500 accounts with bursts of approvals: the times that pages show, and what then happens."""

import json
import tempfile
from pathlib import Path

from bench.figures import Figure, at_least, say
from bench.throughput import beside
from tests.sites import Site

ACCOUNTS, BURSTS, APPROVALS = 500, 24, 100
GOAL = 95
HOW = (
    "Times shown",
    f"A day of {ACCOUNTS} accounts that may open 10 cases an hour, 3 of them kept for urgent ones, in one process whose clock is moved from one round of the "
    f"dispatcher to the next, 15 s apart. Every {24 * 60 // BURSTS} minutes {APPROVALS} cases of all severities are approved at once, for all accounts, for "
    "ten or for a single one; every 10 minutes, and right after a burst, the time of each waiting case is noted as pages show it then. What is sent is "
    "what dispatcher and workers find by their own code, against the simulator. Compared with the attempt's start; a time that passed without one "
    "counts as missed.",
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.in_parts(Path(folder), time_scale=1, without=("worker", "dispatcher", "web"))
        try:
            site.sandbox.settings(calls_per_second=1000, cases_per_hour=1_000_000)
            told = beside(site, "bench.day", ACCOUNTS, BURSTS, APPROVALS, CASESITE_DRY_RUNS="false")
        finally:
            site.stop()
    found = json.loads(told)
    say(f"  {found}")
    name = "Times shown that came true within a minute"
    also = (
        f"{found['told']} times of {found['cases']} cases, {found['waited']} of them for later than a minute after; "
        f"of these {found['kept_later']:.1f} %; half of all within {found['median']:.0f} s"
    )
    return [at_least(name, found["kept"], GOAL, "%", digits=1, beside=also)]
