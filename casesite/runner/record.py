"""What runs on a var folder: `manage.py up` writes it down, so that commands started beside it reach the same site.

The lock decides whether the record counts. The kernel gives it back when its holder dies, however that happens.
Standard library only: the settings read this.
"""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

PATIENCE = 1.0  # seconds; somebody who only looks holds the lock for an instant


class AlreadyRunning(Exception):
    """Another `manage.py up` holds this folder."""


@dataclass
class Record:
    supervisor: int
    url: str
    sandbox_url: str
    environment: dict[str, str]  # what a command needs to reach this site
    parts: dict[str, int] = field(default_factory=dict)  # process ids by name
    ready: bool = False

    def write(self, var: Path) -> None:
        """Replace the file as a whole; it holds the broker's password and is its owner's only."""
        new = var / f"up.json.{os.getpid()}"
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(self), file, indent=1)
        new.replace(var / "up.json")


def read(var: Path) -> Record | None:
    """The record of the `up` that runs on this folder now."""
    if not is_held(var):
        return None
    try:
        return Record(**json.loads((var / "up.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def environment(var: Path) -> dict[str, str]:
    """The variables with which a command reaches the site that runs on this folder; empty where none does."""
    record = read(var)
    return record.environment if record else {}


def remove(var: Path) -> None:
    (var / "up.json").unlink(missing_ok=True)


def hold(var: Path) -> int:
    """Take the folder's lock for as long as this process lives."""
    lock = os.open(var / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + PATIENCE
    while not _locked(lock, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            os.close(lock)
            record = read(var)
            who = f"process {record.supervisor}, {record.url}" if record else "see `ps`"
            raise AlreadyRunning(f"{var} is in use by another `manage.py up` ({who}): stop it, or set CASESITE_VAR")
        time.sleep(0.05)
    return lock


def leftovers(var: Path) -> list[int]:
    """Processes of an `up` that was killed on this folder and which have not ended yet.

    The kernel told them to; a worker with a call in flight takes its time. Numbers are given out again after a restart
    of the machine, so the command line must be one of ours. Without /proc nothing is found.
    """
    try:
        pids = Record(**json.loads((var / "up.json").read_text())).parts.values()
    except (OSError, ValueError, TypeError):
        return []
    return [pid for pid in pids if b"casesite" in _command_line(pid)]


def is_held(var: Path) -> bool:
    try:
        lock = os.open(var / "up.lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _locked(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _locked(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
