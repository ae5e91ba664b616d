"""What is related to a case: comments once and twice, files, and the rest."""

import time

import pytest

from tests.sandbox.care import DOMAIN, EXAMPLE
from tests.sandbox.clients import ACME, refusal, refusal_in_full


@pytest.fixture
def case_id(care, cases):
    return cases.create_case(**care.question())["caseId"]


def comment(text="Reviewer: approved."):
    return {"comment": {"body": text, "contentType": "Text/Plain"}}


def items(cases, care, case_id, **more):
    return cases.search_related_items(domainId=care.domain_id, caseId=case_id, **more)["relatedItems"]


def related(cases, care, case_id, type_, content, **more):
    return cases.create_related_item(domainId=care.domain_id, caseId=case_id, type=type_, content=content, **more)


def batch(cases, care, *case_ids, content=None, **more):
    named = [{"caseIdentifier": {"caseId": each}} for each in case_ids]
    return cases.batch_create_related_item(domainId=care.domain_id, cases=named, content=content or comment(), **more)


@pytest.mark.parametrize(
    "asked",
    [each for each in EXAMPLE["related"] if each["type"] not in ("File", "ConnectCase")],
    ids=lambda each: each["type"],
)
def test_item_is_added_as_documented(example, cases, asked):
    case_id = cases.create_case(**EXAMPLE["created"][0])["caseId"]

    answer = cases.create_related_item(domainId=DOMAIN, caseId=case_id, **asked)

    [held] = example.connect_cases()[0]["relatedItems"]
    assert answer["relatedItemArn"].endswith(f"/case/{case_id}/related-item/{answer['relatedItemId']}")
    assert (held["relatedItemId"], held["type"]) == (answer["relatedItemId"], asked["type"])
    [told] = cases.search_related_items(domainId=DOMAIN, caseId=case_id)["relatedItems"]
    assert told["type"] == asked["type"]
    assert set(told["content"]) == set(asked["content"])


def test_comment_comes_back_with_its_author(care, cases, case_id):
    related(cases, care, case_id, "Comment", comment("Hello"), performedBy={"customEntity": "casesite/reviewer-3"})

    [told] = items(cases, care, case_id)

    assert (told["content"], told["performedBy"]) == (comment("Hello"), {"customEntity": "casesite/reviewer-3"})


def test_comment_without_token_is_added_twice(care, cases, case_id):
    related(cases, care, case_id, "Comment", comment())
    related(cases, care, case_id, "Comment", comment())

    assert len(items(cases, care, case_id)) == 2


def test_batch_with_a_repeated_token_adds_one_comment(care, cases, case_id, sandbox):
    sandbox.lose_answer("connectcases.BatchCreateRelatedItem")
    with pytest.raises(Exception, match="Connection was closed"):
        batch(cases, care, case_id, clientToken="t")

    answer = batch(cases, care, case_id, clientToken="t")

    [held] = sandbox.connect_cases()[0]["relatedItems"]
    assert [each["relatedItemId"] for each in answer["successfulItems"]] == [held["relatedItemId"]]
    assert answer["failedItems"] == []


def test_batch_token_over_another_content_is_a_conflict(care, cases, case_id):
    batch(cases, care, case_id, clientToken="t")
    asked = {
        "domainId": care.domain_id,
        "cases": [{"caseIdentifier": {"caseId": case_id}}],
        "content": comment("Else"),
        "clientToken": "t",
    }

    assert refusal(cases.batch_create_related_item, **asked) == ("ConflictException", 409)


def test_batch_is_answered_as_documented(example, cases):
    case_id = cases.create_case(**EXAMPLE["created"][0])["caseId"]
    named = [{"caseIdentifier": {"caseId": each}} for each in (case_id, "5d0e7b1c-2f3a-4b5c-8d6e-7f8091a2b3c4")]

    answer = cases.batch_create_related_item(domainId=DOMAIN, cases=named, **EXAMPLE["batch_comment"])

    [done], [failed] = answer["successfulItems"], answer["failedItems"]
    assert done["caseIdentifier"] == {"caseId": case_id}
    assert (failed["caseIdentifier"], failed["errorCode"]) == (named[1]["caseIdentifier"], "CASE_NOT_FOUND")


def test_batch_finds_cases_by_reference(care, cases, sandbox):
    sandbox.connect_put(
        care.domain_id, "fields", id="reference_id", name="Reference ID", type="Text", namespace="System"
    )
    cases.create_case(**care.question())
    reference = sandbox.connect_cases()[0]["fields"]["reference_id"]["stringValue"]
    asked = {"domainId": care.domain_id, "content": comment()}

    answer = cases.batch_create_related_item(cases=[{"caseIdentifier": {"referenceId": reference.lower()}}], **asked)

    assert len(answer["successfulItems"]) == 1
    unknown = [{"caseIdentifier": {"referenceId": "nothing"}}]
    assert refusal(cases.batch_create_related_item, cases=unknown, **asked) == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"content": {"connectCase": {"caseId": "x"}}}, "ValidationException"),
        ({"content": {"comment": {"body": "", "contentType": "Text/Plain"}}}, "ValidationException"),
        ({"content": {"comment": {"body": "x" * 15001, "contentType": "Text/Plain"}}}, "ValidationException"),
        ({"content": {"comment": {"body": "x", "contentType": "Text/Html"}}}, "ValidationException"),
        ({"cases": []}, "ValidationException"),
        ({"cases": [{"caseIdentifier": {"caseId": "x"}}] * 2}, "ValidationException"),
        ({"domainId": "nobodys"}, "ResourceNotFoundException"),
    ],
)
def test_batch_that_makes_no_sense_is_refused(care, cases, case_id, changes, code):
    asked = {"domainId": care.domain_id, "content": comment(), "cases": [{"caseIdentifier": {"caseId": case_id}}]}

    assert refusal(cases.batch_create_related_item, **{**asked, **changes})[0] == code


