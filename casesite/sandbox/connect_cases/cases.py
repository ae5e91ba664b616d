"""The cases of a domain with what is related to them and what was done to them."""

from __future__ import annotations

import json
import secrets
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from casesite.sandbox.connect_cases import system_fields
from casesite.sandbox.connect_cases.domains import Document, Domain, instant
from casesite.sandbox.connect_cases.values import EMPTY, Union, Values
from casesite.sandbox.state import State

REFERENCE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
REFERENCE_LENGTH = 9


@dataclass(frozen=True, slots=True)
class Case:
    """A case. `fields` are its values now; searches may still see older ones, or none."""

    number: int
    case_id: str
    domain_id: str
    template_id: str
    fields: Values
    tags: dict[str, str]
    seen_fields: Values | None
    created_at: float
    visible_at: float


@dataclass(frozen=True, slots=True)
class Item:
    """A comment, file or other thing related to a case."""

    number: int
    item_id: str
    type: str
    content: Document
    performed_by: Union | None
    created_at: float
    visible_at: float


@dataclass(frozen=True, slots=True)
class Event:
    """What was done to a case, by whom, with old and new values."""

    event_id: str
    type: str
    item_type: str | None
    at: float
    fields: list[Document]
    performed_by: Document


@dataclass(frozen=True, slots=True)
class Doer:
    """Who acts: the caller of the API, and the person it names."""

    principal: str
    user: Union | None = None

    @property
    def told(self) -> Document:
        return {"iamPrincipalArn": self.principal, **({"user": self.user} if self.user else {})}

    @property
    def as_value(self) -> Union | None:
        """The person as a field of type User has it. An entity of the caller's own has no such value."""
        return {"userArnValue": self.user["userArn"]} if self.user and "userArn" in self.user else None


def create(state: State, domain: Domain, template_id: str, values: Values, tags: Mapping[str, str], by: Doer) -> Case:
    """Create a case with these values, and those that AWS itself adds."""
    now, case_id = state.now(), str(uuid.uuid4())
    fields = {
        system_fields.STATUS: {"stringValue": system_fields.OPEN},
        system_fields.REFERENCE_NUMBER: {"stringValue": f"{secrets.randbelow(90_000_000) + 10_000_000}"},
        **values,
        system_fields.CASE_ID: {"stringValue": case_id},
        system_fields.CREATED: _stamp(now),
        **_touch(now, by),
    }
    if by.as_value:
        fields[system_fields.CREATED_BY] = by.as_value
    if fields[system_fields.STATUS]["stringValue"] == system_fields.CLOSED:
        fields[system_fields.CLOSED_AT] = _stamp(now)
    number = state.execute(
        "INSERT INTO connect_case (case_id, domain_id, template_id, fields, tags, created_at, visible_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        *(case_id, domain.domain_id, template_id, json.dumps(fields), json.dumps(dict(tags)), now),
        state.visible_at(state.account(domain.account_id)),
    )
    given = [{"eventFieldId": id_, "newValue": value} for id_, value in values.items()]
    _note(state, number, "Case.Created", by, given)
    return _found(state, case_id)


def update(state: State, domain: Domain, case: Case, changes: Mapping[str, Union | None], by: Doer) -> Case:
    """Set the named fields; None clears one."""
    now = state.now()
    fields = {id_: value for id_, value in case.fields.items() if id_ not in changes}
    fields |= {id_: value for id_, value in changes.items() if value is not None} | _touch(now, by)
    if changes.get(system_fields.STATUS) == {"stringValue": system_fields.CLOSED}:
        fields[system_fields.CLOSED_AT] = _stamp(now)
    seen = case.fields if case.visible_at <= now else case.seen_fields
    state.execute(
        "UPDATE connect_case SET fields = ?, seen_fields = ?, visible_at = ? WHERE number = ?",
        *(json.dumps(fields), None if seen is None else json.dumps(seen)),
        *(state.visible_at(state.account(domain.account_id)), case.number),
    )
    changed = [
        {"eventFieldId": id_, "oldValue": case.fields.get(id_, {EMPTY: {}}), "newValue": value or {EMPTY: {}}}
        for id_, value in changes.items()
    ]
    _note(state, case.number, "Case.Updated", by, changed)
    return _found(state, case.case_id)


def tag(state: State, case: Case, tags: Mapping[str, str]) -> None:
    state.execute("UPDATE connect_case SET tags = ? WHERE number = ?", json.dumps(dict(tags)), case.number)


def find(state: State, case_id: str, domain: Domain | None = None) -> Case | None:
    """A case by its id: of any domain or of one."""
    for row in state.query("SELECT * FROM connect_case WHERE case_id = ?", case_id):
        if domain is None or row["domain_id"] == domain.domain_id:
            return _case(row)
    return None


