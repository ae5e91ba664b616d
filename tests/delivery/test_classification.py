"""Every row of what an answer proves (docs/delivery.md), against real HTTP, for Support and for Connect.

Each row: the error as the SDK throws it, the attempt's outcome, the submission's state and reason, and that one request at
most went out, also where the environment asks for five.
"""

import re
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from casesite import failpoints
from casesite.aws import clients as clients_module
from casesite.aws import errors
from casesite.aws.clients import clients
from casesite.delivery import claim, sender
from casesite.delivery.models import Outcome
from casesite.lookups.reading import target_of
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.submissions import workflow
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import ReviewPolicy
from tests import named, wires
from tests import test_docs as documents
from tests.catalog.templates import a_template
from tests.factories import a_connect_draft, a_connect_template, a_submission, a_team, an_account

pytestmark = pytest.mark.django_db
CREATE = "support.CreateCase"
DONE, NOT_SENT, UNKNOWN = Outcome.DONE, Outcome.NOT_SENT, Outcome.UNKNOWN
RETRY, FINAL = Outcome.REFUSED_RETRY, Outcome.REFUSED_FINAL


@pytest.fixture(autouse=True)
def attempts_asked_for(request, monkeypatch):
    """How often the environment would have the SDK try: five times, or as it likes."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", getattr(request, "param", "5"))
    if not getattr(request, "param", "5"):
        monkeypatch.delenv("AWS_MAX_ATTEMPTS")


# The errors that the SDK would try again.
also_by_default = pytest.mark.parametrize(
    "attempts_asked_for", ["5", ""], indirect=True, ids=["asked for 5", "default"]
)


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch):
    """The same one try, without the half minute that a real time-out takes."""
    hurried = Config(connect_timeout=0.3, read_timeout=0.3)
    monkeypatch.setattr(clients_module, "ONE_TRY", clients_module.ONE_TRY.merge(hurried))


@pytest.fixture
def submission(sandbox, bells):
    submission = a_submission(State.QUEUED)
    clients.keys(target_of(submission.account))  # asked at the simulator, before the line is spoilt
    return submission


def send(submission: Any) -> Any:
    """Claim and send the row; returns its one attempt."""
    sender.send(claim.claim_next(submission.account_id))
    submission.refresh_from_db()
    return submission.attempts.get()


def gate_of(submission: Any) -> AccountGate:
    return AccountGate.objects.get(account=submission.account, mode=Mode.WRITE)


# --- what AWS answers --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Answer:
    """A fault of the simulator and what it proves."""

    fault: str
    outcome: Outcome
    state: State
    reason: str
    error_class: str
    more: dict[str, Any]
    stopped: bool = False  # the account's circuit opens at once


# The SDK has a class of its own for each.
MODELLED = {"CaseCreationLimitExceeded", "CaseIdNotFound", "DryRunOperationException"} | {
    "AttachmentSetExpired",
    "AttachmentSetIdNotFound",
    "UploadIdNotFound",
    "InternalServerError",
    "ThrottlingException",
}


def refusal(code: str, status: int, outcome: Outcome, reason: Reason, *, stopped: bool = False, message: str = "no"):
    state = State.FAILED if outcome == FINAL else State.UNKNOWN if outcome == UNKNOWN else State.QUEUED
    more = {"code": code, "status": status, "message": message}
    return Answer("error", outcome, state, reason, code if code in MODELLED else "ClientError", more, stopped)


def unclear(fault: str, error_class: str, reason: Reason, when: str) -> Answer:
    return Answer(fault, UNKNOWN, State.UNKNOWN, reason, error_class, {"when": when})


OLD = "Signature expired: 20260302T090000Z is now earlier than 20260302T091500Z"
REFUSALS = [
    refusal("RequestExpired", 400, RETRY, Reason.CLOCK),
    refusal("InvalidSignatureException", 403, RETRY, Reason.CLOCK, message=OLD),
    refusal("ThrottlingException", 400, RETRY, Reason.THROTTLED),
    refusal("TooManyRequestsException", 429, RETRY, Reason.THROTTLED),
    refusal("RequestLimitExceeded", 400, RETRY, Reason.THROTTLED),
    refusal("SlowDown", 400, RETRY, Reason.THROTTLED),
    refusal("SomethingElse", 429, RETRY, Reason.THROTTLED),
    refusal("CaseCreationLimitExceeded", 400, RETRY, Reason.QUOTA),
    refusal("AttachmentSetExpired", 400, RETRY, Reason.FILES_AGAIN),
    refusal("AttachmentSetIdNotFound", 400, RETRY, Reason.FILES_AGAIN),
    refusal("UploadIdNotFound", 400, RETRY, Reason.FILES_AGAIN),
    refusal("ExpiredTokenException", 403, RETRY, Reason.CREDENTIALS),
    refusal("AccessDeniedException", 403, RETRY, Reason.ACCESS, stopped=True),
    refusal("NotAuthorized", 400, RETRY, Reason.ACCESS, stopped=True),
    refusal("UnrecognizedClientException", 403, RETRY, Reason.ACCESS, stopped=True),
    refusal("InvalidClientTokenId", 403, RETRY, Reason.ACCESS, stopped=True),
    refusal("IncompleteSignature", 403, RETRY, Reason.ACCESS, stopped=True),
    refusal("SignatureDoesNotMatch", 403, RETRY, Reason.ACCESS, stopped=True),
    refusal("InvalidSignatureException", 403, RETRY, Reason.ACCESS, stopped=True),
    refusal("SubscriptionRequiredException", 400, RETRY, Reason.ACCESS, stopped=True),
    refusal("OptInRequired", 403, RETRY, Reason.ACCESS, stopped=True),
    refusal("ValidationException", 400, FINAL, Reason.REFUSED),
    refusal("ValidationError", 400, FINAL, Reason.REFUSED),
    refusal("InvalidParameterValueException", 400, FINAL, Reason.REFUSED),
    refusal("SerializationException", 400, FINAL, Reason.REFUSED),
    refusal("RequestEntityTooLargeException", 413, FINAL, Reason.REFUSED),
    refusal("413", 413, FINAL, Reason.REFUSED),
    refusal("CaseIdNotFound", 400, FINAL, Reason.REFUSED),
    refusal("ResourceNotFoundException", 404, FINAL, Reason.REFUSED),
    refusal("DryRunOperationException", 400, FINAL, Reason.OUR_BUG, stopped=True),
    refusal("InternalServerError", 500, UNKNOWN, Reason.UNCLEAR),
    refusal("AccessDeniedException", 500, UNKNOWN, Reason.UNCLEAR),
    refusal("RequestTimeout", 408, UNKNOWN, Reason.UNCLEAR),
    refusal("GatewayTimeout", 504, UNKNOWN, Reason.UNCLEAR),
    refusal("ConflictException", 409, UNKNOWN, Reason.UNCLEAR),
    refusal("NobodyListsThis", 400, UNKNOWN, Reason.UNCLEAR),
]
SUPPORT_ONLY = ("CaseCreationLimit", "CaseIdNotFound", "AttachmentSet", "UploadId", "DryRun")
CONNECT_REFUSALS = [
    refusal("ServiceQuotaExceededException", 402, RETRY, Reason.SERVICE_QUOTA),
    *(row for row in REFUSALS if not row.more["code"].startswith(SUPPORT_ONLY)),
]
UNCLEAR = [
    unclear(fault, error_class, reason, when)
    for fault, error_class, reason in (
        ("error_500", "InternalServerError", Reason.UNCLEAR),
        ("error_502", "ClientError", Reason.UNCLEAR),
        ("error_503", "ClientError", Reason.UNCLEAR),
        ("empty", "NoCaseId", Reason.UNCLEAR),
        ("foreign", "NoCaseId", Reason.UNCLEAR),
        ("cut", "NoCaseId", Reason.UNCLEAR),
        ("drop", "ConnectionClosedError", Reason.NO_ANSWER),
        ("reset", "ConnectionClosedError", Reason.NO_ANSWER),
        ("hang", "ReadTimeoutError", Reason.NO_ANSWER),
    )
    for when in ("before", "after")
]


@pytest.mark.parametrize("row", REFUSALS, ids=[f"{row.more['code']}-{row.more['status']}" for row in REFUSALS])
def test_an_error_that_aws_answers(row, sandbox, submission):
    sandbox.fault(CREATE, row.fault, **row.more)

    attempt = send(submission)

    assert (attempt.outcome, submission.state, submission.reason_code) == (row.outcome, row.state, row.reason)
    assert (attempt.error_class, attempt.aws_code) == (row.error_class, row.more["code"])
    assert (attempt.http_status, attempt.error_text) == (row.more["status"], row.more["message"])
    assert (gate_of(submission).circuit == Circuit.OPEN) is row.stopped
    assert [request["sdk_attempt"] for request in sandbox.requests(CREATE)] == [1]
    assert sandbox.cases() == []


@also_by_default
@pytest.mark.parametrize("row", UNCLEAR, ids=[f"{row.fault}-{row.more['when']}" for row in UNCLEAR])
def test_an_answer_that_proves_nothing(row, sandbox, submission):
    sandbox.fault(CREATE, row.fault, seconds=2, **row.more)

    attempt = send(submission)

    assert (attempt.outcome, submission.state, submission.reason_code) == (row.outcome, row.state, row.reason)
    assert attempt.error_class == row.error_class
    assert attempt.signed_at is not None
    assert [request["sdk_attempt"] for request in sandbox.requests(CREATE)] == [1]
    assert len(sandbox.cases()) == (1 if row.more["when"] == "after" else 0)


def test_an_answer_with_a_case_id_proves_the_case(sandbox, submission):
    attempt = send(submission)

    assert (attempt.outcome, submission.state) == (DONE, State.DELIVERED)
    assert attempt.remote_id == submission.remote_id == sandbox.cases()[0].case_id
    assert [request["sdk_attempt"] for request in sandbox.requests(CREATE)] == [1]


ANSWERS = {
    "301": ("301 Moved Permanently", b"", "Location: http://127.0.0.1:9/"),
    "302": ("302 Found", b"", "Location: http://127.0.0.1:9/"),
    "307": ("307 Temporary Redirect", b"", "Location: http://127.0.0.1:9/"),
    "307 with a code of AWS": ("307 Temporary Redirect", b'{"__type": "ValidationException"}'),
    "408": ("408 Request Timeout", b""),
    "504": ("504 Gateway Timeout", b"<html></html>", "Content-Type: text/html"),
    "200 with a blank id": ("200 OK", b'{"caseId": "  "}'),
    "200 with an id of another kind": ("200 OK", b'{"caseId": null}'),
    "403 of a proxy": ("403 Forbidden", b"<html></html>", "Content-Type: text/html"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_not_of_aws_proves_nothing(answer, settings, submission):
    with wires.wire(wires.answering(*answer)) as wire:
        settings.SANDBOX_URL = wire.url

        attempt = send(submission)

    assert (attempt.outcome, submission.state) == (UNKNOWN, State.UNKNOWN)
    assert attempt.http_status == int(answer[0][:3])
    assert len(wire.requests) == 1


@pytest.mark.parametrize(("status", "reason"), [("429 Too Many", Reason.THROTTLED), ("413 Too Large", Reason.REFUSED)])
def test_a_bare_status_is_enough_where_the_row_says_so(status, reason, settings, submission):
    with wires.wire(wires.answering(status)) as wire:
        settings.SANDBOX_URL = wire.url

        send(submission)

    assert submission.reason_code == reason
    assert len(wire.requests) == 1


def test_an_odd_date_does_not_spoil_a_good_answer(settings, submission):
    answer = wires.answering("200 OK", b'{"caseId": "case-1"}', "Date: Mon, 2 Mar 99999999999999999999 09:00:00 -0000")
    with wires.wire(answer) as wire:
        settings.SANDBOX_URL = wire.url

        attempt = send(submission)

    assert (attempt.outcome, submission.state, submission.remote_id) == (DONE, State.DELIVERED, "case-1")


# --- what happens on the line ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Line:
    """A server below HTTP, and what is proven by what it does."""

    behave: wires.Behaviour
    error_class: str
    outcome: Outcome
    requests: int  # that were read at the other end
    scheme: str = "http"
    trusted: bool = False  # its certificate


OK, HALF = "HTTP/1.1 200 OK\r\n", b'{"caseId": "case-1'
LINES = {
    "closed": Line(wires.close_after_request, "ConnectionClosedError", UNKNOWN, 1),
    "reset": Line(wires.reset_after_request, "ConnectionClosedError", UNKNOWN, 1),
    "silent": Line(wires.hang_after_request, "ReadTimeoutError", UNKNOWN, 1),
    "no HTTP": Line(wires.saying(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "ConnectionClosedError", UNKNOWN, 1),
    "half a status line": Line(wires.saying(b"HTTP/1.1 2"), "ConnectionClosedError", UNKNOWN, 1),
    "truncated": Line(wires.saying(f"{OK}Content-Length: 90\r\n\r\n".encode() + HALF), "NoCaseId", UNKNOWN, 1),
    "truncated chunk": Line(
        wires.saying(f"{OK}Transfer-Encoding: chunked\r\n\r\n40\r\n".encode() + HALF),
        "ConnectionClosedError",
        UNKNOWN,
        1,
    ),
    "null": Line(wires.answering("200 OK", b"null"), "AttributeError", UNKNOWN, 1),
    "no text": Line(wires.answering("200 OK", b"\xff\xfe"), "UnicodeDecodeError", UNKNOWN, 1),
    "untrusted certificate": Line(wires.over_tls(wires.hang), "SSLError", NOT_SENT, 0, "https"),
    "no TLS": Line(wires.no_tls, "SSLError", UNKNOWN, 0, "https"),
    "handshake closed": Line(wires.closing_the_handshake, "SSLError", UNKNOWN, 0, "https"),
    "handshake hangs": Line(wires.hang, "ReadTimeoutError", UNKNOWN, 0, "https"),
    "closed over TLS": Line(
        wires.over_tls(wires.close_after_request), "ConnectionClosedError", UNKNOWN, 1, "https", trusted=True
    ),
    "silent over TLS": Line(
        wires.over_tls(wires.hang_after_request), "ReadTimeoutError", UNKNOWN, 1, "https", trusted=True
    ),
}


@also_by_default
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_trouble_on_the_line(line, settings, monkeypatch, tmp_path, submission):
    if line.trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(wires.certificate_in(tmp_path)))
    with wires.wire(line.behave, scheme=line.scheme) as wire:
        settings.SANDBOX_URL = wire.url

        attempt = send(submission)

    assert (attempt.error_class, attempt.outcome) == (line.error_class, line.outcome)
    assert submission.state == (State.UNKNOWN if line.outcome == UNKNOWN else State.QUEUED)
    assert (wire.accepted, len(wire.bodies)) == (1, line.requests)


def test_an_untrusted_certificate_stops_the_account(settings, submission):
    with wires.wire(wires.over_tls(wires.hang), scheme="https") as wire:
        settings.SANDBOX_URL = wire.url

        send(submission)

    gate = gate_of(submission)
    assert (gate.circuit, gate.trouble) == (Circuit.OPEN, "access")
    assert "certificate" in gate.last_error
    assert submission.reason_code == Reason.CONNECTION


def refused(_stack: ExitStack) -> str:
    return wires.REFUSING


def never_connecting(stack: ExitStack) -> str:
    return stack.enter_context(wires.full_wire())


@pytest.mark.parametrize(
    ("address", "error_class"),
    [(refused, "EndpointConnectionError"), (never_connecting, "ConnectTimeoutError")],
    ids=["TCP refused", "TCP in no time"],
)
def test_what_never_connected_waits_and_counts_for_the_circuit(address, error_class, settings, submission):
    with ExitStack() as stack:
        settings.SANDBOX_URL = address(stack)

        attempt = send(submission)

    assert (attempt.error_class, attempt.outcome) == (error_class, NOT_SENT)
    assert (submission.state, submission.reason_code) == (State.QUEUED, Reason.CONNECTION)
    assert (gate_of(submission).failures, gate_of(submission).circuit) == (1, Circuit.CLOSED)
    assert submission.refusals == 1


# --- outside the sandbox: names, proxies, credentials ---------------------------------------------------------------------------------
@pytest.fixture
def live(sandbox, settings, monkeypatch) -> Callable[..., None]:
    """Outside sandbox mode, with the site's own keys; `live(submission, url)` says where Support is."""

    def go(submission: Any, support_url: str) -> None:
        account = submission.account.account_id
        monkeypatch.setattr(clients, "_session", None)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"SANDBOXKEY{account}")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"sandbox-secret-{account}")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        settings.SANDBOX = False
        settings.AWS_ENDPOINTS = {"sts": sandbox.url, "support": support_url}
        clients.forget_everything()
        clients.keys(target_of(submission.account))

    return go


