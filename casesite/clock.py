"""The one clock. Tests replace it; nothing else in Casesite asks the system for the time of a decision."""

from collections.abc import Callable
from datetime import UTC, datetime

_source: Callable[[], datetime] | None = None


def now() -> datetime:
    """This instant, in UTC."""
    return _source() if _source else datetime.now(UTC)


def replace(source: Callable[[], datetime] | None) -> Callable[[], datetime] | None:
    """Take the time from `source` (None: from the system again); returns what it was taken from. For tests and demo data."""
    global _source
    _source, before = source, _source
    return before
