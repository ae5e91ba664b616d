"""Files of cases: stored once, whose they are, and what becomes of those that nothing refers to."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files.storage import default_storage

from casesite.cases import files
from casesite.cases.limits import ROOMIEST, SET
from casesite.cases.models import CaseFile
from casesite.cases.receiving import ReceivingHandler
from casesite.database import write
from tests.factories import a_draft, a_file, a_received_file, a_user
from tests.storages import keep_in

pytestmark = pytest.mark.django_db
LOG = b"2026-11-20T14:02:11Z init 8123 ms\n"
DAY = {"days": 1, "seconds": 1}


def stored():
    return sorted(path.name for path in Path(default_storage.location).rglob("*") if path.is_file())


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    keep_in(settings, tmp_path)


@pytest.fixture
def author():
    return a_user()


def kept(author, name="log.txt", data=LOG):
    return files.take_one(a_received_file(name, data), 0, ROOMIEST, by=author)


def test_same_bytes_are_stored_once_for_their_owner_only(author):
    first, second = kept(author), kept(a_user(), "other.txt")

    sha256 = hashlib.sha256(LOG).hexdigest()
    assert (first.sha256, second.sha256, first.size) == (sha256, sha256, len(LOG))
    assert stored() == [sha256]
    place = Path(default_storage.path(files.place_of(sha256)))
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_copy_that_was_cut_off_is_replaced(author):
    sha256 = hashlib.sha256(LOG).hexdigest()
    place = Path(default_storage.path(files.place_of(sha256)))
    place.parent.mkdir(parents=True)
    place.write_bytes(LOG[:5])

    kept(author)

    with files.on_disk(sha256, len(LOG)) as path:
        assert path == str(place)
    assert stored() == [sha256]


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"x" * len(LOG)), lambda path: path.unlink()])
def test_damaged_bytes_are_noticed(author, spoil):
    file = kept(author)
    spoil(Path(default_storage.path(files.place_of(file.sha256))))

    with pytest.raises(files.Damaged), files.on_disk(file.sha256, file.size):
        pass


def test_large_file_never_stands_in_memory(author):
    size, piece = 150 * 1024 * 1024, b"\0" * 65536
    tracemalloc.start()

    received = received_in_pieces(size, piece)
    file = files.take_one(received, 0, ROOMIEST, by=author)
    with files.on_disk(file.sha256, size):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 5 * 1024 * 1024
    assert default_storage.size(files.place_of(file.sha256)) == size


def received_in_pieces(size, piece):
    handler = ReceivingHandler(SimpleNamespace(resolver_match=SimpleNamespace(url_name="case_edit"), user=a_user()))
    handler.new_file("files", "dump.bin", "application/octet-stream", None)
    for at in range(0, size, len(piece)):
        handler.receive_data_chunk(piece, at)
    return handler.file_complete(size)


def test_too_large_file_is_not_kept_while_it_comes_in(author):
    received = received_in_pieces(ROOMIEST.size + 65536, b"\0" * 65536)

    assert (received.size, received.whole) == (ROOMIEST.size + 65536, False)
    assert os.path.getsize(received.temporary_file_path()) == 0
    taken, refused = files.take([received], [], ROOMIEST, by=author)
    assert (taken, len(refused), stored()) == ([], 1, [])


def test_good_files_are_kept_beside_bad_ones(author):
    came = [
        a_received_file("log.txt", LOG),
        a_received_file("empty.txt", b""),
        a_received_file("log.txt", LOG),
        a_received_file("other.txt", LOG),
        a_received_file("third.txt", b"3"),
        a_received_file("fourth.txt", b"4"),
    ]

    taken, refused = files.take(came, [], SET, by=author)

    assert [file.name for file in taken] == ["log.txt", "other.txt", "third.txt"]
    assert [error.messages[0].split(":")[0] for error in refused] == [
        "“empty.txt” was not taken",
        "“fourth.txt” was not taken",
    ]


def test_draft_holds_exactly_what_its_form_held():
    case = a_draft()
    first, second = kept(case.author, "1.txt"), kept(case.author, "2.txt")
    with write():
        files.attach(case, [first, second])
    with write():
        files.attach(case, [second])

    assert [file.name for file in files.of_draft(case)] == ["2.txt"]
    with write():
        files.attach(case, [first, second])
    assert [file.name for file in files.of_draft(case)] == ["1.txt", "2.txt"]


def test_second_case_of_a_form_gets_files_of_its_own():
    case, other = a_draft(), a_draft()
    file = a_file(case)

    with write():
        files.attach(other, [file])

    assert [(row.case, row.name) for row in CaseFile.objects.all()] == [(case, "config.txt"), (other, "config.txt")]


def test_form_names_files_of_the_same_person_only(author):
    mine, foreign = kept(author, "1.txt"), kept(a_user(), "2.txt")
    keys = [str(mine.key), str(foreign.key), "nonsense", str(mine.key), str(mine.key).upper(), "x" * 36]

    assert files.held_by_form(keys, by=author) == [mine]


def test_form_files_nobody_saved_are_deleted_after_a_day(author, clock):
    kept(author)
    clock.advance(hours=23)
    assert files.clean_up() == 0

    clock.advance(hours=1, seconds=1)

    assert files.clean_up() == 1
    assert stored() == []


def test_bytes_stay_while_anything_refers_to_them(author, clock):
    case = a_draft()
    a_file(case, "log.txt", LOG)
    kept(author)
    clock.advance(**DAY)

    assert files.clean_up() == 1

    assert stored() == [hashlib.sha256(LOG).hexdigest()]
    assert [file.name for file in files.of_draft(case)] == ["log.txt"]


def test_file_taken_out_of_a_draft_is_deleted_after_a_day(clock):
    case = a_draft()
    a_file(case)
    with write():
        files.attach(case, [])
    assert files.clean_up() == 0
    clock.advance(**DAY)

    assert files.clean_up() == 1

    assert (stored(), case.files.count()) == ([], 0)


def test_file_of_a_revision_stays_though_the_draft_has_it_no_more(clock):
    case = a_draft()
    file = a_file(case)
    CaseFile.objects.filter(pk=file.pk).update(submitted=True)
    with write():
        files.attach(case, [])
    clock.advance(**DAY)

    assert files.clean_up() == 0

    assert len(stored()) == 1


def test_what_a_dead_process_was_receiving_is_deleted_after_a_day(settings):
    settings.RECEIVING.mkdir()
    old, new = settings.RECEIVING / "a.received", settings.RECEIVING / "b.received"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))

    files.clean_up()

    assert list(settings.RECEIVING.iterdir()) == [new]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"one\ntwo\n", "one\ntwo"),
        ("画面\r\n".encode() * 3000, "\n".join(["画面"] * 20)),
        (b"\xef\xbb\xbfbom", "bom"),
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
        (b"\x89PNG\r\n\x1a\n\0", ""),
        (b"\x1f\x8b\x08gzip", ""),
        (b"a\0b", ""),
    ],
)
def test_text_is_shown_by_its_first_lines(author, data, shown):
    file = kept(author, "file", data)

    assert files.preview(file.sha256, file.size) == shown


def test_another_storage_is_a_setting(tmp_path):
    program = (
        "import django; django.setup()\n"
        "from django.core.files.storage import default_storage as storage\n"
        "print(storage.exists('x') or type(storage._wrapped).__name__, storage.base_url)"
    )
    options = {"base_url": "https://files.example.com/"}
    own = {
        "DJANGO_SETTINGS_MODULE": "casesite.settings",
        "CASESITE_VAR": str(tmp_path),
        "CASESITE_FILES_BACKEND": "django.core.files.storage.InMemoryStorage",
        "CASESITE_FILES_OPTIONS": json.dumps(options),
    }

    done = subprocess.run([sys.executable, "-c", program], env=os.environ | own, capture_output=True, text=True)

    assert done.stdout.split() == ["InMemoryStorage", "https://files.example.com/"], done.stderr
