"""What keeps an account from sending, in words, and what to do about it."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from casesite.pacing.models import Circuit
from casesite.submissions.queue import Queue
from casesite.teams.models import AwsAccount, CheckResult


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """`until` is when it is tried again by itself; `url` leads to what a person can do."""

    text: str
    todo: str
    tone: str = "bad"
    until: datetime | None = None
    url: str = ""


def trouble_of(account: AwsAccount, queue: Queue) -> Trouble | None:
    """The worst of it, or None where the account sends as usual."""
    gate, until, url = queue.gate, queue.shut_until, reverse("account", args=[account.pk])
    if gate.circuit != Circuit.CLOSED:
        return _stopped(gate.trouble, until, url)
    if account.check_result == CheckResult.BLOCKED and not queue.region:  # the check is of Support
        todo = _("A lead of the team sees to it; then a check of the account shows that it can send again.")
        text = _("The last check found that this account can't send. %(why)s") % {"why": account.check_summary}
        return Trouble(text=text, todo=todo, url=url)
    if until:
        text = _WAITING.get(gate.because, _WAITING["throttled"])()
        return Trouble(text=text, todo=_("Nothing to do: it goes on by itself."), tone="warn", until=until)
    return None


def _stopped(trouble: str, until: datetime | None, url: str) -> Trouble:
    if trouble == "access":
        text = _("AWS does not let the site into this account.")
        todo = _("Somebody has to mend its role or its plan; a good check of the account ends the pause at once.")
        return Trouble(text=text, todo=todo, until=until, url=url)
    if trouble == "bug":
        text = _("A request of this site was wrong, so it sends nothing more for this account.")
        todo = _("An operator has to look; a good check of the account then ends the pause.")
        return Trouble(text=text, todo=todo, url=url)
    text = _("AWS could not be reached several times in a row.")
    return Trouble(text=text, todo=_("Nothing to do: the site tries again by itself."), tone="warn", until=until)


_WAITING = {
    "throttled": lambda: _("AWS asked the site to slow down."),
    "quota": lambda: _("AWS says that this account's cases of the hour are used up."),
}
