"""What the list of cases can be narrowed by. Everything stands in the address."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from casesite.cases.labels import LABELS
from casesite.cases.models import Case, Kind, Stage
from casesite.catalog.severities import KNOWN
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, Team

_REFERENCE = re.compile(r"CS-?([0-9A-Z]{4})-?([0-9A-Z]{4})", re.IGNORECASE)

# As `label_of` reads them, for a case with its newest submission beside it.
_STATES: dict[str, Q] = {
    "draft": Q(stage=Stage.DRAFT) & (Q(state=None) | Q(state=State.FAILED, reason_code=Reason.GAVE_UP)),
    "returned": Q(stage=Stage.DRAFT, state=State.RETURNED),
    "waiting_for_review": Q(stage=Stage.OUTGOING, state=State.PENDING_REVIEW),
    "queued": Q(stage=Stage.OUTGOING, state=State.QUEUED),
    "sending": Q(stage=Stage.OUTGOING, state__in=(State.PREPARING, State.SENDING)),
    "checking": Q(stage=Stage.OUTGOING, state=State.UNKNOWN),
    "needs_person": Q(stage=Stage.OUTGOING, state=State.NEEDS_ATTENTION),
    "refused": Q(stage=Stage.DRAFT, state=State.FAILED) & ~Q(reason_code=Reason.GAVE_UP),
    "open": Q(stage=Stage.OPEN),
    "resolved": Q(stage=Stage.RESOLVED),
    "withdrawn": Q(stage=Stage.DRAFT, state=State.CANCELLED, reason_code=Reason.WITHDRAWN),
    "cancelled": Q(stage=Stage.DRAFT, state=State.CANCELLED) & ~Q(reason_code=Reason.WITHDRAWN),
    "rejected": Q(stage=Stage.CLOSED, state=State.REJECTED),
    "discarded": Q(stage=Stage.CLOSED) & (Q(state=None) | ~Q(state=State.REJECTED)),
}


def _date() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class CaseFilter(django_filters.FilterSet):
    """Works on cases that `rows.with_newest` read."""

    q = django_filters.CharFilter(
        method="search",
        label=_("Search"),
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Reference, AWS id or words")}),
    )
    state = django_filters.ChoiceFilter(
        method="in_state",
        label=_("State"),
        empty_label=_("Any"),
        choices=[(label.code, label.text if label.code != "returned" else _("Returned")) for label in LABELS],
    )
    kind = django_filters.ChoiceFilter(label=_("Kind"), empty_label=_("Any"), choices=Kind.choices)
    account = django_filters.ChoiceFilter(field_name="account_id", label=_("Account"), empty_label=_("Any"))
    team = django_filters.ChoiceFilter(field_name="team_id", label=_("Team"), empty_label=_("Any"))
    severity = django_filters.ChoiceFilter(
        field_name="severity_code",
        label=_("Severity"),
        empty_label=_("Any"),
        choices=[(known.code, known.name) for known in KNOWN.values()],
    )
    since = django_filters.DateFilter(method="written_since", label=_("Written from"), widget=_date())
    until = django_filters.DateFilter(method="written_until", label=_("to"), widget=_date())
    mine = django_filters.BooleanFilter(method="only_mine", label=_("Mine only"), widget=forms.CheckboxInput())

    class Meta:
        model = Case
        fields: list[str] = []

    def __init__(self, data: Any, queryset: QuerySet[Case], *, request: Any) -> None:
        super().__init__(data, queryset, request=request)
        user = request.user
        # Lists, not querysets: a form asks for its choices several times.
        rows = AwsAccount.objects.filter(teams__memberships__user=user).distinct().order_by("name", "account_id")
        accounts = list(rows)
        self._has_connect = any(account.connect_regions for account in accounts)
        teams = Team.objects.filter(memberships__user=user).order_by("name")
        self.filters["account"].extra["choices"] = [(str(account.pk), str(account)) for account in accounts]
        self.filters["team"].extra["choices"] = [(str(team.pk), str(team)) for team in teams]
        for field in self.form.fields.values():
            field.widget.attrs["class"] = _class_of(field.widget)

    @property
    def has_teams_to_choose(self) -> bool:
        return len(self.filters["team"].extra["choices"]) > 1

    @property
    def has_kinds_to_choose(self) -> bool:
        """Whether an account of the person's has Amazon Connect, so that there may be cases of both kinds."""
        return self._has_connect

    @property
    def is_narrowed(self) -> bool:
        """Whether the address asks for less than everything."""
        return self.form.is_valid() and any(self.form.cleaned_data.values())

    def search(self, cases: QuerySet[Case], _name: str, value: str) -> QuerySet[Case]:
        """By reference, by AWS's id in either form, or by all words of the subject."""
        text = value.strip()
        wanted = Q(aws_case_id=text) | Q(aws_display_id=text)
        if found := _REFERENCE.match(text):
            wanted |= Q(reference=f"CS-{found[1]}-{found[2]}".upper())
        words = Q()
        for word in text.split():
            words &= Q(subject__icontains=word)
        return cases.filter(wanted | words)

    def in_state(self, cases: QuerySet[Case], _name: str, value: str) -> QuerySet[Case]:
        return cases.filter(_STATES[value])

    def only_mine(self, cases: QuerySet[Case], _name: str, value: bool) -> QuerySet[Case]:
        return cases.filter(author=self.request.user) if value else cases

    def written_since(self, cases: QuerySet[Case], _name: str, value: date) -> QuerySet[Case]:
        return cases.filter(created_at__gte=_midnight(value))

    def written_until(self, cases: QuerySet[Case], _name: str, value: date) -> QuerySet[Case]:
        return cases.filter(created_at__lt=_midnight(value + timedelta(days=1)))


def _class_of(widget: forms.Widget) -> str:
    if isinstance(widget, forms.Select):
        return "form-select"
    return "form-check-input" if isinstance(widget, forms.CheckboxInput) else "form-control"


def _midnight(day: date) -> datetime:
    """The beginning of a day in the person's zone."""
    return timezone.make_aware(datetime.combine(day, time()))
