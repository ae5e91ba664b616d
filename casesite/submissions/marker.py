"""The reference line that lets us recognise our own case at AWS, which keeps no idempotency token.

`Ref: CS-7GQ4-KM2X-9TZA-P3RW`: two groups are the case's reference, one is random for each submission, one is a check
group, an HMAC over the other three, so that a marker can be verified without its row. AWS redacts what looks like a key
or a card number; groups of four with a letter in each and no five digits in a row do not.
"""

import hashlib
import hmac
import re
import secrets
from functools import cache

from casesite.cases.models import REFERENCE_ALPHABET, harmless, random_groups

from .models import MarkerKey

_GROUP = f"[{REFERENCE_ALPHABET}]{{4}}"
_MARKER = re.compile(rf"CS-{_GROUP}-{_GROUP}-{_GROUP}-{_GROUP}")
_LAST_LINE = re.compile(rf"(?:\A|\n)Ref: ({_MARKER.pattern})\s*\Z")
_LOOKALIKE = re.compile(rf"Ref:(\s*)({_MARKER.pattern})", re.IGNORECASE)
LINE_LENGTH = len("\n\nRef: CS-7GQ4-KM2X-9TZA-P3RW")  # what the line takes of the 8,000 characters


def new(reference: str) -> str:
    """A marker for one submission of the case with this reference."""
    while True:
        unchecked = f"{reference}-{random_groups(1)}"
        group = _check_group(unchecked)
        if not group.isdigit() and harmless((unchecked + group).replace("-", "")):
            return f"{unchecked}-{group}"


def is_valid(marker: str) -> bool:
    """Whether the check group is ours."""
    if not _MARKER.fullmatch(marker):
        return False
    unchecked, _, group = marker.rpartition("-")
    return hmac.compare_digest(_check_group(unchecked), group)


def reference_of(marker: str) -> str:
    return marker[: len("CS-7GQ4-KM2X")]


def in_body(body: str) -> str | None:
    """The valid marker that stands as the last line of a communication, or None."""
    found = _LAST_LINE.search(body.replace("\r\n", "\n"))
    return found[1] if found and is_valid(found[1]) else None


def with_line(body: str, marker: str) -> str:
    """The body as AWS gets it: marker-like text in it defanged, our line at its end."""
    return f"{defanged(body)}\n\nRef: {marker}"


def defanged(text: str) -> str:
    """Text in which nothing reads as a reference line of ours. Its length does not change."""
    return _LOOKALIKE.sub(r"Ref.\1\2", text)


def _check_group(unchecked: str) -> str:
    digest = hmac.new(_key(), unchecked.encode(), hashlib.sha256).digest()
    return "".join(REFERENCE_ALPHABET[byte % 32] for byte in digest[:4])


def ensure_key() -> None:
    """Have the key in the database from the start: a backup without it could not tell its cases at AWS."""
    _key()


@cache
def _key() -> bytes:
    """The installation's key, made at first use. Two processes that make it at once agree on the one stored."""
    row, _made = MarkerKey.objects.get_or_create(pk=1, defaults={"key": secrets.token_bytes(32)})
    return bytes(row.key)
