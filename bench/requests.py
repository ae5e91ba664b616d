"""Many requests of one person at once, over connections that stay open, with as little work of our own as possible."""

import http.client
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from bench.processes import cpu_seconds, family

CONNECTIONS = 4  # enough that the server never waits for us, where nothing else is said
CSRF = "b" * 32


@dataclass(frozen=True)
class Load:
    """What a number of requests cost."""

    per_second: float
    cpu: float  # seconds of the server for each
    seconds: list[float]  # that each took until its answer was here


class Browser:
    """Somebody who is signed in at `url`, and the server's process."""

    def __init__(self, url: str, session: str, pid: int, connections: int = CONNECTIONS) -> None:
        self.address = urlsplit(url)
        self.pid = pid
        self.connections = connections
        port = self.address.port
        self.cookies = f"casesite_session_{port}={session}; casesite_csrf_{port}={CSRF}"

    def get(self, path: str, count: int) -> Load:
        return self._send("GET", path, count, lambda: b"", 200)

    def post(self, path: str, count: int, fields: dict[str, str]) -> Load:
        def body() -> bytes:
            token = secrets.token_urlsafe(24)
            own = {"csrfmiddlewaretoken": CSRF, "form_token": token, "subject": f"{fields['subject']} {token[:6]}"}
            return urlencode(fields | own).encode()

        return self._send("POST", path, count, body, 302)

    def text(self, path: str) -> str:
        """One page as it comes."""
        line = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=60)
        line.request("GET", path, headers={"Cookie": self.cookies})
        return line.getresponse().read().decode()

    def fragment(self, path: str, count: int, typed: str) -> Load:
        """What htmx asks for while somebody fills in a form."""
        body = f"csrfmiddlewaretoken={CSRF}&{typed}".encode()
        return self._send("POST", path, count, lambda: body, 200, {"HX-Request": "true"})

    def _send(
        self,
        method: str,
        path: str,
        count: int,
        body: Callable[[], bytes],
        expected: int,
        more: dict[str, str] | None = None,
    ) -> Load:
        bodies = [body() for _request in range(count)]
        refused: list[str] = []
        seconds: list[float] = []
        threads = [
            threading.Thread(
                target=self._one,
                args=(method, path, bodies[number :: self.connections], expected, refused, seconds, more),
                daemon=True,
            )
            for number in range(self.connections)
        ]
        server = list(family(self.pid))
        cpu, began = cpu_seconds(server), time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took, cpu = time.monotonic() - began, cpu_seconds(server) - cpu
        if refused:
            raise SystemExit(f"{method} {path}: {refused[0]}")
        return Load(count / took, cpu / count, seconds)

    def _one(
        self,
        method: str,
        path: str,
        bodies: list[bytes],
        expected: int,
        refused: list[str],
        seconds: list[float],
        more: dict[str, str] | None,
    ) -> None:
        headers = {"Cookie": self.cookies} | (more or {})
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        line = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=60)
        try:
            for body in bodies:
                began = time.monotonic()
                line.request(method, path, body or None, headers)
                answer = line.getresponse()
                text = answer.read()
                seconds.append(time.monotonic() - began)
                if answer.status != expected or "/login" in (answer.getheader("Location") or ""):
                    refused.append(f"{answer.status} {answer.getheader('Location')} {text[-3000:].decode()}")
                    return
        except OSError as exc:
            refused.append(str(exc))
        finally:
            line.close()
