"""What accounts add to the top of every page: a link for those who look after them, and a line for each that is in trouble."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from casesite import prepared
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.teams.models import AwsAccount, CheckResult
from casesite.teams.permissions import lead_team_ids
from casesite.web.topbar import Link, Notice

AT_MOST = 2  # accounts named one by one


def accounts_link(request: HttpRequest) -> Link | None:
    """For leads and superusers."""
    user = request.user
    if not (user.is_superuser or lead_team_ids(user)):
        return None
    return Link(text=_("Accounts"), url=reverse("accounts"), covers=reverse("accounts"))


def troubled_accounts(request: HttpRequest) -> Iterable[Notice]:
    """Accounts of the person's teams that can't send, or whose sending AWS or the line has stopped."""
    troubled = _troubled(user=request.user.pk)
    if len(troubled) > AT_MOST:
        text = _("%(count)d accounts can't send just now.") % {"count": len(troubled)}
        return [Notice(text=text, url=reverse("accounts"), link_text=_("Which, and why"))]
    return [_notice_of(account) for account in troubled]


def _troubled_of(user: Any) -> QuerySet[AwsAccount]:
    stopped = AccountGate.objects.filter(account=OuterRef("pk"), mode=Mode.WRITE).exclude(circuit=Circuit.CLOSED)
    return AwsAccount.objects.usable_by(user).filter(Q(Exists(stopped)) | Q(check_result=CheckResult.BLOCKED))


# Every page asks: compiled once, it costs a fifth.
_troubled = prepared.Objects(_troubled_of, user=int)


def _notice_of(account: AwsAccount) -> Notice:
    if account.check_result == CheckResult.BLOCKED:
        text = _("%(account)s can't send: %(why)s") % {"account": account.name, "why": _why(account)}
    else:
        text = _("Calls to AWS for %(account)s are paused, because the last ones failed.") % {"account": account.name}
    return Notice(text=text, url=reverse("account", args=[account.pk]), link_text=_("What to do"))


def _why(account: AwsAccount) -> str:
    """What the check found, without what to do: a line has no room for both."""
    found = (row["text"] for row in account.check_details if row["state"] == CheckResult.BLOCKED)
    return next(found, account.check_summary)
