"""What a case costs our worker, beside the least that a Celery worker can be; and how often it writes."""

import statistics
import sys
import time
from contextlib import suppress

from bench.bare import QUEUE
from bench.figures import Figure, at_most, say
from bench.processes import cpu_seconds, family
from bench.throughput import ACCOUNTS, LATENCY, RAISED, beside, fill, sent
from bench.workers import Crew, Workers, site_on
from casesite.runner.parts import Part
from casesite.runner.processes import Child
from tests.sites import wait_until

CASES = 4
ROUNDS = 5
CREW = Crew(1, 16)
GOAL_CPU, GOAL_WRITES = 1.3, 4
HOW = (
    "CPU of a case",
    f"One worker process of 16 threads on SQLite, {ACCOUNTS} accounts with {CASES} approved cases each, limits and gates raised by settings, {LATENCY * 1000:g} ms for CreateCase at the "
    "simulator, no dry runs. Beside it a Celery worker with the same pool and broker whose task makes one boto3 call with a client that it kept, and updates one row of the same "
    f"database through the ORM (`bench/bare.py`). {ROUNDS} rounds of each in turns, both warm; CPU of the worker process for a case, the median of the ratios. "
    "Transactions that write are counted apart, over one round: those that a worker began to write (claim, intent, report, and what reads of display ids store), not those within others.",
)
MISSED = (
    "Missed, and why: the bare worker does one statement for a case. The promise costs what the ratio says: a claim that counts what is in flight, the hour and the "
    "gate; an intent that asks all of it once more and is on disk before the request leaves; a report that locks the case, closes the attempt, tells the case's story and "
    "looks whether anything else waits for it; and a read of the display id. Tried: all of these statements compiled once, no object where a tuple does, the gate read without a lock where it "
    "is in order, the hour found by account and time, the attempt written and closed without building a query. What is left is the way of each statement through Django and the driver, and the "
    "building of the rows as objects."
)


def measure() -> list[Figure]:
    with site_on("sqlite", RAISED) as site:
        site.sandbox.settings(cases_per_hour=1_000_000, calls_per_second=100_000)
        fill(site, "accounts", ACCOUNTS)
        bare = Bare(site)
        try:
            return _measure(site, bare)
        finally:
            bare.stop()


def _measure(site: Workers, bare: "Bare") -> list[Figure]:
    site.have(CREW)
    sent(site, 1)
    bare.sent(1)
    site.sandbox.settings(create_case_latency=LATENCY)
    rounds = []
    for number in range(1, ROUNDS + 1):
        theirs = bare.sent(CASES)
        rate, ours, _database = sent(site, CASES)
        rounds.append((ours / theirs, ours, theirs))
        say(f"  round {number}: {ours * 1000:.1f} ms, bare {theirs * 1000:.1f} ms; {rate:.0f} cases/s")
    site.have(None)
    writes = _writes(site)
    site.check()
    ratio, ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    told = f"ms of CPU a case: ours {ours * 1000:.1f}, bare {theirs * 1000:.1f}"
    return [
        at_most("CPU of a case, of a bare worker's", ratio, GOAL_CPU, "×", digits=2, beside=told),
        at_most("Transactions that write, of a case", writes, GOAL_WRITES, "", digits=2),
    ]


def _writes(site: Workers) -> float:
    """Of one round, by a worker that notes each."""
    noted = site.var / "writes"
    site.start_part("worker", DJANGO_SETTINGS_MODULE="bench.counted", BENCH_WRITES=str(noted))
    sent(site, CASES)
    site.stop_part("worker")
    return noted.stat().st_size / (ACCOUNTS * CASES)


class Bare:
    """The bare worker beside a site."""

    def __init__(self, site: Workers) -> None:
        assert site._place
        self.site = site
        environment = site._place.environment(aws=True) | {"DJANGO_SETTINGS_MODULE": "bench.settings"}
        options = (
            f"-P threads -c {CREW.threads} -Q {QUEUE} -n bare@%h --without-gossip --without-mingle --without-heartbeat"
        )
        command = [sys.executable, *f"-m celery -A bench.bare --quiet --skip-checks worker {options}".split()]
        self._log = (site.var / "bare.log").open("ab")
        self._process = Child(Part("bare", command, environment), output=self._log)

    def stop(self) -> None:
        self._process.terminate()
        with suppress(Exception):
            self._process.process.wait(30)
        self._process.kill()
        self._log.close()

    def sent(self, cases: int) -> float:
        """CPU seconds for each case."""
        pids = list(family(self._process.pid))
        before = cpu_seconds(pids)
        beside(self.site, "bench.bare", ACCOUNTS, cases, DJANGO_SETTINGS_MODULE="bench.settings")
        left = "SELECT count(*) AS n FROM comparison_note WHERE body = ''"
        wait_until(lambda: self.site.rows(left)[0]["n"] == 0, seconds=300, every=0.2, what="the bare worker")
        time.sleep(1)
        return (cpu_seconds(pids) - before) / (ACCOUNTS * cases)
