"""What befalls processes and the database: real deaths by SIGKILL, and a database that is locked, full, read-only or away."""

import os
import shutil
import signal
import sqlite3
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, connection

from casesite import failpoints
from casesite.aws.clients import clients
from casesite.delivery import process
from casesite.delivery.models import Look, LookResult, Outcome
from tests.disks import SmallDisk, can_be_made
from tests.factories import an_attempt

SQLITE = connection.vendor == "sqlite"


# --- death -----------------------------------------------------------------------------------------------------------------
def dies_at(point: str, act: Callable[[], object]) -> None:
    """Do something in a process of its own, which dies by SIGKILL at the point."""
    with failpoints.armed(point, lambda: os.kill(os.getpid(), signal.SIGKILL)):
        _assert_killed(in_another_process(act))


def dies_once(seen: Callable[[], object], act: Callable[[], object]) -> None:
    """The same, where it is killed as soon as somebody else sees what it did."""
    pid = in_another_process(act)
    wait_for(seen)
    os.kill(pid, signal.SIGKILL)
    _assert_killed(pid)


def wait_for(seen: Callable[[], object]) -> None:
    give_up = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < give_up, "it was never seen"
        time.sleep(0.01)


def in_another_process(act: Callable[[], object]) -> int:
    """Another process like this one, with connections of its own, that does something and ends with code 0. Its number."""
    connection.close()  # a connection is never carried across a fork
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: none of our threads holds a lock here
        pid = os.fork()
    if pid:
        return pid
    try:
        process.name.cache_clear()
        clients.forget_everything()
        act()
        os._exit(0)
    except SystemExit as exc:
        os._exit(exc.code if isinstance(exc.code, int) else 0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _assert_killed(pid: int) -> None:
    _pid, status = os.waitpid(pid, 0)
    assert (os.WIFSIGNALED(status), os.WIFSIGNALED(status) and os.WTERMSIG(status)) == (True, signal.SIGKILL)


# --- the database ------------------------------------------------------------------------------------------------------------
class Harm:
    """Something that befalls the database from `begin` to `end`. Reading may go on, writing does not."""

    def begin(self, submission: Any = None) -> None:
        """`submission` is the one that somebody will try to write about."""

    def end(self) -> None:
        """All is well again; nothing happens where it did not begin."""

    def remove(self) -> None:
        """The test is over."""
        self.end()


@contextmanager
def befallen(harm: Harm, submission: Any = None) -> Iterator[None]:
    harm.begin(submission)
    try:
        yield
    finally:
        harm.end()


def _options(**changed: Any) -> dict[str, Any]:
    """Have connections from now on made with these options; returns those of before."""
    before = connection.settings_dict["OPTIONS"]
    connection.settings_dict["OPTIONS"] = {**before, **changed}
    connection.close()
    return before


class _ByOptions(Harm):
    """Befalls each connection that this process makes meanwhile."""

    def __init__(self) -> None:
        self._before: dict[str, Any] | None = None

    def _change(self, *, sqlite: str = "", postgresql: str = "", **more: Any) -> None:
        now = connection.settings_dict["OPTIONS"]
        if SQLITE:
            more = {"init_command": f"{now['init_command']} {sqlite}", **more}
        else:
            more = {"options": f"{now['options']} {postgresql}"}
        self._before = _options(**more)

    def end(self) -> None:
        if self._before is not None:
            connection.settings_dict["OPTIONS"], self._before = self._before, None
            connection.close()


class ReadOnly(_ByOptions):
    """As on a disk that was mounted so, or a server that became a standby."""

    def begin(self, submission: Any = None) -> None:
        self._change(sqlite="PRAGMA query_only = 1;", postgresql="-c default_transaction_read_only=on")


class Locked(_ByOptions):
    """Somebody else writes, for longer than anybody waits: a backup, or a person at the database's own prompt."""

    _other: Any = None

    def begin(self, submission: Any = None) -> None:
        self._change(postgresql="-c lock_timeout=100", timeout=0.05)
        self._other = _another_connection()
        self._other.execute("BEGIN IMMEDIATE" if SQLITE else "BEGIN")
        if not SQLITE:
            tables = ", ".join(connection.introspection.table_names())
            self._other.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")

    def end(self) -> None:
        super().end()
        if self._other:
            self._other.execute("ROLLBACK")
            self._other.close()
            self._other = None


class Restarted(Harm):
    """PostgreSQL ends every connection and takes no new one for a while."""

    _other: Any = None

    def begin(self, submission: Any = None) -> None:
        self._name = connection.settings_dict["NAME"]
        self._other = _another_connection("postgres")
        self._allow(False)
        self._other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self._name,)
        ).fetchall()

    def end(self) -> None:
        if self._other:
            self._allow(True)
            self._other.close()
            self._other = None
            connection.close()

    def _allow(self, answer: bool) -> None:
        self._other.execute(f'ALTER DATABASE "{self._name}" ALLOW_CONNECTIONS {answer}')


