"""`python -m bench [latency|throughput|scaling|pages|connect|uploads|start ...]`: measure, print a line for each figure. All of them are written to docs/performance.md."""

import sys

from bench import connect, latency, pages, scaling, start, throughput, uploads
from bench.figures import DOCUMENT, document, machine, say

PARTS = {
    "latency": latency,
    "throughput": throughput,
    "scaling": scaling,
    "pages": pages,
    "connect": connect,
    "uploads": uploads,
    "start": start,
}


def main(asked: list[str]) -> int:
    where = machine()
    figures = []
    for name in asked or PARTS:
        say(f"{name} ...")
        for figure in PARTS[name].measure():
            print(figure.line, flush=True)
            figures.append(figure)
    if not asked:
        DOCUMENT.write_text(document(figures, where, [part.HOW for part in PARTS.values()]))
        say(f"written to {DOCUMENT.relative_to(DOCUMENT.parents[1])}")
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
