"""The answer to a lookup, as a page asks for it: a fragment for htmx, a small page of its own without JavaScript."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from . import questions, registry
from .models import Lookup, LookupState

ANSWERED = "lookup-answered"  # an htmx event on the element that waited; forms that build on the answer listen for it


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For people who are signed in. A fragment of a page whose session ended says so, in place of the whole sign-in page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if request.htmx:  # type: ignore[attr-defined]
            return render(request, "lookups/_signed_out.html")
        return redirect_to_login(request.get_full_path())

    return guarded


@signed_in
@never_cache
@require_GET
def lookup(request: HttpRequest, pk: int) -> HttpResponse:
    found = _find(request, pk)
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "lookups/lookup.html", context_of(found) | {"back": _back(request)})
    if found.is_open and not found.is_overdue:
        return HttpResponse(status=204)  # nothing new: htmx leaves the page as it is and asks again
    return _fragment(request, found)


@signed_in
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask once more."""
    found = questions.ask_again(_find(request, pk), by=request.user)
    if request.htmx:  # type: ignore[attr-defined]
        return _fragment(request, found)
    return redirect(_back(request) or found.get_absolute_url())


def context_of(found: Lookup) -> dict[str, Any]:
    """What `lookups/_lookup.html` shows: the wait, the answer by its kind's own template, or why there is none."""
    return {"lookup": found, "question": registry.get(found.kind), "account": found.account, "answer": found.answer}


def _find(request: HttpRequest, pk: int) -> Lookup:
    return get_object_or_404(Lookup.objects.visible_to(request.user).select_related("account"), pk=pk)


def _fragment(request: HttpRequest, found: Lookup) -> HttpResponse:
    """The fragment, or a fresh page where the one that waits asked for it with `?refresh=1`."""
    refresh = "refresh" in request.GET
    if refresh and found.state == LookupState.ANSWERED:
        return HttpResponseClientRefresh()
    response = render(request, "lookups/_lookup.html", context_of(found) | {"refresh": refresh})
    if not found.is_open:
        response["HX-Trigger"] = ANSWERED
    return response


def _back(request: HttpRequest) -> str:
    """The page of ours that the person came from, if it was named."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if safe else ""
