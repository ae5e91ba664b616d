"""What a person sets for themselves."""

import zoneinfo
from functools import cache

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import Preferences, Theme


@cache
def time_zones() -> tuple[tuple[str, str], ...]:
    """Every IANA name of a place, and UTC, as choices."""
    names = {name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/"))}
    return tuple((name, name.replace("_", " ")) for name in ("UTC", *sorted(names)))


def is_time_zone(name: str) -> bool:
    return any(name == known for known, _label in time_zones())


class PreferencesForm(forms.ModelForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zones,
        help_text=_("Times are shown in this zone; the exact UTC time is in the tooltip."),
        widget=forms.Select(attrs={"data-search": _("Type a city"), "data-none": _("No such place")}),
    )
    theme = forms.ChoiceField(label=_("Appearance"), choices=Theme.choices, widget=forms.RadioSelect)

    class Meta:
        model = Preferences
        fields = ("time_zone", "theme")
