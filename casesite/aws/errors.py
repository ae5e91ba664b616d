"""What a call to AWS proved, named after what the caller does next. Anything not proven is OutcomeUnknown.

The table is that of docs/delivery.md, "What an answer proves".
"""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from botocore import exceptions as boto
from urllib3 import exceptions as urllib3


class Cause(StrEnum):
    """Why AWS has it certainly not; decides what the site does before it tries again."""

    CONNECTION = "connection"  # not reached: back off, counts for the circuit
    CERTIFICATE = "certificate"  # the other side is not trusted: configuration
    CREDENTIALS = "credentials"  # none, partial, or the role can't be assumed
    EXPIRED = "expired"  # the role session ran out: a fresh one, once
    ACCESS = "access"  # AWS does not let us in
    CLOCK = "clock"  # the signature was too old for AWS
    TOO_LATE = "too_late"  # we held it too long and did not send it
    THROTTLED = "throttled"
    QUOTA = "quota"  # cases per hour; of Connect, how many it keeps
    ATTACHMENT = "attachment"  # the uploaded set is gone
    NOT_VISIBLE = "not_visible"  # AWS does not show yet what the request belongs to
    INVALID = "invalid"  # this request never works
    OUR_BUG = "our_bug"


@dataclass
class Trace:
    """What is known of one call on the wire; filled in by the client's hooks."""

    operation: str
    send_by_boottime: float | None = None  # CLOCK_BOOTTIME: also counts while the machine is suspended
    send_by_wall: float | None = None  # time.time()
    on_sent: Callable[[], None] | None = None  # called directly before the bytes leave
    sent: bool = False
    signed_at: datetime | None = None
    invocation_id: str = ""
    aws_date: datetime | None = None
    request_id: str = ""  # AWS's, of its answer


