"""The lists of the reviewer's desk: what waits, what went out before review, what needs a person."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from casesite.cases.search import Search
from casesite.database import together
from casesite.submissions.models import RANKS, URGENT_RANK, Submission, SubmissionQuerySet
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount
from casesite.teams.permissions import lead_team_ids, reviewing_team_ids, team_ids
from casesite.web import paging
from casesite.web.modeladmin import HouseList
from casesite.web.paging import Branch, page_of
from casesite.web.topbar import Link

from .models import Viewing

LOOKED_THROUGH = 200  # rows of the queue among which the next one is looked for
COUNTED = 99  # rows; more are just more
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
URL = "admin:submissions_submission_changelist"


def rows_for(user: Any) -> SubmissionQuerySet:
    """What a person reviews: the rows of the teams they review for; a superuser sees those of all their teams."""
    rows = Submission.objects.visible_to(user)
    return rows if user.is_superuser else rows.filter(team_id__in=reviewing_team_ids(user))


def team_ids_for(user: Any) -> list[int]:
    return team_ids(user) if user.is_superuser else reviewing_team_ids(user)


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


def count(request: HttpRequest) -> str:
    """How many wait for this person."""
    return _number(WAITING, request.user).count


def others_decide(user: Any) -> Q:
    """What waits for somebody else: what one wrote oneself, and what one approved as the first of two."""
    return Q(submitted_by=user.pk) | Q(first_approved_by=user.pk, state=State.PENDING_REVIEW)


@dataclass(frozen=True)
class Number:
    """How many rows a list holds, nothing where there are none, and since when the oldest is there."""

    queue: Queue
    count: str
    oldest: datetime | None


def numbers(request: HttpRequest) -> list[Number]:
    """The lists that this person empties."""
    leads = bool(lead_team_ids(request.user))
    return [_number(queue, request.user) for queue in QUEUES if leads or not queue.leads_only]


def _number(queue: Queue, user: Any) -> Number:
    """Read along an index of each team, and not further than is told."""
    rows = Submission.objects.filter(queue.condition).exclude(others_decide(user)).order_by("submitted_at")
    teams = team_ids_for(user)
    found = (
        together([rows.filter(team=team).values_list("submitted_at")[: COUNTED + 1] for team in teams]) if teams else []
    )
    since = [at for dates in found for (at,) in dates]
    counted = f"{COUNTED}+" if len(since) > COUNTED else str(len(since) or "")
    return Number(queue, counted, min(since, default=None))


def next_of(queue: Queue, user: Any, decided: Submission) -> Any:
    """The primary key of what this person decides on next: the one behind, else the first; None where nothing is left.

    What somebody else is reading comes last.
    """
    reading = Viewing.objects.by_others(user).filter(submission=OuterRef("pk"))
    rows = (
        Submission.objects.filter(queue.condition, team_id__in=reviewing_team_ids(user))
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
        return queryset.filter(severity_code=code) if code in RANKS else queryset


class Order:
    """A queue: the most urgent first, then the one that waits longest. Anything else: the newest first."""

    def __init__(self, queue: Queue | None) -> None:
        self.descending = queue is None
        self.columns = ("submitted_at", "pk") if queue is None else ("rank", "submitted_at", "pk")

    def key(self, token: str) -> tuple[Any, ...] | None:
        *numbers, pk = token.split(".")
        try:
            *rank, at = map(int, numbers)
            place = (*rank, EPOCH + timedelta(microseconds=at), UUID(pk))
        except (ValueError, OverflowError):
            return None
        return place if len(place) == len(self.columns) and all(0 <= each < 100 for each in rank) else None

    def place(self, row: Submission) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in self.columns)

    def token(self, row: Submission) -> str:
        at = str((row.submitted_at - EPOCH) // timedelta(microseconds=1))
        return ".".join([at, row.pk.hex] if self.descending else [str(row.rank), at, row.pk.hex])


class Page(HouseList):
    """One page of a list, the teams of the person each read along an index."""

    def get_page(self, request: HttpRequest) -> paging.Page:
        order = Order(queue_of(request))
        rows = self.queryset.select_related(None)
        branches = [
            Branch(rows.filter(team=team, **rank), order.columns, team)
            for team in team_ids_for(request.user)
            for rank in self._ranks(request, order)
        ]
        search = Search(self.query, "case__") if self.query.strip() else None

        def shown(keys: Any) -> Any:
            return self.model_admin.shown(request, keys)  # type: ignore[attr-defined]

        return page_of(branches, order, request.GET, search=search, rows=shown, size=self.list_per_page)

    @staticmethod
    def _ranks(request: HttpRequest, order: Order) -> list[dict[str, int]]:
        """Where a line is narrowed to a severity, its ranks: its own, and once approved that of what goes before its turn."""
        own = RANKS.get(request.GET.get("severity", ""))
        if order.descending or own is None:
            return [{}]
        ranks = {own} if queue_of(request) == WAITING else {own, URGENT_RANK}
        return [{"rank": rank} for rank in sorted(ranks)]
