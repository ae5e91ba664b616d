"""The verbs of people: submit, approve, return, reject, withdraw, cancel, and what leads do when a person is needed.

Each is one transaction. They raise PermissionDenied with a sentence, StaleSubmission where somebody was quicker, and
ValidationError where what was given does not do.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max, Q
from django.utils.translation import gettext as _

from casesite import clock, failpoints, prepared
from casesite.cases import files
from casesite.cases.models import Case, CaseFile, CaseQuerySet, ConnectContent, Stage, SupportContent
from casesite.cases.models import Kind as CaseKind
from casesite.database import write
from casesite.pacing import bell
from casesite.teams.models import AwsAccount, ReviewPolicy

from . import connect, payloads, permissions, proven, stage
from . import marker as markers
from .fields import COMMENTABLE
from .models import RANKS, URGENT_RANK, Comment, Decision, Kind, Submission, Verdict
from .reasons import Reason
from .review_times import review_times
from .states import StaleSubmission, State

logger = logging.getLogger(__name__)


class PayloadChanged(Exception):
    """The hash named by a decision is not that of the submission: the page was of another revision."""


# --- authors -----------------------------------------------------------------------------------------------------------
def submit(case: Case, *, by: Any) -> Submission:
    """Freeze the draft as a submission and hand it to review, or to the queue where the account's policy says so.

    The form has checked the content; here it is taken as it stands. Raises PermissionDenied, and StaleSubmission where
    the case was submitted meanwhile.
    """
    with write():
        return submit_within(case, by=by)


def submit_within(case: Case, *, by: Any) -> Submission:
    """The same in the caller's transaction.

    It ends the draft's version: a form that was rendered before does not submit the next revision by a reload.
    """
    [case] = _locked(pk=case.pk)
    if case.stage != Stage.DRAFT:
        raise StaleSubmission(f"case {case.reference} is no longer a draft")
    if case.account_id:
        [case.account] = _account_of(pk=case.account_id)
    permissions.check_can_submit(by, case)
    case.author = by  # that it is theirs was just checked
    row = _new_revision(case, by)
    row.take_in()
    prepared.insert(row)
    case.events.create(at=row.submitted_at, by=by, what="submitted", became=row.state, submission_id=row.pk)
    if row.state == State.QUEUED:
        _decide(row, Verdict.RELEASE, by=None)
        ring(row)
    stage.settle(case, changed_at=row.submitted_at, version=case.version + 1, saved_by="")
    return row


_locked = prepared.Objects(lambda pk: Case.objects.select_for_update().filter(pk=pk), pk=int)
_account_of = prepared.Objects(lambda pk: AwsAccount.objects.filter(pk=pk), pk=int)


def _new_revision(case: Case, by: Any) -> Submission:
    assert case.account is not None
    now = clock.now()
    before = next(iter(_newest_opening(case=case.pk)), None)
    if before:
        Submission.objects.filter(pk=before.pk).update(newest=False)
    draft_files = files.of_draft(case)
    if draft_files:
        CaseFile.objects.filter(pk__in=[file.pk for file in draft_files]).update(submitted=True)
    row = _frozen_connect(case, draft_files) if case.kind == CaseKind.CONNECT else _frozen_support(case, draft_files)
    released = _released_by_policy(case.account, row.rank)
    row.case, row.account = case, case.account
    row.payload_sha256 = payloads.hash_of(row)
    row.supersedes, row.revision = before, before.revision + 1 if before else 1
    row.submitted_by, row.submitted_at = by, now
    if released:
        row.state, row.queued_at, row.approved_at, row.due_at = State.QUEUED, now, now, now
        row.review_after = case.account.review_policy == ReviewPolicy.AFTER_URGENT
    else:
        row.state = State.PENDING_REVIEW
        for name, at in review_times(case.account, now).items():
            setattr(row, name, at)
    row.verify_first = _waived_bound(case) if before else None  # nothing of a first revision was ever sent
    return row


_newest_opening = prepared.Objects(lambda case: Submission.objects.opening().filter(case=case, newest=True), case=int)


def _frozen_support(case: Case, draft_files: list[CaseFile]) -> Submission:
    """What a draft says now, as the request of support.CreateCase."""
    [support] = _support_of(case=case.pk)
    [(catalog_sha256,)] = _catalog_of(case=case.pk)
    content = payloads.content_of(case, support, draft_files)
    marker = markers.new(case.reference)
    return Submission(
        kind=Kind.SUPPORT_CASE,
        content=content,
        payload=payloads.support_payload(content, marker),
        payload_version=payloads.version_of(content),
        marker=marker,
        catalog_sha256=catalog_sha256 or "",
        rank=RANKS.get(case.severity_code, max(RANKS.values())),
    )


_support_of = prepared.Objects(lambda case: SupportContent.objects.filter(pk=case), case=int)
_catalog_of = prepared.Rows(
    lambda case: SupportContent.objects.filter(pk=case).values_list("catalog__content_sha256"), case=int
)


def _frozen_connect(case: Case, draft_files: list[CaseFile]) -> Submission:
    """What a draft says now, as the request of connectcases.CreateCase."""
    held = ConnectContent.objects.select_related("template__domain", "version").get(pk=case.pk)
    content = connect.content_of(case, held, draft_files)
    marker = markers.new(case.reference)
    row = Submission(
        kind=Kind.CONNECT_CASE,
        region=content["region"],
        content=content,
        payload_version=connect.PAYLOAD_VERSION,
        marker=marker,
        catalog_sha256=held.version.content_sha256,
        template_version=held.version,
        rank=RANKS["normal"],  # Connect knows no severity
    )
    row.client_token = connect.client_token(row.pk)
    row.payload = connect.connect_payload(content, marker, row.client_token)
    return row


def _released_by_policy(account: AwsAccount, rank: int) -> bool:
    if account.review_policy == ReviewPolicy.NEVER:
        return True
    return account.review_policy == ReviewPolicy.AFTER_URGENT and rank <= URGENT_RANK


def _waived_bound(case: Case) -> datetime | None:
    """Where a person waived an attempt, AWS may have it after all: until this instant no look can rule it out."""
    return Submission.objects.filter(case=case, attempts__outcome="waived").aggregate(at=Max("attempts__bound"))["at"]


def withdraw(submission: Submission, *, by: Any) -> None:
    """Take it back while it waits for review; the case is a draft again."""
    permissions.check_can_withdraw(by, submission)
    submission.move(
        State.CANCELLED,
        start=State.PENDING_REVIEW,
        by=by,
        what="withdrawn",
        reason_code=Reason.WITHDRAWN,
        review_after=False,
    )


def cancel(submission: Submission, *, by: Any) -> None:
    """Stop an approved submission before it goes out.

    Safe while a worker prepares it: the worker's intent compares state and token, and one of the two loses.
    """
    with write():
        submission.refresh_from_db()
        permissions.check_can_cancel(by, submission)
        submission.move(
            State.CANCELLED,
            by=by,
            what="cancelled",
            reason_code=Reason.CANCELLED,
            review_after=False,  # nothing went out
            lease_until=None,
            lease_by="",
            due_at=None,
        )


def discard(case: Case, *, by: Any) -> None:
    """Close a draft that will not be sent."""
    _set_aside(case, by, permissions.check_can_discard, what="discarded", at=clock.now())


def bring_back(case: Case, *, by: Any) -> None:
    """Undo a discard: within a day the case is the draft again that it was, with its files."""
    _set_aside(case, by, permissions.check_can_bring_back, what="brought_back", at=None)


def _set_aside(case: Case, by: Any, check: Callable[[Any, Case], None], *, what: str, at: datetime | None) -> None:
    with write():
        case = Case.objects.select_for_update().get(pk=case.pk)
        check(by, case)
        now = clock.now()
        Case.objects.filter(pk=case.pk).update(discarded_at=at, changed_at=now)
        case.events.create(at=now, by=by, what=what)
        stage.recompute(case.pk)


# --- reviewers -----------------------------------------------------------------------------------------------------------
def approve(submission: Submission, *, by: Any, payload_sha256: str) -> None:
    """Release a submission to the workers; `payload_sha256` names what the reviewer saw.

    Where the account asks for two people, the first approval is written down and the row goes on waiting. Of two first
    approvals at once the later one is the second: two people have read this very payload.
    """
    permissions.check_can_decide(by, submission)
    _check_hash(submission, payload_sha256)
    with write():
        Case.objects.select_for_update().get(pk=submission.case_id)
        submission.refresh_from_db(fields=["state", "token", "first_approved_by", "first_approved_at"])
        if submission.state == State.PENDING_REVIEW:
            permissions.check_can_approve(by, submission)
            if submission.needs_two and submission.first_approved_by_id is None:
                _approve_first(submission, by)
                return
        _approve(submission, by)
        transaction.on_commit(partial(failpoints.reach, "B"))
        ring(submission)
        failpoints.reach("A")


def _approve_first(submission: Submission, by: Any) -> None:
    now = clock.now()
    waiting = Submission.objects.filter(
        pk=submission.pk, state=State.PENDING_REVIEW, token=submission.token, first_approved_by=None
    )
    if not waiting.update(first_approved_by=by, first_approved_at=now, token=F("token") + 1):
        raise StaleSubmission(f"submission {submission.pk} was decided on meanwhile")
    _decide(submission, Verdict.APPROVE, by=by)
    submission.case.events.create(at=now, by=by, what="approved_first", submission_id=submission.pk)
    submission.refresh_from_db()


def _approve(submission: Submission, by: Any) -> None:
    now = clock.now()
    # Where two people are no longer asked for, the first may approve alone.
    alone: dict[str, Any] = (
        {"first_approved_by": None, "first_approved_at": None} if submission.first_approved_by_id == by.pk else {}
    )
    submission.move(
        State.QUEUED,
        start=State.PENDING_REVIEW,
        by=by,
        what="approved",
        when={"payload_sha256": submission.payload_sha256},
        queued_at=submission.queued_at or now,
        approved_at=now,
        due_at=now,
        held_until=None,
        held_by=None,
        claims=0,
        refusals=0,
        first_refused_at=None,
        review_after=False,
        reason_code="",
        reason_text="",
        **alone,
    )
    _decide(submission, Verdict.APPROVE, by=by)


def return_to_author(
    submission: Submission, *, by: Any, payload_sha256: str, reason: str = "", comments: Mapping[str, str] | None = None
) -> None:
    """Ask for changes. The case becomes a draft again; what the author submits next is the next revision.

    `comments` say what is wrong with single fields, by the form's names; with one of them no general reason is needed.
    """
    _stop(submission, State.RETURNED, Verdict.RETURN, by, payload_sha256, reason, comments or {})


def reject(
    submission: Submission, *, by: Any, payload_sha256: str, reason: str = "", comments: Mapping[str, str] | None = None
) -> None:
    """Say no, for a reason or with comments on fields. The case is closed."""
    _stop(submission, State.REJECTED, Verdict.REJECT, by, payload_sha256, reason, comments or {})


def _stop(
    submission: Submission,
    to: State,
    verdict: Verdict,
    by: Any,
    payload_sha256: str,
    reason: str,
    comments: Mapping[str, str],
) -> None:
    permissions.check_can_decide(by, submission)
    _check_hash(submission, payload_sha256)
    comments = _checked_comments(comments)
    reason = needed(reason) if reason.strip() or not comments else ""
    with write():
        submission.move(
            to,
            start=State.PENDING_REVIEW,
            by=by,
            what=to,
            text=reason,
            when={"payload_sha256": payload_sha256},
            reason_code="",
            reason_text=reason,
            review_after=False,
            due_at=None,
        )
        decision = _decide(submission, verdict, by=by, reason=reason)
        Comment.objects.bulk_create(
            Comment(decision=decision, field=field, text=text) for field, text in comments.items()
        )


def _checked_comments(comments: Mapping[str, str]) -> dict[str, str]:
    """Those that say something, each as good as a reason."""
    if unknown := set(comments) - set(COMMENTABLE):
        raise ValueError(f"no such fields: {sorted(unknown)}")
    return {field: needed(text) for field, text in comments.items() if text.strip()}


def review_afterwards(submission: Submission, *, by: Any, payload_sha256: str, reason: str = "") -> None:
    """A reviewer has now looked at what went out before review."""
    permissions.check_can_decide(by, submission)
    _check_hash(submission, payload_sha256)
    with write():
        if not Submission.objects.filter(pk=submission.pk, review_after=True).update(review_after=False):
            raise StaleSubmission("somebody looked already")
        _decide(submission, Verdict.APPROVE, by=by, reason=reason)
        submission.case.events.create(
            at=clock.now(), by=by, what="reviewed_afterwards", text=reason, submission_id=submission.pk
        )


# --- leads ---------------------------------------------------------------------------------------------------------------
def take_over(submission: Submission, *, by: Any, reason: str) -> None:
    """Do not wait for the looks: bring a submission whose outcome is unknown before a person at once."""
    permissions.check_can_take_care(by, submission)
    reason = needed(reason)
    submission.move(
        State.NEEDS_ATTENTION,
        start=State.UNKNOWN,
        by=by,
        what="taken_over",
        text=reason,
        reason_code=Reason.TAKEN_OVER,
        lease_until=None,
        lease_by="",
        due_at=clock.now(),
    )


def send_again(submission: Submission, *, by: Any, reason: str) -> None:
    """Send once more on a lead's word. One look comes first; open or unknown attempts are waived, counters restart."""
    permissions.check_can_take_care(by, submission)
    reason = needed(reason)
    with write():
        case = Case.objects.select_for_update().get(pk=submission.case_id)
        if submission.is_opening and case.aws_case_id:
            raise ValidationError(_("The case is already open at AWS."))
        _waive(submission)
        submission.uploads.update(failures=0)
        now = clock.now()
        submission.move(
            State.QUEUED,
            start=State.NEEDS_ATTENTION,
            by=by,
            what="sent_again",
            text=reason,
            queued_at=submission.queued_at or now,
            approved_at=now,
            due_at=now,
            held_until=None,
            held_by=None,
            claims=0,
            refusals=0,
            first_refused_at=None,
            resends=0,
            unable_since=None,
            lease_until=None,
            lease_by="",
            look_before_send=True,
            reason_code=Reason.SENT_AGAIN,
            reason_text=reason,
        )
        _decide(submission, Verdict.RELEASE, by=by, reason=reason)
        ring(submission)


