"""`manage.py up`: broker, simulator, worker, dispatcher and web as one set that starts and ends together.

It reads the settings but never sets Django up: what needs Django runs in a child, and the supervisor stays small.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from casesite.runner import broker, parts, ports, record
from casesite.runner.processes import Child
from casesite.runner.supervisor import Asked, Failed, Supervisor, tell, tell_in

SOON = 15.0
LATER = 60.0  # seconds; a cold, busy machine takes its time to import Django
TRIES = 5  # somebody may take a free port before our server does
SANDBOX_PORT = 8010


def main() -> int:
    """Run the site until it is stopped; returns the exit code."""
    began = time.monotonic()
    try:
        from casesite import settings

        tell_in(settings.LOG_FORMAT)
        settings.VAR.mkdir(parents=True, exist_ok=True)
        lock = record.hold(settings.VAR)
    except (ImproperlyConfigured, record.AlreadyRunning) as exc:
        return _refuse(str(exc))
    except OSError as exc:
        return _refuse(f"{exc.filename} cannot be written ({exc.strerror}): set CASESITE_VAR to a folder that can")
    supervisor = Supervisor()
    with supervisor.heeding_signals():
        try:
            _outlast_leftovers(supervisor, settings.VAR)
            Start(supervisor).all()
            tell("up", f"ready after {time.monotonic() - began:.1f} s; Ctrl-C stops")
            supervisor.watch()
        except Asked:
            code = 0
            tell("up", "stopping")
        except (Failed, OSError) as exc:
            code = 1
            tell("up", f"{exc}; stopping all")
        supervisor.stop()
    record.remove(settings.VAR)
    os.close(lock)
    tell("up", "stopped")
    return code


def _outlast_leftovers(supervisor: Supervisor, var: Path) -> None:
    """After a kill -9 the old parts end by themselves; until then they hold the port and the simulator's state."""
    deadline = time.monotonic() + SOON
    while record.leftovers(var) and time.monotonic() < deadline:
        supervisor.look(0.1)
    record.remove(var)


class Start:
    """The order in which a site comes up, and what each step learns for the next ones."""

    def __init__(self, supervisor: Supervisor) -> None:
        from casesite import settings

        self.settings = settings
        self.supervisor = supervisor
        self.var: Path = settings.VAR
        self.door = ports.open_door(settings.PORT)
        port = self.door.getsockname()[1]
        if port != settings.PORT:
            tell("up", f"port {settings.PORT} is taken, using {port}")
        self.site = parts.Site(
            var=self.var,
            port=port,
            url=ports.moved(settings.URL, settings.PORT, port),
            redis_url=settings.NAMED_BROKER,
            sandbox_url=settings.NAMED_SANDBOX if settings.SANDBOX else "",
            threads=settings.WORKER_THREADS,
            started_from=dict(os.environ),
        )
        self.record = record.Record(os.getpid(), self.site.url, "", {})

    def all(self) -> None:
        tables = self._tables()
        self.site = replace(self.site, redis_url=self._broker())
        if self.settings.SANDBOX:
            self.site = replace(self.site, sandbox_url=self._sandbox())
        unused = self.supervisor.finish(tables) == parts.UNUSED
        if unused and self.settings.SANDBOX:
            self.supervisor.run(parts.command(self.site, "seed_demo", "--if-empty"))
        self._serve()
        self._greet()

    # --- the steps ------------------------------------------------------------------------------------------------
    def _broker(self) -> str:
        """The broker that was named, else one of our own, else files. Gives its address."""
        if named := self.site.redis_url:
            if not broker.is_reachable(named):
                tell("up", "the broker of REDIS_URL does not answer; work goes on without it, slower")
            return named
        binary = broker.find_binary()
        if not binary:
            tell("up", "no Valkey or Redis server for this machine: bells go through files, about a second slower")
            return broker.mailbox(self.var)
        for _try in range(TRIES):
            server = broker.server(self.var, binary, port=ports.free())
            if self._comes_up(server.part, server.answers):
                return server.url
        raise Failed("the broker does not start")

    def _sandbox(self) -> str:
        """The simulator that was named, else one of our own. Gives its address.

        It keeps its port from one start to the next where it can: attempts remember the endpoint they were sent to.
        """
        if named := self.site.sandbox_url:
            return named
        told = parts.sandbox_port_file(self.site)
        for port in islice(ports.free_from(ports.written(told) or SANDBOX_PORT), TRIES):
            told.unlink(missing_ok=True)
            if self._comes_up(parts.sandbox(self.site, port=port), partial(_tells_and_answers, told, port)):
                return f"http://127.0.0.1:{port}"
        raise Failed("the simulator does not start")

    def _tables(self) -> Child:
        """Begin with the tables, which need neither broker nor simulator; static files where nobody collected them."""
        if not (self.settings.STATIC_ROOT / "staticfiles.json").exists():
            self.supervisor.run(parts.command(self.site, "collectstatic", "--no-input", "--verbosity", "0"))
        return self.supervisor.start(parts.tables(self.site))

    def _serve(self) -> None:
        self._start(parts.worker(self.site))
        self._start(parts.dispatcher(self.site))
        web = parts.web(self.site, listening=self.door.fileno())
        if not self._comes_up(web, partial(ports.answers, self.site.port, "/healthz")):
            raise Failed("the web server does not start")
        self.door.close()  # the web server has it now: when it stops listening, so does the port

    def _greet(self) -> None:
        """Say where the site is, and only then call it ready: who waits for the record finds the sign-ins told."""
        tell("up", "")
        tell("up", f"Casesite: {self.site.url}/")
        if self.site.sandbox_url:
            tell("up", f"AWS is simulated: {self.site.sandbox_url}/_sandbox/")
        sign_ins = self.var / "demo-sign-ins.txt"
        if self.settings.SANDBOX and sign_ins.exists():
            tell("up", "Sign in as (name, password, role):")
            for line in sign_ins.read_text().splitlines():
                tell("up", f"  {line}")
        tell("up", "")
        self.record.ready = True
        self._write_record()

    # --- what is known so far -------------------------------------------------------------------------------------
    def _comes_up(self, part: parts.Part, ready: Callable[[], bool]) -> bool:
        """Start a server and wait for it. False where it ended at once: somebody took its port meanwhile."""
        child = self._start(part)
        deadline = time.monotonic() + LATER
        while child.code is None:
            if ready():
                return True
            if time.monotonic() > deadline:
                raise Failed(f"{part.name} is not ready after {LATER:g} s")
            self.supervisor.look(0.02, finishing=child)
        self.supervisor.discard(child)
        return False

    def _start(self, part: parts.Part) -> Child:
        child = self.supervisor.start(part)
        self.record.parts[part.name] = child.pid
        self._write_record()
        return child

    def _write_record(self) -> None:
        self.record.sandbox_url = self.site.sandbox_url
        self.record.environment = self.site.own_variables | self.settings.STARTED_WITH
        self.record.write(self.var)


def _tells_and_answers(told: Path, port: int) -> bool:
    """Whether the simulator that answers is the one just started, not another site's that was quicker."""
    return ports.written(told) == port and ports.answers(port, "/_sandbox/health")


def _refuse(why: str) -> int:
    print(f"up: {why}", file=sys.stderr)
    return 1
