"""Opening a case by a Connect template: the list of templates, a new case, and a draft."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from casesite.cases import files
from casesite.cases.models import Case, Stage
from casesite.catalog.models import ConnectTemplate
from casesite.catalog.rule_words import name_of
from casesite.desk import drafts, refusals
from casesite.desk.forms.connect_case import ConnectCaseForm, limits_in
from casesite.desk.people import People
from casesite.submissions.states import StaleSubmission
from casesite.teams.models import Team
from casesite.teams.permissions import team_ids
from casesite.web.auth import login_required_keeping_text
from casesite.web.lru import Lru

from .files import held_by
from .newest import newest_of

SAVE, SUBMIT, UPDATE = "save_draft", "submit", "update"
KEEP_AS_NEW = "keep_as_new"  # names the button by which an older tab's text becomes a draft of its own


# What a new form shows of its template is the same for everybody: rendered once for each version, language and time zone.
_blank: Lru[tuple[SafeString, SafeString]] = Lru(
    most_bytes=4_000_000, size_of=lambda parts: sum(len(part) for part in parts)
)


@login_required_keeping_text
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """The templates that a person may open cases by, under their domains."""
    if not team_ids(request.user):
        return render(request, "desk/no_team.html", status=403)
    rows = ConnectTemplate.objects.usable_by(request.user).select_related("domain__account", "newest")
    rows = rows.order_by("domain__account__name", "domain__name", "domain__region", "domain_id", "name", "pk")
    return render(request, "desk/connect/choose.html", {"templates": list(rows), "sandbox": settings.SANDBOX})


# --- one form ------------------------------------------------------------------------------------------------------------
@dataclass
class Page:
    """One rendering of the form: what it holds, where it goes, and what stands above it."""

    request: HttpRequest
    form: ConnectCaseForm
    token: str
    case: Case | None = None
    notices: dict[str, Any] = field(default_factory=dict)

    def render(self) -> HttpResponse:
        return render(self.request, "desk/connect/case.html", self.context)

    def render_changes(self) -> HttpResponse:
        """What htmx puts in place after an answer."""
        known = self.request.POST.getlist("known")
        form = self.form
        context = {
            "form": form,
            "zone_name": timezone.get_current_timezone_name(),
            "advice": form.advice,
            "rows": form.changed(known),
            "announcement": form.announcement(known),
            "known": known,
        }
        return render(self.request, "desk/connect/_case_update.html", context)

    @property
    def context(self) -> dict[str, Any]:
        older = "changed_elsewhere" in self.notices
        said = self._said_before()
        return {
            "form": self.form,
            "template": self.form.row,
            "zone_name": timezone.get_current_timezone_name(),
            "advice": self.form.advice,
            **saving_context(self.form.row, self.case, self.token, older=older),
            "saving": self.saving,
            "unsaved": self.form.is_bound,
            "blank": self._blank_parts(),
            "actions": {"save": SAVE, "submit": SUBMIT, "update": UPDATE},
            **said,
            **self.notices,
        }

    def _said_before(self) -> dict[str, Any]:
        """What a reviewer or AWS said about the draft's last revision; AWS's words at the fields that they name."""
        newest = newest_of(self.case) if self.case else None
        said = refusals.said_of(newest) if newest else {}
        words = str(said.get("refused_words") or "")
        if words and not self.form.is_bound and self.form.show_refusal(words):
            del said["refused_words"]
        return said

    def _blank_parts(self) -> tuple[SafeString, SafeString] | None:
        """The fields and the rules of a form in which nothing is filled in yet."""
        form, zone = self.form, timezone.get_current_timezone_name()
        if form.is_bound or self.case is not None:
            return None
        settled = f"{form.row.customer_always} {form.row.customer_search}"
        key = f"{form.version.content_sha256} {settled} {get_language()} {zone}"
        context = {"form": form, "zone_name": zone}
        names = ("desk/connect/_fields.html", "desk/connect/_rules.html")
        return _blank.get(key, lambda: (render_to_string(names[0], context), render_to_string(names[1], context)))

    @property
    def saving(self) -> drafts.Saving:
        """A page that comes back with what was posted goes on counting."""
        posted = drafts.Saving.of(self.request.POST)
        return posted if posted.page else drafts.Saving(self.token if self.case is None else drafts.new_token())


def saving_context(row: ConnectTemplate, case: Case | None, token: str, *, older: bool = False) -> dict[str, Any]:
    """Where the form goes, by hand and by itself, and with what. A page that is `older` saves nothing by itself."""
    new_address = reverse("case_new_connect", args=[row.pk])
    if case is None:
        save = reverse("case_new_connect_save", args=[row.pk])
        addresses = {"form_address": new_address, "saving_address": save}
    else:
        edit_address, save = (reverse(name, args=[case.reference]) for name in ("case_edit", "case_save"))
        addresses = {"form_address": edit_address, "saving_address": save}
    told = {"keep_as_new": drafts.new_token()} if older else {}
    return {"case": case, "form_token": token, "older": older, "new_address": new_address, **addresses, **told}


def bound(
    request: HttpRequest, row: ConnectTemplate, *, submitting: bool, saving: bool = False, case: Case | None = None
) -> ConnectCaseForm:
    held, refused = held_by(request, limits_in(row.domain))
    told = {"submitting": submitting, "saving": saving, "files": held, "refused": refused}
    return _form(request, row, case, data=request.POST, **told)


def _form(request: HttpRequest, row: ConnectTemplate, case: Case | None = None, **more: Any) -> ConnectCaseForm:
    assert row.newest is not None
    return ConnectCaseForm(
        row,
        row.newest,
        teams=_teams(request.user, row, case),
        author=case.author if case else request.user,
        zone=timezone.get_current_timezone(),
        held=case.connect if case else None,
        people=People(request, row, case.connect.names if case else None),
        **more,
    )


def _teams(user: Any, row: ConnectTemplate, case: Case | None) -> list[Team]:
    """The person's teams that may use the template; a draft keeps the one it has."""
    theirs = Team.objects.filter(memberships__user=user, accounts=row.domain.account_id)
    found = list(theirs.exclude(pk__in=row.off_for.all()).order_by("name"))
    if case and case.team not in found:
        found.append(case.team)
    return found


