"""From a case's content to the bytes a reviewer approves. Pure."""

import hashlib
import json
import re
from typing import Any

from casesite.aws.requests import SupportCaseRequest
from casesite.cases.models import Case, SupportContent

from . import marker as markers

BODY_LIMIT = 8000  # characters of communicationBody, AWS's model
CC_LIMIT = 10
_CC_SEPARATORS = re.compile(r"[\s,;]+")


def split_addresses(text: str) -> tuple[str, ...]:
    """The addresses of one text box, parted by commas, semicolons, blanks or lines; each once, in order."""
    return tuple(dict.fromkeys(part for part in _CC_SEPARATORS.split(text) if part))


def content_of(case: Case, support: SupportContent) -> dict[str, Any]:
    """What the form held, by its field names; kept beside the payload for the difference between revisions."""
    return {
        "issue_type": support.issue_type,
        "service_code": support.service_code,
        "category_code": support.category_code,
        "severity_code": case.severity_code,
        "language": support.language,
        "subject": case.subject,
        "communication_body": support.communication_body,
        "cc_email_addresses": list(split_addresses(support.cc_email_addresses)),
    }


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


def sha256_of(payload: dict[str, Any], *, kind: str, account_id: str) -> str:
    """The hash a reviewer's approval names: the parameters, the operation and the account they go to."""
    whole = {"account": account_id, "kind": kind, "parameters": payload}
    return hashlib.sha256(json.dumps(whole, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
