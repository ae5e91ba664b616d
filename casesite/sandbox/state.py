"""The simulator's memory: one SQLite file, with settings and accounts kept at hand.

One process owns the file. All access goes through one connection behind one lock; a transaction is a few rows long.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from casesite.sandbox.files import Files

SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS account (account_id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS session (
    access_key_id TEXT PRIMARY KEY, secret TEXT NOT NULL, token TEXT NOT NULL, account_id TEXT NOT NULL,
    arn TEXT NOT NULL, user_id TEXT NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS support_case (
    id INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL UNIQUE, display_id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL, subject TEXT NOT NULL, status TEXT NOT NULL, service_code TEXT, category_code TEXT,
    severity_code TEXT, language TEXT NOT NULL, issue_type TEXT NOT NULL, cc TEXT NOT NULL, submitted_by TEXT NOT NULL,
    origin TEXT NOT NULL, created_at REAL NOT NULL, visible_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS support_case_of_account ON support_case (account_id, created_at);
CREATE TABLE IF NOT EXISTS communication (
    id INTEGER PRIMARY KEY AUTOINCREMENT, support_case INTEGER NOT NULL REFERENCES support_case (id),
    body TEXT NOT NULL, submitted_by TEXT NOT NULL, created_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS communication_of_case ON communication (support_case, id);
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, account TEXT, access_key_id TEXT, operation TEXT NOT NULL,
    outcome TEXT NOT NULL, error_code TEXT, http_status INTEGER, executed INTEGER NOT NULL, case_id TEXT,
    sdk_attempt INTEGER, invocation_id TEXT, dry_run INTEGER NOT NULL, body_sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS attachment_set (
    set_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS attachment_set_of_account ON attachment_set (account_id, created_at);
CREATE TABLE IF NOT EXISTS upload (
    upload_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, file_name TEXT NOT NULL, size INTEGER NOT NULL,
    part_size INTEGER NOT NULL, created_at REAL NOT NULL, ready_at REAL, failed INTEGER NOT NULL DEFAULT 0,
    taken INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS upload_part (
    upload_id TEXT NOT NULL REFERENCES upload (upload_id), part_index INTEGER NOT NULL, etag TEXT NOT NULL,
    file TEXT NOT NULL, reported INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (upload_id, part_index));
CREATE TABLE IF NOT EXISTS attachment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, attachment_id TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL,
    file_name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT, files TEXT NOT NULL,
    attachment_set TEXT REFERENCES attachment_set (set_id), communication INTEGER REFERENCES communication (id));
CREATE INDEX IF NOT EXISTS attachment_of_communication ON attachment (communication);
CREATE INDEX IF NOT EXISTS attachment_of_set ON attachment (attachment_set);
CREATE TABLE IF NOT EXISTS connect_domain (
    number INTEGER PRIMARY KEY AUTOINCREMENT, domain_id TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL,
    region TEXT NOT NULL, instance_id TEXT NOT NULL UNIQUE, profiles_domain TEXT, name TEXT NOT NULL,
    status TEXT NOT NULL, tags TEXT NOT NULL, created_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS connect_domain_of_account ON connect_domain (account_id, region);
CREATE TABLE IF NOT EXISTS connect_part (
    number INTEGER PRIMARY KEY AUTOINCREMENT, domain_id TEXT NOT NULL REFERENCES connect_domain (domain_id),
    kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL, modified_at REAL NOT NULL, UNIQUE (domain_id, kind, id));
CREATE TABLE IF NOT EXISTS connect_case (
    number INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL UNIQUE, domain_id TEXT NOT NULL,
    template_id TEXT NOT NULL, fields TEXT NOT NULL, tags TEXT NOT NULL, seen_fields TEXT, created_at REAL NOT NULL,
    visible_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS connect_case_of_domain ON connect_case (domain_id, number);
CREATE TABLE IF NOT EXISTS connect_item (
    number INTEGER PRIMARY KEY AUTOINCREMENT, item_id TEXT NOT NULL UNIQUE,
    connect_case INTEGER NOT NULL REFERENCES connect_case (number), type TEXT NOT NULL, content TEXT NOT NULL,
    performed_by TEXT, created_at REAL NOT NULL, visible_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS connect_item_of_case ON connect_item (connect_case, number);
CREATE TABLE IF NOT EXISTS connect_event (
    number INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL,
    connect_case INTEGER NOT NULL REFERENCES connect_case (number), type TEXT NOT NULL, item_type TEXT,
    at REAL NOT NULL, fields TEXT NOT NULL, performed_by TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS connect_event_of_case ON connect_event (connect_case, number);
CREATE TABLE IF NOT EXISTS connect_file (
    file_id TEXT PRIMARY KEY, domain_id TEXT NOT NULL, associated_arn TEXT NOT NULL, created_by TEXT,
    created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS client_token (
    domain_id TEXT NOT NULL, operation TEXT NOT NULL, token TEXT NOT NULL, content TEXT NOT NULL,
    answer TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (domain_id, operation, token));
CREATE INDEX IF NOT EXISTS client_token_by_age ON client_token (at);
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fault (id INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT NOT NULL);
"""
FILES_IN_USE = (
    "SELECT file FROM upload_part UNION SELECT each.value AS file FROM attachment, json_each(attachment.files) AS each"
)
CLEARED_BY_RESET = (
    *("setting", "account", "attachment", "attachment_set", "upload_part", "upload"),
    *("communication", "support_case", "request", "fault"),
    *(
        "client_token",
        "connect_file",
        "connect_event",
        "connect_item",
        "connect_case",
        "connect_part",
        "connect_domain",
    ),
)
MINUTE = 60.0
HOUR = 3600.0
SHORTEST_VALIDITY = 5.0

