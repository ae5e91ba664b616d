"""Time in a soak: it passes when it is told to, and the site's clock may be wrong about it while AWS's is right."""

from __future__ import annotations

import time as system_time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from botocore import auth

from casesite import clock
from casesite.aws import clients
from casesite.delivery import sender

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Clocks:
    """Three of them: how long the machine has been up, what its clock says, and what AWS's says."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.passed = timedelta(0)
        self.site_ahead = timedelta(0)
        self.aws_ahead = timedelta(0)

    @property
    def site(self) -> datetime:
        return START + self.passed + self.site_ahead

    @property
    def aws(self) -> datetime:
        return START + self.passed + self.aws_ahead

    def pass_(self, span: timedelta) -> None:
        self.passed += span

    def install(self) -> None:
        """Have the site, the SDK's signatures and what guards a request's last moment go by these clocks. For good."""
        clock.replace(lambda: self.site)
        auth.get_current_datetime = lambda remove_tzinfo=True: self.site.replace(tzinfo=None if remove_tzinfo else UTC)
        system_time.sleep = lambda seconds: self.pass_(timedelta(seconds=seconds))
        system_time.monotonic = clients.boottime = lambda: self.passed.total_seconds()
        wall: Any = SimpleNamespace(time=lambda: self.site.timestamp(), monotonic=system_time.monotonic)
        wall.clock_gettime = system_time.clock_gettime
        clients.time = wall
        started = sender.Started
        sender.Started = lambda: started(self.passed.total_seconds(), self.site.timestamp())
