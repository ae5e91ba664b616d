"""Read by Python at the start of the process whose clock is stepped.

libfaketime 0.9.10 does not know the sleep of Python 3.11 and newer (clock_nanosleep until an instant of the monotonic clock):
it fails with EINVAL now and then. Waiting by select lasts the same.
"""

import select
import time


def _sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = _sleep
