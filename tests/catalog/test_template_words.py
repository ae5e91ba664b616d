"""Rules and differences between versions as people read them; tags as they type them."""

from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError

from casesite.catalog.rule_words import because, in_words, rule_in_words
from casesite.catalog.rules import Evaluator
from casesite.catalog.tags import parse_tags
from casesite.catalog.template import Option, Section
from casesite.catalog.template_changes import Change, changes

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

PRIORITY, CAUSE = select("priority", "high", "low"), select("cause", "disk", "network")
FIELDS = (text("a"), number("n"), yes_no("y"), PRIORITY, CAUSE)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (equal("priority", "high"), "Priority is High"),
        (unequal("priority", "gone"), "Priority is not gone"),
        (equal("a", None), "A is not answered"),
        (unequal("a", None), "A is answered"),
        (equal("y", True), "Y is yes"),
        (equal("n", 2.0), "N is 2"),
        (equal("nowhere", "x"), "nowhere is x"),
        (
            all_of(equal("y", True), any_of(equal("priority", "high"), unequal("n", 1.5))),
            "Y is yes and (Priority is High or N is not 1.5)",
        ),
    ],
)
def test_condition_reads_with_the_names_that_agents_know(condition, words):
    assert in_words(a_template(*FIELDS), condition) == words


def test_why_a_field_is_required_names_the_condition_the_default_or_the_template():
    rules = [
        requires("a", equal("priority", "high"), default=False),
        requires("n", default=True),
        hides("y", default=True),
    ]
    template = a_template(
        *FIELDS, required=("title", "cause"), rules=[*rules, requires("priority", unequal("a", "x"), default=True)]
    )

    states = Evaluator(template).evaluate({"priority": "high", "a": "x"}).states

    assert because(template, states["a"].required_because) == "Priority is High"
    assert because(template, states["n"].required_because) == "the rule says so always"
    assert because(template, states["priority"].required_because) == "no condition of the rule says otherwise"
    assert because(template, states["cause"].required_because) == "the template requires it for every case"
    assert because(template, states["y"].hidden_because) == "the rule says so always"


def test_rules_read_line_by_line():
    template = a_template(*FIELDS)

    assert rule_in_words(template, requires("a", equal("priority", "high"))) == [
        "A is required when Priority is High",
        "A is optional otherwise",
    ]
    assert rule_in_words(template, hides("a", default=True)) == ["A is hidden always"]
    assert rule_in_words(template, narrows("cause", "priority", {"high": ["disk", "network"], "": []})) == [
        "Cause offers Disk, Network when Priority is High",
        "Cause offers nothing when Priority is not answered",
    ]


# --- versions -----------------------------------------------------------------------------------------------------------
def test_same_version_has_no_changes():
    assert changes(a_template(*FIELDS), a_template(*FIELDS)) == []


def test_changes_of_fields_and_options_are_named():
    cause = replace(CAUSE, name="Root cause", options=(Option("Disk", "disk", False), Option("Tape", "tape")))
    old = a_template(*FIELDS)
    new = a_template(text("b"), replace(FIELDS[1], description="How many"), FIELDS[2], PRIORITY, cause, placed=("a",))
    new = replace(new, sections=old.sections)

    assert changes(old, new) == [
        Change("Field B added"),
        Change("Description of field N changed", ("",), ("How many",)),
        Change("Field Cause renamed to Root cause"),
        Change("Option Disk of Root cause made inactive"),
        Change("Option Tape added to Root cause"),
        Change("Option Network removed from Root cause"),
        Change("Field A removed"),
    ]


def test_changes_of_rules_show_both_sides_in_words():
    old = a_template(*FIELDS, rules=[requires("a", equal("priority", "high")), hides("n", equal("y", True))])
    new = a_template(*FIELDS, rules=[requires("a", equal("priority", "low")), hides("y", equal("a", None))])

    assert changes(old, new) == [
        Change(
            "Rule a required changed",
            ("A is required when Priority is High", "A is optional otherwise"),
            ("A is required when Priority is Low", "A is optional otherwise"),
        ),
        Change("Rule y hidden added", after=("Y is hidden when A is not answered", "Y shows otherwise")),
        Change("Rule n hidden removed", before=("N is hidden when Y is yes", "N shows otherwise")),
    ]


def test_changes_of_the_template_itself():
    old = a_template(*FIELDS)
    new = replace(
        a_template(*FIELDS, required=("title", "a")),
        name="Outage",
        description="When all is down",
        active=False,
        tags=(("Team", "Core"),),
        sections=(Section("topPanel", "Outage", ("a", "n")),),
    )

    assert changes(old, new) == [
        Change("Renamed from Incident to Outage"),
        Change("Description changed", ("",), ("When all is down",)),
        Change("Made inactive: no case can be opened with it"),
        Change("Tags of new cases changed", (), ("Team=Core",)),
        Change("Layout changed", ("Incident: A, N, Y, Priority, Cause",), ("Outage: A, N",)),
        Change("A is required now"),
    ]
    assert changes(new, old)[-1] == Change("A is no longer required")


# --- tags -----------------------------------------------------------------------------------------------------------------
def test_tags_are_read_line_by_line():
    assert parse_tags("Team = Core\n\nurl=https://x.example.com/a?\nempty=\n".replace("?", "")) == {
        "Team": "Core",
        "url": "https://x.example.com/a",
        "empty": "",
    }


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("Team", "Line 1: write key=value."),
        ("=x", "Line 1: write key=value."),
        ("a=1\na=2", "Line 2: the key a is there twice."),
        ("AWS:x=1", "Line 1: AWS keeps keys that begin with aws: for itself."),
        ("k" * 129 + "=1", "Line 1: a key has at most 128 characters, a value at most 256."),
        ("k=" + "v" * 257, "Line 1: a key has at most 128 characters, a value at most 256."),
        ("k=<b>", "Line 1: only letters, digits, blanks and _ . : / = + - @ are allowed."),
        ("\n".join(f"k{n}=v" for n in range(51)), "51 tags; AWS takes 50."),
    ],
)
def test_tag_that_aws_would_refuse_is_told_with_its_line(typed, message):
    with pytest.raises(ValidationError) as told:
        parse_tags(typed)

    assert told.value.messages == [message]


def test_tags_at_their_limits_are_taken():
    assert len(parse_tags("\n".join(f"{'k' * 126}{n:02}={'v' * 256}" for n in range(50)))) == 50
