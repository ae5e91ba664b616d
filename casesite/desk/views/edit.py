"""A draft's form, whichever kind of case it is."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from casesite.cases.models import Case, Kind
from casesite.cases.permissions import check_can_edit
from casesite.web.auth import login_required_keeping_text

from . import connect, support


@login_required_keeping_text
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, reference: str) -> HttpResponse:
    case = draft_of(request, reference)
    return connect.edit(request, case) if case.kind == Kind.CONNECT else support.edit(request, case)


def draft_of(request: HttpRequest, reference: str) -> Case:
    """A case that the person may edit."""
    visible = Case.objects.visible_to(request.user).select_related(
        "account", "author", "team", "support", "connect__template__domain__account"
    )
    case = get_object_or_404(visible, reference=reference)
    if case.author_id != request.user.pk:
        check_can_edit(request.user, case)
    return case
