"""Tests of the way from a draft to AWS's parameters and their hash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casesite.submissions import payloads
from tests.factories import a_draft, a_submission, an_account

MARKER = "CS-7GQ4-KM2X-9TZA-P3RW"
CONTENT = {
    "issue_type": "technical",
    "service_code": "amazon-relational-database-service",
    "category_code": "failover",
    "severity_code": "high",
    "language": "ja",
    "subject": "RDS failover took 11 minutes",
    "communication_body": "It took 11 minutes.",
    "cc_email_addresses": ["oncall@example.com"],
}


def test_payload_is_what_create_case_takes():
    assert payloads.support_payload(CONTENT, MARKER) == {
        "subject": "RDS failover took 11 minutes",
        "serviceCode": "amazon-relational-database-service",
        "severityCode": "high",
        "categoryCode": "failover",
        "communicationBody": f"It took 11 minutes.\n\nRef: {MARKER}",
        "language": "ja",
        "issueType": "technical",
        "ccEmailAddresses": ["oncall@example.com"],
    }


def test_payload_without_copies_leaves_the_parameter_out():
    assert "ccEmailAddresses" not in payloads.support_payload(CONTENT | {"cc_email_addresses": []}, MARKER)


@pytest.mark.parametrize(
    ("typed", "addresses"),
    [
        ("", ()),
        ("a@example.com", ("a@example.com",)),
        ("a@example.com, b@example.com;c@example.com\nd@example.com e@example.com", tuple("abcde")),
        (" a@example.com ,,; a@example.com ", ("a@example.com",)),
    ],
)
def test_addresses_are_parted_by_what_people_type(typed, addresses):
    expected = tuple(name if "@" in name else f"{name}@example.com" for name in addresses)

    assert payloads.split_addresses(typed) == expected


def test_hash_does_not_depend_on_the_order_of_parameters():
    payload = payloads.support_payload(CONTENT, MARKER)
    turned = dict(reversed(payload.items()))

    assert _hash(payload) == _hash(turned)


@given(st.sampled_from(sorted(CONTENT)), st.text(min_size=1, max_size=20, alphabet=st.characters(codec="utf-8")))
def test_hash_changes_with_any_parameter(name, addition):
    value = CONTENT[name]
    changed = CONTENT | {name: [*value, addition] if isinstance(value, list) else value + addition}

    before, after = payloads.support_payload(CONTENT, MARKER), payloads.support_payload(changed, MARKER)

    assert _hash(before) != _hash(after)


def test_hash_changes_with_account_and_operation():
    payload = payloads.support_payload(CONTENT, MARKER)

    hashes = {
        payloads.sha256_of(payload, kind="support_case", account_id="111111111111"),
        payloads.sha256_of(payload, kind="support_case", account_id="222222222222"),
        payloads.sha256_of(payload, kind="reply", account_id="111111111111"),
    }

    assert len(hashes) == 3


@pytest.mark.django_db
def test_submission_keeps_the_hash_of_its_own_payload(bells):
    submission = a_submission(cc_email_addresses="a@example.com; b@example.com", subject="Größe ✓")

    assert submission.payload == payloads.support_payload(submission.content, submission.marker)
    assert submission.payload["ccEmailAddresses"] == ["a@example.com", "b@example.com"]
    assert submission.payload_sha256 == payloads.sha256_of(
        submission.payload, kind=submission.kind, account_id=submission.account.account_id
    )


@pytest.mark.django_db
def test_same_text_twice_has_two_markers_and_two_hashes(bells):
    account = an_account()
    first, second = (a_submission(case=a_draft(account=account)) for _case in range(2))

    assert first.content == second.content
    assert first.marker != second.marker
    assert first.payload_sha256 != second.payload_sha256
    assert first.client_token != second.client_token


def _hash(payload):
    return payloads.sha256_of(payload, kind="support_case", account_id="111111111111")