def give_up(submission: Submission, *, by: Any, reason: str) -> None:
    """End it without proof. The case is a draft again; before anything new is sent, AWS is searched for this one."""
    permissions.check_can_take_care(by, submission)
    reason = needed(reason)
    with write():
        Case.objects.select_for_update().get(pk=submission.case_id)
        _waive(submission)
        submission.move(
            State.FAILED,
            start=State.NEEDS_ATTENTION,
            by=by,
            what="gave_up",
            text=reason,
            due_at=None,
            lease_until=None,
            lease_by="",
            unable_since=None,
            reason_code=Reason.GAVE_UP,
            reason_text=reason,
        )


def adopt(
    submission: Submission,
    *,
    by: Any,
    reason: str,
    aws_case_id: str,
    marker: str | None,
    display_id: str = "",
    status: str = "",
) -> None:
    """Take a case that a lead found at AWS as this one's. `marker` is the valid one in that case, as read at AWS.

    A marker of another submission of ours proves that one; a valid marker without a row gives the id to the case alone.
    """
    permissions.check_can_take_care(by, submission)
    reason = needed(reason)
    with write():
        Case.objects.select_for_update().get(pk=submission.case_id)
        submission.refresh_from_db()
        if submission.state != State.NEEDS_ATTENTION:
            raise StaleSubmission(f"submission {submission.pk} no longer needs a person")
        check_adoptable(submission, by=by, aws_case_id=aws_case_id, marker=marker)
        _waive(submission)
        proved = _proved_row(submission, aws_case_id, marker)
        if proved is None:
            taken = not proven.record_orphan(submission.case_id, aws_case_id, by=by, text=reason)
        else:
            taken = proven.record_case(proved.pk, aws_case_id, by=by, text=reason) != State.DELIVERED
        if taken:  # by another transaction since the check
            raise ValidationError(_("That AWS case belongs to another case here, so it is not this one."))
        if proved != submission:
            submission.move(
                State.CANCELLED,
                by=by,
                what="cancelled",
                text=reason,
                reason_code=Reason.ALREADY_OPEN,
                due_at=None,
                lease_until=None,
                lease_by="",
            )
        if display_id:
            Case.objects.filter(pk=submission.case_id, aws_case_id=aws_case_id).update(
                aws_display_id=display_id, aws_status=status, aws_read_at=clock.now()
            )
            stage.recompute(submission.case_id)
        ring(submission)
    submission.refresh_from_db()


