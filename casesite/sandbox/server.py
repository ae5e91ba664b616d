"""A small threaded HTTP/1.1 server whose connections can be made to fail.

One thread serves one connection, so a request that hangs on purpose holds up nobody else; all threads are daemons, so it
holds up no shutdown either. The standard library's server is used because a fault must get at the socket.
"""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from casesite.sandbox.messages import STREAMED, Answer, Broken, Ending, Incoming, Request, json_answer

logger = logging.getLogger(__name__)

MAX_BODY = 32 * 1024 * 1024
MAX_STREAMED = 160 * 1024 * 1024
IDLE_SECONDS = 60
DRAIN_SECONDS = 2.0
LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)

Application = Callable[[Request], Answer | Broken]


class Server(ThreadingHTTPServer):
    """Listens on a loopback address and asks `application` for each answer."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, host: str, port: int, application: Application, now: Callable[[], float] = time.time) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.application = application
        self.now = now
        self.in_flight = 0
        self._counting = threading.Lock()
        super().__init__((host, port), Connection)

    def server_bind(self) -> None:
        """Bind without asking the resolver for the host's name, as the standard library would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news; anything else is a fault of ours."""
        logger.debug("connection ended", exc_info=True)

    def answer(self, request: Request) -> Answer | Broken:
        with self._counting:
            self.in_flight += 1
        try:
            return self.application(request)
        except Exception:
            logger.exception("the simulator failed on %s %s", request.method, request.path)
            return json_answer({"__type": "InternalFailure", "message": "The simulator itself failed."}, 500)
        finally:
            with self._counting:
                self.in_flight -= 1

    def drain(self) -> None:
        """Give requests being worked on a moment to end."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.in_flight and time.monotonic() < deadline:
            time.sleep(0.01)


class Connection(BaseHTTPRequestHandler):
    """One client connection: reads requests, writes answers, or breaks as told."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def serve(self) -> None:
        length = self._body_length()
        if length is None:
            return
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        incoming = Incoming(self.rfile, length) if url.path.startswith(STREAMED) else None
        body = self.rfile.read(length) if length and incoming is None else b""
        if incoming is None and len(body) < length:
            self.close_connection = True
            return
        answer = self.server.answer(Request(self.command, url.path, url.query, headers, body, incoming))
        if isinstance(answer, Broken):
            self._break_off(answer)
            return
        if incoming is not None:
            self._read_to_the_end(incoming)
        self._send_whole(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = serve

    def _body_length(self) -> int | None:
        """The length announced, or None where the request was answered with a refusal."""
        announced = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not announced.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
            return None
        if int(announced) > (MAX_STREAMED if self.path.startswith(STREAMED) else MAX_BODY):
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        return int(announced)

    def _read_to_the_end(self, incoming: Incoming) -> None:
        """Read what nobody wanted: closing on unread bytes would reset the connection under the answer."""
        for _piece in incoming.pieces():
            pass
        if incoming.left:
            self.close_connection = True

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send_whole(json_answer({"message": status.phrase}, status))

    def _send_whole(self, answer: Answer) -> None:
        if answer.files:
            self._send_part(answer, answer.length)
        else:
            self._send(self._head(answer) + answer.body)

    def _send_part(self, answer: Answer, length: int) -> None:
        """Head and the first `length` bytes of an answer, piece by piece."""
        self._send(self._head(answer))
        for piece in answer.pieces(length):
            if not self._send(piece):
                return

    def _head(self, answer: Answer) -> bytes:
        lines = [
            f"HTTP/1.1 {answer.status} {_phrase(answer.status)}",
            f"Date: {formatdate(self.server.now(), usegmt=True)}",
            f"Content-Length: {answer.length}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _send(self, data: bytes) -> bool:
        try:
            self.connection.sendall(data)
        except OSError:
            self.close_connection = True
            return False
        return True

    def _break_off(self, broken: Broken) -> None:
        self.close_connection = True
        if broken.ending is Ending.CUT:
            self._cut(broken.answer)
        elif broken.ending is Ending.RESET:
            self._reset()

    def _cut(self, answer: Answer) -> None:
        """Send half of the body, or half of the head where there is no body."""
        if answer.length:
            self._send_part(answer, answer.length // 2)
        else:
            head = self._head(answer)
            self._send(head[: len(head) // 2])

    def _reset(self) -> None:
        """Close with RST. The files made over the socket hold it open and must go first."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT_AT_ALL)
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the journal of requests tells more than an access log."""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
