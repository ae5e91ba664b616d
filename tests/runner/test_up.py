"""`manage.py up` as a user meets it: real processes, real signals."""

import json
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from casesite.runner import parts, ports
from tests.sites import Site, bare_environment, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("up")]
# Without simulator and demo data a site starts twice as fast; without accounts it asks nobody for anything.
BARE = {"time_scale": 1, "extra_env": {"CASESITE_AWS": "live"}}
ROLES = ["broker", "dispatcher", "sandbox", "supervisor", "web", "worker"]
get = build_opener(ProxyHandler({})).open


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One site for the tests that only look."""
    site = Site.start(tmp_path_factory.mktemp("up"), fresh=True, extra_env={"AWS_MAX_ATTEMPTS": "5"})
    yield site
    assert site.stop() == 0


@pytest.fixture
def started():
    """`started(var, ...)` starts a site and ends it after the test, whatever the test did to it."""
    sites = []

    def start(*args, **more):
        sites.append(Site.start(*args, **more))
        return sites[-1]

    yield start
    for site in sites:
        site.stop()


def family(pids):
    """These processes and all that came from them."""
    found, new = set(), set(pids)
    while new:
        found |= new
        new = {int(child) for pid in new for child in _children(pid)} - found
    return found


def _children(pid):
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def alive(pids):
    return {pid for pid in pids if _state(pid) not in ("", "Z")}


def _state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def up_fails(environment):
    """What `up` says to standard error when it refuses."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=parts.ROOT,
        env=bare_environment() | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


# --- a site that runs ----------------------------------------------------------------------------------------------------
def test_up_runs_every_part_and_is_ready(site):
    port = int(site.url.rpartition(":")[2])
    wait_until(lambda: ports.answers(port, "/readyz"), what="the dispatcher's first beat")
    with get(f"{site.url}/readyz", timeout=5) as answer:
        checks = json.load(answer)["checks"]

    assert sorted(site.pids) == ROLES
    assert checks == dict.fromkeys(("broker", "database", "dispatcher", "workers", "disk"), "ok")


def test_up_prints_the_address_and_the_sign_ins_last(site):
    told = [line.partition(" | ")[2] for line in site.log().splitlines()]

    assert f"Casesite: {site.url}/" in told
    for line in site.sign_ins:
        assert f"  {line}" in told


def test_up_keeps_its_record_and_the_brokers_password_to_its_owner(site):
    modes = {
        name: stat.S_IMODE((site.var / name).stat().st_mode) for name in ("up.json", "up.lock", "broker/server.conf")
    }

    assert modes == {"up.json": 0o600, "up.lock": 0o600, "broker/server.conf": 0o600}
    assert "requirepass" not in Path(f"/proc/{site.pids['broker']}/cmdline").read_text()


def test_only_worker_and_dispatcher_get_aws_variables(site):
    given = {
        role: b"AWS_MAX_ATTEMPTS=5" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        for role, pid in site.pids.items()
        if role != "supervisor"
    }

    assert given == {"broker": False, "sandbox": False, "web": False, "worker": True, "dispatcher": True}


def test_command_beside_up_reaches_the_same_site(site):
    program = "from django.conf import settings as s; print(s.REDIS_URL.startswith('redis://:'), s.SANDBOX_URL, s.URL, s.TIME_SCALE)"

    said = site.manage("shell", "--verbosity", "0", "-c", program).stdout

    assert said.split() == ["True", site.sandbox_url, site.url, "60.0"]


def test_second_up_on_the_same_folder_refuses_in_one_line(site):
    said = up_fails({"CASESITE_VAR": str(site.var), "PORT": str(ports.free())})

    assert said == (
        f"up: {site.var} is in use by another `manage.py up` (process {site.pids['supervisor']}, {site.url}):"
        " stop it, or set CASESITE_VAR\n"
    )
    assert alive(site.pids.values()) == set(site.pids.values())


# --- starting -------------------------------------------------------------------------------------------------------------
def test_var_that_cannot_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / "file").touch()

    said = up_fails({"CASESITE_VAR": str(tmp_path / "file" / "var")})

    assert (
        said == f"up: {tmp_path}/file/var cannot be written (Not a directory): set CASESITE_VAR to a folder that can\n"
    )


def test_taken_port_is_stepped_over_with_a_message(tmp_path, started):
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = other.getsockname()[1]
        site = started(tmp_path, time_scale=1, extra_env={"CASESITE_AWS": "live", "PORT": str(wanted)})

        with get(f"{site.url}/healthz", timeout=5) as answer:
            assert answer.status == 200

    port = int(site.url.rpartition(":")[2])
    assert port > wanted
    assert f"port {wanted} is taken, using {port}" in site.log()


def test_live_mode_starts_no_simulator_and_makes_no_demo_data(tmp_path, started):
    site = started(tmp_path, **BARE)

    assert sorted(site.pids) == [role for role in ROLES if role != "sandbox"]
    assert not (tmp_path / "demo-sign-ins.txt").exists()
    assert site.rows("SELECT name FROM teams_team") == []


def test_broker_that_does_not_answer_is_named_and_the_site_comes_up(tmp_path, started):
    site = started(tmp_path, broker=f"redis://127.0.0.1:{ports.free()}/0", **BARE)

    assert sorted(site.pids) == ["dispatcher", "supervisor", "web", "worker"]
    assert "the broker of REDIS_URL does not answer" in site.log()


# --- ending ---------------------------------------------------------------------------------------------------------------
def test_ctrl_c_stops_all_in_order(tmp_path, started):
    site = started(tmp_path)
    everyone = family(site.pids.values())

    code = site.stop(signal.SIGINT)

    assert code == 0
    assert alive(everyone) == set()
    assert not (tmp_path / "up.json").exists()
    assert site.log().splitlines()[-1].split() == ["up", "|", "stopped"]


def test_killed_supervisor_leaves_nothing_behind_and_the_next_up_takes_its_place(tmp_path, started):
    site = started(tmp_path)
    everyone = family(site.pids.values())
    assert len(everyone) > len(ROLES)  # the web server has a child of its own

    site.kill("supervisor")
    again = started(tmp_path, extra_env={"PORT": site.url.rpartition(":")[2]})

    wait_until(lambda: not alive(everyone), seconds=40, what="the end of all parts")
    assert (again.url, again.sandbox_url) == (site.url, site.sandbox_url)


@pytest.mark.parametrize("role", ["worker", "web"])
def test_death_of_one_part_ends_all_with_a_line_that_names_it(tmp_path, started, role):
    site = started(tmp_path, **BARE)
    everyone = family(site.pids.values())

    site.kill(role)
    code = site.wait()

    assert code == 1
    assert f"{role} ended by itself (signal 9, SIGKILL); stopping all" in site.log()
    assert alive(everyone) == set()


# --- parts one by one ---------------------------------------------------------------------------------------------------------
def test_part_can_be_killed_and_started_again_without_the_others(tmp_path):
    site = Site.in_parts(tmp_path)
    try:
        before = site.pids.copy()

        site.kill_part("broker")
        site.start_part("broker")

        assert {role for role, pid in site.pids.items() if pid != before[role]} == {"broker"}
        wait_until(lambda: ports.answers(int(site.url.rpartition(":")[2]), "/readyz"), what="readiness")
        assert alive(site.pids.values()) == set(site.pids.values())
    finally:
        site.stop()
