"""The waiting times of the delivery protocol. CASESITE_TIME_SCALE divides them; docs/delivery.md explains each."""

import math
from datetime import timedelta

from django.conf import settings

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def scaled(span: timedelta, *, floor: float = 0.0) -> timedelta:
    """A waiting time divided by the time scale, but not shorter than `floor` seconds."""
    return max(span / settings.TIME_SCALE, min(span, timedelta(seconds=floor)))


def bound_of(span: timedelta) -> timedelta:
    """A scaled safety bound, rounded up to the whole seconds that AWS's Date header counts in."""
    return timedelta(seconds=math.ceil(scaled(span).total_seconds()))


def hour() -> timedelta:
    """The rolling window in which AWS counts new cases."""
    return scaled(timedelta(hours=1))


def validity(*, urgent: bool) -> timedelta:
    """How long AWS may still accept a signed request: documented as five minutes, fifteen have been seen."""
    return bound_of((5 if urgent else 15) * MINUTE)


def visibility() -> timedelta:
    """How long a new case may stay invisible to DescribeCases."""
    return bound_of(2 * MINUTE)


def send_window() -> timedelta:
    """How long after the intent the request may leave. A lease-like time, so it stays at 5 s or more."""
    return scaled(30 * SECOND, floor=5)


def preparing_lease() -> timedelta:
    return scaled(5 * MINUTE, floor=5)


def sending_lease() -> timedelta:
    return scaled(90 * SECOND, floor=5)


def look_lease() -> timedelta:
    return scaled(90 * SECOND, floor=5)
