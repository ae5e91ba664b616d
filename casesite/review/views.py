"""The pages behind the admin's addresses of a submission: reviewing it, and taking care of it where a person is needed."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from casesite.lookups.views import context_of
from casesite.submissions import permissions, workflow
from casesite.submissions.models import Submission, SubmissionQuerySet
from casesite.submissions.states import StaleSubmission, State
from casesite.submissions.workflow import PayloadChanged

from . import adoption, lists, several
from .forms import CareForm, CaseIdForm, ConnectCaseIdForm, DecisionForm
from .models import Viewing, note_viewing
from .pages import evidence_of, review_context
from .words import who_was_quicker

Verb = Callable[..., None]


# --- reviewing --------------------------------------------------------------------------------------------------------------
def review(request: HttpRequest, submission: Submission) -> HttpResponse:
    """Exactly what AWS will receive, and the decision on it."""
    if request.method == "POST":
        return _decide(request, submission)
    if submission.state == State.PENDING_REVIEW and permissions.allowed(
        permissions.check_can_decide, request.user, submission
    ):
        note_viewing(submission, request.user)
    return _review_page(request, submission, DecisionForm(initial={"payload_sha256": submission.payload_sha256}))


def _review_page(
    request: HttpRequest, submission: Submission, form: DecisionForm, *, alert: str = "", status: int = 200
) -> HttpResponse:
    context = review_context(request, submission) | {"form": form, "alert": alert}
    if alert and (context["why_not"] or not (context["waits"] or submission.review_after)):
        context["too_late"] = form.written
    return render(request, "review/review.html", context, status=status)


def _decide(request: HttpRequest, submission: Submission) -> HttpResponse:
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _review_page(request, submission, form)
    given = form.cleaned_data
    try:
        said = DECIDE[given["decision"]](submission, request.user, form)
    except PermissionDenied as exc:
        return _review_page(request, submission, form, alert=str(exc), status=403)
    except PayloadChanged:
        text = _("The text changed since you opened this page. Below is what AWS would receive now: read it again.")
        return _review_page(request, submission, form, alert=text, status=409)
    except StaleSubmission:
        submission = Submission.objects.select_related(*RELATED).get(pk=submission.pk)
        text = who_was_quicker(submission, request.user)
        return _review_page(request, submission, form, alert=text, status=409)
    read = Viewing.objects.filter(submission=submission)
    (read.filter(user=request.user.pk) if submission.state == State.PENDING_REVIEW else read).delete()
    messages.success(request, said)
    queue = lists.LOOK_NOW if given["decision"] == "looked" else lists.WAITING
    following = lists.next_of(queue, request.user, submission)
    return redirect("admin:submissions_submission_change", following) if following else redirect(queue.url)


def _approve(submission: Submission, user: Any, form: DecisionForm) -> str:
    workflow.approve(submission, by=user, payload_sha256=form.cleaned_data["payload_sha256"])
    if submission.state == State.PENDING_REVIEW:
        return _("Approved, the first of two: “%(subject)s”. It goes out once somebody else approves it too.") % _named(
            submission
        )
    return _("Approved: “%(subject)s”. It goes out as soon as its account has room.") % _named(submission)


def _return(submission: Submission, user: Any, form: DecisionForm) -> str:
    workflow.return_to_author(submission, by=user, comments=form.comments, **_hash_and_reason(form))
    return _("Returned to %(author)s: “%(subject)s”.") % _named(submission)


def _reject(submission: Submission, user: Any, form: DecisionForm) -> str:
    workflow.reject(submission, by=user, comments=form.comments, **_hash_and_reason(form))
    return _("Rejected: “%(subject)s”. The case is closed.") % _named(submission)


def _looked(submission: Submission, user: Any, form: DecisionForm) -> str:
    workflow.review_afterwards(submission, by=user, **_hash_and_reason(form))
    return _("Looked at: “%(subject)s”.") % _named(submission)


def _hash_and_reason(form: DecisionForm) -> dict[str, str]:
    return {name: form.cleaned_data[name] for name in ("payload_sha256", "reason")}


def approve_several(request: HttpRequest, rows: SubmissionQuerySet) -> HttpResponse:
    """Those that were ticked in the queue, as far as they may be approved together; the others with the reason."""
    chosen = several.read_chosen(request.POST.getlist("chosen"))
    if not chosen:
        messages.warning(request, _("Nothing was ticked, so nothing was approved."))
    elif len(chosen) > several.AT_ONCE:
        text = _("Nothing was approved: up to %(number)d can be approved together.")
        messages.warning(request, text % {"number": several.AT_ONCE})
    else:
        _tell(request, several.approve(rows.select_related(*RELATED), chosen, by=request.user), len(chosen))
    return redirect(lists.WAITING.url)


def _tell(request: HttpRequest, outcome: several.Outcome, asked: int) -> None:
    if count := len(outcome.approved):
        subjects = ", ".join(f"“{row.content['subject']}”" for row in outcome.approved)
        text = ngettext("Approved: %(subjects)s.", "Approved %(count)d: %(subjects)s.", count)
        messages.success(request, text % {"count": count, "subjects": subjects})
    for subject, sentence in outcome.refused:
        messages.warning(request, _("Not approved: “%(subject)s”. %(why)s") % {"subject": subject, "why": sentence})
    if missing := asked - count - len(outcome.refused):
        text = ngettext(
            "%(count)d of them is not there any more.", "%(count)d of them are not there any more.", missing
        )
        messages.warning(request, text % {"count": missing})


def _named(submission: Submission) -> dict[str, Any]:
    return {"subject": submission.content["subject"], "author": submission.submitted_by}


DECIDE = {"approve": _approve, "return": _return, "reject": _reject, "looked": _looked}
# What a page shows of a submission beside its own columns; the revision before it is compared with.
RELATED = ("case__team", "account", "submitted_by", "first_approved_by", "supersedes__account")


# --- taking care ------------------------------------------------------------------------------------------------------------
def attention(request: HttpRequest, submission: Submission) -> HttpResponse:
    """What is known about a submission that needs a person, and the ways out. For leads of the team."""
    permissions.check_can_take_care(request.user, submission)
    if request.method == "POST":
        return _take_care(request, submission)
    return _attention_page(request, submission)


def _attention_page(
    request: HttpRequest,
    submission: Submission,
    *,
    alert: str = "",
    status: int = 200,
    filled: dict[str, Any] | None = None,
) -> HttpResponse:
    lookup = adoption.lookup_of(submission, request.POST.get("lookup") or request.GET.get("lookup") or "")
    found = adoption.found_by(lookup) if lookup else None
    refused = adoption.why_not(submission, found, by=request.user) if found else ""
    context = {
        "submission": submission,
        "case": submission.case,
        "account": submission.account,
        "evidence": evidence_of(submission),
        "needs_person": submission.state == State.NEEDS_ATTENTION,
        "can_take_over": submission.state == State.UNKNOWN,
        "asked": context_of(lookup) if lookup else None,
        "found": None if refused else found,
        "refused": refused,
        "proves": adoption.what_it_proves(submission, found) if found and not refused else "",
        "alert": alert,
        "queue": lists.NEEDS_PERSON,
        "forms": {name: _empty(submission, name) for name in ("look_up", *CARE)} | (filled or {}),
    }
    return render(request, "review/attention.html", context, status=status)


def _empty(submission: Submission, action: str, data: Any = None) -> CareForm | CaseIdForm:
    """The form of one way out; the ids of its fields tell it from the others on the page."""
    of_aws = ConnectCaseIdForm if submission.region else CaseIdForm
    kind = of_aws if action == "look_up" else CareForm
    return kind(data, auto_id=f"id_{action}_%s")


def _take_care(request: HttpRequest, submission: Submission) -> HttpResponse:
    action = request.POST.get("action", "")
    if (action != "look_up" and action not in CARE) or (action in ("look_up", "adopt") and not submission.is_opening):
        return _attention_page(request, submission, alert=_("Choose one of the ways out."), status=400)
    form = _empty(submission, action, request.POST)
    if not form.is_valid():
        return _attention_page(request, submission, filled={action: form})
    if isinstance(form, CaseIdForm):
        lookup = adoption.ask_aws(submission, form.params, by=request.user)
        return redirect(f"{request.path}?lookup={lookup.pk}#adopt")
    try:
        said = CARE[action](request, submission, form.cleaned_data["reason"])
    except ValidationError as exc:
        return _attention_page(request, submission, alert=" ".join(exc.messages), status=409, filled={action: form})
    except StaleSubmission:
        submission = Submission.objects.select_related(*RELATED).get(pk=submission.pk)
        text = who_was_quicker(submission, request.user)
        return _attention_page(request, submission, alert=text, status=409, filled={action: form})
    messages.success(request, said)
    if submission.state == State.NEEDS_ATTENTION:  # taken over: the ways out are there now
        return redirect(request.path)
    return redirect(submission.case)


def _adopt(request: HttpRequest, submission: Submission, reason: str) -> str:
    lookup = adoption.lookup_of(submission, request.POST.get("lookup", ""))
    found = adoption.adopt(submission, lookup, by=request.user, reason=reason)
    return _("Adopted: the case is open at AWS as %(id)s.") % {"id": found.display_id or found.case_id}


def _send_again(request: HttpRequest, submission: Submission, reason: str) -> str:
    workflow.send_again(submission, by=request.user, reason=reason)
    return _("It is sent again, after one more look whether AWS has it.")


def _give_up(request: HttpRequest, submission: Submission, reason: str) -> str:
    workflow.give_up(submission, by=request.user, reason=reason)
    if submission.is_companion:
        return _("Given up: it was not sent again. The case stays open without it.")
    return _("Given up: it was not sent again, and the case is a draft.")


def _take_over(request: HttpRequest, submission: Submission, reason: str) -> str:
    workflow.take_over(submission, by=request.user, reason=reason)
    return _("Taken over: decide now what shall happen.")


CARE: dict[str, Callable[[HttpRequest, Submission, str], str]] = {
    "adopt": _adopt,
    "send_again": _send_again,
    "give_up": _give_up,
    "take_over": _take_over,
}
