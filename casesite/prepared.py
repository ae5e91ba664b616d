"""Queries that are written with the ORM and compiled once.

Measured, building a query costs ten to thirty times what running it on SQLite does. What a worker asks for each case, and a
page for each request, is therefore compiled at its first use and later only filled in. Nothing else needs this.

    leased = prepared.Rows(
        lambda account, now: Submission.objects.filter(account_id=account, lease_until__gt=now).values_list("pk", "state"),
        account=int,
        now=datetime,
    )
    leased(account=7, now=clock.now())
"""

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models.sql import InsertQuery, UpdateQuery

# Values that stand for a parameter while a query is compiled, told apart by their number.
_STAND_INS: dict[type, Callable[[int], Any]] = {
    int: lambda number: 31_000 + number,  # fits the smallest integer column
    float: lambda number: 31_000.5 + number,
    str: lambda number: f"<parameter {number}>",
    datetime: lambda number: datetime(1904, 1, 1, microsecond=number, tzinfo=UTC),
    UUID: lambda number: UUID(int=0xCA5E << 96 | number),
}


MOST_VALUES = 1000  # of one statement


@dataclass(frozen=True)
class _Parameter:
    name: str


@dataclass(frozen=True)
class _Compiled:
    """SQL for one kind of database, and its values with the parameters among them, in the order of their places."""

    sql: str
    values: tuple[Any, ...]
    convert: Callable[[Iterable[Any]], Iterable[Any]] = iter

    def filled(self, given: dict[str, Any]) -> dict[str, Any]:
        return _numbered(
            _adapted(given[value.name]) if isinstance(value, _Parameter) else value for value in self.values
        )


class _Prepared:
    def __init__(self, build: Callable[..., Any], **kinds: type) -> None:
        self._build = build
        self._kinds = kinds
        self._compiled: dict[str, _Compiled] = {}

    def _for_this_database(self) -> _Compiled:
        # Two threads may compile the same at once; either result will do.
        if connection.vendor not in self._compiled:
            stand_ins = {name: _STAND_INS[kind](number) for number, (name, kind) in enumerate(self._kinds.items(), 1)}
            self._compiled[connection.vendor] = self._compile(stand_ins)
        return self._compiled[connection.vendor]

    def _compile(self, stand_ins: dict[str, Any]) -> _Compiled:
        raise NotImplementedError


class Rows(_Prepared):
    """A `values_list`; calling it gives the tuples."""

    def __call__(self, **given: Any) -> list[tuple[Any, ...]]:
        compiled = self._for_this_database()
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, compiled.filled(given))
            rows = cursor.fetchall()
        return [tuple(row) for row in compiled.convert(rows)]

    def _compile(self, stand_ins: dict[str, Any]) -> _Compiled:
        compiler = self._build(**stand_ins).query.get_compiler(connection=connection)
        sql, values = compiler.as_sql()
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select[: compiler.col_count]])

        def convert(rows: Iterable[Any]) -> Iterable[Any]:
            return compiler.apply_converters(rows, converters) if converters else rows

        return _Compiled(_with_numbers(sql), _with_names(values, stand_ins), convert)


class Objects(Rows):
    """A queryset of rows as objects of their model, each with the `related` ones and its annotations; calling it gives the objects."""

    def __init__(self, build: Callable[..., Any], related: tuple[str, ...] = (), **kinds: type) -> None:
        super().__init__(build, **kinds)
        self._related = related

    def __call__(self, **given: Any) -> list[Any]:
        return [self._object(row) for row in super().__call__(**given)]

    def _compile(self, stand_ins: dict[str, Any]) -> _Compiled:
        queryset = self._build(**stand_ins)
        model = queryset.model
        self._parts = [("", model, _columns(model))]
        for name in self._related:
            other = model._meta.get_field(name).related_model
            self._parts.append((name, other, _columns(other)))
        columns = [f"{name}__{column}" if name else column for name, _model, names in self._parts for column in names]
        self._annotated = tuple(queryset.query.annotation_select)
        plain = Rows(lambda **_given: queryset.values_list(*columns, *self._annotated))
        return plain._compile(stand_ins)

    def _object(self, row: tuple[Any, ...]) -> Any:
        made: dict[str, Any] = {}
        at = 0
        for name, model, names in self._parts:
            part = row[at : at + len(names)]
            missing = name and part[names.index(model._meta.pk.attname)] is None
            made[name] = None if missing else model.from_db(connection.alias, names, part)
            at += len(names)
        whole = made.pop("")
        for name, other in (*made.items(), *zip(self._annotated, row[at:], strict=True)):
            setattr(whole, name, other)
        return whole


class Update(_Prepared):
    """A guarded UPDATE; `build` gives the queryset and what to set. Calling it gives the number of rows that it met."""

    def __call__(self, **given: Any) -> int:
        compiled = self._for_this_database()
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, compiled.filled(given))
            return int(cursor.rowcount)

    def _compile(self, stand_ins: dict[str, Any]) -> _Compiled:
        queryset, changes = self._build(**stand_ins)
        query = queryset.query.chain(UpdateQuery)
        query.add_update_values(changes)
        sql, values = query.get_compiler(connection=connection).as_sql()
        return _Compiled(_with_numbers(sql), _with_names(values, stand_ins))


