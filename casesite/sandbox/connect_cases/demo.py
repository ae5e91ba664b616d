"""Domains to look around with: made at the first start and after a reset, and for any account where a test asks for one.

demo.json names fields and rules by their names. Ids are made of domain and name, so that they are the same each time.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from casesite.sandbox.connect_cases import domains, system_fields
from casesite.sandbox.connect_cases.domains import Document, Domain, Kind, NewDomain
from casesite.sandbox.state import State

FAMILY = uuid.UUID("5bd1a2a4-7a1c-4a0a-9c55-7a8f2f1c6b10")
CUSTOMERS = 40
# People with the same name: a search has to show enough of each to tell them apart.
NAMESAKES: tuple[Document, ...] = (
    {"BusinessName": "Demo Retail", "AccountNumber": "C-88120", "City": "Springfield", "State": "IL"},
    {"BusinessName": "Demo Logistics", "AccountNumber": "C-88121", "City": "Portland", "State": "OR"},
    {"BusinessName": None, "AccountNumber": "C-90077", "City": "Austin", "State": "TX"},
)
USERS = (
    *(("alex.demo", "Alex", "Demo"), ("alex.demo2", "Alex", "Demo"), ("chris.demo", "Chris", "Demo")),
    *(("jamie.demo", "Jamie", "Demo"), ("kim.demo", "Kim", "Demo"), ("robin.demo", "Robin", "Demo")),
    *(("sam.demo", "Sam", "Demo"), ("toni.demo", "Toni", "Demo")),
)


@cache
def definitions() -> dict[str, Document]:
    text = Path(__file__).with_name("demo.json").read_text(encoding="utf-8")
    return {each["key"]: each for each in json.loads(text)}


def furnish(state: State) -> None:
    """Make the demo domains of the demo accounts, where nothing of Connect is there yet."""
    with state.transaction():
        if not domains.every(state):
            for key, definition in definitions().items():
                build(state, key, definition["account_id"], definition["region"])


def build(state: State, key: str, account_id: str, region: str) -> Domain:
    """The demo domain `key` in an account and region: made now, or the one that is there."""
    definition = definitions()[key]
    own = _Ids(f"{key} {account_id} {region}")
    new = NewDomain(
        account_id=account_id,
        region=region,
        name=definition["name"],
        domain_id=own.of("domain"),
        instance_id=own.of("instance"),
        profiles_domain=definition["profiles_domain"],
    )
    with state.transaction():
        if there := domains.every(state, domain_id=new.domain_id):
            return there[0]
        domain = domains.add(state, new)
        system_fields.add_to(state, domain)
        domains.put_new(state, domain, _documents(key, own))
    return domain


@dataclass(frozen=True)
class _Ids:
    """Ids of one domain, by kind and name; those of system fields are their names."""

    domain: str

    def of(self, kind: str, name: str = "") -> str:
        return str(uuid.uuid5(FAMILY, f"{self.domain} {kind} {name}"))

    def field(self, name: str) -> str:
        return name if name in system_fields.NAMES_AND_TYPES else self.of(Kind.FIELD, name)

    def profile(self, number: int) -> str:
        return self.of(Kind.PROFILE, str(number)).replace("-", "")


@cache
def _documents(key: str, own: _Ids) -> tuple[tuple[Kind, str, str], ...]:
    """The parts of a demo domain, made once: tests ask for the same ones over and over."""
    return tuple((kind, id_, json.dumps(document)) for kind, id_, document in _parts(definitions()[key], own))


def _parts(definition: Document, own: _Ids) -> Iterator[tuple[Kind, str, Document]]:
    for field in definition["fields"]:
        yield Kind.FIELD, own.field(field["name"]), _field(field)
    for rule in definition["rules"]:
        yield Kind.RULE, own.of(Kind.RULE, rule["name"]), _rule(rule, own)
    targets = {rule["name"]: _governed(rule) for rule in definition["rules"]}
    for template in definition["templates"]:
        if "top" in template:
            yield Kind.LAYOUT, own.of(Kind.LAYOUT, template["name"]), _layout(template, own)
        yield Kind.TEMPLATE, own.of(Kind.TEMPLATE, template["name"]), _template(template, targets, own)
    for number, profile in enumerate(_profiles()):
        yield Kind.PROFILE, own.profile(number), profile
    for username, first, last in USERS:
        user = {"Username": username, "FirstName": first, "LastName": last, "Email": f"{username}@example.com"}
        yield Kind.USER, own.of(Kind.USER, username), user


def _field(given: Document) -> Document:
    document = {"name": given["name"], "type": given["type"], "namespace": "Custom"}
    document["description"] = given.get("description", "")
    if given["type"] == "Text":
        document["attributes"] = {"text": {"isMultiline": given.get("multiline", False)}}
    if "numbered" in given:
        word, stem, count = given["numbered"]
        options = [(f"{word} {number:03d}", f"{stem}_{number:03d}") for number in range(1, count + 1)]
        document["options"] = [{"name": name, "value": value, "active": True} for name, value in options]
    elif "options" in given:
        document["options"] = [
            {"name": name, "value": value, "active": not inactive} for name, value, *inactive in given["options"]
        ]
    return document


def _governed(rule: Document) -> str:
    return str(rule.get("required") or rule.get("hidden") or rule["child"])


def _rule(given: Document, own: _Ids) -> Document:
    named = {"name": given["name"], "description": given["name"]}
    if "child" in given:
        mappings = [
            {"parentFieldOptionValue": parent, "childFieldOptionValues": children}
            for parent, children in given["options"].items()
        ]
        ends = {"parentFieldId": own.field(given["parent"]), "childFieldId": own.field(given["child"])}
        return {**named, "rule": {"fieldOptions": {**ends, "parentChildFieldOptionsMappings": mappings}}}
    conditions = [_condition(each, False, own) for each in given.get("unless", ())]
    conditions += [_condition(each, True, own) for each in given.get("when", ())]
    kind = "required" if "required" in given else "hidden"
    return {**named, "rule": {kind: {"defaultValue": given.get("default", False), "conditions": conditions}}}


def _condition(given: list[Any], result: bool, own: _Ids) -> Document:
    if given[0] in ("and", "or"):
        return {f"{given[0]}All": {"conditions": [_condition(each, result, own) for each in given[1:]]}}
    name, operator, value = given
    operands = {"operandOne": {"fieldId": own.field(name)}, "operandTwo": _operand(value), "result": result}
    return {"equalTo" if operator == "=" else "notEqualTo": operands}


def _operand(value: Any) -> Document:
    if value is None:
        return {"emptyValue": {}}
    if isinstance(value, bool):
        return {"booleanValue": value}
    return {"stringValue": value} if isinstance(value, str) else {"doubleValue": float(value)}


def _layout(template: Document, own: _Ids) -> Document:
    def panel(given: list[Any]) -> Document:
        name, fields = given
        return {"sections": [{"fieldGroup": {"name": name, "fields": [{"id": own.field(each)} for each in fields]}}]}

    content = {"basic": {"topPanel": panel(template["top"]), "moreInfo": panel(template["more"])}}
    return {"name": f"{template['name']} layout", "content": content}


def _template(given: Document, targets: dict[str, str], own: _Ids) -> Document:
    rules = [
        {"caseRuleId": own.of(Kind.RULE, name), "fieldId": own.field(targets[name])} for name in given.get("rules", ())
    ]
    document: Document = {
        "name": given["name"],
        "status": given.get("status", "Active"),
        "requiredFields": [{"fieldId": own.field(name)} for name in given["required"]],
        "rules": rules,
    }
    if "description" in given:
        document["description"] = given["description"]
    if "top" in given:
        document["layoutConfiguration"] = {"defaultLayout": own.of(Kind.LAYOUT, given["name"])}
    if "tags" in given:
        document["tagPropagationConfigurations"] = [{"resourceType": "Cases", "tagMap": given["tags"]}]
    return document


def _profiles() -> Iterator[Document]:
    for number, each in enumerate(NAMESAKES):
        yield {
            "AccountNumber": each["AccountNumber"],
            "FirstName": "Sam",
            "LastName": "Demo",
            **({"BusinessName": each["BusinessName"]} if each["BusinessName"] else {}),
            "PhoneNumber": f"+155501001{number:02d}",
            "EmailAddress": f"sam.demo{number or ''}@example.com",
            "Address": {"City": each["City"], "State": each["State"], "Country": "US"},
            "Attributes": {"Tier": "Gold" if number == 0 else "Basic"},
        }
    for number in range(1, CUSTOMERS + 1):
        yield {
            "AccountNumber": f"C-{10_000 + number}",
            "FirstName": "Customer",
            "LastName": f"Number {number:02d}",
            "BusinessName": f"Demo Company {number % 7 + 1}",
            "PhoneNumber": f"+155501002{number:02d}",
            "MobilePhoneNumber": f"+155501003{number:02d}",
            "EmailAddress": f"customer{number:02d}@example.com",
            "Attributes": {"Tier": "Basic"},
        }
