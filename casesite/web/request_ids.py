"""Gives every request of a browser an id, which stands on each line that is logged for it, and in its answer."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bound_contextvars

HEADER = "X-Request-ID"
_FIT = re.compile(r"[\w.:=+/-]{8,128}", re.ASCII)  # what may go into a log as it came


class RequestIdMiddleware:
    """The proxy's id where one is trusted and sends one, else a new one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = _given(request) or uuid.uuid4().hex  # type: ignore[attr-defined]
        with bound_contextvars(request_id=request.request_id):  # type: ignore[attr-defined]
            response = self.get_response(request)
        response[HEADER] = request.request_id  # type: ignore[attr-defined]
        return response


def _given(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "") if settings.AXES_IPWARE_PROXY_COUNT else ""
    return given if _FIT.fullmatch(given) else ""
