"""Files and the operator's scanner: nothing of it without one, nothing unscanned goes out with one."""

import re
import shlex
import subprocess
import threading
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from casesite.cases import files, scanning, tasks
from casesite.cases.models import Case, CaseFile, FileScan, ScanResult
from casesite.catalog.known import MAY_UPLOAD
from casesite.delivery import dispatcher
from casesite.pacing import bell
from tests.desk.conftest import edit_url, errors_of, post_edit, post_new, signed_in
from tests.factories import a_draft, a_file, a_user
from tests.storages import keep_in

FILE_NEW = "/cases/files/"
LOG = b"2026-11-20T14:02:11Z init 8123 ms\n"
EICAR = b"this is EICAR, more or less\n"
SCANNER = """
echo $$ >> {seen}
if grep -q EICAR "$1"; then printf '%s: \\033[31mEicar-Signature\\tFOUND\\n' "$1"; exit 1; fi
exit 0
"""


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    keep_in(settings, tmp_path)


@pytest.fixture(autouse=True)
def may_upload(account):
    account.check_details = [{"name": "Upload", "state": "good", "text": "", "todo": "", "code": MAY_UPLOAD}]
    account.save(update_fields=["check_details"])


@pytest.fixture
def scanner(settings, tmp_path):
    """`scanner(text)` makes a shell script the site's scanner."""

    def use(text=SCANNER):
        script = tmp_path / "scan.sh"
        script.write_text("#!/bin/sh\n" + text.replace("{seen}", shlex.quote(str(tmp_path / "seen"))))
        script.chmod(0o700)
        settings.SCAN_COMMAND = [str(script)]
        return script

    return use


def times_run(tmp_path):
    seen = tmp_path / "seen"
    return len(seen.read_text().split()) if seen.exists() else 0


def upload(name="log.txt", data=LOG):
    return SimpleUploadedFile(name, data)


def sent_at_once(client, name="log.txt", data=LOG):
    return client.post(FILE_NEW, {"files": upload(name, data), "held": 0})


def saved_with(client, typed, data=LOG, name="log.txt"):
    post_new(client, typed, "save_draft", files=[upload(name, data)])
    return Case.objects.get()


def submitted(client, case, typed):
    return post_edit(client, case, typed, "submit", kept_files=[str(file.key) for file in files.of_draft(case)])


def told_in(response):
    """The scans that a page shows: each state with its words."""
    found = re.findall(r'data-scan="(\w+)"[^>]*>([^<]*)<', response.content.decode())
    return [(state, " ".join(words.split())) for state, words in found]


def commit():
    """Do what waits for the end of the transaction that the whole test runs in."""
    waiting, connection.run_on_commit = connection.run_on_commit, []
    for _savepoints, action, _robust in waiting:
        action()


def scans_asked(bells):
    commit()
    return [rung.account for rung in bells if rung.task == bell.SCAN]


def worker_takes(bells):
    """What a worker does with the bells rung so far."""
    asked = scans_asked(bells)
    bells.clear()
    for sha256 in asked:
        tasks.scan(sha256)
    return asked


# --- without a scanner -----------------------------------------------------------------------------------------------------
def test_nothing_is_said_or_asked_without_a_scanner(client, typed, bells):
    case = saved_with(client, typed)

    assert "scan" not in client.get(edit_url(case)).content.decode().lower()
    assert submitted(client, case, typed).status_code == 302
    assert (scans_asked(bells), FileScan.objects.count()) == ([], 0)


def test_no_query_is_made_without_a_scanner(client, typed, django_assert_num_queries):
    case = saved_with(client, typed)
    held = files.of_draft(case)

    with django_assert_num_queries(0):
        assert scanning.scans.of_files(held) == {}
        assert scanning.scans.problems_with(held, {}) == []
        scanning.scans.ask_for_unscanned()


