"""A template of Amazon Connect Cases as frozen values: fields, options, layout and rules as they were fetched. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

# A value as rules see it. None is blank: never asked, not answered, or hidden.
Value = str | float | bool | None

TITLE = "title"
CUSTOMER = "customer_id"
# Filled by AWS. A form never asks for them, and before the case exists they are blank.
SET_BY_AWS = frozenset(
    {
        *("case_id", "created_datetime", "last_updated_datetime", "last_closed_datetime"),
        *("created_by", "last_updated_user"),
    }
)


class FieldType(StrEnum):
    """AWS's seven types of fields."""

    TEXT = "Text"
    NUMBER = "Number"
    BOOLEAN = "Boolean"
    DATE_TIME = "DateTime"
    SINGLE_SELECT = "SingleSelect"
    URL = "Url"
    USER = "User"


class RuleKind(StrEnum):
    """AWS's three kinds of rules."""

    REQUIRED = "Required"
    HIDDEN = "Hidden"
    FIELD_OPTIONS = "FieldOptions"


class Operator(StrEnum):
    """What AWS's conditions can say; there is no greater, less or contains."""

    EQUAL = "equalTo"
    NOT_EQUAL = "notEqualTo"
    AND = "andAll"
    OR = "orAll"


@dataclass(frozen=True, slots=True)
class Option:
    name: str
    value: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Field:
    id: str
    name: str
    type: FieldType
    system: bool = False
    multiline: bool = False
    description: str = ""
    deleted: bool = False
    options: tuple[Option, ...] = ()

    @property
    def active_values(self) -> tuple[str, ...]:
        return tuple(option.value for option in self.options if option.active)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field held against one value. `operand` None asks whether the field is blank."""

    field_id: str
    operator: Operator  # EQUAL or NOT_EQUAL
    operand: Value
    result: bool = True


@dataclass(frozen=True, slots=True)
class Compound:
    operator: Operator  # AND or OR
    conditions: tuple["Condition", ...]

    @property
    def result(self) -> bool:
        """What its first leaf says. AWS gives each leaf a result and does not say which counts: lint reports where they differ."""
        return next(leaves(self)).result


Condition = Comparison | Compound


@dataclass(frozen=True, slots=True)
class BooleanRule:
    """Makes one field required, or hides it. The first condition that is true gives its result, else `default`."""

    id: str
    name: str
    kind: RuleKind  # REQUIRED or HIDDEN
    field_id: str
    default: bool
    conditions: tuple[Condition, ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class OptionsRule:
    """Narrows the options of `field_id` (the child) by the value of `parent_id`; the parent's value "" stands for blank."""

    id: str
    name: str
    field_id: str
    parent_id: str
    mapping: tuple[tuple[str, tuple[str, ...]], ...] = ()
    deleted: bool = False

    def allowed(self, parent: Value) -> tuple[str, ...]:
        """The child's values under this parent. A parent without a mapping leaves none: AWS does not say, this is the safe reading."""
        wanted = "" if parent is None else parent
        return next((children for value, children in self.mapping if value == wanted), ())


Rule = BooleanRule | OptionsRule


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the layout, in AWS's order. A layout has at most one in each panel."""

    panel: str  # topPanel or moreInfo
    name: str
    field_ids: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """One version of a template with all that its form needs. `sections` is None where it has no layout."""

    id: str
    name: str
    fields: tuple[Field, ...]
    required: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    sections: tuple[Section, ...] | None = None
    description: str = ""
    active: bool = True
    tags: tuple[tuple[str, str], ...] = ()  # AWS puts them on each new case
    unreadable: tuple[str, ...] = ()  # names of rules that say what this version of Casesite does not know

    @cached_property
    def by_id(self) -> dict[str, Field]:
        return {field.id: field for field in self.fields}

    @cached_property
    def live(self) -> dict[str, Field]:
        """The fields that were not deleted: AWS refuses a case with another one."""
        return {id_: field for id_, field in self.by_id.items() if not field.deleted}

    @cached_property
    def placed(self) -> frozenset[str]:
        """The fields that the layout shows."""
        return frozenset(field_id for section in self.sections or () for field_id in section.field_ids)

    @property
    def size(self) -> int:
        """About how many bytes it takes in memory."""
        options = sum(len(field.options) for field in self.fields)
        conditions = sum(len(rule.mapping if isinstance(rule, OptionsRule) else rule.conditions) for rule in self.rules)
        return 1000 + 400 * len(self.fields) + 250 * options + 600 * conditions

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> "Template":
        """The inverse of `content_of`."""
        sections = content["sections"]
        return cls(
            id=content["id"],
            name=content["name"],
            description=content["description"],
            active=content["active"],
            tags=tuple(sorted(content["tags"].items())),
            required=tuple(content["required"]),
            unreadable=tuple(content["unreadable"]),
            sections=None if sections is None else tuple(_section(row) for row in sections),
            fields=tuple(_field(row) for row in content["fields"]),
            rules=tuple(_rule(row) for row in content["rules"]),
        )


