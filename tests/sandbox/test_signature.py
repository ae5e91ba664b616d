"""Only who holds the secret may speak, and not for long."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import botocore.auth
import pytest

from tests.sandbox.clients import ACME, HOME, OTHER, ROLE, a_case, refusal, refusal_in_full


@pytest.fixture
def signed_at(monkeypatch):
    """Makes boto3 sign as if its clock were off by so many seconds."""

    def shift(seconds: float) -> None:
        then = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=seconds)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_args, **_kw: then)

    return shift


def test_wrong_secret_is_refused(sandbox, clients):
    support = clients.make("support", f"SANDBOXKEY{ACME}", "sandbox-secret-000000000000")
    sts = clients.make("sts", f"SANDBOXKEY{ACME}", "sandbox-secret-000000000000")

    assert refusal(support.create_case, **a_case()) == ("InvalidSignatureException", 403)
    assert refusal(sts.get_caller_identity) == ("SignatureDoesNotMatch", 403)
    assert sandbox.cases() == []


@pytest.mark.parametrize("key", ["AKIAIOSFODNN7EXAMPLE", "SANDBOXKEY1234", "SANDBOXROLE0123456789ABCDEF"])
def test_unknown_key_is_refused(sandbox, clients, key):
    assert refusal(clients.make("support", key, "x").describe_cases) == ("UnrecognizedClientException", 403)
    assert refusal(clients.make("sts", key, "x").get_caller_identity) == ("InvalidClientTokenId", 403)


def test_made_up_session_token_is_refused(sandbox, clients):
    client = clients.make("support", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}", "made-up")

    assert refusal(client.describe_cases) == ("UnrecognizedClientException", 403)


def test_body_changed_on_the_way_is_refused(sandbox, clients):
    client = clients.make("support", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}")

    def tamper(request, **_context):
        request.body = request.body.replace(b"normal", b"urgent")

    client.meta.events.register("before-send.support.CreateCase", tamper)

    assert refusal(client.create_case, **a_case()) == ("InvalidSignatureException", 403)
    assert sandbox.cases() == []


@pytest.mark.parametrize("header", ["X-Amz-Target", "X-Amz-Date"])
def test_signed_header_changed_on_the_way_is_refused(sandbox, clients, header):
    client = clients.make("support", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}")
    other = {
        "X-Amz-Target": "AWSSupport_20130415.DescribeServices",
        "X-Amz-Date": (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y%m%dT%H%M%SZ"),
    }

    def tamper(request, **_context):
        request.headers[header] = other[header]

    client.meta.events.register("before-send.support.DescribeCases", tamper)

    assert refusal(client.describe_cases) == ("InvalidSignatureException", 403)


def test_any_region_and_host_will_do(sandbox, clients):
    import boto3

    client = boto3.client(
        "sts",
        region_name="eu-west-1",
        endpoint_url=sandbox.url.replace("127.0.0.1", "localhost"),
        aws_access_key_id=f"SANDBOXKEY{ACME}",
        aws_secret_access_key=f"sandbox-secret-{ACME}",
    )

    assert client.get_caller_identity()["Account"] == ACME


@pytest.mark.parametrize("seconds", [-290, 290])
def test_signature_of_nearly_five_minutes_is_taken(support, signed_at, seconds):
    signed_at(seconds)

    support.describe_cases()


def test_old_signature_is_refused_with_both_times(support, sandbox, clients, signed_at):
    signed_at(-310)

    code, status, message = refusal_in_full(support.create_case, **a_case())

    assert (code, status) == ("InvalidSignatureException", 403)
    assert message.startswith("Signature expired: 20")
    assert " is now earlier than 20" in message
    assert message.endswith(" - 5 min.)")
    assert refusal_in_full(clients.sts().get_caller_identity)[0] == "SignatureDoesNotMatch"
    assert sandbox.cases() == []


def test_signature_from_the_future_is_refused(support, signed_at):
    signed_at(310)

    code, status, message = refusal_in_full(support.describe_cases)

    assert (code, status) == ("InvalidSignatureException", 403)
    assert message.startswith("Signature not yet current: 20")
    assert " is still later than 20" in message


def test_validity_can_be_set(support, sandbox, signed_at):
    sandbox.settings(signature_validity=900)
    signed_at(-600)

    support.describe_cases()

    sandbox.settings(signature_validity=60)
    assert refusal(support.describe_cases) == ("InvalidSignatureException", 403)


def test_time_scale_shortens_validity_to_no_less_than_five_seconds(support, sandbox, signed_at):
    sandbox.settings(time_scale=1000)

    signed_at(-3)
    support.describe_cases()
    signed_at(-8)
    assert refusal(support.describe_cases) == ("InvalidSignatureException", 403)


def test_unknown_caller_is_in_the_journal_without_an_account(sandbox, clients):
    refusal(clients.make("support", "AKIAIOSFODNN7EXAMPLE", "x").create_case, **a_case())

    [entry] = sandbox.requests()
    assert (entry["operation"], entry["outcome"], entry["error_code"], entry["http_status"], entry["executed"]) == (
        "support.CreateCase",
        "refused",
        "UnrecognizedClientException",
        403,
        False,
    )
    assert (entry["account"], entry["access_key_id"]) == (None, "AKIAIOSFODNN7EXAMPLE")


def test_expired_session_is_refused(sandbox, clients):
    credentials = clients.sts(HOME).assume_role(RoleArn=ROLE, RoleSessionName="casesite")["Credentials"]
    support, sts = clients.with_session(credentials), clients.with_session(credentials, "sts")
    support.describe_cases()

    assert sandbox.expire_sessions(OTHER) >= 1

    assert refusal(support.create_case, **a_case()) == ("ExpiredTokenException", 403)
    assert refusal(sts.get_caller_identity) == ("ExpiredToken", 403)
    fresh = clients.sts(HOME).assume_role(RoleArn=ROLE, RoleSessionName="casesite")["Credentials"]
    clients.with_session(fresh).describe_cases()


def test_session_token_of_another_session_does_not_fit(sandbox, clients):
    one = clients.sts(HOME).assume_role(RoleArn=ROLE, RoleSessionName="one")["Credentials"]
    two = clients.sts(HOME).assume_role(RoleArn=ROLE, RoleSessionName="two")["Credentials"]

    mixed = clients.with_session({**one, "SessionToken": two["SessionToken"]})

    assert refusal(mixed.describe_cases) == ("UnrecognizedClientException", 403)


def test_clock_ahead_of_ours_shows_in_the_date_and_ages_signatures(support, sandbox):
    sandbox.settings(clock_ahead=200)

    date = support.describe_cases()["ResponseMetadata"]["HTTPHeaders"]["date"]

    ahead = parsedate_to_datetime(date) - datetime.now(UTC)
    assert timedelta(seconds=195) < ahead < timedelta(seconds=205)
    sandbox.settings(clock_ahead=310)
    assert refusal_in_full(support.describe_cases)[2].startswith("Signature expired: ")


def test_clock_that_moves_on_ends_sessions(sandbox, clients):
    credentials = clients.sts(HOME).assume_role(RoleArn=ROLE, RoleSessionName="casesite", DurationSeconds=900)
    session = clients.with_session(credentials["Credentials"])

    sandbox.settings(clock_ahead=901)

    assert refusal(session.describe_cases) == ("ExpiredTokenException", 403)
