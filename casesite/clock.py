"""The one clock. Tests replace it; nothing else in Casesite asks the system for the time of a decision."""

from collections.abc import Callable
from datetime import UTC, datetime

_source: Callable[[], datetime] | None = None


def now() -> datetime:
    """This instant, in UTC."""
    return _source() if _source else datetime.now(UTC)


def replace(source: Callable[[], datetime] | None) -> None:
    """Take the time from `source` (None: from the system again). For tests and simulations."""
    global _source
    _source = source
