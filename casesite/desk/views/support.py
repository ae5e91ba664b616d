"""The Support form: a new case, and a draft."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from casesite.cases import files
from casesite.cases.models import Case, Stage
from casesite.desk import drafts, refusals
from casesite.desk.advice import Advice, with_missing_headings
from casesite.desk.canned import insert
from casesite.desk.forms.blank import BlankForm
from casesite.desk.forms.offer import Offer
from casesite.desk.forms.support import PARTS, SupportForm, initial_of
from casesite.desk.gone import mark_gone
from casesite.desk.outlook import Outlook
from casesite.lookups.views import context_of
from casesite.submissions import dry_runs
from casesite.submissions.states import StaleSubmission
from casesite.teams.permissions import team_ids
from casesite.web.auth import login_required_keeping_text

from .files import held_by
from .newest import newest_of

SAVE, SUBMIT, UPDATE, ASK_AWS = "save_draft", "submit", "update", "ask_aws"
INSERT = "insert_text"  # an update that also puts a text of the team in
KEEP_AS_NEW = "keep_as_new"  # names the button by which an older tab's text becomes a draft of its own
APPEND = "append_missing"  # an update that also puts headings below the description
# Which pieces of the form another choice changes; the panel beside it always follows.
FOLLOWING: dict[str, tuple[str, ...]] = {
    "account": PARTS,
    "catalog": PARTS,
    "issue_type": ("service_code", "language"),
    "service_code": ("category_code", "language"),
    "category_code": ("language",),
    "languages": ("language",),
}


@dataclass
class Page:
    """One rendering of the form: what it holds, where it goes, and what stands above it."""

    request: HttpRequest
    form: SupportForm
    token: str
    case: Case | None = None
    notices: dict[str, Any] = field(default_factory=dict)
    unsaved: bool = False

    def render(self) -> HttpResponse:
        return render(self.request, "desk/support_case.html", self.context)

    def render_parts(self, changed: str) -> HttpResponse:
        """What htmx puts in place after a choice."""
        names = FOLLOWING.get(changed, ())
        context = self.context | {
            "parts_helper": self.form.parts_helper(names) if names else None,
            "hint_follows": changed == "issue_type",
        }
        return render(self.request, "desk/_parts.html", context)

    @cached_property
    def said_before(self) -> dict[str, Any]:
        """What a reviewer or AWS said about the draft's last revision."""
        newest = newest_of(self.case) if self.case else None
        return refusals.notices_of(newest, self.form) if newest else {}

    @property
    def context(self) -> dict[str, Any]:
        return {
            "form": self.form,
            **advice_context(self.form.advice),
            **saving_context(self.case, self.token, older="changed_elsewhere" in self.notices),
            "saving": self.saving,
            "outlook": outlook_of(self.form.offer, self.typed, self.case),
            "unsaved": self.unsaved or self.form.is_bound,
            "actions": actions(),
            **self.said_before,
            **self.notices,
        }

    @property
    def saving(self) -> drafts.Saving:
        """A page that comes back with what was posted goes on counting."""
        posted = drafts.Saving.of(self.request.POST)
        return posted if posted.page else drafts.Saving(self.token if self.case is None else drafts.new_token())

    @property
    def typed(self) -> Mapping[str, Any]:
        return self.form.data if self.form.is_bound else self.form.initial


def actions() -> dict[str, str]:
    """The names of the buttons."""
    return {"save": SAVE, "submit": SUBMIT, "update": UPDATE, "ask_aws": ASK_AWS if settings.DRY_RUNS else ""}


def advice_context(advice: Advice) -> dict[str, Any]:
    return {"advice": advice, "offer": advice.offer, "append_missing": APPEND}


def saving_context(case: Case | None, token: str, *, older: bool = False) -> dict[str, Any]:
    """Where the form goes, by hand and by itself, and with what. A page that is `older` saves nothing by itself."""
    if case is None:
        addresses = {"form_address": reverse("case_new_support"), "saving_address": reverse("case_new_support_save")}
    else:
        edit, save = (reverse(name, args=[case.reference]) for name in ("case_edit", "case_save"))
        addresses = {"form_address": edit, "saving_address": save}
    told = {"keep_as_new": drafts.new_token()} if older else {}
    new_address = reverse("case_new_support")
    return {"case": case, "form_token": token, "older": older, "new_address": new_address, **addresses, **told}


