"""Ends a worker whose call hangs. Threads have no time limits; an attempt without an end becomes unknown, never lost."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import process

logger = logging.getLogger(__name__)
CALL_LIMIT = 180.0  # seconds after the intent; a call takes at most 35
OTHERS_FINISH = 35.0
_calls: dict[int, float] = {}
_lock = threading.Lock()


@contextmanager
def watching(attempt_pk: int) -> Iterator[None]:
    """Mark a call as under way."""
    with _lock:
        _calls[attempt_pk] = time.monotonic()
    try:
        yield
    finally:
        with _lock:
            _calls.pop(attempt_pk, None)


def start() -> None:
    threading.Thread(target=_watch, name="watchdog", daemon=True).start()


def _watch() -> None:
    while not any(_hanging()):
        time.sleep(1)
    logger.critical("a call to AWS hangs; this worker ends and is to be started again", extra={"attempts": _hanging()})
    process.stopping.set()
    patience = time.monotonic() + OTHERS_FINISH
    while time.monotonic() < patience and len(_calls) > len(_hanging()):
        time.sleep(0.2)
    os._exit(70)


def _hanging() -> list[int]:
    now = time.monotonic()
    with _lock:
        return [attempt for attempt, since in _calls.items() if now - since > CALL_LIMIT]
