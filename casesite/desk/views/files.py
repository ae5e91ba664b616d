"""Files of cases: one at a time into a form, and out again."""

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.storage import default_storage
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from casesite.cases import file_secrets, files, scans
from casesite.cases.limits import MOST, Limits, check_count, check_name, check_size, limits_of
from casesite.cases.models import Case, CaseFile
from casesite.catalog.models import ConnectTemplate
from casesite.desk.forms.connect_case import limits_in
from casesite.desk.forms.offer import Offer
from casesite.teams.permissions import team_ids
from casesite.web.auth import login_required_keeping_text


@login_required_keeping_text
@never_cache
@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """Keep one file for a form that is not saved yet, and give the line that stands for it there.

    Without the file, its `name` and `size` are looked at first, before anybody waits for its bytes.
    """
    if not team_ids(request.user):
        raise PermissionDenied(_("Only members of a team can write cases."))
    limits = _limits(request)
    held = _number(request.POST.get("held", ""))
    received: Any = request.FILES.getlist("files")[:1]
    try:
        if not received:
            name = request.POST.get("name", "")
            check_name(name)
            check_size(name, _number(request.POST.get("size", "")), limits)
            check_count(name, held + 1, limits)
            return HttpResponse(status=204)
        file = files.take_one(received[0], held, limits, by=request.user)
    except ValidationError as exc:
        return HttpResponse(" ".join(exc.messages), status=422, content_type="text/plain; charset=utf-8")
    searches = file_secrets.searches_of([file_secrets.Bytes(file.sha256, file.size, file.name)])
    told = {"places": file_secrets.places_in(searches), "scan": scans.state_of(file, scans.of_files([file]))}
    return render(request, "desk/_file.html", {"file": file} | told)


def _limits(request: HttpRequest) -> Limits:
    """Those of the form that the file is for: of a Connect template, or of a Support account."""
    asked = request.POST.get("connect_template", "")
    if asked.isdecimal() and len(asked) < 19:
        rows = ConnectTemplate.objects.visible_to(request.user).select_related("domain")
        return limits_in(get_object_or_404(rows, pk=asked).domain)
    return limits_of(Offer(request.user, request.POST).account)


def held_by(request: HttpRequest, limits: Limits) -> tuple[list[CaseFile], list[ValidationError]]:
    """The files that a form has: those it named, but the one to take out, and those that came with it, kept at once."""
    removed = request.POST.get("remove_file", "")
    keys = [key for key in request.POST.getlist("kept_files") if key not in ("", removed)]
    held = files.held_by_form(keys, by=request.user)
    received: Any = request.FILES.getlist("files")
    taken, refused = files.take(received, held, limits, by=request.user)
    if len(held) < len(set(keys)):
        refused.append(ValidationError(_("A file of this form is not stored any more. Choose it again.")))
    return taken, refused


@login_required_keeping_text
@never_cache
@require_safe
def scan(request: HttpRequest, key: str) -> HttpResponse:
    """What the scanner said about a file that the person holds in a form; 204 while it said nothing."""
    by: Any = request.user
    seen = Q(case=None) | Q(case__in=Case.objects.visible_to(by))
    file = get_object_or_404(CaseFile.objects.filter(seen, uploaded_by=by), key=key)
    told = scans.state_of(file, scans.known_of([file]))
    if told is None or told["state"] == scans.WAITING:
        return HttpResponse(status=204)
    return render(request, "desk/_file_scan.html", {"file": file, "scan": told})


@login_required_keeping_text
@never_cache
@require_safe
def download(request: HttpRequest, reference: str, key: str) -> HttpResponse:
    """The bytes of a file to those who see its case; never shown by the browser itself."""
    case = get_object_or_404(Case.objects.visible_to(request.user), reference=reference)
    file = get_object_or_404(CaseFile, case=case, key=key)
    try:
        stream = default_storage.open(files.place_of(file.sha256), "rb")
    except FileNotFoundError as exc:
        raise Http404("the stored bytes are gone") from exc
    answer: Any = FileResponse(stream, as_attachment=True, filename=file.name, content_type="application/octet-stream")
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


def _number(text: str) -> int:
    """A count or a size from a form; one that is none is more than fits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else MOST
