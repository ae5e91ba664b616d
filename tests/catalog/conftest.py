"""An account at the simulator, declared there and here alike."""

import pytest

from tests.factories import a_team, an_account

ACCOUNT = "111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/CaseOpener"
EXTERNAL_ID = "casesite-payments"


@pytest.fixture
def aws(sandbox, settings):
    """The simulator, without waiting for its rates."""
    settings.GATE_RATE = settings.GATE_BURST = 1000
    sandbox.settings(calls_per_second=1000)
    return sandbox


@pytest.fixture
def team(db):
    return a_team()


@pytest.fixture
def account(aws, team):
    """Never checked; with a role that asks for an external id."""
    aws.account(ACCOUNT, role_arn=ROLE, external_id=EXTERNAL_ID)
    return an_account(
        team, account_id=ACCOUNT, name="Payments prod", role_arn=ROLE, external_id=EXTERNAL_ID, checked=False
    )
