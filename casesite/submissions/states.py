"""The states of a submission and the one table of moves between them; docs/states.md is printed from it."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    PENDING_REVIEW = "pending_review", _("Waiting for review")
    QUEUED = "queued", _("Queued")
    PREPARING = "preparing", _("Preparing")
    SENDING = "sending", _("Sending")
    UNKNOWN = "unknown", _("Checking with AWS")
    NEEDS_ATTENTION = "needs_attention", _("Needs a person")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")
    RETURNED = "returned", _("Returned")
    REJECTED = "rejected", _("Rejected")
    CANCELLED = "cancelled", _("Cancelled")


FINAL = frozenset({State.DELIVERED, State.FAILED, State.RETURNED, State.REJECTED, State.CANCELLED})
UNFINISHED = frozenset(State) - FINAL
# States in which a request may have left or may leave this instant.
AT_RISK = (State.SENDING, State.UNKNOWN)


@dataclass(frozen=True)
class Transition:
    was: State
    to: State
    who: str
    when: str


S = State
TABLE: tuple[Transition, ...] = (
    Transition(
        S.PENDING_REVIEW,
        S.QUEUED,
        "reviewer",
        "another person than the author approves this very payload; the second of two where the account asks for two",
    ),
    Transition(S.PENDING_REVIEW, S.RETURNED, "reviewer", "asks for changes, with a reason"),
    Transition(S.PENDING_REVIEW, S.REJECTED, "reviewer", "says no, with a reason"),
    Transition(S.PENDING_REVIEW, S.CANCELLED, "author", "withdraws it; or the case turned out to be open"),
    Transition(S.QUEUED, S.PREPARING, "worker", "claims a due row under a lease"),
    Transition(S.QUEUED, S.PENDING_REVIEW, "worker", "the approval ran out and the account or the catalogue changed"),
    Transition(S.QUEUED, S.CANCELLED, "author or reviewer", "cancels it; or the case turned out to be open"),
    Transition(
        S.QUEUED,
        S.NEEDS_ATTENTION,
        "dispatcher",
        "24 h behind a blocked account, or no worker knows its payload version",
    ),
    Transition(S.PREPARING, S.QUEUED, "worker or dispatcher", "given back in order, or the lease ran out"),
    Transition(S.PREPARING, S.CANCELLED, "author or reviewer", "cancels it before the intent is committed"),
    Transition(S.PREPARING, S.NEEDS_ATTENTION, "dispatcher", "the third lease in a row ran out without an attempt"),
    Transition(S.PREPARING, S.FAILED, "worker", "the request is not valid, as the site finds or AWS says to a dry run"),
    Transition(S.PREPARING, S.SENDING, "worker", "the intent is committed: from here on AWS may have it"),
    Transition(S.SENDING, S.QUEUED, "worker", "AWS certainly did not take it and may be asked again"),
    Transition(
        S.SENDING,
        S.NEEDS_ATTENTION,
        "worker",
        "eight refusals, or refused for 24 h; or AWS's id belongs to another case",
    ),
    Transition(S.SENDING, S.FAILED, "worker", "AWS refused it for good"),
    Transition(S.SENDING, S.UNKNOWN, "worker or dispatcher", "no proof of either, or the lease ran out"),
    Transition(S.SENDING, S.CANCELLED, "worker", "not taken, and the case is open through another submission"),
    Transition(S.UNKNOWN, S.QUEUED, "worker", "a proven refusal came late, or two counted looks found nothing"),
    Transition(S.UNKNOWN, S.FAILED, "worker", "a proven final refusal came late"),
    Transition(S.UNKNOWN, S.NEEDS_ATTENTION, "worker", "nothing found and no resend allowed, or AWS can't be asked"),
    Transition(S.UNKNOWN, S.CANCELLED, "worker", "not found, and the case is open through another submission"),
    Transition(S.NEEDS_ATTENTION, S.QUEUED, "lead", "sends again, with a reason"),
    Transition(S.NEEDS_ATTENTION, S.FAILED, "lead", "gives up, with a reason"),
    Transition(S.NEEDS_ATTENTION, S.CANCELLED, "lead", "the adopted case belongs to another submission"),
    *(
        Transition(state, S.DELIVERED, "worker or lead", "a proven case: AWS's answer, a look, or an adopted id")
        for state in State
        if state is not S.DELIVERED
    ),
)

TRANSITIONS: dict[State, frozenset[State]] = {
    state: frozenset(row.to for row in TABLE if row.was == state) for state in State
}


class IllegalTransition(Exception):
    """The table has no such move: a programming error."""


class StaleSubmission(Exception):
    """Somebody else moved the row first; read it again."""


def check(was: State, to: State) -> None:
    if to not in TRANSITIONS[was]:
        raise IllegalTransition(f"{was} -> {to}")


def as_markdown() -> str:
    """The table as docs/states.md shows it."""
    lines = [
        "# States of a submission",
        "",
        "Printed from `casesite/submissions/states.py` by `make docs`; `make check` compares.",
        "",
        "| from | to | who | when |",
        "| --- | --- | --- | --- |",
        "| (new) | pending_review | author | submits; content, payload, marker and hash are fixed |",
        "| (new) | queued | author | the same where the account's review policy lets it pass |",
    ]
    lines += [f"| {row.was} | {row.to} | {row.who} | {row.when} |" for row in TABLE]
    finals = ", ".join(state for state in State if state in FINAL)
    lines += ["", f"Final, but for a proven case: {finals}.", ""]
    return "\n".join(lines)
