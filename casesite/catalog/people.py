"""Customers and users of Connect as pages ask for them. Writes lookups, reads answers, knows nothing of AWS.

What was asked holds somebody's e-mail address or telephone number, and the answer their profile: both are for the one who
asked, and are deleted when the answer runs out.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from casesite.lookups import questions, registry
from casesite.lookups.models import Lookup

from .models import CasesDomain

CUSTOMERS = "connect_customers"
USERS = "connect_users"
EXPIRES = timedelta(minutes=15)
KEEP = timedelta(minutes=5)  # after that, and of a question that failed
MOST, LEAST_OF_A_NAME = 255, 2  # AWS's limits of a search
WORDS, LONGEST_WORD = 4, 25


class Key(models.TextChoices):
    """By what a customer is found; each stands for one of AWS's search keys."""

    EMAIL = "email", gettext_lazy("E-mail address")
    PHONE = "phone", gettext_lazy("Phone number")
    NAME = "name", gettext_lazy("Full name")
    ACCOUNT = "account", gettext_lazy("Account number")


class CannotAsk(Exception):
    """The question makes no sense, or nobody knows where to ask it; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Person:
    """One that was found: ARN, the name to show, and what tells namesakes apart."""

    arn: str
    name: str
    details: tuple[str, ...]


def register() -> None:
    module = "casesite.catalog.people_search"
    handlers = {CUSTOMERS: "answer_customers", USERS: "answer_users"}
    titles = {CUSTOMERS: gettext_lazy("Customers who match"), USERS: gettext_lazy("Users of Amazon Connect who match")}
    for kind, handler in handlers.items():
        registry.register(
            kind,
            f"{module}:{handler}",
            expires=EXPIRES,
            title=titles[kind],
            template="catalog/_people.html",
            personal=True,
            keep=KEEP,
        )


def ask_customers(domain: CasesDomain, key: str, text: str, *, by: Any) -> Lookup:
    """Have a worker search the domain's customers. Raises CannotAsk."""
    return questions.ask(CUSTOMERS, domain.account, customers_question(domain, key, text, by=by), by=by)


def ask_users(domain: CasesDomain, text: str, *, by: Any) -> Lookup:
    """Have a worker search the users of the domain's Connect instance. Raises CannotAsk."""
    return questions.ask(USERS, domain.account, users_question(domain, text, by=by), by=by)


def customers_question(domain: CasesDomain, key: str, text: str, *, by: Any) -> dict[str, Any]:
    """The parameters of a search. Raises CannotAsk."""
    text = _checked(text)
    if key not in Key.values:
        raise CannotAsk(_("Choose what to search by."))
    if not domain.customers_in:
        raise CannotAsk(
            _(
                "Nobody knows where the customers of %(domain)s are kept. A lead enters the Customer Profiles domain "
                "in the administration, under Cases domains."
            )
            % {"domain": domain.name}
        )
    return {"asker": by.pk, "domain": domain.pk, "in": domain.customers_in, "key": key, "text": text}


def users_question(domain: CasesDomain, text: str, *, by: Any) -> dict[str, Any]:
    """The parameters of a search. Raises CannotAsk."""
    words = _checked(text).split()[:WORDS]
    if all(len(word) < LEAST_OF_A_NAME for word in words):
        raise CannotAsk(_("Write at least two letters of the name."))
    if not domain.users_in:
        raise CannotAsk(
            _(
                "Nobody knows the Connect instance of %(domain)s. A lead enters its ARN in the administration, "
                "under Cases domains."
            )
            % {"domain": domain.name}
        )
    return {"asker": by.pk, "domain": domain.pk, "in": domain.users_in, "text": " ".join(words)}


def people_in(answer: Any) -> list[Person]:
    """Those whom an answer of a worker names."""
    return [Person(row["arn"], row["name"], tuple(row["details"])) for row in answer["people"]]


def _checked(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise CannotAsk(_("Write what to search for."))
    if len(text) > MOST:
        raise CannotAsk(_("Write at most %(most)d characters.") % {"most": MOST})
    return text
