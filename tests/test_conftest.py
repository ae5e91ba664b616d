"""The guard and the clock that other tests rely on."""

import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from casesite import clock as casesite_clock
from casesite.pacing import bell

from . import conftest


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("2001:db8::1", 443)])
def test_guard_stops_connections_to_other_machines(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as probe, pytest.raises(conftest.ReachedOut):
        probe.connect(address)

    assert [stranger.split()[1] for stranger in conftest._strangers] == [address[0]]
    conftest._strangers.clear()


def test_guard_stops_name_lookups_of_other_machines():
    with pytest.raises(conftest.ReachedOut):
        socket.getaddrinfo("support.us-east-1.amazonaws.com", 443)

    assert conftest._strangers == ["socket.getaddrinfo support.us-east-1.amazonaws.com"]
    conftest._strangers.clear()


def test_guard_lets_loopback_through():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as connection,
    ):
        assert connection.getpeername() == server.getsockname()


def test_clock_moves_only_when_told(clock_at):
    clock = clock_at(datetime(2026, 3, 2, 9, tzinfo=UTC))

    clock.advance(minutes=5)

    assert casesite_clock.now() - datetime(2026, 3, 2, 9, tzinfo=UTC) == timedelta(minutes=5)


def test_bells_are_written_down_in_the_order_they_rang(bells):
    bell.ring(bell.WORK_OFF, 7, queue_name="urgent")
    bell.ring_now(bell.ANSWER, 8, queue_name="lookups")

    assert bells == [(bell.WORK_OFF, 7, "urgent"), (bell.ANSWER, 8, "lookups")]


GROUPED = """
import pytest

@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("n", range(4))
def test_one(n):
    pass
"""


def test_tests_of_a_group_share_a_process(tmp_path):
    """Those that share a site are a group; split, each half would start its own and tell half of the story."""
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_SETTINGS"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "2",
        "--dist",
        "loadgroup",
        "-v",
        "-p",
        "no:django",
        "test_grouped.py",
    ]

    told = subprocess.run(command, cwd=tmp_path, env=plain, capture_output=True, text=True, timeout=120).stdout

    ran_in = re.findall(r"^\[(gw\d)\] .*PASSED", told, re.MULTILINE)
    assert len(ran_in) == 4, told
    assert len(set(ran_in)) == 1, told