# --- on their way into a form ----------------------------------------------------------------------------------------------
def test_uploaded_file_is_scanned_and_then_goes_out(client, typed, bells, scanner):
    scanner()

    entry = sent_at_once(client)
    key = CaseFile.objects.get().key
    address = f"{FILE_NEW}{key}/scan/"
    assert (told_in(entry), client.get(address).status_code) == ([("waiting", "being scanned")], 204)
    assert address in entry.content.decode()
    assert worker_takes(bells) == [CaseFile.objects.get().sha256]
    assert told_in(client.get(address)) == [("clean", "scanned")]
    assert post_new(client, typed, kept_files=[str(key)]).status_code == 302


def test_file_is_not_submitted_before_it_was_scanned(client, typed, bells, scanner):
    scanner()

    early = post_new(client, typed, files=[upload()])

    assert errors_of(early) == {"files": ["“log.txt” is still being scanned. Submit again in a moment."]}
    assert (told_in(early), Case.objects.count()) == ([("waiting", "being scanned")], 0)
    worker_takes(bells)
    again = post_new(client, typed, kept_files=[str(CaseFile.objects.get().key)])
    assert again.status_code == 302


def test_refused_file_is_named_with_the_scanners_words(client, typed, bells, scanner, tmp_path):
    scanner()
    case = saved_with(client, typed, EICAR)
    client.get(edit_url(case))
    worker_takes(bells)

    refused = submitted(client, case, typed)

    assert errors_of(refused) == {"files": ["The scanner refused “log.txt”: [31mEicar-Signature FOUND. Remove it."]}
    assert told_in(refused) == [("refused", "refused by the scanner: [31mEicar-Signature FOUND")]
    assert (case.submissions.count(), scans_asked(bells)) == (0, [])
    assert str(tmp_path / "files") not in refused.content.decode()
    assert post_edit(client, case, typed, "submit").status_code == 302  # without the file


def test_draft_keeps_what_was_refused(client, typed, bells, scanner):
    scanner()
    case = saved_with(client, typed, EICAR)
    client.get(edit_url(case))
    worker_takes(bells)

    saved = post_edit(client, case, typed, kept_files=[str(CaseFile.objects.get().key)])

    assert (saved.status_code, len(files.of_draft(case))) == (302, 1)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no database; exit 2", "the scanner ended with code 2: no database"),
        ("kill -9 $$", "the scanner ended with code -9"),
        ("sleep 60 & sleep 60", "it took longer than 1 s"),
        (None, "the scanner was not found"),
    ],
)
def test_file_that_could_not_be_scanned_stays_and_is_tried_again(
    client, typed, bells, scanner, settings, script, words
):
    settings.SCAN_SECONDS = 1
    path = scanner(script or "")
    if script is None:
        path.unlink()
    case = saved_with(client, typed)
    client.get(edit_url(case))
    worker_takes(bells)

    failed = submitted(client, case, typed)

    expected = f"“log.txt” could not be scanned ({words}). Try again; if it stays, an operator has to look."
    assert errors_of(failed) == {"files": [expected]}
    assert told_in(failed) == [("failed", f"could not be scanned ({words}); it is tried again when you submit")]
    scanner()
    assert worker_takes(bells) == [CaseFile.objects.get().sha256]
    assert submitted(client, case, typed).status_code == 302


def test_damaged_bytes_are_not_found_clean(client, typed, bells, scanner, tmp_path):
    scanner()
    case = saved_with(client, typed)
    client.get(edit_url(case))
    Path(files.default_storage.path(files.place_of(CaseFile.objects.get().sha256))).write_bytes(b"cut")

    worker_takes(bells)

    scan = FileScan.objects.get()
    assert (scan.result, scan.said, times_run(tmp_path)) == (ScanResult.FAILED, "its stored bytes are damaged", 0)


