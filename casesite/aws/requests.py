"""What goes out to AWS, as frozen values. Imports no boto3, so that every package may use it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SupportCaseRequest:
    """One support.CreateCase. Limits: body 1-8000 characters with the reference line, at most 10 cc addresses."""

    subject: str
    communication_body: str
    severity_code: str
    service_code: str
    category_code: str
    issue_type: str
    language: str
    cc_email_addresses: tuple[str, ...] = ()
    attachment_set_id: str = ""  # files, one way or the other; known only while sending
    upload_ids: tuple[str, ...] = ()

    def as_params(self) -> dict[str, Any]:
        """AWS's parameters. What is empty and may be left out is left out."""
        params: dict[str, Any] = {
            "subject": self.subject,
            "serviceCode": self.service_code,
            "severityCode": self.severity_code,
            "categoryCode": self.category_code,
            "communicationBody": self.communication_body,
            "language": self.language,
            "issueType": self.issue_type,
        }
        if self.cc_email_addresses:
            params["ccEmailAddresses"] = list(self.cc_email_addresses)
        if self.attachment_set_id:
            params["attachmentSetId"] = self.attachment_set_id
        if self.upload_ids:
            params["uploadIds"] = list(self.upload_ids)
        return params

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> "SupportCaseRequest":
        return cls(
            subject=params["subject"],
            communication_body=params["communicationBody"],
            severity_code=params["severityCode"],
            service_code=params["serviceCode"],
            category_code=params["categoryCode"],
            issue_type=params["issueType"],
            language=params["language"],
            cc_email_addresses=tuple(params.get("ccEmailAddresses", ())),
        )


@dataclass(frozen=True, kw_only=True)
class ConnectCaseRequest:
    """One connectcases.CreateCase. `fields` are AWS's own: id and value, the value a union of one member."""

    domain_id: str
    template_id: str
    fields: tuple[dict[str, Any], ...]
    performed_by: str = ""  # a name for AWS's audit trail, of whoever acts
    tags: tuple[tuple[str, str], ...] = ()
    client_token: str = ""

    def as_params(self) -> dict[str, Any]:
        """AWS's parameters. What is empty and may be left out is left out."""
        params: dict[str, Any] = {
            "domainId": self.domain_id,
            "templateId": self.template_id,
            "fields": [dict(field) for field in self.fields],
        }
        if self.performed_by:
            params["performedBy"] = {"customEntity": self.performed_by}
        if self.tags:
            params["tags"] = dict(self.tags)
        if self.client_token:
            params["clientToken"] = self.client_token
        return params
