"""The Support form: every rule about its input that neither botocore nor the database checks."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Field, Layout, LayoutObject
from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from casesite import prepared
from casesite.cases import files as stored_files
from casesite.cases.models import Case, CaseFile, Kind, SupportContent
from casesite.catalog.known import IssueType
from casesite.catalog.severities import severity_of
from casesite.submissions import payloads
from casesite.submissions.fields import COMMENTABLE
from casesite.teams.models import AwsAccount, Team

from .. import holes
from ..advice import Advice
from . import texts
from .offer import Offer
from .typed import TypedField, TypedForm
from .with_files import FilesInput, WithFiles

DRAFT_SUBJECT_LIMIT = 1000  # what the column holds
DRAFT_BODY_LIMIT = 100_000
_REFRESH = {
    "hx-post": "",
    "hx-vals": '{"action": "update"}',
    "hx-swap": "none",
    "hx-sync": "closest form:queue last",
}


class SeverityCards(forms.RadioSelect):
    """The severities of the account's plan with AWS's names for people, their meaning and first response.

    `targets` are the account's own of the latter; the form sets them.
    """

    targets: Mapping[str, timedelta] = {}

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, label, *args, **kwargs)
        return option | {"severity": severity_of(str(value), str(label), self.targets)}


def _select(**attrs: Any) -> forms.Select:
    return forms.Select(attrs=_REFRESH | attrs)


class SupportForm(WithFiles, TypedForm):
    """One draft. With `submitting` everything must be complete and fit AWS's rules; else only storable."""

    kind = Kind.SUPPORT
    pieces = ()  # it is rendered as a whole; the empty one is put together: see `BlankForm`
    account = TypedField(label=gettext_lazy("Account"), max_length=20, required=False, widget=_select())
    team = TypedField(label=gettext_lazy("Team"), max_length=20, required=False, widget=_select())
    issue_type = TypedField(label=gettext_lazy("Kind"), max_length=22, required=False, widget=_select())
    service_code = TypedField(
        label=gettext_lazy("Service"),
        max_length=100,
        required=False,
        widget=_select(
            **{"data-search": gettext_lazy("Search by name or code"), "data-none": gettext_lazy("None found")}
        ),
    )
    category_code = TypedField(label=gettext_lazy("Category"), max_length=100, required=False, widget=_select())
    severity_code = TypedField(
        label=gettext_lazy("Severity"),
        max_length=20,
        required=False,
        widget=SeverityCards(attrs=_REFRESH),
        help_text=gettext_lazy("It can't be changed after the case is open."),
    )
    subject = TypedField(
        label=gettext_lazy("Subject"),
        max_length=DRAFT_SUBJECT_LIMIT,
        limit=texts.SUBJECT_LIMIT,
        required=False,
        widget=forms.TextInput(
            attrs=_REFRESH | {"hx-trigger": "input changed delay:1s", "autocomplete": "off", "dir": "auto"}
        ),
    )
    communication_body = TypedField(
        label=gettext_lazy("Description"),
        max_length=DRAFT_BODY_LIMIT,
        limit=texts.DESCRIPTION_LIMIT,
        strip=False,
        required=False,
        widget=forms.Textarea(
            # Its own queue, so that what somebody writes takes no choice's place in the form's.
            attrs=_REFRESH
            | {"hx-trigger": "input changed delay:1s", "hx-sync": "this:queue last", "rows": 11, "dir": "auto"}
        ),
    )
    # The form's own `files` are what was posted; this one is found by its name among the fields.
    files = forms.Field(label=gettext_lazy("Files"), required=False, widget=FilesInput())  # type: ignore[assignment]
    language = TypedField(label=gettext_lazy("Case language"), max_length=10, required=False, widget=forms.Select())
    cc_email_addresses = TypedField(
        label=gettext_lazy("Copy to"),
        max_length=DRAFT_BODY_LIMIT,
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy("E-mail addresses, parted by commas, blanks or lines."),
    )
    confirm_secrets = forms.CharField(label=gettext_lazy("Secrets"), required=False, widget=forms.HiddenInput())

    def __init__(
        self,
        data: Any = None,
        *,
        offer: Offer,
        submitting: bool = False,
        held: Sequence[CaseFile] = (),
        refused: Sequence[ValidationError] = (),
        **kwargs: Any,
    ) -> None:
        """`held` are the files that it has, `refused` says why others that came with it were not taken."""
        super().__init__(data, **kwargs)
        self.held, self.refused, self.file_limits = held, refused, offer.file_limits
        self.offer = offer
        self.submitting = submitting
        self.advice = Advice(offer, self.data if self.is_bound else self.initial, held)

    def own_fields(self) -> dict[str, forms.Field]:
        fields = super().own_fields()
        fields["communication_body"].help_text = str(self.advice.hint)
        fields["severity_code"].widget.targets = self.offer.response_targets  # type: ignore[attr-defined]
        return fields

    @cached_property
    def helper(self) -> FormHelper:
        """How a page shows it. A form that nobody sees asks for nothing of this."""
        self._offer_choices()
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.include_media = False
        helper.layout = layout(self.asks_for_team)
        return helper

    @property
    def asks_for_team(self) -> bool:
        return self.offer.asks_for_team

    def parts_helper(self, names: tuple[str, ...]) -> FormHelper:
        """The parts of the form that change with another choice, for htmx to put in their places."""
        self._offer_choices()
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.layout = Layout(*(part(name, self.asks_for_team, swapped=True) for name in names))
        return helper

    def show_error(self, name: str, message: str) -> None:
        """Put what AWS said beside a field of a form that nobody posted yet."""
        errors = self.error_class(renderer=self.renderer, field_id=self[name].auto_id)
        self.errors.setdefault(name, errors).append(message)

    def _offer_choices(self) -> None:
        choices = {
            "account": [("", _("Choose an account")), *((str(a.pk), str(a)) for a in self.offer.accounts)],
            "team": [(str(team.pk), str(team)) for team in self.offer.teams],
            "issue_type": IssueType.choices,
            "service_code": [("", _("Choose a service")), *self.offer.service_choices],
            "category_code": [("", _("Choose a category")), *self.offer.category_choices],
            "severity_code": self.offer.severity_choices,
            "language": self.offer.language_choices,
        }
        for name, offered in choices.items():
            self.fields[name].widget.choices = offered  # type: ignore[attr-defined]

    # --- rules -----------------------------------------------------------------------------------------------------------
    def clean_account(self) -> AwsAccount | None:
        if self.cleaned_data["account"] and self.offer.account is None:
            raise ValidationError(_("Choose an account from the list."))
        if self.submitting:
            self._check_account(self.offer.account)
        return self.offer.account

    def clean_team(self) -> Team | None:
        """The chosen one of the teams that use the account, else the first."""
        chosen = self.cleaned_data["team"]
        teams = self.offer.teams
        if chosen and self.asks_for_team:
            found = next((team for team in teams if str(team.pk) == chosen), None)
            if found is None:
                raise ValidationError(_("Choose one of your teams that use this account."))
            return found
        return teams[0] if teams else None

    def clean_issue_type(self) -> str:
        code: str = self.cleaned_data["issue_type"]
        if self.submitting and code not in IssueType.values:
            raise ValidationError(_("Choose technical, or account and billing."))
        return code

    def clean_service_code(self) -> str:
        code: str = self.cleaned_data["service_code"]
        if self.submitting:
            if self.offer.account and self.offer.catalog is None:
                raise ValidationError(
                    _("AWS's list of services for this account is not here yet. Save the draft, then submit it later.")
                )
            if not code:
                raise ValidationError(_("Choose a service."))
            if self.offer.account and self.offer.snapshot.service(code) is None:
                raise ValidationError(_("AWS does not list this service for the account. Choose another one."))
        return code

    def clean_category_code(self) -> str:
        code: str = self.cleaned_data["category_code"]
        if self.submitting:
            if not code:
                raise ValidationError(_("Choose a category."))
            service = self.offer.snapshot.service(self.offer.service_code)
            if service and service.category(code) is None:
                raise ValidationError(
                    _("This category does not belong to %(service)s. Choose another one."),
                    params={"service": service.name},
                )
        return code

    def clean_severity_code(self) -> str:
        code: str = self.cleaned_data["severity_code"]
        if self.submitting:
            if not code:
                raise ValidationError(_("Choose a severity."))
            if self.offer.catalog and self.offer.snapshot.severity(code) is None:
                raise ValidationError(_("The account's support plan does not offer this severity."))
        return code

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        if self.submitting:
            texts.check_subject(subject)
        return subject

    def clean_communication_body(self) -> str:
        body: str = self.cleaned_data["communication_body"]
        if self.submitting:
            texts.check_description(body)
        return body

    def clean_language(self) -> str:
        code: str = self.cleaned_data["language"]
        if self.submitting:
            if not code:
                raise ValidationError(_("Choose a language."))
            if code not in dict(self.offer.languages):
                raise ValidationError(_("AWS does not offer this language for the service and category."))
        return code

    def clean_cc_email_addresses(self) -> str:
        addresses: str = self.cleaned_data["cc_email_addresses"]
        if self.submitting:
            texts.check_addresses(addresses)
        return addresses

    def clean_confirm_secrets(self) -> str:
        """Keys and passwords go out only with a tick that was made for just these."""
        if self.submitting and self.advice.secrets and not self.advice.is_confirmed:
            raise ValidationError(self.advice.secret_messages)
        return str(self.cleaned_data["confirm_secrets"])

    @staticmethod
    def _check_account(account: AwsAccount | None) -> None:
        if account is None:
            raise ValidationError(_("Choose an account."))
        if not account.active:
            raise ValidationError(_("This account is not in use any more. Choose another one."))
        if not account.can_send:
            raise ValidationError(
                _("This account can't send: %(why)s The draft can be saved."), params={"why": account.check_summary}
            )

    # --- what it holds ---------------------------------------------------------------------------------------------------
    @property
    def case_fields(self) -> dict[str, Any]:
        names = ("team", "account", "subject", "severity_code")
        return {name: self.cleaned_data[name] for name in names}

    @property
    def support_fields(self) -> dict[str, Any]:
        names = (
            "issue_type",
            "service_code",
            "category_code",
            "language",
            "communication_body",
            "cc_email_addresses",
        )
        return {"catalog_id": self.offer.catalog_pk, **{name: self.cleaned_data[name] for name in names}}

    @property
    def content(self) -> dict[str, Any]:
        """As a submission would hold it."""
        return payloads.content_of(Case(**self.case_fields), SupportContent(**self.support_fields), self.held)

    def create_content(self, case: Case) -> None:
        prepared.insert(SupportContent(case=case, **self.support_fields))

    def update_content(self, case: Case) -> None:
        SupportContent.objects.filter(case=case).update(**self.support_fields)

    def holds_same_as(self, case: Case) -> bool:
        """Whether a stored draft says what this form says."""
        return payloads.content_of(case, case.support, stored_files.of_draft(case)) == self.content


