"""What somebody else did to a submission, for those who come second."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from casesite.submissions.models import Submission
from casesite.web.templatetags.casesite import clock_time

# By the event that the verb left. {who} and {at} are filled in.
DONE = {
    "approved": gettext_lazy("Already approved by {who} at {at}."),
    "approved_first": gettext_lazy("{who} approved it as the first of two at {at}. It still waits: look once more."),
    "returned": gettext_lazy("Already returned by {who} at {at}."),
    "rejected": gettext_lazy("Already rejected by {who} at {at}."),
    "withdrawn": gettext_lazy("Withdrawn by {who} at {at}."),
    "cancelled": gettext_lazy("Cancelled by {who} at {at}."),
    "reviewed_afterwards": gettext_lazy("Already looked at by {who} at {at}."),
    "taken_over": gettext_lazy("Already taken over by {who} at {at}."),
    "sent_again": gettext_lazy("Already sent again by {who} at {at}."),
    "gave_up": gettext_lazy("Already given up by {who} at {at}."),
    "delivered": gettext_lazy("Already adopted by {who} at {at}."),
}


def who_was_quicker(submission: Submission, user: Any) -> str:
    """The last thing that a person did to it. Where the site itself moved it on, the state it is in now."""
    told = submission.case.events.filter(submission_id=submission.pk, what__in=DONE).select_related("by").last()
    if told is None or told.by is None:
        return _("It moved on meanwhile: it is now “%(state)s”.") % {"state": submission.get_state_display()}
    who = _("you") if told.by == user else str(told.by)
    return str(DONE[told.what]).format(who=who, at=clock_time(told.at))