def leaves(condition: Condition) -> Iterator[Comparison]:
    """The comparisons inside a condition, in AWS's order."""
    if isinstance(condition, Comparison):
        yield condition
    else:
        for inner in condition.conditions:
            yield from leaves(inner)


def read_by(rule: Rule) -> frozenset[str]:
    """The fields whose values a rule looks at."""
    if isinstance(rule, OptionsRule):
        return frozenset({rule.parent_id})
    return frozenset(leaf.field_id for condition in rule.conditions for leaf in leaves(condition))


def content_of(template: Template) -> dict[str, Any]:
    """What is stored and hashed: plain JSON, in AWS's order where order means something, else sorted by id."""
    return {
        "id": template.id,
        "name": template.name,
        "description": template.description,
        "active": template.active,
        "tags": dict(template.tags),
        "required": sorted(template.required),
        "unreadable": list(template.unreadable),
        "sections": None
        if template.sections is None
        else [{"panel": s.panel, "name": s.name, "fields": list(s.field_ids)} for s in template.sections],
        "fields": [_field_content(field) for field in sorted(template.fields, key=lambda field: field.id)],
        "rules": [_rule_content(rule) for rule in template.rules],
    }


# --- the parts, there and back -----------------------------------------------------------------------------------------
def _section(row: dict[str, Any]) -> Section:
    return Section(row["panel"], row["name"], tuple(row["fields"]))


def _field(row: dict[str, Any]) -> Field:
    return Field(
        id=row["id"],
        name=row["name"],
        type=FieldType(row["type"]),
        system=row["system"],
        multiline=row["multiline"],
        description=row["description"],
        deleted=row["deleted"],
        options=tuple(Option(option["name"], option["value"], option["active"]) for option in row["options"]),
    )


def _field_content(field: Field) -> dict[str, Any]:
    return {
        "id": field.id,
        "name": field.name,
        "type": field.type.value,
        "system": field.system,
        "multiline": field.multiline,
        "description": field.description,
        "deleted": field.deleted,
        "options": [{"name": o.name, "value": o.value, "active": o.active} for o in field.options],
    }


def _rule(row: dict[str, Any]) -> Rule:
    if row["kind"] == RuleKind.FIELD_OPTIONS:
        mapping = tuple((parent, tuple(children)) for parent, children in row["mapping"])
        return OptionsRule(row["id"], row["name"], row["field"], row["parent"], mapping, row["deleted"])
    conditions = tuple(_condition(condition) for condition in row["conditions"])
    return BooleanRule(
        row["id"], row["name"], RuleKind(row["kind"]), row["field"], row["default"], conditions, row["deleted"]
    )


def _rule_content(rule: Rule) -> dict[str, Any]:
    same = {"id": rule.id, "name": rule.name, "field": rule.field_id, "deleted": rule.deleted}
    if isinstance(rule, OptionsRule):
        mapping = [[parent, list(children)] for parent, children in rule.mapping]
        return same | {"kind": RuleKind.FIELD_OPTIONS.value, "parent": rule.parent_id, "mapping": mapping}
    conditions = [_condition_content(condition) for condition in rule.conditions]
    return same | {"kind": rule.kind.value, "default": rule.default, "conditions": conditions}


def _condition(row: dict[str, Any]) -> Condition:
    operator = Operator(row["operator"])
    if operator in (Operator.AND, Operator.OR):
        return Compound(operator, tuple(_condition(inner) for inner in row["conditions"]))
    return Comparison(row["field"], operator, row["operand"], row["result"])


def _condition_content(condition: Condition) -> dict[str, Any]:
    if isinstance(condition, Compound):
        inner = [_condition_content(one) for one in condition.conditions]
        return {"operator": condition.operator.value, "conditions": inner}
    return {
        "operator": condition.operator.value,
        "field": condition.field_id,
        "operand": condition.operand,
        "result": condition.result,
    }
