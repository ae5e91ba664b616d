"""Values of Connect fields: from what a person types to what AWS takes, for each of the seven types. Pure.

A value is what rules compare: text, a number, yes or no. A point in time is text too, in UTC as AWS's own events write it.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext as _

from .template import CUSTOMER, TITLE, Field, FieldType, Value

SINGLE_LINE, MULTI_LINE, SUMMARY_LENGTH, ARN_LENGTH = 500, 4100, 3000, 500
SUMMARY, REFERENCE, QUEUE, USER = "summary", "reference_number", "assigned_queue", "assigned_user"
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)
_REFERENCE = re.compile(r"[A-Za-z0-9]{1,50}\Z")
_PROFILE = re.compile(r"arn:aws[a-z-]*:profile:[a-z0-9-]+:\d{12}:domains/[A-Za-z0-9_-]+/profiles/[A-Za-z0-9]+\Z")
_CONNECT = re.compile(r"arn:aws[a-z-]*:connect:[a-z0-9-]+:\d{12}:instance/[A-Za-z0-9-]+/([a-z-]+)/[A-Za-z0-9-]+\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def length_of(field: Field) -> int:
    """The most characters that AWS takes in a text."""
    if field.id == SUMMARY:
        return SUMMARY_LENGTH
    if field.type == FieldType.URL:
        return MULTI_LINE
    return MULTI_LINE if field.multiline else SINGLE_LINE


def is_multiline(field: Field) -> bool:
    return field.type == FieldType.TEXT and (field.multiline or field.id == SUMMARY)


def parse(field: Field, typed: str, zone: tzinfo) -> Value:
    """The value of what was typed, None for nothing. Raises ValidationError with what to change.

    Points in time are read in `zone`, numbers with the decimal sign of the active language. Whether an option may be chosen
    is for the rules to say.
    """
    typed = typed.replace("\r\n", "\n").replace("\r", "\n")
    if not typed.strip():
        return None
    if _CONTROL.search(typed):
        raise ValidationError(_("There is a control character in it that AWS does not take."))
    return _SYSTEM.get(field.id, _TYPES[field.type])(field, typed, zone)


def as_typed(field: Field, value: Value, zone: tzinfo) -> str:
    """The inverse of `parse`, for a form that shows a value again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return str(int(value)) if abs(value) < 1e15 and value == int(value) else str(formats.localize_input(value))
    if field.type == FieldType.DATE_TIME:
        return _instant(value).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    return value


def in_words(field: Field, value: Value, zone: tzinfo) -> str:
    """A value for people who read it: options by name, times in their zone."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if value is not None and field.type == FieldType.DATE_TIME:
        return _instant(str(value)).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")
    if value is not None and field.type == FieldType.SINGLE_SELECT:
        return next((option.name for option in field.options if option.value == value), str(value))
    return as_typed(field, value, zone)


def as_union(field: Field, value: Value) -> dict[str, Any]:
    """The value as AWS's FieldValueUnion takes it: exactly one member. Nothing is sent for blank fields, so None has none."""
    if value is None:
        raise ValueError(f"{field.id} has no value to send")
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, float | int):
        return {"doubleValue": float(value)}
    return {"userArnValue" if field.type == FieldType.USER else "stringValue": value}


# --- one reader for each type ------------------------------------------------------------------------------------------
def _text(field: Field, typed: str, zone: tzinfo) -> str:
    most = length_of(field)
    if not is_multiline(field) and "\n" in typed.strip("\n"):
        raise ValidationError(_("This field takes one line only."))
    typed = typed if is_multiline(field) else typed.strip("\n")
    if len(typed) > most:
        raise ValidationError(
            _("%(count)s characters; at most %(most)s go in here.") % {"count": f"{len(typed):,}", "most": f"{most:,}"}
        )
    return typed


def _number(field: Field, typed: str, zone: tzinfo) -> float:
    plain = str(formats.sanitize_separators(typed.strip())).replace("\N{MINUS SIGN}", "-")
    if not _NUMBER.match(plain):
        sign = formats.get_format("DECIMAL_SEPARATOR")
        raise ValidationError(_("Write a number, such as 12%(sign)s5.") % {"sign": sign})
    value = float(plain)
    if not isfinite(value):
        raise ValidationError(_("This number is too large."))
    return value


def _boolean(field: Field, typed: str, zone: tzinfo) -> bool:
    answers = {"true": True, "false": False}
    if typed.strip() not in answers:
        raise ValidationError(_("Choose yes or no."))
    return answers[typed.strip()]


def _date_time(field: Field, typed: str, zone: tzinfo) -> str:
    try:
        local = datetime.fromisoformat(typed.strip())
    except ValueError:
        raise ValidationError(_("Write a date and a time, such as 2026-11-25T14:30.")) from None
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone)
        back = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
        if back != local.replace(tzinfo=None):
            raise ValidationError(_("The clocks go forward then: this time does not exist in your time zone."))
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{local.microsecond // 1000:03}Z"


def _choice(field: Field, typed: str, zone: tzinfo) -> str:
    return typed


def _url(field: Field, typed: str, zone: tzinfo) -> str:
    typed = typed.strip()
    try:
        parts = urlsplit(typed)
        whole = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or re.search(r"\s", typed):
        raise ValidationError(_("Write a whole web address that begins with http:// or https://."))
    return _text(field, typed, zone)


def _connect_arn(kinds: tuple[str, ...], message: Callable[[], str]) -> Callable[[Field, str, tzinfo], str]:
    def read(field: Field, typed: str, zone: tzinfo) -> str:
        found = _CONNECT.match(typed.strip())
        if not found or found[1] not in kinds or len(typed.strip()) > ARN_LENGTH:
            raise ValidationError(message())
        return typed.strip()

    return read


def _customer(field: Field, typed: str, zone: tzinfo) -> str:
    if not _PROFILE.match(typed.strip()) or len(typed.strip()) > ARN_LENGTH:
        raise ValidationError(_("Write the full ARN of the customer's profile."))
    return typed.strip()


def _reference(field: Field, typed: str, zone: tzinfo) -> str:
    if not _REFERENCE.match(typed.strip()):
        raise ValidationError(_("1 to 50 letters and digits."))
    return typed.strip()


def _instant(value: str) -> datetime:
    return datetime.fromisoformat(value)


_user = _connect_arn(("agent", "user"), lambda: _("Write the full ARN of the user."))
_TYPES: dict[FieldType, Callable[[Field, str, tzinfo], Value]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE_TIME: _date_time,
    FieldType.SINGLE_SELECT: _choice,
    FieldType.URL: _url,
    FieldType.USER: _user,
}
# Fields of AWS's own whose text has a form that the type does not tell.
_SYSTEM: dict[str, Callable[[Field, str, tzinfo], Value]] = {
    TITLE: _text,
    CUSTOMER: _customer,
    REFERENCE: _reference,
    QUEUE: _connect_arn(("queue",), lambda: _("Write the full ARN of the queue.")),
    USER: _user,
}
