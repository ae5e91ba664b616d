"""AWS in a soak: the simulator's own core, called where the SDK would open a socket.

The one thing that is replaced is `URLLib3Session.send`, below all of the SDK and above HTTP: a real server would need a
thread for each request, and then nothing could be drawn again. So signing, reading answers and every rule of the simulator
are the real ones; what real sockets do is tried elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from casesite.sandbox.app import App
from casesite.sandbox.faults import Fault, Kind
from casesite.sandbox.messages import STREAMED, AwsError, Broken, Incoming, Request
from casesite.sandbox.signature import claim_of
from tests.soak import processes
from tests.soak.clocks import Clocks

WRITES = (
    "support.CreateCase",
    "support.ResolveCase",
    "connectcases.CreateCase",
    "connectcases.BatchCreateRelatedItem",
    "connectcases.CreateRelatedItem",
)
SERVICES = {"support": "support", "cases": "connectcases"}  # by the name in the signature
LAST_LINE = re.compile(r"Ref: (CS-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})\s*$")
CLEARED = (
    *("attachment", "attachment_set", "upload_part", "upload", "communication", "support_case", "request", "fault"),
    *("client_token", "connect_file", "connect_event", "connect_item", "connect_case"),
)


@dataclass(frozen=True)
class Fate:
    """What becomes of one writing request. Without `fault` it is lost on the wire, or held back, as the words say."""

    words: str
    fault: Kind | None = None
    when: str = "before"
    code: str = ""
    status: int = 400

    def of(self, operation: str) -> Fault:
        assert self.fault is not None
        code = self.code
        if code == "CaseCreationLimitExceeded" and operation.startswith("connectcases."):
            code = "ServiceQuotaExceededException"
        known = {"code": code, "status": self.status, "message": "As drawn."} if code else {}
        return Fault(operation, self.fault, when=self.when, seconds=0, **known)


FINE = Fate("is carried out")
LOST = Fate("is lost on the way")
UNREACHED = Fate("finds nobody listening")
LATE = Fate("is held on the way, and no answer comes")
FATES = (
    FINE,
    UNREACHED,
    LOST,
    LATE,
    Fate("is carried out, and the answer is lost", Kind.DROP, "after"),
    Fate("is carried out, and no answer comes", Kind.HANG, "after"),
    Fate("is carried out, and the answer is cut", Kind.CUT, "after"),
    Fate("is carried out, and the answer is empty", Kind.EMPTY, "after"),
    Fate("is carried out, and AWS says 500", Kind.ERROR_500, "after"),
    Fate("is answered with 503 by a proxy", Kind.ERROR_503),
    Fate("is answered by somebody else", Kind.FOREIGN),
    Fate("is refused for good", Kind.ERROR, code="ValidationException"),
    Fate("is throttled", Kind.THROTTLE),
    Fate("finds the quota used up", Kind.ERROR, code="CaseCreationLimitExceeded"),
    Fate("is not let in", Kind.ERROR, code="AccessDeniedException", status=403),
    Fate("has a session that ran out", Kind.ERROR, code="ExpiredTokenException", status=403),
    Fate("conflicts with itself", Kind.ERROR, code="ConflictException", status=409),
)


@dataclass(frozen=True)
class Case:
    """A case as AWS really has it."""

    case_id: str
    marker: str

    @property
    def reference(self) -> str:
        return self.marker[:12]


class Aws:
    """One for a whole soak; `clear` makes it new."""

    def __init__(self, directory: Path, clocks: Clocks) -> None:
        self._clocks = clocks
        self.app = App(directory, 1.0)
        self.app.state.now = lambda: clocks.aws.timestamp()  # type: ignore[method-assign]
        self.before_call: Callable[[str, Request], None] = lambda _operation, _request: None
        self.clear()

    def clear(self) -> None:
        self.held: list[Request] = []
        self.reads_fail = False
        self.writes = 0
        with self.app.state.transaction():
            for table in CLEARED:
                self.app.state.execute(f"DELETE FROM {table}")
        self.app.aws.faults.reload()
        self.app.aws.rates.clear()

    def order(self, path: str, *, method: str = "POST", **given: Any) -> Any:
        """Tell or ask the simulator something, as its page does."""
        request = Request(method, f"/_sandbox/{path}", "", {"host": "127.0.0.1"}, json.dumps(given).encode())
        answer = self.app(request)
        assert not isinstance(answer, Broken) and answer.status == 200, answer
        return json.loads(answer.body)

    def install(self) -> None:
        """Take the place of the network. For good."""
        URLLib3Session.send = lambda _session, request: self._send(request)

    # --- on the wire ---------------------------------------------------------------------------------------------------
    def _send(self, sent: Any) -> AWSResponse:
        request = _as_received(sent)
        operation = self._operation(request)
        self.before_call(operation, request)
        if operation in WRITES:
            return self._write(operation, request, sent.url)
        if self.reads_fail and operation and not request.path.startswith(STREAMED):
            raise ReadTimeoutError(endpoint_url=sent.url)
        return self._answer(request, sent.url)

    def _write(self, operation: str, request: Request, url: str) -> AWSResponse:
        process = processes.Process.running
        fate = FINE
        if process is not None:
            process.request = request
            processes.stop(processes.REQUEST)
            fate, process.fate = process.fate or FINE, None
            process.met = f"({operation}) {fate.words}"
        self.writes += 1
        if fate is UNREACHED:
            raise EndpointConnectionError(endpoint_url=url)
        if fate is LOST:
            raise ConnectionClosedError(endpoint_url=url)
        if fate is LATE:
            self.held.append(request)
            raise ReadTimeoutError(endpoint_url=url)
        if fate.fault:
            self.app.aws.faults.switch_on(fate.of(operation))
        try:
            return self._answer(request, url)
        finally:
            self.app.aws.faults.switch_off()
            processes.stop(processes.ANSWER)

    def _answer(self, request: Request, url: str) -> AWSResponse:
        answer = self.app(request)
        if isinstance(answer, Broken):
            raise ConnectionClosedError(endpoint_url=url)
        headers = {"Date": formatdate(self._clocks.aws.timestamp(), usegmt=True), **answer.headers}
        response = AWSResponse(url, answer.status, headers, None)
        response._content = answer.body
        return response

    def _operation(self, request: Request) -> str:
        try:
            service = self.app.aws.service_named(SERVICES.get(claim_of(request).service, ""))
        except AwsError:
            return ""
        if service is None:
            return ""
        dry = " (dry run)" if b'"dryRun": true' in request.body else ""
        return f"{service.name}.{service.wire.operation_name(request)}{dry}"

    # --- what comes late -----------------------------------------------------------------------------------------------
    def hold(self, request: Request) -> None:
        self.held.append(request)

    def let_arrive(self, number: int) -> None:
        """Carry out what was held, if AWS still takes it: its signature is of when it was sent."""
        request = self.held.pop(number % len(self.held))
        urgent = b'"urgent"' in request.body or b'"critical"' in request.body
        self.order("settings", signature_validity=300 if urgent else 900)
        self.writes += 1
        self.app(request)

    # --- the truth -----------------------------------------------------------------------------------------------------
    def cases(self) -> list[Case]:
        """Every case there is, seen or not, oldest first."""
        state = self.app.state
        support = state.query(
            "SELECT c.case_id, m.body FROM support_case c JOIN communication m ON m.support_case = c.id"
            " GROUP BY c.id HAVING m.id = MIN(m.id) ORDER BY c.id"
        )
        found = [Case(row["case_id"], _marker(row["body"])) for row in support]
        for row in state.query("SELECT case_id, tags FROM connect_case ORDER BY number"):
            found.append(Case(row["case_id"], json.loads(row["tags"]).get("casesite-ref", "")))
        return found

    def items(self) -> list[tuple[str, str, str]]:
        """What was related to Connect cases: case id, type and content, as JSON."""
        rows = self.app.state.query(
            "SELECT c.case_id, i.type, i.content FROM connect_item i JOIN connect_case c ON c.number = i.connect_case"
            " ORDER BY i.number"
        )
        return [(row["case_id"], row["type"], row["content"]) for row in rows]


def _marker(body: str) -> str:
    found = LAST_LINE.search(body)
    return found[1] if found else ""


def _as_received(sent: Any) -> Request:
    """The SDK's request as a server reads it off the wire."""
    parts = urlsplit(sent.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in sent.headers.items()
    }
    headers.setdefault("host", parts.netloc)
    body = sent.body if sent.body is not None else b""
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else bytes(body)
    incoming = Incoming(BytesIO(body), len(body)) if parts.path.startswith(STREAMED) else None
    return Request(sent.method, parts.path, parts.query, headers, b"" if incoming else body, incoming)
