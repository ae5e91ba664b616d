"""Small pieces that many pages show: states, times, ids to copy, shares of a whole."""

import json
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

from casesite import clock

register = template.Library()

TONES = frozenset({"ok", "warn", "bad", "doubt", "wait", "plain"})


@register.simple_tag
def state_chip(label: Any) -> SafeString:
    """A label with its `text` and `tone` as a chip."""
    return chip(label.text, label.tone)


@register.simple_tag
def chip(text: Any, tone: str = "plain") -> SafeString:
    return format_html('<span class="chip {}">{}</span>', tone if tone in TONES else "plain", text)


@register.simple_tag
def when(instant: datetime | None) -> SafeString | str:
    """How long ago, or in how long; the exact instant in the title. relative-times.js keeps it true."""
    return time_element(instant, ago(instant), relative=True) if instant else ""


@register.simple_tag
def exact(instant: datetime | None) -> SafeString | str:
    """The time that people plan with, in their zone: "14:32", with the date when it is not today."""
    return time_element(instant, clock_time(instant)) if instant else ""


@register.inclusion_tag("web/_copyable.html")
def copyable(text: Any, shown: Any = "", name: Any = "") -> dict[str, Any]:
    """An id with a button that copies it. `shown` is how people read it, `name` says what is copied."""
    return {"text": text, "shown": shown or text, "name": name or text}


@register.inclusion_tag("web/_meter.html")
def meter(value: float, total: float, tone: str = "", label: Any = "") -> dict[str, Any]:
    """A bar for a share of a whole. Where no words beside it say the same, `label` does."""
    share = min(max(value / total, 0), 1) if total else 0
    return {"width": round(share * 100, 1), "tone": tone if tone in TONES else "", "label": label}


@register.simple_tag
def field_anchor(field: BoundField) -> str:
    """The id of the control that a link to a field leads to; of a group of radios it is the first."""
    return field.id_for_label or f"{field.auto_id}_0"


@register.simple_tag
def relative_words() -> str:
    """The words that relative-times.js makes its sentences of; # stands for the number or the span."""
    return json.dumps(
        {
            "now": gettext("just now"),
            "soon": gettext("in a moment"),
            "ago": gettext("%(span)s ago") % {"span": "#"},
            "in": gettext("in %(span)s") % {"span": "#"},
            "minutes": gettext("%(n)s min") % {"n": "#"},
            "hours": gettext("%(n)s h") % {"n": "#"},
            "day": ngettext("%(n)s day", "%(n)s days", 1) % {"n": "#"},
            "days": ngettext("%(n)s day", "%(n)s days", 2) % {"n": "#"},
        }
    )


@register.simple_tag
def server_time() -> str:
    return clock.now().isoformat(timespec="seconds")


def ago(instant: datetime) -> str:
    """ "12 min ago", "in 2 h", and the date where that says more."""
    span = clock.now() - instant
    words, past = _span(abs(span)), span >= timedelta(0)
    if words is None:
        return clock_date(instant)
    if not words:
        return gettext("just now") if past else gettext("in a moment")
    return gettext("%(span)s ago") % {"span": words} if past else gettext("in %(span)s") % {"span": words}


def clock_time(instant: datetime) -> str:
    local, today = timezone.localtime(instant), timezone.localtime(clock.now()).date()
    if local.date() == today:
        return clock_hour(local)
    return f"{clock_date(instant)}, {clock_hour(local)}"


def clock_date(instant: datetime) -> str:
    local, today = timezone.localtime(instant), timezone.localtime(clock.now())
    return date_format(local, "j M" if local.year == today.year else "j M Y")


def clock_hour(local: datetime) -> str:
    return f"{local:%H:%M}"  # in every language alike, and Django's format of it takes twenty times as long


def both_times(instant: datetime) -> str:
    """The person's time and UTC, to the second."""
    local, utc = timezone.localtime(instant), timezone.localtime(instant, timezone.get_fixed_timezone(0))
    if local.utcoffset() == timedelta(0):
        return date_format(utc, "D j M Y, H:i:s") + " UTC"
    there = date_format(utc, "H:i:s" if utc.date() == local.date() else "D j M Y, H:i:s")
    return f"{date_format(local, 'D j M Y, H:i:s')} {timezone.get_current_timezone_name()} ({there} UTC)"


def time_element(instant: datetime, text: str, *, relative: bool = False) -> SafeString:
    """A time as a person reads it; the exact one in the title. relative-times.js keeps a `relative` one true."""
    attributes = _attributes(instant, timezone.get_current_timezone(), get_language())
    return format_html("<time {}{}>{}</time>", attributes, SafeString(" data-relative") if relative else "", text)


@lru_cache(maxsize=5_000)  # pages show the same instants again and again, and writing one out takes as long as a query
def _attributes(instant: datetime, zone: tzinfo, language: str | None) -> SafeString:
    """For the zone and the language that are active."""
    utc = instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return format_html('datetime="{}" title="{}"', utc, both_times(instant))


def _span(span: timedelta) -> str | None:
    """A length in its largest unit; empty below a minute, None from a week on."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return ""
    if minutes < 60:
        return gettext("%(n)s min") % {"n": minutes}
    if minutes < 24 * 60:
        return gettext("%(n)s h") % {"n": minutes // 60}
    days = minutes // (24 * 60)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days} if days < 7 else None
