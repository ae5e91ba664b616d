"""Faults of a template that its agents would run into: found before they do, with what to do about each. Pure.

What depends on how a form is filled in is decided by trying (`lint_search`), never guessed; where there is more to try than the
bound, a finding says so.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .lint_search import BOUND, Space, space
from .rule_words import in_words, name_of, value_in_words
from .rules import Evaluator, Values, holds, outcome
from .template import (
    SET_BY_AWS,
    TITLE,
    BooleanRule,
    Comparison,
    Condition,
    Field,
    FieldType,
    Operator,
    OptionsRule,
    Rule,
    RuleKind,
    Template,
    Value,
    leaves,
    read_by,
)


class Severity(StrEnum):
    ERROR = "error"  # some agents cannot open a case, or not the one they mean
    WARNING = "warning"  # works, and not as somebody meant it
    NOTE = "note"


class Code(StrEnum):
    """What can be wrong. The words and what to do stand in WORDS."""

    HIDDEN_AND_REQUIRED = "hidden-and-required"
    REQUIRED_WITHOUT_OPTION = "required-without-option"
    OPTIONS_IN_CIRCLE = "options-in-circle"
    HIDING_IN_CIRCLE = "hiding-in-circle"
    READS_MISSING_FIELD = "reads-missing-field"
    ON_MISSING_FIELD = "on-missing-field"
    READS_HIDDEN_FIELD = "reads-hidden-field"
    NEVER_TRUE = "never-true"
    RESULTS_DIFFER = "results-differ"
    PARENT_UNMAPPED = "parent-unmapped"
    CHILD_UNKNOWN = "child-unknown"
    REQUIRED_NOT_PLACED = "required-not-placed"
    REQUIRED_MISSING = "required-missing"
    ONE_OPTION = "one-option"
    WITHOUT_TITLE = "without-title"
    BOUND_REACHED = "bound-reached"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: which fields and rules, and in which filling of the form it shows where that is the point."""

    code: Code
    fields: tuple[str, ...] = ()  # names
    rules: tuple[str, ...] = ()  # names
    detail: str = ""

    @property
    def severity(self) -> Severity:
        return WORDS[self.code][0]

    @property
    def text(self) -> str:
        """What is wrong, in a sentence."""
        return str(WORDS[self.code][1]) % {
            "fields": ", ".join(self.fields),
            "rules": ", ".join(self.rules),
            "detail": self.detail,
        }

    @property
    def advice(self) -> Promise:
        """What to do about it in Amazon Connect."""
        return WORDS[self.code][2]


