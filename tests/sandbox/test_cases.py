"""Cases from opening to resolving, as the API shows them."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.clients import ACME, OTHER, a_case, opened, refusal, refusal_in_full


def test_created_case_is_described_as_it_was_sent(support):
    case_id = opened(support, ccEmailAddresses=["oncall@example.com"])

    [case] = support.describe_cases()["cases"]

    assert re.fullmatch(rf"case-{ACME}-muen-20\d\d-[0-9a-f]{{16}}", case_id)
    assert re.fullmatch(r"\d{15}", case.pop("displayId"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", case.pop("timeCreated"))
    [word] = case.pop("recentCommunications")["communications"]
    assert case == {
        "caseId": case_id,
        "subject": a_case()["subject"],
        "status": "unassigned",
        "serviceCode": "aws-lambda",
        "categoryCode": "general-guidance",
        "severityCode": "normal",
        "submittedBy": f"aws-{ACME}@example.com",
        "ccEmailAddresses": ["oncall@example.com"],
        "language": "en",
    }
    assert (word["body"], word["submittedBy"]) == (
        a_case()["communicationBody"],
        f"sandbox (User) <aws-{ACME}@example.com>",
    )


def test_account_question_has_its_own_group_of_letters(support):
    case_id = opened(
        support,
        issueType="customer-service",
        serviceCode="billing",
        categoryCode="other-billing-questions",
        language="tr",
    )

    assert re.match(rf"case-{ACME}-extr-", case_id)


def test_case_may_leave_out_what_the_api_lets_it(support):
    case_id = support.create_case(subject="Hello", communicationBody="World")["caseId"]

    [case] = support.describe_cases(caseIdList=[case_id])["cases"]

    assert (case["language"], "serviceCode" in case, "severityCode" in case) == ("en", False, False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"serviceCode": "no-such-service"}, "Invalid service code"),
        ({"categoryCode": "no-such-category"}, "Invalid category code"),
        ({"serviceCode": "billing"}, "Invalid category code"),
        ({"severityCode": "catastrophic"}, "Invalid severity code"),
        ({"language": "tr"}, "Invalid language"),
        ({"language": "xx"}, "Invalid language"),
        ({"issueType": "service-limit"}, "Invalid issue type"),
        ({"subject": " "}, "Invalid subject"),
        ({"communicationBody": "\n"}, "Invalid communication body"),
    ],
)
def test_case_with_a_wrong_code_is_refused(sandbox, support, changes, message):
    assert refusal_in_full(support.create_case, **a_case(**changes)) == ("InvalidParameterValueException", 400, message)
    assert sandbox.cases() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"attachmentSetId": "as-2f5a6faa2a4a1e600-mu-nQk5UQl5"}, "AttachmentSetIdNotFound"),
        ({"uploadIds": ["upl-1"]}, "UploadIdNotFound"),
    ],
)
def test_files_that_were_never_uploaded_are_refused(sandbox, support, changes, code):
    assert refusal(support.create_case, **a_case(**changes)) == (code, 400)
    assert sandbox.cases() == []


def test_cases_come_newest_first_in_pages(support, sandbox):
    sandbox.settings(cases_per_hour=1000)
    made = [opened(support, subject=f"case {number}") for number in range(25)]

    pages = [page["cases"] for page in support.get_paginator("describe_cases").paginate(maxResults=10)]

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [case["caseId"] for page in pages for case in page] == made[::-1]


def test_page_that_ends_the_list_has_no_token(support, sandbox):
    sandbox.settings(cases_per_hour=1000)
    for _ in range(10):
        opened(support)

    assert "nextToken" not in support.describe_cases(maxResults=10)


def test_case_opened_between_two_pages_moves_nothing(support, sandbox):
    sandbox.settings(cases_per_hour=1000)
    made = [opened(support) for _ in range(12)]
    first = support.describe_cases(maxResults=10)
    opened(support)

    second = support.describe_cases(maxResults=10, nextToken=first["nextToken"])

    assert [case["caseId"] for case in second["cases"]] == [made[1], made[0]]


def test_made_up_token_is_refused(support):
    assert refusal(support.describe_cases, nextToken="nonsense") == ("InvalidParameterValueException", 400)


def test_resolved_cases_are_absent_unless_asked_for(support):
    done, still_open = opened(support), opened(support)
    support.resolve_case(caseId=done)

    assert [case["caseId"] for case in support.describe_cases()["cases"]] == [still_open]
    assert support.describe_cases(caseIdList=[done])["cases"] == []
    everything = support.describe_cases(includeResolvedCases=True)["cases"]
    assert [case["caseId"] for case in everything] == [still_open, done]


def test_case_is_found_by_its_display_id(support):
    opened(support)
    wanted = opened(support)
    [display_id] = [case["displayId"] for case in support.describe_cases()["cases"] if case["caseId"] == wanted]

    found = support.describe_cases(displayId=display_id)["cases"]

    assert [case["caseId"] for case in found] == [wanted]
    assert support.describe_cases(displayId="1")["cases"] == []


def test_one_unknown_id_fails_the_whole_call(support):
    known = opened(support)

    unknown = f"case-{ACME}-muen-2026-0000000000000000"

    assert refusal(support.describe_cases, caseIdList=[known, unknown]) == ("CaseIdNotFound", 400)


def test_time_window_is_about_the_opening(support):
    early = opened(support)
    time.sleep(0.02)
    between = datetime.now(UTC)
    time.sleep(0.02)
    late = opened(support)
    stamp = between.isoformat().replace("+00:00", "Z")

    assert [case["caseId"] for case in support.describe_cases(afterTime=stamp)["cases"]] == [late]
    assert [case["caseId"] for case in support.describe_cases(beforeTime=stamp)["cases"]] == [early]


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"])
def test_times_are_read_in_every_form_aws_shows(support, form):
    case_id = opened(support)
    yesterday, tomorrow = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))

    found = support.describe_cases(afterTime=yesterday.strftime(form), beforeTime=tomorrow.strftime(form))["cases"]

    assert [case["caseId"] for case in found] == [case_id]
    assert support.describe_cases(afterTime=tomorrow.strftime(form))["cases"] == []


def test_time_that_is_none_is_refused(support):
    assert refusal(support.describe_cases, afterTime="yesterday") == ("InvalidParameterValueException", 400)


def test_language_filters_nothing(support):
    case_id = opened(support)

    assert [case["caseId"] for case in support.describe_cases(language="ja")["cases"]] == [case_id]


def test_five_newest_communications_come_with_a_case(support):
    case_id = opened(support)
    for number in range(6):
        support.add_communication_to_case(caseId=case_id, communicationBody=f"word {number}")

    [case] = support.describe_cases()["cases"]
    recent = case["recentCommunications"]
    rest = support.describe_communications(caseId=case_id, nextToken=recent["nextToken"])

    assert [each["body"] for each in recent["communications"]] == [f"word {number}" for number in (5, 4, 3, 2, 1)]
    assert [each["body"] for each in rest["communications"]] == ["word 0", a_case()["communicationBody"]]
    [bare] = support.describe_cases(includeCommunications=False)["cases"]
    assert "recentCommunications" not in bare


def test_communications_come_newest_first_in_pages(support):
    case_id = opened(support)
    for number in range(11):
        support.add_communication_to_case(caseId=case_id, communicationBody=f"word {number}")

    pages = support.get_paginator("describe_communications").paginate(caseId=case_id, maxResults=10)
    bodies = [[each["body"] for each in page["communications"]] for page in pages]

    assert [len(page) for page in bodies] == [10, 2]
    assert bodies[0] + bodies[1] == [f"word {number}" for number in range(10, -1, -1)] + [a_case()["communicationBody"]]


def test_communications_can_be_asked_for_since_a_time(support):
    case_id = opened(support)
    time.sleep(0.02)
    stamp = datetime.now(UTC).isoformat()
    support.add_communication_to_case(caseId=case_id, communicationBody="later")

    later = support.describe_communications(caseId=case_id, afterTime=stamp)["communications"]
    earlier = support.describe_communications(caseId=case_id, beforeTime=stamp)["communications"]

    assert [each["body"] for each in later] == ["later"]
    assert [each["body"] for each in earlier] == [a_case()["communicationBody"]]


def test_answer_by_aws_makes_it_the_customers_turn(support, sandbox):
    case_id = opened(support)
    sandbox.reply(case_id, "Which function is it?")

    [case] = support.describe_cases()["cases"]
    newest = case["recentCommunications"]["communications"][0]
    support.add_communication_to_case(caseId=case_id, communicationBody="orders-prod")

    assert (case["status"], newest["submittedBy"], newest["body"]) == (
        "pending-customer-action",
        "Amazon Web Services",
        "Which function is it?",
    )
    assert support.describe_cases()["cases"][0]["status"] == "customer-action-completed"


def test_communication_is_added_with_new_copies(support):
    case_id = opened(support, ccEmailAddresses=["one@example.com"])

    answer = support.add_communication_to_case(
        caseId=case_id, communicationBody="More", ccEmailAddresses=["two@example.com"]
    )

    assert answer["result"] is True
    assert support.describe_cases()["cases"][0]["ccEmailAddresses"] == ["two@example.com"]


def test_word_on_a_resolved_case_reopens_it(support):
    case_id = opened(support)
    support.resolve_case(caseId=case_id)

    support.add_communication_to_case(caseId=case_id, communicationBody="It is back")

    assert support.describe_cases()["cases"][0]["status"] == "reopened"


def test_resolving_says_what_was_and_can_be_repeated(support, sandbox):
    case_id = opened(support)
    sandbox.reply(case_id)

    first, second = support.resolve_case(caseId=case_id), support.resolve_case(caseId=case_id)

    assert (first["initialCaseStatus"], first["finalCaseStatus"]) == ("pending-customer-action", "resolved")
    assert (second["initialCaseStatus"], second["finalCaseStatus"]) == ("resolved", "resolved")


def test_case_resolved_by_aws_shows_so(support, sandbox):
    case_id = opened(support)

    sandbox.resolve(case_id)

    [case] = support.describe_cases(includeResolvedCases=True)["cases"]
    assert case["status"] == "resolved"


def test_cases_of_one_account_are_unknown_to_another(support, clients):
    case_id = opened(support)
    stranger = clients.support(OTHER)

    assert stranger.describe_cases(includeResolvedCases=True)["cases"] == []
    for operation, params in (
        (stranger.describe_cases, {"caseIdList": [case_id]}),
        (stranger.describe_communications, {"caseId": case_id}),
        (stranger.add_communication_to_case, {"caseId": case_id, "communicationBody": "Hello"}),
        (stranger.resolve_case, {"caseId": case_id}),
    ):
        assert refusal(operation, **params) == ("CaseIdNotFound", 400)
    assert support.describe_cases()["cases"][0]["status"] == "unassigned"


def test_new_case_can_be_hidden_for_a_while(support, sandbox):
    sandbox.settings(visible_after=0.3)
    case_id = opened(support)

    assert support.describe_cases()["cases"] == []
    assert refusal(support.describe_cases, caseIdList=[case_id]) == ("CaseIdNotFound", 400)
    assert refusal(support.describe_communications, caseId=case_id) == ("CaseIdNotFound", 400)
    assert [case.case_id for case in sandbox.cases()] == [case_id]
    time.sleep(0.35)
    assert [case["caseId"] for case in support.describe_cases()["cases"]] == [case_id]


def test_one_account_can_hide_its_cases_longer(support, sandbox, clients):
    sandbox.account(ACME, visible_after=60)
    opened(support)
    seen = opened(clients.support(OTHER))

    assert support.describe_cases()["cases"] == []
    assert [case["caseId"] for case in clients.support(OTHER).describe_cases()["cases"]] == [seen]


def test_time_scale_shortens_the_wait_for_a_case(support, sandbox):
    sandbox.settings(visible_after=200, time_scale=1000)
    opened(support)
    time.sleep(0.25)

    assert len(support.describe_cases()["cases"]) == 1


def test_length_is_counted_in_code_points(support):
    body = "𝄞" * 8000

    case_id = opened(support, communicationBody=body, subject="Umlaute: äöü, 日本語, 🙂")

    [case] = support.describe_cases(caseIdList=[case_id])["cases"]
    assert case["subject"] == "Umlaute: äöü, 日本語, 🙂"
    assert case["recentCommunications"]["communications"][0]["body"] == body


@pytest.mark.parametrize(
    "secret",
    [
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIEow",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
    ],
)
def test_secrets_are_taken_out_of_what_is_given_back(support, sandbox, secret):
    body = f"Look:\n{secret}"
    case_id = opened(support, communicationBody=body, subject=f"About {secret.splitlines()[0]}"[:90])

    [case] = support.describe_cases(caseIdList=[case_id])["cases"]
    [word] = support.describe_communications(caseId=case_id)["communications"]

    assert word["body"] == "Look:\n[REDACTED]"
    assert secret.splitlines()[0] not in case["subject"]
    assert sandbox.cases()[0].body == body


@pytest.mark.parametrize(
    "harmless",
    [
        "Ref: CS-7GQ4-KM2X-9TZA-P3RW",
        "4111 1111 1111 1112",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "=" * 40,
        "arn:aws:lambda:us-east-1:111122223333:function:orders-prod",
        "account 1111-2222-3333",
    ],
)
def test_what_only_resembles_a_secret_stays(support, harmless):
    case_id = opened(support, communicationBody=f"Text\n{harmless}")

    [word] = support.describe_communications(caseId=case_id)["communications"]

    assert word["body"] == f"Text\n{harmless}"
