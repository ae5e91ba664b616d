"""Moves a whole site's rows from one database into an empty PostgreSQL, and shows that all of them arrived.

Everything is read and written as it stands, through no model's `save`: no signal, no time stamp, no history is made on the way.
Files of cases are not in the database and stay where they are.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.core.management.color import no_style
from django.db import DatabaseError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from casesite import clock
from casesite.delivery.models import Beat
from casesite.runner.doctor import OLDEST_POSTGRESQL

SOURCE, TARGET = "default", "target"  # names of Django's connections
BATCH = 2000  # rows held in memory at once
SILENT = timedelta(seconds=60)  # a process writes its beat more often than that
WORKING = ("dispatcher", "worker")
MADE_BY_MIGRATE = {"django_content_type", "auth_permission"}  # and replaced by what the site had


class Refused(Exception):
    """Nothing was moved; the text says why and what to do."""


@dataclass(frozen=True)
class Table:
    """A table as it arrived: how many rows, and a hash of all of them that does not depend on their order."""

    name: str
    rows: int
    digest: str


def move(say: Callable[[str], None]) -> list[Table]:
    """Copy every row from SOURCE into TARGET in one transaction, and compare both. Raises Refused with TARGET untouched."""
    source, target = connections[SOURCE], connections[TARGET]
    _check(source, target)
    _is_silent()
    _is_alone(source)
    with _unchanging(source), transaction.atomic(using=TARGET):
        with target.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL lock_timeout = 0")
        _empty(target)
        tables = []
        for model in _models():
            sent = _copy(model, target)
            arrived = _digest(model, TARGET)
            if sent != arrived:
                raise Refused(f"{sent.name} did not arrive as it was: {_told(sent)} there, {_told(arrived)} here.")
            say(f"{sent.name}: {_told(sent)}")
            tables.append(sent)
        _number_on(source, target)
        # Else a row that points nowhere would be found at the commit, and not said by name.
        target.check_constraints()
    return tables


def _told(table: Table) -> str:
    return f"{table.rows} {'row' if table.rows == 1 else 'rows'}, {table.digest[:16]}"


# --- what has to be true before ---------------------------------------------------------------------------------------------
def _check(source: BaseDatabaseWrapper, target: BaseDatabaseWrapper) -> None:
    if target.vendor != "postgresql":
        raise Refused("The target is no PostgreSQL: use postgresql://user@host/database.")
    try:
        target.ensure_connection()
    except DatabaseError as exc:
        raise Refused(f"The target does not answer: {' '.join(str(exc).split())}") from exc
    if target.pg_version < OLDEST_POSTGRESQL:  # type: ignore[attr-defined]
        raise Refused("The target is older than PostgreSQL 15.")
    for connection, whose, todo in (
        (source, "The site's own database", "`manage.py migrate` it with this version first."),
        (target, "The target", "Run `manage.py migrate` with its address as DATABASE_URL first."),
    ):
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise Refused(f"{whose} does not have this version's tables. {todo}")
    if full := [table for table in _tables() - MADE_BY_MIGRATE if _has_rows(target, table)]:
        raise Refused(f"The target is not empty: {', '.join(sorted(full))}. Take a fresh database.")


def _has_rows(connection: BaseDatabaseWrapper, table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")
        return cursor.fetchone() is not None


def _is_alone(source: BaseDatabaseWrapper) -> None:
    """Nobody has the database open, such as a web process, which writes no beat."""
    todo = "somebody has the site's own database open: stop the web processes as well, and every other program that reads it."
    with source.cursor() as cursor:
        if source.vendor == "sqlite":
            cursor.execute("PRAGMA busy_timeout = 1000")
            try:
                cursor.execute(
                    "PRAGMA journal_mode = DELETE"
                )  # granted to the only connection; the next start sets WAL again
            except DatabaseError as exc:
                raise Refused(f"It seems that {todo}") from exc
        else:
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend' LIMIT 1"
            )
            if cursor.fetchone():
                raise Refused(f"It seems that {todo}")


def _is_silent() -> None:
    """No process of the site may work on: what it wrote from now on would be left behind."""
    living = Beat.objects.using(SOURCE).filter(role__in=WORKING, stopped_at=None, at__gt=clock.now() - SILENT)
    if named := [f"{beat.role} {beat.process}" for beat in living.order_by("role", "process")]:
        raise Refused(
            f"The site still runs: {', '.join(named)}. Stop all of it; one that was killed counts as gone after a minute."
        )


@contextmanager
def _unchanging(source: BaseDatabaseWrapper) -> Iterator[None]:
    """Keep everybody else from writing to SQLite meanwhile; of PostgreSQL, see one moment only."""
    with transaction.atomic(using=SOURCE):  # on SQLite this is the one writer's place
        if source.vendor == "postgresql":
            with source.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SET LOCAL statement_timeout = 0")
        yield


# --- rows -------------------------------------------------------------------------------------------------------------------
def _models() -> list[type[models.Model]]:
    """Each table's model once, also those between two models and those of history."""
    found = {
        model._meta.db_table: model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
    return [found[table] for table in sorted(found)]


def _tables() -> set[str]:
    return {model._meta.db_table for model in _models()}


def _empty(target: BaseDatabaseWrapper) -> None:
    """Forget what `migrate` made by itself: the site's own rows have other numbers, and others refer to them."""
    tables = ", ".join(target.ops.quote_name(table) for table in sorted(_tables()))
    with target.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables}")


