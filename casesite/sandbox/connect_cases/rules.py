"""What a template and its rules say against the values of a case.

AWS does not say whether it holds API calls against rules; here it does, so that what would look wrong to an agent is
noticed. Where it is silent: a hidden field is never required, a blank field is "not equal" to every value, and a parent
without a mapping leaves its child no options.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from casesite.sandbox.connect_cases import system_fields
from casesite.sandbox.connect_cases.domains import Document, Part
from casesite.sandbox.connect_cases.values import Values, plain


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule as a template applies it to a field."""

    kind: str
    rule: Document
    field_id: str

    @property
    def reads(self) -> frozenset[str]:
        if self.kind == "fieldOptions":
            return frozenset({self.rule.get("parentFieldId", "")})
        return frozenset(_reads(self.rule["conditions"]))


class Template:
    """A template with the living rules and fields that it speaks of."""

    def __init__(self, template: Part, rules: Mapping[str, Part], fields: Mapping[str, Part]) -> None:
        self._fields = {id_: field for id_, field in fields.items() if not field.deleted}
        self._required = {each["fieldId"] for each in template.document.get("requiredFields", ())} | {
            system_fields.TITLE
        }
        self._rules = [
            applied
            for link in template.document.get("rules", ())
            if link["caseRuleId"] in rules and not rules[link["caseRuleId"]].deleted
            for applied in [_applied(rules[link["caseRuleId"]].document["rule"], link.get("fieldId"))]
            if applied.field_id in self._fields
        ]

    def problems(
        self, values: Values, *, hidden_refused: bool, touched: Collection[str] | None = None
    ) -> Iterator[str]:
        """What is wrong with the values, field by field; with `touched`, only where those fields have a part in it."""
        known = {id_: plain(each) for id_, each in values.items() if id_ in self._fields}
        hidden = {each.field_id for each in self._rules if each.kind == "hidden" and _says(each.rule, known)}
        for id_, field in self._fields.items():
            own = [each for each in self._rules if each.field_id == id_]
            concerned = {id_}.union(*(each.reads for each in own))
            if touched is not None and not concerned & set(touched):
                continue
            name = f"Field {id_} ({field.document['name']})"
            if id_ in hidden:
                if hidden_refused and known.get(id_) is not None:
                    yield f"{name} is hidden by a rule and must not have a value"
            elif known.get(id_) is None:
                if id_ in self._required or any(each.kind == "required" and _says(each.rule, known) for each in own):
                    yield f"{name} is required"
            elif any(each.kind == "fieldOptions" and known[id_] not in _allowed(each.rule, known) for each in own):
                yield f"{name} must be an option that goes with the value of its parent field"


def _applied(rule: Document, field_id: str | None) -> Applied:
    kind, content = next(iter(rule.items()))
    return Applied(kind, content, content.get("childFieldId") or field_id or "")


def _says(rule: Document, known: Mapping[str, Any]) -> bool:
    """The result of the first condition that is true, else the default."""
    for condition in rule["conditions"]:
        if _holds(condition, known):
            return _result(condition)
    return bool(rule["defaultValue"])


def _holds(condition: Document, known: Mapping[str, Any]) -> bool:
    operator, body = next(iter(condition.items()))
    if operator in ("andAll", "orAll"):
        answers = [_holds(each, known) for each in body["conditions"]]
        return all(answers) if operator == "andAll" else any(answers)
    left, right = known.get(body["operandOne"].get("fieldId", "")), plain(body["operandTwo"])
    same = isinstance(left, bool) == isinstance(right, bool) and left == right
    return same == (operator == "equalTo")


def _result(condition: Document) -> bool:
    """That of the first comparison inside: AWS gives one to each and does not say which counts."""
    operator, body = next(iter(condition.items()))
    if operator not in ("andAll", "orAll"):
        return bool(body["result"])
    return _result(body["conditions"][0]) if body["conditions"] else True


def _reads(conditions: list[Document]) -> Iterator[str]:
    for condition in conditions:
        operator, body = next(iter(condition.items()))
        if operator in ("andAll", "orAll"):
            yield from _reads(body["conditions"])
        else:
            yield body["operandOne"].get("fieldId", "")


def _allowed(rule: Document, known: Mapping[str, Any]) -> list[str]:
    parent = known.get(rule.get("parentFieldId", "")) or ""
    for mapping in rule["parentChildFieldOptionsMappings"]:
        if mapping["parentFieldOptionValue"] == parent:
            return list(mapping["childFieldOptionValues"])
    return []
