"""The one label people read for where a case stands, made of its stage and of its newest submission's state.

Takes plain strings, because cases know nothing of submissions.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from .models import Stage


@dataclass(frozen=True)
class Label:
    """`code` is stable, for addresses and scripts; `tone` names a colour of the tokens, never alone: a word stands beside it.

    `due_at` is the time that people plan with, where there is one.
    """

    code: str
    text: Any
    tone: str
    due_at: datetime | None = None


DRAFT = Label("draft", _("Draft"), "plain")
RETURNED = Label("returned", _("Returned to you"), "warn")
WAITING = Label("waiting_for_review", _("Waiting for review"), "warn")
QUEUED = Label("queued", _("Queued"), "plain")
SENDING = Label("sending", _("Sending"), "wait")
CHECKING = Label("checking", _("Checking with AWS"), "doubt")
NEEDS_PERSON = Label("needs_person", _("Needs a person"), "bad")
OPEN = Label("open", _("Open at AWS"), "ok")
REFUSED = Label("refused", _("Refused by AWS"), "bad")
REJECTED = Label("rejected", _("Rejected"), "bad")
WITHDRAWN = Label("withdrawn", _("Withdrawn"), "plain")
CANCELLED = Label("cancelled", _("Cancelled"), "plain")
DISCARDED = Label("discarded", _("Discarded"), "plain")
RESOLVED = Label("resolved", _("Resolved"), "plain")

LABELS = (
    DRAFT,
    RETURNED,
    WAITING,
    QUEUED,
    SENDING,
    CHECKING,
    NEEDS_PERSON,
    REFUSED,
    OPEN,
    RESOLVED,
    WITHDRAWN,
    CANCELLED,
    REJECTED,
    DISCARDED,
)

_OUTGOING = {
    "pending_review": WAITING,
    "queued": QUEUED,
    "preparing": SENDING,
    "sending": SENDING,
    "unknown": CHECKING,
    "needs_attention": NEEDS_PERSON,
}
_DRAFT = {"returned": RETURNED, "failed": REFUSED, "rejected": REJECTED, "cancelled": CANCELLED}


def label_of(
    stage: str,
    state: str | None = None,
    reason_code: str = "",
    due_at: datetime | None = None,
    *,
    mine: bool = True,
) -> Label:
    """The label for a case's stage and its newest opening submission's state, reason and due time.

    To others than the author a returned case is just "Returned".
    """
    if stage == Stage.OPEN:
        return OPEN
    if stage == Stage.RESOLVED:
        return RESOLVED
    if stage == Stage.CLOSED:
        return REJECTED if state == "rejected" else DISCARDED
    if stage == Stage.OUTGOING:
        label = _OUTGOING.get(state or "", WAITING)
        return Label(label.code, label.text, label.tone, due_at) if label in (QUEUED, CHECKING) else label
    return _of_draft(state, reason_code, mine)


def _of_draft(state: str | None, reason_code: str, mine: bool) -> Label:
    if state == "cancelled" and reason_code == "withdrawn":
        return WITHDRAWN
    if state == "failed" and reason_code == "gave_up":
        return DRAFT  # nobody refused it; the case page says what a lead decided
    if state == "returned" and not mine:
        return Label(RETURNED.code, _("Returned"), RETURNED.tone)
    return _DRAFT.get(state or "", DRAFT)
