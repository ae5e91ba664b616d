"""Acting in another account."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.clients import ACME, HOME, OTHER, ROLE, opened, refusal, refusal_in_full


def assumed(clients, caller=HOME, **changes):
    return clients.sts(caller).assume_role(**{"RoleArn": ROLE, "RoleSessionName": "casesite-7F3K9Q2M", **changes})


def test_account_knows_itself(sandbox, clients):
    who = clients.sts(ACME).get_caller_identity()

    assert (who["Account"], who["Arn"]) == (ACME, f"arn:aws:iam::{ACME}:user/sandbox")


def test_assumed_role_acts_in_the_roles_account(sandbox, clients):
    answer = assumed(clients)
    session = clients.with_session(answer["Credentials"])

    case_id = opened(session)

    who = clients.with_session(answer["Credentials"], "sts").get_caller_identity()
    arn = f"arn:aws:sts::{OTHER}:assumed-role/CasesiteSupportRole/casesite-7F3K9Q2M"
    assert (who["Account"], who["Arn"], answer["AssumedRoleUser"]["Arn"]) == (OTHER, arn, arn)
    assert who["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    [case] = sandbox.cases()
    assert (case.case_id, case.account_id) == (case_id, OTHER)
    assert case.communications[0]["submittedBy"] == f"CasesiteSupportRole (Role) <aws-{OTHER}@example.com>"


def test_credentials_last_as_long_as_asked(sandbox, clients):
    short, usual = assumed(clients, DurationSeconds=900), assumed(clients)

    for answer, span in ((short, 900), (usual, 3600)):
        left = answer["Credentials"]["Expiration"] - datetime.now(UTC)
        assert abs(left - timedelta(seconds=span)) < timedelta(seconds=5)


def test_undeclared_role_takes_any_external_id(sandbox, clients):
    assumed(clients)
    assumed(clients, ExternalId="whatever")


@pytest.mark.parametrize("given", [{}, {"ExternalId": "wrong"}, {"ExternalId": "ACME-7f1c"}])
def test_declared_role_demands_its_external_id(sandbox, clients, given):
    sandbox.account(OTHER, role_arn=ROLE, external_id="acme-7f1c")

    code, status, message = refusal_in_full(
        clients.sts().assume_role, RoleArn=ROLE, RoleSessionName="casesite", **given
    )

    assert (code, status) == ("AccessDenied", 403)
    assert (
        message
        == f"User: arn:aws:iam::{HOME}:user/sandbox is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    )
    assumed(clients, ExternalId="acme-7f1c")
    assumed(clients, RoleArn=f"arn:aws:iam::{OTHER}:role/Another", **given)


def test_denied_role_cannot_be_assumed_but_everyone_may_ask_who_they_are(sandbox, clients):
    session = clients.with_session(assumed(clients)["Credentials"], "sts")
    sandbox.account(OTHER, denied=["sts:AssumeRole", "sts:GetCallerIdentity"])

    assert refusal(clients.sts().assume_role, RoleArn=ROLE, RoleSessionName="casesite") == ("AccessDenied", 403)
    assert session.get_caller_identity()["Account"] == OTHER


def test_role_assumed_from_a_role_lasts_an_hour_at_most(sandbox, clients):
    chained = clients.with_session(assumed(clients)["Credentials"], "sts")
    role = f"arn:aws:iam::{ACME}:role/Next"

    too_long = {"RoleArn": role, "RoleSessionName": "casesite", "DurationSeconds": 7200}

    assert refusal(chained.assume_role, **too_long) == ("ValidationError", 400)
    credentials = chained.assume_role(RoleArn=role, RoleSessionName="casesite")["Credentials"]
    assert clients.with_session(credentials, "sts").get_caller_identity()["Account"] == ACME


@pytest.mark.parametrize("arn", ["arn:aws:iam::123:role/Short", "arn:aws:s3:::a-bucket-of-some-name"])
def test_arn_of_something_else_is_refused(sandbox, clients, arn):
    assert refusal(clients.sts().assume_role, RoleArn=arn, RoleSessionName="casesite") == ("ValidationError", 400)


def test_role_with_a_path_has_its_name_in_the_session(sandbox, clients):
    answer = assumed(clients, RoleArn=f"arn:aws:iam::{OTHER}:role/support/desk/Casesite")

    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{OTHER}:assumed-role/Casesite/casesite-7F3K9Q2M"


def test_sessions_outlive_a_reset(sandbox, clients):
    session = clients.with_session(assumed(clients)["Credentials"])

    sandbox.reset()

    assert session.describe_cases()["cases"] == []