# Calls a second and burst of operations by name, such as connectcases.CreateCase, or of all others by *.
Rates = Mapping[str, tuple[float, float]]


class AlreadyRunning(Exception):
    """Another simulator owns this directory."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set for the whole simulator; an account may differ in the first three and in rates. Spans are in seconds."""

    cases_per_hour: int = 10
    calls_per_second: float = 5.0
    visible_after: float = 0.0
    signature_validity: float = 300.0
    create_case_latency: float = 0.0
    time_scale: float = 1.0
    clock_ahead: float = 0.0
    part_size: int = 5 * 1024 * 1024
    upload_ready_after: float = 2.0
    upload_fails_for: str = "virus"
    link_validity: float = 900.0
    attachment_sets_per_minute: int = 20
    connect_rates: Rates = field(default_factory=dict)
    rules_in_batch: int = 50
    client_token_lifetime: float = 8 * HOUR
    hidden_values: str = "refused"
    related_items_on_case: int = 200
    files_on_case: int = 50
    attached_file_size: int = 20 * 1024 * 1024

    @property
    def minute(self) -> float:
        return MINUTE / self.time_scale

    @property
    def hour(self) -> float:
        return HOUR / self.time_scale

    @property
    def validity(self) -> float:
        """How old a signature may be. The time scale shortens it to no less than five seconds."""
        return max(self.signature_validity / self.time_scale, min(self.signature_validity, SHORTEST_VALIDITY))

    @property
    def link_lifetime(self) -> float:
        """How long a link to upload or download lives, shortened like a signature's validity."""
        return max(self.link_validity / self.time_scale, min(self.link_validity, SHORTEST_VALIDITY))


@dataclass(frozen=True, slots=True)
class Account:
    """An AWS account: its support plan, limits of its own, a declared role, and what its policies deny."""

    account_id: str
    plan: str = "business_plus"
    cases_per_hour: int | None = None
    calls_per_second: float | None = None
    visible_after: float | None = None
    role_arn: str | None = None
    external_id: str | None = None
    denied: tuple[str, ...] = ()
    connect_rates: Rates = field(default_factory=dict)


