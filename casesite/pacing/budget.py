"""The cases an account may open in the rolling hour. Pure: the counted times are given."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


def ordinary_limit(limit: int, reserve: int) -> int:
    """What cases of severity high and below may use of an hour. Where the reserve is not below the limit it is one all the same."""
    return max(1, limit - reserve)


def has_room(limit: int, reserve: int, *, ordinary: int, urgent: int, for_urgent: bool) -> bool:
    """Whether one more case may go out after so many of both kinds in the last hour."""
    return ordinary + urgent < limit and (for_urgent or ordinary < ordinary_limit(limit, reserve))


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What an account has used of its hour.

    `ordinary` and `urgent` hold from when each opening attempt (done, unknown or open) of the last hour counts.
    Severity high and below uses at most `limit - reserve`; urgent and critical may use all of it.
    """

    limit: int
    reserve: int
    hour: timedelta
    ordinary: tuple[datetime, ...] = ()
    urgent: tuple[datetime, ...] = ()

    @property
    def used(self) -> int:
        return len(self.ordinary) + len(self.urgent)

    @property
    def ordinary_limit(self) -> int:
        return ordinary_limit(self.limit, self.reserve)

    def free_at(self, now: datetime, *, urgent: bool) -> datetime:
        """The earliest instant from `now` on at which one more case may go out."""
        at = self._free(sorted(self.ordinary + self.urgent), self.limit, now)
        if not urgent:
            at = max(at, self._free(sorted(self.ordinary), self.ordinary_limit, now))
        return at

    def has_room(self, now: datetime, *, urgent: bool) -> bool:
        ordinary, all_urgent = (len(self._counted(each, now)) for each in (self.ordinary, self.urgent))
        return has_room(self.limit, self.reserve, ordinary=ordinary, urgent=all_urgent, for_urgent=urgent)

    def spend(self, at: datetime, *, urgent: bool) -> "Budget":
        """The budget after one more case at that instant."""
        return Budget(
            limit=self.limit,
            reserve=self.reserve,
            hour=self.hour,
            ordinary=self.ordinary if urgent else (*self.ordinary, at),
            urgent=(*self.urgent, at) if urgent else self.urgent,
        )

    def _free(self, times: list[datetime], limit: int, now: datetime) -> datetime:
        counted = self._counted(times, now)
        if len(counted) < limit:
            return now
        return counted[len(counted) - limit] + self.hour

    def _counted(self, times: Iterable[datetime], now: datetime) -> list[datetime]:
        return [time for time in times if time + self.hour > now]
