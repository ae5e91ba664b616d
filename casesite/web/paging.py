"""Pages of a list by the place of a row, not by counting: the last page is as quick as the first, and nothing shifts.

A list may have several branches, one for each team that a person is in. Each is read along an index and only as far as one page
needs; all of them in one query.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.http import QueryDict

from casesite.database import any_of, together

SIZE = 50
NEAR = 1000  # rows of a branch that a search reads one by one before it asks the index of words
BEHIND, AHEAD, LAST = "behind", "ahead", "last"
NAMES = (BEHIND, AHEAD, LAST)  # in addresses

Key = tuple[Any, ...]


class Order(Protocol):
    """How a list is sorted, all columns in the same direction, and how a row's place is written in addresses."""

    descending: bool

    def key(self, token: str) -> Key | None:
        """The place that a token names; None for what can be none."""
        ...

    def place(self, row: Any) -> Key: ...

    def token(self, row: Any) -> str: ...


class Search(Protocol):
    """Which rows match."""

    def near(self) -> Q:
        """Told from the row itself."""
        ...

    def far(self, team_id: int) -> Q:
        """Told from an index, for the rows of a team."""
        ...


@dataclass(frozen=True)
class Branch:
    """Rows of one team, and what the columns of the order are called there; the last one names the row of the list."""

    rows: QuerySet[Any]
    columns: tuple[str, ...]
    team_id: int

    @property
    def pk(self) -> str:
        return self.columns[-1]


@dataclass(frozen=True)
class Page:
    """Rows, and the addresses (their query parts) of other pages; empty where there is none."""

    rows: list[Any]
    ahead: str = ""
    behind: str = ""
    first: str = ""
    last: str = ""


def page_of(
    branches: Iterable[Branch],
    order: Order,
    query: QueryDict,
    *,
    search: Search | None = None,
    rows: Callable[[Any], Iterable[Any]],
    size: int = SIZE,
) -> Page:
    """The page behind or ahead of a place, the last one, or the first. `rows` reads those whose keys are `__in` what it is given."""
    backward = AHEAD in query or LAST in query
    token = "" if LAST in query else query.get(AHEAD) or query.get(BEHIND)
    place = order.key(token) if token else None
    if token and place is None:
        return Page([], first=_address(query), last=_address(query, **{LAST: "1"}))
    found = list(rows(_wanted(list(branches), order, place, backward, size + 1, search)))
    found.sort(key=order.place, reverse=order.descending != backward)
    shown, more = found[:size], len(found) > size
    if backward:
        shown.reverse()
    return _page(shown, query, order.token, more=more, backward=backward, is_end=place is None)


def _page(
    shown: list[Any], query: QueryDict, token: Callable[[Any], str], *, more: bool, backward: bool, is_end: bool
) -> Page:
    """`more`: there is more in the direction that was read; `is_end`: it was read from an end of the list."""
    is_first = not more if backward else is_end
    is_last = is_end if backward else not more
    return Page(
        shown,
        ahead="" if is_first or not shown else _address(query, **{AHEAD: token(shown[0])}),
        behind="" if is_last or not shown else _address(query, **{BEHIND: token(shown[-1])}),
        first="" if is_first and (shown or not backward) else _address(query),
        last="" if is_last else _address(query, **{LAST: "1"}),
    )


def _wanted(
    branches: list[Branch], order: Order, place: Key | None, backward: bool, most: int, search: Search | None
) -> Any:
    """Primary keys among which are the first `most` rows of all branches from a place on; to be used with `__in`."""
    ahead = [_from(branch, order, place, backward) for branch in branches]
    if search is None:
        return any_of([rows.values_list(branch.pk)[:most] for branch, rows in zip(branches, ahead, strict=True)])
    matches = ExpressionWrapper(search.near(), output_field=BooleanField())
    near = together(
        [
            rows.annotate(matches=matches).values_list(branch.pk, "matches")[:NEAR]
            for branch, rows in zip(branches, ahead, strict=True)
        ]
    )
    asked, known = [], set()
    for branch, rows, read in zip(branches, ahead, near, strict=True):
        found = [pk for pk, matches_ in read if matches_]
        if len(read) < NEAR or len(found) >= most:
            known |= set(found[:most])
        else:  # what these rows do not tell, because there are more of them and too few match, is asked of the index
            asked.append(_told_by_index(rows, search.far(branch.team_id)).values_list(branch.pk)[:most])
    if not asked:
        return known
    first = branches[0]
    kept = first.rows.model.objects.filter(**{f"{first.pk}__in": known}).values_list(first.pk)
    return any_of([*asked, kept])


