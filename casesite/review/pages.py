"""The review page and the page about a submission that needs a person: what stands on them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime

from casesite import clock
from casesite.cases import files
from casesite.cases.alike import cases_like
from casesite.cases.limits import limits_of
from casesite.cases.models import Case
from casesite.lookups.views import context_of
from casesite.submissions import dry_runs, payloads, permissions
from casesite.submissions.fields import COMMENTABLE
from casesite.submissions.models import Comment, Decision, Kind, Submission
from casesite.submissions.states import State
from casesite.teams.models import REVIEWING_ROLES, Membership
from casesite.teams.permissions import leads

from . import lists
from .checks import Check, checks_of, companion_checks_of, connect_checks_of
from .connect import ConnectRequest, request_of
from .connect import compared as compared_connect
from .differences import Line, changes
from .marks import odd_characters
from .models import Viewing
from .outlook import outlook_of
from .parameters import Parameter, catalog_of, parameters_of

LOOKS_SHOWN = 20
NOT_SENT = (State.PENDING_REVIEW, State.QUEUED, State.PREPARING, State.FAILED)
NEIGHBOURS = 200  # rows of the queue among which the next one is looked for


def review_context(request: HttpRequest, submission: Submission) -> dict[str, Any]:
    """All that a reviewer decides by."""
    user = request.user
    waits = submission.state == State.PENDING_REVIEW
    shown = shown_of(submission)
    why_not = permissions.why_not(permissions.check_can_decide, user, submission)
    return {
        "submission": submission,
        "case": submission.case,
        "account": submission.account,
        "parameters": shown.parameters,
        "connect": shown.connect,
        "files": files_of(submission),
        "odd": shown.odd,
        "checks": shown.checks,
        "changes": changes_of(submission),
        "decisions": decisions_of(submission.case),
        "evidence": evidence_of(submission),
        "alike": alike_of(user, submission) if waits and submission.kind == Kind.SUPPORT_CASE else (),
        "outlook": outlook_of(submission),
        "dry_run": dry_run_of(request, submission),
        "waits": waits,
        "overdue": bool(submission.review_by and submission.review_by <= clock.now()),
        "why_not": why_not,
        "may_comment": waits and not why_not and submission.kind == Kind.SUPPORT_CASE,
        "may_return": waits and not why_not and submission.is_opening,
        "two": two_of(submission, user) if waits and submission.needs_two else None,
        "viewings": Viewing.objects.filter(submission=submission).by_others(user) if waits else (),
        "place": place_of(submission, user) if waits else None,
        "leads": leads(user, submission.case.team_id),
        "may_need_care": submission.state in (State.UNKNOWN, State.NEEDS_ATTENTION),
        "queue": lists.WAITING,
    }


@dataclass(frozen=True)
class Shown:
    """What goes out, with what was looked at in it. `connect` where it opens a Connect case, else `parameters`."""

    checks: list[Check]
    odd: int
    parameters: tuple[Parameter, ...] = ()
    connect: ConnectRequest | None = None


def shown_of(submission: Submission) -> Shown:
    if request := request_of(submission):
        odd = sum(map(odd_characters, request.exact_texts))
        return Shown(connect_checks_of(submission, request, odd), odd, connect=request)
    catalog = catalog_of(submission)
    parameters = parameters_of(submission, catalog)
    odd = sum(odd_characters(value) for parameter in parameters for value in parameter.values)
    if not submission.is_opening:
        return Shown(companion_checks_of(submission), odd, tuple(parameters))
    return Shown(checks_of(submission, parameters, catalog, odd), odd, tuple(parameters))


@dataclass(frozen=True)
class Two:
    """Where two people approve: who was the first, whether this one may be the next, and whether there is anybody else."""

    first: Any
    why_not: str | None
    others: int


def two_of(submission: Submission, user: Any) -> Two:
    reviewing = Membership.objects.filter(
        team=submission.case.team_id, role__in=REVIEWING_ROLES, user__is_active=True
    ).exclude(user__in=(user.pk, submission.submitted_by_id))
    why_not = permissions.why_not(permissions.check_can_approve, user, submission)
    return Two(submission.first_approved_by, why_not, reviewing.count())


def alike_of(user: Any, submission: Submission) -> list[Case]:
    """Other cases that may be about the same thing, as far as this reviewer may see them."""
    content = submission.content
    return cases_like(
        user,
        account=submission.account_id,
        service_code=content["service_code"],
        subject=content["subject"],
        besides=submission.case_id,
    )


def dry_run_of(request: HttpRequest, submission: Submission) -> dict[str, Any] | None:
    """Whether AWS would accept it: the answer, the question, or why it can't be asked. Opening the page asks.

    None where nobody asks about it (any more), where dry runs are switched off, and for Connect, which has none.
    """
    if not settings.DRY_RUNS or submission.state not in NOT_SENT or submission.kind != Kind.SUPPORT_CASE:
        return None
    waits = submission.state == State.PENDING_REVIEW
    if waits and request.method == "GET":
        lookup = dry_runs.ask_for(submission, by=request.user)
    else:
        lookup = dry_runs.newest(submission)
    if lookup:
        return {"asked": context_of(lookup)}
    return {"why_not": dry_runs.why_not(submission.account)} if waits else None


@dataclass(frozen=True)
class Changed:
    """One field that differs from the last revision, or that a reviewer had commented on: then perhaps without lines."""

    field: str
    lines: tuple[Line, ...]
    comments: tuple[Comment, ...]

    @property
    def name(self) -> Any:
        return COMMENTABLE.get(self.field, self.field)


def changes_of(submission: Submission) -> list[Changed]:
    """What differs from the revision it supersedes, and what was asked for there. The account counts as a field."""
    before = submission.supersedes
    if before is None:
        return []
    contents = [
        {"account": str(row.account), **compared(row), "files": payloads.file_lines(row.content)}
        for row in (before, submission)
    ]
    lines = {change.field: change.lines for change in changes(*contents)}
    asked: dict[str, list[Comment]] = {}
    for comment in comments_before(submission):
        asked.setdefault(comment.field, []).append(comment)
    return [Changed(field, lines.get(field, ()), tuple(asked.get(field, ()))) for field in {**lines, **asked}]


def compared(row: Submission) -> dict[str, Any]:
    """What a revision holds, by the names of the form's fields or by those that people know."""
    return compared_connect(row) if row.kind == Kind.CONNECT_CASE else row.content


