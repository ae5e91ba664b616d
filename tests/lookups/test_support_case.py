"""Tests of reading one case at AWS, against the simulator."""

import pytest

from casesite.lookups.answer import answer_open
from casesite.lookups.models import LookupState
from casesite.lookups.questions import ask
from casesite.lookups.support_case import last_line
from tests.factories import a_team, an_account

ACCOUNT = "111111111111"
BODY = "It took 11 minutes.\n\nRef: CS-7GQ4-KM2X-9TZA-P3RW"


@pytest.fixture
def account(sandbox, db, settings):
    settings.GATE_RATE = settings.GATE_BURST = 1000
    sandbox.account(ACCOUNT)
    return an_account(a_team(), account_id=ACCOUNT)


def asked(account, **params):
    lookup = ask("adopt_case", account, params)
    answer_open(account.pk)
    lookup.refresh_from_db()
    assert lookup.state == LookupState.ANSWERED
    return lookup.answer


@pytest.mark.parametrize("by", ["case_id", "display_id"])
def test_case_is_read_by_either_id(by, sandbox, account, bells):
    opened = sandbox.open_case(ACCOUNT, subject="RDS failover", body=BODY)
    sandbox.reply(opened.case_id, "We look into it.\nRef: CS-0000-0000-0000-0000")

    told = asked(account, **{by: getattr(opened, by)})

    assert told["found"] is True
    assert (told["case_id"], told["display_id"]) == (opened.case_id, opened.display_id)
    assert (told["subject"], told["status"]) == ("RDS failover", sandbox.cases()[0].status)
    assert told["created_at"].startswith(opened.time_created[:19])
    assert told["last_line"] == "Ref: CS-7GQ4-KM2X-9TZA-P3RW"
    assert "11 minutes" not in str(told)


@pytest.mark.parametrize(
    "params",
    [{"case_id": "case-111111111111-muen-2026-0123456789abcdef"}, {"display_id": "170123456700123"}],
    ids=["case_id", "display_id"],
)
def test_case_that_is_not_there_is_told_so(params, account, bells):
    assert asked(account, **params) == {"found": False}


def test_case_of_another_account_is_not_there(sandbox, account, bells):
    sandbox.account("222222222222")
    opened = sandbox.open_case("222222222222")

    assert asked(account, case_id=opened.case_id) == {"found": False}


@pytest.mark.parametrize(
    ("body", "line"),
    [("", ""), ("one", "one"), ("one\n\ntwo", "two"), ("one\r\ntwo\r\n \n", "two"), ("one\ntwo \n", "two")],
)
def test_last_line_is_the_last_with_something_on_it(body, line):
    assert last_line(body) == line
