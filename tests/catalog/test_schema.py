"""The catalogue as frozen values."""

import dataclasses

import pytest

from casesite.catalog import schema
from casesite.catalog.schema import Category, Service, SupportSnapshot

SERVICES = [
    ("s3", "Storage (S3)", [("slow", "Slow"), ("api", "APIs")]),
    ("billing", "Billing", [("other", "Other billing questions")]),
    ("athena", "Athena", []),
]
SEVERITIES = [("low", "Low"), ("urgent", "Urgent")]


@pytest.fixture
def snapshot():
    return SupportSnapshot.from_content(schema.content_of(SERVICES, SEVERITIES))


def test_snapshot_is_in_order_of_names_but_severities_in_that_of_aws(snapshot):
    assert snapshot.choices() == [("athena", "Athena"), ("billing", "Billing"), ("s3", "Storage (S3)")]
    assert snapshot.category_choices("s3") == [("api", "APIs"), ("slow", "Slow")]
    assert snapshot.severity_choices() == SEVERITIES


def test_account_questions_see_their_services_first_and_all_the_others(snapshot):
    assert [code for code, _name in snapshot.choices("customer-service")] == ["billing", "athena", "s3"]


def test_codes_find_their_rows(snapshot):
    assert snapshot.service("athena") == Service("athena", "Athena")
    assert snapshot.category("s3", "slow") == Category("slow", "Slow")
    assert snapshot.severity("urgent").name == "Urgent"


def test_unknown_codes_find_nothing(snapshot):
    assert snapshot.service("dynamo") is None
    assert snapshot.category("billing", "slow") is None  # a category of another service
    assert snapshot.category("dynamo", "slow") is None
    assert snapshot.severity("critical") is None
    assert snapshot.category_choices("dynamo") == []


@pytest.mark.parametrize("change", ["services", "severities"])
def test_snapshot_cannot_be_changed(snapshot, change):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(snapshot, change, ())


def test_hash_is_that_of_the_content_not_of_its_order():
    again = schema.content_of(reversed(SERVICES), SEVERITIES)

    assert schema.sha256_of(again) == schema.sha256_of(schema.content_of(SERVICES, SEVERITIES))


@pytest.mark.parametrize(
    ("services", "severities"),
    [
        (SERVICES[1:], SEVERITIES),
        (SERVICES, SEVERITIES[:1]),
        (SERVICES, SEVERITIES[::-1]),
        ([("s3", "Object storage", SERVICES[0][2]), *SERVICES[1:]], SEVERITIES),
    ],
)
def test_other_content_has_another_hash(services, severities):
    other = schema.content_of(services, severities)

    assert schema.sha256_of(other) != schema.sha256_of(schema.content_of(SERVICES, SEVERITIES))
