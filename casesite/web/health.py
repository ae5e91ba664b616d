"""Is the process up (`/healthz`), and can it do its work (`/readyz`)? Packages register what they depend on.

The answers come from a middleware in front of all others: no host name, redirect, session or database stands before them.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

logger = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that a check may take
Check = Callable[[], object]


class NotReady(Exception):
    """What a check found wrong, in words that anybody may read. Other exceptions are told by their names alone."""


class Probe:
    """A check in a thread, so that it can be given up on. While it hangs, no second one is started."""

    def __init__(self, name: str, check: Check) -> None:
        self.name = name
        self._check = check
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._reason = ""

    def start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=f"ready-{self.name}", daemon=True)
                self._thread.start()

    def reason(self, deadline: float) -> str:
        """ "ok", or why not: nothing that is a secret, for anybody may ask."""
        thread = self._thread
        assert thread is not None
        thread.join(max(0.0, deadline - time.monotonic()))
        return f"no answer within {PATIENCE:g} s" if thread.is_alive() else self._reason

    def _run(self) -> None:
        try:
            self._check()
        except Exception as exc:  # a check may fail in any way; that is its answer
            logger.warning("not ready", extra={"check": self.name, "error": exc})
            self._reason = str(exc) if isinstance(exc, NotReady) else type(exc).__name__
        else:
            self._reason = "ok"
        finally:
            connection.close()  # a thread has one of its own, and this one ends here


_probes: dict[str, Probe] = {}


def register(name: str, check: Check) -> None:
    """Have `/readyz` ask `check`, which raises where the thing named does not answer."""
    _probes[name] = Probe(name, check)


def healthz() -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def readyz() -> HttpResponse:
    """200 where every registered check passes, else 503; the details of a failure are in the log."""
    deadline = time.monotonic() + PATIENCE
    for probe in _probes.values():
        probe.start()
    reasons = {name: probe.reason(deadline) for name, probe in _probes.items()}
    ready = all(reason == "ok" for reason in reasons.values())
    return JsonResponse({"ready": ready, "checks": reasons}, status=200 if ready else 503)


def check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


class HealthMiddleware:
    """Answers `/healthz` and `/readyz` before anything else looks at the request."""

    ANSWERS = {"/healthz": healthz, "/readyz": readyz}

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.ANSWERS.get(request.path_info)
        return answer() if answer else self.get_response(request)
