"""Write transactions, alike on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connection, transaction

# What is raised where the database is locked, full, read-only, restarting or gone, and no fault of the statement's.
# PostgreSQL's refusal to write as a standby comes as an InternalError.
TROUBLE = (OperationalError, InterfaceError, InternalError)
_one_writer = threading.RLock()


@contextmanager
def write(*, durable: bool = True) -> Iterator[None]:
    """One short write transaction. Never hold it over a network call.

    SQLite's busy wait is unfair (16 writing threads waited up to 3 s), so there the threads of a process queue on
    a lock before they reach the file; measured, that doubled the throughput.

    Not `durable`: the commit does not wait for the disk, and a power cut may undo it. For what then just happens again,
    such as a claim. Within another transaction, that one decides.
    """
    lock = _one_writer if connection.vendor == "sqlite" else nullcontext()
    with lock:
        hurried = not durable and not connection.in_atomic_block
        with _without_waiting() if hurried else nullcontext(), transaction.atomic():
            if hurried and connection.vendor == "postgresql":
                _execute("SET LOCAL synchronous_commit = off")
            yield


@contextmanager
def _without_waiting() -> Iterator[None]:
    """Have SQLite commit without waiting for the disk."""
    if connection.vendor != "sqlite":
        yield
        return
    _execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        try:
            _execute("PRAGMA synchronous = FULL")  # as the settings have it
        except DatabaseError:
            connection.close()  # a new one starts with the settings
            raise


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