class AwsError(Exception):
    """A call that did not simply succeed. Keeps what pages and the attempt log print."""

    def __init__(
        self,
        text: str,
        *,
        operation: str,
        error_class: str = "",
        code: str = "",
        http_status: int | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(text)
        self.text = text
        self.operation = operation
        self.error_class = error_class
        self.code = code
        self.http_status = http_status
        self.request_id = request_id


class Refused(AwsError):
    """AWS said no and has nothing. `again` tells whether the same bytes may be tried again."""

    def __init__(self, text: str, *, cause: Cause, again: bool, **known: Any) -> None:
        super().__init__(text, **known)
        self.cause = cause
        self.again = again


class NotSent(AwsError):
    """The request certainly never reached AWS."""

    def __init__(self, text: str, *, cause: Cause, **known: Any) -> None:
        super().__init__(text, **known)
        self.cause = cause


class OutcomeUnknown(AwsError):
    """AWS may have done it: look before anything else."""


class DryRunOpenedCase(OutcomeUnknown):
    """A dry run was carried out in earnest: AWS has the case now."""

    def __init__(self, aws_case_id: str, *, operation: str) -> None:
        super().__init__(
            f"A dry run answered with case {aws_case_id}.", operation=operation, error_class=type(self).__name__
        )
        self.aws_case_id = aws_case_id


class DryRunPassed(Exception):
    """AWS would accept the request. The success signal of a dry run is an exception."""


class TooLate(Exception):
    """Raised by the before-send hook: the request was held longer than its intent allows and does not leave."""


# A set or upload that AWS does not know, or no more. None of them says anything about a case.
GONE = frozenset({"AttachmentSetExpired", "AttachmentSetIdNotFound", "UploadIdNotFound"})
_THROTTLED = ("Throttling", "TooManyRequests")
# Exact codes and beginnings of codes; whatever stands in none of them proves nothing.
_REFUSED_FOR_NOW: tuple[tuple[Cause, frozenset[str], tuple[str, ...]], ...] = (
    (Cause.CLOCK, frozenset({"RequestExpired"}), ()),
    (Cause.THROTTLED, frozenset({"RequestLimitExceeded", "SlowDown"}), _THROTTLED),
    (Cause.QUOTA, frozenset({"CaseCreationLimitExceeded"}), ("ServiceQuotaExceeded",)),
    (Cause.ATTACHMENT, GONE, ()),
    (Cause.EXPIRED, frozenset(), ("ExpiredToken",)),
    (
        Cause.ACCESS,
        frozenset(
            {
                "NotAuthorized",
                "UnrecognizedClient",
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "IncompleteSignature",
                "IncompleteSignatureException",
                "SignatureDoesNotMatch",
                "OptInRequired",
            }
        ),
        ("AccessDenied", "InvalidSignature", "SubscriptionRequired"),
    ),
)
_REFUSED_FOR_GOOD: tuple[frozenset[str], tuple[str, ...]] = (
    frozenset(
        {
            "ValidationException",
            "ValidationError",
            "SerializationException",
            "RequestEntityTooLarge",
            "RequestEntityTooLargeException",
            "CaseIdNotFound",
        }
    ),
    ("InvalidParameter", "ResourceNotFound"),
)
_OLD_SIGNATURE = ("signature expired", "not yet current", "is now earlier than", "is now later than")


@contextmanager
def translated(trace: Trace) -> Iterator[None]:
    """Turn whatever the SDK raises into Refused, NotSent or OutcomeUnknown."""
    try:
        yield
    except (AwsError, DryRunPassed):
        raise
    except Exception as exc:
        raise classify(exc, trace) from exc


def classify(exc: Exception, trace: Trace) -> AwsError:
    """The class of an exception that a call raised."""
    known: dict[str, Any] = {"operation": trace.operation, "error_class": type(exc).__name__}
    if isinstance(exc, boto.ClientError):
        return _answered(exc, trace, known)
    text = str(exc)
    if isinstance(exc, TooLate):
        return NotSent(text, cause=Cause.TOO_LATE, **known)
    if isinstance(exc, boto.EndpointConnectionError | boto.ConnectTimeoutError) or _stopped_at_the_proxy(exc):
        return NotSent(text, cause=Cause.CONNECTION, **known)
    if isinstance(exc, boto.SSLError | boto.ProxyConnectionError) and _has_cause(exc, ssl.SSLCertVerificationError):
        return NotSent(text, cause=Cause.CERTIFICATE, **known)
    if trace.sent:
        return OutcomeUnknown(text, **known)
    if isinstance(exc, boto.ParamValidationError):
        return NotSent(text, cause=Cause.INVALID, **known)
    if isinstance(exc, boto.NoCredentialsError | boto.PartialCredentialsError | boto.CredentialRetrievalError):
        return NotSent(text, cause=Cause.CREDENTIALS, **known)
    # Nothing left this process, whatever it was: no region, a wrong endpoint, a bug before the wire; or STS is away.
    on_the_line = isinstance(exc, boto.HTTPClientError | boto.ConnectionError)
    return NotSent(text, cause=Cause.CONNECTION if on_the_line else Cause.CREDENTIALS, **known)


def _answered(exc: boto.ClientError, trace: Trace, known: dict[str, Any]) -> AwsError:
    """AWS, or something in front of it, answered with an error."""
    error = exc.response.get("Error", {})
    meta = exc.response.get("ResponseMetadata", {})
    code, text = str(error.get("Code", "")), str(error.get("Message", ""))
    status = meta.get("HTTPStatusCode")
    known |= {"code": code, "http_status": status, "request_id": str(meta.get("RequestId", ""))}
    if not trace.sent or exc.operation_name != trace.operation.rpartition(".")[2]:
        # Not our call: the one that fetched credentials for it.
        busy = not isinstance(status, int) or status >= 500 or status == 429 or code.startswith(_THROTTLED)
        return NotSent(text, cause=Cause.CONNECTION if busy else Cause.CREDENTIALS, **known)
    if not isinstance(status, int) or status >= 500 or status == 408 or status < 400:
        return OutcomeUnknown(text, **known)
    if code == "DryRunOperationException":
        return Refused(text, cause=Cause.OUR_BUG, again=False, **known)
    if code.startswith("InvalidSignature") and any(words in text.lower() for words in _OLD_SIGNATURE):
        return Refused(text, cause=Cause.CLOCK, again=True, **known)
    if status == 429:
        return Refused(text, cause=Cause.THROTTLED, again=True, **known)
    for cause, exact, beginnings in _REFUSED_FOR_NOW:
        if code in exact or code.startswith(beginnings or ("\0",)):
            return Refused(text, cause=cause, again=True, **known)
    exact, beginnings = _REFUSED_FOR_GOOD
    if code in exact or code.startswith(beginnings) or status == 413:
        return Refused(text, cause=Cause.INVALID, again=False, **known)
    return OutcomeUnknown(text, **known)


def _stopped_at_the_proxy(exc: Exception) -> bool:
    """Whether a proxy certainly did not pass the request on: it was not reached, or it refused the tunnel.

    urllib3 2.8 also says "Unable to connect to proxy" where a proxy took the request and then closed the connection.
    """
    if not isinstance(exc, boto.ProxyConnectionError):
        return False
    error = getattr(exc.kwargs.get("error"), "original_error", None)
    if isinstance(error, urllib3.NewConnectionError | urllib3.ConnectTimeoutError):
        return True
    return type(error) is OSError and str(error).startswith("Tunnel connection failed")


def _has_cause(exc: BaseException, kind: type[BaseException]) -> bool:
    """Whether an exception of that kind stands anywhere in the chain, as a cause or as an argument."""
    todo: list[Any] = [exc, getattr(exc, "kwargs", {}).get("error")]
    for _step in range(20):
        if not todo:
            return False
        this = todo.pop()
        if isinstance(this, kind):
            return True
        if isinstance(this, BaseException):
            todo += [this.__cause__, this.__context__, getattr(this, "reason", None), *this.args]
    return False
