"""First-response targets of an account, where its support plan promises others than AWS's usual ones."""

import re
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LONGEST = 7 * 24 * 60  # minutes
_PART = re.compile(r"([a-z][a-z-]{0,19})\s*=\s*(\d{1,5})\Z")


def targets_in(text: str) -> dict[str, timedelta]:
    """Spans by severity code, of a text such as `critical=15, urgent=60` (minutes). Raises ValidationError."""
    found: dict[str, timedelta] = {}
    for part in filter(None, (part.strip() for part in re.split(r"[,;\n]", text.lower()))):
        match = _PART.match(part)
        if not match or not 1 <= int(match[2]) <= LONGEST:
            raise ValidationError(
                _("“%(part)s” is no target. Write severity=minutes, for instance critical=15."), params={"part": part}
            )
        found[match[1]] = timedelta(minutes=int(match[2]))
    return found


def validate_targets(text: str) -> None:
    targets_in(text)
