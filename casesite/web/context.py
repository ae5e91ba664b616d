"""What every page of the site shows around its content."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def page(request: HttpRequest) -> dict[str, Any]:
    return {"sandbox": settings.SANDBOX, "sandbox_url": settings.SANDBOX_URL}
