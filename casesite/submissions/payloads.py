"""From a case's content to the bytes a reviewer approves. Pure."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from casesite.aws.requests import SupportCaseRequest
from casesite.cases.models import Case, CaseFile, SupportContent

from . import marker as markers
from .models import Submission

BODY_LIMIT = 8000  # characters of communicationBody, AWS's model
CC_LIMIT = 10
# Of a Connect case: what goes out beside the request itself, or says where to.
ALSO_APPROVED = ("region", "first_comment")
_CC_SEPARATORS = re.compile(r"[\s,;]+")


def split_addresses(text: str) -> tuple[str, ...]:
    """The addresses of one text box, parted by commas, semicolons, blanks or lines; each once, in order."""
    return tuple(dict.fromkeys(part for part in _CC_SEPARATORS.split(text) if part))


def content_of(case: Case, support: SupportContent, files: Iterable[CaseFile] = ()) -> dict[str, Any]:
    """What the form held, by its field names; kept beside the payload for the difference between revisions.

    Files stand in it by SHA-256, size and name, and only where there are some.
    """
    content = {
        "issue_type": support.issue_type,
        "service_code": support.service_code,
        "category_code": support.category_code,
        "severity_code": case.severity_code,
        "language": support.language,
        "subject": case.subject,
        "communication_body": support.communication_body,
        "cc_email_addresses": list(split_addresses(support.cc_email_addresses)),
    }
    described = described_files(files)
    return content | ({"files": described} if described else {})


def described_files(files: Iterable[CaseFile]) -> list[dict[str, Any]]:
    """Files as a content names them. Sorted, because their order means nothing, and contents that differ by it only are the same."""
    ordered = sorted(files, key=lambda file: (file.name, file.sha256))
    return [{"sha256": file.sha256, "size": file.size, "name": file.name} for file in ordered]


def file_lines(content: dict[str, Any]) -> list[str]:
    """The files of a content as lines that differ where the files do."""
    return [f"{file['name']} ({file['size']:,} bytes, SHA-256 {file['sha256']})" for file in content.get("files", ())]


def version_of(content: dict[str, Any]) -> int:
    """The oldest payload version that knows what is in a content: workers that know only older ones leave it alone."""
    return 2 if content.get("files") else 1


def support_payload(content: dict[str, Any], marker: str) -> dict[str, Any]:
    """AWS's parameters of CreateCase, with the reference line as the last of the body."""
    return SupportCaseRequest(
        subject=content["subject"],
        communication_body=markers.with_line(content["communication_body"], marker),
        severity_code=content["severity_code"],
        service_code=content["service_code"],
        category_code=content["category_code"],
        issue_type=content["issue_type"],
        language=content["language"],
        cc_email_addresses=tuple(content["cc_email_addresses"]),
    ).as_params()


def sha256_of(
    payload: dict[str, Any],
    *,
    kind: str,
    account_id: str,
    files: Sequence[dict[str, Any]] | None = None,
    also: dict[str, Any] | None = None,
) -> str:
    """The hash a reviewer's approval names: the parameters, the operation, the account they go to, the files, and what
    else goes out (`also`).

    AWS's own ids for files are made while sending, and are no part of it.
    """
    whole: dict[str, Any] = {"account": account_id, "kind": kind, "parameters": payload}
    if files:
        whole["files"] = list(files)
    if also:
        whole["also"] = also
    return hashlib.sha256(json.dumps(whole, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def hash_of(row: Submission) -> str:
    """The hash of a submission as it stands now."""
    also = {name: row.content[name] for name in ALSO_APPROVED if row.content.get(name)}
    return sha256_of(row.payload, kind=row.kind, account_id=row.account.account_id, files=row.files, also=also)
