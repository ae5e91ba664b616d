"""The operator's page in the admin."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .overview import Overview


@never_cache
@require_safe
def delivery(request: HttpRequest) -> HttpResponse:
    return render(request, "delivery/overview.html", {"title": _("Delivery"), "overview": Overview(request.user)})
