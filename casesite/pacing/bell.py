"""Ringing a worker: "this account has work", or "this file is to be scanned". A lost bell loses nothing, the dispatcher finds the row.

Publishing happens on a thread of its own: with a dead broker a publish fails in 10 ms, with a hung one it takes 2 s,
and no page waits for either.
"""

import logging
import queue
import threading
import time

from celery import current_app
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)

WORK_OFF = "delivery.work_off"
ANSWER = "lookups.answer"
SCAN = "cases.scan"
QUIET_AFTER_FAILURE = 10.0  # seconds in which a process does not ring again

_Bell = tuple[str, int | str, str]
_bells: "queue.SimpleQueue[_Bell]" = queue.SimpleQueue()
_starting = threading.Lock()
_ringer: threading.Thread | None = None
_later: dict[_Bell, float] = {}  # when each is to be rung, by the monotonic clock
_earlier = threading.Condition()
_waiter: threading.Thread | None = None
_quiet_until = 0.0


def ring_after_commit(task: str, about: int | str, *, queue_name: str = "default") -> None:
    """Ring once the running transaction is committed. Never raises: a broker fault must not become an error page."""
    transaction.on_commit(lambda: ring(task, about, queue_name=queue_name), robust=True)


def ring(task: str, about: int | str, *, queue_name: str = "default") -> None:
    """Hand a bell to the ringing thread and return at once."""
    _bells.put((task, about, queue_name))
    _ensure_ringer()


def ring_later(seconds: float, task: str, about: int | str, *, queue_name: str = "default") -> None:
    """Ring after so long, and return at once: no thread of a worker waits for it. Of several for the same, the first one counts.

    For spans of seconds. A process that ends rings no more; then the dispatcher does.
    """
    bell, at = (task, about, queue_name), time.monotonic() + seconds
    with _earlier:
        _later[bell] = min(at, _later.get(bell, at))
        _earlier.notify()
    _ensure_waiter()


def ring_now(task: str, about: int | str, *, queue_name: str = "default") -> bool:
    """Ring in this thread; False where the broker did not take it or failed less than 10 s ago.

    `about` is all that a message carries: an account's primary key, a queue's name for the canary, or a file's SHA-256.
    """
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    try:
        current_app.send_task(
            task,
            args=[about],
            queue=queue_name,
            priority=settings.BELL_PRIORITY[queue_name],
            expires=settings.BELL_EXPIRES,
            ignore_result=True,
            retry=False,
        )
    except Exception as exc:  # whatever the broker does, the row is in the database and the dispatcher finds it
        _quiet_until = time.monotonic() + QUIET_AFTER_FAILURE
        logger.warning(
            "the broker did not take a bell", extra={"task": task, "about": about, "error": type(exc).__name__}
        )
        return False
    return True


def _ensure_ringer() -> None:
    global _ringer
    with _starting:
        if _ringer is None or not _ringer.is_alive():  # after a fork the thread is gone and starts anew
            _ringer = threading.Thread(target=_work, name="bells", daemon=True)
            _ringer.start()


def _ensure_waiter() -> None:
    global _waiter
    with _starting:
        if _waiter is None or not _waiter.is_alive():
            _waiter = threading.Thread(target=_wait, name="bells-later", daemon=True)
            _waiter.start()


def _work() -> None:
    while True:
        task, about, queue_name = _bells.get()
        ring_now(task, about, queue_name=queue_name)


def _wait() -> None:
    while True:
        with _earlier:
            now = time.monotonic()
            if not any(at <= now for at in _later.values()):
                _earlier.wait(min(_later.values()) - now if _later else None)
            ripe = [bell for bell, at in _later.items() if at <= time.monotonic()]
            for bell in ripe:
                del _later[bell]
        for task, about, queue_name in ripe:
            ring(task, about, queue_name=queue_name)
