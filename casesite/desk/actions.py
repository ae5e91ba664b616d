"""What a person may do with a case now, and why not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from casesite.cases.models import Case, Stage
from casesite.cases.permissions import check_can_edit
from casesite.lookups.models import Lookup
from casesite.submissions import dry_runs, permissions, workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import State

ASK_AWS = "ask_aws"


@dataclass(frozen=True)
class Action:
    """A button, or where `why_not` is given the reason that there is none."""

    name: str
    text: str
    hint: str = ""
    why_not: str | None = None


def actions_for(user: Any, case: Case, newest: Submission | None, asked: Lookup | None = None) -> list[Action]:
    """Only what belongs to where the case stands: nobody reads about withdrawing a draft.

    `asked` is what AWS was asked about it last.
    """
    if case.stage == Stage.DRAFT:
        return [
            Action("edit", _("Edit"), why_not=permissions.why_not(check_can_edit, user, case)),
            Action(
                "discard",
                _("Discard"),
                _("It is closed. For a day you can bring it back."),
                permissions.why_not(permissions.check_can_discard, user, case),
            ),
        ]
    if case.stage == Stage.CLOSED and case.discarded_at:
        why_not = permissions.why_not(permissions.check_can_bring_back, user, case)
        return [Action("bring_back", _("Bring the draft back"), why_not=why_not)]
    if case.stage != Stage.OUTGOING or newest is None:
        return []
    if newest.state == State.PENDING_REVIEW:
        return [
            *_ask_aws(user, newest, asked),
            Action(
                "withdraw",
                _("Withdraw"),
                _("It becomes a draft again."),
                permissions.why_not(permissions.check_can_withdraw, user, newest),
            ),
        ]
    return [
        Action(
            "cancel",
            _("Cancel sending"),
            _("It becomes a draft again."),
            permissions.why_not(permissions.check_can_cancel, user, newest),
        )
    ]


def _ask_aws(user: Any, newest: Submission, asked: Lookup | None) -> list[Action]:
    """For the author alone, and not while there is an answer."""
    if not dry_runs.may_be_asked(asked) or not permissions.allowed(permissions.check_can_ask_aws, user, newest):
        return []
    text = _("Ask AWS whether it would accept this")
    return [Action(ASK_AWS, text, why_not=str(dry_runs.why_not(newest.account)) or None)]


def perform(action: str, case: Case, newest: Submission | None, *, by: Any) -> str:
    """Do it, and say so where the page doesn't. Raises PermissionDenied with the reason, or StaleSubmission where somebody was quicker."""
    if action == "discard":
        workflow.discard(case, by=by)
        return _("The draft is discarded. You can bring it back for a day, here or on your desk.")
    if action == "bring_back":
        workflow.bring_back(case, by=by)
        return _("The draft is back, with its files.")
    if newest is None:
        raise PermissionDenied(_("It was not submitted yet."))
    if action == ASK_AWS:
        permissions.check_can_ask_aws(by, newest)
        if dry_runs.ask_for(newest, by=by) is None:
            raise PermissionDenied(str(dry_runs.why_not(newest.account)) or _("Asking AWS beforehand is switched off."))
        return ""  # the page shows it
    verb, said = _VERBS[action]
    verb(newest, by=by)
    return said()


_VERBS: dict[str, tuple[Callable[..., None], Callable[[], str]]] = {
    "withdraw": (workflow.withdraw, lambda: _("Withdrawn. The case is a draft again.")),
    "cancel": (workflow.cancel, lambda: _("Cancelled before it went out. The case is a draft again.")),
}
NAMES = ("discard", "bring_back", ASK_AWS, *_VERBS)