def _told_by_index(rows: QuerySet[Any], which: Q) -> QuerySet[Any]:
    """Those of the rows that an index tells. The rest of their conditions is looked at for these alone: SQLite would rather
    go through all rows in the order that is asked for."""
    whole = rows.model.objects.filter(which, Exists(rows.filter(pk=OuterRef("pk"))))
    return whole.order_by(*rows.query.order_by)


def _from(branch: Branch, order: Order, place: Key | None, backward: bool) -> QuerySet[Any]:
    down = order.descending != backward
    rows = branch.rows if place is None else branch.rows.filter(Beyond(branch.columns, place, down))
    return rows.order_by(*(F(name).desc() if down else F(name).asc() for name in branch.columns))


class Beyond(Func):
    """Whether a row stands beyond a place: a comparison of rows, which both databases read along an index."""

    output_field = BooleanField()

    def __init__(self, columns: tuple[str, ...], place: Key, down: bool) -> None:
        self.down = down
        super().__init__(
            *(F(name) for name in columns),
            *(each if hasattr(each, "resolve_expression") else Value(each) for each in place),
        )

    def as_sql(self, compiler: Any, connection: Any, *_given: Any, **_context: Any) -> tuple[str, tuple[Any, ...]]:
        half = len(self.source_expressions) // 2
        parts = [compiler.compile(each) for each in self.source_expressions]
        columns, places = (", ".join(sql for sql, _values in side) for side in (parts[:half], parts[half:]))
        values = tuple(value for _sql, given in parts for value in given)
        return f"({columns}) {'<' if self.down else '>'} ({places})", values


# --- lists that are never long: sorted by whatever somebody chooses ---------------------------------------------------------------
def page_of_sorted(rows: QuerySet[Any], query: QueryDict, *, size: int = SIZE) -> Page:
    """The same for a queryset that is sorted already, in any directions. A row's place in addresses is its primary key."""
    terms = [_term(each) for each in (*rows.query.order_by, "pk")]
    backward = AHEAD in query or LAST in query
    token = "" if LAST in query else query.get(AHEAD) or query.get(BEHIND)
    place = _place_of(rows, terms, token) if token else None
    if token and place is None:
        return Page([], first=_address(query), last=_address(query, **{LAST: "1"}))
    if place is not None:
        rows = rows.filter(_beyond(terms, place, backward))
    found = list(rows.order_by(*(_sorted_by(name, down != backward) for name, down in terms))[: size + 1])
    shown, more = found[:size], len(found) > size
    if backward:
        shown.reverse()
    return _page(shown, query, lambda row: str(row.pk), more=more, backward=backward, is_end=place is None)


def _term(each: Any) -> tuple[str, bool]:
    """A column, and whether it is sorted downwards."""
    if isinstance(each, OrderBy):  # as Django's admin makes them of a column that somebody clicked
        column: Any = each.expression
        return column.name, each.descending
    return each.removeprefix("-"), each.startswith("-")


def _sorted_by(name: str, down: bool) -> OrderBy:
    """What has no value comes first, or last downwards, in both databases alike."""
    return F(name).desc(nulls_last=True) if down else F(name).asc(nulls_first=True)


def _place_of(rows: QuerySet[Any], terms: list[tuple[str, bool]], token: str) -> Key | None:
    try:
        return rows.order_by().filter(pk=token).values_list(*(name for name, _down in terms)).first()
    except (ValueError, ValidationError, OverflowError):
        return None


def _beyond(terms: list[tuple[str, bool]], place: Key, backward: bool) -> Q:
    found, same = Q(), Q()
    for (name, down), value in zip(terms, place, strict=True):
        found |= same & _past(name, value, down != backward)
        same &= Q(**{f"{name}__isnull": True}) if value is None else Q(**{name: value})
    return found


def _past(name: str, value: Any, down: bool) -> Q:
    if value is None:
        return Q(pk__in=()) if down else Q(**{f"{name}__isnull": False})
    return Q(**{f"{name}__lt": value}) | Q(**{f"{name}__isnull": True}) if down else Q(**{f"{name}__gt": value})


def _address(query: QueryDict, **place: str) -> str:
    kept = [(key, value) for key, values in query.lists() if key not in NAMES for value in values]
    return "?" + urlencode([*kept, *place.items()])
