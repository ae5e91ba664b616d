"""From what a Connect draft holds to the request a reviewer approves. Pure but for what it reads of the draft.

The form has checked what was typed; delivery holds it against the newest version of the template again.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from casesite.aws.requests import ConnectCaseRequest
from casesite.cases.models import Case, CaseFile, ConnectContent
from casesite.catalog.filling import Filling
from casesite.catalog.models import CaseTemplate
from casesite.catalog.tags import parse_tags
from casesite.catalog.template import TITLE

from . import marker as markers
from .payloads import described_files

PAYLOAD_VERSION = 3
REFERENCE_TAG = "casesite-ref"  # by which a case of ours is found again
_TOKENS = UUID("6f1a2f3e-5b0c-5d5e-9a53-2d8f0f6f9c11")  # the name space of client tokens
TITLE_ROOM = len(" [CS-7GQ4-KM2X-9TZA-P3RW]")  # what the reference takes of a title where no tag may carry it


def client_token(submission_id: UUID) -> UUID:
    """The one token of a submission: a repeat of the same request brings the same one, whoever makes it."""
    return uuid5(_TOKENS, str(submission_id))


def room_in_title(connect: ConnectContent) -> int:
    """How many characters of the title are kept for the reference."""
    return 0 if connect.template.domain.may_tag else TITLE_ROOM


def filling_of(connect: ConnectContent, version: CaseTemplate | None = None) -> Filling:
    """What a draft holds, read by the version its form was built from or by another one."""
    return Filling(
        (version or connect.version).snapshot,
        connect.typed,
        ZoneInfo(connect.time_zone),
        connect.template.customer_always,
        room_in_title(connect),
    )


def content_of(case: Case, connect: ConnectContent, files: Iterable[CaseFile] = ()) -> dict[str, Any]:
    """What the form held and what goes out of it; kept beside the payload for reviewers and for the next revision."""
    filling, template = filling_of(connect), connect.template
    domain = template.domain
    sent = filling.request_fields
    arns = {value for field in sent for value in field["value"].values() if isinstance(value, str)}
    content: dict[str, Any] = {
        "template": template.pk,
        "template_id": template.template_id,
        "template_name": filling.template.name,
        "domain_id": domain.domain_id,
        "domain_name": domain.name,
        "region": domain.region,
        "subject": case.subject,  # the title, by the name that every case has
        "fields": sent,
        "dropped": filling.dropped,
        "names": {arn: name for arn, name in connect.names.items() if arn in arns},
        "tags": parse_tags(connect.tags) if domain.may_tag else {},
        "performed_by": template.recorded_as(case.author.get_username()),
        "first_comment": connect.first_comment,
        "tagged": domain.may_tag,
    }
    described = described_files(files)
    return content | ({"files": described} if described else {})


def connect_payload(content: dict[str, Any], marker: str, token: UUID) -> dict[str, Any]:
    """AWS's parameters of CreateCase, with the reference as a tag, or at the title's end where none may be put on."""
    fields = content["fields"]
    tags = dict(content["tags"])
    if content["tagged"]:
        tags[REFERENCE_TAG] = marker
    else:
        fields = [_referenced(field, marker) if field["id"] == TITLE else field for field in fields]
    return ConnectCaseRequest(
        domain_id=content["domain_id"],
        template_id=content["template_id"],
        fields=tuple(fields),
        performed_by=content["performed_by"],
        tags=tuple(sorted(tags.items())),
        client_token=str(token),
    ).as_params()


def _referenced(field: dict[str, Any], marker: str) -> dict[str, Any]:
    title = markers.defanged(field["value"]["stringValue"])
    return {"id": field["id"], "value": {"stringValue": f"{title} [{marker}]"}}
