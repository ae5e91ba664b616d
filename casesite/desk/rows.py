"""Cases with where they stand, as lists show them: one query, whatever their number."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import F, FilteredRelation, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from casesite import clock
from casesite.cases.labels import Label, label_of
from casesite.cases.models import Case, Stage
from casesite.catalog.models import TemplateCheck
from casesite.database import any_of
from casesite.submissions.models import OPENING_KINDS, URGENT_RANK, Decision, Submission
from casesite.submissions.queue import Queue, planned_in, queues_of, with_gates
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount
from casesite.teams.permissions import lead_team_ids

SHOWN = 300  # cases a desk looks at, the last changed first
LATELY = timedelta(days=14)
OPENED = 6
DISCARDED = 20
BROKEN_SHOWN = 10


def with_newest(cases: QuerySet[Case]) -> QuerySet[Case]:
    """Beside each case its newest opening submission: `state`, `reason_code`, `reason_text`, `due_at`, `submission_pk`."""
    newest = FilteredRelation("submissions", condition=Q(submissions__newest=True, submissions__kind__in=OPENING_KINDS))
    return cases.annotate(newest=newest).annotate(
        state=F("newest__state"),
        reason_code=F("newest__reason_code"),
        reason_text=F("newest__reason_text"),
        due_at=F("newest__due_at"),
        submission_pk=F("newest__pk"),
        submitted_at=F("newest__submitted_at"),
        review_by=F("newest__review_by"),
    )


def label_for(case: Any, user: Any) -> Label:
    """The label of a case that `with_newest` read."""
    return label_of(case.stage, case.state, case.reason_code or "", case.due_at, mine=case.author_id == user.pk)


@dataclass(frozen=True)
class Row:
    """One case of a list. `place` and `goes_out_at` are known where it is queued."""

    case: Any
    label: Label
    place: int | None = None
    goes_out_at: datetime | None = None
    queue: Queue | None = None

    @property
    def reason(self) -> str:
        return str(Reason(self.case.reason_code).label) if self.case.reason_code else ""

    @property
    def is_overdue(self) -> bool:
        """Whether it waits for its review longer than its account allows."""
        return self.case.review_by is not None and self.case.review_by <= clock.now()

    @property
    def goes_out_now(self) -> bool:
        return self.queue is not None and self.queue.is_now(self.goes_out_at)


@dataclass(frozen=True)
class AccountRow:
    """One account beside the desk: what it used of its hour, how old its catalogue is, what is wrong."""

    account: Any
    queue: Queue

    @property
    def next_slot(self) -> datetime | None:
        """When the next ordinary case may go out; None where that is now."""
        at = self.queue.free_at(urgent=False)
        return at if at > self.queue.now else None


class Desk:
    """What needs a person and what goes on, for one person at this instant."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self.now = clock.now()

    @cached_property
    def accounts(self) -> list[AccountRow]:
        accounts = list(
            with_gates(AwsAccount.objects.usable_by(self.user))
            .annotate(catalog_seen_at=Max("support_catalogs__seen_at"))
            .order_by("name", "account_id")
        )
        queues = queues_of(accounts, self.now)
        return [AccountRow(account, queues[account.pk]) for account in accounts]

    @cached_property
    def broken_checks(self) -> list[TemplateCheck]:
        """Saved fillings of templates that no longer come out as they did; for leads."""
        if not lead_team_ids(self.user) or not any(row.account.connect_regions for row in self.accounts):
            return []
        managed = AwsAccount.objects.managed_by(self.user)
        rows = TemplateCheck.objects.filter(
            template__domain__account__in=managed,
            template__domain__gone_at=None,
            template__deleted_at=None,
            broken_at__isnull=False,
        )
        return list(rows.select_related("template").order_by("-broken_at")[:BROKEN_SHOWN])

    @cached_property
    def rows(self) -> list[Row]:
        queues = {row.account.pk: row.queue for row in self.accounts}
        planned = planned_in(queues)
        places = {key: n for queue in queues.values() for key, n in queue.places.items()}
        return [
            Row(
                case,
                label_for(case, self.user),
                place=places.get(case.submission_pk),
                goes_out_at=planned.get(case.submission_pk),
                queue=queues.get(case.account_id),
            )
            for case in self._cases()
        ]

    def _cases(self) -> QuerySet[Any]:
        who = Decision.objects.filter(submission=OuterRef("newest__pk")).order_by("-pk")
        return (
            with_newest(Case.objects.filter(pk__in=self._keys()))
            .annotate(
                decided_by_name=Subquery(who.values("by__username")[:1]),
                decided_by_first=Subquery(who.values("by__first_name")[:1]),
                decided_by_last=Subquery(who.values("by__last_name")[:1]),
            )
            .select_related("account", "team", "author")
            .order_by("-changed_at", "-pk")[:SHOWN]
        )

    def _keys(self) -> RawSQL | tuple[()]:
        """The cases that may be shown, each kind read along an index of its own and no further than a desk looks."""
        mine = Case.objects.visible_to(self.user).filter(author=self.user).order_by("-changed_at")
        lately = mine.filter(changed_at__gte=self.now - LATELY)
        kinds: list[Any] = [mine.filter(stage=stage).values_list("pk") for stage in (Stage.DRAFT, Stage.OUTGOING)]
        kinds += [lately.filter(stage=stage).values_list("pk") for stage in (Stage.OPEN, Stage.RESOLVED)]
        for team in lead_team_ids(self.user):
            ours = Submission.objects.filter(team=team, newest=True, kind__in=OPENING_KINDS).order_by("-case")
            overdue = ours.filter(state=State.PENDING_REVIEW, review_by__lte=self.now).order_by("review_by")
            urgent_and_unknown = ours.filter(state=State.UNKNOWN, rank__lte=URGENT_RANK)
            for_leads = (ours.filter(state=State.NEEDS_ATTENTION), urgent_and_unknown, overdue)
            kinds += [rows.values_list("case_id") for rows in for_leads]
        return any_of([rows[:SHOWN] for rows in kinds])

    @cached_property
    def needs_me(self) -> list[Row]:
        """Returned to me, refused by AWS, what leads have to decide, and to leads what waits too long for its review."""
        codes = ("returned", "needs_person", "waiting_for_review", "refused")
        return [row for row in self._in_order(*codes) if self._is_for_me(row)]

    @cached_property
    def checked(self) -> list[Row]:
        return [row for row in self._in_order("needs_person", "checking") if not self._is_for_me(row)]

    @cached_property
    def going_out(self) -> list[Row]:
        rows = self._in_order("sending", "queued")
        latest = self.now + timedelta(days=3650)
        return sorted(rows, key=lambda row: row.goes_out_at or (self.now if row.label.code == "sending" else latest))

    @cached_property
    def waiting(self) -> list[Row]:
        return [row for row in self._in_order("waiting_for_review") if not self._is_for_me(row)]

    @cached_property
    def drafts(self) -> list[Row]:
        return self._in_order("draft", "withdrawn", "cancelled")

    @cached_property
    def discarded(self) -> list[Case]:
        """Drafts that can still be brought back, the last discarded first."""
        found = Case.objects.discarded_lately(self.user).select_related("account")
        return list(found.order_by("-discarded_at", "-pk")[:DISCARDED])

    @cached_property
    def opened(self) -> list[Row]:
        return self._in_order("open", "resolved")[:OPENED]

    @property
    def is_empty(self) -> bool:
        return not self.rows and not self.discarded

    def _in_order(self, *codes: str) -> list[Row]:
        return sorted(
            (row for row in self.rows if row.label.code in codes), key=lambda row: codes.index(row.label.code)
        )

    def _is_for_me(self, row: Row) -> bool:
        if row.label.code == "needs_person":
            return row.case.team_id in lead_team_ids(self.user)
        if row.label.code == "waiting_for_review":
            return row.is_overdue and row.case.team_id in lead_team_ids(self.user)
        return row.label.code in ("returned", "refused")
