"""The admin site in the house's look: the reviewer's desk, and the place where leads manage their team."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _


class CasesiteAdminConfig(AdminConfig):
    default_site = "casesite.review.site.CasesiteAdminSite"


class CasesiteAdminSite(AdminSite):
    site_header = "Casesite"
    site_title = "Casesite"
    index_title = _("Review and manage")
    enable_nav_sidebar = False
    # What nothing here uses, and what would lead around the pages' own rules: the redirect to any object by its number.
    CLOSED = frozenset({"autocomplete", "password_change_done", "view_on_site"})

    def get_urls(self) -> list[Any]:
        from casesite.web import admin_pages

        kept = [each for each in super().get_urls() if getattr(each, "name", None) not in self.CLOSED]
        return [*admin_pages.urls(self.admin_view), *kept]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Who is signed out signs in first, and a reason they typed comes along."""
        from casesite.web.auth import login_required_keeping_text  # as below: models come later than this module

        return login_required_keeping_text(super().admin_view(view, cacheable))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What waits for this person, then what they may manage."""
        from casesite.web import admin_pages

        from . import lists  # the admin's config is loaded before the models are

        apps = [app for app in self.get_app_list(request) if app["app_label"] != "submissions"]
        context = {
            "title": self.index_title,
            "numbers": lists.numbers(request),
            "pages": admin_pages.pages_of(request.user),
            "app_list": apps,
        }
        return TemplateResponse(request, "review/index.html", context | (extra_context or {}))
