"""The wire: what the models forbid is refused, whoever sent it."""

import json
import re
import socket

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from casesite.sandbox.messages import Request
from casesite.sandbox.rest import RestJsonWire
from casesite.sandbox.shapes import compiled
from tests.sandbox.clients import ACME, ROLE, a_case, refusal, refusal_in_full, with_body


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"communicationBody": "x" * 8001}, "'communicationBody' failed to satisfy constraint: Member must have length less than or equal to 8000"),
        ({"communicationBody": ""}, "'communicationBody' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        ({"ccEmailAddresses": ["a@example.com"] * 11}, "'ccEmailAddresses' failed to satisfy constraint: Member must have length less than or equal to 10"),
        ({"uploadIds": [""]}, "'uploadIds.1.member' failed to satisfy constraint: Member must have length greater than or equal to 1"),
    ],
)  # fmt: skip
def test_case_beyond_the_models_limits_is_refused(support, sandbox, changes, constraint):
    code, status, message = refusal_in_full(support.create_case, **a_case(**changes))

    assert (code, status, message) == (
        "ValidationException",
        400,
        f"1 validation error detected: Value at {constraint}",
    )
    assert sandbox.cases() == []


def test_case_at_the_models_limits_is_taken(support):
    support.create_case(**a_case(communicationBody="x" * 8000, ccEmailAddresses=["a@example.com"] * 10))


@pytest.mark.parametrize("size", [9, 101, 0, -1])
def test_page_size_has_both_bounds(support, size):
    assert refusal(support.describe_cases, maxResults=size) == ("ValidationException", 400)
    assert refusal(support.describe_communications, caseId="x", maxResults=size) == ("ValidationException", 400)


def test_more_than_a_hundred_ids_are_refused(support):
    assert refusal(support.describe_cases, caseIdList=["x"] * 101) == ("ValidationException", 400)


def test_every_fault_of_a_request_is_named(support):
    code, _status, message = refusal_in_full(
        with_body(support, "CreateCase", {"subjekt": "x", "ccEmailAddresses": ["a"] * 11})
    )

    assert code == "ValidationException"
    assert message.startswith("4 validation errors detected: ")
    for name in ("subject", "communicationBody", "subjekt", "ccEmailAddresses"):
        assert f"'{name}'" in message


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        {**a_case(), "subject": 5},
        {**a_case(), "subject": ["x"]},
        {**a_case(), "ccEmailAddresses": "a@example.com"},
        {**a_case(), "ccEmailAddresses": {"a": 1}},
        {**a_case(), "ccEmailAddresses": [1]},
        {**a_case(), "dryRun": "true"},
        {**a_case(), "dryRun": 1},
        json.dumps({**a_case(), "subject": "\ud800"}).encode(),
    ],
)
def test_values_of_the_wrong_type_are_refused(support, sandbox, body):
    assert refusal(with_body(support, "CreateCase", body)) == ("SerializationException", 400)
    assert sandbox.cases() == []


@pytest.mark.parametrize("body", [{"maxResults": "10"}, {"maxResults": 10.5}, {"maxResults": True}])
def test_number_must_be_a_number(support, body):
    assert refusal(with_body(support, "DescribeCases", body)) == ("SerializationException", 400)


def test_null_means_left_out(support):
    with_body(support, "CreateCase", {**a_case(), "ccEmailAddresses": None, "dryRun": None})()

    assert refusal(with_body(support, "CreateCase", {**a_case(), "subject": None})) == ("ValidationException", 400)


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"RoleSessionName": "with blanks"}, "RoleSessionName"),
        ({"RoleSessionName": "x"}, "RoleSessionName"),
        ({"ExternalId": "semi;colon"}, "ExternalId"),
        ({"DurationSeconds": 899}, "DurationSeconds"),
        ({"DurationSeconds": 43201}, "DurationSeconds"),
        ({"RoleArn": "arn:short"}, "RoleArn"),
        ({"RoleArn": ROLE + "\x07"}, "RoleArn"),
        ({"Tags": [{"Key": "bad;key", "Value": "x"}]}, "Tags.1.member.Key"),
        ({"TokenCode": "12345a"}, "TokenCode"),
    ],
)
def test_query_protocol_is_checked_by_its_model_too(clients, sandbox, changes, member):
    params = {"RoleArn": ROLE, "RoleSessionName": "casesite", **changes}

    code, status, message = refusal_in_full(clients.sts().assume_role, **params)

    assert (code, status) == ("ValidationError", 400)
    assert f"'{member}'" in message


