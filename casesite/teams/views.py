"""A person's own settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from . import preferences
from .forms import PreferencesForm


@login_required
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    chosen = preferences.of(request.user)
    if chosen.pk is None:
        chosen.time_zone = request.session.get("time_zone", chosen.time_zone)
    form = PreferencesForm(request.POST or None, instance=chosen)
    if form.is_valid():
        preferences.remember(request, form.save())
        messages.success(request, _("Your settings are saved."))
        return redirect("settings")
    return render(request, "teams/settings.html", {"form": form})
