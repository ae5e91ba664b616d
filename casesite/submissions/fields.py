"""The fields of a Support case: AWS's name, the form's, and what people call it; and which one AWS's words are about."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _

# In the order in which pages show them.
NAMES: tuple[tuple[str, str, Any], ...] = (
    ("issueType", "issue_type", _("Kind")),
    ("serviceCode", "service_code", _("Service")),
    ("categoryCode", "category_code", _("Category")),
    ("severityCode", "severity_code", _("Severity")),
    ("language", "language", _("Case language")),
    ("subject", "subject", _("Subject")),
    ("communicationBody", "communication_body", _("Description")),
    ("ccEmailAddresses", "cc_email_addresses", _("Copy to")),
)
FIELD_NAMES = {field: name for _aws_name, field, name in NAMES} | {"files": _("Files")}
# What a reviewer may comment on by itself.
COMMENTABLE = {"account": _("Account")} | FIELD_NAMES
# AWS names a parameter, or only what is wrong. The first match counts; the narrower words come first.
_WORDS: tuple[tuple[str, str], ...] = (
    (r"attachment|upload\s*id", "files"),
    (r"categor", "category_code"),
    (r"severity", "severity_code"),
    (r"cc\s*e-?mail|e-?mail\s*address", "cc_email_addresses"),
    (r"language", "language"),
    (r"issue\s*type", "issue_type"),
    (r"subject\b", "subject"),
    (r"communication\s*body|description", "communication_body"),
    (r"service\s*code|\bservice\b", "service_code"),
)


def field_of(text: str) -> str | None:
    """The form's field that AWS's words are about, where they say so."""
    return next((name for pattern, name in _WORDS if re.search(pattern, text, re.IGNORECASE)), None)
