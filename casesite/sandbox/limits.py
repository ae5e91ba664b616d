"""How many calls a second an account may make: a token bucket for each limit, kept in memory."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit: whose calls share it, how many a second, and how many at once after a rest."""

    bucket: tuple[str, ...]
    per_second: float
    burst: float


class CallRates:
    """All buckets. They are never stretched by the time scale."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, ...], tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, rate: Rate) -> bool:
        """Take one call from the bucket; False if it is empty."""
        now = time.monotonic()
        size = max(rate.burst, 1.0)
        with self._lock:
            tokens, at = self._buckets.get(rate.bucket, (size, now))
            tokens = min(size, tokens + (now - at) * rate.per_second)
            allowed = tokens >= 1.0
            self._buckets[rate.bucket] = (tokens - 1.0 if allowed else tokens, now)
        return allowed

    def clear(self) -> None:
        with self._lock:
            self._buckets.clear()