def test_query_protocol_nests_lists_and_structures(clients, sandbox):
    clients.sts().assume_role(
        RoleArn=ROLE,
        RoleSessionName="casesite",
        Tags=[{"Key": "team", "Value": "Zürich 1"}, {"Key": "env", "Value": ""}],
        TransitiveTagKeys=["team"],
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AWSSupportAccess"}],
    )


@pytest.mark.parametrize(
    ("service", "operation", "params", "code"),
    [
        ("support", "describe_trusted_advisor_checks", {"language": "en"}, "UnknownOperationException"),
        ("sts", "get_session_token", {}, "InvalidAction"),
    ],
)
def test_operation_not_built_is_unknown(clients, sandbox, service, operation, params, code):
    client = getattr(clients, service)(ACME)

    assert refusal(getattr(client, operation), **params) == (code, 400)


@pytest.mark.parametrize("service", ["support", "sts", "connectcases", "customer-profiles", "connect"])
def test_every_pattern_of_the_models_compiles(service):
    model = ServiceModel(Loader().load_service_model(service, "service-2"))

    patterns = [
        shape.metadata["pattern"] for shape in map(model.shape_for, model.shape_names) if "pattern" in shape.metadata
    ]

    assert all(compiled(pattern) for pattern in patterns)


def test_patterns_written_for_java_mean_the_same_here():
    arn = compiled(r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+")
    tag = compiled(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+")

    assert arn.fullmatch("arn:aws:iam::111122223333:role/ünïcode-🙂")
    assert not arn.fullmatch("arn\x07")
    assert tag.fullmatch("Größe 日本 ٣")
    assert not tag.fullmatch("semi;colon")
    assert compiled(r"^\P{C}*$").fullmatch("Rechnung für März.pdf")
    assert not compiled(r"^[\P{C}\r\n\t]{1,127}$").fullmatch("bell\x07")


def ask(sandbox, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -4\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"400"),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", b"501"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_what_no_sdk_sends_is_answered_too(sandbox, head, status):
    assert status in ask(sandbox, head).split(b"\r\n")[0]


def test_unsigned_request_is_told_so_in_its_own_protocol(sandbox):
    as_json = ask(
        sandbox,
        b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AWSSupport_20130415.CreateCase\r\nContent-Length: 2\r\n\r\n{}",
    )
    form = b"Action=GetCallerIdentity&Version=2011-06-15"
    as_xml = ask(sandbox, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(form), form))

    assert b"403" in as_json.split(b"\r\n")[0]
    assert json.loads(as_json.partition(b"\r\n\r\n")[2])["__type"] == "MissingAuthenticationTokenException"
    assert b"<Code>MissingAuthenticationToken</Code>" in as_xml


def test_half_a_request_does_nothing(sandbox):
    ask(sandbox, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{}")

    assert sandbox.requests() == []


# --- paths -------------------------------------------------------------------------------------------------------------
def test_rest_operation_not_built_is_unknown(cases, care):
    assert refusal(cases.delete_field, domainId=care.domain_id, fieldId="x") == ("UnknownOperationException", 400)


@pytest.mark.parametrize("odd", ["a/b", "a b", "ü", "a%2Fb", "..", "?x=y", "#"])
def test_parameters_in_paths_may_hold_anything(cases, care, odd):
    code, status, message = refusal_in_full(cases.get_template, domainId=care.domain_id, templateId=odd)

    assert (code, status, message) == ("ResourceNotFoundException", 404, f"Template not found: {odd}")


@pytest.mark.parametrize(
    "body", [b"{not json", b"[]", b'{"templateId": 5}', b'{"fields": {}}', b'{"fields": [{"id": NaN}]}']
)
def test_rest_body_that_is_none_is_refused(cases, care, sandbox, body):
    def replace(params, **_context):
        params["body"] = body

    cases.meta.events.register("before-call.connectcases.CreateCase", replace)
    try:
        assert refusal(cases.create_case, **care.question()) == ("SerializationException", 400)
    finally:
        cases.meta.events.unregister("before-call.connectcases.CreateCase", replace)
    assert sandbox.connect_cases() == []


def test_every_path_of_the_models_leads_to_its_operation():
    for service in ("connectcases", "customer-profiles", "connect"):
        model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        wire = RestJsonWire(model)
        for name in model.operation_names:
            http = model.operation_model(name).http
            path = re.sub(r"\{\w+\+?\}", "x1", http["requestUri"].partition("?")[0])
            assert wire.operation_name(Request(http["method"], path, "", {}, b"")) == name
