"""What the list of cases can be narrowed by, and how it is read then. Everything stands in the address.

Each choice has an index that begins with the team and ends with the order of the list (cases/models.py, submissions/models.py);
of several choices one is read along its index, and the others are looked at row by row.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from casesite.cases.labels import LABELS
from casesite.cases.models import Case, Kind, Stage
from casesite.cases.search import Search
from casesite.catalog.severities import KNOWN
from casesite.submissions.models import OPENING_KINDS, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount
from casesite.teams.permissions import team_ids, team_names
from casesite.web.paging import Branch

from .rows import with_newest

CLOCKS_APART = timedelta(days=1)  # cases are numbered in the order of their times, but for clocks that are wrong

# As `label_of` reads them. Those that the newest submission tells are read by its state, each state along an index.
_BY_STAGE: dict[str, Q] = {
    "draft": Q(stage=Stage.DRAFT) & (Q(state=None) | Q(state=State.FAILED, reason_code=Reason.GAVE_UP)),
    "open": Q(stage=Stage.OPEN),
    "resolved": Q(stage=Stage.RESOLVED),
    "discarded": Q(stage=Stage.CLOSED) & (Q(state=None) | ~Q(state=State.REJECTED)),
}
_DRAFT, _OUTGOING, _CLOSED = (Q(case__stage=stage) for stage in (Stage.DRAFT, Stage.OUTGOING, Stage.CLOSED))
_BY_STATE: dict[str, tuple[tuple[State, ...], Q]] = {
    "returned": ((State.RETURNED,), _DRAFT),
    "waiting_for_review": ((State.PENDING_REVIEW,), _OUTGOING),
    "queued": ((State.QUEUED,), _OUTGOING),
    "sending": ((State.PREPARING, State.SENDING), _OUTGOING),
    "checking": ((State.UNKNOWN,), _OUTGOING),
    "needs_person": ((State.NEEDS_ATTENTION,), _OUTGOING),
    "refused": ((State.FAILED,), _DRAFT & ~Q(reason_code=Reason.GAVE_UP)),
    "withdrawn": ((State.CANCELLED,), _DRAFT & Q(reason_code=Reason.WITHDRAWN)),
    "cancelled": ((State.CANCELLED,), _DRAFT & ~Q(reason_code=Reason.WITHDRAWN)),
    "rejected": ((State.REJECTED,), _CLOSED),
}


def _choices(values: Any) -> list[tuple[str, Any]]:
    return [("", _("Any")), *values]


def _date() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d")


class _Choice(forms.ChoiceField):
    widget = forms.Select(attrs={"class": "form-select"})

    def __init__(self, label: Any, choices: Any = ()) -> None:
        super().__init__(required=False, label=label, choices=_choices(choices))


class FilterForm(forms.Form):
    """Named as in the address."""

    q = forms.CharField(
        required=False,
        label=_("Search"),
        widget=forms.TextInput(
            attrs={"type": "search", "class": "form-control", "dir": "auto", "placeholder": _("Reference, id or words")}
        ),
    )
    state = _Choice(
        _("State"), [(label.code, label.text if label.code != "returned" else _("Returned")) for label in LABELS]
    )
    kind = _Choice(_("Kind"), Kind.choices)
    account = _Choice(_("Account"))
    team = _Choice(_("Team"))
    severity = _Choice(_("Severity"), [(known.code, known.name) for known in KNOWN.values()])
    since = forms.DateField(required=False, label=_("Written from"), widget=_date())
    until = forms.DateField(required=False, label=_("to"), widget=_date())
    mine = forms.BooleanField(
        required=False, label=_("Mine only"), widget=forms.CheckboxInput(attrs={"class": "form-check-input"})
    )


class CaseFilter:
    """What one person's address asks for. What makes no sense narrows nothing, and is told at its field."""

    def __init__(self, request: HttpRequest) -> None:
        self.user: Any = request.user
        accounts = AwsAccount.objects.filter(teams__memberships__user=self.user.pk).distinct()
        self._accounts = list(accounts.order_by("name", "account_id"))
        teams = team_names(self.user)
        self.has_teams_to_choose = len(teams) > 1
        self.form = FilterForm(request.GET, label_suffix="")
        fields: Any = self.form.fields
        fields["account"].choices = _choices((str(account.pk), str(account)) for account in self._accounts)
        fields["team"].choices = _choices((str(pk), name) for pk, name in teams.items())
        self.form.is_valid()
        self._asked: dict[str, Any] = self.form.cleaned_data

    @property
    def has_kinds_to_choose(self) -> bool:
        """Whether an account of the person's has Amazon Connect, so that there may be cases of both kinds."""
        return any(account.connect_regions for account in self._accounts)

    @property
    def is_narrowed(self) -> bool:
        """Whether the address asks for less than everything."""
        return self.form.is_valid() and any(self._asked.values())

    # --- how it is read ------------------------------------------------------------------------------------------------------
    def branches(self) -> Iterator[Branch]:
        asked = self._asked.get("team")
        for team in [int(asked)] if asked else team_ids(self.user):
            yield from self._branches_of(team)

    def _branches_of(self, team: int) -> Iterator[Branch]:
        state = self._asked.get("state")
        if state in _BY_STATE:
            states, more = _BY_STATE[state]
            found = Submission.objects.filter(more, newest=True, kind__in=OPENING_KINDS, team=team)
            for each in states:
                yield Branch(found.filter(self._narrow("case__"), state=each), ("case_id",), team)
            return
        cases: QuerySet[Case] = Case.objects.filter(team=team).filter(self._narrow())
        if state in _BY_STAGE:
            cases = with_newest(cases).filter(_BY_STAGE[state])
        yield Branch(cases, ("pk",), team)

    def _narrow(self, of: str = "") -> Q:
        """Everything but team and state; `of` leads to the case."""
        asked, where = self._asked, Q()
        for name, column in (("kind", "kind"), ("account", "account_id"), ("severity", "severity_code")):
            if asked.get(name):
                where &= Q(**{f"{of}{column}": asked[name]})
        if asked.get("mine"):
            where &= Q(**{f"{of}author": self.user.pk})
        if asked.get("since"):
            begin = _midnight(asked["since"])
            first = _numbered(Case.objects.filter(created_at__gte=begin - CLOCKS_APART).order_by("created_at", "pk"))
            where &= Q(**{f"{of}created_at__gte": begin, f"{of}{'id__' if of else 'pk__'}gte": first})
        if asked.get("until"):
            end = _midnight(asked["until"] + timedelta(days=1))
            last = _numbered(Case.objects.filter(created_at__lt=end + CLOCKS_APART).order_by("-created_at", "-pk"))
            where &= Q(**{f"{of}created_at__lt": end, f"{of}{'id__' if of else 'pk__'}lte": last})
        return where

    @cached_property
    def search(self) -> Search | None:
        text = self._asked.get("q", "")
        # Cases by the state of their submission are read as submissions.
        return Search(text, "case__" if self._asked.get("state") in _BY_STATE else "") if text else None


class Order:
    """Newest first, by number; a case's place in addresses is its reference."""

    descending = True

    def key(self, token: str) -> tuple[Any] | None:
        return (_numbered(Case.objects.filter(reference=token)),) if token.isprintable() else None

    def place(self, row: Case) -> tuple[Any]:
        return (row.pk,)

    def token(self, row: Case) -> str:
        return row.reference


def _numbered(cases: QuerySet[Case]) -> Subquery:
    """The number of the first of some cases; none where there is none."""
    return Subquery(cases.values("pk")[:1])


def _midnight(day: date) -> datetime:
    """The beginning of a day in the person's zone."""
    return timezone.make_aware(datetime.combine(day, time()))
