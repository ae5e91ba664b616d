"""`python -m bench [latency|throughput|scaling|rates|isolation|waiting|promises|pages|web|lists|connect|uploads|start ...]`: measure, print a line for each figure.

All of them are written to docs/performance.md. `--database postgres` is for the lists.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from bench import (
    connect,
    isolation,
    latency,
    lists,
    pages,
    promises,
    rates,
    scaling,
    start,
    throughput,
    uploads,
    waiting,
    web,
)
from bench.figures import DOCUMENT, Figure, document, machine, say

PARTS = {
    "latency": latency,
    "throughput": throughput,
    "scaling": scaling,
    "rates": rates,
    "isolation": isolation,
    "waiting": waiting,
    "promises": promises,
    "pages": pages,
    "web": web,
    "lists": lists,
    "connect": connect,
    "uploads": uploads,
    "start": start,
}


def main(given: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    asked = parser.parse_args(given)
    measures: dict[str, Callable[[], Any]] = {name: part.measure for name, part in PARTS.items()}
    measures["lists"] = partial(lists.measure, asked.database)
    where = machine()
    found = []
    for name in asked.parts or PARTS:
        say(f"{name} ...")
        for each in measures[name]():
            print(each.line if isinstance(each, Figure) else "\n".join(each.lines), flush=True)
            found.append(each)
    if not asked.parts:
        DOCUMENT.write_text(document(found, where, [part.HOW for part in PARTS.values()]))
        say(f"written to {DOCUMENT.relative_to(DOCUMENT.parents[1])}")
    return 0 if all(each.met for each in found if isinstance(each, Figure)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