def check_adoptable(submission: Submission, *, by: Any, aws_case_id: str, marker: str | None) -> None:
    """Raises ValidationError where a case at AWS is known to be another one's, or where no case was to be opened."""
    if not submission.is_opening:
        raise ValidationError(_("Only a case is adopted. What goes with one is looked for by sending it again."))
    ours = Case.objects.exclude(pk=submission.case_id)
    if marker and markers.reference_of(marker) != submission.case.reference:
        _refuse(ours.filter(reference=markers.reference_of(marker)), by)
    known = Q(aws_case_id=aws_case_id) | Q(duplicate_aws_case_id=aws_case_id) | Q(submissions__remote_id=aws_case_id)
    taken = ours.filter(known, account=submission.account_id)
    if taken.exists():
        _refuse(taken, by)


def _refuse(owners: CaseQuerySet, by: Any) -> NoReturn:
    """Name the case it belongs to, but not to people of another team."""
    owner = owners.visible_to(by).first()
    if owner:
        raise ValidationError(_("That AWS case belongs to %(case)s, so it is not this one."), params={"case": owner})
    raise ValidationError(_("That AWS case belongs to another case here, so it is not this one."))


def _proved_row(submission: Submission, aws_case_id: str, marker: str | None) -> Submission | None:
    """The row that a case at AWS proves: whose marker it carries. None where that row is gone."""
    rows = Submission.objects.opening().filter(case=submission.case_id)
    if marker:
        return rows.filter(marker=marker).first()
    return rows.filter(remote_id=aws_case_id).first() or submission


