"""How a page shows whether an account can send."""

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from casesite.teams.models import AwsAccount, CheckResult
from casesite.web.templatetags.casesite import chip

register = template.Library()

TONES = {
    CheckResult.NONE: "plain",
    CheckResult.GOOD: "ok",
    CheckResult.LIMITED: "warn",
    CheckResult.BLOCKED: "bad",
}


@register.simple_tag
def check_chip(account: AwsAccount) -> SafeString:
    if not account.active:
        return chip(_("Inactive"))
    result = CheckResult(account.check_result)
    return chip(result.label, TONES[result])