@pytest.mark.parametrize(
    ("type_", "content", "code"),
    [
        ("File", comment(), "ValidationException"),
        ("Comment", {"comment": {"body": "x" * 15001, "contentType": "Text/Plain"}}, "ValidationException"),
        ("ConnectCase", {"connectCase": {"caseId": "nothing"}}, "ResourceNotFoundException"),
        ("Contact", {"contact": {"contactArn": "arn:aws:connect:x"}}, "ValidationException"),
        ("Custom", {"custom": {"fields": [{"id": "title", "value": {"stringValue": "x"}}]}}, "ValidationException"),
        ("Custom", {"custom": {"fields": []}}, "ValidationException"),
    ],
)
def test_item_that_makes_no_sense_is_refused(care, cases, case_id, type_, content, code):
    asked = {"domainId": care.domain_id, "caseId": case_id, "type": type_, "content": content}

    assert refusal(cases.create_related_item, **asked)[0] == code


def test_case_is_related_to_another(care, cases, case_id):
    other = cases.create_case(**care.question())["caseId"]

    related(cases, care, case_id, "ConnectCase", {"connectCase": {"caseId": other}})

    assert items(cases, care, case_id, filters=[{"connectCase": {"caseId": other}}])[0]["content"] == {
        "connectCase": {"caseId": other}
    }


def test_contact_needs_a_right_of_its_own(care, cases, case_id, sandbox):
    sandbox.account(ACME, denied=["connect:DescribeContact"])
    content = {"contact": {"contactArn": f"{care.told['instanceArn']}/contact/1"}}
    asked = {"domainId": care.domain_id, "caseId": case_id, "type": "Contact", "content": content}

    assert refusal(cases.create_related_item, **asked) == ("AccessDeniedException", 403)


def test_custom_item_has_at_most_five_fields(care, cases, case_id):
    names = ["Order number", "Approval reference", "Callback phone", "Affected users", "Data lost", "Contract"]
    values = {"Affected users": 1, "Data lost": True, "Contract": "gold"}
    given = care.values({name: values.get(name, "x") for name in names})

    asked = {"domainId": care.domain_id, "caseId": case_id, "type": "Custom"}
    assert refusal(cases.create_related_item, content={"custom": {"fields": given}}, **asked) == (
        "ServiceQuotaExceededException",
        402,
    )
    related(cases, care, case_id, "Custom", {"custom": {"fields": given[:5]}})
    wanted = {"custom": {"fields": {"field": {"equalTo": given[0]}}}}
    assert len(items(cases, care, case_id, filters=[wanted])) == 1
    assert items(cases, care, case_id, filters=[{"custom": {"fields": {"not": wanted["custom"]["fields"]}}}]) == []


def test_case_can_be_full(care, cases, case_id, sandbox):
    sandbox.settings(related_items_on_case=2)
    for _ in range(2):
        related(cases, care, case_id, "Comment", comment())

    asked = {"domainId": care.domain_id, "caseId": case_id, "type": "Comment", "content": comment()}
    assert refusal_in_full(cases.create_related_item, **asked)[:2] == ("ServiceQuotaExceededException", 402)
    [failed] = batch(cases, care, case_id)["failedItems"]
    assert failed["errorCode"] == "SERVICE_QUOTA_EXCEEDED"


def test_items_are_searched_by_type_in_pages(care, cases, case_id):
    other = cases.create_case(**care.question())["caseId"]
    for number in range(3):
        related(cases, care, case_id, "Comment", comment(str(number)))
    related(cases, care, case_id, "ConnectCase", {"connectCase": {"caseId": other}})
    asked = {"domainId": care.domain_id, "caseId": case_id, "maxResults": 2, "filters": [{"comment": {}}]}

    first = cases.search_related_items(**asked)
    second = cases.search_related_items(**asked, nextToken=first["nextToken"])

    bodies = [each["content"]["comment"]["body"] for page in (first, second) for each in page["relatedItems"]]
    assert bodies == ["2", "1", "0"]
    assert len(items(cases, care, case_id)) == 4
    assert len(items(cases, care, case_id, filters=[{"comment": {}}, {"connectCase": {}}])) == 4


def test_new_item_is_found_later(care, cases, case_id, sandbox):
    sandbox.settings(visible_after=0.5)
    related(cases, care, case_id, "Comment", comment())

    assert items(cases, care, case_id) == []
    time.sleep(0.55)
    assert len(items(cases, care, case_id)) == 1
