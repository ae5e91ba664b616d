"""Each fault of a template is found by name, and a sound template has none."""

import pytest

from casesite.catalog import lint_search
from casesite.catalog.lint import WORDS, Code, Severity, lint
from casesite.catalog.template import BooleanRule, Field, FieldType, RuleKind

from .templates import (
    a_template,
    all_of,
    any_of,
    equal,
    hides,
    narrows,
    number,
    requires,
    select,
    text,
    unequal,
    yes_no,
)

PRIORITY = select("priority", "high", "low")
CAUSE = select("cause", "network", "disk")
OPENED = Field("created_datetime", "Opened", FieldType.DATE_TIME, system=True)


def found(template):
    return [(finding.code, finding.fields, finding.rules, finding.detail) for finding in lint(template)]


SOUND = [
    a_template(
        text("a"), PRIORITY, rules=[requires("a", equal("priority", "high")), hides("a", equal("priority", "low"))]
    ),
    a_template(PRIORITY, CAUSE, rules=[narrows("cause", "priority", {"high": ["disk"], "low": ["network"]})]),
    # While Priority is blank the note hides, and no form with a blank Priority can be submitted.
    a_template(
        text("note"), PRIORITY, required=("title", "priority", "note"), rules=[hides("note", equal("priority", None))]
    ),
    a_template(text("a"), number("n"), yes_no("y"), rules=[requires("a", all_of(equal("n", 1.0), equal("y", True)))]),
    a_template(text("a"), text("b"), rules=[hides("a", unequal("b", None))]),
]


@pytest.mark.parametrize("template", SOUND)
def test_sound_template_has_no_finding(template):
    assert found(template) == []


def test_field_hidden_and_required_at_once_is_an_error_with_the_filling_that_shows_it():
    rules = [hides("a", equal("priority", "low")), requires("a", unequal("priority", "high"))]

    assert found(a_template(text("a"), PRIORITY, rules=rules)) == [
        (Code.HIDDEN_AND_REQUIRED, ("A",), ("a hidden", "a required"), "Priority is Low")
    ]


def test_field_that_the_template_requires_and_a_rule_hides_is_an_error():
    template = a_template(text("a"), PRIORITY, required=("title", "a"), rules=[hides("a", equal("priority", None))])

    assert found(template) == [(Code.HIDDEN_AND_REQUIRED, ("A",), ("a hidden",), "Priority is not answered")]


def test_required_field_without_an_option_names_the_parents_value():
    rules = [narrows("cause", "priority", {"high": ["disk"]})]
    template = a_template(PRIORITY, CAUSE, required=("title", "priority", "cause"), rules=rules)

    assert found(template) == [
        (Code.REQUIRED_WITHOUT_OPTION, ("Cause",), ("cause by priority",), "Priority is Low"),
        (Code.PARENT_UNMAPPED, ("Cause",), ("cause by priority",), "Priority: Low"),
    ]


def test_required_field_with_no_active_option_at_all_is_found_without_any_rule():
    template = a_template(select("cause", inactive=["disk"]), required=("title", "cause"))

    assert found(template) == [(Code.REQUIRED_WITHOUT_OPTION, ("Cause",), (), "the form is opened")]


def test_options_in_a_circle():
    rules = [
        narrows("cause", "priority", {"high": ["disk"], "low": ["network"]}),
        narrows("priority", "cause", {"disk": ["high"], "network": ["low"]}),
    ]

    assert (Code.OPTIONS_IN_CIRCLE, ("Cause", "Priority"), ("cause by priority", "priority by cause"), "") in found(
        a_template(PRIORITY, CAUSE, rules=rules)
    )


def test_options_that_depend_on_themselves():
    rules = [narrows("cause", "cause", {"disk": ["disk"], "network": ["network"]})]

    assert found(a_template(CAUSE, rules=rules))[0] == (Code.OPTIONS_IN_CIRCLE, ("Cause",), ("cause by cause",), "")


def test_fields_that_hide_each_other():
    rules = [hides("a", equal("b", "x")), hides("b", equal("a", "x"))]

    assert found(a_template(text("a"), text("b"), rules=rules)) == [
        (Code.HIDING_IN_CIRCLE, ("A", "B"), ("a hidden", "b hidden"), "")
    ]


def test_rules_on_and_reading_deleted_or_unknown_fields():
    gone = text("gone", deleted=True)
    rules = [requires("a", equal("gone", "x")), requires("nowhere", equal("a", "x"))]
    template = a_template(text("a"), gone, placed=["a"], required=("title", "gone"), rules=rules)

    assert found(template) == [
        (Code.READS_MISSING_FIELD, (), ("a required",), "Gone"),
        (Code.ON_MISSING_FIELD, (), ("nowhere required",), "nowhere"),
        (Code.REQUIRED_MISSING, (), (), "Gone"),
    ]


