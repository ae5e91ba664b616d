"""A whole site for tests: real broker, simulator, worker, dispatcher and web server on free ports and an own var folder.

`Site.start` runs `manage.py up`, as users do. `Site.in_parts` starts the same parts one by one, so that a test can kill one
and start it again without `up` ending the rest.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from casesite.runner import broker, parts, ports, record
from casesite.runner.processes import Child
from tests import postgres
from tests.sandboxes import Sandbox

READY_SECONDS = 90
# The last one: a site starts many processes, and each would compile the same modules again where they are not kept.
FOREIGN = (
    *("CASESITE_", "AWS_", "PYTEST_", "DJANGO_SETTINGS", "DATABASE_URL", "REDIS_URL", "PORT", "CI"),
    "PYTHONDONTWRITEBYTECODE",
)
ORDER = ("broker", "sandbox", "worker", "dispatcher", "web")


class SiteFailed(AssertionError):
    """A part of the site did not do what the test needs; the text ends in what it wrote."""


def bare_environment() -> dict[str, str]:
    """This process's environment less what would tell a site what to be."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}


def wait_until(holds: Callable[[], Any], *, seconds: float = 30, what: str = "it", every: float = 0.05) -> Any:
    """The first true answer of `holds`."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        if time.monotonic() > deadline:
            raise SiteFailed(f"{what} did not happen within {seconds:g} s")
        time.sleep(every)
    return answer


class Site:
    """One running site. Use `start` or `in_parts`, and `stop` in the end."""

    def __init__(self, var: Path, environment: dict[str, str]) -> None:
        self.var = var
        self.environment = environment
        self.url = ""
        self.pids: dict[str, int] = {}
        self._up: subprocess.Popen[bytes] | None = None
        self._parts: dict[str, Child] = {}
        self._place: parts.Site | None = None
        self._server: broker.Server | None = None

    # --- one set under `up` -----------------------------------------------------------------------------------------
    @classmethod
    def start(
        cls,
        var: Path,
        time_scale: float = 60,
        extra_env: dict[str, str] | None = None,
        broker: str = "embedded",
        fresh: bool = False,
    ) -> Site:
        """Run `manage.py up` and wait until it is ready. `broker` is "embedded" or the address of another one.

        The database has its tables already, which saves seconds, unless the folder shall be as `fresh` as a newcomer's.
        """
        site = cls(var, _environment(var, time_scale, broker, extra_env))
        if not fresh:
            lay_tables(var)
        site._up = site._spawn_up()
        try:
            site._await_up()
        except BaseException:
            site._kill_up()
            raise
        return site

    def _kill_up(self) -> None:
        """End `up` at once; its parts end with it."""
        if self._up is not None:
            self._up.kill()
            self._up.wait()

    def _spawn_up(self) -> subprocess.Popen[bytes]:
        self.var.mkdir(parents=True, exist_ok=True)
        with (self.var / "up.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=parts.ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _await_up(self) -> None:
        assert self._up is not None

        def is_ready() -> record.Record | None:
            if self._up.poll() is not None:
                raise SiteFailed(f"`up` ended with code {self._up.returncode}:\n{self.log('up')}")
            found = record.read(self.var)
            return found if found and found.ready else None

        found = wait_until(is_ready, seconds=READY_SECONDS, what=f"the start of {self.var}")
        self.url = found.url
        self.sandbox_url = found.sandbox_url
        self.pids = {"supervisor": found.supervisor, **found.parts}

    # --- the same parts one by one ----------------------------------------------------------------------------------
    @classmethod
    def in_parts(
        cls,
        var: Path,
        time_scale: float = 60,
        extra_env: dict[str, str] | None = None,
        without: tuple[str, ...] = (),
    ) -> Site:
        """Prepare the database and start all parts but those named in `without`."""
        site = cls(var, _environment(var, time_scale, "embedded", extra_env))
        site._lay_out()
        for role in ("broker", "sandbox"):
            site.start_part(role)
        site.migrate()
        site.manage("seed_demo", "--if-empty", "--without-cases")
        for role in ORDER:
            if role in without and role in site._parts:
                site.stop_part(role)
            elif role not in without and role not in site._parts:
                site.start_part(role)
        return site

    def migrate(self) -> None:
        """Give the database its tables."""
        if self.environment.get("DATABASE_URL"):
            self.manage("migrate", "--no-input", "--verbosity", "0")
        else:
            lay_tables(self.var)

    def _lay_out(self) -> None:
        binary = broker.find_binary()
        assert binary, "a broker's binary is needed for this test"
        self.var.mkdir(parents=True, exist_ok=True)
        self._server = broker.server(self.var, binary, port=ports.free())
        port, sandbox_port = ports.free(), ports.free()
        self.url = f"http://127.0.0.1:{port}"
        self.sandbox_url = f"http://127.0.0.1:{sandbox_port}"
        self._place = parts.Site(
            var=self.var,
            port=port,
            url=self.url,
            redis_url=self._server.url,
            sandbox_url=self.sandbox_url,
            threads=int(self.environment.get("CASESITE_WORKER_THREADS", 16)),
            started_from=self.environment,
        )

    def start_part(self, role: str, **extra_env: str) -> Child:
        """Start one part with the runner's own command line and wait until it serves, where it serves at all."""
        child = self.launch_part(role, **extra_env)
        if ready := self._readiness(role):
            wait_until(lambda: ready() or self._still_starts(role), seconds=READY_SECONDS, what=f"the start of {role}")
        return child

    def launch_part(self, role: str, **extra_env: str) -> Child:
        """The same without waiting."""
        part = self._part(role)
        part = replace(part, environment=part.environment | extra_env)
        with warnings.catch_warnings(), (self.var / f"{role}.log").open("ab") as log:
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # a fork in a process with threads: the child execs at once
            child = Child(part, output=log)
        self._parts[role] = child
        self.pids[role] = child.pid
        return child

    def kill_part(self, role: str) -> None:
        """End it as `kill -9` or a power cut would."""
        child = self._parts.pop(role)
        child.kill()
        child.process.wait()
        self.pids.pop(role)

    def stop_part(self, role: str) -> int:
        """End it in order; its exit code."""
        child = self._parts.pop(role)
        self.pids.pop(role)
        child.terminate()
        try:
            return child.process.wait(child.part.grace)
        except subprocess.TimeoutExpired:
            raise SiteFailed(f"{role} does not stop:\n{self.log(role)}") from None
        finally:
            child.kill()

    def _part(self, role: str) -> parts.Part:
        assert self._place and self._server, "parts are started one by one in a Site.in_parts only"
        if role == "broker":
            return self._server.part
        if role == "sandbox":
            return parts.sandbox(self._place, port=int(self.sandbox_url.rpartition(":")[2]))
        return {"worker": parts.worker, "dispatcher": parts.dispatcher, "web": parts.web}[role](self._place)

    def _readiness(self, role: str) -> Callable[[], bool] | None:
        assert self._place and self._server
        if role == "broker":
            return self._server.answers
        if role == "sandbox":
            return lambda: ports.answers(int(self.sandbox_url.rpartition(":")[2]), "/_sandbox/health")
        if role == "web":
            return lambda: ports.answers(self._place.port, "/healthz")
        return None

    def _still_starts(self, role: str) -> bool:
        if self._parts[role].code is not None:
            raise SiteFailed(f"{role} ended with code {self._parts[role].code}:\n{self.log(role)}")
        return False

    # --- both -------------------------------------------------------------------------------------------------------
    @property
    def sandbox(self) -> Sandbox:
        """The running simulator's control interface."""
        scale = float(self.environment["CASESITE_TIME_SCALE"])
        return Sandbox(self.var / "sandbox", None, self.sandbox_url, scale)

    @property
    def broker_url(self) -> str:
        """The address of its own broker; of a Site.in_parts only."""
        assert self._server
        return self._server.url

    @property
    def sign_ins(self) -> list[str]:
        """The demo sign-ins, a line each."""
        return (self.var / "demo-sign-ins.txt").read_text().splitlines()

    def kill(self, role: str) -> None:
        """`kill -9` for the main process of a part, or of "supervisor"."""
        os.kill(self.pids[role], signal.SIGKILL)

    def wait(self, *, seconds: float = 75) -> int:
        """The exit code of `up` once it has ended by itself."""
        assert self._up is not None
        return self._up.wait(seconds)

    def stop(self, number: signal.Signals = signal.SIGINT, *, seconds: float = 75) -> int:
        """Stop everything in order; the exit code of `up`, or 0 where parts were started one by one."""
        if self._up is not None:
            if self._up.poll() is None:
                self._up.send_signal(number)
            return self._up.wait(seconds)
        for role in reversed(ORDER):
            if role in self._parts:
                self.stop_part(role)
        return 0

    def manage(
        self, *arguments: str, given: str = "", check: bool = True, seconds: float = 120, **extra_env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a management command beside the site, as an operator would, in at most so many seconds."""
        environment = (self._place.environment() if self._place else self._beside()) | extra_env
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=parts.ROOT,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        if check and done.returncode:
            raise SiteFailed(f"{' '.join(arguments)} ended with code {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def _beside(self) -> dict[str, str]:
        """Beside `up` a command needs to know the folder only."""
        return bare_environment() | {"CASESITE_VAR": str(self.var)}

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Read the site's database, with `?` for each value."""
        if (url := self.environment.get("DATABASE_URL", "")).startswith("postgres"):
            return postgres.rows(url, sql, values)
        connection = sqlite3.connect(f"file:{self.var / 'casesite.sqlite3'}?mode=ro", uri=True, timeout=20)
        try:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]
        finally:
            connection.close()

    def log(self, role: str = "up") -> str:
        """What a part wrote (`up`: all of them)."""
        path = self.var / f"{role}.log"
        return path.read_text(errors="replace") if path.exists() else ""