def test_a_name_that_nobody_knows_was_not_sent(live, submission):
    live(submission, "https://support.invalid")

    attempt = send(submission)

    assert (attempt.error_class, attempt.outcome) == ("EndpointConnectionError", NOT_SENT)
    assert (submission.state, submission.reason_code) == (State.QUEUED, Reason.CONNECTION)


FORBIDDING = wires.answering("403 Forbidden")
PROXIES = {
    "refuses the tunnel": Line(FORBIDDING, "ProxyConnectionError", NOT_SENT, 0, "https"),
    "takes the request, then closes": Line(wires.close_after_request, "ProxyConnectionError", UNKNOWN, 1, "http"),
    "takes the request, then resets": Line(wires.reset_after_request, "ProxyConnectionError", UNKNOWN, 1, "http"),
    "takes the request, then is silent": Line(wires.hang_after_request, "ReadTimeoutError", UNKNOWN, 1, "http"),
    "answers by itself": Line(FORBIDDING, "ClientError", UNKNOWN, 1, "http"),
    "silent before the tunnel": Line(wires.hang, "ReadTimeoutError", UNKNOWN, 0, "https"),
    "tunnels to what closes": Line(
        wires.tunnelling(wires.over_tls(wires.close_after_request)), "ProxyConnectionError", UNKNOWN, 1, "https", True
    ),
    "tunnels to an untrusted one": Line(wires.tunnelling(wires.over_tls(wires.hang)), "SSLError", NOT_SENT, 0, "https"),
}


