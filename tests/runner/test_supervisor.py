"""The supervisor with small children: what it tells, in which order it stops them, when it loses patience."""

import json
import os
import signal
import sys
import time

import pytest

from casesite.runner.parts import Part
from casesite.runner.supervisor import Asked, Failed, Supervisor, tell, tell_in

# A fork in a process with threads, which pytest may have: the child execs at once.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")

OBEDIENT = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"bye\\n"), sys.exit(0)))
print("here", flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("here", flush=True)
time.sleep(60)
"""


def a_part(name, program, **more):
    return Part(name, [sys.executable, "-c", program], {"PATH": os.environ["PATH"]}, **more)


def told(capsys):
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def supervisor():
    supervisor = Supervisor()
    with supervisor.heeding_signals():
        yield supervisor
        for child in supervisor.children.copy():
            supervisor.discard(child)


@pytest.fixture
def heard(capsys):
    """`heard(line)` is true once the children have said it."""
    lines = []

    def has(line):
        lines.extend(told(capsys))
        return line in lines

    has.lines = lines
    return has


def look_until(supervisor, holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        supervisor.look(0.05)


def test_output_is_told_by_whole_lines_with_the_name_in_front(supervisor, capsys):
    program = "import sys; sys.stdout.write('one\\ntw'); sys.stdout.flush(); sys.stdout.write('o\\nnoise\\n\\nrest')"

    supervisor.run(a_part("migrate", program, hushed=("^noise",)))

    assert told(capsys) == ["migrate | one", "migrate | two", "migrate | rest"]


def test_command_that_fails_is_named_with_its_code(supervisor):
    with pytest.raises(Failed, match=r"^migrate failed with code 3$"):
        supervisor.run(a_part("migrate", "raise SystemExit(3)"))


def test_command_answers_by_the_codes_with_which_it_may_end(supervisor):
    asked = supervisor.start(a_part("tables", "raise SystemExit(10)", ends=True, good_codes=(0, 10)))
    supervisor.run(a_part("collectstatic", "import time; time.sleep(0.3)"))  # its end meanwhile is no trouble

    assert supervisor.finish(asked) == 10
    with pytest.raises(Failed, match=r"^tables failed with code 1$"):
        supervisor.run(a_part("tables", "raise SystemExit(1)", ends=True, good_codes=(0, 10)))


def test_command_may_end_while_others_start_but_not_badly(supervisor, heard):
    good = supervisor.start(a_part("migrate", "pass", ends=True))
    supervisor.start(a_part("broker", OBEDIENT))
    look_until(supervisor, lambda: heard("broker | here") and good.code == 0)
    supervisor.finish(good)
    supervisor.start(a_part("seed_demo", "raise SystemExit(1)", ends=True))

    with pytest.raises(Failed, match=r"^seed_demo ended by itself \(exit code 1\)$"):
        supervisor.watch()


def test_children_stop_in_reverse_order_one_after_the_other(supervisor, heard):
    for name in ("broker", "worker", "web"):
        supervisor.start(a_part(name, OBEDIENT))
    for name in ("broker", "worker", "web"):
        look_until(supervisor, lambda name=name: heard(f"{name} | here"))

    supervisor.stop()

    heard("")
    assert [line for line in heard.lines if line.endswith("bye")] == ["web | bye", "worker | bye", "broker | bye"]
    assert supervisor.children == []


def test_child_that_ignores_the_request_is_killed_after_its_grace(supervisor, heard):
    child = supervisor.start(a_part("worker", STUBBORN, grace=0.3))
    look_until(supervisor, lambda: heard("worker | here"))
    began = time.monotonic()

    supervisor.stop()

    assert 0.3 <= time.monotonic() - began < 5
    assert child.process.returncode == -signal.SIGKILL
    assert heard("up | worker does not end: killed")


def test_second_ctrl_c_ends_the_waiting(supervisor, heard, monkeypatch):
    monkeypatch.setattr("casesite.runner.supervisor.HURRY", 0.0)
    child = supervisor.start(a_part("worker", STUBBORN, grace=60))
    look_until(supervisor, lambda: heard("worker | here"))
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(Asked):
        supervisor.look()
    os.kill(os.getpid(), signal.SIGINT)
    began = time.monotonic()

    supervisor.stop()

    assert time.monotonic() - began < 5
    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_signals_ask_to_stop(supervisor, number):
    os.kill(os.getpid(), number)

    with pytest.raises(Asked):
        supervisor.watch()


def test_child_that_ends_by_itself_ends_the_set_and_its_last_words_are_told(supervisor, capsys):
    supervisor.start(a_part("web", "print('cannot bind'); raise SystemExit(4)"))

    with pytest.raises(Failed, match=r"^web ended by itself \(exit code 4\)$"):
        supervisor.watch()

    assert told(capsys) == ["web | cannot bind"]


def test_end_of_a_child_takes_what_it_started_along(supervisor, heard):
    program = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)\n"
        "time.sleep(60)"
    )
    supervisor.start(a_part("web", program))
    look_until(supervisor, lambda: heard("") or heard.lines)
    grandchild = int(heard.lines[0].rpartition(" ")[2])

    supervisor.stop()

    deadline = time.monotonic() + 5
    while _runs(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(grandchild)


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_lines_are_json_objects_with_their_speaker_where_that_is_asked_for(capsys):
    tell_in("json")
    try:
        tell("worker", '{"time": "2026-11-25T10:00:00Z", "event": "attempt ended"}')
        tell("web", 'Booting "worker"')
        tell("up", "{braces}")
    finally:
        tell_in("console")
    tell("up", "ready")

    *objects, plain = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in objects] == [
        {"part": "worker", "time": "2026-11-25T10:00:00Z", "event": "attempt ended"},
        {"part": "web", "event": 'Booting "worker"'},
        {"part": "up", "event": "{braces}"},
    ]
    assert plain == "        up | ready"
