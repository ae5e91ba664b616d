"""From an approval to the request at AWS, on a site that has nothing else to do; then what that site uses at rest."""

import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, at_most, percentile, say
from bench.processes import cpu_seconds, family, pss
from bench.throughput import RAISED
from tests.e2e.office import Office
from tests.sites import Site

CASES = 120
IDLE_SECONDS = 30
PARTS = ("supervisor", "broker", "web", "worker", "dispatcher")
GOAL_MS, GOAL_P99_MS, GOAL_MIB, GOAL_CPU = 25, 60, 270, 1
HOW = (
    "Latency, memory, load at rest",
    f"A site as `make run` starts it. {CASES} cases are written in the form, then approved on the review page, one after another and each once "
    "the one before is delivered. Counted from the time stamp of the decision, which is taken just before its commit, to the "
    f"request's at the simulator. Memory and load afterwards, over {IDLE_SECONDS} s without a request, of supervisor, broker, web, worker "
    "and dispatcher together; shared pages are counted in shares (PSS). No dry runs; the account's calls a second are raised by settings, for it is not their pace "
    "that is measured.",
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.start(Path(folder), time_scale=1, extra_env=RAISED)
        try:
            return [*_latency(site), *_at_rest(site)]
        finally:
            site.stop()


def _latency(site: Site) -> list[Figure]:
    office = Office(site)
    account = office.account(cases_per_hour=1000, reserve=0)
    site.sandbox.account(account.account_id, cases_per_hour=1000)
    cases = [account.submit(f"Case {number}") for number in range(CASES)]
    for case in cases:
        case.approve()
        case.wait_for("delivered")
        time.sleep(0.3)
    decided = {row["case_id"]: _instant(row["approved_at"]) for row in site.rows(APPROVED, account.account_id)}
    arrived = {request["case_id"]: request["at"] for request in account.requests_at_aws}
    first = min(decided, key=lambda case_id: decided[case_id])  # it makes its client
    took = [(arrived[case_id] - at) * 1000 for case_id, at in decided.items() if case_id != first]
    p50, p90, p99 = statistics.median(took), percentile(took, 90), percentile(took, 99)
    say(f"  {len(took)} approvals: p50 {p50:.1f} ms, p90 {p90:.1f} ms, p99 {p99:.1f} ms")
    return [
        at_most(
            "Approval to the request at AWS, p50",
            p50,
            GOAL_MS,
            "ms",
            digits=1,
            beside=f"p90 {p90:.0f} ms, of {len(took)}",
        ),
        at_most("Approval to the request at AWS, p99", p99, GOAL_P99_MS, "ms", digits=1),
    ]


APPROVED = """
SELECT s.remote_id AS case_id, s.approved_at FROM submissions_submission s
JOIN teams_awsaccount a ON a.id = s.account_id WHERE a.account_id = ?
"""


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _at_rest(site: Site) -> list[Figure]:
    time.sleep(15)
    families = {part: list(family(site.pids[part])) for part in PARTS}
    families["supervisor"] = families["supervisor"][:1]  # all others are its children
    everybody = [pid for pids in families.values() for pid in pids]
    before = {part: cpu_seconds(pids) for part, pids in families.items()}
    time.sleep(IDLE_SECONDS)
    used = {part: (cpu_seconds(pids) - before[part]) / IDLE_SECONDS * 100 for part, pids in families.items()}
    sizes = ", ".join(f"{part} {pss(pids):.0f}" for part, pids in families.items())
    loads = ", ".join(f"{part} {share:.2f}" for part, share in used.items())
    return [
        at_most("Memory of a running site", pss(everybody), GOAL_MIB, "MiB", beside=sizes),
        at_most("Load at rest, of one core", sum(used.values()), GOAL_CPU, "%", digits=2, beside=loads),
    ]
