"""The journal: one line for each request that came in for AWS, with what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from casesite.sandbox.messages import Request
from casesite.sandbox.state import State

KEPT = 200_000
TIDY_EVERY = 1_000


@dataclass(slots=True)
class Entry:
    """A request as it goes through. `executed` says that it changed or read what it asked for, and that this was committed."""

    at: float
    body_sha256: str
    sdk_attempt: int | None
    invocation_id: str | None
    id: int | None = field(default=None)
    account: str | None = None
    access_key_id: str | None = None
    operation: str = "unknown"
    outcome: str = "refused"
    error_code: str | None = None
    http_status: int | None = None
    executed: bool = False
    case_id: str | None = None
    dry_run: bool = False


def entry_for(request: Request, now: float) -> Entry:
    return Entry(
        at=now,
        body_sha256=sha256(request.body).hexdigest(),
        sdk_attempt=_attempt(request.headers.get("amz-sdk-request", "")),
        invocation_id=request.headers.get("amz-sdk-invocation-id"),
    )


def write(state: State, entry: Entry) -> None:
    """Add the entry, or bring the one written before up to date."""
    values = asdict(entry)
    columns = ", ".join(values)
    marks = ", ".join("?" * len(values))
    with state.transaction():
        entry.id = state.execute(f"INSERT OR REPLACE INTO request ({columns}) VALUES ({marks})", *values.values())
        if entry.id % TIDY_EVERY == 0:
            state.execute("DELETE FROM request WHERE id <= ?", entry.id - KEPT)


def entries(
    state: State, *, since: int = 0, operation: str | None = None, newest: int | None = None
) -> list[dict[str, Any]]:
    """Entries after id `since`, oldest first; with `newest`, only that many of the last ones."""
    rows = state.query(
        "SELECT * FROM (SELECT * FROM request WHERE id > ?1 AND (?2 IS NULL OR operation = ?2) ORDER BY id DESC LIMIT ?3) ORDER BY id",
        *(since, operation, -1 if newest is None else newest),
    )
    return [dict(row) | {"executed": bool(row["executed"]), "dry_run": bool(row["dry_run"])} for row in rows]


def _attempt(header: str) -> int | None:
    """The number in `attempt=1; max=3`, as the SDKs send it."""
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == "attempt" and value.isdecimal():
            return int(value)
    return None
