"""The place in the top bar that depends on a person's role in a team."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from casesite.web.topbar import Link

from .permissions import reviewing_team_ids


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
