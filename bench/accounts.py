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
MISSED = "Missed, and why: a client takes 24 ms of CPU on a machine on which 10 million additions in Python take 1.2 s. What the SDK reads of a service is read once and shared by all clients; what is left was not taken apart."


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
