"""The review page and the page about a submission that needs a person: what stands on them."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from casesite.cases.models import Case
from casesite.submissions import permissions
from casesite.submissions.models import Decision, Submission
from casesite.submissions.states import State
from casesite.teams.permissions import leads

from . import lists
from .differences import Change, changes
from .marks import odd_characters
from .models import Viewing
from .outlook import outlook_of
from .parameters import FIELD_NAMES, catalog_of, parameters_of

LOOKS_SHOWN = 20
NEIGHBOURS = 200  # rows of the queue among which the next one is looked for


def review_context(request: HttpRequest, submission: Submission) -> dict[str, Any]:
    """All that a reviewer decides by."""
    user = request.user
    catalog = catalog_of(submission)
    waits = submission.state == State.PENDING_REVIEW
    shown = parameters_of(submission, catalog)
    return {
        "submission": submission,
        "case": submission.case,
        "account": submission.account,
        "parameters": shown,
        "odd": sum(odd_characters(value) for parameter in shown for value in parameter.values),
        "catalog": catalog,
        "changes": changes_of(submission),
        "decisions": decisions_of(submission.case),
        "evidence": evidence_of(submission),
        "outlook": outlook_of(submission),
        "waits": waits,
        "why_not": permissions.why_not(permissions.check_can_decide, user, submission),
        "viewings": Viewing.objects.filter(submission=submission).by_others(user) if waits else (),
        "place": place_of(submission, user) if waits else None,
        "leads": leads(user, submission.case.team_id),
        "may_need_care": submission.state in (State.UNKNOWN, State.NEEDS_ATTENTION),
        "queue": lists.WAITING,
    }


def changes_of(submission: Submission) -> list[tuple[Any, Change]]:
    """What differs from the revision it supersedes, each with the field's name. The account counts as a field."""
    before = submission.supersedes
    if before is None:
        return []
    names = {"account": _("Account"), **FIELD_NAMES}
    contents = [{"account": str(row.account), **row.content} for row in (before, submission)]
    return [(names.get(change.field, change.field), change) for change in changes(*contents)]


def decisions_of(case: Case) -> Iterable[Decision]:
    """What was decided on any revision of the case, oldest first."""
    rows = Decision.objects.filter(submission__case=case).select_related("by", "submission")
    return rows.defer("submission__content", "submission__payload")


def evidence_of(submission: Submission) -> dict[str, Any]:
    """The calls made for it and the looks at AWS: newest looks first, and no more of them than one reads."""
    looks = list(submission.looks.select_related("attempt").order_by("-pk")[: LOOKS_SHOWN + 1])
    return {
        "attempts": list(submission.attempts.order_by("n")),
        "looks": looks[:LOOKS_SHOWN],
        "more_looks": len(looks) > LOOKS_SHOWN,
        "candidates": candidates_of(looks),
    }


def candidates_of(looks: Iterable[Any]) -> list[dict[str, Any]]:
    """Cases at AWS that look like ours but carry no reference line, as the newest look saw each."""
    found: dict[str, dict[str, Any]] = {}
    for look in looks:
        for candidate in look.evidence.get("candidates", ()):
            found.setdefault(candidate["case_id"], candidate)
    return list(found.values())


def place_of(submission: Submission, user: Any) -> dict[str, Any] | None:
    """Where it stands in the queue, and what is before and after it."""
    waiting = lists.rows_for(user).filter(lists.WAITING.condition).order_by("rank", "submitted_at", "pk")
    keys = list(waiting.values_list("pk", flat=True)[:NEIGHBOURS])
    if submission.pk not in keys:
        return None
    at = keys.index(submission.pk)
    return {
        "number": at + 1,
        "of": len(keys),
        "previous": keys[at - 1] if at else None,
        "next": keys[at + 1] if at + 1 < len(keys) else None,
    }
