"""Finding customers and users on a Connect form: the search at a field, what it brought, and the names of those chosen.

A name travels with the form signed, so that what a reviewer reads beside an ARN is what AWS said of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest

from casesite.catalog import people
from casesite.catalog.models import CasesDomain, ConnectTemplate
from casesite.catalog.people import CannotAsk, Key
from casesite.catalog.template import CUSTOMER, Field, FieldType
from casesite.catalog.values import USER
from casesite.lookups import questions
from casesite.lookups.models import Lookup, LookupState

from .forms import field_builders

# What is posted: the fields that buttons name, those of a search, and the names of those chosen.
FIND, FOUND, PICK, NAMES = "find", "found", "pick", "names"
KEY_OF, TEXT_OF = "find-key-", "find-text-"
_signer = Signer(salt="casesite.desk.people")


class Choice(NamedTuple):
    """One who was found, and what the button that chooses them posts."""

    person: people.Person
    value: str


@dataclass(frozen=True)
class Search:
    """The search at one field of a form, as it stands on the page."""

    domain: CasesDomain
    field: Field
    asker: Any
    key: str
    text: str
    pressed: bool  # somebody asks now
    eager: bool  # a whole page is shown: what stands there is asked, if it was not yet

    @property
    def of_customers(self) -> bool:
        return self.field.id == CUSTOMER

    @property
    def keys(self) -> list[tuple[str, Any]]:
        return list(Key.choices)

    @property
    def names(self) -> dict[str, str]:
        return {"key": KEY_OF + self.field.id, "text": TEXT_OF + self.field.id}

    @cached_property
    def _asked(self) -> tuple[Lookup | None, str]:
        """The lookup, or why there is none."""
        if not self.text.strip() and not self.pressed:
            return None, ""
        kind = people.CUSTOMERS if self.of_customers else people.USERS
        try:
            if self.of_customers:
                params = people.customers_question(self.domain, self.key, self.text, by=self.asker)
            else:
                params = people.users_question(self.domain, self.text, by=self.asker)
        except CannotAsk as exc:
            return None, str(exc) if self.pressed or self.eager else ""
        found = questions.newest(kind, self.domain.account, params)
        if self.pressed or (self.eager and found is None):
            found = questions.ask(kind, self.domain.account, params, by=self.asker)
            if found.is_overdue:
                found = questions.ask_again(found, by=self.asker)
        return found, ""

    @property
    def lookup(self) -> Lookup | None:
        return self._asked[0]

    @property
    def problem(self) -> str:
        lookup, problem = self._asked
        return lookup.error if lookup and lookup.state == LookupState.FAILED else problem

    @property
    def choices(self) -> list[Choice] | None:
        """Who was found; None while nobody knows."""
        lookup = self.lookup
        if lookup is None or lookup.state != LookupState.ANSWERED:
            return None
        return [Choice(one, f"{token(one.arn, one.name)} {self.field.id}") for one in people.people_in(lookup.answer)]

    @property
    def has_more(self) -> bool:
        return bool(self.lookup and self.lookup.answer and self.lookup.answer.get("more"))


class People:
    """The searches of one form, by what a page posted. `held` are names that a draft has kept."""

    def __init__(self, request: HttpRequest, template: ConnectTemplate, held: Mapping[str, str] | None = None) -> None:
        self.template = template
        self.asker = request.user
        self.names = dict(held or {})
        self.posted: Any = request.POST
        self.eager = request.method == "POST" and not request.htmx  # type: ignore[attr-defined]
        for one in self.posted.getlist(NAMES):
            self._learn(one)
        signed, _blank, self.picked = self.posted.get(PICK, "").partition(" ")
        self.chosen = self._learn(signed) if self.picked else ""
        self.searched = self.posted.get(FIND) or self.posted.get(FOUND) or ""

    def _learn(self, signed: str) -> str:
        """Remember the name that a token tells, and return its ARN; "" for a token that is not ours."""
        try:
            told = _signer.unsign_object(signed)
        except (BadSignature, ValueError):
            return ""
        self.names[told["arn"]] = told["name"]
        return str(told["arn"])

    def applied_to(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The data of the form with who was picked in their field."""
        if not self.chosen:
            return data
        changed: Any = self.posted.copy()
        changed[field_builders.name_of(self.picked)] = self.chosen
        return changed  # type: ignore[no-any-return]

    def finds(self, field: Field) -> bool:
        """Whether a field is filled by a search."""
        if field.id == CUSTOMER:
            return self.template.customer_search
        return names_user(field)

    def search(self, field: Field) -> Search:
        return Search(
            domain=self.template.domain,
            field=field,
            asker=self.asker,
            key=self.posted.get(KEY_OF + field.id, Key.EMAIL.value),
            text="" if self.picked == field.id else self.posted.get(TEXT_OF + field.id, ""),
            pressed=self.posted.get(FIND) == field.id,
            eager=self.eager,
        )

    def names_of(self, arns: Iterable[str]) -> dict[str, str]:
        return {arn: self.names[arn] for arn in arns if arn in self.names}


def names_user(field: Field) -> bool:
    """Whether a field holds the ARN of a user of Connect."""
    return field.type == FieldType.USER or (field.system and field.id == USER)


def token(arn: str, name: str) -> str:
    """A name as it travels with a form. The same each time, so that a page does not look changed by it."""
    return _signer.sign_object({"arn": arn, "name": name})