def template_of(request: HttpRequest, pk: int) -> ConnectTemplate:
    rows = ConnectTemplate.objects.usable_by(request.user).select_related("domain__account", "newest")
    return get_object_or_404(rows, pk=pk)


# --- a new case ----------------------------------------------------------------------------------------------------------
@login_required_keeping_text
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, pk: int) -> HttpResponse:
    row = template_of(request, pk)
    if request.method != "POST":
        return Page(request, _form(request, row), drafts.new_token()).render()
    token = request.POST.get(KEEP_AS_NEW) or request.POST.get("form_token", "")
    action = _action(request)
    if action == UPDATE:
        return _updated(request, row, token or drafts.new_token())
    submit = action == SUBMIT
    form = bound(request, row, submitting=submit, saving=not submit)
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
        return Page(request, form, "0", notices={"changed_elsewhere": exc.case}).render()
    except PermissionDenied as exc:
        form.add_error(None, str(exc))
        return Page(request, form, token).render()
    return _stored(request, case, submit)


# --- a draft -------------------------------------------------------------------------------------------------------------
def edit(request: HttpRequest, case: Case) -> HttpResponse:
    """The form of a draft, which the person may edit; always by the template's newest version."""
    if request.method == "POST":
        return _save(request, case)
    if case.stage != Stage.DRAFT:
        messages.info(request, _("This case is no longer a draft, so it can't be edited."))
        return redirect(case)
    form = _form(request, case.connect.template, case, files=files.of_draft(case))
    page = Page(request, form, str(case.version), case)
    page.notices = _changes_of_template(case)
    return page.render()


def _changes_of_template(case: Case) -> dict[str, Any]:
    """What the template's newest version no longer asks for, of what the draft holds."""
    held, row = case.connect, case.connect.template
    if row.newest is None or row.newest_id == held.version_id:
        return {}
    asked = row.newest.snapshot.live
    gone = [id_ for id_, text in held.typed.items() if text.strip() and id_ not in asked]
    return {"template_changed": True, "gone": [(name_of(held.version.snapshot, id_), held.typed[id_]) for id_ in gone]}


def _save(request: HttpRequest, case: Case) -> HttpResponse:
    row = case.connect.template
    token, action = request.POST.get("form_token", ""), _action(request)
    if action == UPDATE:
        return _updated(request, row, token, case)
    if overwrite := request.POST.get("overwrite", ""):
        token, action = overwrite, SAVE  # the person read what is newer, and wants this text all the same
    submit = action == SUBMIT
    form = bound(request, row, submitting=submit, saving=not submit, case=case)
    if not form.is_valid():
        return Page(request, form, token, case).render()
    try:
        saving, version = drafts.Saving.of(request.POST), drafts.version_of(token)
        case = drafts.store_draft(form, case, by=request.user, version=version, submit=submit, saving=saving)
    except drafts.ChangedElsewhere as exc:
        return Page(request, form, token, case, notices={"changed_elsewhere": exc.case}).render()
    except drafts.AlreadySent as exc:
        return Page(request, form, drafts.new_token(), notices={"already_sent": exc.case}).render()
    except StaleSubmission:
        return redirect(case)
    except PermissionDenied as exc:
        form.add_error(None, str(exc))
        return Page(request, form, token, case).render()
    return _stored(request, case, submit)


# --- shared --------------------------------------------------------------------------------------------------------------
def _action(request: HttpRequest) -> str:
    """What a button asked for. Anything else shows the form again and keeps nothing."""
    if KEEP_AS_NEW in request.POST:
        return SAVE
    action = request.POST.get("action", "")
    return action if action in (SAVE, SUBMIT) or "overwrite" in request.POST else UPDATE


def _updated(request: HttpRequest, row: ConnectTemplate, token: str, case: Case | None = None) -> HttpResponse:
    """What applies now to what was filled in so far. Nothing is kept, nothing is lost."""
    page = Page(request, bound(request, row, submitting=False, case=case), token, case)
    if request.htmx:  # type: ignore[attr-defined]
        return page.render_changes()
    return page.render()


def _stored(request: HttpRequest, case: Case, submitted: bool) -> HttpResponse:
    if submitted or case.stage != Stage.DRAFT:
        return redirect(case)
    messages.success(request, _("Draft saved."))
    return redirect("case_edit", case.reference)
