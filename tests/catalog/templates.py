"""Templates for tests, in few words: fields by name, conditions as small tuples."""

from casesite.catalog.template import (
    BooleanRule,
    Comparison,
    Compound,
    Field,
    FieldType,
    Operator,
    Option,
    OptionsRule,
    RuleKind,
    Section,
    Template,
)


def text(id_, **more):
    return Field(id_, id_.capitalize(), FieldType.TEXT, **more)


def number(id_):
    return Field(id_, id_.capitalize(), FieldType.NUMBER)


def yes_no(id_):
    return Field(id_, id_.capitalize(), FieldType.BOOLEAN)


def select(id_, *values, inactive=()):
    options = [Option(value.capitalize(), value) for value in values]
    options += [Option(value.capitalize(), value, active=False) for value in inactive]
    return Field(id_, id_.capitalize(), FieldType.SINGLE_SELECT, options=tuple(options))


def equal(field, operand, result=True):
    return Comparison(field, Operator.EQUAL, operand, result)


def unequal(field, operand, result=True):
    return Comparison(field, Operator.NOT_EQUAL, operand, result)


def all_of(*conditions):
    return Compound(Operator.AND, conditions)


def any_of(*conditions):
    return Compound(Operator.OR, conditions)


def requires(field, *conditions, default=False, name=""):
    return BooleanRule(f"r-{field}", name or f"{field} required", RuleKind.REQUIRED, field, default, conditions)


def hides(field, *conditions, default=False, name=""):
    return BooleanRule(f"h-{field}", name or f"{field} hidden", RuleKind.HIDDEN, field, default, conditions)


def narrows(field, parent, mapping, name=""):
    pairs = tuple((value, tuple(children)) for value, children in mapping.items())
    return OptionsRule(f"o-{field}", name or f"{field} by {parent}", field, parent, pairs)


def a_template(*fields, rules=(), required=("title",), placed=None, **more):
    """A template with a title and these fields, all of them in its layout where `placed` does not say which."""
    title = Field("title", "Title", FieldType.TEXT, system=True)
    shown = tuple(field.id for field in fields) if placed is None else tuple(placed)
    return Template(
        "t-1",
        "Incident",
        fields=(title, *fields),
        rules=tuple(rules),
        required=tuple(required),
        sections=(Section("topPanel", "Incident", shown),),
        **more,
    )
