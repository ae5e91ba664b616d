"""This process among others: its name, whether it is shutting down, and its beat."""

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path

from casesite import clock, prepared
from casesite.database import write

from .models import Beat
from .persistence import persist_start

BEAT_EVERY = 5.0  # seconds
stopping = threading.Event()  # set at warm shutdown: claim nothing more
# Of a worker that has seen no dispatcher's beat since its own start: what beats there were. It claims nothing meanwhile.
dispatchers_before: set[tuple[str, datetime]] | None = None
_skew: float | None = None


@cache
def name() -> str:
    """Host, pid and boot id: tells a process from another one with the same pid after a restart of the machine."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        boot = "unknown"
    return f"{socket.gethostname()[:80]}:{os.getpid()}:{boot}"


def start_beating(role: str, queues: str = "") -> None:
    """Write the first beat, once the database takes it, and go on from a thread of its own."""
    persist_start(lambda: first_beat(role, queues), stopping)
    keep_beating()


def first_beat(role: str, queues: str = "", *, before: Callable[[], object] | None = None) -> None:
    """Say that this process lives. `before` is done in the same transaction, before anybody can know it."""
    global dispatchers_before
    now = clock.now()
    with write():
        if role == "worker":
            dispatchers_before = dispatchers()
        if before:
            before()
        Beat.objects.update_or_create(
            process=name(), defaults={"role": role, "queues": queues, "started_at": now, "at": now, "stopped_at": None}
        )


def keep_beating() -> None:
    threading.Thread(target=_beat_on, name="beat", daemon=True).start()


def dispatchers() -> set[tuple[str, datetime]]:
    """The dispatchers' beats, to compare with later ones: whose clock is right does not matter then."""
    return set(Beat.objects.filter(role="dispatcher").values_list("process", "at"))


_beat = prepared.Update(
    lambda process, at, skew: (Beat.objects.filter(process=process), {"at": at, "clock_skew": skew}),
    process=str,
    at=datetime,
    skew=float,
)


def beat() -> None:
    with write():
        _beat(process=name(), at=clock.now(), skew=_skew)


def stopped() -> None:
    """A clean stop. What is missing after a crash is exactly this."""
    with write():
        Beat.objects.filter(process=name()).update(stopped_at=clock.now())


def note_clock(aws_seconds_ahead: float) -> None:
    """Remember how far AWS's clock is ahead of ours, for the beat and its alarm."""
    global _skew
    _skew = aws_seconds_ahead


def _beat_on() -> None:
    from django.db import Error, connection

    while not stopping.wait(BEAT_EVERY):
        try:
            beat()
        except Error:
            connection.close()  # a new one next time
            time.sleep(0.5)