class Full(_ByOptions):
    """SQLite's file may not grow any more, and what is about to be written has no room in it."""

    def begin(self, submission: Any = None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS filler (stuff BLOB)")
            [pages] = cursor.execute("PRAGMA page_count").fetchone()
        self._change(sqlite=f"PRAGMA max_page_count = {pages};")
        for size in (1_000_000, 30_000, 3_000):
            _until_full(lambda size=size: _insert_filler(size))
        if submission is not None:
            for one_more in _smallest_rows(submission):
                _until_full(one_more)

    def end(self) -> None:
        super().end()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS filler")


def _insert_filler(size: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO filler VALUES (zeroblob(%s))", (size,))


def _smallest_rows(submission: Any) -> Iterator[Callable[[], object]]:
    """Rows as short as they can be, in the places where the site is about to write longer ones."""
    at, case = submission.submitted_at, submission.case
    known = {"submission": submission, "at": at, "result": LookResult.ERROR, "bound": at}
    yield lambda: case.events.create(at=at, what="x")
    if submission.attempts.exclude(outcome=Outcome.NOT_SENT).exists():
        yield lambda: Look.objects.create(**known)
    else:  # one after the attempt that is under way would be the newest
        short = {"duration_ms": None, "worker": "", "endpoint": "", "account_id_at_aws": ""}
        yield lambda: an_attempt(submission, Outcome.NOT_SENT, **short)


def _until_full(one_more: Callable[[], object]) -> None:
    for _row in range(5000):
        try:
            one_more()
        except DatabaseError as exc:
            assert "full" in str(exc)
            return
    raise AssertionError("there was room for everything")


class FullDisk(Harm):
    """SQLite on a disk of its own that has no byte left. Make it before there is anything in the database."""

    def __init__(self) -> None:
        self._disk = SmallDisk("8m")
        write_through()
        self._name = connection.settings_dict["NAME"]
        connection.settings_dict["NAME"] = shutil.copy(self._name, self._disk.folder / "site.sqlite3")

    def begin(self, submission: Any = None) -> None:
        _empty_the_log()
        self._disk.fill()

    def end(self) -> None:
        self._disk.free()
        connection.close()

    def remove(self) -> None:
        self.end()
        connection.settings_dict["NAME"] = self._name
        self._disk.remove()


def write_through() -> None:
    """Have all that SQLite holds in its one file, so that it can be copied; of PostgreSQL, nobody connected."""
    if SQLITE:
        _empty_the_log()
    connection.close()


def _empty_the_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _another_connection(database: str = "") -> Any:
    """A connection to the database beside Django's, in autocommit."""
    if SQLITE:
        return sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    import psycopg

    known = connection.get_connection_params()
    wanted = {name: known[name] for name in ("user", "password", "host", "port") if name in known}
    return psycopg.connect(dbname=database or known["dbname"], autocommit=True, **wanted)


def in_another_thread(act: Callable[[], object]) -> None:
    """Do something in a thread with a connection of its own, and wait for its end."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as exc:
            errors.append(exc)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


# What can befall this database here, by name. Small disks are made where that is allowed.
HARMS: dict[str, type[Harm]] = {"locked": Locked, "read-only": ReadOnly}
if SQLITE:
    HARMS["full"] = Full
    if can_be_made():
        HARMS["full disk"] = FullDisk
else:
    HARMS["restarted"] = Restarted
