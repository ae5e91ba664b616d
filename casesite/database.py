"""Write transactions, and several queries in one, alike on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connection, transaction
from django.db.models.expressions import RawSQL

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


def together(queries: Sequence[Any]) -> list[list[tuple[Any, ...]]]:
    """The rows of several `values_list`s of the same columns, in one query.

    Each may be sorted and cut, which Django's own `union` can't do on SQLite; each is read along its own index.
    """
    if len(queries) == 1:
        return [list(queries[0])]
    found: list[list[tuple[Any, ...]]] = [[] for _query in queries]
    compiled = _compiled(queries)
    sql = " UNION ALL ".join(
        f"SELECT {each.number}, b{each.number}.* FROM ({each.sql}) b{each.number}" for each in compiled
    )
    if compiled:
        with connection.cursor() as cursor:
            cursor.execute(sql, [value for each in compiled for value in each.values])
            for number, *row in cursor.fetchall():
                found[number].append(tuple(row))
    for each in compiled:
        found[each.number] = each.converted(found[each.number])
    return found


def any_of(queries: Sequence[Any]) -> RawSQL | tuple[()]:
    """What several `values_list`s of one column give, sorted and cut as they are; to be used with `__in`."""
    compiled = _compiled(queries)
    if not compiled:
        return ()
    sql = " UNION ALL ".join(f"SELECT * FROM ({each.sql}) b{each.number}" for each in compiled)
    return RawSQL(sql, [value for each in compiled for value in each.values])


@dataclass(frozen=True)
class _Compiled:
    number: int
    sql: str
    values: Sequence[Any]
    compiler: Any

    def converted(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """As the fields' types have it."""
        columns = [column for column, _sql, _alias in self.compiler.select[: self.compiler.col_count]]
        converters = self.compiler.get_converters(columns)
        return [tuple(row) for row in self.compiler.apply_converters(rows, converters)] if converters else rows


def _compiled(queries: Sequence[Any]) -> list[_Compiled]:
    """Those that can give anything."""
    found = []
    for number, query in enumerate(queries):
        compiler = query.query.get_compiler(connection=connection)
        with suppress(EmptyResultSet):
            sql, values = compiler.as_sql()
            found.append(_Compiled(number, sql, values, compiler))
    return found
