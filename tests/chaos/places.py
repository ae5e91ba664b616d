"""A site of many processes: two workers, two dispatchers, web, broker and simulator, each of which may die and return."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from casesite.runner import parts, ports
from tests.chaos.databases import Database
from tests.sandboxes import Sandbox
from tests.sites import Site, _environment

WORKERS = ("worker-1", "worker-2")
DISPATCHERS = ("dispatcher-1", "dispatcher-2")
SERVING = ("broker", "sandbox")
ROLES = (*SERVING, *WORKERS, *DISPATCHERS, "web")
STEPPED = "worker-2"  # the one whose clock is stepped
FAKETIME = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")


class Place(Site):
    """Roles are named as in ROLES; the log of each is `<role>.log` in the var folder."""

    database: Database
    mutation = ""  # workers and dispatchers run with this one, see mutants.py
    faketime: Path | None = None

    @classmethod
    def prepare(cls, var: Path, database: Database, time_scale: float, *, mutation: str = "") -> Place:
        """Start broker and simulator and fill the database; nothing works yet."""
        own = {"DATABASE_URL": database.url} if database.url else {}
        place = cls(var, _environment(var, time_scale, "embedded", own))
        place.database, place.mutation = database, mutation
        place._lay_out()
        place.faketime = find_faketime()
        place.step_clock(0)
        for role in SERVING:
            place.start_part(role)
        place.migrate()
        place.manage("seed_demo", "--if-empty", "--without-cases")
        return place

    @property
    def sandbox(self) -> Sandbox:
        return Sandbox(self.var / "sandbox", None, self.sandbox_url, self.time_scale)  # type: ignore[arg-type]

    @property
    def time_scale(self) -> float:
        return float(self.environment["CASESITE_TIME_SCALE"])

    @property
    def children(self) -> dict[str, Any]:
        """The running parts by role."""
        return self._parts

    def at_work(self, roles: Iterable[str]) -> set[str]:
        """Those of the parts that have begun to work: one that only starts would die for nothing."""
        try:
            beats = self.rows("SELECT process FROM delivery_beat WHERE role IN ('worker', 'dispatcher')")
        except Exception:  # a database that just restarts
            return set()
        beating = {int(row["process"].split(":")[1]) for row in beats}
        return {role for role in roles if (self._serves() if role == "web" else self._parts[role].pid in beating)}

    def _serves(self) -> bool:
        return ports.answers(urlsplit(self.url).port or 0, "/healthz")

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return self.database.rows(sql, values)

    def _part(self, role: str) -> parts.Part:
        kind, _, number = role.partition("-")
        part = super()._part(kind)
        if kind == "worker":
            name = f"site-{self._place.port}@%h"  # type: ignore[union-attr]
            command = [f"{number}-{word}" if word == name else word for word in part.command]
            part = replace(part, command=command)
        if role == STEPPED and self.faketime:
            part = replace(part, environment=part.environment | self._fake_clock())
        if self.mutation and kind in ("worker", "dispatcher"):
            part = replace(part, command=_mutated(part.command, self.mutation))
        return part

    # --- clocks ----------------------------------------------------------------------------------------------------
    def _fake_clock(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self.faketime),
            "FAKETIME_TIMESTAMP_FILE": str(self.var / "clock"),
            "FAKETIME_CACHE_DURATION": "1",  # seconds; reading the file at every look at the clock costs half of the time
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(Path(__file__).parent / "stepped"),
        }

    def step_clock(self, seconds: float) -> None:
        """How far the clock of STEPPED is off from now on."""
        new = self.var / "clock.new"
        new.write_text(f"{seconds:+.1f}s\n")
        new.replace(self.var / "clock")

    def stop(self, *_signal: Any, **_more: Any) -> int:
        for role in reversed(ROLES):
            if role in self._parts:
                self.stop_part(role)
        return 0


def find_faketime() -> Path | None:
    """libfaketime, where the system has it."""
    return next((found for pattern in FAKETIME for found in sorted(Path("/").glob(pattern[1:]))), None)


def _mutated(command: Sequence[str], mutation: str) -> list[str]:
    """The same command line, run by mutants.py in a process that it has changed first."""
    rest = list(command[1:])
    while rest[0] == "-W":
        rest = rest[2:]
    return [sys.executable, "-m", "tests.chaos.mutants", "--in-process", mutation, *rest]
