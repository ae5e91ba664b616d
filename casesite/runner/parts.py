"""The parts of a running site: one command line, environment and way of stopping for each.

AWS's variables (credentials, endpoints, profile) go to the worker and the dispatcher and to nobody else.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUEUES = "urgent,default,lookups,sync"
WORKER_GRACE = 60.0  # seconds; a call to AWS that is in flight ends within 35
GRACE = 15.0
WEB_THREADS = 8
MEMORY_DISK = Path("/dev/shm")
UNUSED = 10  # the exit code of `tables` where the site has no team yet
# glibc gives nearly every thread a heap of its own, and none of them gives back what it once took.
FEWER_ARENAS = {"MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True)
class Part:
    """A process to start."""

    name: str
    command: list[str]
    environment: dict[str, str]
    grace: float = GRACE  # seconds from SIGTERM to SIGKILL
    hushed: tuple[str, ...] = ()  # patterns of lines that are nobody's news
    pass_fds: tuple[int, ...] = ()
    ends: bool = False  # a command: it does its work and ends
    good_codes: tuple[int, ...] = (0,)  # with which it ends well


@dataclass(frozen=True)
class Site:
    """Where one running site lives, and the environment it was started from."""

    var: Path
    port: int
    url: str
    redis_url: str
    sandbox_url: str
    threads: int
    started_from: Mapping[str, str]

    @property
    def own_variables(self) -> dict[str, str]:
        """What tells a process which site it belongs to."""
        own = {
            "CASESITE_VAR": str(self.var),
            "PORT": str(self.port),
            "CASESITE_URL": self.url,
            "REDIS_URL": self.redis_url,
        }
        if self.sandbox_url:
            own["CASESITE_SANDBOX_URL"] = self.sandbox_url
        return own

    def environment(self, *, aws: bool = False) -> dict[str, str]:
        """The variables of a part that belongs to the site; `aws` for those that talk to AWS."""
        return self.inherited(aws=aws) | self.own_variables | {"DJANGO_SETTINGS_MODULE": "casesite.settings"}

    def inherited(self, *, aws: bool = False) -> dict[str, str]:
        given = {name: value for name, value in self.started_from.items() if aws or not name.startswith("AWS_")}
        return FEWER_ARENAS | given | {"PYTHONUNBUFFERED": "1"}


def worker(site: Site) -> Part:
    return Part(
        "worker",
        [
            *(sys.executable, "-W", "ignore:You're running the worker with superuser privileges"),
            *("-m", "celery", "-A", "casesite", "--quiet", "--skip-checks", "worker"),
            *("-P", "threads", "-c", str(site.threads), "-Q", QUEUES, "-n", f"site-{site.port}@%h"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        site.environment(aws=True),
        grace=WORKER_GRACE,
    )


def dispatcher(site: Site) -> Part:
    return Part("dispatcher", _manage("dispatcher"), site.environment(aws=True), grace=WORKER_GRACE)


def web(site: Site, *, listening: int | None = None) -> Part:
    """The web server; `listening` is a socket that somebody else opened already."""
    options = ["--worker-tmp-dir", str(MEMORY_DISK)] if os.access(MEMORY_DISK, os.W_OK) else []
    if site.started_from.get("CASESITE_LOG_FORMAT") == "json":
        options += ["--logger-class", "casesite.web.server_logs.ServerLogger"]
    return Part(
        "web",
        [
            *(sys.executable, "-m", "gunicorn", "casesite.wsgi"),
            *("--bind", f"127.0.0.1:{site.port}" if listening is None else f"fd://{listening}"),
            *("--worker-class", "gthread", "--workers", "1", "--threads", str(WEB_THREADS)),
            *("--timeout", "60", "--graceful-timeout", "10", "--keep-alive", "15"),
            *("--no-control-socket", "--log-level", "warning", *options),
        ],
        site.environment(),
        pass_fds=() if listening is None else (listening,),
    )


def sandbox(site: Site, *, port: int) -> Part:
    """The AWS simulator. It knows nothing of the site, and tells in a file that it has its port."""
    return Part(
        "sandbox",
        [
            *(sys.executable, "-m", "casesite.sandbox", "--host", "127.0.0.1", "--port", str(port)),
            *("--var", str(site.var / "sandbox"), "--port-file", str(sandbox_port_file(site))),
        ],
        site.inherited(),
    )


def sandbox_port_file(site: Site) -> Path:
    return site.var / "sandbox.port"


def tables(site: Site) -> Part:
    """Brings the tables up to date, and says by its code whether anybody uses the site."""
    return Part("tables", _manage("tables"), site.environment(), ends=True, good_codes=(0, UNUSED))


def command(site: Site, *arguments: str) -> Part:
    """A management command that runs and ends."""
    return Part(arguments[0], _manage(*arguments), site.environment(), ends=True)


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *arguments]
