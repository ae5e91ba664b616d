"""`make run` in a fresh clone: the first time, and later."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from bench.figures import ROOT, Figure, at_most, say
from casesite.runner import ports, record
from tests.sites import bare_environment, wait_until

GOAL_FIRST, GOAL_LATER = 60, 6
LATER = 3  # starts
HOW = (
    "Start",
    "`make run` in a fresh clone, until it says that it is ready. The first one makes the virtual environment and installs everything, "
    f"from the package index this machine uses; of {LATER} later ones the median counts.",
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="casesite-bench-") as folder:
        clone = Path(folder) / "casesite"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        first = _start(clone)
        say(f"  first {first:.1f} s")
        later = sorted(_start(clone) for _time in range(LATER))
        say(f"  later {', '.join(f'{seconds:.1f}' for seconds in later)} s")
    return [
        at_most("First `make run`", first, GOAL_FIRST, "s", digits=1),
        at_most("Later `make run`", later[LATER // 2], GOAL_LATER, "s", digits=1),
    ]


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