def outlook_of(offer: Offer, values: Mapping[str, Any], case: Case | None) -> Outlook:
    chosen = str(values.get("team") or "")
    team = next((team for team in offer.teams if str(team.pk) == chosen), offer.teams[0] if offer.teams else None)
    return Outlook(
        user=offer.user,
        account=offer.account,
        team=team,
        severity_code=offer.severity_code,
        subject=str(values.get("subject") or ""),
        service_code=offer.service_code,
        case=case,
    )


# --- a new case ----------------------------------------------------------------------------------------------------------
@login_required_keeping_text
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    if not team_ids(request.user):
        return render(request, "desk/no_team.html", status=403)
    if request.method != "POST":
        return _blank(request)
    token = request.POST.get(KEEP_AS_NEW) or request.POST.get("form_token", "")
    if _action(request) == UPDATE:
        return _updated(request, token or drafts.new_token())
    if _action(request) == ASK_AWS:
        return _asked(request, token or drafts.new_token())
    submit = _action(request) == SUBMIT
    form = bound(request, submitting=submit)
    if not form.is_valid():
        return Page(request, form, token or drafts.new_token()).render()
    try:
        saving = drafts.Saving.of(request.POST)
        case = drafts.store_new(form, by=request.user, token=token, submit=submit, saving=saving)
    except drafts.ForeignToken:
        return Page(request, form, drafts.new_token(), notices={"token_unknown": True}).render()
    except drafts.AlreadySent as exc:
        return Page(request, form, drafts.new_token(), notices={"already_sent": exc.case}).render()
    except drafts.ChangedElsewhere as exc:
        return _conflict(request, form, exc.case)
    except PermissionDenied as exc:
        form.add_error("account", str(exc))
        return Page(request, form, token).render()
    return _stored(request, case, submit)


def _blank(request: HttpRequest) -> HttpResponse:
    """The empty form: what everybody is shown is kept, and here stands what is this person's."""
    offer = Offer.first(request.user, {"issue_type": "technical", "language": "en"})
    token = drafts.new_token()
    own = {
        "form": BlankForm(offer, around_blank),
        "form_token": token,
        "saving": drafts.Saving(token),
        "offer": offer,
        "outlook": outlook_of(offer, {}, None),
        "case": None,
    }
    return render(request, "desk/support_case.html", own)


def around_blank() -> dict[str, Any]:
    """What the page of an empty form says to everybody."""
    return {**saving_context(None, ""), "actions": actions(), "append_missing": APPEND}


# --- a draft -------------------------------------------------------------------------------------------------------------
def edit(request: HttpRequest, case: Case) -> HttpResponse:
    """The form of a draft, which the person may edit."""
    if request.method == "POST":
        return _save(request, case)
    if case.stage != Stage.DRAFT:
        messages.info(request, _("This case is no longer a draft, so it can't be edited."))
        return redirect(case)
    page = _unbound(request, initial_of(case), str(case.version), case)
    mark_gone(page.form)
    return page.render()


def _save(request: HttpRequest, case: Case) -> HttpResponse:
    token = request.POST.get("form_token", "")
    action = _action(request)
    if action == UPDATE:
        return _updated(request, token, case)
    if action == ASK_AWS:
        return _asked(request, token, case)
    if overwrite := request.POST.get(
        "overwrite", ""
    ):  # the person read what is newer, and wants this text all the same
        token, action = overwrite, SAVE
    submit = action == SUBMIT
    form = bound(request, submitting=submit, case=case)
    if not form.is_valid():
        return Page(request, form, token, case).render()
    try:
        saving = drafts.Saving.of(request.POST)
        version = drafts.version_of(token)
        case = drafts.store_draft(form, case, by=request.user, version=version, submit=submit, saving=saving)
    except drafts.ChangedElsewhere as exc:
        return _conflict(request, form, exc.case, token)
    except drafts.AlreadySent as exc:
        return Page(request, form, drafts.new_token(), notices={"already_sent": exc.case}).render()
    except StaleSubmission:
        return redirect(case)
    except PermissionDenied as exc:
        form.add_error("account", str(exc))
        return Page(request, form, token, case).render()
    return _stored(request, case, submit)


