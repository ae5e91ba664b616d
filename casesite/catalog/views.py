"""Pages about AWS accounts: which there are, whether they can send, what AWS Support offers there."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Max, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from casesite.lookups.models import Lookup, LookupState
from casesite.lookups.questions import newest
from casesite.lookups.views import context_of
from casesite.teams.models import AwsAccount

from . import labels, questions


@login_required
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    """The accounts of the person's teams; all for superusers."""
    rows = (
        AwsAccount.objects.visible_to(request.user)
        .annotate(catalog_seen_at=Max("support_catalogs__seen_at"))
        .prefetch_related("teams", "gates")
        .order_by("name", "account_id")
    )
    listed = [{"account": row, "troubles": labels.troubles_of(row)} for row in rows]
    return render(request, "catalog/accounts.html", {"listed": listed})


@login_required
@require_GET
def account(request: HttpRequest, pk: int) -> HttpResponse:
    found = visible(request, pk)
    prefetch_related_objects([found], "cases_domains__templates")
    seen_at = found.support_catalogs.aggregate(at=Max("seen_at"))["at"]
    return render(
        request,
        "catalog/account.html",
        {
            "account": found,
            "teams": found.teams.all(),
            "troubles": labels.troubles_of(found),
            "check": waited_for(questions.CHECK, found, found.checked_at),
            "refresh": waited_for(questions.CATALOG, found, seen_at),
            "templates": waited_for(questions.TEMPLATES, found, None) if found.regions else None,
            "managed": _managed(request).filter(pk=pk).exists(),
        },
    )


@login_required
@require_POST
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the account checked. For leads of one of its teams."""
    found = get_object_or_404(_managed(request), pk=pk)
    questions.ask_check(found, by=request.user)
    return redirect("account", pk)


@login_required
@require_POST
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the catalogue fetched. For everybody who may use it."""
    found = visible(request, pk)
    questions.ask_refresh(found, by=request.user)
    return redirect("account", pk)


def visible(request: HttpRequest, pk: int) -> AwsAccount:
    return get_object_or_404(AwsAccount.objects.visible_to(request.user), pk=pk)


def _managed(request: HttpRequest) -> Any:
    return AwsAccount.objects.managed_by(request.user)


def waited_for(kind: str, account: AwsAccount, known_since: datetime | None) -> dict[str, Any] | None:
    """The newest question of a kind while it is open, or when it failed after what is known was learned."""
    lookup: Lookup | None = newest(kind, account)
    if lookup is None or lookup.state == LookupState.ANSWERED:
        return None
    if lookup.state == LookupState.FAILED and known_since and known_since > lookup.asked_at:
        return None
    lookup.account = account
    return context_of(lookup)
