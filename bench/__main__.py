"""`python -m bench [part ...]`: measure; `--help` lists the parts.

Prints a line for each figure, keeps the results of each part as soon as they are there, and writes docs/performance.md from all that is kept.
The exit code is 0 where every goal was met and nothing is worse than in the last release.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from bench import (
    accounts,
    approvals,
    connect,
    cpu,
    isolation,
    latency,
    lists,
    pages,
    promises,
    rates,
    results,
    scaling,
    start,
    throughput,
    uploads,
    waiting,
    web,
)
from bench.figures import Figure, circumstances, say

PARTS: dict[str, Any] = {
    "latency": latency,
    "throughput": throughput,
    "throughput-postgres": SimpleNamespace(HOW=throughput.HOW, measure=partial(throughput.measure, "postgres")),
    "scaling": scaling,
    "cpu": cpu,
    "approvals": approvals,
    "clients": accounts,
    "rates": rates,
    "isolation": isolation,
    "waiting": waiting,
    "promises": promises,
    "pages": pages,
    "web": web,
    "lists": lists,
    "lists-postgres": SimpleNamespace(HOW=lists.HOW, measure=partial(lists.measure, "postgres")),
    "connect": connect,
    "uploads": uploads,
    "start": start,
}


def main(given: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--try", dest="trying", action="store_true", help="print only, keep nothing")
    parser.add_argument("--document", action="store_true", help="measure nothing, print docs/performance.md")
    parser.add_argument(
        "--release", action="store_true", help="measure nothing, keep the results as those of a release"
    )
    asked = parser.parse_args(given)
    if asked.document:
        print(results.document(results.read(results.RESULTS), PARTS), end="")
        return 0
    if asked.release:
        results.write(results.RELEASED, results.read(results.RESULTS))
        return 0
    good = [_measured(part, PARTS[part].measure, keep=not asked.trying) for part in asked.parts or PARTS]
    return 0 if all(good) else 1


def _measured(part: str, measure: Callable[[], list[Any]], *, keep: bool) -> bool:
    """Whether all goals of a part were met and nothing is worse than it was."""
    say(f"{part} ...")
    released = results.by_name(results.read(results.RELEASED))
    run, found = circumstances(), []
    for each in measure():
        said = results.compared(each, released) if isinstance(each, Figure) else ""
        lines = [f"{each.line} {said}".rstrip()] if isinstance(each, Figure) else each.lines
        print("\n".join(lines), flush=True)
        found.append(each)
    if keep:
        results.keep(part, run, found)
        results.DOCUMENT.write_text(results.document(results.read(results.RESULTS), PARTS))
    figures = [each for each in found if isinstance(each, Figure)]
    return all(
        each.met and not (each.name in released and results.is_worse(each, released[each.name])) for each in figures
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
