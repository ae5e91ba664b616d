"""Approving several submissions at once from the queue: low-risk ones, each read by this reviewer before."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q
from django.utils.translation import gettext as _

from casesite import clock
from casesite.cases.models import CaseEvent
from casesite.submissions import permissions, workflow
from casesite.submissions.models import RANKS, Submission, SubmissionQuerySet
from casesite.submissions.states import StaleSubmission, State

from .models import Viewing
from .words import who_was_quicker

AT_ONCE = 20
LOW_RISK = RANKS["normal"]  # from this rank on
OPENED_COUNTS = timedelta(hours=24)  # what one read longer ago is read again


def with_marks(rows: SubmissionQuerySet, user: Any) -> SubmissionQuerySet:
    """Beside each row whether this person opened it lately, whether somebody ticked that a secret is sent, and whether
    its Connect template moved on.

    A revision is a row of its own, and its text never changes: who opened it has seen what the hash names.
    """
    opened = Viewing.objects.filter(submission=OuterRef("pk"), user=user, at__gt=clock.now() - OPENED_COUNTS)
    ticked = CaseEvent.objects.filter(case=OuterRef("case"), what="confirmed_secrets", submission_id=OuterRef("pk"))
    newest = F("template_version__template__newest")
    moved = Q(template_version__isnull=False) & ~Q(template_version=newest)
    return rows.annotate(
        opened=Exists(opened), ticked=Exists(ticked), moved=ExpressionWrapper(moved, output_field=BooleanField())
    )


def why_not_low_risk(row: Any, user: Any) -> str:
    """Why a waiting row of `with_marks` has to be decided on its own page, or nothing."""
    if sentence := permissions.why_not(permissions.check_can_approve, user, row):
        return sentence
    if row.rank < LOW_RISK:
        return _("Only cases of normal and low severity are approved together.")
    if row.ticked:
        return _("It holds what seems to be a secret.")
    if row.moved:
        return _("Its template changed since.")
    if row.needs_two:
        return _("Two people have to approve it.")
    return ""


def why_not(row: Any, user: Any) -> str:
    """Why it can't be approved together with others now, or nothing."""
    if sentence := why_not_low_risk(row, user):
        return sentence
    return "" if row.opened else _("Open it first.")


@dataclass
class Outcome:
    """What became of several: the subjects of those approved, and of the others with the reason."""

    approved: list[Submission] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def approve(rows: SubmissionQuerySet, chosen: dict[UUID, str], *, by: Any) -> Outcome:
    """Approve each by itself: `chosen` gives the hash that the page named for it. What can't be is left and told."""
    outcome = Outcome()
    found = with_marks(rows.filter(pk__in=chosen), by).order_by("rank", "submitted_at", "pk")
    for row in found:
        subject = row.content["subject"]
        try:
            sentence = "" if row.state != State.PENDING_REVIEW else why_not(row, by)
            if not sentence:
                workflow.approve(row, by=by, payload_sha256=chosen[row.pk])
                outcome.approved.append(row)
        except StaleSubmission:
            row.refresh_from_db()
            sentence = who_was_quicker(row, by)
        except workflow.PayloadChanged:
            sentence = _("The text changed since you opened this page.")
        except PermissionDenied as exc:
            sentence = str(exc)
        if sentence:
            outcome.refused.append((subject, sentence))
    Viewing.objects.filter(submission__in=[row.pk for row in outcome.approved]).delete()
    return outcome


def read_chosen(values: Iterable[str]) -> dict[UUID, str]:
    """Ticked boxes: `<primary key>:<hash>` each. What is no such thing is left out."""
    chosen = {}
    for value in values:
        key, _colon, payload_sha256 = value.partition(":")
        try:
            chosen[UUID(key)] = payload_sha256
        except ValueError:
            continue
    return chosen
