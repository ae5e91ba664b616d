"""A template filled in: one reading of what was typed, for pages and for requests."""

from zoneinfo import ZoneInfo

from casesite.catalog.filling import Filling

from .templates import a_template, equal, hides, number, requires, select, text

BERLIN = ZoneInfo("Europe/Berlin")
TEMPLATE = a_template(
    select("reason", "defect", "other"),
    number("amount"),
    text("note"),
    text("case_id"),
    rules=[hides("note", equal("reason", "defect")), requires("amount", equal("reason", "defect"))],
)


def filled(**typed: str) -> Filling:
    return Filling(TEMPLATE, {"title": "Late parcel", **typed}, BERLIN)


def test_request_holds_what_shows_and_is_answered_in_the_forms_order():
    filling = filled(amount="2", reason="other", note="Twice.")

    assert [field["id"] for field in filling.request_fields] == filling.field_ids
    assert {"id": "amount", "value": {"doubleValue": 2.0}} in filling.request_fields
    assert {"id": "note", "value": {"stringValue": "Twice."}} in filling.request_fields


def test_hidden_field_keeps_its_text_and_is_not_sent():
    filling = filled(amount="2", reason="defect", note="Twice.")

    assert filling.typed["note"] == "Twice."
    assert "note" not in [field["id"] for field in filling.request_fields]


def test_value_that_cannot_be_read_counts_as_not_answered():
    filling = filled(amount="two", reason="defect")

    assert list(filling.parsed[1]) == ["amount"]
    assert filling.evaluation.missing() == ["amount"]


def test_text_of_a_field_that_is_not_asked_for_is_left_alone():
    filling = filled(case_id="aws sets it", unheard_of="x", amount="1", reason="other")

    assert filling.parsed[0].keys() == {"title", "amount", "reason", "note"}
    assert [field["id"] for field in filling.request_fields] == ["title", "reason", "amount"]


def test_rules_that_name_a_field_of_another_template_read_it_as_blank():
    """A rule belongs to the domain, and may look at a field that this template neither places nor has."""
    elsewhere, nowhere = text("elsewhere"), "a-field-of-another-template"
    rules = [
        hides("note", equal("elsewhere", "x"), name="Elsewhere"),
        requires("note", equal(nowhere, "x"), name="Nowhere"),
        hides("other", equal(nowhere, None), name="Blank"),
    ]
    template = a_template(text("note"), text("other"), elsewhere, placed=["note", "other"], rules=rules)
    filling = Filling(template, {"title": "Late", "note": "Kept", "other": "Gone", "elsewhere": "x"}, BERLIN)

    assert [field["id"] for field in filling.request_fields] == ["title", "note"]
    assert {each["id"] for each in filling.dropped} == {"other", "elsewhere"}
    assert filling.problems == []
