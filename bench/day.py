"""python -m bench.day <accounts> <bursts> <approvals in each>: a day of an office in this process; prints how its promises were kept."""

import json
import logging
import statistics
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import django


class Clock:
    """The site's time: it stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def set(self, instant: datetime) -> None:
        self.now = instant

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


def main(accounts: int, bursts: int, approvals: int) -> dict[str, Any]:
    from casesite import clock as site_clock
    from casesite.submissions.models import Submission
    from tests.delivery.promises import MINUTE, Days, kept

    clock = Clock()
    site_clock.replace(lambda: clock.now)
    days, pause = Days(clock, accounts), timedelta(minutes=10)
    for number in range(bursts):
        days.burst(approvals)
        for _look in range(24 * 60 // bursts // 10):
            days.look()
            days.pass_(pause)
        print(f"  {number + 1} of {bursts}: {len(days.promises)} times told", file=sys.stderr, flush=True)
    off = days.off()
    days.promises = [each for each in days.promises if each.at - each.told_at > MINUTE]
    later = days.off()
    return {
        "cases": Submission.objects.count(),
        "told": len(off),
        "kept": 100 * kept(off),
        "waited": len(later),
        "kept_later": 100 * kept(later),
        "median": statistics.median(off).total_seconds(),
    }


if __name__ == "__main__":
    django.setup()
    logging.disable(logging.INFO)  # thousands of lines, one for each attempt
    print(json.dumps(main(*map(int, sys.argv[1:]))))
