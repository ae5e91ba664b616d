"""SearchCases: filters, sorts, pages, and how late it sees what was done."""

import time

import pytest

from tests.sandbox.care import DOMAIN, EXAMPLE
from tests.sandbox.clients import ACME, refusal


@pytest.fixture
def five(care, cases):
    """Five cases, told apart by their titles."""
    usual = {"Contract": "gold", "Affected users": 0}
    different = {
        "a": {"Severity": "sev1", "Affected users": 10, "Customer impact": "Slow"},
        "b": {"Severity": "sev2", "Incident start": "2026-11-01T00:00:00.000Z"},
        "c": {"Severity": "sev3", "Incident start": "2026-11-02T00:00:00.000Z", "Data lost": True},
        "d": {"Severity": "sev3", "Contract": "basic", "Order number": "SO-4711"},
        "e": {"Severity": "sev3", "Contract": None, "Affected users": None, "Data lost": False},
    }
    for title, values in different.items():
        cases.create_case(**care.incident(fields=usual | {"title": title} | values, tags={"letter": title}))
    return care


def titles(answer):
    return [
        each["value"]["stringValue"] for found in answer["cases"] for each in found["fields"] if each["id"] == "title"
    ]


def search(cases, care, filter_=None, **more):
    asked = {"filter": filter_} if filter_ else {}
    return cases.search_cases(domainId=care.domain_id, fields=[{"id": "title"}], **asked, **more)


def field(care, operator, name, value):
    [given] = care.values({name: value})
    return {"field": {operator: given}}


@pytest.mark.parametrize(
    ("operator", "name", "value", "expected"),
    [
        ("equalTo", "title", "a", "a"),
        ("equalTo", "title", "A", ""),
        ("equalTo", "Contract", "gold", "cba"),
        ("equalTo", "Contract", None, "e"),
        ("equalTo", "Affected users", 10, "a"),
        ("equalTo", "Data lost", False, "e"),
        ("equalTo", "Incident start", "2026-11-01T01:00:00+01:00", "b"),
        ("contains", "Order number", "so-47", "d"),
        ("contains", "Problem description", "ERROR 502", "edcba"),
        ("greaterThan", "Affected users", 0, "a"),
        ("greaterThanOrEqualTo", "Affected users", 0, "dcba"),
        ("lessThan", "Affected users", 10, "dcb"),
        ("lessThanOrEqualTo", "Affected users", 0, "dcb"),
        ("greaterThan", "Incident start", "2026-11-01T00:00:00Z", "c"),
        ("lessThan", "Incident start", "2026-11-02T00:00:00Z", "b"),
        ("greaterThan", "created_datetime", "2020-01-01T00:00:00Z", "edcba"),
    ],
)
def test_cases_are_found_by_one_field(five, cases, operator, name, value, expected):
    assert "".join(titles(search(cases, five, field(five, operator, name, value)))) == expected


def test_filters_nest(five, cases):
    sev3, gold = field(five, "equalTo", "Severity", "sev3"), field(five, "equalTo", "Contract", "gold")

    def found(filter_):
        return "".join(titles(search(cases, five, filter_)))

    assert found({"andAll": [sev3, gold]}) == "c"
    assert found({"orAll": [sev3, gold]}) == "edcba"
    assert found({"not": sev3}) == "ba"
    assert found({"andAll": [sev3, {"not": {"orAll": [gold, field(five, "equalTo", "title", "d")]}}]}) == "e"
    assert found({"andAll": []}) == "edcba"
    assert found({"orAll": []}) == ""


def test_case_is_found_by_its_tag(five, cases):
    def tag(**asked):
        return {"tag": {"equalTo": asked}}

    found = search(cases, five, tag(key="letter", value="c"))

    assert titles(found) == ["c"]
    assert found["cases"][0]["tags"] == {"letter": "c", "Team": "Incidents", "Source": "casesite"}
    assert titles(search(cases, five, tag(key="letter", value="C"))) == []
    assert "".join(titles(search(cases, five, {"not": tag(key="letter", value="c")}))) == "edba"
    assert "".join(titles(search(cases, five, tag(key="letter")))) == "edcba"
    assert refusal(search, cases=cases, care=five, filter_=tag(value="c")) == ("ValidationException", 400)


@pytest.mark.parametrize("asked", EXAMPLE["searches"], ids=lambda each: str(list(each)))
def test_searches_are_answered_as_documented(example, cases, asked):
    cases.create_case(**EXAMPLE["created"][1])
    case_id = cases.create_case(**EXAMPLE["created"][0])["caseId"]

    answer = cases.search_cases(domainId=DOMAIN, **asked)

    assert [each["caseId"] for each in answer["cases"]] == [case_id]
    assert answer["totalCount"] == 1
    assert [each["id"] for each in answer["cases"][0]["fields"]] == [each["id"] for each in asked.get("fields", [])]
    assert answer["cases"][0]["tags"]["submission_id"] == "01JD4Q8Z7M6XK2T9V5R3C1B0AN"


