"""Tries out the values that a template's rules can tell apart, to find what a form can come to. Pure.

Rules only ask "is it this value", so of each field it is enough to try the values that some rule names, one that none names,
and blank. The number of tries is bounded; what reaches the bound says so.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product
from math import prod

from .rules import Evaluation, Evaluator
from .template import (
    SET_BY_AWS,
    BooleanRule,
    Comparison,
    Field,
    FieldType,
    OptionsRule,
    Template,
    Value,
    leaves,
    read_by,
)

BOUND = 20_000  # fillings tried for one question
_OTHER_TEXT = "\N{BULLET}another text"
_OTHER_NUMBER = 0.123456789


@dataclass(frozen=True, slots=True)
class Space:
    """The fillings that matter to some fields. `cut` where there are more than the bound, and only that many are tried."""

    evaluator: Evaluator
    candidates: dict[str, tuple[Value, ...]]
    cut: bool

    def evaluations(self) -> Iterator[Evaluation]:
        """Each filling that an agent can come to: no value outside the options it has."""
        for chosen in islice(product(*self.candidates.values()), BOUND):
            values = dict(zip(self.candidates, chosen, strict=True))
            found = self.evaluator.evaluate(values)
            if not found.unfit():
                yield found

    def complete(self) -> Iterator[Evaluation]:
        """Of these the ones that can be submitted, as far as the fields tried here go."""
        for found in self.evaluations():
            if not any(found.states[id_].required and id_ not in found.values for id_ in self.candidates):
                yield found


def space(evaluator: Evaluator, field_ids: Iterable[str]) -> Space:
    """The fillings that can change what the rules say of these fields."""
    template = evaluator.template
    tried = sorted(id_ for id_ in _closure(template, field_ids) if id_ in template.live and id_ not in SET_BY_AWS)
    candidates = {id_: _candidates(template, template.live[id_]) for id_ in tried}
    return Space(evaluator, candidates, cut=prod(len(values) for values in candidates.values()) > BOUND)


def _closure(template: Template, field_ids: Iterable[str]) -> set[str]:
    """What the rules of these fields read, and what the rules of those read, to the end."""
    reads: dict[str, set[str]] = {}
    for rule in template.rules:
        if not rule.deleted:
            reads.setdefault(rule.field_id, set()).update(read_by(rule))
    found: set[str] = set()
    new = {read for id_ in field_ids for read in reads.get(id_, ())}
    while new:
        found |= new
        new = {read for id_ in new for read in reads.get(id_, ())} - found
    return found


def _candidates(template: Template, field: Field) -> tuple[Value, ...]:
    """Blank, each value that a rule names and the field can have, and one that no rule names."""
    named = _named(template, field.id)
    if field.type == FieldType.SINGLE_SELECT:
        active = field.active_values
        unnamed = next((value for value in active if value not in named), None)
        return (None, *(value for value in active if value in named), *([unnamed] if unnamed is not None else []))
    if field.type == FieldType.BOOLEAN:
        return (None, True, False)
    if field.type == FieldType.NUMBER:
        return (
            None,
            *sorted(v for v in named if isinstance(v, float | int) and not isinstance(v, bool)),
            _OTHER_NUMBER,
        )
    return (None, *sorted(v for v in named if isinstance(v, str)), _OTHER_TEXT)


def _named(template: Template, field_id: str) -> set[Value]:
    """The values that some rule holds this field against, or chooses for it."""
    found: set[Value] = set()
    for rule in template.rules:
        if rule.deleted:
            continue
        if isinstance(rule, OptionsRule):
            for parent, children in rule.mapping:
                if rule.parent_id == field_id:
                    found.add(parent)
                if rule.field_id == field_id:
                    found.update(children)
        else:
            found.update(leaf.operand for leaf in _comparisons(rule) if leaf.field_id == field_id)
    return found - {None}


def _comparisons(rule: BooleanRule) -> Iterator[Comparison]:
    for condition in rule.conditions:
        yield from leaves(condition)
