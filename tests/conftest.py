"""What every test stands on: a clock that can be set, bells that are only written down, and no way out of this machine."""

import ipaddress
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in the thread that asks the database

import hypothesis
import pytest

from casesite import clock as casesite_clock
from casesite.garbage import look_seldom
from tests import browsers

hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.load_profile("house")


# --- the test process ---------------------------------------------------------------------------------------------------------
def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: what looks for garbage need not look at them again and again."""
    look_seldom()


# --- only this machine -------------------------------------------------------------------------------------------------------
_strangers: list[str] = []


class ReachedOut(AssertionError):
    """A test tried to reach another machine."""


def _is_here(host: Any) -> bool:
    """Loopback addresses and names, unbound ones, and names that never resolve (RFC 2606)."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost") or name.endswith((".localhost", ".invalid")):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _guard(event: str, args: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        target = args[1]
        host = target[0] if isinstance(target, tuple) else None  # a Unix socket's address is a string
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if not _is_here(host):
        _strangers.append(f"{event} {host}")
        raise ReachedOut(f"tests reach nothing but this machine: {event} {host}")


sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def only_this_machine() -> Iterator[None]:
    """Fails the test that tried to reach out, also where the code under test swallowed the refusal."""
    _strangers.clear()
    yield
    assert _strangers == []


# --- the clock ---------------------------------------------------------------------------------------------------------------
class Clock:
    """The time as the site sees it: stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def set(self, instant: datetime) -> datetime:
        self.now = instant.astimezone(UTC)
        return self.now

    def advance(self, span: timedelta | None = None, **parts: float) -> datetime:
        """Move on by a span, or by `minutes=5`."""
        self.now += span if span is not None else timedelta(**parts)
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    """`clock.now` is the site's time, `clock.advance(minutes=5)` moves it."""
    clock = Clock()
    casesite_clock.replace(lambda: clock.now)
    yield clock
    casesite_clock.replace(None)


@pytest.fixture
def by_day(clock: Clock) -> None:
    """The hours to come are of one date: pages name the date with a time of tomorrow."""
    if clock.now.hour >= 20:
        clock.advance(hours=6)


@pytest.fixture
def clock_at(clock: Clock):
    """`clock_at(datetime(2026, 3, 2, 9, tzinfo=UTC))` sets the site's time and gives the clock."""

    def at(instant: datetime) -> Clock:
        clock.set(instant)
        return clock

    return at


# --- bells -------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bells rung so far. They reach no broker, and no thread rings them later."""
    from tests.bells import write_down

    return write_down(monkeypatch.setattr)


# --- the database --------------------------------------------------------------------------------------------------------------
def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="leave out what does not use the test database: a second run on another one would show nothing new",
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL for tests that start processes on it: the one of DATABASE_URL, else a cluster of this test process."""
    from tests.postgres import Cluster, named

    server = named() or Cluster.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres: Any) -> Iterator[str]:
    """The address of an empty database on PostgreSQL."""
    with postgres.database() as url:
        yield url


# --- the browser -------------------------------------------------------------------------------------------------------------
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a browser its tests are left out, and said so; in CI they fail instead (the `browser` fixture does that)."""
    _leave_out(config, items, lambda item: item.get_closest_marker("postgresql") and not _on_postgres())
    if config.getoption("--database-only"):
        marks = ("django_db", "postgresql")
        _leave_out(config, items, lambda item: not any(map(item.get_closest_marker, marks)))
    wanting = [item for item in items if item.get_closest_marker("browser")]
    if wanting and not os.environ.get("CI") and not browsers.find():
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason=browsers.WHY))


def _leave_out(config: pytest.Config, items: list[pytest.Item], others: Callable[[pytest.Item], Any]) -> None:
    """Deselect: pytest counts them in its last line."""
    config.hook.pytest_deselected(items=[item for item in items if others(item)])
    items[:] = [item for item in items if not others(item)]


def _on_postgres() -> bool:
    from django.conf import settings

    return bool(settings.DATABASES["default"]["ENGINE"].endswith("postgresql"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    left_out = [report for report in terminalreporter.stats.get("skipped", []) if browsers.WHY in str(report.longrepr)]
    if left_out:
        terminalreporter.write_line("")
        terminalreporter.write_line(f"{len(left_out)} BROWSER TESTS DID NOT RUN: {browsers.WHY}", red=True, bold=True)


# --- nothing stays in the process ----------------------------------------------------------------------------------------------
def _forget() -> None:
    from casesite.pacing import bell
    from casesite.submissions import marker

    marker._key.cache_clear()
    bell._quiet_until = 0.0


@pytest.fixture(autouse=True)
def fresh_process_state() -> Iterator[None]:
    """Forget what the site remembers in a process: the marker's key lives in a database that the next test does not have."""
    _forget()
    yield
    _forget()


# --- the simulator of AWS ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One simulator for the tests of this process."""
    from tests.sandboxes import Sandbox

    process = Sandbox.start(tmp_path_factory.mktemp("aws"))
    yield process
    process.stop()


@pytest.fixture
def sandbox(sandbox_process: Any, settings: Any) -> Iterator[Any]:
    """A simulator that holds nothing yet, and the site pointed at it."""
    from casesite.aws.clients import clients

    sandbox_process.reset()
    settings.SANDBOX_URL = sandbox_process.url
    yield sandbox_process
    clients.forget_everything()
