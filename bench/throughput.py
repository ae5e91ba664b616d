"""One worker process with 16 threads against a plain pool of 16, in turns, at a simulator that takes 150 ms for a case."""

import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import ROOT, Figure, at_least, say
from bench.processes import cpu_seconds, family
from tests.sites import Site, wait_until

ACCOUNTS = 128
CASES = 8  # for each account and round
ROUNDS = 3
LATENCY = 0.15
GOAL = 0.6
RAISED = {"CASESITE_GATE_RATE": "1000", "CASESITE_GATE_BURST": "1000", "CASESITE_DRY_RUNS": "false"}
HOW = (
    "Throughput",
    f"One worker process of 16 threads, {ACCOUNTS} accounts with {CASES} approved cases each, limits and gates raised by settings, "
    f"{LATENCY * 1000:g} ms for CreateCase at the simulator, which shares the machine. From the commit of the approvals to the last "
    "stored case id, with the reads of display ids among them and without dry runs. The pool: 16 threads, a client for each "
    f"account, the same calls and nothing else. {ROUNDS} rounds of each in turns, both warm; the median of the ratios.",
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        site = Site.in_parts(Path(folder), time_scale=1, extra_env=RAISED)
        try:
            site.stop_part("web")
            return _measure(site)
        finally:
            site.stop()


def _measure(site: Site) -> list[Figure]:
    site.sandbox.settings(cases_per_hour=1_000_000, calls_per_second=100_000)
    fill(site, "accounts", ACCOUNTS)
    _ours(site, 1)  # every account's client and credentials
    site.sandbox.settings(create_case_latency=LATENCY)
    rounds = []
    for number in range(ROUNDS):
        pool = _pool(site)
        ours, cpu = _ours(site, CASES)
        rounds.append((ours / pool, ours, pool, cpu))
        say(f"  round {number + 1}: {ours:.1f} cases/s, pool {pool:.1f}, {cpu * 1000:.1f} ms of CPU a case")
    broken = site.manage("verify_invariants", check=False)
    if broken.returncode:
        raise SystemExit(f"The measurement broke an invariant:\n{broken.stdout}")
    ratio, ours, pool, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
    beside = f"{ours:.0f} cases a second against {pool:.0f}; {cpu * 1000:.1f} ms of the worker's CPU for a case"
    return [at_least("Throughput of one worker, of a plain pool's", ratio, GOAL, "", beside=beside)]


def fill(site: Site, *arguments: object, **more: str) -> str:
    """What `python -m bench.fill` prints, run beside the site; `more` are variables."""
    return beside(site, "bench.fill", *arguments, **more)


def beside(site: Site, module: str, *arguments: object, **more: str) -> str:
    """What a module prints that runs with the site's environment."""
    assert site._place
    environment = site._place.environment() | more
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def deliver(site: Site) -> float:
    """Approve all that was submitted and wait until it is delivered. The time of the approval."""
    began = float(fill(site, "release"))
    open_rows = "SELECT count(*) AS n FROM submissions_submission WHERE state != 'delivered' AND queued_at IS NOT NULL"
    mine = f"{open_rows} AND submitted_by_id = (SELECT id FROM auth_user WHERE username = 'author')"
    wait_until(lambda: site.rows(mine)[0]["n"] == 0, seconds=600, every=0.2, what="the delivery of all cases")
    return began


def _pool(site: Site) -> float:
    command = [sys.executable, "-m", "bench.pool", site.sandbox_url, str(ACCOUNTS), str(CASES)]
    done = subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, text=True, check=True)
    return ACCOUNTS * CASES / float(done.stdout)


def _ours(site: Site, cases: int) -> tuple[float, float]:
    """Cases a second, and the worker's CPU seconds for each."""
    fill(site, "submit", cases)
    worker = list(family(site.pids["worker"]))
    before = cpu_seconds(worker)
    began = deliver(site)
    since = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%d %H:%M:%S")
    ends = site.rows("SELECT closed_at FROM delivery_attempt WHERE started_at >= ? ORDER BY closed_at", since)
    last = datetime.fromisoformat(ends[-1]["closed_at"]).replace(tzinfo=UTC).timestamp()
    time.sleep(1)  # reads of display ids that are still on their way
    done = ACCOUNTS * cases
    return done / (last - began), (cpu_seconds(worker) - before) / done
