"""A Support catalogue as frozen values, with what a form asks of it. Pure."""

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from .known import ACCOUNT_SERVICES, IssueType

Choices = list[tuple[str, str]]  # (code, name)


@dataclass(frozen=True, slots=True)
class Category:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Severity:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Service:
    code: str
    name: str
    categories: tuple[Category, ...] = ()

    def category(self, code: str) -> Category | None:
        return next((category for category in self.categories if category.code == code), None)


@dataclass(frozen=True, slots=True)
class SupportSnapshot:
    """The services with their categories, by name, and the severities of the account's plan, in AWS's order."""

    services: tuple[Service, ...]
    severities: tuple[Severity, ...]

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> "SupportSnapshot":
        return cls(
            services=tuple(
                Service(row["code"], row["name"], tuple(Category(c["code"], c["name"]) for c in row["categories"]))
                for row in content["services"]
            ),
            severities=tuple(Severity(row["code"], row["name"]) for row in content["severities"]),
        )

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        categories = chain.from_iterable(service.categories for service in self.services)
        named: Iterable[Service | Severity | Category] = chain(self.services, self.severities, categories)
        return sum(sys.getsizeof(part) for each in named for part in (each, each.code, each.name))

    def service(self, code: str) -> Service | None:
        return next((service for service in self.services if service.code == code), None)

    def category(self, service_code: str, category_code: str) -> Category | None:
        """The category, if it belongs to that service."""
        service = self.service(service_code)
        return service.category(category_code) if service else None

    def severity(self, code: str) -> Severity | None:
        return next((severity for severity in self.severities if severity.code == code), None)

    def services_for(self, issue_type: str) -> tuple[Service, ...]:
        """All services. For account and billing questions those about them come first: AWS does not tell which they are."""
        if issue_type != IssueType.CUSTOMER_SERVICE:
            return self.services
        return tuple(sorted(self.services, key=lambda service: service.code not in ACCOUNT_SERVICES))

    def choices(self, issue_type: str = IssueType.TECHNICAL) -> Choices:
        return [(service.code, service.name) for service in self.services_for(issue_type)]

    def category_choices(self, service_code: str) -> Choices:
        service = self.service(service_code)
        return [(category.code, category.name) for category in service.categories] if service else []

    def severity_choices(self) -> Choices:
        return [(severity.code, severity.name) for severity in self.severities]


def content_of(
    services: Iterable[tuple[str, str, Iterable[tuple[str, str]]]], severities: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """What is stored and hashed. Sorted by name, so that another order in AWS's answer is not another catalogue."""
    rows = [
        {"code": code, "name": name, "categories": _by_name({"code": c, "name": n} for c, n in categories)}
        for code, name, categories in services
    ]
    return {"services": _by_name(rows), "severities": [{"code": code, "name": name} for code, name in severities]}


def sha256_of(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _by_name(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (str(row["name"]).casefold(), str(row["code"])))
