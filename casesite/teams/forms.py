"""What a person sets for themselves, and what leads set for a team and its accounts."""

import zoneinfo
from functools import cache
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .models import AwsAccount, Membership, Preferences, Team, Theme
from .permissions import lead_team_ids


@cache
def time_zones() -> tuple[tuple[str, str], ...]:
    """Every IANA name as a choice, UTC first."""
    names = zoneinfo.available_timezones() - {"UTC", "Factory", "localtime"}
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


class MemberForm(forms.ModelForm):
    """One member of a team. A person is named, not chosen: a lead sees nobody outside the team."""

    username = forms.CharField(label=_("Username"), max_length=150)

    class Meta:
        model = Membership
        fields = ("role",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["username"] = self.instance.user.get_username()
            self.fields["username"].disabled = True

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        if not self.instance.pk:
            person = get_user_model().objects.filter(username=name).first()
            if person is None:
                raise ValidationError(_("Nobody has this username. An administrator makes new sign-ins."))
            self.instance.user = person
        return name


class NamedFormSet(forms.BaseInlineFormSet):
    """Rows of a table, whose fields have no labels of their own: each tells those who listen what it is."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():
            field.widget.attrs.setdefault("aria-label", field.label)


class MembersFormSet(NamedFormSet):
    def clean(self) -> None:
        """Nobody is twice in a team."""
        super().clean()
        seen: set[str] = set()
        for form in self.forms:
            name = getattr(form, "cleaned_data", {}).get("username")
            if not name or form in self.deleted_forms:
                continue
            if name in seen:
                form.add_error("username", _("This person is in the team already."))
            seen.add(name)


class AccountForm(forms.ModelForm):
    """An account's settings. Leads choose among their own teams; what other teams have of it stays theirs."""

    by: Any  # who fills it in; the admin says it

    class Meta:
        model = AwsAccount
        fields = (
            "account_id",
            "name",
            "teams",
            "active",
            "role_arn",
            "external_id",
            "review_policy",
            "second_approval",
            "review_minutes",
            "approval_hours",
            "unknown_policy",
            "cases_per_hour",
            "reserved_urgent",
        )
        widgets = {"role_arn": forms.TextInput, "external_id": forms.TextInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = forms.ModelMultipleChoiceField(
            self._teams_to_choose_from(),
            label=self.fields["teams"].label,
            help_text=_("Their members see the account and open cases in it."),
            widget=forms.CheckboxSelectMultiple,
        )
        self.fields["teams"] = teams

    def clean_teams(self) -> list[Team]:
        """Also the teams of the account that are not this person's to take it from."""
        chosen = list(self.cleaned_data["teams"])
        if not self.instance.pk:
            return chosen
        return chosen + list(self.instance.teams.exclude(pk__in=self._teams_to_choose_from()))

    def _teams_to_choose_from(self) -> Any:
        if self.by.is_superuser:
            return Team.objects.all()
        return Team.objects.filter(pk__in=lead_team_ids(self.by))
