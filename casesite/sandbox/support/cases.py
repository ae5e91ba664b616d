"""The cases AWS Support holds, with their correspondence: opening, finding, answering, resolving."""

from __future__ import annotations

import itertools
import json
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from casesite.sandbox.state import Account, State
from casesite.sandbox.support import attachments
from casesite.sandbox.support.attachments import Enclosed

AWS = "Amazon Web Services"
UNASSIGNED = "unassigned"
PENDING_CUSTOMER = "pending-customer-action"
CUSTOMER_ACTED = "customer-action-completed"
REOPENED = "reopened"
RESOLVED = "resolved"
DISPLAY_NUMBERS = itertools.count(secrets.randbelow(100_000))


@dataclass(frozen=True, slots=True)
class NewCase:
    """What it takes to open a case. Codes may be left out, as the API allows."""

    subject: str
    body: str
    submitted_by: str
    author: str
    issue_type: str = "technical"
    language: str = "en"
    service_code: str | None = None
    category_code: str | None = None
    severity_code: str | None = None
    cc: tuple[str, ...] = ()
    origin: str = "api"
    enclosed: Enclosed | None = None


@dataclass(frozen=True, slots=True)
class Case:
    id: int
    case_id: str
    display_id: str
    account_id: str
    subject: str
    status: str
    service_code: str | None
    category_code: str | None
    severity_code: str | None
    language: str
    issue_type: str
    cc: tuple[str, ...]
    submitted_by: str
    origin: str
    created_at: float
    visible_at: float


@dataclass(frozen=True, slots=True)
class Communication:
    id: int
    body: str
    submitted_by: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time and a place in a list that is read newest first; `below` is the id the last page ended with."""

    after: float = float("-inf")
    before: float = float("inf")
    below: int | None = None
    limit: int = 100


def open_case(state: State, account: Account, new: NewCase) -> Case:
    """Open a case in an account. Whether the account may is for `quota_left` to say."""
    now = state.now()
    case_id, display_id = _new_ids(account.account_id, new, now)
    with state.transaction():
        number = state.execute(
            "INSERT INTO support_case (case_id, display_id, account_id, subject, status, service_code, category_code,"
            " severity_code, language, issue_type, cc, submitted_by, origin, created_at, visible_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(case_id, display_id, account.account_id, new.subject, UNASSIGNED, new.service_code, new.category_code),
            *(new.severity_code, new.language, new.issue_type, json.dumps(new.cc), new.submitted_by, new.origin, now),
            state.visible_at(account),
        )
        _add(state, number, new.body, new.author, now, new.enclosed)
    return _case(state.query("SELECT * FROM support_case WHERE id = ?", number)[0])


def quota_left(state: State, account: Account) -> int:
    """How many cases the account may still open in the hour that is rolling."""
    settings = state.settings
    limit = settings.cases_per_hour if account.cases_per_hour is None else account.cases_per_hour
    return limit - opened_in_hour(state, account.account_id)


def opened_in_hour(state: State, account_id: str) -> int:
    since = state.now() - state.settings.hour
    rows = state.query(
        "SELECT count(*) AS n FROM support_case WHERE account_id = ? AND created_at > ?", account_id, since
    )
    return int(rows[0]["n"])


def find(state: State, case_id: str, account_id: str | None = None, *, visible: bool = False) -> Case | None:
    """A case by its id: of any account or of one, and with `visible` only if Describe operations show it already."""
    rows = state.query(
        "SELECT * FROM support_case WHERE case_id = ?1 AND (?2 IS NULL OR account_id = ?2) AND visible_at <= ?3",
        *(case_id, account_id, state.now() if visible else float("inf")),
    )
    return _case(rows[0]) if rows else None


def listing(
    state: State,
    account_id: str,
    window: Window,
    *,
    with_resolved: bool,
    display_id: str | None,
    case_ids: list[str] | None,
) -> list[Case]:
    """The visible cases of an account, newest first."""
    rows = state.query(
        "SELECT * FROM support_case WHERE account_id = ?1 AND visible_at <= ?2 AND created_at BETWEEN ?3 AND ?4"
        " AND (?5 IS NULL OR id < ?5) AND (?6 OR status <> 'resolved') AND (?7 IS NULL OR display_id = ?7)"
        " AND (?8 IS NULL OR case_id IN (SELECT value FROM json_each(?8))) ORDER BY id DESC LIMIT ?9",
        *(account_id, state.now(), window.after, window.before, window.below, with_resolved, display_id),
        *(None if case_ids is None else json.dumps(case_ids), window.limit),
    )
    return [_case(row) for row in rows]


def every_case(state: State) -> list[Case]:
    """All cases of all accounts, oldest first, seen or not: the ground truth."""
    return [_case(row) for row in state.query("SELECT * FROM support_case ORDER BY id")]


def correspondence(state: State, case: Case, window: Window) -> list[Communication]:
    """What was written in a case, newest first."""
    rows = state.query(
        "SELECT * FROM communication WHERE support_case = ?1 AND created_at BETWEEN ?2 AND ?3 AND (?4 IS NULL OR id < ?4)"
        " ORDER BY id DESC LIMIT ?5",
        *(case.id, window.after, window.before, window.below, window.limit),
    )
    return [Communication(row["id"], row["body"], row["submitted_by"], row["created_at"]) for row in rows]


def add_from_customer(
    state: State,
    case: Case,
    body: str,
    author: str,
    cc: tuple[str, ...] | None = None,
    enclosed: Enclosed | None = None,
) -> None:
    """A word from the customer. It reopens a resolved case."""
    status = REOPENED if case.status == RESOLVED else CUSTOMER_ACTED if case.status == PENDING_CUSTOMER else case.status
    with state.transaction():
        _add(state, case.id, body, author, state.now(), enclosed)
        state.execute("UPDATE support_case SET status = ? WHERE id = ?", status, case.id)
        if cc is not None:
            state.execute("UPDATE support_case SET cc = ? WHERE id = ?", json.dumps(cc), case.id)


def add_from_aws(state: State, case: Case, body: str) -> None:
    """An answer by AWS, after which it is the customer's turn."""
    with state.transaction():
        _add(state, case.id, body, AWS, state.now())
        state.execute("UPDATE support_case SET status = ? WHERE id = ?", PENDING_CUSTOMER, case.id)


def resolve(state: State, case: Case) -> None:
    state.execute("UPDATE support_case SET status = ? WHERE id = ?", RESOLVED, case.id)


def iso(at: float) -> str:
    """An instant as AWS Support writes it: 2026-01-31T09:30:00.774Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _add(state: State, number: int, body: str, author: str, now: float, enclosed: Enclosed | None = None) -> None:
    communication = state.execute(
        "INSERT INTO communication (support_case, body, submitted_by, created_at) VALUES (?, ?, ?, ?)",
        *(number, body, author, now),
    )
    if enclosed is not None:
        attachments.enclose(state, communication, enclosed)


def _new_ids(account_id: str, new: NewCase, now: float) -> tuple[str, str]:
    """A case id and a display id in AWS's form, such as case-111122223333-muen-2026-c4c1d2bf33c5cf47, 176512345600817."""
    group = "ex" if new.issue_type == "customer-service" else "mu"
    year = datetime.fromtimestamp(now, UTC).year
    case_id = f"case-{account_id}-{group}{new.language}-{year}-{secrets.token_hex(8)}"
    return case_id, f"{int(now):010d}{next(DISPLAY_NUMBERS) % 100_000:05d}"


def _case(row: sqlite3.Row) -> Case:
    return Case(**{**dict(row), "cc": tuple(json.loads(row["cc"]))})
