"""Ten cases an hour, five calls a second, and what policies deny."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.clients import ACME, OTHER, a_case, opened, refusal, refusal_in_full
from tests.sandboxes import SandboxRefused


def test_eleventh_case_of_the_hour_is_refused(support, sandbox):
    for _ in range(10):
        opened(support)

    assert refusal(support.create_case, **a_case()) == ("CaseCreationLimitExceeded", 400)
    assert len(sandbox.cases()) == 10


def test_hour_belongs_to_the_account(support, sandbox, clients):
    sandbox.account(ACME, cases_per_hour=1)
    opened(support)

    assert refusal(support.create_case, **a_case()) == ("CaseCreationLimitExceeded", 400)
    opened(clients.support(OTHER))
    opened(clients.support(OTHER))


def test_hour_rolls_on(support, sandbox):
    sandbox.settings(cases_per_hour=1, time_scale=3600 / 0.5)
    opened(support)
    assert refusal(support.create_case, **a_case()) == ("CaseCreationLimitExceeded", 400)

    time.sleep(0.55)

    opened(support)


def test_hour_is_over_when_awss_clock_says_so(support, sandbox):
    sandbox.settings(cases_per_hour=1, signature_validity=36_000)
    opened(support)
    sandbox.settings(clock_ahead=3590)
    assert refusal(support.create_case, **a_case()) == ("CaseCreationLimitExceeded", 400)

    sandbox.settings(clock_ahead=3610)

    opened(support)


def test_cases_opened_in_the_console_count(support, sandbox):
    sandbox.account(ACME, cases_per_hour=2)
    sandbox.open_case(ACME)
    opened(support)

    assert refusal(support.create_case, **a_case()) == ("CaseCreationLimitExceeded", 400)
    with pytest.raises(SandboxRefused) as refused:
        sandbox.open_case(ACME)
    assert refused.value.status == 409


def test_refused_cases_and_dry_runs_use_up_nothing(support, sandbox):
    sandbox.account(ACME, cases_per_hour=1)
    refusal(support.create_case, **a_case(categoryCode="x"))
    refusal(support.create_case, **a_case(dryRun=True))

    opened(support)


def test_resolving_a_case_gives_its_place_in_the_hour_back_to_nobody(support, sandbox):
    sandbox.account(ACME, cases_per_hour=1)
    support.resolve_case(caseId=opened(support))

    assert refusal(support.create_case, **a_case()) == ("CaseCreationLimitExceeded", 400)


def test_hour_holds_when_many_ask_at_once(sandbox, clients):
    client = clients.make("support", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}", max_pool_connections=16)

    def attempt(_number):
        try:
            return opened(client)
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(attempt, range(40)))

    assert results.count("CaseCreationLimitExceeded") == 30
    ids = {result for result in results if result.startswith("case-")}
    assert ids == {case.case_id for case in sandbox.cases()}
    assert len({case.display_id for case in sandbox.cases()}) == 10


def test_sixth_call_within_a_second_is_throttled(support, sandbox):
    sandbox.account(ACME, calls_per_second=5)
    for _ in range(5):
        support.describe_severity_levels()

    assert refusal_in_full(support.create_case, **a_case()) == ("ThrottlingException", 400, "Rate exceeded")
    assert sandbox.cases() == []
    time.sleep(0.25)
    opened(support)


def test_time_scale_does_not_stretch_the_rate_of_calls(support, sandbox):
    sandbox.settings(time_scale=1000)
    sandbox.account(ACME, calls_per_second=2)
    support.describe_severity_levels()
    support.describe_severity_levels()

    assert refusal(support.describe_severity_levels) == ("ThrottlingException", 400)


def test_rate_of_calls_is_the_accounts_own_and_no_matter_of_sts(support, sandbox, clients):
    sandbox.account(ACME, calls_per_second=1)
    support.describe_severity_levels()

    assert refusal(support.describe_severity_levels) == ("ThrottlingException", 400)
    clients.support(OTHER).describe_severity_levels()
    for _ in range(3):
        clients.sts(ACME).get_caller_identity()


def test_default_is_five_calls_a_second(support, sandbox):
    sandbox.settings(calls_per_second=None)

    results = []
    for _ in range(8):
        try:
            support.describe_severity_levels()
            results.append("ok")
        except ClientError as error:
            results.append(error.response["Error"]["Code"])

    assert results[:5] == ["ok"] * 5
    assert "ThrottlingException" in results


def test_denied_action_is_refused_by_name(support, sandbox):
    sandbox.account(ACME, denied=["support:CreateCase"])

    code, status, message = refusal_in_full(support.create_case, **a_case())

    assert (code, status) == ("AccessDeniedException", 403)
    assert message == f"User: arn:aws:iam::{ACME}:user/sandbox is not authorized to perform: support:CreateCase"
    assert support.describe_cases()["cases"] == []


def test_whole_service_can_be_denied(support, sandbox):
    sandbox.account(ACME, denied=["support:*"])

    assert refusal(support.describe_cases) == ("AccessDeniedException", 403)


def test_answer_to_create_case_can_take_its_time(support, sandbox):
    sandbox.settings(create_case_latency=0.2)
    started = time.monotonic()

    opened(support)

    assert 0.2 <= time.monotonic() - started < 1.5
