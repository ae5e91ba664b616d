"""How many calls a second an account may make: a token bucket each, kept in memory."""

from __future__ import annotations

import threading
import time


class CallRates:
    """One bucket for each account. It holds one second's worth of calls and is never stretched by the time scale."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, account_id: str, per_second: float) -> bool:
        """Take one call from the account's bucket; False if it is empty."""
        now = time.monotonic()
        size = max(per_second, 1.0)
        with self._lock:
            tokens, at = self._buckets.get(account_id, (size, now))
            tokens = min(size, tokens + (now - at) * per_second)
            allowed = tokens >= 1.0
            self._buckets[account_id] = (tokens - 1.0 if allowed else tokens, now)
        return allowed

    def clear(self) -> None:
        with self._lock:
            self._buckets.clear()
