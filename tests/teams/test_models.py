"""What an account may not be."""

import pytest
from django.core.exceptions import ValidationError

from casesite.teams.models import AwsAccount

pytestmark = pytest.mark.django_db
GOOD = {
    "account_id": "111122223333",
    "name": "Payments prod",
    "role_arn": "arn:aws:iam::111122223333:role/support/CaseOpener",
    "external_id": "casesite-1",
    "cases_per_hour": 10,
    "reserved_urgent": 3,
}


def test_good_account_passes():
    AwsAccount(**GOOD).full_clean()


@pytest.mark.parametrize(
    "arn", ["", "arn:aws-us-gov:iam::111122223333:role/CaseOpener", "arn:aws-cn:iam::111122223333:role/a"]
)
def test_role_may_be_missing_and_of_any_partition(arn):
    AwsAccount(**GOOD | {"role_arn": arn}).full_clean()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_id", "11112222333"),
        ("account_id", "11112222333a"),
        ("account_id", "111122223333\n"),
        ("role_arn", "arn:aws:iam::111122223333:user/CaseOpener"),
        ("role_arn", "arn:aws:iam::999922223333:role/CaseOpener"),
        ("external_id", "x"),
        ("external_id", "with blank"),
        ("cases_per_hour", 0),
        ("reserved_urgent", 10),
    ],
)
def test_fault_is_named_at_its_field(field, value):
    with pytest.raises(ValidationError) as told:
        AwsAccount(**GOOD | {field: value}).full_clean()

    assert field in told.value.message_dict
