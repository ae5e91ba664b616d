"""Whether one account in trouble makes twenty others wait: from approval to the request at AWS, with it and without it."""

import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure, Table, at_most, percentile, say
from bench.fill import FIRST_ACCOUNT
from bench.throughput import LATENCY, fill
from tests.sites import Site, wait_until

OTHERS = 20
APPROVALS, PAUSE_MS = 60, 150  # of the others in a round, one after another
WAITING = 40  # rows of the account in trouble, all due when its round begins
ROUNDS = 5
GOAL = 1.1
RAISED = {"CASESITE_DRY_RUNS": "false"}
CREATE = "support.CreateCase"
LEASED = "SELECT id FROM submissions_submission WHERE lease_until IS NOT NULL"
HOW = (
    "One account in trouble",
    f"{OTHERS} accounts in order and one that is not, with {WAITING} cases that are due; one worker process of 16 threads, {LATENCY * 1000:g} ms for CreateCase "
    f"at the simulator. In each round {APPROVALS} cases of the others are approved, one every {PAUSE_MS} ms. {ROUNDS} rounds without the account and {ROUNDS} with it "
    "in turns, for each trouble. Counted from the approval to the request at the simulator; the ratio of the medians of all calls of these rounds. "
    "Over its limit: AWS takes one call a second of it and throttles the rest. Blocked: AWS refuses access. Slow: CreateCase takes 5 s. Timing out: no answer.",
)


@dataclass(frozen=True)
class Trouble:
    name: str
    number: int  # of its account

    @property
    def account(self) -> str:
        return str(FIRST_ACCOUNT + self.number)

    def begin(self, site: Site) -> None:
        raise NotImplementedError


class OverItsLimit(Trouble):
    def begin(self, site: Site) -> None:
        site.sandbox.account(self.account, calls_per_second=1)


class Blocked(Trouble):
    def begin(self, site: Site) -> None:
        site.sandbox.account(self.account, denied=[CREATE.replace(".", ":")])


class Slow(Trouble):
    def begin(self, site: Site) -> None:
        site.sandbox.fault(CREATE, "slow", times=None, seconds=5, account=self.account)


class TimingOut(Trouble):
    def begin(self, site: Site) -> None:
        site.sandbox.fault(CREATE, "hang", times=None, seconds=60, account=self.account)


TROUBLES = (
    OverItsLimit("over its limit", OTHERS),
    Blocked("blocked", OTHERS + 1),
    Slow("slow", OTHERS + 2),
    TimingOut("timing out", OTHERS + 3),
)


def measure() -> list[Figure | Table]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.in_parts(Path(folder), time_scale=1, extra_env=RAISED)
        try:
            site.stop_part("web")
            return _measure(site)
        finally:
            site.stop()


def _measure(site: Site) -> list[Figure | Table]:
    site.sandbox.settings(create_case_latency=LATENCY, cases_per_hour=100_000)
    fill(site, "accounts", OTHERS + len(TROUBLES))
    rounds = 1 + 2 * ROUNDS * len(TROUBLES)
    fill(site, "submit", max(WAITING, rounds * APPROVALS // OTHERS))
    _round(site)  # every account's client and credentials
    found, rows = [], []
    for trouble in TROUBLES:
        trouble.begin(site)
        alone, beside = [], []
        for _turn in range(ROUNDS):
            alone += _round(site)
            fill(site, "awake", trouble.number)
            beside += _round(site)
            fill(site, "asleep", trouble.number)
            wait_until(lambda: not site.rows(LEASED), seconds=120, every=0.2, what="the end of all calls")
        ratio = statistics.median(beside) / statistics.median(alone)
        told = [f"{statistics.median(each):.0f} ms, p90 {percentile(each, 90):.0f}" for each in (alone, beside)]
        say(f"  {trouble.name}: {ratio:.2f} ({told[0]}; {told[1]})")
        found.append((ratio, trouble))
        rows.append((trouble.name, *told, f"{ratio:.2f}"))
    worst, trouble = max(found, key=lambda each: each[0])
    name = f"Latency of {OTHERS} accounts beside one in trouble, of theirs alone, the worst of {len(TROUBLES)}"
    return [
        at_most(name, worst, GOAL, "×", digits=2, beside=trouble.name),
        Table(
            title=f"From approval to the request at AWS, of {OTHERS} accounts, p50",
            head=("the other account is", "without it", "beside it", "ratio"),
            rows=tuple(rows),
        ),
    ]


def _round(site: Site) -> list[float]:
    """Approve some of the others' cases, and wait until all are there; the milliseconds that each took to get to AWS."""
    since = site.sandbox.requests(CREATE)[-1:]
    last = since[0]["id"] if since else 0
    approved: dict[str, float] = _approvals(site)
    marks = ", ".join("?" for _row in approved)
    rows = f"SELECT id, remote_id FROM submissions_submission WHERE id IN ({marks}) AND remote_id IS NOT NULL"
    done = wait_until(
        lambda: len(found := site.rows(rows, *approved)) == len(approved) and found,
        seconds=120,
        every=0.2,
        what="the delivery of a round",
    )
    arrived = {request["case_id"]: request["at"] for request in site.sandbox.requests(CREATE, since=last)}
    time.sleep(1)  # reads of display ids
    return [(arrived[row["remote_id"]] - approved[row["id"]]) * 1000 for row in done]


def _approvals(site: Site) -> dict[str, Any]:
    """The instant of each approval of a round, by the submission's id."""
    ids = fill(site, "trickle", APPROVALS, PAUSE_MS, OTHERS).split()
    marks = ", ".join("?" for _id in ids)
    rows = site.rows(f"SELECT id, approved_at FROM submissions_submission WHERE id IN ({marks})", *ids)
    return {row["id"]: datetime.fromisoformat(row["approved_at"]).replace(tzinfo=UTC).timestamp() for row in rows}
