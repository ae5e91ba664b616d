"""What befalls the site: kills, stops longer than a lease, a broker without memory, a database that restarts, clocks that step.

The order is drawn from the seed; the moments follow how far the submissions have come.
"""

from __future__ import annotations

import heapq
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.places import DISPATCHERS, STEPPED, WORKERS, Place

SHORTEST, LONGEST = 0.8, 12.0  # seconds between two events
SETTLED = 2.5  # seconds that a process has lived before it is killed; it must have begun to work, too
STOPPED = (5.5, 9.0)  # seconds; the leases of a shortened site last 5
POINTS = ("C", "D", "D-set", "D-part", "E", "E", "F", "F", "G", "G", "H", "I")
WEB_POINTS = ("A", "B")
ARMED = 0.4  # of restarted workers: they kill themselves at a point drawn
VICTIMS = ("worker", "worker", "worker", "dispatcher", "web")
OTHERS = (
    "stop worker",
    "clock",
    "flush",
    "stop dispatcher",
    "database",
    "kill broker",
    "clock",
    "hang broker",
    "stop web",
)
OTHER_EVERY = 2  # kills
LAST_WORDS = 4  # lines of its log that are told of a process that ended by itself


class Havoc:
    """Call `step` often, from the main thread: on Linux a process dies with the thread that started it."""

    def __init__(self, place: Place, seed: int, kills: int) -> None:
        self.place = place
        self.chance = random.Random(f"{seed}:havoc")
        self.wanted = kills
        self.kills: Counter[str] = Counter()
        self.others: Counter[str] = Counter()
        self.ended: list[str] = []  # processes that ended though nobody killed them
        self.starts: Counter[str] = Counter()
        self.calm = False
        self._script = self._drawn(kills)
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._born: dict[str, float] = {}
        self._armed: dict[str, str] = {}
        self._frozen: set[str] = set()
        self._last = time.monotonic()

    @property
    def killed(self) -> int:
        return self.kills.total()

    def _drawn(self, kills: int) -> list[str]:
        others: list[str] = []
        script = []
        for number in range(
            1, 3 * kills + 20
        ):  # more than needed: processes also die at points, and some events find nobody
            script.append(f"kill {self.chance.choice(VICTIMS)}")
            if number % OTHER_EVERY == 0:
                others = others or self.chance.sample(OTHERS, len(OTHERS))
                script.append(others.pop())
        return script[::-1]

    def launch(self, role: str) -> None:
        """Start a process, with some of them armed to die at a point."""
        more = {}
        points = POINTS if role in WORKERS else WEB_POINTS if role == "web" else ()
        self._armed.pop(role, None)
        if points and not self.calm and self.starts[role] and self.chance.random() < ARMED:
            point = self._armed[role] = self.chance.choice(points)
            (self.place.var / f"failpoint-{point}").unlink(missing_ok=True)
            more = {"CASESITE_FAILPOINT": f"{point}=kill"}
        self.place.launch_part(role, **more)
        self.starts[role] += 1
        self._born[role] = time.monotonic()

    # --- one step ----------------------------------------------------------------------------------------------------
    def step(self, progress: float) -> None:
        """Do what is due. `progress` in 0..1 says how far the submissions have come."""
        self._do_later()
        self._mourn()
        since = time.monotonic() - self._last
        behind = self.killed < self.wanted * min(1.0, progress * 1.05 + 0.02)
        if self._script and self.killed < self.wanted and (since > LONGEST or (behind and since > SHORTEST)):
            self._last = time.monotonic()
            event = self._script.pop()
            if not self._act(event):
                self._script.append(event)  # nobody is there to be killed yet

    def become_calm(self) -> None:
        """Nothing more happens; whoever is down or stopped comes back, and clocks are right again."""
        self.calm = True
        for point in {*POINTS, *WEB_POINTS}:
            (self.place.var / f"failpoint-{point}").touch()
        while self._later:
            _at, _number, action = heapq.heappop(self._later)
            action()
        self._mourn()
        for role in ("broker", *WORKERS, *DISPATCHERS, "web"):
            if role not in self.place.children:
                self.launch(role)

    def _act(self, event: str) -> bool:
        """Whether it is done with: a kill has to find somebody."""
        verb, _, object_ = event.partition(" ")
        if event == "kill broker":
            self._kill_broker()
        elif event == "hang broker":
            self._freeze("broker", "broker hung")
        elif verb == "kill":
            victim = self._one(object_)
            if victim:
                self._kill(victim)
            return victim is not None
        elif verb == "stop":
            if role := self._one(object_):
                self._freeze(role, f"{object_} stopped longer than a lease")
        elif verb == "flush":
            self._flush()
        elif verb == "database":
            if done := self.place.database.disturb(self.chance.random()):
                self.others[f"database {done}"] += 1
        elif verb == "clock" and self.place.faketime:
            self._step_clock()
        return True

    def _one(self, kind: str) -> str | None:
        """A process of this kind that runs; None where none has lived long enough."""
        roles = {"worker": WORKERS, "dispatcher": DISPATCHERS, "web": ("web",)}[kind]
        old_enough = time.monotonic() - SETTLED
        living = [role for role in roles if role in self.place.children and role not in self._frozen]
        at_work = self.place.at_work(living)
        settled = [role for role in living if self._born[role] < old_enough and role in at_work]
        return self.chance.choice(settled) if settled else None

    def _kill(self, role: str) -> None:
        self.place.kill_part(role)
        self.kills[role.partition("-")[0]] += 1
        self.after(self.chance.uniform(0, 1.5), lambda: self._return(role))

    def _return(self, role: str) -> None:
        if role not in self.place.children:
            self.launch(role)

    def _kill_broker(self) -> None:
        if "broker" not in self.place.children or "broker" in self._frozen:
            return
        if self.chance.random() < 0.5:
            self.place.kill_part("broker")
            self.others["broker killed"] += 1
        else:
            self.place.stop_part("broker")
            self.others["broker stopped"] += 1
        self.after(self.chance.uniform(1, 6), lambda: self._return("broker"))

    def _freeze(self, role: str, as_: str) -> None:
        child = self.place.children.get(role)
        if child is None or role in self._frozen:
            return
        self._signal(child, signal.SIGSTOP)
        self._frozen.add(role)
        self.others[as_] += 1

        def thaw() -> None:
            self._frozen.discard(role)
            self._signal(child, signal.SIGCONT)

        self.after(self.chance.uniform(*STOPPED), thaw)

    def _signal(self, child: Any, number: signal.Signals) -> None:
        """To all processes of a part."""
        if child.code is None:
            os.killpg(child.pid, number)

    def _flush(self) -> None:
        address = urlsplit(self.place.broker_url)
        try:
            with socket.create_connection((address.hostname, address.port), timeout=2) as connection:
                connection.sendall(f"AUTH {address.password}\r\nFLUSHALL\r\n".encode())
                if connection.recv(64):
                    self.others["broker's memory flushed"] += 1
        except OSError:
            pass  # it is down just now, and remembers nothing anyway

    def _step_clock(self) -> None:
        hour = 3600 / self.place.time_scale
        seconds = self.chance.choice((-1, 1)) * self.chance.uniform(0.1, 1) * hour
        self.place.step_clock(seconds)
        self.others[f"clock of {STEPPED} stepped"] += 1
        self.after(self.chance.uniform(3, 10), lambda: self.place.step_clock(0))

    # --- what follows ------------------------------------------------------------------------------------------------
    def after(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), action))

    def _do_later(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            heapq.heappop(self._later)[2]()

    def _mourn(self) -> None:
        """Start anew what has ended by itself: at a point it was armed for, or for reasons to be told."""
        self._note_web_points()
        for role, child in list(self.place.children.items()):
            if child.code is None:
                continue
            point = self._armed.get(role)
            if point and child.code == -signal.SIGKILL:
                self.kills[role.partition("-")[0]] += 1
                self.others[f"of these, at point {point}"] += 1
            else:
                said = " / ".join(self.place.log(role).strip().splitlines()[-LAST_WORDS:])
                self.ended.append(f"{role} with code {child.code}: {said[-1000:]}")
            self.place.kill_part(role)  # what is left of it
            self.after(self.chance.uniform(0, 1), lambda role=role: self._return(role))  # type: ignore[misc]

    def _note_web_points(self) -> None:
        """gunicorn starts its worker anew by itself; that it died shows in the point's file."""
        point = self._armed.get("web")
        if point and not self.calm and (self.place.var / f"failpoint-{point}").exists():
            del self._armed["web"]
            self.kills["web"] += 1
            self.others[f"of these, at point {point}"] += 1
