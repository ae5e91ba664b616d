"""Uploads in parts: begun by name and size, filled by PUT, reported part by part, and ready some time after that."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from casesite.sandbox.files import Received
from casesite.sandbox.state import State

READY = "attachment-ready"
NOT_READY = "attachment-not-ready"
FAILED = "failed"
HOURS_USABLE = 24
OF_SUPPORT = "upl-"  # how the ids of uploads to AWS Support begin; Connect's files have others


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way. `ready_at` is set when every part was reported."""

    upload_id: str
    account_id: str
    file_name: str
    size: int
    part_size: int
    created_at: float
    ready_at: float | None
    failed: bool
    taken: bool

    @property
    def total_parts(self) -> int:
        return -(-self.size // self.part_size)

    def size_of_part(self, index: int) -> int:
        return min(self.part_size, self.size - (index - 1) * self.part_size)

    def status(self, now: float) -> str:
        if self.ready_at is None or self.ready_at > now:
            return NOT_READY
        return FAILED if self.failed else READY


@dataclass(frozen=True, slots=True)
class Part:
    """A part that came in; `reported` once the customer has said so, too."""

    index: int
    etag: str
    file: str
    reported: bool


def begin(
    state: State,
    account_id: str,
    file_name: str,
    size: int,
    *,
    upload_id: str | None = None,
    part_size: int | None = None,
) -> Upload:
    """Begin an upload. Whether it will fail is written in its name, if the simulator is set so."""
    _tidy(state)
    fails_for = state.settings.upload_fails_for.lower()
    failed = bool(fails_for) and fails_for in file_name.lower()
    upload_id = upload_id or f"{OF_SUPPORT}{secrets.token_hex(16)}"
    state.execute(
        "INSERT INTO upload (upload_id, account_id, file_name, size, part_size, created_at, failed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        *(upload_id, account_id, file_name, size, part_size or state.settings.part_size, state.now(), failed),
    )
    return every(state, upload_id)[0]


def find(state: State, upload_id: str, account_id: str | None = None) -> Upload | None:
    """An upload that can still be used: of any account or of one."""
    usable_since = _usable_since(state)
    for upload in every(state, upload_id):
        if upload.created_at > usable_since and not upload.taken and account_id in (None, upload.account_id):
            return upload
    return None


def every(state: State, upload_id: str | None = None) -> list[Upload]:
    """All uploads of all accounts, oldest first, or the one with this id."""
    rows = state.query(
        "SELECT * FROM upload WHERE ?1 IS NULL OR upload_id = ?1 ORDER BY created_at, upload_id", upload_id
    )
    return [_upload(row) for row in rows]


def parts(state: State, upload: Upload) -> list[Part]:
    """The parts that came in, in the file's order."""
    rows = state.query("SELECT * FROM upload_part WHERE upload_id = ? ORDER BY part_index", upload.upload_id)
    return [Part(row["part_index"], row["etag"], row["file"], bool(row["reported"])) for row in rows]


def keep_part(state: State, upload: Upload, index: int, received: Received) -> None:
    """Make what came in a part of the upload, in place of what came before. It has to be reported anew."""
    before = [part.file for part in parts(state, upload) if part.index == index]
    state.execute(
        "INSERT OR REPLACE INTO upload_part (upload_id, part_index, etag, file) VALUES (?, ?, ?, ?)",
        *(upload.upload_id, index, received.etag, state.files.keep(received)),
    )
    state.files.remove(before)


def report(state: State, upload: Upload, indexes: Iterable[int]) -> Upload:
    """Note what the customer says is complete. With the last part the file goes into processing."""
    with state.transaction():
        for index in indexes:
            state.execute(
                "UPDATE upload_part SET reported = 1 WHERE upload_id = ? AND part_index = ?", upload.upload_id, index
            )
        complete = sum(part.reported for part in parts(state, upload)) == upload.total_parts
        if complete and upload.ready_at is None:
            ready_at = state.now() + state.settings.upload_ready_after / state.settings.time_scale
            state.execute("UPDATE upload SET ready_at = ? WHERE upload_id = ?", ready_at, upload.upload_id)
    return every(state, upload.upload_id)[0]


def settle(state: State, upload: Upload, *, failed: bool) -> Upload:
    """End the processing now: the file is found good or bad, whatever its name says."""
    state.execute(
        "UPDATE upload SET failed = ?, ready_at = CASE WHEN ready_at IS NULL THEN NULL ELSE min(ready_at, ?) END"
        " WHERE upload_id = ?",
        *(failed, state.now(), upload.upload_id),
    )
    return every(state, upload.upload_id)[0]


def take(state: State, upload: Upload) -> None:
    """It is used up by what it was made for, and stays."""
    state.execute("UPDATE upload SET taken = 1 WHERE upload_id = ?", upload.upload_id)


def _usable_since(state: State) -> float:
    return state.now() - HOURS_USABLE * state.settings.hour


def _tidy(state: State) -> None:
    """Forget uploads that nobody used in time, with their files."""
    gone = [upload for upload in every(state) if upload.created_at <= _usable_since(state) and not upload.taken]
    for upload in gone:
        state.files.remove(part.file for part in parts(state, upload))
        state.execute("DELETE FROM upload_part WHERE upload_id = ?", upload.upload_id)
        state.execute("DELETE FROM upload WHERE upload_id = ?", upload.upload_id)


def _upload(row: sqlite3.Row) -> Upload:
    return Upload(**{**dict(row), "failed": bool(row["failed"]), "taken": bool(row["taken"])})
