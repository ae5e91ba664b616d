"""Checks a value against a shape of botocore's model, all of it: members, types, lengths, ranges, enums, patterns.

boto3 itself checks less than half of that before it sends, so a request that leaves the client may still be refused here, as
it would be by AWS.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from casesite.sandbox.messages import AwsError

# The models' patterns are written for Java: these are what Python's `re` reads otherwise or not at all. A letter class
# becomes \w, which also takes digits and the underscore; every model pattern with \p{L} allows those too. C is what is not
# printed: the control characters.
JAVA_TO_PYTHON = (
    (r"\u10000-\u10FFFF", "\U00010000-\U0010ffff"),
    (r"\p{L}", r"\w"),
    (r"\p{N}", r"\d"),
    (r"\p{Z}", r"\s"),
    (r"\p{C}", r"\x00-\x1f\x7f-\x9f"),
    (r"^\P{C}", r"^[\P{C}]"),
    (r"\P{C}", "\\x20-\\x7e\\xa0-\U0010ffff"),
)


def checked(value: Any, shape: Shape | None) -> Any:
    """The value as Python sees it (bytes for blobs, datetimes for timestamps), or the error AWS would answer."""
    if shape is None:
        return {}
    problems: list[str] = []
    result = _check(value, shape, "", problems)
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
        raise AwsError("ValidationException", count + "; ".join(problems))
    return result


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the model, to be matched against the whole value."""
    for java, python in JAVA_TO_PYTHON:
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


def _check(value: Any, shape: Shape, path: str, problems: list[str]) -> Any:
    return CHECKS[shape.type_name](value, shape, path, problems)


def _structure(value: Any, shape: StructureShape, path: str, problems: list[str]) -> dict[str, Any]:
    _expect(isinstance(value, dict), path, "a structure")
    given = {name: each for name, each in value.items() if each is not None}
    for name in shape.required_members:
        if name not in given:
            problems.append(
                f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
            )
    if shape.is_tagged_union and len(given) != 1:
        problems.append(f"Value at '{path}' failed to satisfy constraint: exactly one member must be set")
    result = {}
    for name, each in given.items():
        member = shape.members.get(name)
        if member is None:
            problems.append(f"Value at '{_join(path, name)}' failed to satisfy constraint: Member is not known")
        else:
            result[name] = _check(each, member, _join(path, name), problems)
    return result


def _list(value: Any, shape: ListShape, path: str, problems: list[str]) -> list[Any]:
    _expect(isinstance(value, list), path, "a list")
    _check_bounds(len(value), shape, path, "have length", problems)
    return [_check(each, shape.member, f"{path}.{n}.member", problems) for n, each in enumerate(value, 1)]


def _map(value: Any, shape: MapShape, path: str, problems: list[str]) -> dict[str, Any]:
    _expect(isinstance(value, dict), path, "a map")
    _check_bounds(len(value), shape, path, "have length", problems)
    return {
        _check(key, shape.key, f"{path}.key", problems): _check(each, shape.value, f"{path}.{key}", problems)
        for key, each in value.items()
    }


def _string(value: Any, shape: Shape, path: str, problems: list[str]) -> str:
    _expect(isinstance(value, str), path, "a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise AwsError("SerializationException", f"'{path}' holds half of a surrogate pair") from None
    _check_bounds(len(value), shape, path, "have length", problems)
    enum, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if enum and value not in enum:
        choices = ", ".join(enum)
        problems.append(
            f"Value at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [{choices}]"
        )
    if pattern and not compiled(pattern).fullmatch(value):
        rule = f"Member must satisfy regular expression pattern: {pattern}"
        problems.append(f"Value at '{path}' failed to satisfy constraint: {rule}")
    return str(value)


def _whole_number(value: Any, shape: Shape, path: str, problems: list[str]) -> int:
    _expect(isinstance(value, int) and not isinstance(value, bool), path, "a whole number")
    _check_bounds(value, shape, path, "have value", problems)
    return int(value)


def _number(value: Any, shape: Shape, path: str, problems: list[str]) -> float:
    _expect(isinstance(value, int | float) and not isinstance(value, bool), path, "a number")
    _check_bounds(value, shape, path, "have value", problems)
    return float(value)


def _boolean(value: Any, shape: Shape, path: str, problems: list[str]) -> bool:
    _expect(isinstance(value, bool), path, "true or false")
    return bool(value)


def _timestamp(value: Any, shape: Shape, path: str, problems: list[str]) -> datetime:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError, OSError):
        raise AwsError("SerializationException", f"'{path}' must be a timestamp") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _blob(value: Any, shape: Shape, path: str, problems: list[str]) -> bytes:
    _expect(isinstance(value, str), path, "base64 text")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise AwsError("SerializationException", f"'{path}' must be base64 text") from None
    _check_bounds(len(data), shape, path, "have length", problems)
    return data


CHECKS: dict[str, Callable[[Any, Any, str, list[str]], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "character": _string,
    "integer": _whole_number,
    "long": _whole_number,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}


def _check_bounds(size: float, shape: Shape, path: str, what: str, problems: list[str]) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    failed = f"Value at '{path}' failed to satisfy constraint: Member must {what}"
    if low is not None and size < low:
        problems.append(f"{failed} greater than or equal to {low}")
    if high is not None and size > high:
        problems.append(f"{failed} less than or equal to {high}")


def _expect(fits: bool, path: str, what: str) -> None:
    if not fits:
        raise AwsError("SerializationException", f"'{path or 'the request'}' must be {what}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
