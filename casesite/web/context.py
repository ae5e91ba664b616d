"""What every page of the site shows around its content."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from .topbar import TopBar


def page(request: HttpRequest) -> dict[str, Any]:
    """Nothing here asks the database before a template shows it."""
    session = getattr(request, "session", None)  # missing where a request failed before it had one
    theme = session.get("theme", "auto") if session is not None else "auto"
    return {
        "sandbox": settings.SANDBOX,
        "sandbox_url": settings.SANDBOX_URL,
        "theme": theme,
        "topbar": TopBar(request),
    }