def every(state: State) -> list[Case]:
    """All cases of all domains, oldest first: the ground truth."""
    return [_case(row) for row in state.query("SELECT * FROM connect_case ORDER BY number")]


def newest(state: State, limit: int) -> tuple[list[Case], int]:
    """The newest cases of all domains, newest first, and how many there are in all."""
    rows = state.query("SELECT * FROM connect_case ORDER BY number DESC LIMIT ?", limit)
    return [_case(row) for row in rows], int(state.query("SELECT count(*) AS n FROM connect_case")[0]["n"])


def by_reference(state: State, domain: Domain, reference: str) -> Case | None:
    """The domain's case with this reference id, in capitals or not."""
    wanted = reference.casefold()
    for row in state.query("SELECT * FROM connect_case WHERE domain_id = ?", domain.domain_id):
        case = _case(row)
        own = case.fields.get(system_fields.REFERENCE_ID)
        if own is not None and own["stringValue"].casefold() == wanted:
            return case
    return None


def new_reference() -> str:
    """A reference id as AWS generates them."""
    return "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(REFERENCE_LENGTH))


def seen(state: State, domain: Domain, tagged: tuple[str, str] | None = None) -> list[Case]:
    """The domain's cases as searches see them by now, newest first; with `tagged`, those with this key and value."""
    now, (key, value) = state.now(), tagged or (None, None)
    rows = state.query(
        "SELECT * FROM connect_case WHERE domain_id = ?1 AND (visible_at <= ?2 OR seen_fields IS NOT NULL)"
        " AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) AS tag WHERE tag.key = ?3 AND tag.value = ?4))"
        " ORDER BY number DESC",
        *(domain.domain_id, now, key, value),
    )
    found = [_case(row) for row in rows]
    return [case if case.visible_at <= now else replace(case, fields=case.seen_fields or {}) for case in found]


def add_item(state: State, domain: Domain, case: Case, type_: str, content: Document, by: Doer) -> Item:
    item_id = str(uuid.uuid4())
    state.execute(
        "INSERT INTO connect_item (item_id, connect_case, type, content, performed_by, created_at, visible_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        *(item_id, case.number, type_, json.dumps(content), json.dumps(by.user) if by.user else None, state.now()),
        state.visible_at(state.account(domain.account_id)),
    )
    _note(state, case.number, "RelatedItem.Created", by, [], type_)
    return items(state, case)[-1]


def items(state: State, case: Case, *, visible: bool = False) -> list[Item]:
    """What is related to a case, oldest first; with `visible`, only what searches show by now."""
    rows = state.query(
        "SELECT * FROM connect_item WHERE connect_case = ? AND visible_at <= ? ORDER BY number",
        *(case.number, state.now() if visible else float("inf")),
    )
    return [_item(row) for row in rows]


def events(state: State, case: Case) -> list[Event]:
    """What was done to a case, oldest first."""
    rows = state.query("SELECT * FROM connect_event WHERE connect_case = ? ORDER BY number", case.number)
    return [
        Event(
            event_id=row["event_id"],
            type=row["type"],
            item_type=row["item_type"],
            at=row["at"],
            fields=json.loads(row["fields"]),
            performed_by=json.loads(row["performed_by"]),
        )
        for row in rows
    ]


def arn(domain: Domain, case: Case) -> str:
    return domain.arn_of("case", case.case_id)


def item_arn(domain: Domain, case: Case, item: Item) -> str:
    return f"{arn(domain, case)}/related-item/{item.item_id}"


def _found(state: State, case_id: str) -> Case:
    return _case(state.query("SELECT * FROM connect_case WHERE case_id = ?", case_id)[0])


def _touch(now: float, by: Doer) -> Values:
    touched = {system_fields.UPDATED: _stamp(now)}
    return touched if by.as_value is None else {**touched, system_fields.UPDATED_BY: by.as_value}


def _stamp(at: float) -> Union:
    return {"stringValue": instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")}


def _note(
    state: State, number: int, type_: str, by: Doer, fields: list[Document], item_type: str | None = None
) -> None:
    state.execute(
        "INSERT INTO connect_event (event_id, connect_case, type, item_type, at, fields, performed_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        *(str(uuid.uuid4()), number, type_, item_type, state.now(), json.dumps(fields), json.dumps(by.told)),
    )


def _case(row: sqlite3.Row) -> Case:
    texts: dict[str, Any] = {name: json.loads(row[name]) for name in ("fields", "tags")}
    older = None if row["seen_fields"] is None else json.loads(row["seen_fields"])
    return Case(**{**dict(row), **texts, "seen_fields": older})


def _item(row: sqlite3.Row) -> Item:
    return Item(
        number=row["number"],
        item_id=row["item_id"],
        type=row["type"],
        content=json.loads(row["content"]),
        performed_by=json.loads(row["performed_by"]) if row["performed_by"] else None,
        created_at=row["created_at"],
        visible_at=row["visible_at"],
    )
