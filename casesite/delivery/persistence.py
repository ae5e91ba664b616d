"""Writing down what AWS did, and that a process lives, also where the database is away just then. A call is never repeated."""

import logging
import math
from collections.abc import Callable
from threading import Event
from time import monotonic, sleep
from typing import TypeVar

from django.db import Error as AnyDatabaseError
from django.db import connection

logger = logging.getLogger(__name__)
PATIENCE = 600.0  # seconds
Stored = TypeVar("Stored")


def persist(store: Callable[[], Stored]) -> Stored:
    """Write a report, again and again for ten minutes if the database is away; gives what `store` returns."""
    return _again_and_again(store, "a report waits for the database", PATIENCE, Event())


def persist_start(store: Callable[[], Stored], stopping: Event) -> Stored:
    """Write down what a process must not begin without, until the database takes it. Raises once it is to stop first."""
    return _again_and_again(store, "the start waits for the database", math.inf, stopping)


def _again_and_again(store: Callable[[], Stored], words: str, patience: float, stopping: Event) -> Stored:
    give_up, pause = monotonic() + patience, 0.1
    while True:
        try:
            return store()
        except AnyDatabaseError:
            if monotonic() > give_up or stopping.is_set():
                raise
            logger.warning(words, exc_info=True)
            connection.close()
            sleep(pause)
            pause = min(1.0, pause * 2)
