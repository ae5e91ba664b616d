"""Writing down what AWS did, also where the database is away just then. The call itself is never repeated."""

import logging
from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

from django.db import Error as AnyDatabaseError
from django.db import connection

logger = logging.getLogger(__name__)
PATIENCE = 600.0  # seconds
Stored = TypeVar("Stored")


def persist(store: Callable[[], Stored]) -> Stored:
    """Write a report, again and again for ten minutes if the database is away; gives what `store` returns."""
    give_up, pause = monotonic() + PATIENCE, 0.1
    while True:
        try:
            return store()
        except AnyDatabaseError:
            if monotonic() > give_up:
                raise
            logger.warning("a report waits for the database", exc_info=True)
            connection.close()
            sleep(pause)
            pause = min(1.0, pause * 2)
