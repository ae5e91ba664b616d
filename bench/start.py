"""`make run` in a fresh clone: the first time, and later; and the whole site beside a bare set."""

import os
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench import sets
from bench.figures import ROOT, Figure, at_most, say
from casesite.runner import ports, record
from tests.sites import bare_environment, wait_until

GOAL_FIRST, GOAL_LATER, GOAL_RATIO = 60, 6, 1.6
LATER = 3  # starts
ROUNDS = 5
HOW = (
    "Start",
    "`make run` in a fresh clone, until it says that it is ready. The first one makes the virtual environment and installs everything, "
    f"from the package index this machine uses; of {LATER} later ones the median counts. Bytecode is kept. The whole site is `manage.py up` on a folder that has its tables and "
    "its demo already: broker, simulator, worker, dispatcher and web server, until it says that it is ready and its worker has said that it takes bells. "
    "The bare set is a new Django project with one page, served by the same web server with the same options, a Celery worker with the same pool and one task, and the same "
    "broker, all started at once (`bench/bare_project`), until the page answers 200 and the worker has done a task. "
    f"{ROUNDS} starts of each in turns after one that does not count; the median of the ratios.",
)
MISSED = (
    "Missed, and why: a start of the whole site has two steps one after the other, each of which sets Django up anew: `tables`, which finds nothing to migrate, then worker, "
    "dispatcher and web server, which share the processors; setting the site up alone takes 1.1 s of CPU each time. Tried: a third step, which looked for the demo, was taken into the first. "
    "Not built: one process that sets the site up once and forks the others, for AWS's variables have to stay out of the web server's."
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        clone = Path(folder) / "casesite"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        first = _start(clone)
        say(f"  first {first:.1f} s")
        later = sorted(_start(clone) for _time in range(LATER))
        say(f"  later {', '.join(f'{seconds:.1f}' for seconds in later)} s")
        ratio = _of_bare_set(Path(folder) / "var")
    return [
        at_most("First `make run`", first, GOAL_FIRST, "s", digits=1),
        at_most("Later `make run`", later[LATER // 2], GOAL_LATER, "s", digits=1),
        ratio,
    ]


def _of_bare_set(var: Path) -> Figure:
    rounds = []
    for number in range(ROUNDS + 1):
        (ready, whole), bare = sets.whole(var), sets.bare()
        if number:  # the first one fills the folder and the caches
            rounds.append((whole / bare, whole, bare, ready))
            say(f"  round {number}: whole {whole:.2f} s, ready after {ready:.2f} s; bare {bare:.2f} s")
    ratio, whole, bare, ready = (statistics.median(column) for column in zip(*rounds, strict=True))
    beside = f"{whole:.2f} s against {bare:.2f}; it says that it is ready after {ready:.2f} s"
    return at_most("Start of the whole site, of a bare set's", ratio, GOAL_RATIO, "×", digits=2, beside=beside)


def _start(clone: Path) -> float:
    """Seconds until the site in the clone is ready; it is stopped again."""
    environment = bare_environment() | {"PORT": str(ports.free())}
    environment.pop("VIRTUAL_ENV", None)
    began = time.monotonic()
    with (clone.parent / "log").open("ab") as log:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until(lambda: _is_ready(clone, process), seconds=300, every=0.02, what="the start")
        return time.monotonic() - began
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(90)


def _is_ready(clone: Path, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise SystemExit(f"`make run` ended:\n{(clone.parent / 'log').read_text(errors='replace')[-3000:]}")
    found = record.read(clone / "var")
    return bool(found and found.ready)
