"""Is this a value that the field can have? One check for each of the seven types, and more for some system fields."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from casesite.sandbox.connect_cases import system_fields
from casesite.sandbox.connect_cases.domains import Part

Union = dict[str, Any]
Values = dict[str, Union]  # by field id; what is blank is not there

EMPTY = "emptyValue"
SINGLE_LINE, MULTI_LINE, SUMMARY = 500, 4100, 3000
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
REFERENCE = re.compile(r"[A-Za-z0-9]{1,50}")
PROFILE_ARN = re.compile(r"[a-zA-Z0-9/_\-:.]{1,500}")
MEMBERS = {"Number": "doubleValue", "Boolean": "booleanValue", "User": "userArnValue"}


class Unfit(Exception):
    """Why a value is not taken."""


def plain(union: Mapping[str, Any] | None) -> Any:
    """The value inside a union member, or None for a blank one."""
    value = next(iter(union.values())) if union and EMPTY not in union else None
    return None if value == "" else value


def member_of(field: Part) -> str:
    """The union member that values of this field's type come in."""
    return MEMBERS.get(field.document["type"], "stringValue")


def fit(field: Part, union: Union) -> Union | None:
    """The value as it is stored, None for a blank one. Raises Unfit."""
    if field.id == system_fields.STATUS and plain(union) is None:
        raise Unfit("can't be cleared")
    if EMPTY in union:
        return None
    expected = member_of(field)
    if expected not in union:
        raise Unfit(f"must come as {expected}, because it is of type {field.document['type']}")
    value = plain(union)
    if value is None:
        return None
    return {expected: CHECKS[field.document["type"]](field, value)}


def _text(field: Part, value: str) -> str:
    many_lines = field.id == system_fields.SUMMARY or _is_multiline(field)
    limit = SUMMARY if field.id == system_fields.SUMMARY else MULTI_LINE if many_lines else SINGLE_LINE
    if len(value) > limit:
        raise Unfit(f"must have {limit} characters or less")
    if not many_lines and ("\n" in value or "\r" in value):
        raise Unfit("must be a single line")
    if field.id in (system_fields.REFERENCE_NUMBER, system_fields.REFERENCE_ID) and not REFERENCE.fullmatch(value):
        raise Unfit("must be 1 to 50 letters and digits")
    if field.id == system_fields.CUSTOMER and not PROFILE_ARN.fullmatch(value):
        raise Unfit("must be the ARN of a profile")
    if field.id == system_fields.TITLE and not value.strip():
        raise Unfit("must not be blank")
    return value


def _is_multiline(field: Part) -> bool:
    return bool(field.document.get("attributes", {}).get("text", {}).get("isMultiline"))


def _number(field: Part, value: float) -> float:
    if not math.isfinite(value):
        raise Unfit("must be a finite number")
    return value


def _boolean(field: Part, value: bool) -> bool:
    return value


def _instant(field: Part, value: str) -> str:
    return as_instant(value)


def as_instant(value: str) -> str:
    """ISO 8601 with a zone, brought to UTC with milliseconds and Z."""
    try:
        at = datetime.fromisoformat(value) if INSTANT.fullmatch(value) else None
    except ValueError:
        at = None
    if at is None:
        raise Unfit("must be a time such as 2026-11-20T14:02:00.000Z")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _option(field: Part, value: str) -> str:
    found = [each for each in field.document.get("options", ()) if each["value"] == value]
    if not found:
        raise Unfit(f"has no option {value}")
    if not found[0]["active"]:
        raise Unfit(f"must be an active option, and {value} is not")
    return value


def _url(field: Part, value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good or any(each.isspace() for each in value):
        raise Unfit("must be a link that begins with http:// or https://")
    return value


def _user(field: Part, value: str) -> str:
    if not value.startswith("arn:aws:connect:") or len(value) > SINGLE_LINE:
        raise Unfit("must be the ARN of a Connect user")
    return value


CHECKS: dict[str, Callable[[Part, Any], Any]] = {
    "Text": _text,
    "Number": _number,
    "Boolean": _boolean,
    "DateTime": _instant,
    "SingleSelect": _option,
    "Url": _url,
    "User": _user,
}