def as_stored(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as JSON. Their words are made when they are read, in the reader's language."""
    return [
        {"code": one.code.value, "fields": list(one.fields), "rules": list(one.rules), "detail": one.detail}
        for one in findings
    ]


def from_stored(rows: Iterable[dict[str, Any]]) -> list[Finding]:
    """The inverse of `as_stored`."""
    return [Finding(Code(row["code"]), tuple(row["fields"]), tuple(row["rules"]), row["detail"]) for row in rows]


WORDS: dict[Code, tuple[Severity, Promise, Promise]] = {
    Code.HIDDEN_AND_REQUIRED: (
        Severity.ERROR,
        _("%(fields)s is required and hidden at once when %(detail)s (%(rules)s)."),
        _("Let one rule give way: show the field where it is required, or require it only where it shows."),
    ),
    Code.REQUIRED_WITHOUT_OPTION: (
        Severity.ERROR,
        _("%(fields)s is required when %(detail)s, and then has no option to choose (%(rules)s)."),
        _("Map the parent's value to at least one active option, or do not require the field there."),
    ),
    Code.OPTIONS_IN_CIRCLE: (
        Severity.ERROR,
        _("The options of %(fields)s depend on each other in a circle (%(rules)s)."),
        _("Remove one of these rules, so that one field can be answered first."),
    ),
    Code.HIDING_IN_CIRCLE: (
        Severity.WARNING,
        _("%(fields)s hide each other in a circle (%(rules)s): what shows depends on what was answered first."),
        _("Remove one of these rules."),
    ),
    Code.READS_MISSING_FIELD: (
        Severity.ERROR,
        _("%(rules)s looks at %(detail)s, which was deleted or never was: it counts as not answered for ever."),
        _("Point the rule at a field that exists, or take it out of the template."),
    ),
    Code.ON_MISSING_FIELD: (
        Severity.ERROR,
        _("%(rules)s works on %(detail)s, which was deleted or never was."),
        _("Take the rule out of the template."),
    ),
    Code.READS_HIDDEN_FIELD: (
        Severity.WARNING,
        _("%(rules)s looks at %(fields)s, which is hidden however the form is filled in."),
        _("Show the field somewhere, or take the rule out of the template."),
    ),
    Code.NEVER_TRUE: (
        Severity.WARNING,
        _("In %(rules)s the condition on %(fields)s can never be what decides: %(detail)s."),
        _("Name a value that the field can have, or remove the condition."),
    ),
    Code.RESULTS_DIFFER: (
        Severity.WARNING,
        _("The parts of one condition of %(rules)s have different results, and AWS does not say which counts."),
        _("Give all parts of the condition the same result."),
    ),
    Code.PARENT_UNMAPPED: (
        Severity.WARNING,
        _("%(rules)s says nothing for %(detail)s: then %(fields)s has no option."),
        _("Map each active option of the parent, or hide the field there."),
    ),
    Code.CHILD_UNKNOWN: (
        Severity.WARNING,
        _("%(rules)s offers %(detail)s for %(fields)s, which is no active option of that field."),
        _("Activate the option again, or take it out of the rule."),
    ),
    Code.REQUIRED_NOT_PLACED: (
        Severity.WARNING,
        _("%(fields)s can be required and stands in no section of the layout."),
        _("Put the field into the layout. Casesite asks for it all the same, at the end."),
    ),
    Code.REQUIRED_MISSING: (
        Severity.ERROR,
        _("The template requires %(detail)s, which was deleted or never was."),
        _("Take it off the template's required fields: no case can be opened with it."),
    ),
    Code.ONE_OPTION: (
        Severity.NOTE,
        _("%(fields)s has one active option (%(detail)s): there is nothing to choose."),
        _("Add options, or remove the field from the layout."),
    ),
    Code.WITHOUT_TITLE: (
        Severity.NOTE,
        _("The template does not name the title among its required fields. AWS requires it for every case."),
        _("Nothing has to be done: Casesite always asks for the title."),
    ),
    Code.UNREADABLE: (
        Severity.ERROR,
        _("%(rules)s: this version of Casesite does not know what the rule says, so forms leave it out."),
        _("Check the case in Amazon Connect after it is opened, and update Casesite."),
    ),
    Code.BOUND_REACHED: (
        Severity.NOTE,
        _("%(fields)s: only the first %(detail)s fillings of the fields behind its rules were tried, there are more."),
        _("Split the rules, or try the form by hand in the cases that matter."),
    ),
}
_ORDER = {severity: position for position, severity in enumerate(Severity)}


def lint(template: Template) -> list[Finding]:
    """All findings of a template, the gravest first."""
    found = dict.fromkeys(finding for check in CHECKS for finding in check(Subject(template)))
    return sorted(found, key=lambda finding: _ORDER[finding.severity])


class Subject:
    """The template under the lamp, with what several checks need."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.evaluator = Evaluator(template)
        self.rules = [rule for rule in template.rules if not rule.deleted]
        self._spaces: dict[str, Space] = {}

    def field(self, id_: str) -> Field | None:
        """The field, if it is there and was not deleted."""
        return self.template.live.get(id_)

    def named(self, ids: Iterable[str]) -> tuple[str, ...]:
        return tuple(name_of(self.template, id_) for id_ in ids)

    def boolean_rules(self, id_: str, kind: RuleKind) -> list[BooleanRule]:
        return [r for r in self.rules if isinstance(r, BooleanRule) and r.field_id == id_ and r.kind == kind]

    def options_rules(self, id_: str) -> list[OptionsRule]:
        return [rule for rule in self.rules if isinstance(rule, OptionsRule) and rule.field_id == id_]

    def space(self, id_: str) -> Space:
        if id_ not in self._spaces:
            self._spaces[id_] = space(self.evaluator, [id_])
        return self._spaces[id_]

    def filling(self, values: Values, at: Space) -> str:
        """A filling in words: `Priority is High, Region is not answered`."""
        parts = [in_words(self.template, Comparison(id_, Operator.EQUAL, values.get(id_))) for id_ in at.candidates]
        return ", ".join(parts) or str(_("the form is opened"))

    def value(self, id_: str, value: Value) -> str:
        return value_in_words(self.template, id_, value)


# --- the checks --------------------------------------------------------------------------------------------------------
def hidden_and_required(subject: Subject) -> Iterator[Finding]:
    """A form that can be submitted, but for a field that its agent cannot see."""
    for field in subject.template.live.values():
        hiding = subject.boolean_rules(field.id, RuleKind.HIDDEN)
        requiring = subject.boolean_rules(field.id, RuleKind.REQUIRED)
        always = field.id == TITLE or field.id in subject.template.required
        if not hiding or not (always or requiring):
            continue
        at = subject.space(field.id)
        for found in at.complete():
            wanted = always or any(outcome(rule, found.values)[0] for rule in requiring)
            if wanted and found.states[field.id].hidden:
                names = _names([*hiding, *(() if always else requiring)])
                yield Finding(Code.HIDDEN_AND_REQUIRED, (field.name,), names, subject.filling(found.values, at))
                break


def required_without_option(subject: Subject) -> Iterator[Finding]:
    for field in subject.template.live.values():
        if field.type != FieldType.SINGLE_SELECT or not _may_be_required(subject, field.id):
            continue
        at = subject.space(field.id)
        for found in at.complete():
            state = found.states[field.id]
            if state.required and not state.options:
                rules: list[Rule] = [
                    *subject.boolean_rules(field.id, RuleKind.REQUIRED),
                    *subject.options_rules(field.id),
                ]
                yield Finding(
                    Code.REQUIRED_WITHOUT_OPTION, (field.name,), _names(rules), subject.filling(found.values, at)
                )
                break


def circles(subject: Subject) -> Iterator[Finding]:
    for kind, code in ((RuleKind.FIELD_OPTIONS, Code.OPTIONS_IN_CIRCLE), (RuleKind.HIDDEN, Code.HIDING_IN_CIRCLE)):
        rules = [rule for rule in subject.rules if _kind(rule) == kind]
        reads: dict[str, set[str]] = {}
        for rule in rules:
            reads.setdefault(rule.field_id, set()).update(read_by(rule))
        in_circle = [id_ for id_ in reads if id_ in _reached(reads, id_)]
        while in_circle:
            circle = [
                id_
                for id_ in in_circle
                if id_ in _reached(reads, in_circle[0]) and in_circle[0] in _reached(reads, id_)
            ]
            in_circle = [id_ for id_ in in_circle if id_ not in circle]
            yield Finding(code, subject.named(sorted(circle)), _names(r for r in rules if r.field_id in circle))


def missing_fields(subject: Subject) -> Iterator[Finding]:
    for rule in subject.rules:
        if not subject.field(rule.field_id):
            yield Finding(Code.ON_MISSING_FIELD, rules=(rule.name,), detail=subject.named([rule.field_id])[0])
        for id_ in sorted(read_by(rule)):
            if not subject.field(id_):
                yield Finding(Code.READS_MISSING_FIELD, rules=(rule.name,), detail=subject.named([id_])[0])
    for id_ in subject.template.required:
        if not subject.field(id_):
            yield Finding(Code.REQUIRED_MISSING, detail=subject.named([id_])[0])


def reads_hidden(subject: Subject) -> Iterator[Finding]:
    for rule in subject.rules:
        for id_ in sorted(read_by(rule)):
            field = subject.field(id_)
            if not field or not subject.boolean_rules(id_, RuleKind.HIDDEN):
                continue
            at = subject.space(id_)
            if not at.cut and all(found.states[id_].hidden for found in at.evaluations()):
                yield Finding(Code.READS_HIDDEN_FIELD, (field.name,), (rule.name,))


def never_true(subject: Subject) -> Iterator[Finding]:
    """Conditions that no filling makes true, or only such fillings that an earlier condition has decided already."""
    for rule in subject.rules:
        if not isinstance(rule, BooleanRule) or not all(subject.field(id_) for id_ in read_by(rule)):
            continue
        at = subject.space(rule.field_id)
        if at.cut:
            continue
        true: set[int] = set()
        decides: set[int] = set()
        for found in at.evaluations():
            first = True
            for position, condition in enumerate(rule.conditions):
                if holds(condition, found.values):
                    true.add(position)
                    if first:
                        decides.add(position)
                    first = False
        for position, condition in enumerate(rule.conditions):
            if position not in decides:
                why = _("earlier conditions decide before it") if position in true else _impossible(subject, condition)
                fields = subject.named(sorted({leaf.field_id for leaf in leaves(condition)}))
                yield Finding(Code.NEVER_TRUE, fields, (rule.name,), str(why))


def results_differ(subject: Subject) -> Iterator[Finding]:
    for rule in subject.rules:
        if isinstance(rule, BooleanRule) and any(
            len({leaf.result for leaf in leaves(condition)}) > 1 for condition in rule.conditions
        ):
            yield Finding(Code.RESULTS_DIFFER, rules=(rule.name,))


def mappings(subject: Subject) -> Iterator[Finding]:
    for rule in subject.rules:
        parent, child = (
            (subject.field(rule.parent_id), subject.field(rule.field_id))
            if isinstance(rule, OptionsRule)
            else (None, None)
        )
        if not isinstance(rule, OptionsRule) or not parent or not child:
            continue
        mapped = {value for value, children in rule.mapping if set(children) & set(child.active_values)}
        unmapped = [subject.value(parent.id, value) for value in parent.active_values if value not in mapped]
        if unmapped:
            detail = f"{parent.name}: {', '.join(unmapped)}"
            yield Finding(Code.PARENT_UNMAPPED, (child.name,), (rule.name,), detail)
        unknown = {value for _parent, children in rule.mapping for value in children} - set(child.active_values)
        if unknown:
            detail = ", ".join(subject.value(child.id, value) for value in sorted(unknown))
            yield Finding(Code.CHILD_UNKNOWN, (child.name,), (rule.name,), detail)


def not_placed(subject: Subject) -> Iterator[Finding]:
    if subject.template.sections is None:
        return
    for field in subject.template.live.values():
        # AWS shows the title above every layout, which can never hold it.
        if field.id != TITLE and field.id not in subject.template.placed and _may_be_required(subject, field.id):
            yield Finding(Code.REQUIRED_NOT_PLACED, (field.name,))


def one_option(subject: Subject) -> Iterator[Finding]:
    for field in subject.template.live.values():
        if field.type == FieldType.SINGLE_SELECT and len(field.active_values) == 1:
            yield Finding(Code.ONE_OPTION, (field.name,), detail=subject.value(field.id, field.active_values[0]))


def without_title(subject: Subject) -> Iterator[Finding]:
    if TITLE not in subject.template.required:
        yield Finding(Code.WITHOUT_TITLE)


def unreadable(subject: Subject) -> Iterator[Finding]:
    for name in subject.template.unreadable:
        yield Finding(Code.UNREADABLE, rules=(name,))


def bound_reached(subject: Subject) -> Iterator[Finding]:
    for id_ in dict.fromkeys(rule.field_id for rule in subject.rules):
        if (field := subject.field(id_)) and subject.space(id_).cut:
            yield Finding(Code.BOUND_REACHED, (field.name,), detail=f"{BOUND:,}")


CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    hidden_and_required,
    required_without_option,
    circles,
    missing_fields,
    reads_hidden,
    never_true,
    results_differ,
    mappings,
    not_placed,
    one_option,
    without_title,
    unreadable,
    bound_reached,
)


# --- small questions ---------------------------------------------------------------------------------------------------
def _kind(rule: Rule) -> RuleKind:
    return rule.kind if isinstance(rule, BooleanRule) else RuleKind.FIELD_OPTIONS


def _names(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.name for rule in rules))


def _may_be_required(subject: Subject, id_: str) -> bool:
    """Required by the template, or by a rule that can say so."""
    if id_ == TITLE or id_ in subject.template.required:
        return True
    rules = subject.boolean_rules(id_, RuleKind.REQUIRED)
    return any(rule.default or any(condition.result for condition in rule.conditions) for rule in rules)


def _impossible(subject: Subject, condition: Condition) -> str | Promise:
    """Why a condition is never true, as far as one field alone tells."""
    for leaf in leaves(condition):
        field = subject.field(leaf.field_id)
        if leaf.field_id in SET_BY_AWS:
            return _("AWS fills %(field)s only after the case is opened") % {
                "field": field.name if field else leaf.field_id
            }
        if (
            field
            and field.type == FieldType.SINGLE_SELECT
            and leaf.operator == Operator.EQUAL
            and leaf.operand is not None
            and leaf.operand not in field.active_values
        ):
            value = subject.value(field.id, leaf.operand)
            return _("%(value)s is no active option of %(field)s") % {"value": value, "field": field.name}
    return _("no filling of the form makes it true")


def _reached(reads: dict[str, set[str]], start: str) -> set[str]:
    """What one comes to from here by what rules read, `start` itself only where there is a circle."""
    found: set[str] = set()
    new = set(reads.get(start, ()))
    while new:
        found |= new
        new = {onward for id_ in new for onward in reads.get(id_, ())} - found
    return found
