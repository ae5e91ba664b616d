"""Which fields of a template its form asks for, and in what order. Pure."""

from dataclasses import dataclass

from .template import (
    CUSTOMER,
    SET_BY_AWS,
    TITLE,
    BooleanRule,
    RuleKind,
    Template,
)

# Amazon Connect's own fields in the order of its workspace, for templates without a layout.
DEFAULT_ORDER = (CUSTOMER, "case_reason", "reference_number", "assigned_queue", "assigned_user", "summary")


@dataclass(frozen=True, slots=True)
class AskedSection:
    """A part of the form. `forgotten`: its fields can be required and stand nowhere in the layout."""

    name: str
    field_ids: tuple[str, ...]
    forgotten: bool = False


def asked_sections(template: Template, *, customer_always: bool = False) -> list[AskedSection]:
    """The form's sections: the title, the layout's own (or the usual order where there is none), what the layout forgot."""
    placed: list[AskedSection] = [AskedSection("", _askable(template, (TITLE,)))]
    if template.sections is None:
        placed.append(AskedSection("", _askable(template, DEFAULT_ORDER)))
    else:
        placed += [AskedSection(section.name, _askable(template, section.field_ids)) for section in template.sections]
    shown = {id_ for section in placed for id_ in section.field_ids}
    wanted = [id_ for id_ in template.live if id_ not in shown and _may_be_required(template, id_)]
    if customer_always and CUSTOMER not in shown and CUSTOMER in template.live:
        wanted = list(dict.fromkeys([CUSTOMER, *wanted]))
    placed.append(AskedSection("", _askable(template, tuple(wanted)), forgotten=template.sections is not None))
    return [section for section in placed if section.field_ids]


def asked_ids(template: Template, *, customer_always: bool = False) -> list[str]:
    """All fields that the form asks for, in order."""
    return [id_ for section in asked_sections(template, customer_always=customer_always) for id_ in section.field_ids]


def _askable(template: Template, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Those that exist and that AWS does not fill itself, each once."""
    return tuple(dict.fromkeys(id_ for id_ in ids if id_ in template.live and id_ not in SET_BY_AWS))


def _may_be_required(template: Template, id_: str) -> bool:
    return id_ in template.required or any(
        isinstance(rule, BooleanRule) and rule.kind == RuleKind.REQUIRED and rule.field_id == id_ and not rule.deleted
        for rule in template.rules
    )
