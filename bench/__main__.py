"""`python -m bench [part ...]`: measure; `--help` lists the parts.

Prints a line for each figure, keeps the results of each part as soon as they are there, and writes docs/performance.md from all that is kept.
The exit code is 0 where every goal was met and nothing is worse than in the last release.
"""

import argparse
import sys
from functools import partial
from types import ModuleType, SimpleNamespace
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
from bench.figures import POSTGRES, SQLITE, Figure, circumstances, say


def on_postgres(module: ModuleType) -> Any:
    """The same part, with the same texts, on PostgreSQL."""
    return SimpleNamespace(**vars(module) | {"measure": partial(module.measure, "postgres"), "DATABASE": POSTGRES})


PARTS: dict[str, Any] = {
    "latency": latency,
    "throughput": throughput,
    "throughput-postgres": on_postgres(throughput),
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
    "lists-postgres": on_postgres(lists),
    "connect": connect,
    "uploads": uploads,
    "start": start,
}


def main(given: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--no-keep", dest="trying", action="store_true", help="print only, keep nothing")
    parser.add_argument("--document", action="store_true", help="measure nothing, print docs/performance.md")
    parser.add_argument("--release", action="store_true", help="measure nothing, keep all results as this version's")
    asked = parser.parse_args(given)
    if asked.document:
        print(results.document(results.read(), PARTS), end="")
        return 0
    if asked.release:
        results.release()
        return 0
    good = [_measured(part, PARTS[part], keep=not asked.trying) for part in asked.parts or PARTS]
    return 0 if all(good) else 1


def _measured(part: str, module: Any, *, keep: bool) -> bool:
    """Whether all goals of a part were met and nothing is worse than it was."""
    say(f"{part} ...")
    release = results.released()
    run, found = circumstances(getattr(module, "DATABASE", SQLITE)), []
    for each in module.measure():
        said = release.compared(part, each) if isinstance(each, Figure) else ""
        lines = [f"{each.line} {said}".rstrip()] if isinstance(each, Figure) else each.lines
        print("\n".join(lines), flush=True)
        found.append(each)
    if keep:
        results.keep(part, run, found)
        results.DOCUMENT.write_text(results.document(results.read(), PARTS))
    figures = [each for each in found if isinstance(each, Figure)]
    return all(each.met and not release.is_worse(part, each) for each in figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
