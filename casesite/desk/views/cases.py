"""The list of cases, and one case with its story and what may be done with it."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from casesite.cases.models import Case, Stage
from casesite.desk import actions, drafts
from casesite.desk.filters import CaseFilter, Order
from casesite.desk.rows import Row, label_for, with_newest
from casesite.desk.story import Story
from casesite.lookups.models import Lookup
from casesite.lookups.views import context_of
from casesite.submissions import dry_runs
from casesite.submissions import resolving as second_case
from casesite.submissions.models import Submission
from casesite.submissions.states import StaleSubmission, State
from casesite.teams.permissions import leads, reviews
from casesite.web.auth import login_required_keeping_text
from casesite.web.paging import page_of

FIRST_REFRESH = 2.0  # seconds; each further one half as long again
LAST_REFRESH = 30.0
COPY = "copy"
RESOLVE_SECOND = "resolve_second"


@login_required
@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    listed = CaseFilter(request)
    page = page_of(listed.branches(), Order(), request.GET, search=listed.search, rows=_listed)
    rows = [Row(case, label_for(case, request.user)) for case in page.rows]
    context = {"filter": listed, "page": page, "rows": rows, "narrowed": listed.is_narrowed}
    return render(request, "cases/list.html", context)


def _listed(keys: Any) -> QuerySet[Case]:
    return with_newest(Case.objects.filter(pk__in=keys)).select_related("account", "author")


@login_required_keeping_text
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, reference: str) -> HttpResponse:
    case = _find(request, reference)
    if request.method == "POST":
        return _act(request, case)
    return render(request, "cases/detail.html", _context(request, case))


@login_required_keeping_text
@never_cache
@require_safe
def case_state(request: HttpRequest, reference: str) -> HttpResponse:
    """The case page's next look at itself: everything where something changed, else only the time."""
    context = _context(request, _find(request, reference))
    return render(request, "cases/_refresh.html", context)


def _find(request: HttpRequest, reference: str) -> Case:
    visible = Case.objects.visible_to(request.user).select_related(
        "account", "author", "team", "support__catalog", "connect__template"
    )
    return get_object_or_404(visible, reference=reference)


def _context(request: HttpRequest, case: Case) -> dict[str, object]:
    story = Story(case, request.user)
    changed = request.GET.get("seen", story.version) != story.version
    times = 0 if changed else number_of(request.GET.get("n", ""))
    asked = _asked_at_aws(story.newest)
    resolving = second_case.newest(case)
    return {
        "resolving": resolving,
        "may_resolve": second_case.may_ask(request.user, case, resolving),
        "case": case,
        "story": story,
        "submission": story.newest,
        "actions": actions.actions_for(request.user, case, story.newest, asked),
        "dry_run": context_of(asked) if asked else None,
        "copy_token": drafts.new_token(),
        "reviews": reviews(request.user, case.team_id),
        "leads": leads(request.user, case.team_id),
        "changed": changed,
        "next_n": times + 1,
        "delay": min(LAST_REFRESH, FIRST_REFRESH * 1.5 ** min(times, 20)),
    }


def _asked_at_aws(newest: Submission | None) -> Lookup | None:
    """Whether AWS would accept what waits for review, as it was asked last."""
    if not settings.DRY_RUNS or newest is None or newest.state != State.PENDING_REVIEW:
        return None
    return dry_runs.newest(newest)


def _copy(request: HttpRequest, case: Case) -> HttpResponse:
    """Everybody who may read a case may start a draft of their own from it."""
    try:
        draft, gone = drafts.copy_of(case, by=request.user, token=request.POST.get("copy_token", ""))
    except drafts.ForeignToken:
        messages.error(
            request, _("This page was not complete, so nothing was copied. Please press the button once more.")
        )
        return redirect(case)
    if draft.stage != Stage.DRAFT:  # the page is an old one, from before its copy was submitted or discarded
        text = _("This page was copied into %(reference)s already. To copy it once more, press the button again.")
        messages.info(request, text % {"reference": draft.reference})
        return redirect(case)
    messages.success(request, _("Copied from %(reference)s. This draft is yours.") % {"reference": case.reference})
    if gone:
        messages.warning(request, _("Not stored any more, so not copied: %(names)s") % {"names": ", ".join(gone)})
    return redirect("case_edit", draft.reference)


def _resolve_second(request: HttpRequest, case: Case) -> HttpResponse:
    """Leads have the second of two cases at AWS resolved."""
    try:
        row = second_case.ask(case, by=request.user)
    except StaleSubmission:
        messages.error(request, _("It changed meanwhile, so nothing was done. This is how it stands now."))
    else:
        waits = row.state == State.PENDING_REVIEW
        messages.success(request, _("It waits for review now.") if waits else _("It goes to AWS now."))
    return redirect(case)


def number_of(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _act(request: HttpRequest, case: Case) -> HttpResponse:
    """Withdraw, cancel or discard. Who was a moment too late is told, and sees the case as it is now."""
    action = request.POST.get("action", "")
    if action == COPY:
        return _copy(request, case)
    if action == RESOLVE_SECOND:
        return _resolve_second(request, case)
    if action not in actions.NAMES:
        raise BadRequest(f"no such action: {action[:40]!r}")
    newest = case.submissions.opening().filter(newest=True).select_related("case", "account").first()
    seen = request.POST.get("submission", "")
    try:
        if seen and newest and seen != str(newest.pk):
            raise StaleSubmission("another revision")
        if said := actions.perform(action, case, newest, by=request.user):
            messages.success(request, said)
    except StaleSubmission:
        messages.error(request, _("It changed meanwhile, so nothing was done. This is how it stands now."))
    except PermissionDenied as exc:
        if case.author_id != request.user.pk and not reviews(request.user, case.team_id):
            raise
        messages.error(request, str(exc))
    return redirect(case)
