"""How a person sees the site. The session holds a copy, so that no page has to ask for it."""

from typing import Any

from django.http import HttpRequest

from .forms import is_time_zone
from .models import Preferences


def of(user: Any) -> Preferences:
    """The person's own, or unsaved ones until they choose."""
    return Preferences.objects.filter(user=user).first() or Preferences(user=user)


def remember(request: HttpRequest, preferences: Preferences) -> None:
    request.session["time_zone"] = preferences.time_zone
    request.session["theme"] = preferences.theme


def start_session(sender: Any, request: HttpRequest | None, user: Any, **_kwargs: Any) -> None:
    """At the sign-in: what the person chose; who chose nothing yet sees times as their browser's clock shows them."""
    if request is None or not hasattr(request, "session"):
        return
    preferences = of(user)
    told = request.POST.get("browser_time_zone", "")
    if preferences.pk is None and is_time_zone(told):
        preferences.time_zone = told
    remember(request, preferences)
