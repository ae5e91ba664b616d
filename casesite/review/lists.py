"""The lists of the reviewer's desk: what waits, what went out before review, what needs a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from casesite.submissions.models import RANKS, Submission, SubmissionQuerySet
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount
from casesite.teams.permissions import lead_team_ids, reviewing_team_ids
from casesite.web.topbar import Link

from .models import Viewing

LOOKED_THROUGH = 200  # rows of the queue among which the next one is looked for
LAST_PAGE = 1000  # beyond that the search is the way
URL = "admin:submissions_submission_changelist"


def rows_for(user: Any) -> SubmissionQuerySet:
    """What a person reviews: the rows of the teams they review for; a superuser sees those of all their teams."""
    rows = Submission.objects.visible_to(user)
    return rows if user.is_superuser else rows.filter(case__team_id__in=reviewing_team_ids(user))


@dataclass(frozen=True)
class Queue:
    """One of the short lists that somebody has to empty. `where` is its filter in addresses and in the database."""

    name: str
    title: Any
    empty: Any
    where: dict[str, str]
    leads_only: bool = False

    @property
    def url(self) -> str:
        return f"{reverse(URL)}?{urlencode(self.where)}"

    @property
    def condition(self) -> Q:
        return Q(**{name.removesuffix("__exact"): value for name, value in self.where.items()})

    @property
    def names(self) -> set[str]:
        """How the filter is called in addresses; Django's admin takes the short names too."""
        return {*self.where, *(name.removesuffix("__exact") for name in self.where)}

    def is_shown(self, request: HttpRequest) -> bool:
        """Whether the address asks for this list, narrowed or not."""
        asked = request.GET
        return all(
            value in (asked.get(name), asked.get(name.removesuffix("__exact"))) for name, value in self.where.items()
        )


WAITING = Queue(
    "waiting",
    _("Waiting for review"),
    _("Nothing waits for review. What agents submit appears here, the most urgent first."),
    {"state__exact": State.PENDING_REVIEW.value},
)
LOOK_NOW = Queue(
    "look_now",
    _("Sent before review, look now"),
    _(
        "Nothing to look at. Urgent cases that an account's policy sends at once appear here until somebody has read them."
    ),
    {"review_after__exact": "1"},
)
NEEDS_PERSON = Queue(
    "needs_person",
    _("Needs a person"),
    _("Nothing needs a person. What the site can't decide by itself appears here, with all it knows."),
    {"state__exact": State.NEEDS_ATTENTION.value},
    leads_only=True,
)
QUEUES = (WAITING, LOOK_NOW, NEEDS_PERSON)


def queue_of(request: HttpRequest) -> Queue | None:
    """The list that the address asks for; None for any other selection."""
    return next((queue for queue in QUEUES if queue.is_shown(request)), None)


def link(request: HttpRequest) -> Link | None:
    """Review in the top bar, for those who review."""
    if not (request.user.is_staff and reviewing_team_ids(request.user)):
        return None
    return Link(text=_("Review"), url=WAITING.url, covers=reverse(URL), count_text=_("waiting for review"))


def count(request: HttpRequest) -> int:
    """How many wait for this person."""
    return rows_for(request.user).filter(WAITING.condition).exclude(others_decide(request.user)).count()


def others_decide(user: Any) -> Q:
    """What waits for somebody else: what one wrote oneself, and what one approved as the first of two."""
    return Q(submitted_by=user.pk) | Q(first_approved_by=user.pk, state=State.PENDING_REVIEW)


@dataclass(frozen=True)
class Number:
    """How many rows a list holds, and since when the oldest is there."""

    queue: Queue
    count: int
    oldest: datetime | None


def numbers(request: HttpRequest) -> list[Number]:
    """The lists that this person empties."""
    leads = bool(lead_team_ids(request.user))
    return [_number(queue, request.user) for queue in QUEUES if leads or not queue.leads_only]


def _number(queue: Queue, user: Any) -> Number:
    rows = rows_for(user).filter(queue.condition).exclude(others_decide(user))
    found = rows.aggregate(count=Count("pk"), oldest=Min("submitted_at"))
    return Number(queue, **found)


def next_of(queue: Queue, user: Any, decided: Submission) -> Any:
    """The primary key of what this person decides on next: the one behind, else the first; None where nothing is left.

    What somebody else is reading comes last.
    """
    reading = Viewing.objects.by_others(user).filter(submission=OuterRef("pk"))
    rows = (
        Submission.objects.filter(queue.condition, case__team_id__in=reviewing_team_ids(user))
        .exclude(others_decide(user))
        .exclude(pk=decided.pk)
        .annotate(read=Exists(reading))
        .order_by("read", "rank", "submitted_at", "pk")
        .values_list("read", "rank", "submitted_at", "pk")
    )
    found = list(rows[:LOOKED_THROUGH])
    here = (decided.rank, decided.submitted_at, decided.pk)
    behind = [row for row in found if row[1:] > here and not row[0]]
    return next((row[-1] for row in behind or found), None)


# --- pieces of the admin's list ---------------------------------------------------------------------------------------------
class AccountFilter(admin.RelatedFieldListFilter):
    """Accounts of the person's teams, and no others."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        accounts = AwsAccount.objects.visible_to(request.user).order_by("name", "account_id")
        return [(account.pk, str(account)) for account in accounts]


class SeverityFilter(admin.SimpleListFilter):
    title = _("Severity")
    parameter_name = "severity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(code, code) for code in RANKS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Submission]) -> QuerySet[Submission]:
        code = self.value()
        return queryset.filter(content__severity_code=code) if code in RANKS else queryset


class Page(ChangeList):
    """One page of a list. Whether there is a next one shows by one row more; nothing is counted."""

    has_next = False

    def get_results(self, request: HttpRequest) -> None:
        self.page_num = min(max(1, self.page_num), LAST_PAGE)
        start = (self.page_num - 1) * self.list_per_page
        rows = list(self.queryset[start : start + self.list_per_page + 1])
        self.has_next = len(rows) > self.list_per_page
        self.result_list = rows[: self.list_per_page]
        self.result_count = len(self.result_list)

    @property
    def previous_page(self) -> str:
        return self.get_query_string({PAGE_VAR: self.page_num - 1}) if self.page_num > 1 else ""

    @property
    def next_page(self) -> str:
        return self.get_query_string({PAGE_VAR: self.page_num + 1}) if self.has_next else ""
