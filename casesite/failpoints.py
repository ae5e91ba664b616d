"""Named places in the code where tests break it: kill the process, or raise.

CASESITE_FAILPOINT names one, `E=kill`: the first process that reaches E dies by SIGKILL. It happens once for each var
folder, so that the process started in its place lives. Settings refuse it in live mode; unset, a point costs one comparison.

A before the approval is committed, B committed but not rung, C bell in the worker, D preparing (D-set a set of files made but not
noted, D-part a part of a file stored at AWS, D-complete all parts told but the answer not noted), E intent committed but not
sent, F request in flight, G answer here but not stored, H looking, I delivered.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

_armed: dict[str, Callable[[], None]] = {}


def reach(name: str) -> None:
    """Pass the point, unless a test armed it."""
    if _armed and name in _armed:
        _armed[name]()
    if settings.FAILPOINT and f"{name}=kill" == settings.FAILPOINT and _first_time(name):
        if name == "F":
            # The request is to be on its way when the process dies: the hook runs just before the bytes leave.
            threading.Timer(0.3, _die).start()
        else:
            _die()


@contextmanager
def armed(name: str, action: Callable[[], None]) -> Iterator[None]:
    """Within this process, call `action` at the point."""
    _armed[name] = action
    try:
        yield
    finally:
        _armed.pop(name, None)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _first_time(name: str) -> bool:
    try:
        os.close(os.open(settings.VAR / f"failpoint-{name}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
