"""A disk for files that is full: the agent is told so by the file's name, and nothing that was typed is lost."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from casesite.cases import files
from casesite.cases.models import Case, CaseFile
from casesite.catalog.known import MAY_UPLOAD
from tests.desk.conftest import NEW, errors_of, post_new, token_of
from tests.disks import SizeLimit, SmallDisk, can_be_made

FILE_NEW = "/cases/files/"
MOST = 8 * 1024 * 1024
SMALL, LARGE = b"2026-11-20T14:02:11Z init 8123 ms\n", b"0123456789abcdef" * (MOST // 16 + 4096)
# With a limit of sizes instead of a disk only what is larger finds no room.
FULL = {"a large file": (SmallDisk if can_be_made() else SizeLimit, LARGE)}
if can_be_made():
    FULL["a small file"] = (SmallDisk, SMALL)
SAID = "“log.txt” was not taken: it could not be stored. Try again, or tell an operator."


@pytest.fixture(params=FULL.values(), ids=FULL)
def made(request, tmp_path):
    kind, data = request.param
    disk = SmallDisk("32m") if kind is SmallDisk else SizeLimit(tmp_path, MOST)
    yield disk, data
    disk.remove()


@pytest.fixture
def disk(made, settings, account):
    """The disk that files are received on and kept on."""
    disk, _data = made
    settings.RECEIVING = disk.folder / "receiving"
    keeps = {**settings.STORAGES["default"], "OPTIONS": {"location": str(disk.folder / "files")}}
    settings.STORAGES = {**settings.STORAGES, "default": keeps}
    account.check_details = [{"name": "Upload", "state": "good", "text": "", "todo": "", "code": MAY_UPLOAD}]
    account.save(update_fields=["check_details"])
    return disk


@pytest.fixture
def log(made):
    _disk, data = made
    return lambda: SimpleUploadedFile("log.txt", data)


def test_form_with_a_file_that_finds_no_room_keeps_all_that_was_typed(client, typed, disk, log):
    disk.fill()
    answer = post_new(client, typed, files=[log()])

    assert errors_of(answer) == {"files": [SAID]}
    assert "We tried a reboot." in answer.content.decode()
    assert (Case.objects.count(), CaseFile.objects.count()) == (0, 0)

    disk.free()
    again = client.post(NEW, typed | {"form_token": token_of(answer), "action": "submit", "files": [log()]})
    assert again.status_code == 302
    assert [file.name for file in files.of_draft(Case.objects.get())] == ["log.txt"]


def test_file_sent_at_once_that_finds_no_room_says_so(client, account, disk, log):
    disk.fill()
    answer = client.post(FILE_NEW, {"files": log(), "account": account.pk, "held": 0})

    assert (answer.status_code, answer.content.decode(), CaseFile.objects.count()) == (422, SAID, 0)


def test_form_without_a_file_needs_no_room(client, typed, disk):
    disk.fill()

    assert post_new(client, typed).status_code == 302


def test_store_that_is_full_on_another_disk_is_told_as_well(client, typed, disk, log, settings, tmp_path):
    settings.RECEIVING = tmp_path / "receiving"
    disk.fill()
    if isinstance(disk, SizeLimit):
        settings.RECEIVING = disk.folder / "receiving"
    answer = post_new(client, typed, files=[log()])

    assert errors_of(answer) == {"files": [SAID]}
    assert (Case.objects.count(), CaseFile.objects.count()) == (0, 0)
