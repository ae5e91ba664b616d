"""What ten thousand rows cost that wait and can't go out yet: the CPU of dispatcher and idle worker, and what they ask the database."""

import tempfile
import time
from pathlib import Path

from bench.figures import Figure, at_most
from bench.processes import cpu_seconds, family
from bench.throughput import fill
from tests.sites import Site

ACCOUNTS, ROWS = 500, 20
SECONDS = 60
GOAL_CPU, GOAL_STATEMENTS = 1, 3
PARTS = ("worker", "dispatcher")
HOW = (
    "Waiting rows",
    f"{ACCOUNTS} accounts whose hour is used up, with {ROWS} approved cases each that wait for it; a dispatcher and a worker that has nothing to do. "
    f"Over {SECONDS} s, once both have been up for half a minute, and the same of the same processes without a row. Statements without transactions' own.",
)
MISSED = (
    "Missed, and why: of the load the grouping of the due rows was the largest part (15 ms a round for 10,000 of them on SQLite). Mended: an index that holds all its columns (2 ms in a trial); "
    "rows are no longer read to say what may go out, leases are found by their own index, and rounds that find nothing ask less. Before these it was 2.02 % and 3.97 statements, with the beginnings "
    "of transactions counted too, and 1.50 % and 2.77 before the index, beside much other work."
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        counted = Path(folder) / "statements"
        extra = {"DJANGO_SETTINGS_MODULE": "bench.counted", "BENCH_STATEMENTS": str(counted)}
        site = Site.in_parts(Path(folder) / "var", time_scale=1)
        try:
            site.stop_part("web")
            rows: list[tuple[float, float, str]] = []
            for number in range(2):
                for part in PARTS:
                    site.stop_part(part)
                if number:
                    fill(site, "waiting", ACCOUNTS, ROWS)
                for part in PARTS:
                    site.start_part(part, **extra)
                rows.append(_watch(site, counted))
        finally:
            site.stop()
    (idle, asked, _loads), (cpu, statements, loads) = rows
    name = f"{ACCOUNTS * ROWS:,} waiting rows"
    return [
        at_most(f"{name}: load of one core", cpu, GOAL_CPU, "%", digits=2, beside=f"{loads}; without a row {idle:.2f}"),
        at_most(
            f"{name}: statements a second",
            statements,
            GOAL_STATEMENTS,
            "",
            digits=2,
            beside=f"without a row {asked:.2f}",
        ),
    ]


def _watch(site: Site, counted: Path) -> tuple[float, float, str]:
    """Percent of a core, statements a second, and the percents of each part."""
    time.sleep(30)
    families = {part: list(family(site.pids[part])) for part in PARTS}
    before, asked = {part: cpu_seconds(pids) for part, pids in families.items()}, counted.stat().st_size
    time.sleep(SECONDS)
    used = {part: (cpu_seconds(pids) - before[part]) / SECONDS * 100 for part, pids in families.items()}
    statements = (counted.stat().st_size - asked) / SECONDS
    return sum(used.values()), statements, ", ".join(f"{part} {share:.2f}" for part, share in used.items())
