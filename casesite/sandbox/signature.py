"""Is this request signed by whom it says? AWS Signature Version 4, rebuilt with botocore's own signer."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from casesite.sandbox.messages import AwsError, Request

STAMP = "%Y%m%dT%H%M%SZ"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request"
    r",\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method."
)


@dataclass(frozen=True, slots=True)
class Signed:
    """What the Authorization header claims."""

    access_key_id: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


def claim_of(request: Request) -> Signed:
    """Read the Authorization header; nothing is verified yet."""
    header = request.headers.get("authorization")
    if not header:
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    match = AUTHORIZATION.fullmatch(header)
    if not match:
        raise AwsError("IncompleteSignature", "Authorization header is not a complete AWS4-HMAC-SHA256 signature.", 403)
    headers = tuple(match["headers"].split(";"))
    return Signed(match["key"], match["date"], match["region"], match["service"], headers, match["signature"])


def check_age(request: Request, claim: Signed, now: float, validity: float) -> None:
    """Refuse a signature made too long ago, or too far ahead of our clock."""
    stamp = request.headers.get("x-amz-date", "")
    try:
        signed_at = datetime.strptime(stamp, STAMP).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise AwsError("IncompleteSignature", "X-Amz-Date must be like 20260131T093000Z.", 403) from None
    if not stamp.startswith(claim.date):
        raise AwsError("InvalidSignatureException", "Credential should be scoped to a valid date.", 403)
    span = f"{validity / 60:g} min." if validity >= 60 else f"{validity:g} s."
    if signed_at < int(now - validity):
        bound = f"{_stamp(now - validity)} ({_stamp(now)} - {span})"
        raise AwsError("InvalidSignatureException", f"Signature expired: {stamp} is now earlier than {bound}", 403)
    if signed_at > now + validity:
        bound = f"{_stamp(now + validity)} ({_stamp(now)} + {span})"
        raise AwsError(
            "InvalidSignatureException", f"Signature not yet current: {stamp} is still later than {bound}", 403
        )


def check_signature(request: Request, claim: Signed, secret: str) -> None:
    """Refuse a signature that this secret did not make over this request."""
    if not {"host", "x-amz-date"} <= set(claim.headers) or not _body_is_as_signed(request):
        raise AwsError("InvalidSignatureException", MISMATCH, 403)
    url = f"http://{request.headers.get('host', '')}{request.path}"
    rebuilt = AWSRequest(
        method=request.method,
        url=f"{url}?{request.query}" if request.query else url,
        headers={name: request.headers.get(name, "") for name in claim.headers},
        data=request.body,
    )
    rebuilt.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(claim.access_key_id, secret), claim.service, claim.region)
    signature = signer.signature(signer.string_to_sign(rebuilt, signer.canonical_request(rebuilt)), rebuilt)
    if not hmac.compare_digest(signature, claim.signature):
        raise AwsError("InvalidSignatureException", MISMATCH, 403)


def _body_is_as_signed(request: Request) -> bool:
    announced = request.headers.get("x-amz-content-sha256")
    return announced is None or announced == sha256(request.body).hexdigest()


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime(STAMP)
