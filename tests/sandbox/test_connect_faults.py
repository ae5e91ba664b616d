"""Faults as Connect's clients see them, before the call was carried out and after."""

import pytest

from tests.sandbox.clients import ACME, refusal
from tests.sandbox.test_faults import SEEN, WHEN, what_came

CREATE = "connectcases.CreateCase"
OF_CASES = SEEN | {
    "error_500": ("InternalServerException", 500),
    "throttle": ("ThrottlingException", 429),
    "error": ("ConflictException", 409),
}
FOREIGN = "foreign"  # a REST-JSON answer that is no JSON: boto3 itself takes offence


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("fault", [each for each in OF_CASES if each != FOREIGN])
def test_fault_looks_the_same_whether_the_case_was_created_or_not(care, cases, sandbox, fault, when):
    more = {"seconds": 0.1} if fault == "hang" else {"code": "ConflictException"} if fault == "error" else {}
    sandbox.fault(CREATE, fault, when, **more)

    assert what_came(cases.create_case, **care.question()) == OF_CASES[fault]

    assert len(sandbox.connect_cases()) == (1 if when == "after" else 0)
    [entry] = sandbox.requests(CREATE)
    assert (entry["outcome"], entry["executed"]) == (fault, when == "after")


@pytest.mark.parametrize(
    ("code", "status"),
    [("ConflictException", 409), ("AccessDeniedException", 403), ("ServiceQuotaExceededException", 402), ("Odd", 400)],
)
def test_error_by_name_has_the_models_status(care, cases, sandbox, code, status):
    sandbox.fault("connectcases.*", "error", code=code)

    [fault] = sandbox.faults()

    assert (fault["status"] or 400) == status
    assert sandbox.fault("connectcases.*", "error", code=code, status=418)
    assert sandbox.faults()[1]["status"] == 418


def test_services_name_the_same_trouble_each_in_its_way(care, clients, sandbox):
    search = {"DomainName": "customer-care", "KeyName": "_email", "Values": ["x"]}
    calls = {
        "customer-profiles": (clients.profiles().search_profiles, search, "InternalServerException"),
        "connect": (
            clients.connect().search_users,
            {"InstanceId": care.told["instanceId"]},
            "InternalServiceException",
        ),
    }
    for service, (operation, params, name) in calls.items():
        sandbox.fault(f"{service}.*", "error_500")
        sandbox.fault(f"{service}.*", "throttle")
        assert [refusal(operation, **params) for _ in range(2)] == [(name, 500), ("ThrottlingException", 429)]


def test_fault_can_be_one_accounts(care, cases, sandbox):
    sandbox.fault("connectcases.*", "error_503", times=None, account="444455556666")

    cases.list_domains()
    sandbox.fault("connectcases.*", "error_503", times=None, account=ACME)
    assert what_came(cases.list_domains) == ("503", 503)


def test_lists_with_empty_entries(care, clients, sandbox):
    case_id = clients.cases().create_case(**care.question())["caseId"]
    asked = {"domainId": care.domain_id}
    sandbox.fault("connectcases.SearchCases", "nulls")
    sandbox.fault("connectcases.GetCaseAuditEvents", "nulls")
    client = unchecked(clients)

    assert [each and each["caseId"] for each in client.search_cases(**asked)["cases"]] == [None, case_id]
    events = client.get_case_audit_events(**asked, caseId=case_id)["auditEvents"]
    assert [each and each["type"] for each in events] == [None, "Case.Created"]


def test_values_that_the_sdk_does_not_know(care, clients, sandbox):
    case_id = clients.cases().create_case(**care.question())["caseId"]
    sandbox.fault("connectcases.GetCase", "unknown_members")

    answer = unchecked(clients).get_case(domainId=care.domain_id, caseId=case_id, fields=[{"id": "title"}])

    assert answer["fields"] == [{"id": "title", "value": {"SDK_UNKNOWN_MEMBER": {"name": "fromTheFuture"}}}]


def unchecked(clients):
    from tests.sandbox.model import check_answer

    client = clients.make("connectcases", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}")
    client.meta.events.unregister("after-call", check_answer)
    return client
