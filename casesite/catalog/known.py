"""What AWS documents or does not tell, kept by hand: issue types, languages, and which services are about account and billing."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class IssueType(models.TextChoices):
    """AWS's issueType. The other values seen in the wild are not in its documentation and are not sent."""

    TECHNICAL = "technical", _("Technical")
    CUSTOMER_SERVICE = "customer-service", _("Account and billing")


# Offered until AWS has answered for a service and category. In AWS's order; each name in its own language.
LANGUAGES: tuple[tuple[str, str], ...] = (
    ("en", "English"),
    ("ja", "日本語"),
    ("zh", "中文"),
    ("ko", "한국어"),
    ("es", "Español"),
    ("pt", "Português"),
    ("fr", "Français"),
    ("tr", "Türkçe"),
)

# DescribeServices does not say which services belong to which issue type. These come first for account and billing
# questions; no other one is refused.
ACCOUNT_SERVICES: tuple[str, ...] = (
    "billing",
    "customer-account",
    "account-management",
    "general-info",
    "aws-organizations",
)

# Codes of what an account check found about files.
MAY_UPLOAD, MAY_NOT_UPLOAD, MAY_NOT_ATTACH = "may_upload", "may_not_upload", "may_not_attach"
