"""Worker processes beside each other on PostgreSQL, one, two and four of them, until the machine or the database is the limit."""

import statistics
from collections.abc import Iterator

from bench.figures import POSTGRES, Figure, at_least, say
from bench.throughput import ACCOUNTS, CASES, LATENCY, RAISED, fill, have_warm, sent
from bench.workers import Crew, site_on

CREWS = (Crew(1, 16), Crew(2, 16), Crew(4, 16))
ROUNDS = 5
DATABASE = POSTGRES
TENANTS, A_HOUR = 500, 10  # accounts, and the cases that AWS lets each open in an hour
NEED = TENANTS * A_HOUR / 3600  # cases a second
GOAL = 10  # times as much
HOW = (
    "Scaling",
    f"As throughput, on PostgreSQL, {ACCOUNTS} accounts with {CASES} approved cases each, and {', '.join(str(crew.processes) for crew in CREWS)} worker processes of 16 threads; "
    f"{ROUNDS} rounds of each in turns, medians. CPU is that of a case, of all workers and of all of the database's processes. {TENANTS} accounts that open all the {A_HOUR} "
    f"cases an hour which AWS allows come to {NEED:.1f} cases a second; the goal is {GOAL} times that.",
)

MEANS = (
    f"What that means for {TENANTS} accounts, on paper: AWS lets each open {A_HOUR} cases an hour, together {TENANTS * A_HOUR:,}, or {NEED:.1f} a second. Two workers are there for the "
    "one that dies, not for the rate. Should all accounts have ten approved cases waiting at once, the limits of AWS for each account set the pace (2 writes a second, ten an hour); "
    f"at the rates above all {TENANTS * A_HOUR:,} are through within minutes. Simulator, database and workers share this machine: on its two cores the processors are the limit from the first worker on; "
    "a second and a fourth bring nothing, they take turns on the same cores. How far more workers carry where cores are left for them is not known from this; what one case costs is: "
    "at 44 ms of a worker's CPU a case, what 500 accounts may open takes 6 % of one core. The database's CPU is not among the figures that are kept: "
    "it was counted without that of connections which had ended meanwhile."
)


def measure() -> list[Figure]:
    rounds: dict[Crew, list[tuple[float, float, float]]] = {crew: [] for crew in CREWS}
    with site_on("postgres", RAISED) as site:
        site.sandbox.settings(cases_per_hour=1_000_000, calls_per_second=100_000)
        fill(site, "accounts", ACCOUNTS)
        for turn in range(ROUNDS + 1):  # the first one warms all of them
            site.sandbox.settings(create_case_latency=LATENCY if turn else 0)
            for crew in CREWS:
                have_warm(site, crew)
                found = sent(site, CASES if turn else 1)
                if turn:
                    rounds[crew].append(found)
                    say(f"  round {turn}, {crew}: {found[0]:.1f} cases/s")
        site.check()
    return list(_figures(rounds))


def _figures(rounds: dict[Crew, list[tuple[float, float, float]]]) -> Iterator[Figure]:
    one = statistics.median(rate for rate, _worker, _database in rounds[CREWS[0]])
    for crew, found in rounds.items():
        rate, worker, database = (statistics.median(column) for column in zip(*found, strict=True))
        beside = (
            f"{rate / one:.2f} × one worker's; ms of CPU a case: workers {worker * 1000:.1f}, database {database * 1000:.1f}; "
            f"{rate / NEED:.0f} × what {TENANTS} accounts may open"
        )
        yield at_least(
            f"Cases a second from {crew} on PostgreSQL", rate, round(GOAL * NEED, 1), "/s", digits=0, beside=beside
        )