def _copy(model: type[models.Model], target: BaseDatabaseWrapper) -> Table:
    """Stream a table over; its digest is that of what was read."""
    fields = model._meta.concrete_fields
    columns = ", ".join(target.ops.quote_name(str(field.column)) for field in fields)
    statement = f"COPY {target.ops.quote_name(model._meta.db_table)} ({columns}) FROM STDIN"
    digest, key = _Digest(), model._meta.pk
    row: tuple[Any, ...] = ()
    try:
        with target.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in _rows(model, SOURCE):
                digest.add(row)
                copy.write_row(
                    [field.get_db_prep_save(value, target) for field, value in zip(fields, row, strict=True)]
                )
    except (psycopg.Error, ValueError) as exc:
        raise Refused(f"PostgreSQL does not take a row of {model._meta.db_table}: {_words(exc)}") from exc
    assert key is not None
    return digest.of(model)


def _words(exc: Exception) -> str:
    """What went wrong and where, without what people wrote: the context of an error quotes it."""
    diagnosis = getattr(exc, "diag", None)
    said = (diagnosis and diagnosis.message_primary) or str(exc).splitlines()[0]
    where = re.search(r"line (\d+), column (\w+)", (diagnosis and diagnosis.context) or "")
    return f"{said} (row {where[1]} by primary key, column {where[2]})" if where else said


def _digest(model: type[models.Model], using: str) -> Table:
    digest = _Digest()
    for row in _rows(model, using):
        digest.add(row)
    return digest.of(model)


def _rows(model: type[models.Model], using: str) -> Iterator[tuple[Any, ...]]:
    names = [field.attname for field in model._meta.concrete_fields]
    rows = model._base_manager.using(using).order_by("pk").values_list(*names)
    return rows.iterator(chunk_size=BATCH)


class _Digest:
    """Sums the hashes of rows: databases sort text differently, and the sum does not care."""

    def __init__(self) -> None:
        self.rows = self.sum = 0

    def add(self, row: tuple[Any, ...]) -> None:
        text = json.dumps(row, sort_keys=True, default=_as_text)
        self.rows += 1
        self.sum += int.from_bytes(hashlib.sha256(text.encode()).digest())

    def of(self, model: type[models.Model]) -> Table:
        return Table(model._meta.db_table, self.rows, f"{self.sum % 2**256:064x}")


def _as_text(value: Any) -> str:
    return bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else str(value)


# --- numbers ----------------------------------------------------------------------------------------------------------------
def _number_on(source: BaseDatabaseWrapper, target: BaseDatabaseWrapper) -> None:
    """Give new rows numbers that no row had before, deleted ones included: history and logs refer to those by number."""
    with target.cursor() as cursor:
        for statement in target.ops.sequence_reset_sql(no_style(), _models()):
            cursor.execute(statement)
        for table, column, last in _last_numbers(source):
            cursor.execute(
                "SELECT setval(s, %s) FROM pg_get_serial_sequence(%s, %s) AS s WHERE s IS NOT NULL AND %s > "
                "coalesce(pg_sequence_last_value(s::regclass), 0)",
                [last, target.ops.quote_name(table), column, last],
            )


def _last_numbers(source: BaseDatabaseWrapper) -> Iterator[tuple[str, str, int]]:
    """Table, column and the highest number that was ever given there."""
    columns = {model._meta.db_table: str(model._meta.pk.column) for model in _models() if model._meta.pk}
    with source.cursor() as cursor:
        if source.vendor == "sqlite":
            cursor.execute("SELECT name, seq FROM sqlite_sequence")
        else:
            pairs = [f"('{table}', '{column}')" for table, column in sorted(columns.items())]
            cursor.execute(
                "SELECT t, pg_sequence_last_value(pg_get_serial_sequence(quote_ident(t), c)::regclass) "
                f"FROM (VALUES {', '.join(pairs)}) AS pairs (t, c)"
            )
        for table, last in cursor.fetchall():
            if table in columns and last:
                yield table, columns[table], last


# --- afterwards -------------------------------------------------------------------------------------------------------------
def put_away(source: BaseDatabaseWrapper) -> Path | None:
    """Rename SQLite's file, so that nobody starts the old site by mistake: it would send once more what is queued in it."""
    if source.vendor != "sqlite":
        return None
    source.close()
    old = Path(source.settings_dict["NAME"])
    new = old.with_name(f"{old.stem}.moved-{clock.now():%Y%m%dT%H%M%SZ}{old.suffix}")
    old.rename(new)
    return new
