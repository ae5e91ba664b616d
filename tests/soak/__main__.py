"""`python -m tests.soak`: draw examples, or go on until there were enough steps, and tell what was found."""

from __future__ import annotations

import argparse
import logging
import os
import platform
import sys
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.soak.settings"
AT_A_TIME = 100  # examples, where they are counted by their steps


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--length", type=int, default=15, help="steps of each example, at most")
    parser.add_argument(
        "--total", type=int, help=f"go on with the next seed, {AT_A_TIME} examples each, until so many steps"
    )
    parser.add_argument("--seed", type=int, help="draw others; without one they are the same each time")
    parser.add_argument("--every-step", action="store_true", help="ask the site's own invariants after each step, too")
    parser.add_argument(
        "--mutation", default="", help="a known mistake to make first, as tests/soak/mutants.py names them"
    )
    parser.add_argument("--no-shrink", action="store_true", help="tell the first story that went wrong as it was drawn")
    given = parser.parse_args(arguments)

    import django

    django.setup()
    logging.disable(logging.CRITICAL)  # accidents are the point here
    if given.mutation:
        from tests.soak.mutants import MUTANTS

        MUTANTS[given.mutation].make()
    from tests.soak.runs import Options, run

    started, cpu = time.perf_counter(), time.process_time()
    options = Options(given.examples, given.length, given.seed, every_step=given.every_step, shrink=not given.no_shrink)
    if given.total:
        options = Options(AT_A_TIME, given.length, given.seed or 0, options.every_step, options.shrink)
    passed = run(options, total=given.total or 0)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(f"{wall:.0f} s, {cpu:.0f} s of CPU, Python {platform.python_version()}, {os.cpu_count()} cores")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