def _environment(var: Path, time_scale: float, broker: str, extra: dict[str, str] | None) -> dict[str, str]:
    own = {
        "CASESITE_VAR": str(var),
        "CASESITE_TIME_SCALE": f"{time_scale:g}",
        "CASESITE_STATIC_ROOT": str(static_root()),
        "PORT": str(ports.free()),
    }
    if broker != "embedded":
        own["REDIS_URL"] = broker
    return bare_environment() | own | (extra or {})


@cache
def static_root() -> Path:
    """The static files, collected once for all sites of this test process."""
    folder = _folder_of_this_process("static")
    _prepare(folder / ".var", "collectstatic", CASESITE_STATIC_ROOT=str(folder))
    return folder


def lay_tables(var: Path) -> None:
    """Give a var folder without a database one with all tables, as `manage.py migrate` leaves it."""
    if not (database := var / "casesite.sqlite3").exists():
        var.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_migrated(), database)


@cache
def _migrated() -> Path:
    """A database that `migrate` was run on, once for all sites of this test process."""
    folder = _folder_of_this_process("tables")
    _prepare(folder, "migrate")
    return folder / "casesite.sqlite3"


def _folder_of_this_process(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"casesite-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _prepare(var: Path, command: str, **more: str) -> None:
    line = [sys.executable, "manage.py", command, "--no-input", "--verbosity", "0"]
    subprocess.run(line, cwd=parts.ROOT, env=bare_environment() | {"CASESITE_VAR": str(var), **more}, check=True)
