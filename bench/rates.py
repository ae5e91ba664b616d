"""How fast accounts send within what AWS allows them, beside programs as one writes them with boto3 today."""

import json
import math
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import clients
from bench.figures import ROOT, Figure, Table, at_least, at_most, say
from bench.fill import FIRST_ACCOUNT
from bench.throughput import LATENCY, fill
from tests.sandboxes import Sandbox
from tests.sites import Site, wait_until

WINDOW = 60.0  # seconds: AWS's hour, and ours, at a time scale of 60
LOSE_EVERY = 2.0  # seconds
TEMPLATE = "General question"


@dataclass(frozen=True, kw_only=True)
class Quota:
    """What AWS allows, and the cases that are to go out within it from each account."""

    name: str
    connect: bool = False
    per_second: float
    burst: int
    raised: int = 1  # how much more than AWS allows at first
    per_hour: int = 100_000
    accounts: int = 1
    cases: int
    losing: bool = False  # every two seconds an answer gets lost after the case was opened

    @property
    def operation(self) -> str:
        return "connectcases.CreateCase" if self.connect else "support.CreateCase"

    @property
    def time_scale(self) -> float:
        return 3600 / WINDOW if self.per_hour < 100_000 else 1

    @property
    def ideal(self) -> float:
        """Seconds from the first case to the last where every place and every token is used at once."""
        hours, left = divmod(self.cases - 1, self.per_hour)
        return hours * WINDOW + max(0.0, (left + 1 - self.burst) / self.per_second)