def initial_of(case: Case) -> dict[str, Any]:
    """What a draft holds, by the form's names."""
    support = case.support
    return {
        "account": str(case.account_id or ""),
        "team": str(case.team_id),
        "issue_type": support.issue_type,
        "service_code": support.service_code,
        "category_code": support.category_code,
        "severity_code": case.severity_code,
        "subject": case.subject,
        "communication_body": support.communication_body,
        "language": support.language,
        "cc_email_addresses": support.cc_email_addresses,
    }


# --- layout --------------------------------------------------------------------------------------------------------------
class Included(HTML):
    """A template that the page's context fills."""

    def render(self, form: Any, context: Any, *args: Any, **kwargs: Any) -> str:
        return holes.rendered(self.html, context)


class Personal(HTML):
    """A template that tells of the person and the account."""

    def render(self, form: Any, context: Any, *args: Any, **kwargs: Any) -> str:
        return holes.personal(self.html, context)


PARTS = ("team", "account_note", "files_note", "service_code", "category_code", "severity_code", "language")
_PIECES = {
    "account_note": Personal("desk/_account_note.html"),
    "files_note": Personal("desk/_files_note.html"),
    "severity_code": Field("severity_code", template="desk/_severity.html"),
    "language": Field("language", wrapper_class="half"),
    "team": Field("team", wrapper_class="half"),
}
_AFTER = {
    "service_code": Personal("desk/_catalog_age.html"),
    "language": Personal("desk/_language_wait.html"),
}


