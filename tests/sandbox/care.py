"""The demo domain "Customer care" by its names, and cases that fit its templates."""

import json
from pathlib import Path
from typing import Any

# A domain as AWS's documentation describes one, with requests for it.
EXAMPLE: dict[str, Any] = json.loads(Path(__file__).with_name("connect_example.json").read_text())
DOMAIN: str = EXAMPLE["domain"]["domain_id"]
KINDS = ("fields", "rules", "layouts", "templates", "profiles", "users")


class Care:
    """A domain as the control interface tells it, with ids by name."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.domain_id: str = told["domainId"]

    def part(self, kind: str, name: str) -> dict[str, Any]:
        return next(each for each in self.told[kind] if name in (each["id"], each.get("name")))

    def field(self, name: str) -> str:
        return self.part("fields", name)["id"]

    def template(self, name: str) -> str:
        return self.part("templates", name)["id"]

    def rule(self, name: str) -> str:
        return self.part("rules", name)["id"]

    @property
    def customer(self) -> str:
        """The profile ARN of the first customer."""
        return self.profile_arn(self.told["profiles"][0]["id"])

    def profile_arn(self, profile_id: str) -> str:
        told = self.told
        where = f"{told['region']}:{told['account']}:domains/{told['profilesDomain']}"
        return f"arn:aws:profile:{where}/profiles/{profile_id}"

    @property
    def user(self) -> str:
        """The ARN of the first user."""
        return f"{self.told['instanceArn']}/agent/{self.told['users'][0]['id']}"

    def values(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """Values by field name as the API wants them; None makes an empty one."""
        types = {each["id"]: each["type"] for each in self.told["fields"]}
        ids = {name: self.field(name) for name in given}
        return [{"id": ids[name], "value": union(types[ids[name]], value)} for name, value in given.items()]

    def incident(self, **changes: Any) -> dict[str, Any]:
        """The parameters of a case from "Product incident" that satisfies every rule; `...` leaves a field out."""
        return self.case("Product incident", INCIDENT | {"customer_id": self.customer}, changes)

    def question(self, **changes: Any) -> dict[str, Any]:
        """The smallest case, from the template without a layout."""
        return self.case("General question", {"title": "Question about opening hours"}, changes)

    def case(self, template: str, usual: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        values = {name: value for name, value in (usual | changes.pop("fields", {})).items() if value is not ...}
        asked = {"domainId": self.domain_id, "templateId": self.template(template), "fields": self.values(values)}
        return asked | changes


INCIDENT = {
    "title": "Orders fail at checkout",
    "Problem description": "Customer gets error 502 after pressing Pay.\nSeen in two browsers.",
    "Product": "platform",
    "Component": "database",
    "Severity": "sev1",
    "Production impact": True,
    "Estimated loss": 2500.5,
}


def union(type_: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {"emptyValue": {}}
    if isinstance(value, dict):
        return value
    member = {"Number": "doubleValue", "Boolean": "booleanValue", "User": "userArnValue"}.get(type_, "stringValue")
    return {member: value}
