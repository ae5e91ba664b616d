"""Drafts that save themselves while somebody writes. Nothing is checked but that it can be stored, nothing is submitted.

The answers are one fragment, which tells the page what became of it and what its form goes on with.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from casesite.cases.models import Case, Kind, Stage
from casesite.catalog.models import ConnectTemplate
from casesite.desk import drafts
from casesite.desk.drafts import DraftForm, Saving
from casesite.teams.permissions import team_ids
from casesite.web.auth import login_required_keeping_text

from . import connect, support
from .edit import draft_of


@login_required_keeping_text
@never_cache
@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """The first of a new form's savings makes its draft; the page goes on as that draft's."""
    if not team_ids(request.user):
        raise PermissionDenied(_("Only members of a team can write cases."))
    return _new(request, support.bound(request, submitting=False))


@login_required_keeping_text
@never_cache
@require_POST
def new_connect(request: HttpRequest, pk: int) -> HttpResponse:
    """The same for a form made from a Connect template."""
    row = connect.template_of(request, pk)
    return _new(request, connect.bound(request, row, submitting=False, saving=True), row)


def _new(request: HttpRequest, form: DraftForm, row: ConnectTemplate | None = None) -> HttpResponse:
    token = request.POST.get("form_token", "")
    if not form.is_valid():
        return _told(request, None, token, row=row, problems=form.errors)
    saving = Saving.of(request.POST, by_itself=True)
    try:
        case = drafts.store_new(form, by=request.user, token=token, submit=False, saving=saving)
    except drafts.ForeignToken:
        return _told(request, None, drafts.new_token(), row=row, again=True)
    except (drafts.Overtaken, drafts.AlreadySent, drafts.ChangedElsewhere) as exc:
        return _not_saved(request, exc, token)
    return _told(request, case)


@login_required_keeping_text
@never_cache
@require_POST
def edit(request: HttpRequest, reference: str) -> HttpResponse:
    """Save the draft; or, with `look`, only tell a page that is older than what is saved."""
    case = draft_of(request, reference)
    token, saving = request.POST.get("form_token", ""), Saving.of(request.POST, by_itself=True)
    if request.POST.get("look"):
        return _looked(request, case, token, saving)
    form = _bound(request, case)
    if not form.is_valid():
        return _told(request, case, token, problems=form.errors)
    try:
        version = drafts.version_of(token)
        case = drafts.store_draft(form, case, by=request.user, version=version, submit=False, saving=saving)
    except (drafts.Overtaken, drafts.AlreadySent, drafts.ChangedElsewhere) as exc:
        return _not_saved(request, exc, token)
    return _told(request, case)


def _bound(request: HttpRequest, case: Case) -> DraftForm:
    if case.kind == Kind.CONNECT:
        return connect.bound(request, case.connect.template, submitting=False, saving=True, case=case)
    return support.bound(request, submitting=False, case=case)


def _looked(request: HttpRequest, case: Case, token: str, saving: Saving) -> HttpResponse:
    if case.stage != Stage.DRAFT:
        return _not_saved(request, drafts.AlreadySent(case), token)
    if case.version != drafts.version_of(token) and not saving.is_of_same_page(case):
        return _not_saved(request, drafts.ChangedElsewhere(case), token)
    return HttpResponse(status=204)


def _not_saved(request: HttpRequest, exc: Any, token: str) -> HttpResponse:
    if isinstance(exc, drafts.Overtaken):
        return HttpResponse(status=204)  # what is newer has an answer of its own
    if isinstance(exc, drafts.AlreadySent):
        return _told(request, exc.case, token, sent=True)
    return _told(request, exc.case, token, older=True)


def _told(
    request: HttpRequest,
    case: Case | None,
    token: str = "",
    *,
    older: bool = False,
    row: ConnectTemplate | None = None,
    **told: Any,
) -> HttpResponse:
    """`row` is the template of a new Connect form, of which there is no case yet."""
    if case is not None and not token:  # it is saved
        case.refresh_from_db(fields=("version", "changed_at", "stage"))
        if case.stage != Stage.DRAFT:  # a form of the same text was submitted meanwhile
            told["sent"] = True
        token = str(case.version)
    if case is not None and case.kind == Kind.CONNECT:
        row = case.connect.template
    if row is not None:
        context = connect.saving_context(row, case, token, older=older)
    else:
        context = support.saving_context(case, token, older=older)
    return render(request, "desk/_saving.html", context | told)