def _waive(submission: Submission) -> None:
    """A person decides in place of a proof."""
    now = clock.now()
    waived = submission.attempts.filter(Q(phase="open") | Q(outcome="unknown")).values_list("n", flat=True)
    for number in list(waived):
        transaction.on_commit(partial(_tell_waived, submission, number))
    submission.attempts.filter(phase="open").update(phase="closed", outcome="waived", closed_at=now)
    submission.attempts.filter(outcome="unknown").update(outcome="waived")


def _tell_waived(submission: Submission, number: int) -> None:
    """The line that the workers write for every other end of an attempt."""
    ids = {
        "case": submission.case.reference,
        "submission": str(submission.pk),
        "account": submission.account.account_id,
        "attempt": number,
    }
    logger.info("attempt settled", extra={**ids, "outcome": "waived", "by": "person"})


# --- shared ----------------------------------------------------------------------------------------------------------------
def ring(submission: Submission) -> None:
    """Tell the workers after the commit."""
    bell.ring_after_commit(
        bell.WORK_OFF, submission.account_id, queue_name="urgent" if submission.is_urgent else "default"
    )


def needed(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise ValidationError(_("Say why: the others read it."))
    if len(reason) > 2000:
        raise ValidationError(_("Please keep the reason under 2,000 characters."))
    return reason


def _check_hash(submission: Submission, payload_sha256: str) -> None:
    if submission.payload_sha256 != payload_sha256:
        raise PayloadChanged


def _decide(submission: Submission, what: Verdict, *, by: Any, reason: str = "") -> Decision:
    return Decision.objects.create(
        submission=submission, by=by, at=clock.now(), what=what, payload_sha256=submission.payload_sha256, reason=reason
    )
