"""The form that opens a case by a Connect template: the template's own fields, and what goes along with the case."""

import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from casesite import prepared
from casesite.cases import files as stored_files
from casesite.cases.limits import CONNECT, Limits
from casesite.cases.models import Case, CaseFile, ConnectContent, Kind
from casesite.catalog.models import CasesDomain, CaseTemplate, ConnectTemplate
from casesite.catalog.tags import parse_tags
from casesite.catalog.template import TITLE
from casesite.submissions import connect, marker
from casesite.submissions.payloads import described_files
from casesite.teams.models import AwsAccount, Team

from ..advice import NamedTexts
from ..people import People
from . import field_builders, texts
from .connect import ConnectForm
from .typed import TypedField
from .with_files import FilesInput, WithFiles

COMMENT_LIMIT = 15_000 - marker.LINE_LENGTH  # AWS's, less our reference
MOST_OWN_TAGS = 49  # of AWS's 50, one is ours
DRAFT_LIMIT = 20_000  # characters that a draft keeps of a field
OWN_FIELDS = ("team", "tags", "first_comment", "confirm_secrets")


def limits_in(domain: CasesDomain) -> Limits:
    """How many files of which size go out with a case of the domain."""
    if domain.users_in:
        return CONNECT
    why = _("No files go out: nobody knows the Connect instance of %(domain)s. A lead enters it in the administration.")
    return Limits(0, 0, "", why % {"domain": domain.name})


