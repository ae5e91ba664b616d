"""What each error proves, by the exceptions that the SDK throws. The rows are those of docs/delivery.md."""

import ssl
from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from urllib3 import exceptions as urllib3

from casesite.aws.errors import (
    Cause,
    DryRunPassed,
    NotSent,
    OutcomeUnknown,
    Refused,
    TooLate,
    Trace,
    classify,
    translated,
)

URL = "https://support.us-east-1.amazonaws.com/"
PROXY = "http://proxy.invalid:3128"


def a_trace(*, sent: bool = True) -> Trace:
    return Trace("support.CreateCase", sent=sent)


def answered(code: str, status: Any = 400, text: str = "", operation: str = "CreateCase") -> boto.ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": text},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "11aa", "RetryAttempts": 0},
    }
    return boto.ClientError(response, operation)


def through_a_proxy(cause: Exception) -> boto.ProxyConnectionError:
    return boto.ProxyConnectionError(proxy_url=PROXY, error=urllib3.ProxyError("Unable to connect to proxy", cause))


def over_tls(cause: Exception) -> boto.SSLError:
    return boto.SSLError(endpoint_url=URL, error=urllib3.SSLError(cause))


NEVER_CONNECTED = urllib3.NewConnectionError(None, "Connection refused")  # type: ignore[arg-type]
UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")

NOT_REACHED = {
    "TCP refused or no such name": boto.EndpointConnectionError(endpoint_url=URL),
    "no TCP connection in time": boto.ConnectTimeoutError(endpoint_url=URL),
    "proxy refused": through_a_proxy(NEVER_CONNECTED),
    "proxy not there in time": through_a_proxy(urllib3.ConnectTimeoutError()),
    "proxy refuses the tunnel": through_a_proxy(OSError("Tunnel connection failed: 403 Forbidden")),
}
UNTRUSTED_ONES = {"certificate": over_tls(UNTRUSTED), "certificate of the proxy": through_a_proxy(UNTRUSTED)}
PROVES_NOTHING = {
    "other TLS error": over_tls(ssl.SSLEOFError(8, "EOF occurred in violation of protocol")),
    "no answer in time": boto.ReadTimeoutError(endpoint_url=URL),
    "closed": boto.ConnectionClosedError(endpoint_url=URL),
    "closed by the proxy after the request": through_a_proxy(ConnectionResetError(104, "Connection reset by peer")),
    "other trouble at the proxy": through_a_proxy(OSError("Bad file descriptor")),
    "transport": boto.HTTPClientError(error=OSError("Broken pipe")),
    "cut": boto.ResponseStreamingError(error=urllib3.IncompleteRead(10, 90)),
    "not readable": ResponseParserError("Unable to parse response"),
    "no memory": MemoryError(),
    "a mistake of ours after the request": KeyError("ResponseMetadata"),
    "500": answered("InternalServerError", 500),
    "502": answered("502", 502, "Bad Gateway"),
    "503": answered("ServiceUnavailable", 503),
    "504": answered("504", 504),
    "500 with a code that refuses": answered("AccessDeniedException", 500),
    "503 that throttles": answered("ThrottlingException", 503),
    "408": answered("RequestTimeout", 408),
    "301": answered("301", 301),
    "307 with a code that refuses": answered("ValidationException", 307),
    "no status": answered("ValidationException", None),
    "conflict": answered("ConflictException", 409),
    "a code that stands in no row": answered("MissingAuthenticationToken", 403),
    "no code": answered("", 400),
    "status alone": answered("403", 403),
}
FOR_NOW = {
    Cause.CLOCK: (
        answered("RequestExpired"),
        answered("InvalidSignatureException", 403, "Signature expired: 20260302T090000Z is now earlier than 2026…"),
        answered("InvalidSignatureException", 403, "Signature not yet current: 20260302T090000Z is still later than…"),
    ),
    Cause.THROTTLED: (
        answered("ThrottlingException"),
        answered("Throttling", 400),
        answered("ThrottledByTheProxy", 429),
        answered("429", 429),
        answered("RequestLimitExceeded", 400),
        answered("TooManyRequestsException", 400),
        answered("SlowDown", 400),
    ),
    Cause.QUOTA: (answered("CaseCreationLimitExceeded"),),
    Cause.ATTACHMENT: (
        answered("AttachmentSetExpired"),
        answered("AttachmentSetIdNotFound"),
        answered("UploadIdNotFound"),
    ),
    Cause.EXPIRED: (answered("ExpiredTokenException", 403), answered("ExpiredToken", 403)),
    Cause.ACCESS: (
        answered("AccessDeniedException", 403),
        answered("AccessDenied", 403),
        answered("NotAuthorized"),
        answered("UnrecognizedClientException", 403),
        answered("InvalidClientTokenId", 403),
        answered("IncompleteSignature", 403),
        answered("SignatureDoesNotMatch", 403),
        answered("InvalidSignatureException", 403, "The request signature we calculated does not match"),
        answered("SubscriptionRequiredException"),
        answered("OptInRequired", 403),
    ),
}
FOR_GOOD = {
    Cause.INVALID: (
        answered("ValidationException"),
        answered("ValidationError"),
        answered("InvalidParameterValueException"),
        answered("InvalidParameterCombination"),
        answered("SerializationException"),
        answered("RequestEntityTooLargeException", 413),
        answered("413", 413),
        answered("CaseIdNotFound"),
    ),
    Cause.OUR_BUG: (answered("DryRunOperationException"),),
}


