"""Worker processes beside each other on PostgreSQL, one, two and four of them, until the machine or the database is the limit."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.figures import Figure, at_least, say
from bench.processes import cpu_seconds, family
from bench.throughput import LATENCY, RAISED, deliver, fill
from casesite.runner import parts
from tests.postgres import Cluster
from tests.sites import Site, wait_until

ACCOUNTS = 128
CASES = 6  # for each account and round
WORKERS = (1, 2, 4)
ROUNDS = 3
TENANTS, A_HOUR = 500, 10  # accounts, and the cases that AWS lets each open in an hour
GOAL = 10  # times what all of these may open together
HOW = (
    "Scaling",
    f"As throughput, but on a PostgreSQL of its own on the same machine (fsync and synchronous_commit on), {ACCOUNTS} accounts with {CASES} approved cases each, "
    f"and {', '.join(map(str, WORKERS))} worker processes of 16 threads; {ROUNDS} rounds of each in turns, medians. CPU is that of a case, of all workers and of all of the "
    f"database's processes. {TENANTS} accounts that open all the {A_HOUR} cases an hour which AWS allows come to {TENANTS * A_HOUR / 3600:.1f} cases a second.",
)


class Workers(Site):
    """A site whose workers are numbered: worker-1, worker-2 …"""

    def _part(self, role: str) -> parts.Part:
        kind, _, number = role.partition("-")
        part = super()._part(kind)
        return replace(
            part, command=[f"{number}-{word}" if word.startswith("site-") else word for word in part.command]
        )


def measure() -> list[Figure]:
    cluster = Cluster.start(hasty=False)
    try:
        with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder, cluster.database() as url:
            without = ("worker", "dispatcher", "web")
            site = Workers.in_parts(
                Path(folder), time_scale=1, extra_env=RAISED | {"DATABASE_URL": url}, without=without
            )
            try:
                return _measure(site, cluster)
            finally:
                for role in list(site.pids):
                    if role.startswith("worker"):
                        site.stop_part(role)
                site.stop()
    finally:
        cluster.stop()


def _measure(site: Workers, cluster: Cluster) -> list[Figure]:
    site.sandbox.settings(cases_per_hour=1_000_000, calls_per_second=100_000)
    fill(site, "accounts", ACCOUNTS)
    site.start_part("dispatcher")
    rounds: dict[int, list[tuple[float, float, float]]] = {number: [] for number in WORKERS}
    for turn in range(ROUNDS + 1):  # the first one warms all of them
        for number in WORKERS:
            _have(site, number)
            site.sandbox.settings(create_case_latency=LATENCY if turn else 0)
            found = _round(site, cluster, number, CASES if turn else 1)
            if turn:
                rounds[number].append(found)
                say(f"  round {turn}, {number} workers: {found[0]:.1f} cases/s")
    broken = site.manage("verify_invariants", check=False)
    if broken.returncode:
        raise SystemExit(f"The measurement broke an invariant:\n{broken.stdout}")
    return list(_figures(rounds))


def _figures(rounds: dict[int, list[tuple[float, float, float]]]) -> Iterator[Figure]:
    need = TENANTS * A_HOUR / 3600
    one = statistics.median(rate for rate, _worker, _database in rounds[1])
    for number, found in rounds.items():
        rate, worker, database = (statistics.median(column) for column in zip(*found, strict=True))
        beside = (
            f"{rate / one:.2f} × one worker's; ms of CPU a case: workers {worker * 1000:.1f}, database {database * 1000:.1f}; "
            f"{rate / need:.0f} × what {TENANTS} accounts may open"
        )
        name = f"Cases a second from {number} worker {'process' if number == 1 else 'processes'} on PostgreSQL"
        yield at_least(name, rate, round(GOAL * need, 1), "/s", digits=0, beside=beside)


def _have(site: Workers, number: int) -> None:
    """As many workers as that, and each says that it lives."""
    for index in range(1, max(WORKERS) + 1):
        role = f"worker-{index}"
        if index <= number and role not in site.pids:
            site.start_part(role)
        elif index > number and role in site.pids:
            site.stop_part(role)
    living = "SELECT count(*) AS n FROM delivery_beat WHERE role = 'worker' AND stopped_at IS NULL"
    wait_until(lambda: site.rows(living)[0]["n"] == number, seconds=120, what="the workers")


def _round(site: Workers, cluster: Cluster, number: int, cases: int) -> tuple[float, float, float]:
    """Cases a second, and the CPU seconds for each of all workers and of the database."""
    fill(site, "submit", cases)
    workers = [pid for index in range(1, number + 1) for pid in family(site.pids[f"worker-{index}"])]
    before, database_before = cpu_seconds(workers), _cpu_of(cluster)
    began = deliver(site)
    [ends] = site.rows("SELECT extract(epoch FROM max(closed_at)) AS last FROM delivery_attempt")
    time.sleep(1)  # reads of display ids that are still on their way
    done = ACCOUNTS * cases
    used = (cpu_seconds(workers) - before) / done, (_cpu_of(cluster) - database_before) / done
    return done / (float(ends["last"]) - began), *used


def _cpu_of(cluster: Cluster) -> float:
    postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
    return cpu_seconds(list(family(postmaster)))
