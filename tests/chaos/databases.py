"""The database under a site in chaos, and what can befall it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.postgres import Cluster, Server

HELD = (1.0, 4.0)  # seconds for which another writer keeps SQLite to itself


class Database(Protocol):
    name: str  # as reports tell it
    url: str  # for the site; empty: its own SQLite file

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Read, with `?` for each value."""
        ...

    def disturb(self, how: float) -> str | None:
        """Do it harm that it must survive, `how` in 0..1; says what was done, or None where nothing can be."""
        ...

    def stop(self) -> None: ...


class Sqlite:
    """The site's own file. Another writer holds it now and then."""

    url = ""

    def __init__(self, var: Path) -> None:
        self.path = var / "casesite.sqlite3"
        self.name = f"SQLite {sqlite3.sqlite_version}"

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)
        try:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, tuple(values))]
        finally:
            connection.close()

    def disturb(self, how: float) -> str | None:
        seconds = HELD[0] + how * (HELD[1] - HELD[0])
        threading.Thread(target=self._hold, args=(seconds,), daemon=True).start()
        return "locked by another writer"

    def _hold(self, seconds: float) -> None:
        connection = sqlite3.connect(self.path, timeout=20, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    def stop(self) -> None:
        """It is nobody's process."""


class Postgres(Cluster):
    """A cluster of our own, restarted now and then: in order, or as if the power had failed."""

    @property
    def name(self) -> str:
        return _name(self)

    def disturb(self, how: float) -> str | None:
        mode = "immediate" if how < 0.5 else "fast"
        self.pg_ctl("restart", "-t", "110", "-m", mode)
        return f"restarted ({mode})"


class NamedPostgres(Server):
    """Somebody else's server, which is not restarted."""

    @property
    def name(self) -> str:
        return _name(self)

    def disturb(self, how: float) -> str | None:
        return None


def _name(server: Server) -> str:
    return f"PostgreSQL {server.version}"
