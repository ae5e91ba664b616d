"""The database under a site in chaos, and what can befall it."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from casesite.runner import ports

OWNER = "postgres"  # PostgreSQL does not run as root
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


class Postgres:
    """A cluster of our own, restarted now and then: in order, or as if the power had failed."""

    def __init__(self, folder: Path, binaries: Path, port: int) -> None:
        self.folder, self.binaries, self.port = folder, binaries, port
        self.url = f"postgres://{OWNER}@127.0.0.1:{port}/casesite"
        self.name = "PostgreSQL"

    @classmethod
    def start(cls) -> Postgres:
        """Make a cluster and start it, as its own user where we are root. Raises LookupError where there is no PostgreSQL."""
        binaries = find_postgres()
        if binaries is None:
            raise LookupError("no PostgreSQL server was found (Debian and Ubuntu: apt-get install postgresql)")
        folder = Path(tempfile.mkdtemp(prefix="casesite-chaos-pg-"))
        if os.geteuid() == 0:
            shutil.chown(folder, OWNER, OWNER)
        database = cls(folder, binaries, ports.free())
        database._run("initdb", "-D", str(folder / "data"), "-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-locale")
        options = f"-c port={database.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        database._pg_ctl("start", "-o", f"{options} -c max_connections=200")
        database._run("createdb", "-h", "127.0.0.1", "-p", str(database.port), "-U", OWNER, "casesite")
        version = database.rows("SELECT current_setting('server_version') AS v")[0]["v"]
        database.name = f"PostgreSQL {version.split()[0]}"
        return database

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        return _postgres_rows(self.url, sql, values)

    def disturb(self, how: float) -> str | None:
        mode = "immediate" if how < 0.5 else "fast"
        self._pg_ctl("restart", "-m", mode)
        return f"restarted ({mode})"

    def stop(self) -> None:
        self._pg_ctl("stop", "-m", "fast")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _pg_ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        owner = pwd.getpwnam(OWNER) if os.geteuid() == 0 else None
        more = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
        command = [str(self.binaries / program), *arguments]
        with (self.folder / f"{program}.out").open("wb") as out:  # a server that goes on writing must not hold a pipe
            done = subprocess.run(command, cwd=self.folder, stdout=out, stderr=out, timeout=120, **more)
        if done.returncode:
            said = (self.folder / f"{program}.out").read_text(errors="replace")
            raise RuntimeError(f"{program} ended with code {done.returncode}: {said[-2000:]}")


class NamedPostgres:
    """A server that somebody else runs, by its address; it is left alone."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = f"PostgreSQL {self.rows('SHOW server_version')[0]['server_version'].split()[0]}"

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        return _postgres_rows(self.url, sql, values)

    def disturb(self, how: float) -> str | None:
        return None

    def stop(self) -> None:
        """It is somebody else's."""


def find_postgres() -> Path | None:
    """The folder of the newest server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _postgres_rows(url: str, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    import psycopg
    from psycopg.rows import dict_row

    address = url.replace("postgres://", "postgresql://", 1)
    with psycopg.connect(address, row_factory=dict_row, connect_timeout=5, autocommit=True) as connection:
        return connection.execute(sql.replace("?", "%s"), tuple(values)).fetchall()
