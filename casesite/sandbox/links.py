"""Presigned links to this simulator's own host: who holds one may do the one thing it says, until it expires.

AWS's are https links to hosts of its own; these are http links to loopback, and otherwise used alike.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs, urlencode

from casesite.sandbox.messages import STREAMED, AwsError, Request
from casesite.sandbox.state import State

UPLOADS = STREAMED
DOWNLOADS = "/downloads/"


@dataclass(frozen=True, slots=True)
class Link:
    """A path with its signature, to be put behind a host; and when it stops to work."""

    path: str
    expires_at: float


def to_upload(
    state: State,
    upload_id: str,
    part_index: int,
    *,
    lifetime: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> Link:
    """A link for one part. It lives as set, or `lifetime` seconds; named `headers` have to come with the request as they are."""
    return _signed(state, "PUT", f"{UPLOADS}{upload_id}/{part_index}", lifetime, headers or {})


def to_download(state: State, attachment_id: str) -> Link:
    return _signed(state, "GET", f"{DOWNLOADS}{attachment_id}", None, {})


def check(state: State, request: Request) -> None:
    """Refuse a request that no link of ours allows, or none any more."""
    given = {name: values[0] for name, values in parse_qs(request.query).items()}
    expires = given.get("expires", "")
    headers = {name: request.headers.get(name, "") for name in given.get("headers", "").split(";") if name}
    signature = _signature(state, request.method, request.path, expires, headers)
    if not hmac.compare_digest(signature.encode(), given.get("signature", "").encode()):
        message = "The request signature we calculated does not match the signature you provided."
        raise AwsError("SignatureDoesNotMatch", message, 403)
    if float(expires) <= state.now():
        raise AwsError("AccessDenied", "Request has expired", 403)


def _signed(state: State, method: str, path: str, lifetime: float | None, headers: Mapping[str, str]) -> Link:
    expires_at = math.ceil(state.now() + (state.settings.link_lifetime if lifetime is None else lifetime))
    signature = _signature(state, method, path, str(expires_at), headers)
    query = urlencode({"expires": expires_at, "headers": ";".join(headers), "signature": signature})
    return Link(f"{path}?{query}", expires_at)


def _signature(state: State, method: str, path: str, expires: str, headers: Mapping[str, str]) -> str:
    signed = "".join(f"\n{name}:{value}" for name, value in headers.items())
    return hmac.new(state.link_key, f"{method} {path} {expires}{signed}".encode(), sha256).hexdigest()
