"""Tells reviewers, then leads, of what waits for review longer than its account allows: once for each fact.

The due times stand in the submission; clearing one in a guarded update is what makes the notice happen once.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from casesite import clock
from casesite.database import write
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import REVIEWING_ROLES, Membership, Role

from .models import Kind, Notice

AT_ONCE = 100  # rows of one round


def raise_due() -> None:
    """Write down every reminder and escalation that has come due, and for whom."""
    now = clock.now()
    due = Submission.objects.filter(state=State.PENDING_REVIEW).filter(Q(remind_at__lte=now) | Q(escalate_at__lte=now))
    rows = list(due.select_related("case").defer("content", "payload").order_by("escalate_at")[:AT_ONCE])
    people = _reviewing({row.case.team_id for row in rows})
    for row in rows:
        members = people.get(row.case.team_id, [])
        if row.escalate_at and row.escalate_at <= now:
            _escalate(row, members, now)
        else:
            _remind(row, members, now)


def _remind(row: Submission, members: list[Membership], now: datetime) -> None:
    """To those who may still decide on it."""
    settled = {row.submitted_by_id, row.first_approved_by_id}
    told = [each.user for each in members if each.user_id not in settled]
    with write():
        if _take(row, remind_at=None):
            _tell(row, Kind.REMINDER, row.remind_at, told, now)


def _escalate(row: Submission, members: list[Membership], now: datetime) -> None:
    """To the leads; a reminder that did not go before is overtaken by it."""
    told = [each.user for each in members if each.role == Role.LEAD]
    with write():
        if _take(row, remind_at=None, escalate_at=None):
            _tell(row, Kind.ESCALATION, row.escalate_at, told, now)
            row.case.events.create(at=now, what="review_overdue", submission_id=row.pk)


def _take(row: Submission, **cleared: None) -> bool:
    """Whether this round is the one that tells it."""
    waiting = Submission.objects.filter(
        pk=row.pk, state=State.PENDING_REVIEW, remind_at=row.remind_at, escalate_at=row.escalate_at
    )
    return bool(waiting.update(**cleared))


def _tell(row: Submission, kind: Kind, due_at: Any, people: Iterable[Any], now: datetime) -> None:
    Notice.objects.bulk_create(
        Notice(
            submission=row,
            user=person,
            kind=kind,
            due_at=due_at,
            at=now,
            next_try_at=now if settings.MAIL and person.email else None,
        )
        for person in people
    )


def _reviewing(team_ids: set[int]) -> dict[int, list[Membership]]:
    """The reviewers and leads of each team."""
    found: dict[int, list[Membership]] = {}
    members = Membership.objects.filter(team__in=team_ids, role__in=REVIEWING_ROLES, user__is_active=True)
    for member in members.select_related("user"):
        found.setdefault(member.team_id, []).append(member)
    return found