@pytest.mark.parametrize("line", PROXIES.values(), ids=PROXIES)
def test_a_proxy_proves_only_what_it_did_not_take(line, live, monkeypatch, tmp_path, submission):
    if line.trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(wires.certificate_in(tmp_path)))
    live(submission, f"{line.scheme}://127.0.0.1:9")
    with wires.wire(line.behave) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)

        attempt = send(submission)

    assert (attempt.error_class, attempt.outcome) == (line.error_class, line.outcome)
    assert (proxy.accepted, len(proxy.bodies)) == (1, line.requests)


def test_a_proxy_that_is_not_there_took_nothing(live, monkeypatch, submission):
    live(submission, "https://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", wires.REFUSING)

    attempt = send(submission)

    assert (attempt.error_class, attempt.outcome) == ("ProxyConnectionError", NOT_SENT)
    assert submission.reason_code == Reason.CONNECTION


def test_a_parameter_that_the_sdk_refuses_is_not_sent_and_fails(sandbox, submission):
    row = claim.claim_next(submission.account_id)
    row.payload["subject"] = 7  # in memory: no form lets it come to this

    sender.send(row)

    submission.refresh_from_db()
    assert (submission.state, submission.reason_code) == (State.FAILED, Reason.INVALID)
    assert submission.attempts.get().error_class == "ParamValidationError"
    assert submission.attempts.get().outcome == NOT_SENT
    assert sandbox.requests(CREATE) == []


