"""The desk: what needs a person now."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from casesite.desk.rows import Desk


@login_required
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/desk.html", {"desk": Desk(request.user)})
