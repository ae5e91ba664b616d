"""One child process: started so that it cannot outlive its supervisor, its output told line by line, stopped in order."""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO, cast

from casesite.runner.parts import ROOT, Part

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec little may be done.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """A running part. Start it from the main thread: on Linux its end is tied to that thread's."""

    def __init__(self, part: Part, *, output: IO[bytes] | int = subprocess.PIPE) -> None:
        self.part = part
        self.name = part.name
        self._hushed = [re.compile(pattern) for pattern in part.hushed]
        self._tail = b""
        self.process = subprocess.Popen(
            part.command,
            env=part.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with(os.getpid()),
            pass_fds=part.pass_fds,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def pipe(self) -> IO[bytes]:
        return cast(IO[bytes], self.process.stdout)

    @property
    def code(self) -> int | None:
        """Its exit code once it has ended."""
        return self.process.poll()

    def read(self) -> bool:
        """Take what it has written; False at the end of its output."""
        try:
            data = os.read(self.pipe.fileno(), 65536)
        except OSError:
            return False
        self._tail += data
        return bool(data)

    def lines(self, *, rest: bool = False) -> Iterator[str]:
        """The whole lines read so far (`rest`: an unfinished one too) without those that are nobody's news."""
        *whole, self._tail = self._tail.split(b"\n")
        if rest and self._tail:
            whole.append(self._tail)
            self._tail = b""
        for line in whole:
            text = line.decode(errors="replace").rstrip()
            if text and not any(pattern.search(text) for pattern in self._hushed):
                yield text

    def terminate(self) -> None:
        """Ask the main process alone: a worker's warm shutdown is its own affair."""
        if self.code is None:
            self.process.terminate()

    def kill(self) -> None:
        """End it and all that it started. Its group lives as long as one of them does."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def _end_with(parent: int) -> Callable[[], None] | None:
    """Have the kernel end the child when its supervisor dies, even by kill -9."""
    if _libc is None:
        return None
    libc = _libc

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the tie was made
            os._exit(1)

    return tie