# --- no credentials: not even an attempt ------------------------------------------------------------------------------------------
def prepare_in_vain(submission: Any) -> None:
    sender.send(claim.claim_next(submission.account_id))
    submission.refresh_from_db()
    assert submission.state == State.QUEUED
    assert submission.attempts.count() == 0


@pytest.mark.parametrize("given", [{}, {"AWS_ACCESS_KEY_ID": "AKIAALONE"}], ids=["none", "partial"])
def test_without_credentials_nothing_is_tried_and_the_account_stops(given, live, sandbox, monkeypatch, submission):
    live(submission, sandbox.url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name, value in {**given, "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    clients.forget_everything()
    monkeypatch.setattr(clients, "_session", None)

    prepare_in_vain(submission)

    assert submission.reason_code == Reason.CREDENTIALS
    assert (gate_of(submission).circuit, gate_of(submission).trouble) == (Circuit.OPEN, "access")


def test_a_role_that_can_not_be_assumed_stops_the_account(sandbox, submission):
    sandbox.fault("sts.GetCallerIdentity", "error", times=None, code="AccessDenied", status=403, message="not you")
    clients.forget_everything()

    prepare_in_vain(submission)

    assert (submission.reason_code, submission.reason_text) == (Reason.CREDENTIALS, "not you")
    assert gate_of(submission).circuit == Circuit.OPEN


def test_an_sts_that_fails_is_the_lines_trouble(sandbox, monkeypatch, submission):
    monkeypatch.setattr(clients_module, "READS", clients_module.ONE_TRY)  # without the SDK's pauses between tries
    sandbox.fault("sts.GetCallerIdentity", "error_503", times=None)
    clients.forget_everything()

    prepare_in_vain(submission)

    assert submission.reason_code == Reason.CONNECTION
    assert (gate_of(submission).circuit, gate_of(submission).failures) == (Circuit.CLOSED, 1)


# --- Connect ------------------------------------------------------------------------------------------------------------------
CONNECT_CREATE = "connectcases.CreateCase"


@pytest.fixture
def connect_case(sandbox, bells):
    """A queued Connect case, by a template that the site has fetched once."""
    account = an_account(a_team(), connect_regions="us-east-1", review_policy=ReviewPolicy.NEVER)
    case = a_connect_draft(a_connect_template(account, a_template()), typed={"title": "Late delivery"})
    submission = workflow.submit(case, by=case.author)
    clients.keys(target_of(account))
    return submission


def send_to_connect(submission: Any) -> Any:
    """Claim and send the row; returns its one attempt."""
    sender.send(claim.claim_next(submission.account_id, submission.region))
    submission.refresh_from_db()
    return submission.attempts.get()


@pytest.mark.parametrize(
    "row", CONNECT_REFUSALS, ids=[f"{row.more['code']}-{row.more['status']}" for row in CONNECT_REFUSALS]
)
def test_an_error_that_connect_answers(row, sandbox, connect_case):
    sandbox.fault(CONNECT_CREATE, row.fault, **row.more)

    attempt = send_to_connect(connect_case)

    assert (attempt.outcome, connect_case.state, connect_case.reason_code) == (row.outcome, row.state, row.reason)
    assert (attempt.aws_code, attempt.http_status) == (row.more["code"], row.more["status"])
    assert (gate_of(connect_case).circuit == Circuit.OPEN) is row.stopped
    assert [request["sdk_attempt"] for request in sandbox.requests(CONNECT_CREATE)] == [1]


@pytest.mark.parametrize(
    "fault", ["error_500", "error_502", "error_503", "empty", "foreign", "cut", "drop", "reset", "hang"]
)
def test_an_answer_of_connect_that_proves_nothing(fault, sandbox, connect_case):
    sandbox.fault(CONNECT_CREATE, fault, seconds=2)

    attempt = send_to_connect(connect_case)

    assert (attempt.outcome, connect_case.state) == (UNKNOWN, State.UNKNOWN)
    assert [request["sdk_attempt"] for request in sandbox.requests(CONNECT_CREATE)] == [1]


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_trouble_on_the_line_to_connect(line, settings, monkeypatch, tmp_path, connect_case):
    if line.trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(wires.certificate_in(tmp_path)))
    with wires.wire(line.behave, scheme=line.scheme) as wire:
        settings.SANDBOX_URL = wire.url

        attempt = send_to_connect(connect_case)

    assert attempt.outcome == line.outcome
    assert connect_case.state == (State.UNKNOWN if line.outcome == UNKNOWN else State.QUEUED)
    assert (wire.accepted, len(wire.bodies)) == (1, line.requests)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_not_of_connect_proves_nothing(answer, settings, connect_case):
    with wires.wire(wires.answering(*answer)) as wire:
        settings.SANDBOX_URL = wire.url

        attempt = send_to_connect(connect_case)

    assert (attempt.outcome, connect_case.state) == (UNKNOWN, State.UNKNOWN)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(("status", "reason"), [("429 Too Many", Reason.THROTTLED), ("413 Too Large", Reason.REFUSED)])
def test_a_bare_status_of_connect_is_enough_where_the_row_says_so(status, reason, settings, connect_case):
    with wires.wire(wires.answering(status)) as wire:
        settings.SANDBOX_URL = wire.url

        send_to_connect(connect_case)

    assert connect_case.reason_code == reason


@pytest.mark.parametrize("address", [refused, never_connecting], ids=["TCP refused", "TCP in no time"])
def test_what_never_connected_to_connect_waits_and_counts_for_the_circuit(address, settings, connect_case):
    with ExitStack() as stack:
        settings.SANDBOX_URL = address(stack)

        attempt = send_to_connect(connect_case)

    assert (attempt.outcome, connect_case.state, connect_case.reason_code) == (
        NOT_SENT,
        State.QUEUED,
        Reason.CONNECTION,
    )
    assert (gate_of(connect_case).failures, gate_of(connect_case).circuit) == (1, Circuit.CLOSED)


def test_a_request_to_connect_held_too_long_does_not_leave(sandbox, connect_case, monkeypatch):
    real = clients_module.boottime

    with failpoints.armed("E", lambda: monkeypatch.setattr(clients_module, "boottime", lambda: real() + 31)):
        attempt = send_to_connect(connect_case)

    assert (attempt.outcome, attempt.error_class, connect_case.state) == (NOT_SENT, "TooLate", State.QUEUED)
    assert sandbox.requests(CONNECT_CREATE) == []


def test_a_parameter_for_connect_that_the_sdk_refuses_is_not_sent_and_fails(sandbox, connect_case):
    row = claim.claim_next(connect_case.account_id, connect_case.region)
    row.payload["fields"] = 7  # in memory: no form lets it come to this

    sender.send(row)

    connect_case.refresh_from_db()
    assert (connect_case.state, connect_case.reason_code) == (State.FAILED, Reason.INVALID)
    assert sandbox.requests(CONNECT_CREATE) == []


@pytest.mark.parametrize("end", [SystemExit, MemoryError])
def test_an_end_in_the_middle_of_a_call_to_connect_is_unknown(end, connect_case):
    def stop():
        raise end

    with failpoints.armed("F", stop), suppress(SystemExit):
        send_to_connect(connect_case)

    connect_case.refresh_from_db()
    assert (connect_case.state, connect_case.attempts.get().outcome) == (State.UNKNOWN, UNKNOWN)


def test_a_role_that_can_not_be_assumed_stops_the_lane_of_connect(sandbox, connect_case):
    sandbox.fault("sts.GetCallerIdentity", "error", times=None, code="AccessDenied", status=403, message="not you")
    clients.forget_everything()

    sender.send(claim.claim_next(connect_case.account_id, connect_case.region))

    connect_case.refresh_from_db()
    assert (connect_case.state, connect_case.reason_code) == (State.QUEUED, Reason.CREDENTIALS)
    assert connect_case.attempts.count() == 0
    assert gate_of(connect_case).circuit == Circuit.OPEN


# --- the whole table -----------------------------------------------------------------------------------------------------------
SENDER, CONNECT = "tests/delivery/test_sender.py::", "tests/delivery/test_connect.py::"
BY_ANSWER = ("test_an_error_that_aws_answers", "test_an_error_that_connect_answers")
BY_LINE = ("test_trouble_on_the_line", "test_trouble_on_the_line_to_connect")
# Each row of the document by its beginning, and the tests that show it: of Support, of Connect. None: it can not be there.
ROWS: dict[str, tuple[str | None, str | None]] = {
    "any error before the hook": (
        "test_without_credentials_nothing_is_tried_and_the_account_stops",
        "test_a_role_that_can_not_be_assumed_stops_the_lane_of_connect",
    ),
    "a parameter the SDK": (
        "test_a_parameter_that_the_sdk_refuses_is_not_sent_and_fails",
        "test_a_parameter_for_connect_that_the_sdk_refuses_is_not_sent_and_fails",
    ),
    "held longer than 30 s": (
        f"{SENDER}test_a_request_held_for_30_seconds_after_its_intent_does_not_leave",
        "test_a_request_to_connect_held_too_long_does_not_leave",
    ),
    "name not resolved": (
        "test_what_never_connected_waits_and_counts_for_the_circuit",
        "test_what_never_connected_to_connect_waits_and_counts_for_the_circuit",
    ),
    # One client is made as the other: the proxy is no matter of the service.
    "proxy not reached": (
        "test_a_proxy_that_is_not_there_took_nothing",
        "test_a_proxy_proves_only_what_it_did_not_take",
    ),
    "the other side's certificate": ("test_an_untrusted_certificate_stops_the_account", BY_LINE[1]),
    "any other TLS error": BY_LINE,
    "no answer in time": BY_LINE,
    "connection reset or closed": BY_LINE,
    "200 with a case id": (
        "test_an_answer_with_a_case_id_proves_the_case",
        f"{CONNECT}test_approved_case_is_opened_once_with_its_values_tag_and_person",
    ),
    "200 without a case id": (
        "test_an_answer_that_is_not_of_aws_proves_nothing",
        "test_an_answer_of_connect_that_proves_nothing",
    ),
    "HTTP 5xx, 408 or 3xx": (
        "test_an_answer_that_is_not_of_aws_proves_nothing",
        "test_an_answer_that_is_not_of_connect_proves_nothing",
    ),
    "`RequestExpired`": BY_ANSWER,
    "429, `Throttling": BY_ANSWER,
    "`AttachmentSetExpired`": (BY_ANSWER[0], None),  # Connect takes no sets, and its uploads belong to another call
    "`CaseCreationLimitExceeded`": (BY_ANSWER[0], None),  # Connect counts no hour
    "`ServiceQuotaExceeded": (None, BY_ANSWER[1]),
    "`ExpiredToken": BY_ANSWER,
    "`AccessDenied": BY_ANSWER,
    "`ValidationException`": BY_ANSWER,
    "`DryRunOperationException`": (BY_ANSWER[0], None),  # Connect knows no dry runs
    "any other 4xx": BY_ANSWER,
    "the worker's thread": (
        f"{SENDER}test_an_end_in_the_middle_of_the_call_is_written_down_and_goes_on",
        "test_an_end_in_the_middle_of_a_call_to_connect_is_unknown",
    ),
}
CLASSES = {"not sent": NOT_SENT, "unknown": UNKNOWN, "done": DONE, "refused for now": RETRY, "refused for good": FINAL}
DOCUMENTED = documents.rows(documents.section(documents.DELIVERY, "What an answer proves"))


def test_every_row_of_the_table_has_its_tests():
    shown = {beginning: [what for what, *_rest in DOCUMENTED if what.startswith(beginning)] for beginning in ROWS}

    assert [found for found in shown.values() if len(found) != 1] == []
    assert [found[0] for found in shown.values()] == [what for what, *_rest in DOCUMENTED]
    tests = {test for pair in ROWS.values() for test in pair if test}
    here = str(Path(__file__).relative_to(named.ROOT))
    assert [test for test in tests if not named.exists(test if "::" in test else f"{here}::{test}")] == []
    assert [beginning for beginning, pair in ROWS.items() if not any(pair)] == []


def test_every_code_in_the_table_is_answered_and_classed_as_it_says():
    tried = {(row.more["code"], row.outcome) for row in (*REFUSALS, *CONNECT_REFUSALS)}
    documented = [
        (code.rstrip("…"), CLASSES[said]) for what, said, _then in DOCUMENTED for code in re.findall(r"`(\w+…?)`", what)
    ]

    assert [
        row for row in documented if not any(code.startswith(row[0]) and end == row[1] for code, end in tried)
    ] == []
    known = {code for _cause, exact, beginnings in errors._REFUSED_FOR_NOW for code in (*exact, *beginnings)}
    known |= {code for codes in errors._REFUSED_FOR_GOOD for code in codes}
    assert {code for code in known if not code.startswith(tuple(code for code, _end in documented))} == set()
