"""Who may do what with a submission. `check_can_x` raises a sentence, `can_x` wraps it for templates."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from casesite.cases.models import Case, Stage
from casesite.teams.permissions import is_member, leads, reviews

from .models import Submission
from .states import State


def check_can_submit(user: Any, case: Case) -> None:
    if case.author_id != user.pk or not is_member(user, case.team_id):
        raise PermissionDenied(_("Only its author can submit this case."))
    if case.stage != Stage.DRAFT:
        raise PermissionDenied(_("This case was submitted already."))
    if case.account is None or not case.account.active:
        raise PermissionDenied(_("Choose an AWS account that is in use."))


def check_can_decide(user: Any, submission: Submission) -> None:
    """Approve, return or reject."""
    if not reviews(user, submission.case.team_id):
        raise PermissionDenied(_("Only reviewers of the team decide on its cases."))
    if submission.submitted_by_id == user.pk:
        raise PermissionDenied(_("Nobody reviews what they wrote themselves."))


def check_can_approve(user: Any, submission: Submission) -> None:
    """One of two approvals is one person's."""
    check_can_decide(user, submission)
    if submission.needs_two and submission.first_approved_by_id == user.pk:
        raise PermissionDenied(_("You have approved it. Somebody else has to approve it too before it goes out."))


def check_can_withdraw(user: Any, submission: Submission) -> None:
    if submission.submitted_by_id != user.pk:
        raise PermissionDenied(_("Only its author can withdraw it."))
    if submission.state != State.PENDING_REVIEW:
        raise PermissionDenied(_("It can be withdrawn only while it waits for review."))


def check_can_ask_aws(user: Any, submission: Submission) -> None:
    """Have AWS asked whether it would accept it. For its author: reviewers see the answer where they review."""
    if submission.submitted_by_id != user.pk:
        raise PermissionDenied(_("Only its author asks AWS about it from here."))
    if submission.state != State.PENDING_REVIEW:
        raise PermissionDenied(_("AWS is asked only while it waits for review."))


def steers(user: Any, submission: Submission) -> bool:
    """Whether they may stop it or hold it back, as far as its state lets them."""
    return submission.submitted_by_id == user.pk or reviews(user, submission.case.team_id)


def check_can_cancel(user: Any, submission: Submission) -> None:
    if not steers(user, submission):
        raise PermissionDenied(_("Only its author or a reviewer of the team can cancel it."))
    if submission.state in (State.SENDING, State.UNKNOWN, State.NEEDS_ATTENTION):
        raise PermissionDenied(_("Not while it may be open at AWS."))
    if submission.state not in (State.QUEUED, State.PREPARING):
        raise PermissionDenied(_("It can be cancelled only while it waits to go out."))
    if submission.attempts.filter(outcome__in=("", "unknown")).exists():
        raise PermissionDenied(_("Not while it may be open at AWS."))


def check_can_hold(user: Any, submission: Submission) -> None:
    """Let it wait until a time, or let it go on."""
    if not steers(user, submission):
        raise PermissionDenied(_("Only its author or a reviewer of the team can hold it back."))
    if submission.state != State.QUEUED:
        raise PermissionDenied(_("It can be held back only while it waits in line."))


def check_can_send_now(user: Any, submission: Submission) -> None:
    if not leads(user, submission.case.team_id):
        raise PermissionDenied(_("Only leads of the team let a case go before its turn."))
    if submission.state != State.QUEUED:
        raise PermissionDenied(_("Only what waits in line can go before its turn."))


def check_can_discard(user: Any, case: Case) -> None:
    if case.author_id != user.pk or not is_member(user, case.team_id):
        raise PermissionDenied(_("Only its author can discard a draft."))
    if case.stage != Stage.DRAFT:
        raise PermissionDenied(_("Only a draft can be discarded."))


def check_can_bring_back(user: Any, case: Case) -> None:
    """Undo a discard."""
    if case.author_id != user.pk or not is_member(user, case.team_id):
        raise PermissionDenied(_("Only its author can bring a draft back."))
    if case.stage != Stage.CLOSED or case.discarded_at is None:
        raise PermissionDenied(_("Only a discarded draft can be brought back."))
    if case.is_discarded_for_good:
        raise PermissionDenied(_("It was discarded more than a day ago, which is final."))


def check_can_take_care(user: Any, submission: Submission) -> None:
    """Adopt, send again, give up, take over."""
    if not leads(user, submission.case.team_id):
        raise PermissionDenied(_("Only leads of the team decide this."))


def allowed(check: Callable[[Any, Any], None], user: Any, subject: Any) -> bool:
    return why_not(check, user, subject) is None


def why_not(check: Callable[[Any, Any], None], user: Any, subject: Any) -> str | None:
    """The sentence that says why a person may not, or None where they may."""
    try:
        check(user, subject)
    except PermissionDenied as exc:
        return str(exc)
    return None
