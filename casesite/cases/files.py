"""Files of cases: bytes stored once by their SHA-256 through Django's storage, and the rows that say whose they are.

A form's new files belong to nobody's case until it is saved; what nothing refers to for a day is deleted.
"""

import contextlib
import hashlib
import logging
import os
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db.models import Q
from django.utils.translation import gettext as _

from casesite import clock, prepared
from casesite.database import write

from .limits import Limits, check_count, check_name, check_size, readable
from .models import UNDO_DISCARD, Case, CaseFile, FileScan, FileSearch
from .receiving import SUFFIX, ReceivedFile

logger = logging.getLogger(__name__)
PIECE = 256 * 1024
UNREFERENCED = timedelta(days=1)
CLEANED_AT_ONCE = 200
LOOSE_MOST = 100  # files of one person in forms that were not saved
PREVIEW_BYTES = 8192
PREVIEW_LINES = 20
PREVIEW_FETCHED = 1024 * 1024  # of a storage elsewhere: opening a file there may fetch all of it


class Damaged(Exception):
    """The stored bytes are gone, or are not those that were uploaded."""


class Unavailable(Exception):
    """The storage does not give the bytes just now."""


class NotStored(Exception):
    """The storage did not take the bytes."""


# --- bytes ---------------------------------------------------------------------------------------------------------------
def place_of(sha256: str) -> str:
    """Where the storage keeps the bytes."""
    return f"{sha256[:2]}/{sha256}"


def opened(sha256: str) -> IO[bytes]:
    """The stored bytes, to be read piece by piece. Raises Damaged where they are gone."""
    with _gone_as_damaged(sha256):
        return default_storage.open(place_of(sha256), "rb")  # type: ignore[return-value]  # a File, used as the stream it is


def pieces(stream: IO[bytes], length: int | None = None) -> Iterator[bytes]:
    """What a stream holds from where it stands, at most `length` bytes."""
    left = length
    while left is None or left > 0:
        piece = stream.read(PIECE if left is None else min(PIECE, left))
        if not piece:
            return
        if left is not None:
            left -= len(piece)
        yield piece


@contextlib.contextmanager
def on_disk(sha256: str, size: int) -> Iterator[str]:
    """Where the stored bytes lie on this machine, once they were read through. Raises Damaged unless they are those that were uploaded.

    Those of a storage elsewhere are fetched once, into a file that is gone afterwards. Raises Unavailable where they can't be read.
    """
    path = _path_of(sha256)
    with contextlib.ExitStack() as held:
        with _told(sha256):
            copy = None if path else held.enter_context(_a_copy())
            with open(path, "rb") if path else opened(sha256) as stream:
                found = pieces(stream)
                _check_whole(sha256, size, found if copy is None else _written(found, copy))
            if copy is not None:
                copy.flush()
                path = copy.name
        yield path


def _path_of(sha256: str) -> str:
    """The path of the bytes in a storage on this machine, else nothing."""
    try:
        path = default_storage.path(place_of(sha256))
    except NotImplementedError:
        return ""
    return path if os.path.isfile(path) else ""  # some storages name paths where nothing lies


def _a_copy() -> Any:
    os.makedirs(settings.RECEIVING, mode=0o700, exist_ok=True)
    return tempfile.NamedTemporaryFile(dir=settings.RECEIVING, suffix=SUFFIX)


@contextlib.contextmanager
def _told(sha256: str) -> Iterator[None]:
    """What a storage raises, and each has errors of its own, as Damaged or Unavailable."""
    try:
        with _gone_as_damaged(sha256):
            yield
    except Damaged:
        raise
    except Exception as exc:
        logger.exception("a stored file could not be read", extra={"sha256": sha256})
        raise Unavailable("The storage of files does not give it just now.") from exc


def _written(found: Iterable[bytes], copy: IO[bytes]) -> Iterator[bytes]:
    for piece in found:
        copy.write(piece)
        yield piece


