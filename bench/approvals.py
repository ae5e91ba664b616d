"""Approving a thousand submissions, beside publishing a thousand bare tasks."""

import json
import statistics

from bench.figures import Figure, at_most, say
from bench.throughput import beside, fill
from bench.workers import site_on

ACCOUNTS, CASES = 100, 10
ROUNDS = 5
GOAL = 1.3
HOW = (
    "Approvals",
    f"{ACCOUNTS * CASES:,} submissions of {ACCOUNTS} accounts, each approved by the service that the review pages call: the rights and the hash of what was read are checked, the row moved, the "
    "decision and the event written, all of it committed to disk, and a bell rung. In turns with as many Celery tasks published one after another to the same Redis. No page is rendered. "
    f"{ROUNDS} rounds on SQLite; the median of the ratios.",
)
MISSED = (
    "Missed, and why: an approval is a decision of a person about one text, so each is a transaction of its own with its row locked, its hash compared and its own commit; a broken one leaves all others alone. "
    "The pages approve twenty at once at the most, and each after it was opened, so a batch of a thousand in few statements was "
    "not built: nobody could ask for it. What one approval costs is told beside the ratio. The bell costs the page nothing: a thread of its own rings it."
)


def measure() -> list[Figure]:
    with site_on("sqlite", {}, without=("worker", "web", "dispatcher")) as site:
        fill(site, "accounts", ACCOUNTS)
        rounds = []
        for number in range(ROUNDS + 1):
            fill(site, "submit", CASES if number else 1)
            approving, publishing = json.loads(beside(site, "bench.approving"))
            if number:
                rounds.append((approving / publishing, approving, publishing))
                say(f"  round {number}: {approving:.2f} ms an approval, {publishing:.2f} ms a publish")
    ratio, approving, publishing = (statistics.median(column) for column in zip(*rounds, strict=True))
    told = f"ms for each: approval {approving:.2f}, publish {publishing:.2f}"
    return [
        at_most(f"{ACCOUNTS * CASES:,} approvals, of as many bare publishes", ratio, GOAL, "×", digits=2, beside=told)
    ]
