"""Rates of Connect's operations, and what policies deny."""

import time

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.clients import ACME, OTHER, refusal, refusal_in_full
from tests.sandboxes import SandboxRefused


def allowed_at_once(operation, tries=14, **params):
    """How many calls get through before the first one is throttled."""
    for number in range(tries):
        try:
            operation(**params)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ThrottlingException"
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 429
            return number
    return tries


@pytest.mark.parametrize(("operation", "burst"), [("list_templates", 10), ("list_fields", 5), ("list_case_rules", 10)])
def test_bursts_are_the_documented_ones(care, cases, sandbox, operation, burst):
    sandbox.settings(connect_rates=None)

    assert allowed_at_once(getattr(cases, operation), domainId=care.domain_id) in (burst, burst + 1)


def test_each_operation_region_and_account_has_a_limit_of_its_own(care, cases, sandbox, clients):
    sandbox.connect_demo(OTHER)
    sandbox.settings(connect_rates={"*": [0.5, 1]})
    cases.list_templates(domainId=care.domain_id)
    cases.list_domains()

    assert refusal_in_full(cases.list_templates, domainId=care.domain_id) == (
        "ThrottlingException",
        429,
        "Rate exceeded",
    )
    assert refusal(cases.list_domains) == ("ThrottlingException", 429)
    cases.list_fields(domainId=care.domain_id)
    clients.cases(ACME, "eu-central-1").list_domains()
    clients.cases(OTHER).list_domains()


def test_tokens_come_back_at_the_rate(care, cases, sandbox):
    sandbox.settings(connect_rates={"connectcases.GetDomain": [10, 1]})
    cases.get_domain(domainId=care.domain_id)
    assert refusal(cases.get_domain, domainId=care.domain_id) == ("ThrottlingException", 429)

    time.sleep(0.15)

    cases.get_domain(domainId=care.domain_id)


def test_account_can_differ(care, cases, sandbox):
    sandbox.account(ACME, connect_rates={"connectcases.GetDomain": [1, 2]})

    assert allowed_at_once(cases.get_domain, domainId=care.domain_id) == 2
    assert allowed_at_once(cases.list_fields, domainId=care.domain_id) == 14


@pytest.mark.parametrize("rates", [[2, 10], {"GetDomain": [1, 1]}, {"*": [1]}, {"*": [0, 1]}, {"*": ["a", 1]}])
def test_rates_that_make_no_sense_are_refused(sandbox, rates):
    with pytest.raises(SandboxRefused) as refused:
        sandbox.settings(connect_rates=rates)

    assert refused.value.status == 400


@pytest.mark.parametrize("denied", ["cases:ListTemplates", "cases:*"])
def test_denied_action_is_refused_by_name(care, cases, sandbox, denied):
    sandbox.account(ACME, denied=[denied])

    code, status, message = refusal_in_full(cases.list_templates, domainId=care.domain_id)

    assert (code, status) == ("AccessDeniedException", 403)
    assert message.endswith("is not authorized to perform: cases:ListTemplates")


def test_profiles_and_connect_have_prefixes_of_their_own(care, clients, sandbox):
    sandbox.account(ACME, denied=["profile:SearchProfiles", "connect:*"])
    search = {"DomainName": "customer-care", "KeyName": "_email", "Values": ["x"]}

    assert refusal(clients.profiles().search_profiles, **search) == ("AccessDeniedException", 403)
    assert refusal(clients.connect().search_users, InstanceId="x") == ("AccessDeniedException", 403)
    clients.profiles().list_domains()
    clients.cases().list_domains()
