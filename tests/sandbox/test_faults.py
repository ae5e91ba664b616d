"""Each fault in both forms: the call not carried out, and carried out but reported as failed."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.sandbox.clients import ACME, OTHER, ROLE, a_case, opened, refusal
from tests.sandboxes import SandboxRefused

CREATE = "support.CreateCase"
WHEN = ["before", "after"]


def what_came(operation, **params):
    """What the caller of boto3 sees: an exception's class, an error's code and status, or the answer."""
    try:
        answer = operation(**params)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    except (ConnectionClosedError, ReadTimeoutError) as error:
        return type(error)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


SEEN = {
    "drop": ConnectionClosedError,
    "reset": ConnectionClosedError,
    "hang": ConnectionClosedError,
    "error_500": ("InternalServerError", 500),
    "error_502": ("502", 502),
    "error_503": ("503", 503),
    "empty": {},
    "cut": {},
    "foreign": {},
    "throttle": ("ThrottlingException", 400),
    "error": ("LimitExceededException", 429),
}


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("fault", SEEN)
def test_fault_looks_the_same_whether_the_case_was_opened_or_not(support, sandbox, fault, when):
    more = (
        {"seconds": 0.1}
        if fault == "hang"
        else {"code": "LimitExceededException", "status": 429}
        if fault == "error"
        else {}
    )
    sandbox.fault(CREATE, fault, when, **more)

    # the made-up code of `error` is in no model
    client = support if fault != "error" else unchecked(sandbox)
    assert what_came(client.create_case, **a_case()) == SEEN[fault]

    assert len(sandbox.cases()) == (1 if when == "after" else 0)
    [entry] = sandbox.requests(CREATE)
    assert (entry["outcome"], entry["executed"]) == (fault, when == "after")
    assert entry["case_id"] == (sandbox.cases()[0].case_id if when == "after" else None)
    assert sandbox.faults() == []
    opened(support)


def unchecked(sandbox):
    from tests.sandbox.clients import Clients
    from tests.sandbox.model import check_answer

    client = Clients(sandbox.url).support(ACME)
    client.meta.events.unregister("after-call", check_answer)
    return client


@pytest.mark.parametrize("when", WHEN)
def test_hang_longer_than_the_client_waits(sandbox, clients, when):
    client = clients.make("support", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}", read_timeout=0.3)
    sandbox.fault(CREATE, "hang", when, seconds=1)

    assert what_came(client.create_case, **a_case()) is ReadTimeoutError

    assert len(sandbox.cases()) == (1 if when == "after" else 0)
    [entry] = sandbox.requests()
    assert (entry["outcome"], entry["http_status"]) == ("hang", None)


@pytest.mark.parametrize("when", WHEN)
def test_slow_answer_is_a_right_one(support, sandbox, when):
    sandbox.fault(CREATE, "slow", when, seconds=0.2)
    started = time.monotonic()

    case_id = opened(support)

    assert time.monotonic() - started >= 0.2
    assert [case.case_id for case in sandbox.cases()] == [case_id]
    assert sandbox.requests()[0]["outcome"] == "slow"


def test_slow_before_opens_the_case_late_and_slow_after_at_once(sandbox, clients):
    client = clients.make("support", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}", read_timeout=0.15)
    for when, there in (("before", 0), ("after", 1)):
        sandbox.fault(CREATE, "slow", when, seconds=0.5)
        assert what_came(client.create_case, **a_case()) is ReadTimeoutError
        assert len(sandbox.cases()) == there
        time.sleep(0.5)
        assert len(sandbox.cases()) == 1
        sandbox.reset()


@pytest.mark.parametrize("when", WHEN)
def test_late_call_is_carried_out_after_the_client_has_lost_it(support, sandbox, when):
    sandbox.fault(CREATE, "late", when, seconds=0.3)
    started = time.monotonic()

    assert what_came(support.create_case, **a_case()) is ConnectionClosedError

    if when == "before":
        assert time.monotonic() - started < 0.3
        assert sandbox.cases() == []
        [entry] = sandbox.requests()
        assert (entry["outcome"], entry["executed"]) == ("late", False)
        time.sleep(0.45)
    [case] = sandbox.cases()
    [entry] = sandbox.requests()
    assert (entry["outcome"], entry["executed"], entry["case_id"], entry["http_status"]) == (
        "late",
        True,
        case.case_id,
        None,
    )


def test_reset_drops_calls_held_back(support, sandbox):
    sandbox.fault(CREATE, "late", seconds=0.2)
    what_came(support.create_case, **a_case())

    sandbox.reset()

    time.sleep(0.3)
    assert sandbox.cases() == []


def test_late_call_may_still_be_refused(support, sandbox):
    sandbox.account(ACME, cases_per_hour=0)
    sandbox.fault(CREATE, "late", seconds=0)
    what_came(support.create_case, **a_case())
    time.sleep(0.1)

    [entry] = sandbox.requests()
    assert (entry["outcome"], entry["executed"], entry["error_code"]) == ("late", False, "CaseCreationLimitExceeded")


def test_fault_after_waits_for_a_call_that_succeeds(support, sandbox):
    sandbox.lose_answer(CREATE)

    assert refusal(support.create_case, **a_case(categoryCode="x")) == ("InvalidParameterValueException", 400)
    assert refusal(support.create_case, **a_case(dryRun=True)) == ("DryRunOperationException", 400)
    assert what_came(support.create_case, **a_case()) is ConnectionClosedError

    assert len(sandbox.cases()) == 1


def test_fault_strikes_as_often_as_asked(support, sandbox):
    sandbox.fault(CREATE, "throttle", times=2)

    results = [what_came(support.create_case, **a_case()) for _ in range(3)]

    assert results[:2] == [("ThrottlingException", 400)] * 2
    assert "caseId" in results[2]


def test_fault_stays_until_it_is_switched_off(support, sandbox):
    number = sandbox.fault("support.*", "error_503", times=None)
    for _ in range(4):
        assert what_came(support.describe_cases) == ("503", 503)
    assert sandbox.faults()[0]["times"] is None

    sandbox.clear_faults(number)

    assert what_came(support.describe_cases) == {"cases": []}


@pytest.mark.parametrize(
    ("operation", "account", "struck"),
    [
        ("support.CreateCase", "*", True),
        ("support.CreateCase", ACME, True),
        ("support.*", ACME, True),
        ("*", "*", True),
        ("support.CreateCase", OTHER, False),
        ("support.DescribeCases", "*", False),
        ("sts.*", "*", False),
    ],
)
def test_fault_strikes_only_where_it_was_aimed(support, sandbox, operation, account, struck):
    sandbox.fault(operation, "throttle", account=account)

    assert (what_came(support.create_case, **a_case()) == ("ThrottlingException", 400)) is struck


def test_fault_can_be_kept_to_dry_runs_or_away_from_them(support, sandbox):
    sandbox.fault(CREATE, "throttle", dry_run=False)

    assert refusal(support.create_case, **a_case(dryRun=True)) == ("DryRunOperationException", 400)
    assert refusal(support.create_case, **a_case()) == ("ThrottlingException", 400)


def test_assuming_a_role_can_fail_for_the_roles_account(sandbox, clients):
    sandbox.fault("sts.AssumeRole", "error_500", account=OTHER)

    params = {"RoleArn": ROLE, "RoleSessionName": "casesite"}

    assert what_came(clients.sts().assume_role, **params) == ("InternalFailure", 500)
    assert "Credentials" in what_came(clients.sts().assume_role, **params)


def test_faults_of_sts_speak_its_protocol(sandbox, clients):
    sandbox.fault("sts.*", "throttle")
    sandbox.fault("sts.*", "error", code="RegionDisabledException", status=403, message="a < b & c")

    assert what_came(clients.sts().get_caller_identity) == ("Throttling", 400)
    with pytest.raises(ClientError, match="a < b & c"):
        clients.sts().assume_role(RoleArn=ROLE, RoleSessionName="casesite")


def test_lost_answer_among_many_at_once_is_lost_once(sandbox, clients):
    sandbox.settings(cases_per_hour=100)
    client = clients.make("support", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}", max_pool_connections=8)
    sandbox.lose_answer(CREATE, times=3)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: what_came(client.create_case, **a_case()), range(40)))

    assert results.count(ConnectionClosedError) == 3
    assert len(sandbox.cases()) == 40
    assert [entry["outcome"] for entry in sandbox.requests()].count("drop") == 3


def test_hanging_requests_hold_up_nobody_else(sandbox, clients):
    sandbox.fault(CREATE, "hang", times=None, seconds=1)
    client = clients.make(
        "support", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}", max_pool_connections=50, read_timeout=0.2
    )

    with ThreadPoolExecutor(50) as pool:
        hanging = [pool.submit(what_came, client.create_case, **a_case()) for _ in range(50)]
        started = time.monotonic()
        assert what_came(clients.support(OTHER).describe_cases) == {"cases": []}
        assert time.monotonic() - started < 1
        assert {each.result() for each in hanging} == {ReadTimeoutError}


@pytest.mark.parametrize(
    "wrong",
    [
        {"fault": "explode"},
        {"operation": "CreateCase"},
        {"when": "meanwhile"},
        {"times": 0},
        {"times": 1.5},
        {"account": "12"},
        {"status": 200},
        {"seconds": -1},
        {"colour": "red"},
        {"dry_run": "no"},
        {"code": 5},
    ],
)
def test_fault_that_makes_no_sense_is_refused(sandbox, wrong):
    with pytest.raises(SandboxRefused) as refused:
        sandbox.fault(**{"operation": CREATE, "fault": "drop", **wrong})

    assert refused.value.status == 400
    assert sandbox.faults() == []
