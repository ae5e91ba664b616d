"""What a client for each of many accounts takes of a worker, over a single one."""

import json
import statistics

from bench.figures import Figure, at_most, say
from bench.throughput import beside, fill
from bench.workers import site_on

ACCOUNTS = 100
ROUNDS = 5
GOAL_MIB, GOAL_CPU = 40, 1.5
HOW = (
    "Clients",
    f"In a process of its own each time, with the site's settings: working keys and a client that writes, got from the workers' pool for one account, then for {ACCOUNTS}, as workers get them "
    f"for a case each, against the simulator; {ROUNDS} times, medians. The pool keeps all of them. Memory is resident (RSS).",
)
MISSED = (
    "Missed, and why: an account takes a client for STS, which makes sure whose keys these are, one call of it, and a client that writes. Half of a client is botocore's: a third of it copies the table of its "
    "event handlers, the rest resolves configuration and endpoints, all of it for each client anew. Tried: Python's search for garbage, which took a third, made rare (22.6 became 15 ms an account); handlers of other services taken out of the "
    "table (0.2 ms); of large services only what is used loaded (of Amazon Connect 6 ms instead of 17); one client that assumes the roles of all accounts."
)


def measure() -> list[Figure]:
    with site_on("sqlite", {}, without=("worker", "web", "dispatcher")) as site:
        fill(site, "accounts", ACCOUNTS)
        rounds = []
        for number in range(1, ROUNDS + 1):
            mib, cpu = json.loads(beside(site, "bench.clients_of_all", ACCOUNTS))
            rounds.append((mib, cpu))
            say(f"  round {number}: {mib:.1f} MiB, {cpu:.2f} s of CPU")
    mib, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
    name = f"A client for each of {ACCOUNTS} accounts, over one"
    return [
        at_most(f"{name}: memory", mib, GOAL_MIB, "MiB", digits=1),
        at_most(f"{name}: CPU", cpu, GOAL_CPU, "s", digits=2),
    ]
