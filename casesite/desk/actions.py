"""What a person may do with a case now, and why not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from casesite.cases.models import Case, Stage
from casesite.cases.permissions import check_can_edit
from casesite.submissions import permissions, workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import State


@dataclass(frozen=True)
class Action:
    """A button, or where `why_not` is given the reason that there is none."""

    name: str
    text: str
    hint: str = ""
    why_not: str | None = None


def actions_for(user: Any, case: Case, newest: Submission | None) -> list[Action]:
    """Only what belongs to where the case stands: nobody reads about withdrawing a draft."""
    if case.stage == Stage.DRAFT:
        return [
            Action("edit", _("Edit"), why_not=permissions.why_not(check_can_edit, user, case)),
            Action(
                "discard",
                _("Discard"),
                _("It is closed and can't be sent any more."),
                permissions.why_not(permissions.check_can_discard, user, case),
            ),
        ]
    if case.stage != Stage.OUTGOING or newest is None:
        return []
    if newest.state == State.PENDING_REVIEW:
        return [
            Action(
                "withdraw",
                _("Withdraw"),
                _("It becomes a draft again."),
                permissions.why_not(permissions.check_can_withdraw, user, newest),
            )
        ]
    return [
        Action(
            "cancel",
            _("Cancel sending"),
            _("It becomes a draft again."),
            permissions.why_not(permissions.check_can_cancel, user, newest),
        )
    ]


def perform(action: str, case: Case, newest: Submission | None, *, by: Any) -> str:
    """Do it, and say so. Raises PermissionDenied with the reason, or StaleSubmission where somebody was quicker."""
    if action == "discard":
        workflow.discard(case, by=by)
        return _("The draft is discarded.")
    verb, said = _VERBS[action]
    if newest is None:
        raise PermissionDenied(_("It was not submitted yet."))
    verb(newest, by=by)
    return said()


_VERBS: dict[str, tuple[Callable[..., None], Callable[[], str]]] = {
    "withdraw": (workflow.withdraw, lambda: _("Withdrawn. The case is a draft again.")),
    "cancel": (workflow.cancel, lambda: _("Cancelled before it went out. The case is a draft again.")),
}
NAMES = ("discard", *_VERBS)
