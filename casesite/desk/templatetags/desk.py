"""People and AWS's codes in the words of the pages."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from casesite import clock
from casesite.catalog.severities import severity_of
from casesite.desk import holes
from casesite.screening.places import Place
from casesite.web.templatetags.casesite import clock_date, clock_hour, time_element

register = template.Library()

_STATUSES = {
    "unassigned": _("not assigned yet"),
    "opened": _("opened"),
    "work-in-progress": _("AWS is working on it"),
    "pending-customer-action": _("AWS waits for us"),
    "customer-action-completed": _("AWS has our answer"),
    "reopened": _("reopened"),
    "resolved": _("resolved"),
}


@register.simple_tag(takes_context=True)
def personal(context: Any, template: str) -> SafeString:
    """A piece that tells of the person and the account: a page that is made for everybody leaves its place open."""
    return holes.personal(template, context)


@register.simple_tag(takes_context=True)
def blank_form(context: Any, form: Any) -> SafeString:
    """The empty form: what all share as it is kept, and a person's own pieces in their places."""
    return SafeString(
        "".join([holes.rendered(piece.template, context) if piece.template else piece.html for piece in form.pieces])
    )


@register.filter
def person(user: Any) -> str:
    """A person's name as others read it."""
    if not user:
        return ""
    return user.get_full_name() or user.get_username()


@register.filter
def severity(code: str) -> Any:
    """The severity behind a code, with AWS's names for people."""
    return severity_of(code)


@register.filter
def aws_status(status: str) -> str:
    """AWS's own status in words; one it brings anew as it is."""
    return str(_STATUSES.get(status, status))


@register.filter
def places(record: str) -> str:
    """Where secrets were found, as it was kept, in words."""
    return ", ".join(str(place) for code in record.splitlines() if (place := Place.read(code)))


@register.filter
def instant(text: str) -> datetime | None:
    """A time as an event keeps it."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@register.simple_tag
def decider(case: Any) -> str:
    """Who decided on a case that a desk read, as others read the name."""
    full = f"{case.decided_by_first or ''} {case.decided_by_last or ''}".strip()
    return full or case.decided_by_name or ""


@register.simple_tag
def now_exact() -> SafeString:
    """The time at which this page was made, to the second."""
    now = clock.now()
    return time_element(now, f"{timezone.localtime(now):%H:%M:%S}")


@register.simple_tag
def day_and_time(instant: datetime) -> SafeString:
    """ "today 06:00", "yesterday 06:00", else with the date."""
    local = timezone.localtime(instant)
    days = (timezone.localtime(clock.now()).date() - local.date()).days
    day = {0: _("today"), 1: _("yesterday")}.get(days) or clock_date(instant)
    return time_element(instant, f"{day} {clock_hour(local)}")


@register.filter
def seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f}"


@register.simple_tag
def console_url(case: Any) -> str:
    """Where the case stands at AWS: in the Support console, or on the simulator's page."""
    if settings.SANDBOX:
        return f"{settings.SANDBOX_URL}/_sandbox/"
    return f"https://support.console.aws.amazon.com/support/home#/case/?{urlencode({'displayId': case.aws_display_id})}"


@register.filter
def was_shown(row: Any, known: list[str]) -> bool:
    """Whether the page already shows a Connect field, by what it sent back."""
    return any(one.startswith(f"{row.field.id}=shown-") for one in known)
