"""Starts of web server, broker and worker until all of them answer: of the whole site, and of the least that such a set can be."""

import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from celery import Celery

from bench.workers import LIVING
from casesite.runner import broker, parts, ports
from casesite.runner.processes import Child
from tests.sites import Site, bare_environment, wait_until

PROJECT = "bench.bare_project"
OFTEN = 0.02  # seconds between looks


def whole(var: Path) -> tuple[float, float]:
    """Seconds until `manage.py up` says that it is ready, and until its worker takes bells, too."""
    began = time.monotonic()
    site = Site.start(var, time_scale=1)
    try:
        ready = time.monotonic() - began
        wait_until(lambda: site.rows(LIVING)[0]["n"], seconds=60, every=OFTEN, what="the worker")
        return ready, time.monotonic() - began
    finally:
        site.stop()


def bare() -> float:
    """The same web server, pool and broker by the site's own command lines, started at once, without anything of the site."""
    with ExitStack() as stack:
        var = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="casesite-bench-")))
        binary = broker.find_binary()
        assert binary, "a broker's binary is needed for this measurement"
        server = broker.server(var, binary, port=ports.free())
        place = _place(var, server.url)
        log = stack.enter_context((var / "log").open("ab"))
        began = time.monotonic()
        for part in (server.part, _of_project(parts.worker(place)), _of_project(parts.web(place))):
            stack.callback(_end, Child(part, output=log))
        wait_until(server.answers, every=OFTEN, what="the broker")
        Celery(broker=server.url).send_task(
            "bare_project.answer", args=[str(var / "answered")], queue="default", ignore_result=True
        )
        wait_until(
            lambda: (var / "answered").exists() and ports.answers(place.port, "/"), every=OFTEN, what="the bare set"
        )
        return time.monotonic() - began


def _place(var: Path, redis_url: str) -> parts.Site:
    port = ports.free()
    return parts.Site(
        var=var,
        port=port,
        url=f"http://127.0.0.1:{port}",
        redis_url=redis_url,
        sandbox_url="",
        threads=16,
        started_from=bare_environment(),
    )


def _of_project(part: parts.Part) -> parts.Part:
    """A part of the site as one of the bare project."""
    names = {"casesite": PROJECT, "casesite.wsgi": f"{PROJECT}.wsgi"}
    command = [names.get(word, word) for word in part.command]
    return replace(
        part, command=command, environment=part.environment | {"DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings"}
    )


def _end(child: Child) -> None:
    child.kill()
    child.process.wait()