def layout(asks_for_team: bool) -> Layout:
    return Layout(
        block(
            "where",
            _("Where"),
            Div(Div("account", Comment("account")), Div("issue_type", Comment("issue_type")), css_class="two"),
            part("account_note", asks_for_team),
            part("team", asks_for_team),
            Div(part("service_code", asks_for_team), part("category_code", asks_for_team), css_class="two"),
            Included("desk/_update.html"),
        ),
        block(
            "what",
            _("What"),
            part("severity_code", asks_for_team),
            Personal("desk/_canned.html"),
            Field("subject", template="desk/_counted.html"),
            Comment("subject"),
            Field("communication_body", template="desk/_counted.html"),
            Comment("communication_body"),
            Included("desk/_remarks.html"),
            part("files_note", asks_for_team),
            Field("files", template="desk/_files.html"),
            Comment("files"),
        ),
        block(
            "who",
            _("Who"),
            part("language", asks_for_team),
            Field("cc_email_addresses", template="desk/_addresses.html"),
            Comment("cc_email_addresses"),
        ),
    )


def block(name: str, title: str, *pieces: LayoutObject | str) -> Div:
    """A part of the form under a heading of its own."""
    heading = HTML(format_html('<h2 id="block-{}">{}</h2>', name, title))
    return Div(heading, Div(*pieces), css_class="block", role="group", aria_labelledby=f"block-{name}")


def part(name: str, asks_for_team: bool, *, swapped: bool = False) -> Div:
    """A piece that another choice changes, under an id by which htmx finds its place."""
    pieces: list[Any] = []
    if name != "team" or asks_for_team:
        pieces.append(_PIECES.get(name, name))
    if name in _AFTER:
        pieces.append(_AFTER[name])
    if name in COMMENTABLE:
        pieces.append(Comment(name))
    attrs = {"hx_swap_oob": "true"} if swapped else {}
    return Div(*pieces, css_id=f"part-{name}", **attrs)


class Comment(LayoutObject):  # type: ignore[misc]
    """What a reviewer said about the field, where they returned the last revision. Costs nothing where nobody did."""

    def __init__(self, name: str) -> None:
        self.name = name

    def render(self, form: Any, context: Any, **_options: Any) -> str:
        said = context.get("comments") or {}
        if self.name not in said:
            return ""
        told = {"name": self.name, "comment": said[self.name], "by": context.get("returned_by")}
        return render_to_string("desk/_comment.html", told)
