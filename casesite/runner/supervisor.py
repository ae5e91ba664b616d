"""Starts children, tells what they say, and stops them in reverse order.

One thread and one selector: children must be started from the main thread, and a fork is safest where no other runs.
"""

import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from casesite.runner.parts import Part
from casesite.runner.processes import Child

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK = 0.5  # seconds between looks at children that ended without closing their output
HURRY = 1.0  # seconds after the first Ctrl-C from which another one means "now"


class Asked(Exception):
    """Somebody asked us to stop."""


class Failed(Exception):
    """The set cannot run; the text says why."""


class Supervisor:
    def __init__(self) -> None:
        self.children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._asked_at: float | None = None
        self._hurry = False
        self._stopping = False

    # --- starting -------------------------------------------------------------------------------------------------
    def start(self, part: Part) -> Child:
        child = Child(part)
        self.children.append(child)
        self._selector.register(child.pipe, selectors.EVENT_READ, child)
        return child

    def run(self, part: Part) -> int:
        """Run a command to its end."""
        return self.finish(self.start(part))

    def finish(self, child: Child) -> int:
        """Wait for a command's end. Gives its exit code, one of those with which it ends well."""
        while (code := child.code) is None:
            self.look(finishing=child)
        self._forget(child)
        if code not in child.part.good_codes:
            raise Failed(f"{child.name} failed with code {code}")
        return code

    def discard(self, child: Child) -> None:
        """Stop a child that is wanted no more, or has ended."""
        child.kill()
        child.process.wait()
        self._forget(child)

    # --- running --------------------------------------------------------------------------------------------------
    def watch(self) -> None:
        """Run until somebody asks us to stop (raises Asked) or a child ends (raises Failed)."""
        while True:
            self.look()

    def look(self, seconds: float = LOOK, *, finishing: Child | None = None) -> None:
        """Tell what children said within these seconds, at most; raise what ends the set.

        That `finishing` ends is its caller's business, and a command may end well at any time.
        """
        self._tell(seconds)
        if self._asked_at is not None and not self._stopping:
            raise Asked
        for child in self.children:
            ended_well = child.part.ends and child.code in child.part.good_codes
            if child.code is not None and child is not finishing and not ended_well and not self._stopping:
                self._tell_rest(child)
                raise Failed(f"{child.name} ended by itself ({_how(child.code or 0)})")

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Within it SIGINT, SIGTERM and SIGHUP end the set in order."""
        waker, wakened = socket.socketpair()
        for end in (waker, wakened):
            end.setblocking(False)
        self._selector.register(wakened, selectors.EVENT_READ, None)
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        old_fd = signal.set_wakeup_fd(waker.fileno())
        try:
            yield
        finally:
            signal.set_wakeup_fd(old_fd)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.unregister(wakened)
            waker.close()
            wakened.close()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
        elif number == signal.SIGINT and now - self._asked_at > HURRY:
            self._hurry = True

    # --- stopping -------------------------------------------------------------------------------------------------
    def stop(self) -> None:
        """Stop all, the last started first, each with its own grace."""
        self._stopping = True
        for child in reversed(self.children.copy()):
            child.terminate()
            deadline = time.monotonic() + child.part.grace
            while child.code is None and time.monotonic() < deadline and not self._hurry:
                self._tell(0.05)
            if child.code is None:
                tell("up", f"{child.name} does not end: killed")
            child.kill()
            child.process.wait()
            self._forget(child)

    # --- output ---------------------------------------------------------------------------------------------------
    def _tell(self, seconds: float) -> None:
        for key, _events in self._selector.select(seconds):
            child = key.data
            if child is None:
                with suppress(BlockingIOError):
                    os.read(key.fd, 64)
            elif child.read():
                for line in child.lines():
                    tell(child.name, line)
            else:
                self._selector.unregister(child.pipe)

    def _tell_rest(self, child: Child) -> None:
        """What an ended child has left in its pipe. What it started may still hold the other end: never wait."""
        os.set_blocking(child.pipe.fileno(), False)
        while child.read():
            pass
        for line in child.lines(rest=True):
            tell(child.name, line)

    def _forget(self, child: Child) -> None:
        self._tell_rest(child)
        self.children.remove(child)
        with suppress(KeyError):
            self._selector.unregister(child.pipe)
        child.pipe.close()


_as_json = False


def tell_in(form: str) -> None:
    """In the form "json" each line that is told is a JSON object, with its speaker as `part`."""
    global _as_json
    _as_json = form == "json"


def tell(name: str, line: str) -> None:
    """One line with its speaker. A terminal that was closed is no reason to fall."""
    try:
        print(_object(name, line) if _as_json else f"{name:>10} | {line}", flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (stays open for the rest of the process)


def _object(name: str, line: str) -> str:
    """The line as a JSON object: what is one already gets its speaker, anything else becomes the event."""
    speaker = json.dumps({"part": name})
    if line.startswith('{"'):
        return f"{speaker[:-1]}, {line[1:]}"
    return f"{speaker[:-1]}, {json.dumps({'event': line}, ensure_ascii=False)[1:]}"


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}, {signal.Signals(-code).name}"