def _check_whole(sha256: str, size: int, found: Iterable[bytes]) -> None:
    digest, length = hashlib.sha256(), 0
    for piece in found:
        digest.update(piece)
        length += len(piece)
    if digest.hexdigest() != sha256 or length != size:
        raise Damaged(f"the bytes of {sha256} are not those that were uploaded")


@contextlib.contextmanager
def _gone_as_damaged(sha256: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        raise Damaged(f"the bytes of {sha256} are gone") from exc


def preview(sha256: str, size: int) -> str:
    """The first lines of a text file, else nothing. For pages: as text, never as markup."""
    if size > PREVIEW_FETCHED and not _path_of(sha256):
        return ""
    try:
        with _told(sha256), opened(sha256) as stream:
            start = stream.read(PREVIEW_BYTES)
    except (Damaged, Unavailable):  # nobody is kept from reviewing by it; what is sent is looked at once more
        return ""
    for cut in range(4):  # the last character may be cut
        try:
            text = start[: len(start) - cut].decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        plain = all(each.isprintable() or each in "\t\r\n\f" for each in text)
        return "\n".join(text.splitlines()[:PREVIEW_LINES]) if plain else ""
    return ""


# --- coming in -------------------------------------------------------------------------------------------------------------
def take(
    received: Sequence[ReceivedFile], held: Sequence[CaseFile], limits: Limits, *, by: Any
) -> tuple[list[CaseFile], list[ValidationError]]:
    """Keep what came in with a form beside what it holds already: the files of the form, and why others were refused."""
    files, refused = list(held), []
    for each in received:
        try:
            file = take_one(each, len(files), limits, by=by)
        except ValidationError as exc:
            refused.append(exc)
            continue
        if not any((file.sha256, file.name) == (other.sha256, other.name) for other in files):
            files.append(file)
    return files, refused


def take_one(received: ReceivedFile, already: int, limits: Limits, *, by: Any) -> CaseFile:
    """Keep one file beside `already` others. Raises ValidationError with the reason, by the file's name."""
    name = received.full_name
    check_name(name)
    check_size(name, received.size, limits)
    check_count(name, already + 1, limits)
    not_stored = ValidationError(
        _("“%(name)s” was not taken: it could not be stored. Try again, or tell an operator."),
        params={"name": readable(name)},
    )
    if received.no_room or not received.whole:
        raise not_stored
    if CaseFile.objects.filter(case=None, uploaded_by=by).count() >= LOOSE_MOST:
        raise ValidationError(
            _(
                "“%(name)s” was not taken: too many files wait in forms that you did not save. Save a draft, or wait a day."
            ),
            params={"name": readable(name)},
        )
    try:
        return _keep(received, by)
    except NotStored as exc:
        logger.exception("a file could not be stored")
        raise not_stored from exc


def _keep(received: ReceivedFile, by: Any) -> CaseFile:
    """The row first, then the bytes: whoever cleans up meanwhile sees that they are wanted. Raises NotStored."""
    with write():
        # Waits for a clean-up that is about to delete the same bytes.
        list(CaseFile.objects.select_for_update().filter(sha256=received.sha256).values_list("pk"))
        file = CaseFile.objects.create(
            name=received.full_name,
            size=received.size,
            sha256=received.sha256,
            uploaded_by=by,
            uploaded_at=clock.now(),
        )
    try:
        _store(received)
    except BaseException as exc:
        with write():
            file.delete()
        if isinstance(exc, Exception):  # a storage elsewhere has errors of its own
            raise NotStored from exc
        raise
    return file


def _store(received: ReceivedFile) -> None:
    place = place_of(received.sha256)
    if default_storage.exists(place) and default_storage.size(place) == received.size:
        return
    default_storage.delete(place)  # of another length: a copy that was cut off
    received.flush()
    with contextlib.suppress(OSError):  # a storage elsewhere makes it last by itself
        os.fsync(received.fileno())
    stored = default_storage.save(place, received)
    if stored != place:  # somebody stored the same bytes this instant
        default_storage.delete(stored)


# --- whose they are ----------------------------------------------------------------------------------------------------------
def held_by_form(keys: Iterable[str], *, by: Any) -> list[CaseFile]:
    """The files that a form says it holds, of this person's own. Keys that name nothing are left out."""
    wanted = [key for key in keys if _is_key(key)]
    if not wanted:
        return []
    rows = {str(row.key): row for row in CaseFile.objects.filter(key__in=wanted, uploaded_by=by)}
    return [rows[key] for key in dict.fromkeys(wanted) if key in rows]


def of_draft(case: Case) -> list[CaseFile]:
    return _in_draft(case=case.pk)


_in_draft = prepared.Objects(lambda case: CaseFile.objects.filter(case=case, removed_at=None).order_by("id"), case=int)


def attach(case: Case, files: Sequence[CaseFile]) -> None:
    """Make these the files of the draft, those and no others. In the caller's transaction."""
    now = clock.now()
    wanted = {(file.sha256, file.name): file for file in files}
    here = {(row.sha256, row.name): row for row in case.files.select_for_update()}
    gone = [row.pk for key, row in here.items() if key not in wanted and row.removed_at is None]
    CaseFile.objects.filter(pk__in=gone).update(removed_at=now)
    for key, file in wanted.items():
        row = here.get(key)
        if row is not None:
            CaseFile.objects.filter(pk=row.pk).update(removed_at=None)
        elif not CaseFile.objects.filter(pk=file.pk, case=None).update(case=case):
            # Another case has that row: a form that was sent already opens a second case.
            CaseFile.objects.create(
                case=case,
                name=file.name,
                size=file.size,
                sha256=file.sha256,
                uploaded_by_id=file.uploaded_by_id,
                uploaded_at=file.uploaded_at,
            )


def copy_to(case: Case, source: Case, *, by: Any) -> list[str]:
    """Give a draft the files of another case, as far as their bytes are still stored; the names of those that are not."""
    gone = []
    for file in of_draft(source):
        with write():
            # Waits for a clean-up that is about to delete the same bytes, as `_keep` does.
            list(CaseFile.objects.select_for_update().filter(sha256=file.sha256).values_list("pk"))
            copied = CaseFile.objects.create(
                case=case, name=file.name, size=file.size, sha256=file.sha256, uploaded_by=by, uploaded_at=clock.now()
            )
        if not default_storage.exists(place_of(file.sha256)):
            with write():
                copied.delete()
            gone.append(file.name)
    return gone


# --- what nothing refers to ----------------------------------------------------------------------------------------------------
def clean_up() -> int:
    """Delete files that nothing has referred to for a day; how many rows it deleted."""
    before = clock.now() - UNREFERENCED
    loose = Q(case=None)
    removed = Q(removed_at__lt=before)
    discarded = Q(case__discarded_at__lte=clock.now() - UNDO_DISCARD)
    # What was submitted stays; the rest is never much, and found by an index: one on a bare yes or no is not used by SQLite.
    unsent = CaseFile.objects.filter(submitted__in=(False,), uploaded_at__lt=before)
    found = unsent.filter(loose | removed | discarded)
    deleted = 0
    for pk, sha256 in list(found.values_list("pk", "sha256")[:CLEANED_AT_ONCE]):
        with write():
            row = found.select_for_update(of=("self",)).filter(pk=pk).first()
            if row is None:  # somebody saved it meanwhile
                continue
            row.delete()
            deleted += 1
            if not CaseFile.objects.filter(sha256=sha256).exists():
                default_storage.delete(place_of(sha256))
                FileScan.objects.filter(sha256=sha256).delete()
                FileSearch.objects.filter(sha256=sha256).delete()
    _forget_cut_off()
    return deleted


def _forget_cut_off() -> None:
    """Files that came in while the process died."""
    before = time.time() - UNREFERENCED.total_seconds()
    for path in Path(settings.RECEIVING).glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                path.unlink()


def _is_key(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
