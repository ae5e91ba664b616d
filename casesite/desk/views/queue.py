"""The queue: what goes out when and why then, and what people do about it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from casesite.desk.forms.hold import HoldForm
from casesite.desk.line import Line
from casesite.submissions import permissions, waiting, workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import StaleSubmission
from casesite.teams.models import Team
from casesite.teams.permissions import team_ids
from casesite.web.auth import login_required_keeping_text

from .cases import FIRST_REFRESH, LAST_REFRESH, number_of

ACTIONS = ("cancel", "hold", "resume", "send_now")


@login_required_keeping_text
@never_cache
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    return render(request, "queue/queue.html", _context(request, request.GET.get("team", "")))


@login_required_keeping_text
@never_cache
@require_safe
def queue_state(request: HttpRequest) -> HttpResponse:
    """The page's next look at itself: everything where something changed, else only the time."""
    return render(request, "queue/_refresh.html", _context(request, request.GET.get("team", "")))


@login_required_keeping_text
@require_POST
def act(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Cancel, hold back, let go on, or let go before its turn. Who was a moment too late is told."""
    rows = Submission.objects.visible_to(request.user).opening().select_related("case", "account")
    row = get_object_or_404(rows, pk=pk)
    action, seen = request.POST.get("action", ""), request.POST.get("token", "")
    if action not in ACTIONS or not (seen.isascii() and seen.isdigit() and len(seen) < 10):
        raise BadRequest("no such action, or no token")
    form = HoldForm(request.POST) if action == "hold" else None
    try:
        if form:
            permissions.check_can_hold(request.user, row)  # before a word about the time
        if form and not form.is_valid():
            return _typed_again(request, row, form)
        messages.success(request, _perform(action, row, form, by=request.user, token=int(seen)))
    except StaleSubmission:
        messages.error(request, _quicker(row))
    except PermissionDenied as exc:
        messages.error(request, str(exc) if row.token == int(seen) else _quicker(row))
    except ValidationError as exc:  # its time came while the form was checked
        messages.error(request, " ".join(exc.messages))
    return redirect(_back(request, row))


def _perform(action: str, row: Submission, form: HoldForm | None, *, by: Any, token: int) -> str:
    if action == "cancel":
        workflow.cancel(row, by=by)
        return _("Cancelled before it went out. The case is a draft again.")
    if form:
        waiting.hold(row, by=by, until=form.cleaned_data["until"], token=token)
        return _("It is held back. It goes on by itself when the time comes, or when somebody lets it.")
    if action == "resume":
        waiting.resume(row, by=by, token=token)
        return _("It goes on in its turn.")
    waiting.send_now(row, by=by, token=token)
    return _("It goes out before its turn, in a place kept for urgent cases. AWS's limit of the hour still holds.")


def _quicker(row: Submission) -> str:
    row.refresh_from_db(fields=["state"])
    told = {"subject": row.case.subject, "state": row.get_state_display()}
    return _("Somebody was quicker, so nothing was done. “%(subject)s” now: %(state)s.") % told


def _back(request: HttpRequest, row: Submission) -> str:
    """Where the button was: the case, or the queue of the team that was looked at."""
    if request.POST.get("back") == "case":
        return row.case.get_absolute_url()
    team = request.POST.get("team", "")
    return reverse("queue") + (f"?team={team}" if team.isascii() and team.isdigit() else "")


def _typed_again(request: HttpRequest, row: Submission, form: HoldForm) -> HttpResponse:
    """The queue with what was typed, and what is wrong with it, at its row."""
    context = _context(request, request.POST.get("team", ""))
    context |= {"wrong": {"pk": row.pk, "errors": form.errors["until"], "typed": request.POST.get("until", "")}}
    return render(request, "queue/queue.html", context)


def _context(request: HttpRequest, team: str) -> dict[str, object]:
    line = Line(request.user, _team_of(request, team))
    changed = request.GET.get("seen", line.version) != line.version
    times = 0 if changed else number_of(request.GET.get("n", ""))
    return {
        "line": line,
        "changed": changed,
        "next_n": times + 1,
        "delay": min(LAST_REFRESH, FIRST_REFRESH * 1.5 ** min(times, 20)),
    }


def _team_of(request: HttpRequest, team: str) -> Team | None:
    if not team:
        return None
    if not (team.isascii() and team.isdigit() and len(team) < 10 and int(team) in team_ids(request.user)):
        raise Http404
    return get_object_or_404(Team, pk=team)
