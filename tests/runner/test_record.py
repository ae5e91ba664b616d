"""The record of a running site counts as long as its lock is held."""

import os
import subprocess
import sys

import pytest

from casesite.runner import record


def a_record(**parts):
    return record.Record(os.getpid(), "http://127.0.0.1:8000", "", {"PORT": "8000"}, parts=parts)


def test_record_is_read_back_while_the_lock_is_held(tmp_path):
    lock = record.hold(tmp_path)
    a_record(web=17).write(tmp_path)

    assert record.read(tmp_path) == a_record(web=17)
    assert record.environment(tmp_path) == {"PORT": "8000"}
    os.close(lock)


def test_record_of_a_site_that_ended_counts_for_nothing(tmp_path):
    os.close(record.hold(tmp_path))
    a_record().write(tmp_path)

    assert record.read(tmp_path) is None
    assert record.environment(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"supervisor": 1}', '{"later": true}'])
def test_record_that_cannot_be_read_is_no_record(tmp_path, text):
    lock = record.hold(tmp_path)
    (tmp_path / "up.json").write_text(text)

    assert record.read(tmp_path) is None
    assert record.leftovers(tmp_path) == []
    os.close(lock)


def test_folder_is_held_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "PATIENCE", 0.0)
    lock = record.hold(tmp_path)
    a_record().write(tmp_path)

    with pytest.raises(record.AlreadyRunning, match=rf"\(process {os.getpid()}, http://127.0.0.1:8000\)"):
        record.hold(tmp_path)

    os.close(lock)
    os.close(record.hold(tmp_path))


def test_folder_without_a_site_has_no_record(tmp_path):
    assert not record.is_held(tmp_path)
    assert record.environment(tmp_path / "missing") == {}


def test_leftovers_are_processes_of_ours_that_still_run(tmp_path):
    ours = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "casesite.sandbox"])
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        a_record(sandbox=ours.pid, web=other.pid, worker=2**30).write(tmp_path)

        assert record.leftovers(tmp_path) == [ours.pid]
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()
