"""Words in a team's texts that are filled in when a text is put into a case: {account_name} and the like. Pure."""

import re
from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

NAMES = ("account_name", "account_id", "service", "today")
_PLACE = re.compile(r"\{([A-Za-z_][\w-]*)\}")  # JSON and code in braces are none


def check_known(text: str) -> None:
    """Raises ValidationError, naming what is no placeholder."""
    unknown = [name for name in dict.fromkeys(_PLACE.findall(text)) if name not in NAMES]
    if unknown:
        raise ValidationError(
            _("There is no placeholder %(unknown)s. Known are %(known)s."),
            params={"unknown": _listed(unknown), "known": _listed(NAMES)},
        )


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with what is known. A placeholder without a value stays as it is, for all to see."""
    return _PLACE.sub(lambda found: values.get(found[1]) or found[0], text)


def left_in(text: str) -> list[str]:
    """Placeholders that are still to be filled, as they are written."""
    return [f"{{{name}}}" for name in dict.fromkeys(_PLACE.findall(text)) if name in NAMES]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
