"""Rules as people read them: "Required because Priority is High". Pure."""

from django.utils.translation import gettext as _

from .rules import Because
from .template import (
    BooleanRule,
    Comparison,
    Compound,
    Condition,
    Operator,
    OptionsRule,
    Rule,
    RuleKind,
    Template,
    Value,
)


def name_of(template: Template, field_id: str) -> str:
    """The field's name, or its id where it is not there any more."""
    field = template.by_id.get(field_id)
    return field.name if field else field_id


def value_in_words(template: Template, field_id: str, value: Value) -> str:
    """A value as an agent knows it: an option by its name, yes and no as words."""
    if value is None or value == "":
        return _("not answered")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float | int):
        return f"{value:.15g}"
    field = template.by_id.get(field_id)
    return next((option.name for option in field.options if option.value == value), value) if field else value


def in_words(template: Template, condition: Condition, *, inner: bool = False) -> str:
    """`Priority is High and (Region is not answered or Impact is not Low)`"""
    if isinstance(condition, Compound):
        parts = [in_words(template, one, inner=True) for one in condition.conditions]
        joined = (_(" and ") if condition.operator == Operator.AND else _(" or ")).join(parts)
        return f"({joined})" if inner and len(parts) > 1 else joined
    return _comparison(template, condition)


def because(template: Template, why: Because | None) -> str:
    """Why a field shows as it does: "Priority is High", the rule's default, or the template itself."""
    if why is None:
        return _("the template requires it for every case")
    if isinstance(why.rule, OptionsRule):
        return _("its options depend on %(parent)s") % {"parent": name_of(template, why.rule.parent_id)}
    if why.condition is None:
        return _("no condition of the rule says otherwise") if why.rule.conditions else _("the rule says so always")
    return in_words(template, why.condition)


def rule_in_words(template: Template, rule: Rule) -> list[str]:
    """A rule, a line each: what it does when, then what holds otherwise."""
    field = name_of(template, rule.field_id)
    if isinstance(rule, OptionsRule):
        parent = name_of(template, rule.parent_id)
        return [
            _("%(field)s offers %(children)s when %(parent)s is %(value)s")
            % {
                "field": field,
                "children": ", ".join(value_in_words(template, rule.field_id, child) for child in children)
                or _("nothing"),
                "parent": parent,
                "value": value_in_words(template, rule.parent_id, value),
            }
            for value, children in rule.mapping
        ]
    says = _says(rule)
    lines = [
        says[condition.result] % {"field": field, "when": _("when %s") % in_words(template, condition)}
        for condition in rule.conditions
    ]
    return [*lines, says[rule.default] % {"field": field, "when": _("otherwise") if lines else _("always")}]


def _says(rule: BooleanRule) -> dict[bool, str]:
    if rule.kind == RuleKind.HIDDEN:
        return {True: _("%(field)s is hidden %(when)s"), False: _("%(field)s shows %(when)s")}
    return {True: _("%(field)s is required %(when)s"), False: _("%(field)s is optional %(when)s")}


def _comparison(template: Template, condition: Comparison) -> str:
    known = {
        "field": name_of(template, condition.field_id),
        "value": value_in_words(template, condition.field_id, condition.operand),
    }
    equal = condition.operator == Operator.EQUAL
    if condition.operand is None:
        return (_("%(field)s is not answered") if equal else _("%(field)s is answered")) % known
    return (_("%(field)s is %(value)s") if equal else _("%(field)s is not %(value)s")) % known
