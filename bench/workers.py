"""A site without a web server, on either database, with as many worker processes as a measurement wants."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.processes import cpu_seconds, family
from casesite.runner import parts
from tests.postgres import Cluster
from tests.sites import Site, wait_until

LIVING = "SELECT count(*) AS n FROM delivery_beat WHERE role = 'worker' AND stopped_at IS NULL"


@dataclass(frozen=True)
class Crew:
    """Worker processes, and the threads of each."""

    processes: int
    threads: int

    @property
    def roles(self) -> list[str]:
        return [f"worker-{number}-{self.threads}" for number in range(1, self.processes + 1)]

    def __str__(self) -> str:
        return f"{self.processes} worker {'process' if self.processes == 1 else 'processes'} of {self.threads} threads"


class Workers(Site):
    """A site whose workers are parts named worker-<number>-<threads>."""

    cluster: Cluster | None = None

    def _part(self, role: str) -> parts.Part:
        kind, _, rest = role.partition("-")
        part = super()._part(kind)
        if not rest:
            return part
        number, threads = rest.split("-")
        command = [f"{number}-{word}" if word.startswith("site-") else word for word in part.command]
        command[command.index("-c") + 1] = threads
        return replace(part, command=command)

    def have(self, crew: Crew | None) -> bool:
        """Just these workers; they have said that they live. Whether any of them is new."""
        wanted = crew.roles if crew else []
        new = [role for role in wanted if role not in self.pids]
        for role in [role for role in self.pids if role.startswith("worker") and role not in wanted]:
            self.stop_part(role)
        for role in new:
            self.start_part(role)
        wait_until(lambda: self.rows(LIVING)[0]["n"] == len(wanted), seconds=120, what="the workers")
        return bool(new)

    def cpu_of_workers(self) -> float:
        workers = (pid for role, pid in self.pids.items() if role.startswith("worker"))
        return cpu_seconds([each for pid in workers for each in family(pid)])

    def cpu_of_database(self) -> float:
        """That of PostgreSQL's own processes; SQLite has none."""
        if self.cluster is None:
            return 0.0
        postmaster = int((self.cluster.data / "postmaster.pid").read_text().split()[0])
        return cpu_seconds(list(family(postmaster)))

    def instant(self, sql: str) -> float:
        """The one time that a statement gives, as seconds."""
        [[value]] = [row.values() for row in self.rows(sql)]
        return _seconds(value)

    def check(self) -> None:
        broken = self.manage("verify_invariants", check=False)
        if broken.returncode:
            raise SystemExit(f"The measurement broke an invariant:\n{broken.stdout}")


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    at: datetime = value
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


@contextmanager
def site_on(
    database: str, variables: dict[str, str], without: tuple[str, ...] = ("worker", "web")
) -> Iterator[Workers]:
    """A site on SQLite, or on a PostgreSQL of its own that keeps what it commits."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="casesite-bench-"))
        cluster = None
        if database == "postgres":
            cluster = Cluster.start(hasty=False)
            stack.callback(cluster.stop)
            variables = variables | {"DATABASE_URL": stack.enter_context(cluster.database())}
        site = Workers.in_parts(Path(folder), time_scale=1, extra_env=variables, without=without)
        stack.callback(site.stop)
        stack.callback(site.have, None)
        site.cluster = cluster
        yield site
