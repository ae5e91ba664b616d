"""Attachments: sets that collect small files for an hour, and what a message of a case carries in the end."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from casesite.sandbox.state import State
from casesite.sandbox.support import uploads

FILES_IN_SET = 3
SMALL = 5 * 1024 * 1024
HOURS_REMEMBERED = 24


@dataclass(frozen=True, slots=True)
class AttachmentSet:
    """A set. It is used up by the first message that takes it."""

    set_id: str
    account_id: str
    created_at: float
    expires_at: float
    taken: bool


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a set or of a message. Its bytes are those of `files` on disk, end to end."""

    id: int
    attachment_id: str
    account_id: str
    file_name: str
    size: int
    sha256: str | None
    files: tuple[str, ...]
    attachment_set: str | None
    communication: int | None


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What a message is to carry: a set, uploads, or both."""

    set_id: str | None = None
    upload_ids: tuple[str, ...] = ()


def begin_set(state: State, account_id: str) -> AttachmentSet:
    """A new, empty set that lives an hour."""
    _tidy(state)
    now = state.now()
    set_id = f"as-{secrets.token_hex(8)}-mu-{secrets.token_urlsafe(6)}"
    state.execute(
        "INSERT INTO attachment_set (set_id, account_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
        *(set_id, account_id, now, now + state.settings.hour),
    )
    return AttachmentSet(set_id, account_id, now, now + state.settings.hour, taken=False)


def find_set(state: State, set_id: str, account_id: str) -> AttachmentSet | None:
    """The account's set with this id, expired or not, if no message took it."""
    rows = state.query("SELECT * FROM attachment_set WHERE set_id = ? AND account_id = ?", set_id, account_id)
    return _set(rows[0]) if rows and not rows[0]["taken"] else None


def every_set(state: State) -> list[AttachmentSet]:
    """All sets of all accounts, oldest first."""
    return [_set(row) for row in state.query("SELECT * FROM attachment_set ORDER BY created_at, set_id")]


def sets_in_minute(state: State, account_id: str) -> int:
    since = state.now() - state.settings.minute
    rows = state.query(
        "SELECT count(*) AS n FROM attachment_set WHERE account_id = ? AND created_at > ?", account_id, since
    )
    return int(rows[0]["n"])


def put_into(state: State, group: AttachmentSet, files: Iterable[tuple[str, bytes]]) -> None:
    """Add files, each a name and its bytes, to a set. Whether they fit is for the caller to say."""
    for name, data in files:
        received = state.files.receive([data])
        _insert(
            state,
            *(group.account_id, name, received.size, received.sha256.hex(), [state.files.keep(received)]),
            *(group.set_id, None),
        )


def of_set(state: State, set_id: str) -> list[Attachment]:
    rows = state.query("SELECT * FROM attachment WHERE attachment_set = ? ORDER BY id", set_id)
    return [_attachment(row) for row in rows]


def enclose(state: State, communication: int, enclosed: Enclosed) -> None:
    """Give a message what it is to carry; set and uploads are used up."""
    if enclosed.set_id is not None:
        state.execute("UPDATE attachment_set SET taken = 1 WHERE set_id = ?", enclosed.set_id)
        state.execute(
            "UPDATE attachment SET communication = ? WHERE attachment_set = ?", communication, enclosed.set_id
        )
    for upload_id in enclosed.upload_ids:
        upload = uploads.every(state, upload_id)[0]
        files = [part.file for part in uploads.parts(state, upload)]
        uploads.take(state, upload)
        _insert(state, upload.account_id, upload.file_name, upload.size, None, files, None, communication)


def find(state: State, attachment_id: str, account_id: str | None = None) -> Attachment | None:
    """An attachment of a message: of any account or of one."""
    rows = state.query(
        "SELECT * FROM attachment WHERE attachment_id = ?1 AND (?2 IS NULL OR account_id = ?2)"
        " AND communication IS NOT NULL",
        *(attachment_id, account_id),
    )
    return _attachment(rows[0]) if rows else None


def of_messages(state: State, communications: Iterable[int]) -> dict[int, list[Attachment]]:
    """What messages carry, by the message's number; those with nothing are left out."""
    rows = state.query(
        "SELECT * FROM attachment WHERE communication IN (SELECT value FROM json_each(?)) ORDER BY id",
        json.dumps(list(communications)),
    )
    found: dict[int, list[Attachment]] = {}
    for row in rows:
        found.setdefault(row["communication"], []).append(_attachment(row))
    return found


def sha256(state: State, attachment: Attachment) -> str:
    """The hash of the whole file. That of an upload is worked out when somebody first asks."""
    if attachment.sha256 is None:
        known = state.files.sha256(attachment.files)
        state.execute("UPDATE attachment SET sha256 = ? WHERE id = ?", known, attachment.id)
        return known
    return attachment.sha256


def _insert(
    state: State,
    account_id: str,
    name: str,
    size: int,
    sha256: str | None,
    files: list[str],
    set_id: str | None,
    communication: int | None,
) -> None:
    state.execute(
        "INSERT INTO attachment (attachment_id, account_id, file_name, size, sha256, files, attachment_set, communication)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        *(f"attachment-{secrets.token_hex(8)}", account_id, name, size, sha256, json.dumps(files)),
        *(set_id, communication),
    )


def _tidy(state: State) -> None:
    """Forget sets that expired a day ago and that no message took, with their files."""
    before = state.now() - HOURS_REMEMBERED * state.settings.hour
    for row in state.query("SELECT set_id FROM attachment_set WHERE expires_at < ? AND NOT taken", before):
        for attachment in of_set(state, row["set_id"]):
            state.files.remove(attachment.files)
        state.execute("DELETE FROM attachment WHERE attachment_set = ?", row["set_id"])
        state.execute("DELETE FROM attachment_set WHERE set_id = ?", row["set_id"])


def _set(row: sqlite3.Row) -> AttachmentSet:
    return AttachmentSet(**{**dict(row), "taken": bool(row["taken"])})


def _attachment(row: sqlite3.Row) -> Attachment:
    return Attachment(**{**dict(row), "files": tuple(json.loads(row["files"]))})
