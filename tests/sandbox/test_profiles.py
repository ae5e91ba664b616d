"""Finding customers and users, and which domains belong to which instance."""

import pytest

from tests.sandbox.care import EXAMPLE
from tests.sandbox.clients import ACME, OTHER, refusal

DOMAIN = "customer-care"


@pytest.fixture
def profiles(sandbox, clients):
    return clients.profiles(ACME)


@pytest.fixture
def connect(sandbox, clients):
    return clients.connect(ACME)


def numbers(answer):
    return [each["AccountNumber"] for each in answer["Items"]]


@pytest.mark.parametrize("asked", EXAMPLE["profile_searches"], ids=lambda each: each["KeyName"])
def test_customer_is_found_as_documented(example, profiles, asked):
    [found] = profiles.search_profiles(**asked)["Items"]

    [told] = EXAMPLE["profiles"]
    assert found["ProfileId"] == told["id"]
    assert {name: found[name] for name in told if name != "id"} == {k: v for k, v in told.items() if k != "id"}
    assert found["FoundByItems"][0] == {"KeyName": asked["KeyName"], "Values": asked["Values"]}


def test_namesakes_are_told_apart(care, profiles):
    answer = profiles.search_profiles(DomainName=DOMAIN, KeyName="_fullName", Values=["Sam Demo"])

    assert numbers(answer) == ["C-88120", "C-88121", "C-90077"]
    assert len({each["EmailAddress"] for each in answer["Items"]}) == 3


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("_account", ["C-10007"], ["C-10007"]),
        ("_email", ["customer07@example.com"], ["C-10007"]),
        ("_phone", ["+15550100307"], ["C-10007"]),
        ("_phone", ["+15550100207", "+15550100208"], ["C-10007", "C-10008"]),
        ("_fullName", ["Customer Number 07"], ["C-10007"]),
        ("_fullName", ["Customer"], []),
        ("_email", ["CUSTOMER07@example.com"], []),
    ],
)
def test_keys_find_whole_values(care, profiles, key, values, expected):
    assert numbers(profiles.search_profiles(DomainName=DOMAIN, KeyName=key, Values=values)) == expected


def test_keys_are_joined_by_or_unless_told(care, profiles):
    asked = {"DomainName": DOMAIN, "KeyName": "_fullName", "Values": ["Sam Demo"]}
    other = [{"KeyName": "_email", "Values": ["sam.demo1@example.com", "customer01@example.com"]}]

    def found(**more):
        return numbers(profiles.search_profiles(**asked, AdditionalSearchKeys=other, **more))

    assert found(LogicalOperator="AND") == ["C-88121"]
    assert found() == found(LogicalOperator="OR") == ["C-88120", "C-88121", "C-90077", "C-10001"]
    answer = profiles.search_profiles(**asked, AdditionalSearchKeys=other, LogicalOperator="AND")
    assert [each["KeyName"] for each in answer["Items"][0]["FoundByItems"]] == ["_fullName", "_email"]


def test_customers_come_in_pages(care, profiles):
    phones = [f"+155501002{number:02d}" for number in range(1, 41)]
    asked = {"DomainName": DOMAIN, "KeyName": "_phone", "Values": phones}

    first = profiles.search_profiles(**asked)
    second = profiles.search_profiles(**asked, NextToken=first["NextToken"])

    assert (len(first["Items"]), len(second["Items"])) == (20, 20)
    assert not set(numbers(first)) & set(numbers(second))
    assert "NextToken" not in second
    assert len(profiles.search_profiles(**asked, MaxResults=100)["Items"]) == 40


def test_removed_customer_is_not_found(care, profiles, sandbox):
    sandbox.connect_delete(care.domain_id, "profiles", care.told["profiles"][0]["id"])

    assert numbers(profiles.search_profiles(DomainName=DOMAIN, KeyName="_account", Values=["C-88120"])) == []


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"KeyName": "_colour"}, "BadRequestException", 400),
        ({"KeyName": "with blank"}, "BadRequestException", 400),
        ({"Values": ["x" * 256]}, "BadRequestException", 400),
        ({"LogicalOperator": "XOR"}, "BadRequestException", 400),
        ({"MaxResults": 101}, "BadRequestException", 400),
        ({"NextToken": "nonsense"}, "BadRequestException", 400),
        ({"DomainName": "nobodys"}, "ResourceNotFoundException", 404),
        ({"AdditionalSearchKeys": [{"KeyName": "_email", "Values": ["x"]}] * 5}, "BadRequestException", 400),
    ],
)
def test_search_that_makes_no_sense_is_refused(care, profiles, changes, code, status):
    asked = {"DomainName": DOMAIN, "KeyName": "_email", "Values": ["x"], **changes}

    assert refusal(profiles.search_profiles, **asked) == (code, status)