# Of Support AWS takes 5 calls a second of all kinds; the site's cases keep to 2 of them, and that is what counts as all here.
QUOTAS = (
    Quota(name="Connect, 2 a second, 10 at once", connect=True, per_second=2, burst=10, cases=60),
    Quota(name="Connect, 10 a second, 10 at once", connect=True, per_second=10, burst=10, raised=5, cases=200),
    Quota(name="Support, 2 a second of 5 calls", per_second=2, burst=2, cases=60),
    Quota(name="Support, 10 an hour, 1 account", per_second=2, burst=2, per_hour=10, cases=30),
    Quota(name="Support, 10 an hour, 5 accounts", per_second=2, burst=2, per_hour=10, cases=30, accounts=5),
)
LOSING = tuple(replace(QUOTAS[number], losing=True) for number in (0, 2))
HOW = (
    "Rate",
    f"Approved cases of each account at one worker process of 16 threads, and the same cases from boto3 as it comes (`legacy` is its default) "
    f"with 16 threads and a client for each account, one after the other against the same simulator, which takes {LATENCY * 1000:g} ms for CreateCase, "
    f"counts as AWS does and refuses what is more; its hour, and the site's, last {WINDOW:g} s. Lost: not there in the end. Doubled: there once more. "
    "Refused: of the requests to open a case. Rate used: the time that these cases take where every place and every token is used, to the time "
    "from the first request to the last. Time: from the approval to the last stored case id, to the same ideal; of a program, from its first request. "
    f"Where answers get lost, every {LOSE_EVERY:g} s one call is carried out and its connection closed without an answer; of the site until as many calls came as there are cases. A raised rate is told to the "
    "site by its settings. Of Support's 5 calls a second the site uses 2 for cases, which is the ideal here: a program may use more.",
)
HEAD = ("quota", "who", "cases", "lost", "doubled", "refused", "rate used", "time, × ideal")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one load."""

    quota: Quota
    who: str
    lost: int
    doubled: int
    requests: int
    refused: int
    sending: float  # seconds from the first request to the last
    took: float

    @property
    def refused_share(self) -> float:
        return 100 * self.refused / self.requests

    @property
    def used(self) -> float:
        return self.quota.ideal / self.sending

    @property
    def against_ideal(self) -> float:
        return self.took / self.quota.ideal

    @property
    def row(self) -> tuple[str, ...]:
        of_all = self.quota.cases * self.quota.accounts
        # Who leaves cases behind is done sooner: that is no figure.
        speed = ("-", "-") if self.lost else (f"{self.used:.2f}", f"{self.against_ideal:.2f}")
        refused = f"{self.refused_share:.1f} %"
        return (self.quota.name, self.who, str(of_all), str(self.lost), str(self.doubled), refused, *speed)


def measure() -> list[Figure | Table]:
    found = [outcome for quota in (*QUOTAS, *LOSING) for outcome in _all_of(quota)]
    ours = [outcome for outcome in found if outcome.who == "Casesite"]
    in_order = [outcome for outcome in ours if not outcome.quota.losing]
    return [
        at_most("Cases lost, at all quotas", sum(each.lost for each in ours), 0, ""),
        at_most("Cases opened twice", sum(each.doubled for each in ours), 0, ""),
        _worst(at_most, "Refused requests", in_order, lambda each: each.refused_share, 1, "%", digits=1),
        _worst(at_least, "Rate used", in_order, lambda each: each.used, 0.95, "", digits=2),
        _worst(at_most, "Time, of the ideal", in_order, lambda each: each.against_ideal, 1.08, "×", digits=2),
        _table("Within AWS's quotas", [each for each in found if not each.quota.losing]),
        _table("The same while answers get lost", [each for each in found if each.quota.losing]),
    ]


def _worst(goal: Any, name: str, found: list[Outcome], of: Any, limit: float, unit: str, *, digits: int) -> Figure:
    """The figure of the quota that fares worst."""
    worst = (max if goal is at_most else min)(found, key=of)
    figure: Figure = goal(
        f"{name}, the worst of all quotas", of(worst), limit, unit, digits=digits, beside=worst.quota.name
    )
    return figure


def _table(title: str, found: list[Outcome]) -> Table:
    return Table(title=title, head=HEAD, rows=tuple(each.row for each in found))


def _all_of(quota: Quota) -> Iterator[Outcome]:
    raised = {"CASESITE_GATE_RATE": str(quota.raised)}
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.in_parts(Path(folder), time_scale=quota.time_scale, extra_env=raised)
        try:
            site.stop_part("web")
            _as_aws(site.sandbox, quota)
            yield _said(_ours(site, quota))
            for mode in clients.MODES:
                yield _said(_theirs(site, quota, mode))
        finally:
            site.stop()


def _said(outcome: Outcome) -> Outcome:
    say("  " + " | ".join(outcome.row))
    return outcome


def _as_aws(sandbox: Sandbox, quota: Quota) -> None:
    sandbox.settings(
        create_case_latency=LATENCY,
        cases_per_hour=quota.per_hour,
        calls_per_second=5 * quota.raised,
        connect_rates={"connectcases.CreateCase": [quota.per_second, quota.burst]} if quota.connect else {},
    )


@contextmanager
def _answers_lost(sandbox: Sandbox, quota: Quota, most_requests: float = math.inf) -> Iterator[None]:
    """Every two seconds one, if the quota says so, until that many requests have come."""
    ended = threading.Event()

    def lose() -> None:
        while not ended.wait(LOSE_EVERY) and len(sandbox.requests(quota.operation)) < most_requests:
            sandbox.lose_answer(quota.operation, dry_run=False)

    thread = threading.Thread(target=lose, daemon=True)
    if quota.losing:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if quota.losing:
            thread.join()
        sandbox.clear_faults()


# --- the site ----------------------------------------------------------------------------------------------------------------
def _ours(site: Site, quota: Quota) -> Outcome:
    numbers = [FIRST_ACCOUNT + number for number in range(quota.accounts)]
    if quota.connect:
        site.sandbox.connect_demo(str(FIRST_ACCOUNT))
        fill(site, "connect_lane", quota.cases)
    else:
        fill(site, "accounts", quota.accounts, quota.per_hour)
        fill(site, "submit", quota.cases)
    everything = quota.cases * quota.accounts
    # What the site asks for again after that is seldom enough to be lost each time.
    with _answers_lost(site.sandbox, quota, most_requests=everything):
        began = float(fill(site, "release", 1))
        done = "SELECT count(*) AS n FROM submissions_submission WHERE remote_id IS NOT NULL"
        wait_until(
            lambda: site.rows(done)[0]["n"] == everything, seconds=600, every=0.2, what="the delivery of all cases"
        )
    broken = site.manage("verify_invariants", check=False)
    if broken.returncode:
        raise SystemExit(f"The measurement broke an invariant:\n{broken.stdout}")
    ended = "SELECT (julianday(max(closed_at)) - 2440587.5) * 86400 AS at FROM delivery_attempt WHERE outcome = 'done'"
    return _outcome(site.sandbox, quota, "Casesite", numbers, took=site.rows(ended)[0]["at"] - began)


# --- programs of today -------------------------------------------------------------------------------------------------------
def _theirs(site: Site, quota: Quota, mode: str) -> Outcome:
    first = FIRST_ACCOUNT + 1000 * (1 + clients.MODES.index(mode))
    numbers = [first + number for number in range(quota.accounts)]
    domains = {str(number): _domain(site.sandbox, number) for number in numbers} if quota.connect else {}
    asked = {"accounts": numbers, "cases": quota.cases, "domains": domains}
    command = [sys.executable, "-m", "bench.clients", site.sandbox_url, mode, json.dumps(asked)]
    with _answers_lost(site.sandbox, quota):
        subprocess.run(command, cwd=ROOT, env=site.environment, check=True)
    return _outcome(site.sandbox, quota, f"boto3, {mode}", numbers)


def _domain(sandbox: Sandbox, number: int) -> tuple[str, str]:
    """The ids of a demo domain and of the template that cases are opened with."""
    domain = sandbox.connect_demo(str(number))
    [template] = [each for each in domain["templates"] if each["name"] == TEMPLATE]
    return domain["domainId"], template["id"]


def _outcome(sandbox: Sandbox, quota: Quota, who: str, numbers: list[int], took: float | None = None) -> Outcome:
    accounts = {str(number) for number in numbers}
    requests = [
        request
        for request in sandbox.requests(quota.operation)
        if request["account"] in accounts and not request["dry_run"]
    ]
    there = Counter(_cases(sandbox, quota, accounts))
    at = sorted(request["at"] for request in requests)
    return Outcome(
        quota=quota,
        who=who,
        lost=quota.cases * quota.accounts - len(there),
        doubled=there.total() - len(there),
        requests=len(requests),
        refused=sum(request["outcome"] == "refused" for request in requests),
        sending=at[-1] - at[0],
        took=took or at[-1] - at[0] + LATENCY,
    )


def _cases(sandbox: Sandbox, quota: Quota, accounts: set[str]) -> Iterator[tuple[str, str]]:
    """The cases at AWS, each by its account and subject, which the site's reference may follow."""
    if not quota.connect:
        for case in sandbox.cases():
            if case.account_id in accounts:
                yield case.account_id, case.subject
        return
    for account in accounts:
        for each in sandbox.connect_cases(account):
            title: Any = each["fields"]["title"]
            yield account, title["stringValue"] if isinstance(title, dict) else title
