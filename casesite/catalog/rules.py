"""What a template's rules say of a form as it is filled in now: which fields show, which are required, which options they have.

The one evaluator of rules: form, fragment, submit, review and delivery ask it, so that they cannot disagree. Pure.

Where AWS's pages are silent it takes the reading that can be defended to an agent:
- a hidden field is blank to other rules, is never required, and its value is not sent;
- of several rules of one kind on one field any one that says so is enough; several option rules leave what all of them leave;
- a deleted field is blank, and a deleted rule says nothing;
- a blank field is "not equal" to every value; text is compared with its case; a number never equals a yes or no;
- rules that hide each other's fields in a circle end: within the circle a field that was hidden once stays hidden.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from .template import (
    SET_BY_AWS,
    TITLE,
    BooleanRule,
    Compound,
    Condition,
    FieldType,
    Operator,
    OptionsRule,
    Rule,
    RuleKind,
    Template,
    Value,
    read_by,
)

Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Because:
    """Why a rule says what it says: the condition that was true, or None where none was and the rule's default holds."""

    rule: Rule
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class FieldState:
    """One field under the rules. `options` holds the values that may be chosen, None for fields that have none."""

    hidden: bool = False
    hidden_because: Because | None = None
    required: bool = False
    required_because: Because | None = None  # None on a required field: the template itself requires it
    options: tuple[str, ...] | None = None
    options_because: tuple[Because, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the rules say of all fields that were not deleted. `values` are those that count and go out: hidden fields are left out."""

    states: Mapping[str, FieldState]
    values: Values

    def missing(self) -> list[str]:
        """Required fields without a value, in the template's order."""
        return [id_ for id_, state in self.states.items() if state.required and id_ not in self.values]

    def unfit(self) -> list[str]:
        """Fields whose value is not, or no longer, among their options."""
        return [
            id_
            for id_, state in self.states.items()
            if state.options is not None and id_ in self.values and self.values[id_] not in state.options
        ]


class Evaluator:
    """The rules of one template, put in order once and asked many times."""

    def __init__(self, template: Template) -> None:
        self.template = template
        live = [rule for rule in template.rules if not rule.deleted]
        self._hiding = _by_field(rule for rule in live if _is(rule, RuleKind.HIDDEN))
        self._requiring = _by_field(rule for rule in live if _is(rule, RuleKind.REQUIRED))
        self._narrowing = _by_field(rule for rule in live if isinstance(rule, OptionsRule))
        self._order = _in_order({id_: _read(self._hiding[id_]) for id_ in self._hiding})

    def evaluate(self, values: Values) -> Evaluation:
        """What holds for these values, blank ones as None, "" or left out. The same values get the same answer."""
        known: dict[str, Value] = {
            id_: value
            for id_, value in values.items()
            if value not in (None, "") and id_ in self.template.live and id_ not in SET_BY_AWS
        }
        hidden = self._hide(known)
        for id_ in hidden:
            known.pop(id_, None)
        states = {id_: self._state(id_, known, hidden) for id_ in self.template.live}
        return Evaluation(states, known)

    def _hide(self, values: dict[str, Value]) -> dict[str, Because]:
        """The hidden fields with their reasons. What hides others is settled first; circles are gone round until they rest."""
        hidden: dict[str, Because] = {}
        for circle in self._order:
            moved = True
            while moved:
                shown = {id_: value for id_, value in values.items() if id_ not in hidden}
                new = {
                    id_: because
                    for id_ in circle
                    if id_ not in hidden and (because := _says_so(self._hiding[id_], shown))
                }
                hidden |= new
                moved = bool(new) and len(circle) > 1
        return hidden

    def _state(self, id_: str, values: Values, hidden: Mapping[str, Because]) -> FieldState:
        field = self.template.live[id_]
        options: tuple[str, ...] | None = field.active_values if field.type == FieldType.SINGLE_SELECT else None
        narrowing = cast("list[OptionsRule]", self._narrowing.get(id_, []))
        if options is not None:
            for rule in narrowing:
                allowed = set(rule.allowed(values.get(rule.parent_id)))
                options = tuple(value for value in options if value in allowed)
        because = tuple(Because(rule) for rule in narrowing)
        if id_ in hidden:
            return FieldState(hidden=True, hidden_because=hidden[id_], options=options, options_because=because)
        always = id_ == TITLE or id_ in self.template.required
        by_rule = None if always else _says_so(self._requiring.get(id_, []), values)
        return FieldState(
            required=always or by_rule is not None,
            required_because=by_rule,
            options=options,
            options_because=because,
        )


def holds(condition: Condition, values: Values) -> bool:
    """Whether a condition is true of these values."""
    if isinstance(condition, Compound):
        answers = (holds(inner, values) for inner in condition.conditions)
        return all(answers) if condition.operator == Operator.AND else any(answers)
    return _same(values.get(condition.field_id), condition.operand) == (condition.operator == Operator.EQUAL)


def outcome(rule: BooleanRule, values: Values) -> tuple[bool, Because]:
    """What a rule says: the result of its first true condition, else its default."""
    for condition in rule.conditions:
        if holds(condition, values):
            return condition.result, Because(rule, condition)
    return rule.default, Because(rule)


def _says_so(rules: list[Rule], values: Values) -> Because | None:
    for rule in rules:
        said, because = outcome(cast(BooleanRule, rule), values)
        if said:
            return because
    return None


def _same(left: Value, right: Value) -> bool:
    """Equal, and of one kind: Python's True is 1, a form's is not."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _is(rule: Rule, kind: RuleKind) -> bool:
    return isinstance(rule, BooleanRule) and rule.kind == kind


def _read(rules: list[Rule]) -> set[str]:
    return {id_ for rule in rules for id_ in read_by(rule)}


def _by_field(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.field_id, []).append(rule)
    return found


def _in_order(reads: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """Fields in circles that read each other, those first that the others look at (Tarjan's algorithm, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    circles: list[tuple[str, ...]] = []
    for root in reads:
        if root in index:
            continue
        walk = [(root, iter(sorted(reads[root] & reads.keys())))]
        index[root] = low[root] = len(index)
        open_.append(root)
        while walk:
            at, onward = walk[-1]
            for neighbour in onward:
                if neighbour not in index:
                    index[neighbour] = low[neighbour] = len(index)
                    open_.append(neighbour)
                    walk.append((neighbour, iter(sorted(reads[neighbour] & reads.keys()))))
                    break
                if neighbour in open_:
                    low[at] = min(low[at], index[neighbour])
            else:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[at])
                if low[at] == index[at]:
                    start = open_.index(at)
                    circles.append(tuple(open_[start:]))
                    del open_[start:]
    return circles