def test_domains_of_profiles_belong_to_account_and_region(care, clients):
    assert [each["DomainName"] for each in clients.profiles(ACME).list_domains()["Items"]] == [DOMAIN]
    assert clients.profiles(ACME).get_domain(DomainName=DOMAIN)["Stats"]["ProfileCount"] == 43
    for stranger in (clients.profiles(OTHER), clients.profiles(ACME, "eu-west-2")):
        assert stranger.list_domains()["Items"] == []
        assert refusal(stranger.get_domain, DomainName=DOMAIN) == ("ResourceNotFoundException", 404)


def test_domain_without_profiles_has_none(sandbox, profiles):
    sandbox.connect_domain(ACME)

    assert profiles.list_domains()["Items"] == []


def test_integrations_lead_from_the_instance_to_both_domains(care, profiles, connect):
    instance = care.told["instanceArn"]

    [of_account] = profiles.list_account_integrations(Uri=instance)["Items"]
    [of_domain] = profiles.list_integrations(DomainName=DOMAIN)["Items"]
    [association] = connect.list_integration_associations(
        InstanceId=care.told["instanceId"], IntegrationType="CASES_DOMAIN"
    )["IntegrationAssociationSummaryList"]

    assert (of_account["DomainName"], of_domain["Uri"]) == (DOMAIN, instance)
    assert association["IntegrationArn"] == care.told["domainArn"]
    assert profiles.list_account_integrations(Uri=instance + "x")["Items"] == []
    others = connect.list_integration_associations(InstanceId=care.told["instanceId"], IntegrationType="VOICE_ID")
    assert others["IntegrationAssociationSummaryList"] == []


# --- users -------------------------------------------------------------------------------------------------------------
def by(name, value, how):
    return {"StringCondition": {"FieldName": name, "Value": value, "ComparisonType": how}}


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (by("FirstName", "alex", "EXACT"), ["alex.demo", "alex.demo2"]),
        (by("Username", "alex.demo", "EXACT"), ["alex.demo"]),
        (by("Username", "ALEX", "STARTS_WITH"), ["alex.demo", "alex.demo2"]),
        (by("Username", "im", "CONTAINS"), ["kim.demo"]),
        (
            {"OrConditions": [by("FirstName", "Kim", "EXACT"), by("FirstName", "Sam", "EXACT")]},
            ["kim.demo", "sam.demo"],
        ),
        ({"AndConditions": [by("FirstName", "Alex", "EXACT"), by("Username", "2", "CONTAINS")]}, ["alex.demo2"]),
    ],
)
def test_users_are_searched_by_name(care, connect, criteria, expected):
    answer = connect.search_users(InstanceId=care.told["instanceId"], SearchCriteria=criteria)

    assert [each["Username"] for each in answer["Users"]] == expected
    assert answer["ApproximateTotalCount"] == len(expected)


def test_users_come_in_pages_and_are_described(care, connect):
    instance = care.told["instanceId"]
    first = connect.search_users(InstanceId=instance, MaxResults=5)
    second = connect.search_users(InstanceId=instance, MaxResults=5, NextToken=first["NextToken"])
    user = first["Users"][0]

    described = connect.describe_user(InstanceId=instance, UserId=user["Id"])["User"]

    assert (len(first["Users"]), len(second["Users"])) == (5, 3)
    assert (described["Arn"], described["IdentityInfo"]["Email"]) == (care.user, "alex.demo@example.com")


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        (by("ShoeSize", "44", "EXACT"), "InvalidParameterException"),
        ({"HierarchyGroupCondition": {"Value": "x"}}, "InvalidParameterException"),
        (by("Username", "x", "SOUNDS_LIKE"), "InvalidRequestException"),
    ],
)
def test_search_of_users_that_makes_no_sense_is_refused(care, connect, criteria, code):
    asked = {"InstanceId": care.told["instanceId"], "SearchCriteria": criteria}

    assert refusal(connect.search_users, **asked) == (code, 400)


def test_unknown_users_and_instances_are_not_found(care, connect, clients):
    instance = care.told["instanceId"]

    assert refusal(connect.describe_user, InstanceId=instance, UserId="nobody") == ("ResourceNotFoundException", 404)
    assert refusal(connect.search_users, InstanceId="x") == ("ResourceNotFoundException", 404)
    assert refusal(clients.connect(OTHER).search_users, InstanceId=instance) == ("ResourceNotFoundException", 404)
