"""The places in the top bar that depend on a person's role in a team."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from casesite.web.topbar import Link, Notice

from .models import AwsAccount, CheckResult
from .permissions import lead_team_ids, reviewing_team_ids


def review(request: HttpRequest) -> Link | None:
    """The queue of those who decide on cases; the package that keeps the queue counts it."""
    if not reviewing_team_ids(request.user):
        return None
    return Link(
        text=_("Review"),
        url="/admin/submissions/submission/?state__exact=pending_review",
        covers="/admin/submissions/",
        count_text=_("waiting"),
    )


def accounts(request: HttpRequest) -> Link | None:
    if not (request.user.is_superuser or lead_team_ids(request.user)):
        return None
    return Link(
        text=_("Accounts"),
        url="/admin/teams/awsaccount/",
        covers="/admin/teams/",
    )


def blocked_accounts(request: HttpRequest) -> list[Notice]:
    """Accounts that the person may open cases in, but that the last check found unable to send."""
    return [
        Notice(text=_("%(account)s can't send: %(why)s") % {"account": account.name, "why": account.check_summary})
        for account in AwsAccount.objects.usable_by(request.user).filter(check_result=CheckResult.BLOCKED)
    ]
