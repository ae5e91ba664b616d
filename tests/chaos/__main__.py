"""`python -m tests.chaos`: one run of chaos; ends with code 0 only if nothing was lost, doubled, stuck or unexplained."""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import fields
from pathlib import Path

from tests.chaos.runs import Options, run


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    report_file = given.__dict__.pop("report")
    options = Options(**{field.name: getattr(given, field.name) for field in fields(Options)})
    report = run(options, say=lambda text: print(text, flush=True))
    print(report.as_words(), flush=True)
    if report_file:
        report_file.parent.mkdir(parents=True, exist_ok=True)
        report_file.write_text(report.as_json() + "\n")
    return 0 if report.passed else 1


def _parser() -> argparse.ArgumentParser:
    default = Options()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--database",
        default=default.database,
        help="sqlite (default), postgres (a cluster of its own, restarted during the run), or the DATABASE_URL of an"
        " empty PostgreSQL database, which is left running",
    )
    parser.add_argument("--seed", type=int, default=default.seed, help="what is drawn (default %(default)s)")
    parser.add_argument("--submissions", type=int, default=default.submissions, help="default %(default)s")
    parser.add_argument("--kills", type=int, default=default.kills, help="by SIGKILL, at least (default %(default)s)")
    parser.add_argument(
        "--minutes",
        type=float,
        default=default.minutes,
        help="the longest that the harm may take (default %(default)s)",
    )
    parser.add_argument("--time-scale", type=float, default=default.time_scale, help="1..60 (default %(default)s)")
    parser.add_argument("--mutation", default="", help="run workers and dispatchers with a known mistake (mutants.py)")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="keep the site's data and logs there")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report as JSON too")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that no process of the site stays behind
    sys.exit(main())
