"""Drafts that save themselves while somebody writes. Nothing is checked but that it can be stored, nothing is submitted.

The answers are one fragment, which tells the page what became of it and what its form goes on with.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from casesite.cases.models import Case, Stage
from casesite.cases.permissions import check_can_edit
from casesite.desk import drafts
from casesite.desk.drafts import Saving
from casesite.teams.permissions import team_ids
from casesite.web.auth import login_required_keeping_text

from .support import bound, saving_context, version_of


@login_required_keeping_text
@never_cache
@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """The first of a new form's savings makes its draft; the page goes on as that draft's."""
    if not team_ids(request.user):
        raise PermissionDenied(_("Only members of a team can write cases."))
    token = request.POST.get("form_token", "")
    form = bound(request, submitting=False)
    if not form.is_valid():
        return _told(request, None, token, problems=form.errors)
    saving = Saving.of(request.POST, by_itself=True)
    try:
        case = drafts.store_new(form, by=request.user, token=token, submit=False, saving=saving)
    except drafts.ForeignToken:
        return _told(request, None, drafts.new_token(), again=True)
    except (drafts.Overtaken, drafts.AlreadySent, drafts.ChangedElsewhere) as exc:
        return _not_saved(request, exc, token)
    return _told(request, case)


@login_required_keeping_text
@never_cache
@require_POST
def edit(request: HttpRequest, reference: str) -> HttpResponse:
    """Save the draft; or, with `look`, only tell a page that is older than what is saved."""
    visible = Case.objects.visible_to(request.user).select_related("account", "author", "team", "support")
    case = get_object_or_404(visible, reference=reference)
    if case.author_id != request.user.pk:
        check_can_edit(request.user, case)
    token, saving = request.POST.get("form_token", ""), Saving.of(request.POST, by_itself=True)
    if request.POST.get("look"):
        return _looked(request, case, token, saving)
    form = bound(request, submitting=False, case=case)
    if not form.is_valid():
        return _told(request, case, token, problems=form.errors)
    try:
        version = version_of(token)
        case = drafts.store_draft(form, case, by=request.user, version=version, submit=False, saving=saving)
    except (drafts.Overtaken, drafts.AlreadySent, drafts.ChangedElsewhere) as exc:
        return _not_saved(request, exc, token)
    return _told(request, case)


def _looked(request: HttpRequest, case: Case, token: str, saving: Saving) -> HttpResponse:
    if case.stage != Stage.DRAFT:
        return _not_saved(request, drafts.AlreadySent(case), token)
    if case.version != version_of(token) and not saving.is_of_same_page(case):
        return _not_saved(request, drafts.ChangedElsewhere(case), token)
    return HttpResponse(status=204)


def _not_saved(request: HttpRequest, exc: Any, token: str) -> HttpResponse:
    if isinstance(exc, drafts.Overtaken):
        return HttpResponse(status=204)  # what is newer has an answer of its own
    if isinstance(exc, drafts.AlreadySent):
        return _told(request, exc.case, token, sent=True)
    return _told(request, exc.case, token, older=True)


def _told(
    request: HttpRequest, case: Case | None, token: str = "", *, older: bool = False, **told: Any
) -> HttpResponse:
    if case is not None and not token:  # it is saved
        case.refresh_from_db(fields=("version", "changed_at", "stage"))
        if case.stage != Stage.DRAFT:  # a form of the same text was submitted meanwhile
            told["sent"] = True
        token = str(case.version)
    return render(request, "desk/_saving.html", saving_context(case, token, older=older) | told)
