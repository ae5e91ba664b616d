"""Rules about what people type. Lengths count code points, as AWS does; line ends are LF before anything is counted."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from casesite.submissions import marker
from casesite.submissions.payloads import BODY_LIMIT, CC_LIMIT, split_addresses

SUBJECT_LIMIT = 250  # AWS documents none; this is kept short on purpose
DESCRIPTION_LIMIT = BODY_LIMIT - marker.LINE_LENGTH
NAMED = 5  # of a list of bad things, as many are named

_validate_address = EmailValidator(allowlist=[])  # nobody outside can write to localhost
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
_LINE_BREAKS = "\n\u2028\u2029"
_HALF = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # Unicode's Cc but for tab and line feed


def with_lf(text: str) -> str:
    """Browsers send line ends as CRLF."""
    return text.replace("\r\n", "\n")


def is_blank(text: str) -> bool:
    """Whether nothing in it can be seen: spaces, line ends, control and zero-width characters only."""
    return all(unicodedata.category(character) in _UNSEEN for character in text)


def check_storable(text: str) -> None:
    """Even a draft can't keep half a character: it has no bytes. (Null characters are refused by Django's own fields.)"""
    if _HALF.search(text):
        raise ValidationError(_("This holds half a character (a lone surrogate), which can't be kept. Type it anew."))


def check_subject(text: str) -> None:
    if is_blank(text):
        raise ValidationError(_("Write a subject."))
    if any(character in text for character in _LINE_BREAKS):
        raise ValidationError(_("A subject is one line: remove the line breaks."))
    _check_characters(text)
    _check_length(text, SUBJECT_LIMIT)


def check_description(text: str) -> None:
    if is_blank(text):
        raise ValidationError(_("Describe what happens."))
    _check_characters(text)
    _check_length(text, DESCRIPTION_LIMIT)


def check_addresses(text: str) -> None:
    """At most ten addresses, each valid. The bad ones are named."""
    addresses = split_addresses(text)
    problems = []
    if bad := [address for address in addresses if not is_address(address)]:
        problems.append(
            ngettext("%(bad)s is not an e-mail address.", "These are not e-mail addresses: %(bad)s.", len(bad))
            % {"bad": ", ".join(bad[:NAMED]) + (" …" if len(bad) > NAMED else "")}
        )
    if (over := len(addresses) - CC_LIMIT) > 0:
        problems.append(
            _("AWS copies to at most %(limit)d addresses; these are %(count)d. Remove %(over)d.")
            % {"limit": CC_LIMIT, "count": len(addresses), "over": over}
        )
    if problems:
        raise ValidationError(problems)


def is_address(text: str) -> bool:
    try:
        _validate_address(text)
    except ValidationError:
        return False
    return True


def _check_characters(text: str) -> None:
    """Control characters but tab and line feed are refused, and the first is shown where it stands."""
    if found := _CONTROL.search(text):
        raise ValidationError(
            _("Line %(line)d holds a control character (%(code)s), which nobody can read. Remove it."),
            params={"line": text.count("\n", 0, found.start()) + 1, "code": f"U+{ord(found[0]):04X}"},
        )


def _check_length(text: str, limit: int) -> None:
    if (over := len(text) - limit) > 0:
        raise ValidationError(
            ngettext(
                "This is one character longer than the %(limit)s that fit.",
                "This is %(over)s characters longer than the %(limit)s that fit.",
                over,
            ),
            params={"over": f"{over:,}", "limit": f"{limit:,}"},
        )
