"""Pages of a list that is newest first, by the place of a row and not by counting: as quick on page 900 as on page 1."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict

from casesite.cases.models import Case

SIZE = 50


@dataclass(frozen=True)
class Page:
    """Some cases, and the addresses (their query parts) of the newer and the older ones; empty where there are none."""

    cases: list[Any]
    newer: str
    older: str


def page_of(cases: QuerySet[Case], query: QueryDict, size: int = SIZE) -> Page:
    """The page that `before` or `after` a reference begins; without either, the newest."""
    if after := query.get("after"):
        return _newer_page(cases, after, query, size)
    before = query.get("before")
    if before:
        cases = cases.filter(pk__lt=_place_of(before))
    found = list(cases.order_by("-pk")[: size + 1])
    shown = found[:size]
    return Page(
        shown,
        newer=_address(query, after=shown[0].reference) if before and shown else "",
        older=_address(query, before=shown[-1].reference) if len(found) > size else "",
    )


def _newer_page(cases: QuerySet[Case], after: str, query: QueryDict, size: int) -> Page:
    found = list(cases.filter(pk__gt=_place_of(after)).order_by("pk")[: size + 1])
    shown = found[:size][::-1]
    return Page(
        shown,
        newer=_address(query, after=shown[0].reference) if len(found) > size else "",
        older=_address(query, before=shown[-1].reference) if shown else "",
    )


def _place_of(reference: str) -> Any:
    """Where that case stands; nowhere for what can be no reference."""
    known = Case.objects.filter(reference=reference) if reference.isprintable() else Case.objects.none()
    return known.values("pk")[:1]


def _address(query: QueryDict, **place: str) -> str:
    kept = [(key, value) for key, values in query.lists() if key not in ("before", "after") for value in values]
    return "?" + urlencode([*kept, *place.items()])
