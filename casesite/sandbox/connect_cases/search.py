"""Filters, sorts and the search term of SearchCases, over cases as searches see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from casesite.sandbox.connect_cases.cases import Case
from casesite.sandbox.connect_cases.domains import Document, Part
from casesite.sandbox.connect_cases.values import EMPTY, Unfit, Values, as_instant, member_of, plain
from casesite.sandbox.messages import AwsError

Test = Callable[[Values, Mapping[str, str]], bool]
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "greaterThan": lambda left, right: left > right,
    "greaterThanOrEqualTo": lambda left, right: left >= right,
    "lessThan": lambda left, right: left < right,
    "lessThanOrEqualTo": lambda left, right: left <= right,
}


def test_for(filter_: Document, fields: Mapping[str, Part]) -> Test:
    """A test of a case's values and tags, or the error that says what is wrong with the filter."""
    name, body = next(iter(filter_.items()))
    if name == "field":
        return _field_test(body, fields)
    if name == "tag":
        return _tag_test(body["equalTo"])
    if name == "not":
        inner = test_for(body, fields)
        return lambda values, tags: not inner(values, tags)
    tests = [test_for(each, fields) for each in body]
    joined = all if name == "andAll" else any
    return lambda values, tags: joined(test(values, tags) for test in tests)


def tag_of(filter_: Document | None) -> tuple[str, str] | None:
    """Key and value where a filter is about one tag and nothing else, the way one looks for a case of one's own."""
    tag = (filter_ or {}).get("tag", {}).get("equalTo", {})
    return (tag["key"], tag["value"]) if {"key", "value"} <= tag.keys() else None


def has_term(values: Values, term: str) -> bool:
    wanted = term.casefold()
    return any(wanted in each.get("stringValue", "").casefold() for each in values.values())


def in_order(found: list[Case], sorts: list[Document], fields: Mapping[str, Part]) -> list[Case]:
    """Sorted by one field, or by a second where the first is the same. What is blank comes last."""
    for sort in reversed(sorts):
        id_ = field_of(sort["fieldId"], fields).id
        given = [case for case in found if id_ in case.fields]
        blank = [case for case in found if id_ not in case.fields]
        given.sort(key=lambda case: plain(case.fields[id_]), reverse=sort["sortOrder"] == "Desc")
        found = given + blank
    return found


def field_of(id_: str, fields: Mapping[str, Part]) -> Part:
    """A field by its id. Deleted ones still live on older cases."""
    if id_ not in fields:
        raise AwsError("ValidationException", f"Field {id_} does not exist.")
    return fields[id_]


def _field_test(body: Document, fields: Mapping[str, Part]) -> Test:
    operator, asked = next(iter(body.items()))
    field = field_of(asked["id"], fields)
    if EMPTY in asked["value"]:
        if operator != "equalTo":
            raise AwsError("ValidationException", "An empty value can only be asked for by equalTo.")
        return lambda values, _tags: field.id not in values
    wanted = _operand(field, asked["value"])
    if operator == "equalTo":
        return lambda values, _tags: plain(values.get(field.id)) == wanted
    if operator == "contains":
        return _contains(field, wanted)
    if isinstance(wanted, bool):
        raise AwsError("ValidationException", f"Values of field {field.id} have no order.")
    compare = ORDERS[operator]
    return lambda values, _tags: field.id in values and compare(plain(values[field.id]), wanted)


def _contains(field: Part, wanted: Any) -> Test:
    if not isinstance(wanted, str):
        raise AwsError("ValidationException", f"Field {field.id} holds no text.")
    folded = wanted.casefold()
    return lambda values, _tags: folded in str(plain(values.get(field.id)) or "").casefold()


def _operand(field: Part, union: Document) -> Any:
    expected = member_of(field)
    if expected not in union:
        raise AwsError("ValidationException", f"Values of field {field.id} come as {expected}.")
    if field.document["type"] != "DateTime":
        return union[expected]
    try:
        return as_instant(union[expected])
    except Unfit as why:
        raise AwsError("ValidationException", f"The value for field {field.id} {why}.") from None


def _tag_test(asked: Document) -> Test:
    if "key" not in asked:
        raise AwsError("ValidationException", "A tag is asked for by its key.")
    key, value = asked["key"], asked.get("value")
    return lambda _values, tags: key in tags and value in (None, tags[key])
