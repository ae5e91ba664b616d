"""Processes of the site that can be stopped, left behind or killed at each point where a transaction ends.

Each runs as a greenlet in the one thread of a soak: all share the database's connection, and between two stops nobody else
moves, as a database would have it. Killing one means never to go on with it: nothing of it runs any more, as with SIGKILL.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from django.db import connection
from django.db.transaction import Atomic
from greenlet import getcurrent, greenlet

from casesite.delivery import process

COMMIT, REQUEST, ANSWER, END = "commit", "request", "answer", "end"


class Process:
    """One process that does one thing. `at` says where it stands."""

    running: Process | None = None
    numbers = count(1)
    _dead: list[greenlet] = []  # kept: one that is thrown away is ended with an exception, and would clean up

    def __init__(self, role: str, work: Callable[[], Any]) -> None:
        self.name = f"{role}-{next(self.numbers)}"
        self.at = ""
        self.fate: Any = None  # of its next writing request
        self.request: Any = None  # the newest of them
        self.met = ""  # what became of it, in words
        self.seen_before = process.dispatchers_before
        self._greenlet = greenlet(work)

    def go_on(self, until: str | int = END, *, fate: Any = None) -> None:
        """Run to a kind of stop, or past so many of them."""
        self.fate = fate or self.fate
        stops = 0
        while not self.is_over:
            self._resume()
            stops += 1
            if self.at == until or stops == until:
                return

    def _resume(self) -> None:
        before, process.dispatchers_before = process.dispatchers_before, self.seen_before
        self._greenlet.parent = getcurrent()
        outer, Process.running = Process.running, self
        try:
            self._greenlet.switch()
        finally:
            Process.running = outer
            self.seen_before, process.dispatchers_before = process.dispatchers_before, before
        if self._greenlet.dead:
            self.at = END

    @property
    def is_over(self) -> bool:
        return self.at == END

    def die(self) -> None:
        self._dead.append(self._greenlet)
        self.at = END

    def stop(self, at: str) -> None:
        """Called within: let others go on, until somebody goes on with this one."""
        self.at = at
        self._greenlet.parent.switch()


def stop(at: str) -> None:
    """A point at which the process that runs now can be stopped. People, who run in none, pass it."""
    if Process.running is not None:
        Process.running.stop(at)


def install() -> None:
    """Stop after each outermost transaction, and tell processes apart by name. For good."""
    leave = Atomic.__exit__

    def leave_and_stop(self: Atomic, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        leave(self, exc_type, exc_value, traceback)
        if exc_type is None and not connection.in_atomic_block:
            stop(COMMIT)

    Atomic.__exit__ = leave_and_stop
    process.name = lambda: Process.running.name if Process.running else "web"
