"""Domains of Connect Cases with what they are made of: fields, layouts, rules, templates, and the people around them.

A domain stands for its Connect instance too, and for the profiles domain that goes with it: one of each. What it is made
of is kept as documents in AWS's own names, so that drift is a change of a document.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from casesite.sandbox.state import State

Document = dict[str, Any]


class Kind(StrEnum):
    """What a domain is made of; the value names it in ARNs where AWS has one."""

    FIELD = "field"
    LAYOUT = "layout"
    TEMPLATE = "template"
    RULE = "case-rule"
    PROFILE = "profile"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Domain:
    domain_id: str
    account_id: str
    region: str
    instance_id: str
    profiles_domain: str | None
    name: str
    status: str
    tags: Mapping[str, str]
    created_at: float

    @property
    def arn(self) -> str:
        return f"arn:aws:cases:{self.region}:{self.account_id}:domain/{self.domain_id}"

    @property
    def instance_arn(self) -> str:
        return f"arn:aws:connect:{self.region}:{self.account_id}:instance/{self.instance_id}"

    def arn_of(self, kind: str, id_: str) -> str:
        return f"{self.arn}/{kind}/{id_}"

    def user_arn(self, user_id: str) -> str:
        return f"{self.instance_arn}/agent/{user_id}"

    def file_arn(self, file_id: str) -> str:
        return f"{self.instance_arn}/file/{file_id}"

    def profile_arn(self, profile_id: str) -> str:
        return f"arn:aws:profile:{self.region}:{self.account_id}:domains/{self.profiles_domain}/profiles/{profile_id}"


@dataclass(frozen=True, slots=True)
class Part:
    """Something a domain is made of. A deleted one can still be read by its id."""

    id: str
    kind: Kind
    document: Document
    deleted: bool
    created_at: float
    modified_at: float

    @property
    def times(self) -> Document:
        return {"createdTime": instant(self.created_at), "lastModifiedTime": instant(self.modified_at)}


@dataclass(frozen=True, slots=True)
class NewDomain:
    account_id: str
    region: str
    name: str
    domain_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    instance_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    profiles_domain: str | None = None
    status: str = "Active"
    tags: Mapping[str, str] = field(default_factory=dict)


def add(state: State, new: NewDomain) -> Domain:
    """Make a domain. Its system fields are for the caller to add."""
    state.execute(
        "INSERT INTO connect_domain (domain_id, account_id, region, instance_id, profiles_domain, name, status, tags, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(new.domain_id, new.account_id, new.region, new.instance_id, new.profiles_domain, new.name, new.status),
        *(json.dumps(new.tags), state.now()),
    )
    return every(state, domain_id=new.domain_id)[0]


def every(
    state: State, account_id: str | None = None, region: str | None = None, domain_id: str | None = None
) -> list[Domain]:
    """All domains, or those of an account, of a region, or the one with this id; oldest first."""
    rows = state.query(
        "SELECT * FROM connect_domain WHERE (?1 IS NULL OR account_id = ?1) AND (?2 IS NULL OR region = ?2)"
        " AND (?3 IS NULL OR domain_id = ?3) ORDER BY number",
        *(account_id, region, domain_id),
    )
    return [_domain(row) for row in rows]


def change(state: State, domain: Domain, *, name: str, status: str, tags: Mapping[str, str]) -> Domain:
    state.execute(
        "UPDATE connect_domain SET name = ?, status = ?, tags = ? WHERE domain_id = ?",
        *(name, status, json.dumps(tags), domain.domain_id),
    )
    return every(state, domain_id=domain.domain_id)[0]


def remove(state: State, domain: Domain) -> None:
    """Take a domain away with all that it is made of. Its cases stay, as the truth of what was created."""
    state.execute("DELETE FROM connect_part WHERE domain_id = ?", domain.domain_id)
    state.execute("DELETE FROM connect_domain WHERE domain_id = ?", domain.domain_id)


def put(state: State, domain: Domain, kind: Kind, id_: str, document: Mapping[str, Any]) -> None:
    """Add a part or write it anew. One that was deleted is there again."""
    now = state.now()
    state.execute(
        "INSERT INTO connect_part (domain_id, kind, id, document, created_at, modified_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)"
        " ON CONFLICT (domain_id, kind, id) DO UPDATE SET document = ?4, modified_at = ?5, deleted = 0",
        *(domain.domain_id, kind, id_, json.dumps(document), now),
    )


def put_new(state: State, domain: Domain, new: Iterable[tuple[Kind, str, str]]) -> None:
    """Add many parts of a domain that has none of them yet: kind, id and the document as JSON."""
    now = state.now()
    state.execute_many(
        "INSERT INTO connect_part (domain_id, kind, id, document, created_at, modified_at) VALUES (?, ?, ?, ?, ?, ?)",
        [(domain.domain_id, kind, id_, document, now, now) for kind, id_, document in new],
    )


def delete(state: State, domain: Domain, kind: Kind, id_: str) -> None:
    state.execute(
        "UPDATE connect_part SET deleted = 1, modified_at = ? WHERE domain_id = ? AND kind = ? AND id = ?",
        *(state.now(), domain.domain_id, kind, id_),
    )


def parts(state: State, domain: Domain, kind: Kind, ids: Iterable[str] | None = None) -> list[Part]:
    """Parts of a kind, deleted ones too, in the order in which they were added; all, or those with these ids."""
    rows = state.query(
        "SELECT * FROM connect_part WHERE domain_id = ?1 AND kind = ?2"
        " AND (?3 IS NULL OR id IN (SELECT value FROM json_each(?3))) ORDER BY number",
        *(domain.domain_id, kind, None if ids is None else json.dumps(list(ids))),
    )
    return [_part(row) for row in rows]


def part(state: State, domain: Domain, kind: Kind, id_: str) -> Part | None:
    found = parts(state, domain, kind, [id_])
    return found[0] if found else None


def living(found: Iterable[Part]) -> list[Part]:
    return [each for each in found if not each.deleted]


def instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _domain(row: sqlite3.Row) -> Domain:
    values = {**dict(row), "tags": json.loads(row["tags"])}
    del values["number"]
    return Domain(**values)


def _part(row: sqlite3.Row) -> Part:
    return Part(
        id=row["id"],
        kind=Kind(row["kind"]),
        document=json.loads(row["document"]),
        deleted=bool(row["deleted"]),
        created_at=row["created_at"],
        modified_at=row["modified_at"],
    )