# --- shared --------------------------------------------------------------------------------------------------------------
def _action(request: HttpRequest) -> str:
    """What a button asked for. Anything else shows the form again and keeps nothing."""
    action = request.POST.get("action", "")
    known = (SAVE, SUBMIT, ASK_AWS) if settings.DRY_RUNS else (SAVE, SUBMIT)
    if KEEP_AS_NEW in request.POST:
        return SAVE
    return action if action in known or "overwrite" in request.POST else UPDATE


def bound(request: HttpRequest, *, submitting: bool, case: Case | None = None) -> SupportForm:
    offer = Offer(request.user, request.POST, case)
    held, refused = held_by(request, offer.file_limits)
    return SupportForm(request.POST, offer=offer, submitting=submitting, held=held, refused=refused)


def _unbound(request: HttpRequest, values: Mapping[str, Any], token: str, case: Case | None = None) -> Page:
    held = files.of_draft(case) if case else []
    form = SupportForm(offer=Offer(request.user, values, case), initial=dict(values), held=held)
    return Page(request, form, token, case)


def _updated(request: HttpRequest, token: str, case: Case | None = None) -> HttpResponse:
    """What applies now to what was typed so far. Nothing is checked, nothing is lost."""
    values = request.POST.dict()
    if _follows_text(request):
        held = files.held_by_form(request.POST.getlist("kept_files"), by=request.user)
        return _remarked(request, Advice(Offer(request.user, values, case), values, held))
    if appends := values.get("action") == APPEND:
        advice = Advice(Offer(request.user, values, case), values)
        values["communication_body"], all_fit = with_missing_headings(advice, values.get("communication_body", ""))
    offer = Offer(request.user, values, case)
    inserted = insert(values, offer) if values.get("action") == INSERT else None
    held, refused = held_by(request, offer.file_limits)
    form = SupportForm(offer=offer, initial=values, held=held, refused=refused)
    for message in (message for error in refused for message in error.messages):
        form.show_error("files", message)
    if case:  # a category of another service is no loss: the service was just changed
        mark_gone(form, skip="category_code")
    page = Page(request, form, token, case, unsaved=True)
    if appends:
        page.form.fields["communication_body"].widget.attrs["autofocus"] = True
        page.notices = {"appended": "all" if all_fit else "some"}
    if inserted:
        page.form.fields["communication_body"].widget.attrs["autofocus"] = True
        page.notices = {"inserted": inserted}
    if request.htmx:  # type: ignore[attr-defined]
        return page.render_parts(request.POST.get("part") or request.htmx.trigger_name or "")  # type: ignore[attr-defined]
    return page.render()


def _asked(request: HttpRequest, token: str, case: Case | None = None) -> HttpResponse:
    """Has AWS asked whether it would accept what was typed. Nothing is kept but the question, and nothing typed is lost."""
    form = bound(request, submitting=True, case=case)
    page = Page(request, form, token, case)
    if form.is_valid():
        account, team = form.cleaned_data["account"], form.cleaned_data["team"]
        if reason := dry_runs.why_not(account):
            page.notices = {"cannot_ask": reason}
        else:
            lookup = dry_runs.ask_for_content(account, form.content, team=team, case=case, by=request.user)
            page.notices = {"asked": context_of(lookup)}
    return page.render()


def _follows_text(request: HttpRequest) -> bool:
    """Whether only the remarks are asked for: somebody writes, or a file came or went."""
    htmx: Any = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and (htmx.trigger_name == "communication_body" or request.POST.get("part") == "remarks")


def _remarked(request: HttpRequest, advice: Advice) -> HttpResponse:
    """What follows while somebody writes: no choices, no form, and nothing where the page shows it already."""
    if not advice.is_new:
        return HttpResponse(status=204)
    return render(request, "desk/_advice.html", advice_context(advice))


def _conflict(request: HttpRequest, form: SupportForm, case: Case, token: str = "0") -> HttpResponse:
    """The older tab: what was typed stays on the page, and says what is newer."""
    return Page(request, form, token, case, notices={"changed_elsewhere": case}).render()


def _stored(request: HttpRequest, case: Case, submitted: bool) -> HttpResponse:
    if submitted or case.stage != Stage.DRAFT:
        return redirect(case)
    messages.success(request, _("Draft saved."))
    return redirect("case_edit", case.reference)
