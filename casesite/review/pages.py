"""The review page and the page about a submission that needs a person: what stands on them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from casesite import clock
from casesite.cases import file_secrets, files
from casesite.cases.alike import cases_like
from casesite.cases.limits import limits_of
from casesite.cases.models import Case, CaseEvent
from casesite.catalog.models import SupportCatalog
from casesite.lookups.views import context_of
from casesite.submissions import dry_runs, payloads, permissions
from casesite.submissions.fields import COMMENTABLE, NAMES
from casesite.submissions.models import Comment, Decision, Submission
from casesite.submissions.payloads import BODY_LIMIT, CC_LIMIT
from casesite.submissions.states import State
from casesite.teams.models import REVIEWING_ROLES, AwsAccount, CheckResult, Membership
from casesite.teams.permissions import leads

from . import lists
from .differences import Line, changes
from .marks import odd_characters
from .models import Viewing
from .outlook import outlook_of
from .parameters import Parameter, catalog_of, parameters_of, said_by

LOOKS_SHOWN = 20
NOT_SENT = (State.PENDING_REVIEW, State.QUEUED, State.PREPARING, State.FAILED)
SECRETS_NAMED = 10
CATALOG_OLD = timedelta(days=2)  # it is read daily
NEIGHBOURS = 200  # rows of the queue among which the next one is looked for


def review_context(request: HttpRequest, submission: Submission) -> dict[str, Any]:
    """All that a reviewer decides by."""
    user = request.user
    catalog = catalog_of(submission)
    waits = submission.state == State.PENDING_REVIEW
    shown = parameters_of(submission, catalog)
    odd = sum(odd_characters(value) for parameter in shown for value in parameter.values)
    why_not = permissions.why_not(permissions.check_can_decide, user, submission)
    return {
        "submission": submission,
        "case": submission.case,
        "account": submission.account,
        "parameters": shown,
        "files": files_of(submission),
        "odd": odd,
        "checks": checks_of(submission, shown, catalog, odd),
        "changes": changes_of(submission),
        "decisions": decisions_of(submission.case),
        "evidence": evidence_of(submission),
        "alike": alike_of(user, submission) if waits else (),
        "outlook": outlook_of(submission),
        "dry_run": dry_run_of(request, submission),
        "waits": waits,
        "overdue": bool(submission.review_by and submission.review_by <= clock.now()),
        "why_not": why_not,
        "may_comment": waits and not why_not,
        "two": two_of(submission, user) if waits and submission.needs_two else None,
        "viewings": Viewing.objects.filter(submission=submission).by_others(user) if waits else (),
        "place": place_of(submission, user) if waits else None,
        "leads": leads(user, submission.case.team_id),
        "may_need_care": submission.state in (State.UNKNOWN, State.NEEDS_ATTENTION),
        "queue": lists.WAITING,
    }


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


@dataclass(frozen=True)
class Check:
    """One thing looked at: ok, warn, bad, or nothing where it was not. `at` is when, where that matters."""

    tone: str
    text: Any
    at: datetime | None = None


def checks_of(
    submission: Submission, parameters: list[Parameter], catalog: SupportCatalog | None, odd: int
) -> list[Check]:
    checks = [*_check_choices(submission, parameters, catalog), _check_limits(submission)]
    if submission.files:
        checks.append(_check_files(submission))
    if odd:
        text = ngettext("%(count)d character shows nothing", "%(count)d characters show nothing", odd)
        checks.append(Check("warn", text % {"count": odd}))
    return [*checks, *_check_secrets(submission, parameters), _check_account(submission.account)]


def _check_secrets(submission: Submission, parameters: list[Parameter]) -> list[Check]:
    """What seems to be a secret, and who said that it is sent all the same."""
    asked = [file_secrets.Bytes(file["sha256"], file["size"], file["name"]) for file in submission.files]
    searches = file_secrets.searches_of(asked)
    places = list(dict.fromkeys(place for parameter in parameters for place in parameter.places))
    places += file_secrets.places_in(searches)
    unsearched = [
        file.name for file in asked if file not in searches or searches[file].outcome != file_secrets.Outcome.SEARCHED
    ]
    if not places:
        return [Check("ok", _("No keys or passwords were found in the text")), *_check_unsearched(unsearched)]
    checks = [Check("bad", place.message) for place in places[:SECRETS_NAMED]]
    if (more := len(places) - SECRETS_NAMED) > 0:
        checks.append(Check("bad", ngettext("And %(n)d more.", "And %(n)d more.", more) % {"n": more}))
    ticked = CaseEvent.objects.filter(
        case=submission.case_id, what="confirmed_secrets", submission_id=submission.pk
    ).select_related("by")
    if event := ticked.first():
        checks.append(Check("warn", _("%(who)s ticked that it is sent all the same") % {"who": event.by}, event.at))
    else:
        checks.append(Check("warn", _("Nobody ticked that it is sent all the same")))
    return checks + _check_unsearched(unsearched)


def _check_unsearched(names: list[str]) -> list[Check]:
    """Files that nobody searched: too large, or no text."""
    if not names:
        return []
    shown = ", ".join(names[:SECRETS_NAMED])
    return [Check("", _("Not searched for secrets, being no text or over 1 MB: %(names)s") % {"names": shown})]


def _check_choices(
    submission: Submission, parameters: list[Parameter], catalog: SupportCatalog | None
) -> Iterator[Check]:
    """Against the snapshot that the form was built from, and against the newest one where that is another."""
    newest = submission.account.support_catalogs.newest()
    if catalog is None:
        yield Check("warn", _("There was no catalogue to check the choices against"))
    elif not all(parameter.said for parameter in parameters if parameter.is_code):
        yield Check("warn", _("A choice is not in AWS's catalogue"))
    elif newest and newest.content_sha256 != catalog.content_sha256:
        gone = gone_from(submission.payload, newest)
        if gone:
            text = _("AWS's catalogue has changed since and no longer has: %(gone)s. Seen")
            yield Check("bad", text % {"gone": ", ".join(map(str, gone))}, newest.seen_at)
        else:
            yield Check(
                "warn", _("AWS's catalogue has changed since; it still has these choices, seen"), newest.seen_at
            )
    else:
        yield Check("ok", _("The choices fit AWS's catalogue, seen"), catalog.seen_at)
    if newest and newest.seen_at <= clock.now() - CATALOG_OLD:
        yield Check("warn", _("What AWS offers was not read lately, so it may have changed; last"), newest.seen_at)


def gone_from(payload: dict[str, Any], catalog: SupportCatalog) -> list[Any]:
    """The names of the choices that a catalogue does not have."""
    said = said_by(payload, catalog.snapshot)
    names = {aws_name: name for aws_name, _field, name in NAMES}
    return [names[key] for key in ("serviceCode", "categoryCode", "severityCode") if key in payload and key not in said]


def _check_limits(submission: Submission) -> Check:
    length = len(submission.payload["communicationBody"])
    copies = len(submission.payload.get("ccEmailAddresses", ()))
    if length > BODY_LIMIT or copies > CC_LIMIT:
        return Check("bad", _("It is longer than AWS takes, or has too many copies"))
    return Check("ok", _("Length and number of copies are within AWS's limits"))


def _check_files(submission: Submission) -> Check:
    limits = limits_of(submission.account)
    if not limits.fit([file["size"] for file in submission.files]):
        return Check("bad", _("The account does not take these files. %(limits)s") % {"limits": limits.words})
    count = len(submission.files)
    text = ngettext(
        "%(count)d file, within the account's limits", "%(count)d files, within the account's limits", count
    )
    return Check("ok", text % {"count": count})


def _check_account(account: AwsAccount) -> Check:
    result = account.check_result
    if not account.active or result == CheckResult.BLOCKED:
        return Check("bad", _("The account can't send. %(why)s") % {"why": account.check_summary})
    if result == CheckResult.NONE:
        return Check("", _("The account was not checked yet"))
    return Check(
        "warn" if result == CheckResult.LIMITED else "ok", _("The account can send, checked"), account.checked_at
    )


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

    None where nobody asks about it (any more), or where dry runs are switched off.
    """
    if not settings.DRY_RUNS or submission.state not in NOT_SENT:
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
        {"account": str(row.account), **row.content, "files": payloads.file_lines(row.content)}
        for row in (before, submission)
    ]
    lines = {change.field: change.lines for change in changes(*contents)}
    asked: dict[str, list[Comment]] = {}
    for comment in comments_before(submission):
        asked.setdefault(comment.field, []).append(comment)
    return [Changed(field, lines.get(field, ()), tuple(asked.get(field, ()))) for field in {**lines, **asked}]


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
            files.preview(file["sha256"]),
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
