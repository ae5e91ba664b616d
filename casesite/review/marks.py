"""Makes visible what a text hides: blanks at line ends, tabs, and characters that show nothing or turn the line around.

The marks are drawn by the style sheet beside the characters, so that what is copied from the page stays the text itself.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from casesite.screening.secrets import Finding

# Blanks at a line's end, tabs, and everything but printable ASCII: of the last, `_is_odd` picks what to mark.
_SPECIAL = re.compile(r"(?P<end>[ \t]+(?=\n|\Z))|(?P<tab>\t)|(?P<other>[^\n\x20-\x7e])")
_ODD_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
# Letters and marks by their category, and yet nothing to see.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | frozenset(
    chr(code) for block in (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)) for code in block
)
_JOINER, _EMOJI_STYLE = "\u200d", "\ufe0f"


def marked(text: str, secrets: Iterable[Finding] = ()) -> SafeString:
    """The text as HTML, escaped, with a mark at each character that could not be seen otherwise, and around each secret."""
    cuts = [(found.start(), 2, found.end(), html) for found in _SPECIAL.finditer(text) if (html := _mark(text, found))]
    parts: list[str] = []
    at = 0
    for start, _order, end, html in sorted([*cuts, *_secret_cuts(text, secrets)]):
        parts += [escape(text[at:start]), html]
        at = max(at, end)
    return mark_safe("".join([*parts, escape(text[at:])]))


def _secret_cuts(text: str, secrets: Iterable[Finding]) -> Iterator[tuple[int, int, int, str]]:
    """Where each mark begins and where it ends; at one place the end of one comes before the start of another."""
    line_starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")] if secrets else []
    for finding in secrets:
        start, end = (line_starts[finding.line - 1] + column for column in (finding.start, finding.end))
        yield start, 1, start, format_html('<mark class="mark-secret" title="{}">', finding.kind.label)
        yield end, 0, end, "</mark>"


def odd_characters(text: str) -> int:
    """How many characters of the text show nothing, or not where they stand."""
    return sum(1 for found in _SPECIAL.finditer(text) if found["other"] and _is_odd(text, found.start()))


def _mark(text: str, found: re.Match[str]) -> str:
    if found["end"]:
        return "".join(
            _tab() if blank == "\t" else format_html('<span class="mark-end">{}</span>', blank)
            for blank in found["end"]
        )
    if found["tab"]:
        return _tab()
    return _odd(found["other"]) if _is_odd(text, found.start()) else ""


def _tab() -> str:
    return format_html('<span class="mark-tab" title="{}">\t</span>', _("tab"))


def _odd(character: str) -> str:
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "").lower() or _("control character")
    shown = "" if unicodedata.category(character) == "Cs" else character  # half a character can't be sent to a browser
    return format_html(
        '<span class="mark-odd" role="img" data-mark="{}" aria-label="{}" title="{}">{}</span>',
        code,
        f"{name}, {code}",
        f"{name}, {code}",
        shown,
    )


def _is_odd(text: str, at: int) -> bool:
    character = text[at]
    if character not in _UNSEEN and unicodedata.category(character) not in _ODD_CATEGORIES:
        return False
    return not _belongs_to_emoji(text, at)


def _belongs_to_emoji(text: str, at: int) -> bool:
    """The two unseen characters that emoji are made of, right where they belong."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if text[at] == _EMOJI_STYLE:
        return _is_symbol(before)
    if text[at] == _JOINER:
        return (_is_symbol(before) or before == _EMOJI_STYLE) and _is_symbol(after)
    return False


def _is_symbol(character: str) -> bool:
    return bool(character) and unicodedata.category(character) in ("So", "Sk")