def insert(row: models.Model, *, once: str = "") -> bool:
    """Write a new row, as `save(force_insert=True)` does, but that no signal is sent.

    `once` names a column whose values are unique: where another row has this one's, nothing is written and the answer is
    False. The statement is compiled once for each model. Raises ValueError for a model of which the database fills in more
    than the primary key.
    """
    statement = _insert_into(type(row), once, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.values_of(row, adding=True))
        if statement.key:
            given = cursor.fetchone()
            if given is None:
                return False
            setattr(row, statement.key, given[0])
    row._state.adding, row._state.db = False, connection.alias
    return True


def update(row: models.Model, *names: str) -> None:
    """Write columns of a row, as `save(update_fields=names)` does, but that no signal is sent."""
    statement = _update_by_key(type(row), names, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.values_of(row, adding=False))


@dataclass(frozen=True)
class _Written:
    """SQL that takes a row's values of `fields`, in the order of their places, and gives back its `key` if that is named."""

    sql: str
    fields: tuple[tuple[Any, frozenset[type]], ...]  # each with the types whose values the driver takes as they are
    key: str = ""

    def values_of(self, row: models.Model, *, adding: bool) -> dict[str, Any]:
        values = []
        for field, as_it_is in self.fields:
            value = field.pre_save(row, adding)
            values.append(value if type(value) in as_it_is else field.get_db_prep_save(value, connection))
        return _numbered(values)


@cache
def _insert_into(model: type[models.Model], once: str, vendor: str) -> _Written:
    counted = model._meta.auto_field
    fields = tuple(field for field in model._meta.local_concrete_fields if field is not counted)
    query = InsertQuery(model)
    query.insert_values(fields, [model()])
    compiler: Any = query.get_compiler(connection=connection)
    compiler.returning_fields = [counted] if counted else []
    [(sql, values)] = compiler.as_sql()
    if len(values) != len(fields):
        raise ValueError(f"the database fills in more of {model.__name__} than its key")
    if once:
        unique: Any = model._meta.get_field(once)
        column = connection.ops.quote_name(unique.column)
        into, returning, key = sql.rpartition(" RETURNING ")
        sql = f"{into} ON CONFLICT ({column}) DO NOTHING{returning}{key}"
    return _Written(_with_numbers(sql), _as_they_are(fields), counted.attname if counted else "")


@cache
def _update_by_key(model: type[models.Model], names: tuple[str, ...], vendor: str) -> _Written:
    quoted, meta = connection.ops.quote_name, cast(Any, model._meta)
    fields = tuple(meta.get_field(name) for name in names)
    columns = ", ".join(f"{quoted(field.column)} = %s" for field in fields)
    sql = f"UPDATE {quoted(meta.db_table)} SET {columns} WHERE {quoted(meta.pk.column)} = %s"
    return _Written(_with_numbers(sql), _as_they_are((*fields, meta.pk)))


def _as_they_are(fields: Iterable[Any]) -> tuple[tuple[Any, frozenset[type]], ...]:
    """Each field with the types of which it hands on the very value: to ask it again for each row took half of an insert.

    Told by one value of each type, since Django's fields go by the type.
    """
    return tuple(
        (field, frozenset(type(sample) for sample in _SAMPLES if _hands_on(field, sample))) for field in fields
    )


_SAMPLES = ("a text", 31_000, True, None)


def _hands_on(field: Any, sample: Any) -> bool:
    try:
        return field.get_db_prep_save(sample, connection) is sample
    except (TypeError, ValueError, ValidationError):
        return False


def _columns(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


_PLACES = tuple(f"p{number}" for number in range(MOST_VALUES))


def _with_numbers(sql: str) -> str:
    """The statement with a name for each value's place: p0, p1, ...

    For SQLite Django searches each statement for %s by a regular expression, which took several times what SQLite did with
    a statement of many columns. Where places have names it does not.
    """
    number = count()
    return re.sub(r"%%|%s", lambda found: f"%(p{next(number)})s" if found[0] == "%s" else found[0], sql)


def _numbered(values: Iterable[Any]) -> dict[str, Any]:
    return dict(zip(_PLACES, values, strict=False))


def _with_names(values: Iterable[Any], stand_ins: dict[str, Any]) -> tuple[Any, ...]:
    """Each parameter's name where its stand-in was compiled in."""
    names = {_adapted(stand_in): name for name, stand_in in stand_ins.items()}
    found = tuple(
        _Parameter(names[value]) if isinstance(value, Hashable) and value in names else value for value in values
    )
    if missing := set(stand_ins) - {value.name for value in found if isinstance(value, _Parameter)}:
        raise ValueError(f"the query does not use {', '.join(sorted(missing))} as it is given")
    return found


def _adapted(value: Any) -> Any:
    """A value as the database's driver takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value
