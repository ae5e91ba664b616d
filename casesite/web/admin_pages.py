"""Pages of the admin that are no list of a model. Packages register theirs in `ready()`; the admin's site shows them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, kw_only=True)
class AdminPage:
    """`name` is that of its address (admin:<name>) and `view` the dotted name of what answers there. `may` says for whom."""

    name: str
    title: Any
    about: Any
    view: str
    may: Callable[[Any], bool]

    @property
    def url_name(self) -> str:
        return f"admin:{self.name}"


_pages: dict[str, AdminPage] = {}


def register(page: AdminPage) -> None:
    _pages[page.name] = page


def pages_of(user: Any) -> list[AdminPage]:
    """Those that a person may open."""
    return [page for page in _pages.values() if page.may(user)]


def urls(admin_view: Callable[..., Any]) -> list[URLPattern]:
    """The addresses, for the admin's site to put before its own."""
    return [path(f"{page.name}/", admin_view(_guarded(page)), name=page.name) for page in _pages.values()]


def _guarded(page: AdminPage) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        if not page.may(request.user):
            raise PermissionDenied(_("This page is for those who run the site."))
        view: Callable[[HttpRequest], HttpResponse] = import_string(page.view)
        return view(request)

    return answer