# --- what a result holds for -----------------------------------------------------------------------------------------------
def test_same_bytes_are_scanned_once_whoever_has_them(client, typed, bells, scanner, team, tmp_path):
    scanner()
    sent_at_once(client)
    worker_takes(bells)

    other = sent_at_once(signed_in(a_user("other", team=team)), "copy.txt")

    assert (told_in(other), scans_asked(bells), times_run(tmp_path)) == ([("clean", "scanned")], [], 1)
    tasks.scan(CaseFile.objects.first().sha256)  # a bell that came late
    assert times_run(tmp_path) == 1


def test_another_command_looks_anew(client, typed, bells, scanner, settings, tmp_path):
    script = scanner()
    case = saved_with(client, typed)
    client.get(edit_url(case))
    worker_takes(bells)

    settings.SCAN_COMMAND = ["/bin/sh", str(script)]
    page = client.get(edit_url(case))

    assert told_in(page) == [("waiting", "being scanned")]
    worker_takes(bells)
    assert (told_in(client.get(edit_url(case))), times_run(tmp_path)) == ([("clean", "scanned")], 2)


def test_result_goes_with_the_bytes(client, bells, scanner, clock):
    scanner()
    sent_at_once(client)
    worker_takes(bells)

    clock.advance(days=1, seconds=1)
    files.clean_up()

    assert (CaseFile.objects.count(), FileScan.objects.count()) == (0, 0)


# --- whatever happens ------------------------------------------------------------------------------------------------------
def test_lost_bell_loses_nothing(client, typed, bells, scanner, clock):
    scanner()
    draft = saved_with(client, typed)
    sent_at_once(client, "loose.txt", b"loose")
    gone = a_file(a_draft(by=draft.author), "gone.txt", b"gone")
    CaseFile.objects.filter(pk=gone.pk).update(removed_at=clock.now)
    commit()
    bells.clear()

    dispatcher._refresh_and_clean()
    assert scans_asked(bells) == []  # its own bell may still be on the way
    clock.advance(minutes=1)
    dispatcher._refresh_and_clean()

    wanted = set(CaseFile.objects.filter(removed_at=None).values_list("sha256", flat=True))
    assert (set(scans_asked(bells)), len(wanted)) == (wanted, 2)
    worker_takes(bells)
    dispatcher._refresh_and_clean()
    assert scans_asked(bells) == []


def test_scanner_inherits_no_keys(client, bells, scanner, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-aws")
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    scanner("env; exit 1")
    sent_at_once(client)

    worker_takes(bells)

    said = FileScan.objects.get().said
    assert "PATH=" in said
    assert "secret" not in said


@pytest.mark.parametrize("storage", ["django.core.files.storage.InMemoryStorage", "tests.storages.Elsewhere"])
def test_files_of_a_storage_elsewhere_are_copied_for_the_scanner(client, bells, scanner, settings, storage):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": storage}}
    scanner()
    sent_at_once(client, data=EICAR)

    worker_takes(bells)

    assert FileScan.objects.get().said == "[31mEicar-Signature FOUND"
    assert list(settings.RECEIVING.iterdir()) == []


def test_ending_worker_ends_the_scanner_and_leaves_the_file_to_the_next(client, bells, scanner, tmp_path):
    scanner("echo $$ > {seen}; exec sleep 60")
    sent_at_once(client)
    ender = threading.Timer(0.5, tasks._stopping)
    ender.start()
    try:
        worker_takes(bells)
    finally:
        ender.join()
        scanning.stopping.clear()

    pid = (tmp_path / "seen").read_text().strip()
    assert (FileScan.objects.count(), scanning._running) == (0, set())
    assert subprocess.run(["ps", "-p", pid], capture_output=True, check=False).returncode == 1


def test_scan_is_told_to_who_uploaded_the_file_only(client, bells, scanner, team):
    scanner()
    sent_at_once(client)
    worker_takes(bells)

    other = signed_in(a_user("other", team=team))

    assert other.get(f"{FILE_NEW}{CaseFile.objects.get().key}/scan/").status_code == 404