def rows(table: dict[Any, Any]) -> list[Any]:
    """Each error of a table as a case of its own, named after itself."""
    return [
        pytest.param(cause, error, id=f"{cause}-{error.response['Error']['Code']}-{number}")
        for cause, errors in table.items()
        for number, error in enumerate(errors)
    ]


@pytest.mark.parametrize("error", NOT_REACHED.values(), ids=NOT_REACHED)
def test_what_never_connected_was_not_sent(error):
    found = classify(error, a_trace())

    assert (type(found), found.cause) == (NotSent, Cause.CONNECTION)


@pytest.mark.parametrize("error", UNTRUSTED_ONES.values(), ids=UNTRUSTED_ONES)
def test_an_untrusted_certificate_ends_before_the_request(error):
    found = classify(error, a_trace())

    assert (type(found), found.cause) == (NotSent, Cause.CERTIFICATE)


@pytest.mark.parametrize("error", PROVES_NOTHING.values(), ids=PROVES_NOTHING)
def test_what_proves_nothing_is_unknown(error):
    assert type(classify(error, a_trace())) is OutcomeUnknown


@pytest.mark.parametrize(("cause", "error"), rows(FOR_NOW))
def test_what_aws_refuses_for_now_may_be_tried_again(cause, error):
    found = classify(error, a_trace())

    assert (type(found), found.cause, found.again) == (Refused, cause, True)


@pytest.mark.parametrize(("cause", "error"), rows(FOR_GOOD))
def test_what_aws_refuses_for_good_is_not_tried_again(cause, error):
    found = classify(error, a_trace())

    assert (type(found), found.cause, found.again) == (Refused, cause, False)


def test_a_request_held_too_long_was_not_sent():
    found = classify(TooLate("held"), a_trace(sent=False))

    assert (type(found), found.cause) == (NotSent, Cause.TOO_LATE)


BEFORE_THE_WIRE = (
    (boto.ParamValidationError(report="Invalid type for parameter subject"), Cause.INVALID),
    (boto.NoCredentialsError(), Cause.CREDENTIALS),
    (boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), Cause.CREDENTIALS),
    (boto.CredentialRetrievalError(provider="sso", error_msg="gone"), Cause.CREDENTIALS),
    (boto.NoRegionError(), Cause.CREDENTIALS),
    (boto.ProfileNotFound(profile="nobody"), Cause.CREDENTIALS),
    (AttributeError("a mistake of ours"), Cause.CREDENTIALS),
    (boto.ReadTimeoutError(endpoint_url=URL), Cause.CONNECTION),
    (boto.ConnectionClosedError(endpoint_url=URL), Cause.CONNECTION),
    (over_tls(ssl.SSLEOFError(8, "EOF")), Cause.CONNECTION),
    (over_tls(UNTRUSTED), Cause.CERTIFICATE),
    (answered("AccessDenied", 403, operation="AssumeRole"), Cause.CREDENTIALS),
    (answered("ValidationError", 400, operation="AssumeRole"), Cause.CREDENTIALS),
    (answered("InternalFailure", 500, operation="AssumeRole"), Cause.CONNECTION),
    (answered("Throttling", 400, operation="AssumeRole"), Cause.CONNECTION),
)


@pytest.mark.parametrize(
    ("error", "cause"), BEFORE_THE_WIRE, ids=[type(error).__name__ for error, _ in BEFORE_THE_WIRE]
)
def test_before_our_request_left_every_error_means_not_sent(error, cause):
    found = classify(error, a_trace(sent=False))

    assert (type(found), found.cause) == (NotSent, cause)


@pytest.mark.parametrize("error", [*NOT_REACHED.values(), *UNTRUSTED_ONES.values(), *PROVES_NOTHING.values()])
def test_nothing_is_unknown_before_our_request_left(error):
    assert type(classify(error, a_trace(sent=False))) is NotSent


def test_an_error_of_another_operation_says_nothing_about_ours():
    """Credentials may be fetched in the middle of the call; what STS refuses there, AWS Support never saw."""
    found = classify(answered("ValidationError", 400, operation="AssumeRole"), a_trace(sent=True))

    assert (type(found), found.cause) == (NotSent, Cause.CREDENTIALS)


def test_an_error_keeps_what_aws_said():
    found = classify(answered("AccessDeniedException", 403, "You may not"), a_trace())

    assert found.text == str(found) == "You may not"
    assert (found.operation, found.error_class) == ("support.CreateCase", "ClientError")
    assert (found.code, found.http_status, found.request_id) == ("AccessDeniedException", 403, "11aa")


def test_translated_passes_on_what_is_classed_already():
    refused = Refused("no", cause=Cause.ACCESS, again=True, operation="sts.AssumeRole")

    for error in (refused, DryRunPassed()):
        with pytest.raises(type(error)) as caught, translated(a_trace()):
            raise error

        assert caught.value is error


def test_translated_names_the_sdks_error_as_the_cause():
    error = boto.ReadTimeoutError(endpoint_url=URL)

    with pytest.raises(OutcomeUnknown) as caught, translated(a_trace()):
        raise error

    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_translated_lets_the_end_of_the_process_through(error):
    with pytest.raises(type(error)), translated(a_trace()):
        raise error
