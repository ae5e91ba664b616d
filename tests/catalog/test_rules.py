"""The evaluator of rules, by a table of cases, by templates made at random, and against a second one that nobody made quick."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casesite.catalog.rules import Because, Evaluator
from casesite.catalog.template import (
    SET_BY_AWS,
    TITLE,
    BooleanRule,
    Compound,
    FieldType,
    Operator,
    OptionsRule,
    RuleKind,
    Template,
    content_of,
)

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


def state(template, field, **values):
    return Evaluator(template).evaluate(values).states[field]


# --- conditions --------------------------------------------------------------------------------------------------------
FIELDS = (text("a"), text("b"), number("n"), yes_no("y"), select("s", "red", "blue"), text("goal"))


@pytest.mark.parametrize(
    ("condition", "values", "true"),
    [
        (equal("a", "x"), {"a": "x"}, True),
        (equal("a", "x"), {"a": "X"}, False),
        (equal("a", "x"), {"a": "x "}, False),
        (equal("a", "x"), {}, False),
        (unequal("a", "x"), {"a": "y"}, True),
        (unequal("a", "x"), {"a": "x"}, False),
        (unequal("a", "x"), {}, True),
        (equal("a", None), {}, True),
        (equal("a", None), {"a": ""}, True),
        (equal("a", None), {"a": None}, True),
        (equal("a", None), {"a": " "}, False),
        (unequal("a", None), {"a": "x"}, True),
        (unequal("a", None), {}, False),
        (equal("y", True), {"y": True}, True),
        (equal("y", True), {"y": False}, False),
        (equal("y", False), {"y": False}, True),
        (equal("y", False), {}, False),
        (equal("y", None), {"y": False}, False),
        (equal("n", 1.0), {"n": 1.0}, True),
        (equal("n", 1.0), {"n": 1.5}, False),
        (equal("n", 0.0), {"n": 0.0}, True),
        (equal("n", 0.0), {}, False),
        (equal("n", None), {"n": 0.0}, False),
        (equal("n", 1.0), {"n": True}, False),
        (equal("s", "red"), {"s": "red"}, True),
        (all_of(equal("a", "x"), equal("b", "y")), {"a": "x", "b": "y"}, True),
        (all_of(equal("a", "x"), equal("b", "y")), {"a": "x"}, False),
        (any_of(equal("a", "x"), equal("b", "y")), {"b": "y"}, True),
        (any_of(equal("a", "x"), equal("b", "y")), {"a": "y", "b": "x"}, False),
        (all_of(equal("y", True), any_of(equal("s", "red"), equal("s", "blue"))), {"y": True, "s": "blue"}, True),
        (all_of(equal("y", True), any_of(equal("s", "red"), equal("s", "blue"))), {"y": True}, False),
        (any_of(all_of(equal("a", "x"), unequal("b", None)), equal("n", 2.0)), {"a": "x", "b": "?"}, True),
        (equal("created_datetime", None), {"created_datetime": "2026-01-01T00:00:00.000Z"}, True),
        (equal("gone", "x"), {"gone": "x"}, False),
    ],
)
def test_condition_holds_as_the_connect_workspace_reads_it(condition, values, true):
    template = a_template(*FIELDS, rules=[requires("goal", condition)])

    assert state(template, "goal", **values).required is true


# --- required and hidden -------------------------------------------------------------------------------------------------
def test_first_true_condition_gives_its_result_and_the_others_are_not_asked():
    rule = requires("goal", equal("a", "x", result=False), unequal("a", None, result=True), default=False)
    template = a_template(*FIELDS, rules=[rule])

    assert state(template, "goal", a="x").required is False
    assert state(template, "goal", a="y") == state(template, "goal", a="z")
    assert state(template, "goal", a="y").required_because == Because(rule, rule.conditions[1])


def test_without_a_true_condition_the_default_holds_and_says_so():
    rule = requires("goal", equal("a", "x", result=False), default=True)
    template = a_template(*FIELDS, rules=[rule])

    assert state(template, "goal").required_because == Because(rule, None)
    assert state(template, "goal", a="x").required is False


def test_title_and_the_templates_own_required_fields_need_no_rule():
    found = Evaluator(a_template(*FIELDS, required=("a",))).evaluate({})

    assert [id_ for id_, state in found.states.items() if state.required] == ["title", "a"]
    assert found.missing() == ["title", "a"]
    assert found.states["a"].required_because is None


def test_hidden_field_is_not_required_and_its_value_does_not_count():
    template = a_template(
        *FIELDS,
        required=("goal",),
        rules=[hides("goal", equal("a", "x")), requires("goal", default=True), requires("b", unequal("goal", None))],
    )

    found = Evaluator(template).evaluate({"a": "x", "goal": "typed", "title": "t"})

    assert (found.states["goal"].hidden, found.states["goal"].required) == (True, False)
    assert found.values == {"a": "x", "title": "t"}
    assert not found.states["b"].required
    assert found.missing() == []


def test_field_behind_a_hidden_field_follows_it_whatever_the_order_of_the_rules():
    rules = [hides("goal", unequal("b", None)), hides("b", equal("a", "x"))]

    for order in (rules, rules[::-1]):
        template = a_template(*FIELDS, rules=order)
        assert state(template, "goal", a="x", b="typed").hidden is False
        assert state(template, "goal", b="typed").hidden is True


def test_fields_that_hide_each_other_come_to_rest_with_one_answer():
    rules = [hides("a", unequal("b", None)), hides("b", unequal("a", None))]

    answers = [
        Evaluator(a_template(*FIELDS, rules=order)).evaluate({"a": "1", "b": "2"}) for order in (rules, rules[::-1])
    ]

    assert answers[0].states == answers[1].states
    assert (answers[0].states["a"].hidden, answers[0].states["b"].hidden) == (True, True)


def test_hiding_goes_round_a_circle_until_it_rests():
    rules = [hides("a", equal("b", None)), hides("b", equal("goal", "x")), hides("goal", equal("a", None))]

    found = Evaluator(a_template(*FIELDS, rules=rules)).evaluate({"a": "1", "b": "2", "goal": "x"})

    assert [found.states[id_].hidden for id_ in ("a", "b", "goal")] == [True, True, True]


def test_field_that_hides_itself_hides_once():
    template = a_template(*FIELDS, rules=[hides("a", equal("a", "x"))])

    assert state(template, "a", a="x").hidden is True
    assert state(template, "a", a="y").hidden is False


def test_any_of_several_rules_of_a_kind_is_enough():
    template = a_template(*FIELDS, rules=[requires("goal", equal("a", "x")), requires("goal", equal("b", "y"))])

    assert state(template, "goal", b="y").required is True
    assert state(template, "goal").required is False


def test_deleted_rule_says_nothing():
    rule = BooleanRule("r", "Old", RuleKind.REQUIRED, "goal", True, (), deleted=True)

    assert state(a_template(*FIELDS, rules=[rule]), "goal").required is False


def test_deleted_field_has_no_state_and_its_value_does_not_count():
    template = a_template(
        *FIELDS, text("gone", deleted=True), required=("gone",), rules=[requires("goal", equal("gone", "x"))]
    )

    found = Evaluator(template).evaluate({"gone": "x", "title": "t"})

    assert "gone" not in found.states
    assert (dict(found.values), found.missing()) == ({"title": "t"}, [])


# --- options -------------------------------------------------------------------------------------------------------------
COLOURS = (select("s", "red", "blue", inactive=["grey"]), select("shade", "dark", "light", "pale", inactive=["dim"]))


def test_inactive_options_are_not_offered():
    assert state(a_template(*COLOURS), "shade").options == ("dark", "light", "pale")


def test_parent_narrows_the_options_of_its_child_in_the_fields_own_order():
    template = a_template(*COLOURS, rules=[narrows("shade", "s", {"red": ["pale", "dark", "dim"], "blue": ["light"]})])

    assert state(template, "shade", s="red").options == ("dark", "pale")
    assert state(template, "shade", s="blue").options == ("light",)


def test_parent_without_a_mapping_leaves_no_options_and_blank_has_its_own():
    bare = a_template(*COLOURS, rules=[narrows("shade", "s", {"red": ["dark"]})])
    mapped = a_template(*COLOURS, rules=[narrows("shade", "s", {"": ["pale"], "red": ["dark"]})])

    assert state(bare, "shade", s="blue").options == ()
    assert state(bare, "shade").options == ()
    assert state(mapped, "shade").options == ("pale",)


def test_hidden_parent_counts_as_blank():
    rules = [narrows("shade", "s", {"": ["pale"], "red": ["dark"]}), hides("s", equal("a", "x"))]

    assert state(a_template(*COLOURS, text("a"), rules=rules), "shade", a="x", s="red").options == ("pale",)


def test_value_outside_its_options_is_told_and_still_counts():
    template = a_template(*COLOURS, rules=[narrows("shade", "s", {"red": ["dark"], "blue": ["light"]})])

    found = Evaluator(template).evaluate({"s": "blue", "shade": "dark"})

    assert found.unfit() == ["shade"]
    assert found.values["shade"] == "dark"


def test_several_rules_leave_what_all_of_them_leave():
    rules = [narrows("shade", "s", {"red": ["dark", "pale"]}), narrows("shade", "y", {"on": ["pale", "light"]})]

    assert state(a_template(*COLOURS, select("y", "on"), rules=rules), "shade", s="red", y="on").options == ("pale",)


def test_options_that_depend_on_each_other_end():
    rules = [narrows("shade", "s", {"red": ["dark"]}), narrows("s", "shade", {"dark": ["red"]})]

    found = Evaluator(a_template(*COLOURS, rules=rules)).evaluate({"s": "red"})

    assert (found.states["shade"].options, found.states["s"].options) == (("dark",), ())


# --- a template as AWS gave it ----------------------------------------------------------------------------------------------
def test_template_comes_back_from_its_stored_content_as_it_was():
    template = a_template(
        *FIELDS,
        *COLOURS[1:],
        rules=[
            requires("goal", all_of(equal("y", True), any_of(equal("n", 1.5), unequal("a", None)))),
            hides("b", equal("a", "x")),
            narrows("shade", "s", {"": ["pale"], "red": ["dark"]}),
        ],
        tags=(("Team", "Incidents"),),
    )

    stored = json.loads(json.dumps(content_of(template)))

    assert content_of(Template.from_content(stored)) == stored
    assert set(Template.from_content(stored).fields) == set(template.fields)
    assert Template.from_content(stored).rules == template.rules


# --- templates made at random ---------------------------------------------------------------------------------------------
IDS = ["title", "a", "b", "c", "n", "y", "s", "shade", "gone", "created_datetime"]
TEXTS = ["x", "y", "red", "blue"]
comparisons = st.builds(
    lambda field, same, operand, result: (equal if same else unequal)(field, operand, result),
    st.sampled_from(IDS),
    st.booleans(),
    st.one_of(st.none(), st.sampled_from(TEXTS), st.booleans(), st.sampled_from([0.0, 1.0])),
    st.booleans(),
)
compounds = st.builds(
    lambda operator, inner: Compound(operator, tuple(inner)),
    st.sampled_from([Operator.AND, Operator.OR]),
    st.lists(comparisons, min_size=1, max_size=3),
)
nested = st.builds(
    lambda operator, inner: Compound(operator, tuple(inner)),
    st.sampled_from([Operator.AND, Operator.OR]),
    st.lists(comparisons | compounds, min_size=1, max_size=3),
)
conditions = st.lists(comparisons | nested, max_size=3).map(tuple)
fields_with_rules = st.sampled_from(["title", "a", "b", "c", "n", "y", "s", "shade"])
boolean_rules = st.builds(
    lambda field, kind, default, given: BooleanRule("r", "R", kind, field, default, given),
    fields_with_rules,
    st.sampled_from([RuleKind.REQUIRED, RuleKind.HIDDEN]),
    st.booleans(),
    conditions,
)
option_rules = st.builds(
    lambda pair, mapping: OptionsRule("o", "O", *pair, tuple((k, tuple(v)) for k, v in mapping.items())),
    st.sampled_from([("shade", "s"), ("s", "shade"), ("shade", "gone"), ("s", "s")]),
    st.dictionaries(st.sampled_from(["", *TEXTS]), st.lists(st.sampled_from(["dark", "pale", "red"])), max_size=3),
)
templates = st.builds(
    lambda rules, required: a_template(
        *(text("a"), text("b"), text("c"), number("n"), yes_no("y")), *COLOURS, rules=rules, required=required
    ),
    st.lists(boolean_rules | option_rules, max_size=8),
    st.lists(fields_with_rules, unique=True, max_size=3).map(tuple),
)
fillings = st.fixed_dictionaries(
    {},
    optional={
        **{id_: st.sampled_from(["", *TEXTS]) for id_ in ("title", "a", "b", "c", "gone", "created_datetime")},
        "n": st.sampled_from([None, 0.0, 1.0]),
        "y": st.sampled_from([None, True, False]),
        "s": st.sampled_from(["", "red", "blue", "grey"]),
        "shade": st.sampled_from(["", "dark", "pale"]),
    },
)


@settings(max_examples=2000, deadline=None)
@given(template=templates, values=fillings)
def test_random_template_neither_crashes_nor_changes_its_mind_and_hidden_beats_required(template, values):
    evaluator = Evaluator(template)

    first, again = evaluator.evaluate(values), Evaluator(template).evaluate(dict(reversed(values.items())))

    assert (first.states, dict(first.values)) == (again.states, dict(again.values))
    for id_, said in first.states.items():
        assert not (said.hidden and (said.required or id_ in first.values))


def naive(template, values):
    """The same meaning without any order: follow each field's question to its end, by recursion. Circles only are left out."""
    live = [rule for rule in template.rules if not rule.deleted]
    rules = {kind: [rule for rule in live if isinstance(rule, BooleanRule) and rule.kind == kind] for kind in RuleKind}

    def value(id_):
        if id_ in SET_BY_AWS or id_ not in template.by_id or values.get(id_) in (None, "") or hidden(id_):
            return None
        return values[id_]

    def true(condition):
        if isinstance(condition, Compound):
            found = [true(inner) for inner in condition.conditions]
            return False not in found if condition.operator is Operator.AND else True in found
        left, right = value(condition.field_id), condition.operand
        equals = type(left) is type(right) and left == right
        return equals if condition.operator is Operator.EQUAL else not equals

    def first_leaf(condition):
        return first_leaf(condition.conditions[0]) if isinstance(condition, Compound) else condition.result

    def says(rule):
        return next((first_leaf(one) for one in rule.conditions if true(one)), rule.default)

    def hidden(id_):
        return any(says(rule) for rule in rules[RuleKind.HIDDEN] if rule.field_id == id_)

    def required(id_):
        asked = [says(rule) for rule in rules[RuleKind.REQUIRED] if rule.field_id == id_]
        return not hidden(id_) and (id_ == TITLE or id_ in template.required or any(asked))

    def options(field):
        if field.type is not FieldType.SINGLE_SELECT:
            return None
        left = [option.value for option in field.options if option.active]
        for rule in live:
            if isinstance(rule, OptionsRule) and rule.field_id == field.id:
                left = [one for one in left if one in dict(rule.mapping).get(value(rule.parent_id) or "", ())]
        return tuple(left)

    return {field.id: (hidden(field.id), required(field.id), options(field)) for field in template.fields}


def has_circle(template):
    reads = {}
    for rule in template.rules:
        if isinstance(rule, BooleanRule) and rule.kind is RuleKind.HIDDEN:
            reads.setdefault(rule.field_id, set()).update(_fields_of(rule.conditions))

    def reaches(start, at, seen):
        return any(
            onward == start or (onward not in seen and reaches(start, onward, seen | {onward}))
            for onward in reads.get(at, ())
        )

    return any(reaches(id_, id_, set()) for id_ in reads)


def _fields_of(conditions):
    for condition in conditions:
        if isinstance(condition, Compound):
            yield from _fields_of(condition.conditions)
        else:
            yield condition.field_id


@settings(max_examples=1000, deadline=None)
@given(template=templates.filter(lambda template: not has_circle(template)), values=fillings)
def test_evaluator_agrees_with_a_naive_one(template, values):
    states = Evaluator(template).evaluate(values).states

    assert {id_: (s.hidden, s.required, s.options) for id_, s in states.items()} == naive(template, values)
