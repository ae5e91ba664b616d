"""Tags of a Connect case as people type them: key=value, one a line. AWS's limits. Pure."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MOST = 50
LONGEST_KEY, LONGEST_VALUE = 128, 256
_ALLOWED = re.compile(r"[a-zA-Z0-9 _.:/=+\-@]*\Z")


def parse_tags(text: str) -> dict[str, str]:
    """The tags of a text. Raises ValidationError with one message for each line that AWS would refuse."""
    found: dict[str, str] = {}
    errors: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        key, _equals, value = (part.strip() for part in line.partition("="))
        if problem := _problem(line, key, value, found):
            errors.append(_("Line %(number)d: %(problem)s") % {"number": number, "problem": problem})
        found[key] = value
    if len(found) > MOST:
        errors.append(_("%(count)d tags; AWS takes %(most)d.") % {"count": len(found), "most": MOST})
    if errors:
        raise ValidationError(errors)
    return found


def validate_tags(text: str) -> None:
    parse_tags(text)


def _problem(line: str, key: str, value: str, found: dict[str, str]) -> str:
    if "=" not in line or not key:
        return _("write key=value.")
    if key in found:
        return _("the key %(key)s is there twice.") % {"key": key}
    if key.lower().startswith("aws:"):
        return _("AWS keeps keys that begin with aws: for itself.")
    if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
        return _("a key has at most 128 characters, a value at most 256.")
    if not _ALLOWED.match(key) or not _ALLOWED.match(value):
        return _("only letters, digits, blanks and _ . : / = + - @ are allowed.")
    return ""