def test_rule_that_reads_a_field_hidden_for_ever():
    rules = [hides("b", default=True), requires("a", equal("b", None))]

    assert found(a_template(text("a"), text("b"), rules=rules)) == [
        (Code.READS_HIDDEN_FIELD, ("B",), ("a required",), "")
    ]


@pytest.mark.parametrize(
    ("condition", "fields", "why"),
    [
        (equal("priority", "urgent"), ("Priority",), "urgent is no active option of Priority"),
        (
            all_of(equal("priority", "high"), equal("priority", "low")),
            ("Priority",),
            "no filling of the form makes it true",
        ),
        (equal("n", "one"), ("N",), "no filling of the form makes it true"),
        (unequal("created_datetime", None), ("Opened",), "AWS fills Opened only after the case is opened"),
    ],
)
def test_condition_that_can_never_be_true(condition, fields, why):
    template = a_template(
        *(text("a"), PRIORITY, number("n"), OPENED), placed=["a", "priority", "n"], rules=[requires("a", condition)]
    )

    assert found(template) == [(Code.NEVER_TRUE, fields, ("a required",), why)]


def test_condition_behind_another_that_is_true_first():
    rules = [requires("a", any_of(equal("priority", "high"), unequal("priority", None)), equal("priority", "high"))]

    assert found(a_template(text("a"), PRIORITY, rules=rules)) == [
        (Code.NEVER_TRUE, ("Priority",), ("a required",), "earlier conditions decide before it")
    ]


def test_condition_on_an_option_that_rules_never_leave():
    rules = [
        narrows("cause", "priority", {"high": ["disk"], "low": ["disk"], "": ["disk"]}),
        requires("a", equal("cause", "network")),
    ]
    template = a_template(text("a"), PRIORITY, CAUSE, rules=rules)

    assert found(template) == [(Code.NEVER_TRUE, ("Cause",), ("a required",), "no filling of the form makes it true")]


def test_results_that_differ_inside_one_condition():
    rules = [requires("a", all_of(equal("priority", "high"), unequal("b", None, result=False)))]

    assert found(a_template(text("a"), text("b"), PRIORITY, rules=rules)) == [
        (Code.RESULTS_DIFFER, (), ("a required",), "")
    ]


def test_mapping_to_an_option_that_is_not_active():
    cause = select("cause", "network", "disk", inactive=["tape"])
    rules = [narrows("cause", "priority", {"high": ["disk", "tape"], "low": ["network"]})]

    assert found(a_template(PRIORITY, cause, rules=rules)) == [
        (Code.CHILD_UNKNOWN, ("Cause",), ("cause by priority",), "Tape")
    ]


def test_required_field_that_stands_nowhere():
    rules = [requires("b", equal("priority", "high"))]
    template = a_template(text("a"), text("b"), PRIORITY, placed=["priority"], required=("title", "a"), rules=rules)

    assert found(template) == [(Code.REQUIRED_NOT_PLACED, ("A",), (), ""), (Code.REQUIRED_NOT_PLACED, ("B",), (), "")]


def test_one_option_and_no_title_are_notes():
    template = a_template(select("cause", "disk"), required=())

    assert found(template) == [(Code.ONE_OPTION, ("Cause",), (), "Disk"), (Code.WITHOUT_TITLE, (), (), "")]
    assert {finding.severity for finding in lint(template)} == {Severity.NOTE}


def test_more_fillings_than_are_tried_are_told_with_the_bound():
    readers = [select(f"s{i}", *(f"v{j}" for j in range(9))) for i in range(6)]
    conditions = [any_of(*(equal(field.id, f"v{j}") for j in range(9))) for field in readers]
    template = a_template(text("a"), *readers, rules=[requires("a", *conditions)])

    assert found(template) == [(Code.BOUND_REACHED, ("A",), (), f"{lint_search.BOUND:,}")]


def test_rule_that_this_version_cannot_read_is_told():
    assert found(a_template(text("a"), unreadable=("Priority above 3",))) == [
        (Code.UNREADABLE, (), ("Priority above 3",), "")
    ]


def test_deleted_rule_is_no_fault():
    rule = BooleanRule("r", "Old", RuleKind.REQUIRED, "nowhere", True, (), deleted=True)

    assert found(a_template(text("a"), rules=[rule])) == []


@pytest.mark.parametrize("code", Code)
def test_every_finding_has_words_and_something_to_do(code):
    severity, text_, advice = WORDS[code]

    assert severity in Severity
    assert str(text_) % {"fields": "F", "rules": "R", "detail": "D"}
    assert str(advice).endswith(".")


def test_finding_reads_as_a_sentence():
    rules = [hides("a", equal("priority", "low")), requires("a", unequal("priority", "high"))]

    [finding] = lint(a_template(text("a"), PRIORITY, rules=rules))

    assert finding.text == "A is required and hidden at once when Priority is Low (a hidden, a required)."
    assert finding.severity == Severity.ERROR
