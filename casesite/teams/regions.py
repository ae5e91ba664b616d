"""The regions in which Amazon Connect Cases can be reached, as the SDK lists them."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

CONNECT_REGIONS = (
    "us-east-1",
    "us-west-2",
    "ca-central-1",
    "eu-central-1",
    "eu-west-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "af-south-1",
)


def named_in(text: str) -> list[str]:
    """The regions that a text names, parted by commas or blanks, each once."""
    return list(dict.fromkeys(part for part in re.split(r"[\s,;]+", text.strip().lower()) if part))


def validate_regions(text: str) -> None:
    """Refuse regions that Amazon Connect Cases is not in."""
    unknown = [name for name in named_in(text) if name not in CONNECT_REGIONS]
    if unknown:
        known = ", ".join(CONNECT_REGIONS)
        text = _("Amazon Connect Cases is not in %(unknown)s. Choose from: %(known)s.")
        raise ValidationError(text % {"unknown": ", ".join(unknown), "known": known})