class ConnectCaseForm(WithFiles, ConnectForm):
    """One draft. With `submitting` everything must be complete and fit; with `saving` it only has to be storable."""

    kind = Kind.CONNECT

    def __init__(
        self,
        row: ConnectTemplate,
        version: CaseTemplate,
        *,
        teams: Sequence[Team],
        author: Any,
        zone: tzinfo,
        data: Mapping[str, Any] | None = None,
        held: ConnectContent | None = None,
        typed: Mapping[str, str] | None = None,
        submitting: bool = False,
        saving: bool = False,
        people: People | None = None,
        files: Sequence[CaseFile] = (),
        refused: Sequence[ValidationError] = (),
    ) -> None:
        """`teams` are the person's that may use the template; `held` is the draft's content, `typed` what a new form begins with."""
        super().__init__(
            version.snapshot,
            zone=zone,
            data=data,
            typed=held.typed if held else typed,
            customer_always=row.customer_always,
            title_room=0 if row.domain.may_tag else connect.TITLE_ROOM,
            submitting=submitting,
            people=people,
        )
        self.row, self.version, self.teams, self.author, self.saving = row, version, teams, author, saving
        self.content_held = held
        self.held, self.refused, self.file_limits = files, refused, limits_in(row.domain)
        self.initial.update(
            tags=held.tags if held else row.default_tags,
            first_comment=held.first_comment if held else "",
            team=str(held.case.team_id) if held else str(teams[0].pk) if teams else "",
        )
        choices = [(str(team.pk), str(team)) for team in teams]
        self.fields |= {
            "team": TypedField(
                label=_("Team"), required=False, widget=forms.Select(choices=choices, attrs={"class": "form-select"})
            ),
            "tags": TypedField(
                label=_("Tags"),
                required=False,
                strip=False,
                max_length=DRAFT_LIMIT,
                widget=forms.Textarea(
                    attrs={"class": "form-control", "rows": 3, "spellcheck": "false", "autocomplete": "off"}
                ),
            ),
            "first_comment": TypedField(
                label=_("First comment"),
                required=False,
                strip=False,
                max_length=DRAFT_LIMIT,
                limit=COMMENT_LIMIT,
                widget=forms.Textarea(attrs={"class": "form-control", "rows": 4, "dir": "auto"}),
            ),
            "files": forms.Field(label=_("Files"), required=False, widget=FilesInput()),
            "confirm_secrets": forms.CharField(
                label=gettext_lazy("Secrets"), required=False, widget=forms.HiddenInput()
            ),
        }

    # --- what it says ----------------------------------------------------------------------------------------------------
    @cached_property
    def advice(self) -> NamedTexts:
        known = self.evaluation.values
        shown = {
            self.template.by_id[id_].name: text for id_, text in self.filling.typed.items() if id_ in known and text
        }
        return NamedTexts(
            shown | {str(self.fields["first_comment"].label): self._own("first_comment")},
            str(self.data.get("confirm_secrets") or ""),
        )

    def _own(self, name: str) -> str:
        """The text of one of our own fields as it stands on the page."""
        source: Mapping[str, Any] = self.data if self.is_bound else self.initial
        return texts.with_lf(str(source.get(name) or ""))

    @property
    def files_field(self) -> forms.BoundField:
        """The form's own `files` are what was posted."""
        return self["files"]

    @property
    def asks_for_team(self) -> bool:
        return len(self.teams) > 1

    @property
    def account(self) -> AwsAccount:
        return self.row.domain.account

    @property
    def tagged(self) -> bool:
        """Whether tags go out at all."""
        return self.row.domain.may_tag

    # --- rules -----------------------------------------------------------------------------------------------------------
    def clean(self) -> None:
        if self.saving:  # a draft may hold anything; what is wrong is said as one types and when it is submitted
            self._check_storable()
            return
        super().clean()
        if not self.submitting:
            return
        if not self.account.active:
            self.add_error(None, _("This account is not in use any more."))
        if not self._takes_cases():
            self.add_error(None, _("Amazon Connect takes no more cases by this template. The draft can be saved."))

    def _check_storable(self) -> None:
        for id_ in self.field_ids:
            if (count := len(self.filling.typed[id_])) > DRAFT_LIMIT:
                text = _("%(count)s characters; a draft keeps at most %(most)s.")
                counted = {"count": f"{count:,}", "most": f"{DRAFT_LIMIT:,}"}
                self.add_error(field_builders.name_of(id_), text % counted)

    def _takes_cases(self) -> bool:
        row = self.row
        return row.active and row.deleted_at is None and row.domain.gone_at is None

    def clean_team(self) -> Team | None:
        chosen = self.cleaned_data["team"]
        if chosen and self.asks_for_team:
            found = next((team for team in self.teams if str(team.pk) == chosen), None)
            if found is None:
                raise ValidationError(_("Choose one of your teams that use this template."))
            return found
        return self.teams[0] if self.teams else None

    def clean_tags(self) -> str:
        text: str = self.cleaned_data["tags"]
        if self.submitting and self.tagged:
            found = parse_tags(text)
            if connect.REFERENCE_TAG in found:
                raise ValidationError(
                    _("The key %(key)s is ours: leave it out."), params={"key": connect.REFERENCE_TAG}
                )
            own = {*found, *dict(self.template.tags)}
            if len(own) > MOST_OWN_TAGS:
                text = _("%(count)d tags, those of the template included; %(most)d go out beside ours.")
                raise ValidationError(text, params={"count": len(own), "most": MOST_OWN_TAGS})
        return text

    def clean_first_comment(self) -> str:
        text: str = self.cleaned_data["first_comment"]
        if self.submitting and (over := len(text) - COMMENT_LIMIT) > 0:
            counted = {"over": f"{over:,}", "most": f"{COMMENT_LIMIT:,}"}
            raise ValidationError(_("%(over)s characters too many; at most %(most)s go out.") % counted)
        return text

    def clean_confirm_secrets(self) -> str:
        if self.submitting and self.advice.secrets and not self.advice.is_confirmed:
            raise ValidationError(self.advice.secret_messages)
        return str(self.cleaned_data["confirm_secrets"])

    def show_refusal(self, text: str) -> bool:
        """Put what AWS said at the fields that it names, of a form that nobody posted yet. False where it names none."""
        names = {id_: self.template.by_id[id_].name for id_ in self.field_ids}
        told = [id_ for id_, name in names.items() if _names(text, id_) or _names(text, name)]
        for id_ in told:
            bound = self[field_builders.name_of(id_)]
            errors = self.error_class(renderer=self.renderer, field_id=bound.auto_id)
            self.errors.setdefault(bound.name, errors).append(text)
        return bool(told)

    # --- what it holds ---------------------------------------------------------------------------------------------------
    @property
    def case_fields(self) -> dict[str, Any]:
        return {
            "team": self.cleaned_data["team"],
            "account": self.account,
            "subject": " ".join(self.filling.typed.get(TITLE, "").split())[:1000],
            "severity_code": "",
        }

    @property
    def connect_fields(self) -> dict[str, Any]:
        return {
            "template": self.row,
            "version": self.version,
            "typed": {id_: texts.with_lf(text) for id_, text in self.filling.typed.items() if text},
            "time_zone": str(self.filling.zone),
            "tags": self.cleaned_data["tags"],
            "names": self.names(),
            "first_comment": self.cleaned_data["first_comment"],
        }

    @property
    def content(self) -> dict[str, Any]:
        """As a submission would hold it; what none holds where the form could not be submitted."""
        try:
            case = Case(**self.case_fields, author=self.author)
            return connect.content_of(case, ConnectContent(**self.connect_fields), self.held)
        except ValidationError:
            return {}

    def create_content(self, case: Case) -> None:
        prepared.insert(ConnectContent(case=case, **self.connect_fields))

    def update_content(self, case: Case) -> None:
        ConnectContent.objects.filter(case=case).update(**self.connect_fields)

    def holds_same_as(self, case: Case) -> bool:
        """Whether a stored draft says what this form says, in the same version of the template."""
        kept = described_files(stored_files.of_draft(case))
        same = all(getattr(case.connect, name) == value for name, value in self.connect_fields.items())
        return same and kept == described_files(self.held)


def _names(text: str, name: str) -> bool:
    """Whether a field stands in AWS's words, by its id or its name, as a word of its own."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.IGNORECASE) is not None