def comments_before(submission: Submission) -> list[Comment]:
    """What was said about fields of the last earlier revision that came back from review."""
    rows = Comment.objects.filter(
        decision__submission__case=submission.case_id, decision__submission__revision__lt=submission.revision
    )
    found = list(
        rows.select_related("decision__by", "decision__submission")
        .defer("decision__submission__content", "decision__submission__payload")
        .order_by("-decision__submission__revision", "pk")
    )
    return [each for each in found if each.decision_id == found[0].decision_id]


@dataclass(frozen=True)
class SentFile:
    """A file as reviewers see it; `preview` holds the first lines of a text."""

    name: str
    size: int
    sha256: str
    key: Any
    preview: str


@dataclass(frozen=True)
class SentFiles:
    rows: list[SentFile]
    by_uploads: bool


def files_of(submission: Submission) -> SentFiles | None:
    """What goes out beside the parameters."""
    if not submission.files:
        return None
    keys = {(row.sha256, row.name): row.key for row in submission.case.files.all()}
    rows = [
        SentFile(
            file["name"],
            file["size"],
            file["sha256"],
            keys.get((file["sha256"], file["name"])),
            files.preview(file["sha256"], file["size"]),
        )
        for file in submission.files
    ]
    return SentFiles(rows, limits_of(submission.account).way == "upload_ids")


def decisions_of(case: Case) -> Iterable[Decision]:
    """What was decided on any revision of the case, oldest first."""
    rows = Decision.objects.filter(submission__case=case).select_related("by", "submission")
    return rows.prefetch_related("comments").defer("submission__content", "submission__payload")


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
            found.setdefault(
                candidate["case_id"], candidate | {"opened": parse_datetime(candidate.get("created_at", ""))}
            )
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
