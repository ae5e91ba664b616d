"""Bells over TLS and over Sentinels: real servers, and the site's own settings in processes of their own."""

import subprocess
import sys
from contextlib import ExitStack

import pytest
from redis import Redis

from casesite.runner import broker, ports
from tests.sandboxes import ROOT
from tests.sites import lay_tables, wait_until
from tests.wires import certificate_in, passing_on, wire

# Rings once for each line it is given, and says how that went.
RINGER = """
import sys, django
django.setup()
from casesite import celery
from casesite.pacing import bell
for _line in sys.stdin:
    bell._quiet_until = 0.0
    rung = bell.ring_now(bell.WORK_OFF, 7)
    try:
        celery.check_broker()
    except Exception as exc:
        print(rung, type(exc).__name__, flush=True)
    else:
        print(rung, "answers", flush=True)
"""
QUEUE = "casesite:default\x06\x163"  # with the priority of ordinary bells


class Servers:
    """Valkeys and Sentinels of one test."""

    def __init__(self, folder, stack):
        self.folder, self.stack = folder, stack

    def start(self, *lines, sentinel=False):
        """One more server with these lines in its configuration. Returns its port and its process."""
        port = ports.free()
        config = self.folder / f"{port}.conf"
        ours = [f"port {port}", "bind 127.0.0.1", f'dir "{self.folder}"', *lines]
        config.write_text("\n".join(ours if sentinel else [*ours, 'save ""', "repl-diskless-sync-delay 0"]) + "\n")
        command = [broker.find_binary(), str(config), *(["--sentinel"] if sentinel else [])]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        wait_until(lambda: ports_answer(port), what=f"the start of the server on {port}")
        return port, process

    def client(self, port):
        return self.stack.enter_context(Redis(port=port, decode_responses=True))


def ports_answer(port):
    return broker.is_reachable(f"redis://127.0.0.1:{port}")


@pytest.fixture
def servers(tmp_path):
    with ExitStack() as stack:
        yield Servers(tmp_path, stack)


@pytest.fixture
def process_at(tmp_path):
    """`process_at(address, *command)` runs Python with the site's settings and this broker."""
    with ExitStack() as stack:

        def start(address, *command, **options):
            environment = {
                "PATH": "/usr/bin:/bin",
                "CASESITE_VAR": str(tmp_path / "var"),
                "DJANGO_SETTINGS_MODULE": "casesite.settings",
                "REDIS_URL": address,
            }
            process = stack.enter_context(
                subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, text=True, **options)
            )
            stack.callback(process.kill)
            return process

        yield start


@pytest.fixture
def ringer(process_at):
    """`ringer(address)` gives a function that rings and says what came of it."""

    def at(address):
        process = process_at(
            address, "-c", RINGER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

        def ring():
            process.stdin.write("ring\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        return ring

    return at


def test_a_bell_goes_over_tls_to_a_server_with_a_known_certificate(servers, ringer, tmp_path):
    port, _process = servers.start("requirepass hidden")
    trusted = certificate_in(tmp_path)
    with wire(passing_on(port)) as line:
        ring = ringer(f"rediss://:hidden@127.0.0.1:{line.port}/2?ssl_ca_certs={trusted}")

        assert ring() == "True answers"
        assert line.encrypted == line.accepted > 0

    with Redis(port=port, db=2, password="hidden") as client:
        assert client.llen(QUEUE) == 1


def test_nothing_is_told_to_a_server_that_nobody_vouches_for(servers, ringer):
    port, _process = servers.start()
    with wire(passing_on(port)) as line:
        ring = ringer(f"rediss://127.0.0.1:{line.port}/0")

        assert ring() == "False ConnectionError"

    assert servers.client(port).dbsize() == 0


def test_bells_follow_the_server_that_the_sentinels_name(servers, ringer, process_at, tmp_path):
    first, process = servers.start()
    second, _process = servers.start(f"replicaof 127.0.0.1 {first}")
    watch, _process = servers.start(
        f"sentinel monitor cases 127.0.0.1 {first} 1",
        "sentinel down-after-milliseconds cases 500",
        "sentinel failover-timeout cases 2000",
        sentinel=True,
    )
    sentinel = servers.client(watch)
    wait_until(lambda: sentinel.sentinel_master("cases")["num-slaves"] == 1, what="the discovery of the second server")
    replica = servers.client(second)
    wait_until(lambda: replica.info("replication")["master_link_status"] == "up", what="the copy")
    address = f"sentinel://127.0.0.1:1/0;sentinel://127.0.0.1:{watch}?master_name=cases"  # the first one is gone
    ring = ringer(address)
    assert ring() == "True answers"
    assert servers.client(first).llen(QUEUE) == 1

    process.kill()
    wait_until(lambda: sentinel.sentinel_get_master_addr_by_name("cases")[1] == second, what="the failover")

    wait_until(lambda: ring() == "True answers", what="a bell at the new server")
    assert replica.llen(QUEUE) >= 1
    lay_tables(tmp_path / "var")
    worker = ["-m", "celery", "-A", "casesite", "--quiet", "--skip-checks", "worker", "-P", "threads", "-c", "1"]
    process_at(address, *worker, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: replica.llen(QUEUE) == 0, what="a worker at the new server", seconds=60)


def test_sentinels_and_the_server_they_name_are_spoken_to_over_tls(servers, ringer, tmp_path):
    port, _process = servers.start()
    trusted = certificate_in(tmp_path)
    with wire(passing_on(port)) as server_line:  # what the Sentinel itself says there is not encrypted
        watch, _process = servers.start(f"sentinel monitor cases 127.0.0.1 {server_line.port} 1", sentinel=True)
        with wire(passing_on(watch)) as sentinel_line:
            query = f"master_name=cases&ssl=true&ssl_ca_certs={trusted}"
            ring = ringer(f"sentinel://127.0.0.1:{sentinel_line.port}/0?{query}")

            wait_until(lambda: ring() == "True answers", what="a bell")

            assert sentinel_line.encrypted == sentinel_line.accepted > 0
            assert server_line.encrypted > 0
    assert servers.client(port).llen(QUEUE) >= 1
