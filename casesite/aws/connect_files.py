"""Bringing a file to Amazon Connect for a case: begun by name and size, sent in one piece, looked at by AWS.

A file is nothing to a case until it is related to it, so all of this may be done again.
https://docs.aws.amazon.com/connect/latest/APIReference/API_StartAttachedFileUpload.html
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .clients import Keys, Target, clients
from .errors import OutcomeUnknown, Trace, translated

SERVICE = "connect"
APPROVED, REFUSED = "APPROVED", ("REJECTED", "FAILED")
LINK_SECONDS = 300  # AWS's most


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A file at AWS that waits for its bytes, and where they go."""

    arn: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a file belongs: the Connect instance and the case."""

    region: str
    instance_id: str
    case_arn: str


def begin(target: Target, keys: Keys, place: Place, *, name: str, size: int, token: str) -> Begun:
    """Announce a file; AWS answers with a link."""
    params = {
        "FileName": name,
        "FileSizeInBytes": size,
        "FileUseCaseType": "ATTACHMENT",
        "UrlExpiryInSeconds": LINK_SECONDS,
        "ClientToken": token,
    }
    trace = Trace(f"{SERVICE}.StartAttachedFileUpload")
    with _writing(target, keys, place, trace) as client:
        answer = client.start_attached_file_upload(**params, **_whose(place))
        told = answer.get("UploadUrlMetadata") or {}
        if not answer.get("FileArn") or not told.get("Url"):
            raise OutcomeUnknown("AWS's answer was cut short.", operation=trace.operation, error_class="CutAnswer")
        return Begun(arn=answer["FileArn"], url=told["Url"], headers=dict(told.get("HeadersToInclude") or {}))


def complete(target: Target, keys: Keys, place: Place, *, arn: str) -> None:
    """Say that the bytes are there. Safe to repeat."""
    with _writing(target, keys, place, Trace(f"{SERVICE}.CompleteAttachedFileUpload")) as client:
        client.complete_attached_file_upload(FileId=_id_of(arn), **_whose(place))


def status(target: Target, keys: Keys, place: Place, *, arn: str) -> str:
    """How far AWS is with its own look at the file."""
    with _writing(target, keys, place, Trace(f"{SERVICE}.GetAttachedFile")) as client:
        return str(client.get_attached_file(FileId=_id_of(arn), **_whose(place)).get("FileStatus", ""))


def _id_of(arn: str) -> str:
    return arn.rpartition("/")[2]


def _whose(place: Place) -> dict[str, str]:
    return {"InstanceId": place.instance_id, "AssociatedResourceArn": place.case_arn}


@contextmanager
def _writing(target: Target, keys: Keys, place: Place, trace: Trace) -> Iterator[Any]:
    """One request by a client that watches the wire."""
    with translated(trace), clients.writer(target, keys, service=SERVICE, region=place.region) as client:
        client.trace = trace
        yield client
