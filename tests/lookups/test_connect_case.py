"""Tests of reading one Connect case at AWS, against the simulator."""

import pytest

from casesite.aws import connect_cases
from casesite.aws.clients import clients
from casesite.aws.errors import Trace
from casesite.lookups.answer import answer_open
from casesite.lookups.models import LookupState
from casesite.lookups.questions import ask
from casesite.lookups.reading import target_of
from casesite.pacing.models import AccountGate
from tests.factories import a_team, an_account
from tests.sandbox.care import Care

ACCOUNT = "111111111111"


@pytest.fixture
def account(sandbox, db, settings):
    settings.GATE_RATE = settings.GATE_BURST = 1000
    sandbox.settings(connect_rates={"*": [1000, 1000]})
    sandbox.account(ACCOUNT)
    return an_account(a_team(), account_id=ACCOUNT, connect_regions="us-east-1")


@pytest.fixture
def care(account, sandbox):
    for domain in sandbox.connect_domains(ACCOUNT):
        sandbox.connect_remove(domain["domainId"])
    return Care(sandbox.connect_demo(ACCOUNT))


def asked(account, care, case_id):
    where = {"region": "us-east-1", "domain_id": care.domain_id, "case_id": case_id, "tag": "casesite-ref"}
    lookup = ask("adopt_connect_case", account, where)
    answer_open(account.pk)
    lookup.refresh_from_db()
    assert lookup.state == LookupState.ANSWERED
    return lookup.answer


def test_case_is_read_with_its_reference_and_no_more_than_that(account, care, bells):
    target = target_of(account)
    params = care.question() | {"tags": {"casesite-ref": "CS-7GQ4-KM2X-9TZA-P3RW", "cost-centre": "4711"}}
    case_id = connect_cases.create_case(
        target, clients.keys(target), "us-east-1", params, Trace("connectcases.CreateCase")
    )

    told = asked(account, care, case_id)

    assert (told["found"], told["case_id"], told["last_line"]) == (True, case_id, "Ref: CS-7GQ4-KM2X-9TZA-P3RW")
    assert told["subject"] == "Question about opening hours"
    assert told["created_at"] and told["status"]
    assert "4711" not in str(told)


def test_unknown_id_is_no_failure(account, care, bells):
    assert asked(account, care, "1b2c3d4e-5f60-4a1b-8c2d-3e4f5a6b7c8d") == {"found": False}
    assert {gate.family for gate in AccountGate.objects.all()} == {"connectcases"}
