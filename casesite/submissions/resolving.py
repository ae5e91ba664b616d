"""Resolving the second of two cases at AWS: asked for by a lead, reviewed like anything else that goes to AWS.

AWS takes it as often as it is sent, so a lost answer costs nothing: it is read how the case stands, and asked again.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from casesite import clock
from casesite.cases.models import Case
from casesite.cases.models import Kind as CaseKind
from casesite.database import write
from casesite.teams.models import ReviewPolicy
from casesite.teams.permissions import leads

from . import marker as markers
from . import payloads, permissions, workflow
from .models import PAYLOAD_VERSION, RANKS, Decision, Kind, Submission, Verdict
from .review_times import review_times
from .states import UNFINISHED, StaleSubmission, State


def newest(case: Case) -> Submission | None:
    """The last time that somebody asked for it, for the second case that there is now."""
    rows = Submission.objects.filter(
        case=case, kind=Kind.SUPPORT_RESOLVE, payload={"caseId": case.duplicate_aws_case_id}
    )
    return rows.order_by("-submitted_at").first() if case.duplicate_aws_case_id else None


def check_can_ask(user: Any, case: Case) -> None:
    if not leads(user, case.team_id):
        raise PermissionDenied(_("Only leads of the team decide this."))
    if case.kind != CaseKind.SUPPORT or not case.duplicate_aws_case_id or case.account is None:
        raise PermissionDenied(_("There is no second case to resolve."))


def may_ask(user: Any, case: Case, before: Submission | None) -> bool:
    """Whether the button is offered: to leads, unless it is under way or done."""
    under_way = before is not None and (before.state in UNFINISHED or before.state == State.DELIVERED)
    return not under_way and permissions.allowed(check_can_ask, user, case)


def ask(case: Case, *, by: Any) -> Submission:
    """Hand the request to review, or to the queue where the account does without. The case that is followed here stays open.

    Raises PermissionDenied, and StaleSubmission where it was asked for already.
    """
    with write():
        case = Case.objects.select_for_update(of=("self",)).select_related("account").get(pk=case.pk)
        check_can_ask(by, case)
        if not may_ask(by, case, newest(case)):
            raise StaleSubmission(f"the second case of {case.reference} is being resolved already")
        row = _frozen(case, by)
        row.save(force_insert=True)
        case.events.create(
            at=row.submitted_at, by=by, what="resolve_asked", text=case.duplicate_aws_case_id, submission_id=row.pk
        )
        if row.state == State.QUEUED:
            Decision.objects.create(
                submission=row, by=None, at=row.submitted_at, what=Verdict.RELEASE, payload_sha256=row.payload_sha256
            )
            workflow.ring(row)
    return row


def _frozen(case: Case, by: Any) -> Submission:
    now, second = clock.now(), case.duplicate_aws_case_id
    row = Submission(
        case=case,
        account=case.account,
        kind=Kind.SUPPORT_RESOLVE,
        content={"subject": case.subject, "keeps": case.aws_case_id},
        payload={"caseId": second},
        payload_version=PAYLOAD_VERSION,
        marker=markers.new(case.reference),
        submitted_by=by,
        submitted_at=now,
        rank=RANKS["normal"],
        state=State.PENDING_REVIEW,
    )
    row.payload_sha256 = payloads.hash_of(row)
    if row.account.review_policy == ReviewPolicy.NEVER:
        row.state, row.queued_at, row.approved_at, row.due_at = State.QUEUED, now, now, now
    else:
        for name, at in review_times(row.account, now).items():
            setattr(row, name, at)
    return row