def test_cases_are_sorted_by_up_to_two_fields(five, cases):
    def found(*sorts):
        asked = [{"fieldId": five.field(name), "sortOrder": order} for name, order in sorts]
        return "".join(titles(search(cases, five, sorts=asked)))

    assert found(("title", "Asc")) == "abcde"
    assert found(("Severity", "Asc"), ("title", "Desc")) == "abedc"
    assert found(("Contract", "Desc"), ("title", "Asc")) == "abcde"
    assert found(("Affected users", "Desc"), ("title", "Asc")) == "abcde"
    assert found(("Incident start", "Desc"), ("title", "Asc")) == "cbade"


def test_cases_come_in_pages_with_their_number(five, cases):
    asked = {"sorts": [{"fieldId": "title", "sortOrder": "Asc"}], "maxResults": 2}
    found, token, pages = [], {}, 0
    while True:
        answer = search(cases, five, **asked, **token)
        found, pages = found + titles(answer), pages + 1
        assert answer["totalCount"] == 5
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}

    assert ("".join(found), pages) == ("abcde", 3)
    assert refusal(search, cases=cases, care=five, nextToken=token["nextToken"]) == ("ValidationException", 400)


@pytest.mark.parametrize(
    ("term", "expected"), [("so-4711", ["d"]), ("BASIC", ["d"]), ("nowhere", []), ("", ["e", "d", "c", "b", "a"])]
)
def test_term_is_looked_for_in_all_text(five, cases, term, expected):
    assert titles(search(cases, five, searchTerm=term)) == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": {"field": {"equalTo": {"id": "no-such", "value": {"stringValue": "x"}}}}},
        {"filter": {"field": {"equalTo": {"id": "title", "value": {"doubleValue": 1.0}}}}},
        {"filter": {"field": {"contains": {"id": "title", "value": {"emptyValue": {}}}}}},
        {"filter": {"field": {"greaterThan": {"id": "created_datetime", "value": {"stringValue": "yesterday"}}}}},
        {"filter": {}},
        {"filter": {"andAll": [{"andAll": []}] * 11}},
        {"fields": [{"id": "no-such"}]},
        {"fields": [{"id": "title"}] * 26},
        {"sorts": [{"fieldId": "no-such", "sortOrder": "Asc"}]},
        {"sorts": [{"fieldId": "title", "sortOrder": "Sideways"}]},
        {"sorts": [{"fieldId": "title", "sortOrder": "Asc"}] * 3},
        {"searchTerm": "x" * 256},
        {"maxResults": 101},
    ],
)
def test_search_that_makes_no_sense_is_refused(care, cases, asked):
    assert refusal(cases.search_cases, domainId=care.domain_id, **asked) == ("ValidationException", 400)


def test_bigger_than_means_nothing_for_yes_and_no(five, cases):
    asked = {"filter_": field(five, "greaterThan", "Data lost", True)}

    assert refusal(search, cases=cases, care=five, **asked) == ("ValidationException", 400)


# --- seen late ---------------------------------------------------------------------------------------------------------
def test_new_case_is_read_at_once_and_found_later(care, cases, sandbox):
    sandbox.settings(visible_after=0.6)
    asked = care.question(tags={"submission_id": "1"})
    case_id = cases.create_case(**asked)["caseId"]
    by_tag = {"tag": {"equalTo": {"key": "submission_id", "value": "1"}}}

    assert cases.get_case(domainId=care.domain_id, caseId=case_id, fields=[{"id": "title"}])["fields"]
    assert search(cases, care, by_tag)["cases"] == []
    time.sleep(0.65)
    assert [each["caseId"] for each in search(cases, care, by_tag)["cases"]] == [case_id]


def test_update_is_found_later_and_the_old_values_until_then(care, cases, sandbox):
    case_id = cases.create_case(**care.question())["caseId"]
    sandbox.account(ACME, visible_after=0.6)
    closed = {"domainId": care.domain_id, "caseId": case_id, "fields": care.values({"status": "closed"})}
    cases.update_case(**closed)

    assert titles(search(cases, care, field(care, "equalTo", "status", "open"))) == ["Question about opening hours"]
    assert titles(search(cases, care, field(care, "equalTo", "status", "closed"))) == []
    time.sleep(0.65)
    assert titles(search(cases, care, field(care, "equalTo", "status", "closed"))) == ["Question about opening hours"]


def test_time_scale_shortens_the_delay(care, cases, sandbox):
    sandbox.settings(visible_after=60, time_scale=200)
    cases.create_case(**care.question())
    assert search(cases, care)["cases"] == []

    time.sleep(0.35)

    assert len(search(cases, care)["cases"]) == 1
