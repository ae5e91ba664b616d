"""Every parameter that AWS will receive, in AWS's name, with the human name beside it."""

import json
from dataclasses import dataclass
from typing import Any

from casesite.catalog.known import LANGUAGES, IssueType
from casesite.catalog.models import SupportCatalog
from casesite.catalog.schema import SupportSnapshot
from casesite.catalog.severities import severity_of
from casesite.screening.places import DESCRIPTION, SUBJECT, Place
from casesite.screening.secrets import Finding, find_secrets
from casesite.submissions.fields import NAMES
from casesite.submissions.models import Submission


@dataclass(frozen=True)
class Parameter:
    """`values` are the very strings of the request; `said` is what AWS's catalogue calls a code."""

    aws_name: str
    name: Any
    values: tuple[str, ...]
    said: str = ""
    secrets: tuple[Finding, ...] = ()
    field: str = ""  # the form's name of it; empty where the form has none

    @property
    def places(self) -> list[Place]:
        """Where in it a secret seems to stand."""
        field = DESCRIPTION if self.is_body else SUBJECT
        return [Place(field, finding.line, finding.kind) for finding in self.secrets]

    @property
    def is_code(self) -> bool:
        return self.aws_name in ("issueType", "serviceCode", "categoryCode", "severityCode", "language")

    @property
    def is_body(self) -> bool:
        return self.aws_name == "communicationBody"

    @property
    def length(self) -> int:
        return sum(len(value) for value in self.values)


def parameters_of(submission: Submission, catalog: SupportCatalog | None) -> list[Parameter]:
    """All members of the payload. One that this page does not know comes last, by AWS's name."""
    payload = submission.payload
    names = {aws_name: name for aws_name, _field, name in NAMES}
    fields = {aws_name: field for aws_name, field, _name in NAMES}
    order = [*(name for name in names if name in payload), *(name for name in payload if name not in names)]
    said = said_by(payload, catalog.snapshot if catalog else None)
    return [
        Parameter(
            aws_name=key,
            name=names.get(key, key),
            values=_strings(payload[key]),
            said=said.get(key, ""),
            secrets=_secrets_in(key, payload[key]),
            field=fields.get(key, ""),
        )
        for key in order
    ]


def _secrets_in(key: str, value: Any) -> tuple[Finding, ...]:
    return tuple(find_secrets(str(value))) if key in ("subject", "communicationBody") else ()


def said_by(payload: dict[str, Any], snapshot: SupportSnapshot | None) -> dict[str, str]:
    """The catalogue's names for the codes of a payload, by parameter."""
    found = {
        "issueType": dict(IssueType.choices).get(payload.get("issueType", "")),
        "language": dict(LANGUAGES).get(payload.get("language", "")),
    }
    if snapshot:
        service = payload.get("serviceCode", "")
        found |= {
            "serviceCode": _name(snapshot.service(service)),
            "categoryCode": _name(snapshot.category(service, payload.get("categoryCode", ""))),
            "severityCode": _severity(snapshot, payload.get("severityCode", "")),
        }
    return {key: str(name) for key, name in found.items() if name}


def catalog_of(submission: Submission) -> SupportCatalog | None:
    """The snapshot that the choices were checked against."""
    return SupportCatalog.objects.filter(
        account=submission.account_id, content_sha256=submission.catalog_sha256
    ).first()


def _name(found: Any) -> str | None:
    return found.name if found else None


def _severity(snapshot: SupportSnapshot, code: str) -> str | None:
    """The severity as the form names it, where the account's plan has it."""
    found = snapshot.severity(code)
    return str(severity_of(found.code, found.name).name) if found else None


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(map(_string, value)) if isinstance(value, list) else (_string(value),)


def _string(value: Any) -> str:
    """A text as it is; what is made of parts as JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict) else str(value)
