"""`python -m bench [latency|throughput|scaling|rates|isolation|waiting|promises|pages|web|connect|uploads|start ...]`: measure, print a line for each figure.

All of them are written to docs/performance.md.
"""

import sys

from bench import connect, isolation, latency, pages, promises, rates, scaling, start, throughput, uploads, waiting, web
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
    "connect": connect,
    "uploads": uploads,
    "start": start,
}


def main(asked: list[str]) -> int:
    where = machine()
    found = []
    for name in asked or PARTS:
        say(f"{name} ...")
        for each in PARTS[name].measure():
            print(each.line if isinstance(each, Figure) else "\n".join(each.lines), flush=True)
            found.append(each)
    if not asked:
        DOCUMENT.write_text(document(found, where, [part.HOW for part in PARTS.values()]))
        say(f"written to {DOCUMENT.relative_to(DOCUMENT.parents[1])}")
    return 0 if all(each.met for each in found if isinstance(each, Figure)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
