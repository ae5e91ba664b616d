"""Files on their way to a case: begun by name and size, filled by one PUT, complete when that is said, checked some time after.

The bytes go the way of uploads to AWS Support, as an upload of one part.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casesite.sandbox.connect_cases.domains import Domain
from casesite.sandbox.state import State
from casesite.sandbox.support import uploads
from casesite.sandbox.support.uploads import Upload

DRAFTING, PROCESSING, APPROVED, REJECTED = "DRAFTING", "PROCESSING", "APPROVED", "REJECTED"


@dataclass(frozen=True, slots=True)
class File:
    """A file of an instance, meant for the resource that `associated_arn` names."""

    file_id: str
    domain_id: str
    associated_arn: str
    created_by: Mapping[str, Any] | None
    created_at: float
    upload: Upload

    def status(self, now: float) -> str:
        if self.upload.ready_at is None:
            return DRAFTING
        if self.upload.ready_at > now:
            return PROCESSING
        return REJECTED if self.upload.failed else APPROVED


def begin(
    state: State, domain: Domain, name: str, size: int, associated_arn: str, created_by: Mapping[str, Any] | None
) -> File:
    upload = uploads.begin(state, domain.account_id, name, size, upload_id=str(uuid.uuid4()), part_size=size)
    state.execute(
        "INSERT INTO connect_file VALUES (?, ?, ?, ?, ?)",
        *(upload.upload_id, domain.domain_id, associated_arn),
        *(json.dumps(created_by) if created_by else None, state.now()),
    )
    return every(state, upload.upload_id)[0]


def find(state: State, domain: Domain, file_id: str) -> File | None:
    """A file of the instance. What nobody completed and attached within a day is gone."""
    return next((each for each in every(state, file_id) if each.domain_id == domain.domain_id), None)


def every(state: State, file_id: str | None = None) -> list[File]:
    """All files of all instances, oldest first, or the one with this id."""
    rows = state.query(
        "SELECT * FROM connect_file WHERE ?1 IS NULL OR file_id = ?1 ORDER BY created_at, file_id", file_id
    )
    return [_file(row, upload) for row in rows for upload in uploads.every(state, row["file_id"])]


def came_in(state: State, file: File) -> bool:
    return bool(uploads.parts(state, file.upload))


def complete(state: State, file: File) -> None:
    uploads.report(state, file.upload, [1])


def keep(state: State, file: File) -> None:
    """It is attached to a case, and stays."""
    uploads.take(state, file.upload)


def sha256(state: State, file: File) -> str | None:
    """The hash of what came in, if it did."""
    names = [part.file for part in uploads.parts(state, file.upload)]
    return state.files.sha256(names) if names else None


def _file(row: sqlite3.Row, upload: Upload) -> File:
    created_by = json.loads(row["created_by"]) if row["created_by"] else None
    return File(**{**dict(row), "created_by": created_by}, upload=upload)
