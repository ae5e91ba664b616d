"""What AWS Support takes out of case text before it gives it back: secret keys, private keys, card numbers."""

from __future__ import annotations

import re

REMOVED = "[REDACTED]"
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
SECRET_KEY = re.compile(
    r"(?<![A-Za-z0-9/+=])(?=[a-z0-9/+=]*[A-Z])(?=[A-Z0-9/+=]*[a-z])[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])"
)
CARD_NUMBER = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")


def redacted(text: str) -> str:
    """The text with everything that looks like a key or a card number replaced."""
    text = PRIVATE_KEY.sub(REMOVED, text)
    text = SECRET_KEY.sub(REMOVED, text)
    return CARD_NUMBER.sub(lambda match: REMOVED if _is_card_number(match[0]) else match[0], text)


def _is_card_number(text: str) -> bool:
    """Luhn's check: double every second digit from the right, take nines out, and the sum ends in 0."""
    digits = [int(each) for each in reversed(text) if each.isdecimal()]
    doubled = (each if place % 2 == 0 else each * 2 - 9 * (each > 4) for place, each in enumerate(digits))
    return sum(doubled) % 10 == 0
