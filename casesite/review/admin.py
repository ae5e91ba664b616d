"""Submissions in the admin: the reviewer's queue, the review page, the page about what needs a person.

Rows are moved by the verbs of submissions.workflow alone; nobody adds, edits or deletes one here.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Subquery
from django.db.models.fields.json import KT
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _

from casesite import clock
from casesite.submissions.models import Submission, SubmissionQuerySet
from casesite.submissions.states import State
from casesite.teams.permissions import lead_team_ids, reviewing_team_ids
from casesite.web.modeladmin import HouseAdmin

from . import lists, several, views
from .models import Viewing

NAME = "submissions_submission"


@admin.register(Submission)
class SubmissionAdmin(HouseAdmin):
    list_filter = (
        "state",
        ("account", lists.AccountFilter),
        "review_after",
        lists.SeverityFilter,
    )
    search_fields = ("case__reference",)  # there is a search; what it looks at is in `lists.Page`

    # --- who may ---------------------------------------------------------------------------------------------------------
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By role in a team, not by rows of permissions."""
        return request.user.is_superuser or bool(reviewing_team_ids(request.user))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- the list ----------------------------------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> SubmissionQuerySet:
        return lists.rows_for(request.user).defer("content", "payload")

    def shown(self, request: HttpRequest, keys: Any) -> SubmissionQuerySet:
        """The rows of a page, with all that it tells of each."""
        rows = Submission.objects.filter(pk__in=keys).defer("content", "payload")
        looking = Viewing.objects.by_others(request.user).filter(submission=OuterRef("pk"))
        return (
            several.with_marks(rows, request.user)
            .annotate(subject=KT("content__subject"), looking=Subquery(looking.values("user__username")[:1]))
            .select_related("case", "account", "submitted_by", "first_approved_by")
        )

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return queryset, False  # the page searches, by cases

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return lists.Page

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self._check_may_view(request)
        if "" in request.GET.values():  # controls left at "All"
            request.GET = _without_empty(request.GET)  # type: ignore[assignment]
        try:
            listed = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return redirect(f"admin:{NAME}_changelist")
        return render(request, "review/queue.html", _list_context(request, listed))

    # --- one row -----------------------------------------------------------------------------------------------------------
    def review_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return views.review(request, self._find(request, pk))

    def attention_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return views.attention(request, self._find(request, pk))

    def approve_view(self, request: HttpRequest) -> HttpResponse:
        self._check_may_view(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return views.approve_several(request, lists.rows_for(request.user))

    def get_urls(self) -> list[Any]:
        guarded = self.admin_site.admin_view
        return [
            path("", guarded(self.changelist_view), name=f"{NAME}_changelist"),
            path("approve/", guarded(self.approve_view), name=f"{NAME}_approve"),
            path("<uuid:pk>/change/", guarded(self.review_view), name=f"{NAME}_change"),
            path("<uuid:pk>/attention/", guarded(self.attention_view), name=f"{NAME}_attention"),
        ]

    def _find(self, request: HttpRequest, pk: UUID) -> Submission:
        """The row, or 404 where it is none of the person's."""
        self._check_may_view(request)
        return get_object_or_404(lists.rows_for(request.user).select_related(*views.RELATED), pk=pk)

    def _check_may_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied(_("Only reviewers and leads see what waits for review."))


def _without_empty(asked: QueryDict) -> QueryDict:
    kept = asked.copy()
    for name in [name for name, value in asked.items() if not value]:
        del kept[name]
    return kept


def _list_context(request: HttpRequest, listed: ChangeList) -> dict[str, Any]:
    """The rows of one page, and what the list can be narrowed to."""
    asked = {name: values[0] for name, values in listed.filter_params.items()}
    queue = lists.queue_of(request)
    accounts = next((spec for spec in listed.filter_specs if isinstance(spec, lists.AccountFilter)), None)
    return {
        "listed": listed,
        "page": listed.page,  # type: ignore[attr-defined]
        "rows": listed.result_list,
        "queues": lists.QUEUES,
        "queue": queue,
        "asked": asked,
        "narrowed": any(value for name, value in asked.items() if not queue or name not in queue.names),
        "lead_teams": lead_team_ids(request.user),
        "states": State.choices,
        "severities": lists.RANKS,
        "accounts": accounts.lookup_choices if accounts else (),
        "several": _several_of(request, listed) if queue == lists.WAITING else None,
    }


def _several_of(request: HttpRequest, listed: ChangeList) -> dict[str, Any]:
    """Which rows of the page may be ticked, and which once they are opened."""
    now = clock.now()
    for row in listed.result_list:
        row.is_overdue = row.review_by is not None and row.review_by <= now
        row.low_risk = not several.why_not_low_risk(row, request.user)
    return {
        "any": any(row.low_risk for row in listed.result_list),
        "number": several.AT_ONCE,
        "hours": several.OPENED_COUNTS // timedelta(hours=1),
    }
