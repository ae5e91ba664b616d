"""`manage.py up`: broker, simulator, worker, dispatcher and web as one set that starts and ends together.

It reads the settings but never sets Django up: what needs Django runs in a child, and the supervisor stays small.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from casesite.runner import broker, parts, ports, record
from casesite.runner.processes import Child
from casesite.runner.supervisor import Asked, Failed, Supervisor, tell

SOON = 15.0
LATER = 60.0  # seconds; a cold, busy machine takes its time to import Django
BROKER_TRIES = 5  # somebody may take the free port before our server does


def main() -> int:
    """Run the site until it is stopped; returns the exit code."""
    began = time.monotonic()
    try:
        from casesite import settings

        settings.VAR.mkdir(parents=True, exist_ok=True)
        lock = record.hold(settings.VAR)
    except (ImproperlyConfigured, record.AlreadyRunning) as exc:
        return _refuse(str(exc))
    except OSError as exc:
        return _refuse(f"{exc.filename} cannot be written ({exc.strerror}): set CASESITE_VAR to a folder that can")
    supervisor = Supervisor()
    with supervisor.heeding_signals():
        try:
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
        )
        self.record = record.Record(os.getpid(), self.site.url, "", {})

    def all(self) -> None:
        self._broker()
        simulator = self._start_sandbox()
        self._tables()
        if simulator:
            self._await_sandbox(simulator)
        if self.settings.SANDBOX:
            self.supervisor.run(parts.command(self.site, "seed_demo", "--if-empty"))
        self._serve()
        self._greet()

    # --- the steps ------------------------------------------------------------------------------------------------
    def _broker(self) -> None:
        if self.site.redis_url:
            if not broker.is_reachable(self.site.redis_url):
                tell("up", "the broker of REDIS_URL does not answer; work goes on without it, slower")
        elif binary := broker.find_binary():
            self.site = replace(self.site, redis_url=self._own_broker(binary))
        else:
            tell("up", "no Valkey or Redis server for this machine: bells go through files, about a second slower")
            self.site = replace(self.site, redis_url=broker.mailbox(self.var))

    def _own_broker(self, binary: str) -> str:
        for _try in range(BROKER_TRIES):
            server = broker.server(self.var, binary, port=ports.free())
            child = self._start(server.part)
            deadline = time.monotonic() + SOON
            while child.code is None and time.monotonic() < deadline:
                if server.answers():
                    return server.url
                self.supervisor.look(0.02, finishing=child)
            self.supervisor.discard(child)
        raise Failed("the broker does not start")

    def _start_sandbox(self) -> Child | None:
        """Start the simulator; it comes up while the tables are made."""
        if not self.settings.SANDBOX or self.site.sandbox_url:
            return None
        self._port_file.unlink(missing_ok=True)
        return self._start(parts.sandbox(self.var, port=0, port_file=self._port_file))

    def _await_sandbox(self, child: Child) -> None:
        def is_ready() -> bool:
            port = ports.written(self._port_file)
            return port is not None and ports.answers(port, "/_sandbox/health")

        self.supervisor.wait_for(child, is_ready, seconds=LATER)
        self.site = replace(self.site, sandbox_url=f"http://127.0.0.1:{ports.written(self._port_file)}")

    def _tables(self) -> None:
        """The tables, and the static files where nobody has collected them yet."""
        if not (self.settings.STATIC_ROOT / "staticfiles.json").exists():
            self.supervisor.run(parts.command(self.site, "collectstatic", "--no-input", "--verbosity", "0"))
        self.supervisor.run(parts.command(self.site, "migrate", "--no-input", "--verbosity", "0"))

    def _serve(self) -> None:
        self._start(parts.worker(self.site))
        self._start(parts.dispatcher(self.site))
        web = self._start(parts.web(self.site, listening=self.door.fileno()))
        self.door.close()  # the web server has it now: when it stops listening, so does the port
        self.supervisor.wait_for(web, lambda: ports.answers(self.site.port, "/healthz"), seconds=LATER)

    def _greet(self) -> None:
        self.record.ready = True
        self._write_record()
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

    # --- what is known so far -------------------------------------------------------------------------------------
    @property
    def _port_file(self) -> Path:
        return self.var / "sandbox.port"

    def _start(self, part: parts.Part) -> Child:
        child = self.supervisor.start(part)
        self.record.parts[part.name] = child.pid
        self._write_record()
        return child

    def _write_record(self) -> None:
        self.record.sandbox_url = self.site.sandbox_url
        self.record.environment = self.site.own_variables | self.settings.STARTED_WITH
        self.record.write(self.var)


def _refuse(why: str) -> int:
    print(f"up: {why}", file=sys.stderr)
    return 1
