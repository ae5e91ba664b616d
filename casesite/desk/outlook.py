"""What happens next with what is being written: who reviews it, when it can go out, and what looks alike."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from casesite import clock, prepared
from casesite.cases.alike import cases_like
from casesite.cases.models import Case
from casesite.catalog.severities import Severity, severity_of
from casesite.submissions.models import RANKS, URGENT_RANK
from casesite.submissions.queue import Queue, queue_of
from casesite.teams.models import REVIEWING_ROLES, AwsAccount, Membership, ReviewPolicy, SecondApproval, Team


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that the panel says of an account but for the time, which each page says anew. Equal ones look alike."""

    review: str
    needs_two: bool
    reviewers: tuple[str, ...]
    team: str
    can_send: bool
    now: bool
    planned: bool  # whether there is a time
    used: int
    limit: int
    reserve: int
    within: str  # AWS's target for the first answer; empty where none is known
    sooner_on_some_plans: bool


@dataclass(frozen=True)
class Outlook:
    """For a draft as it stands in the form now."""

    user: Any
    account: AwsAccount | None
    team: Team | None
    severity_code: str
    subject: str
    service_code: str = ""
    case: Case | None = None

    @property
    def is_urgent(self) -> bool:
        return RANKS.get(self.severity_code, URGENT_RANK + 1) <= URGENT_RANK

    @property
    def review(self) -> str:
        """before, after or none."""
        policy = self.account.review_policy if self.account else ReviewPolicy.ALWAYS
        if policy == ReviewPolicy.NEVER:
            return "none"
        return "after" if policy == ReviewPolicy.AFTER_URGENT and self.is_urgent else "before"

    @property
    def needs_two(self) -> bool:
        """Whether two people have to approve it."""
        asked = self.account.second_approval if self.account else SecondApproval.NEVER
        return asked == SecondApproval.ALWAYS or (asked == SecondApproval.URGENT and self.is_urgent)

    @cached_property
    def reviewers(self) -> list[str]:
        """Who may decide on it, by name: the team's reviewers and leads, but for its author."""
        if self.team is None:
            return []
        members = _reviewers(team=self.team.pk, author=self.user.pk)
        return [f"{first} {last}".strip() or name for first, last, name in members]

    @cached_property
    def queue(self) -> Queue | None:
        return queue_of(self.account, clock.now()) if self.account else None

    @cached_property
    def goes_out_at(self) -> datetime | None:
        return self.queue.would_go_out(self.severity_code) if self.queue else None

    @property
    def goes_out_now(self) -> bool:
        return self.queue is not None and self.queue.is_now(self.goes_out_at)

    @property
    def severity(self) -> Severity | None:
        if not self.severity_code:
            return None
        return severity_of(self.severity_code, targets=self.account.response_targets if self.account else None)

    @property
    def told(self) -> Told | None:
        """Nothing while no account is chosen; and nothing is read that is not said."""
        if not self.account:
            return None
        queue = self.queue if self.account.can_send else None
        severity = self.severity
        return Told(
            review=self.review,
            needs_two=self.needs_two,
            reviewers=tuple(self.reviewers) if self.review == "before" else (),
            team=self.team.name if self.team else "",
            can_send=self.account.can_send,
            now=queue is not None and self.goes_out_now,
            planned=queue is not None and self.goes_out_at is not None,
            used=queue.budget.used if queue else 0,
            limit=queue.budget.limit if queue else 0,
            reserve=queue.budget.reserve if queue else 0,
            within=severity.within if severity else "",
            sooner_on_some_plans=severity is not None and severity.sooner_on_some_plans,
        )

    @cached_property
    def alike(self) -> list[Case]:
        """Cases that may be this one already."""
        return cases_like(
            self.user,
            account=self.account.pk if self.account else None,
            service_code=self.service_code,
            subject=self.subject,
            besides=self.case.pk if self.case else None,
        )


_reviewers = prepared.Rows(
    lambda team, author: (
        Membership.objects.filter(team=team, role__in=REVIEWING_ROLES, user__is_active=True)
        .exclude(user=author)
        .values_list("user__first_name", "user__last_name", "user__username")
    ),
    team=int,
    author=int,
)