class State:
    """Everything that survives a restart, kill -9 included."""

    def __init__(self, directory: Path, time_scale: float = 1.0) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._claim = _claim(directory)
        self._initial = Settings(time_scale=time_scale)
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(
            directory / "sandbox.sqlite3", check_same_thread=False, isolation_level=None, cached_statements=256
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        self._load()
        self.link_key = self._secret("link")
        self.files = Files(directory / "files")
        self.files.keep_only({row["file"] for row in self.query(FILES_IN_USE)})

    def _load(self) -> None:
        stored = {row["name"]: json.loads(row["value"]) for row in self.query("SELECT * FROM setting")}
        self.settings = replace(self._initial, **stored)
        documents = [json.loads(row["document"]) for row in self.query("SELECT document FROM account")]
        self._accounts = {each["account_id"]: Account(**each | {"denied": tuple(each["denied"])}) for each in documents}

    def _secret(self, name: str) -> bytes:
        """A key of this simulator's own, made once."""
        self.execute("INSERT OR IGNORE INTO secret VALUES (?, ?)", name, secrets.token_hex(32))
        return bytes.fromhex(self.query("SELECT value FROM secret WHERE name = ?", name)[0]["value"])

    def now(self) -> float:
        """AWS's clock: this machine's, or ahead of it as set, for clocks that differ and for tests that can't wait."""
        return time.time() + self.settings.clock_ahead

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block wrote, or nothing of it. May be nested; the outermost decides."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("COMMIT")

    def query(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def execute(self, sql: str, *values: Any) -> int:
        """Write, and return the id of the row inserted last."""
        with self._lock:
            return self._db.execute(sql, values).lastrowid or 0

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._lock:
            self._db.executemany(sql, rows)

    def visible_at(self, account: Account) -> float:
        """When what an account changes now can be seen by those who look for it."""
        delay = self.settings.visible_after if account.visible_after is None else account.visible_after
        return self.now() + delay / self.settings.time_scale

    def change_settings(self, changes: Mapping[str, Any]) -> Settings:
        """Set the named settings; None brings back a default. The time scale lasts as long as the process."""
        with self.transaction():
            for name, value in changes.items():
                if value is None:
                    self.execute("DELETE FROM setting WHERE name = ?", name)
                elif name != "time_scale":
                    self.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", name, json.dumps(value))
                default = getattr(self._initial, name)
                self.settings = replace(self.settings, **{name: default if value is None else value})
        return self.settings

    def accounts(self) -> list[Account]:
        return sorted(self._accounts.values(), key=lambda account: account.account_id)

    def account(self, account_id: str) -> Account:
        """The account with this id, made now if nobody has used it yet."""
        known = self._accounts.get(account_id)
        return known or self.change_account(account_id, {})

    def change_account(self, account_id: str, changes: Mapping[str, Any]) -> Account:
        """Set the named columns of an account; None brings back a default."""
        blank = Account(account_id)
        values = {name: getattr(blank, name) if value is None else value for name, value in changes.items()}
        with self.transaction():
            account = replace(self._accounts.get(account_id, blank), **values)
            document = json.dumps(asdict(account))
            self.execute("INSERT OR REPLACE INTO account VALUES (?, ?)", account_id, document)
            self._accounts[account_id] = account
        return account

    def reset(self) -> None:
        """Forget all but the role sessions handed out: AWS, too, honours those until they expire."""
        with self.transaction():
            for table in CLEARED_BY_RESET:
                self.execute(f"DELETE FROM {table}")
        self._load()
        self.files.keep_only(set())

    def close(self) -> None:
        with self._lock:
            self._db.close()
            self._claim.close()


def _claim(directory: Path) -> IO[str]:
    """Lock the directory for this process; the lock goes when the process does, however it ends."""
    lock = (directory / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise AlreadyRunning(f"another simulator is running on {directory}") from None
    return lock
