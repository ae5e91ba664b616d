"""The process: how it starts, what it keeps, how it ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.sandbox.clients import ACME, HOME, OTHER, ROLE, Clients, a_case, opened, refusal
from tests.sandbox.test_faults import what_came
from tests.sandboxes import ROOT, Sandbox


@pytest.fixture
def own(tmp_path):
    """A simulator that the test may kill."""
    sandbox = Sandbox.start(tmp_path / "own")
    yield sandbox
    sandbox.kill()


def run(*options, **environment):
    command = [sys.executable, "-m", "casesite.sandbox", *options]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=20)


def test_everything_survives_kill_9(own):
    clients = Clients(own.url)
    credentials = clients.sts(HOME).assume_role(RoleArn=ROLE, RoleSessionName="casesite")["Credentials"]
    case_id = opened(clients.with_session(credentials))
    own.reply(case_id, "Which one?")
    own.account(ACME, plan="business", denied=["support:ResolveCase"])
    own.settings(cases_per_hour=1)
    own.fault("support.CreateCase", "throttle", times=2, account=ACME)
    what_came(clients.support(ACME).create_case, **a_case())
    before = own.cases(), own.requests(), own.faults(), own.account(ACME), own.settings()

    own.kill()
    own.restart()

    assert (own.cases(), own.requests(), own.faults(), own.account(ACME), own.settings()) == before
    again = Clients(own.url).with_session(credentials)
    assert [case["caseId"] for case in again.describe_cases()["cases"]] == [case_id]
    assert refusal(again.create_case, **a_case()) == ("CaseCreationLimitExceeded", 400)


def test_answered_cases_are_never_lost_to_kill_9(own):
    own.settings(cases_per_hour=100_000, calls_per_second=100_000)
    clients, answered = Clients(own.url), []

    def create():
        client = clients.make("support", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}")
        while isinstance(answer := what_came(client.create_case, **a_case()), dict):
            answered.append(answer["caseId"])

    def until_it_ends():
        try:
            create()
        except Exception as error:  # the simulator is gone: refused, reset, closed
            assert "endpoint URL" in str(error)

    threads = [threading.Thread(target=until_it_ends) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    own.kill()
    for thread in threads:
        thread.join()
    own.restart()

    held = [case.case_id for case in own.cases()]
    assert len(answered) > 10
    assert set(answered) <= set(held)
    assert len(held) - len(answered) <= len(threads)
    assert sorted(entry["case_id"] for entry in own.requests() if entry["executed"]) == sorted(held)


def test_hanging_and_late_calls_do_not_hold_up_the_end(own):
    clients = Clients(own.url)
    own.fault("support.*", "hang", account=ACME, seconds=120)
    own.fault("support.*", "late", account=OTHER, seconds=120)
    hanging = threading.Thread(target=what_came, args=(clients.support(ACME).describe_cases,))
    hanging.start()
    what_came(clients.support(OTHER).create_case, **a_case())
    while len(own.requests()) < 2:
        time.sleep(0.01)
    started = time.monotonic()

    own.stop()

    assert time.monotonic() - started < 2
    assert own.process.returncode == 0
    hanging.join()
    assert (own.var / "log").read_text().splitlines() == [f"sandbox listening on {own.url}"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_end_it_in_order(own, number):
    own.process.send_signal(number)

    assert own.process.wait(5) == 0


def test_second_one_on_the_same_state_does_not_start(own):
    second = run("--var", str(own.var))

    assert second.returncode == 1
    assert second.stderr == f"sandbox cannot start: another simulator is running on {own.var}\n"


def test_taken_port_is_said(own, tmp_path):
    second = run("--var", str(tmp_path / "other"), "--port", str(own.port))

    assert second.returncode == 1
    assert second.stderr.startswith("sandbox cannot start: ")
    assert "in use" in second.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "example.com", "::"])
def test_only_loopback_is_listened_on(tmp_path, host):
    refused = run("--var", str(tmp_path), "--host", host)

    assert refused.returncode == 2
    assert f"{host} is not a loopback address" in refused.stderr


def test_time_scale_that_makes_no_sense_is_refused(tmp_path):
    assert run("--var", str(tmp_path), "--time-scale", "0").returncode == 2
    assert run("--var", str(tmp_path), CASESITE_TIME_SCALE="fast").returncode == 2


def test_time_scale_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("CASESITE_TIME_SCALE", "60")
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "casesite.sandbox", "--var", str(tmp_path), "--port-file", str(port_file)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        url = line.split()[-1]
        sandbox = Sandbox(tmp_path, process, url, 60)
        assert line == f"sandbox listening on http://127.0.0.1:{port_file.read_text().strip()}\n"
        assert sandbox.settings()["time_scale"] == 60
    finally:
        process.terminate()
        process.communicate(timeout=10)


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_ipv6_loopback_is_listened_on_where_there_is_one_and_its_want_is_told(tmp_path):
    command = [sys.executable, "-m", "casesite.sandbox", "--var", str(tmp_path), "--host", "::1"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if has_ipv6():
            assert line.startswith("sandbox listening on http://[::1]:")
            assert Clients(line.split()[-1]).sts().get_caller_identity()["Account"] == HOME
        else:
            assert process.stderr.readline().startswith("sandbox cannot start: ")
    finally:
        process.terminate()
        process.communicate(timeout=10)


def test_simulator_imports_nothing_of_the_site():
    listing = (
        "import sys, casesite.sandbox.__main__;"
        "print(*sorted(m for m in sys.modules if m.split('.')[0] in ('django', 'celery', 'boto3')"
        " or m.startswith('casesite.') and not m.startswith('casesite.sandbox')))"
    )

    found = subprocess.run([sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.split() == []
