"""The control interface: what it tells, what it takes, and from whom."""

import http.client
import json

import pytest

from tests.sandbox.clients import ACME, HOME, OTHER, ROLE, a_case, opened
from tests.sandboxes import SandboxRefused


def ask(sandbox, method, path, body=None, **headers):
    """Status and parsed body of a plain request, with headers of one's own."""
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=5)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_health(sandbox):
    assert ask(sandbox, "GET", "/_sandbox/health") == (200, {"ok": True})


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost", "localhost:8000", "[::1]:80", "127.8.8.8"])
def test_any_loopback_name_is_answered(sandbox, host):
    assert ask(sandbox, "GET", "/_sandbox/health", Host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil.example:80", ""]
)
def test_other_names_are_not(sandbox, host):
    assert ask(sandbox, "GET", "/_sandbox/health", Host=host)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_page_of_another_site_gives_no_orders(sandbox, support, headers, method):
    opened(support)

    path = "/_sandbox/reset" if method == "POST" else "/_sandbox/faults"

    assert ask(sandbox, method, path, **headers)[0] == 403
    assert len(sandbox.cases()) == 1


def test_own_page_does(sandbox):
    headers = {"Origin": sandbox.url, "Sec_Fetch_Site": "same-origin"}

    assert ask(sandbox, "POST", "/_sandbox/reset", **headers)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_sandbox/nothing", None, 404),
        ("PUT", "/_sandbox/settings", "{}", 405),
        ("GET", "/_sandbox/reset", None, 405),
        ("POST", "/_sandbox/settings", "{not json", 400),
        ("POST", "/_sandbox/settings", "[]", 400),
        ("GET", "/_sandbox/requests?since=x", None, 400),
        ("DELETE", "/_sandbox/faults/77", None, 404),
        ("POST", "/_sandbox/cases/case-x/reply", '{"body": "x"}', 404),
        ("POST", "/_sandbox/cases/case-x/resolve", None, 404),
    ],
)
def test_mistakes_are_told(sandbox, method, path, body, status):
    got, answer = ask(sandbox, method, path, body)

    assert (got, list(answer)) == (status, ["error"])


def test_settings_have_aws_defaults_and_return_to_them(sandbox):
    sandbox.reset()
    usual = {
        "cases_per_hour": 10,
        "calls_per_second": 5,
        "visible_after": 0,
        "signature_validity": 300,
        "create_case_latency": 0,
        "time_scale": 1,
        "clock_ahead": 0,
        "part_size": 5_242_880,
        "upload_ready_after": 2,
        "upload_fails_for": "virus",
        "link_validity": 900,
        "attachment_sets_per_minute": 20,
        "connect_rates": {},
        "rules_in_batch": 50,
        "client_token_lifetime": 28_800,
        "hidden_values": "refused",
        "related_items_on_case": 200,
        "files_on_case": 50,
        "attached_file_size": 20_971_520,
    }
    assert sandbox.settings() == usual

    changed = sandbox.settings(cases_per_hour=3, visible_after=2.5, time_scale=60)

    assert changed == {**usual, "cases_per_hour": 3, "visible_after": 2.5, "time_scale": 60}
    assert sandbox.settings(cases_per_hour=None, visible_after=None, time_scale=None) == usual


@pytest.mark.parametrize(
    "wrong",
    [
        {"cases_per_hour": -1},
        {"time_scale": 0},
        {"calls_per_second": "5"},
        {"visible_after": True},
        {"colour": 1},
        {"part_size": 0},
        {"part_size": 104_857_601},
        {"upload_fails_for": 5},
        {"link_validity": 0},
        {"hidden_values": "perhaps"},
        {"rules_in_batch": "4"},
    ],
)
def test_settings_that_make_no_sense_are_refused(sandbox, wrong):
    before = sandbox.settings()

    with pytest.raises(SandboxRefused):
        sandbox.settings(**wrong)

    assert sandbox.settings() == before


def test_account_is_there_when_it_is_used(sandbox, clients):
    clients.sts(HOME).assume_role(RoleArn=ROLE, RoleSessionName="casesite")

    accounts = ask(sandbox, "GET", "/_sandbox/accounts")[1]["accounts"]

    assert [account["account_id"] for account in accounts] == [OTHER]
    assert (accounts[0]["plan"], accounts[0]["cases_per_hour"], accounts[0]["denied"]) == ("business_plus", None, [])


def test_account_keeps_what_is_not_named_and_null_brings_a_default_back(sandbox):
    sandbox.account(ACME, plan="enterprise", cases_per_hour=3, denied=["support:CreateCase"])

    changed = sandbox.account(ACME, cases_per_hour=4)
    blank = sandbox.account(ACME, plan=None, cases_per_hour=None, denied=None)

    assert (changed["plan"], changed["cases_per_hour"], changed["denied"]) == ("enterprise", 4, ["support:CreateCase"])
    assert (blank["plan"], blank["cases_per_hour"], blank["denied"]) == ("business_plus", None, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"plan": "gold"},
        {"denied": "support:CreateCase"},
        {"denied": [1]},
        {"cases_per_hour": "x"},
        {"role_arn": 5},
        {"colour": 1},
    ],
)
def test_account_that_makes_no_sense_is_refused(sandbox, wrong):
    with pytest.raises(SandboxRefused):
        sandbox.account(ACME, **wrong)
    with pytest.raises(SandboxRefused):
        sandbox.account("12")


def test_case_opened_in_the_console_is_aws_own_truth(sandbox, support):
    case = sandbox.open_case(ACME, "From the console", "Hello", serviceCode="billing", severityCode="low")

    [seen] = support.describe_cases()["cases"]

    assert (seen["caseId"], seen["subject"], case.origin, case.account_id) == (
        case.case_id,
        "From the console",
        "console",
        ACME,
    )
    assert case.communications[0]["submittedBy"] == f"console (Root) <aws-{ACME}@example.com>"


def test_ground_truth_shows_everything(sandbox, support):
    sandbox.settings(visible_after=3600)
    case_id = opened(support, communicationBody="4111 1111 1111 1111", ccEmailAddresses=["a@example.com"])
    sandbox.reply(case_id, "Noted")

    [case] = sandbox.cases(ACME)

    assert (case.case_id, case.body, case.cc, case.status) == (
        case_id,
        "4111 1111 1111 1111",
        ("a@example.com",),
        "pending-customer-action",
    )
    assert [each["body"] for each in case.communications] == ["4111 1111 1111 1111", "Noted"]
    assert case.visible_at > case.time_created
    assert sandbox.cases(OTHER) == []


def test_journal_tells_who_asked_what_and_what_became_of_it(sandbox, support):
    case_id = opened(support)
    last = sandbox.requests()[-1]["id"]
    support.describe_cases()

    [created] = sandbox.requests("support.CreateCase")
    [after] = sandbox.requests(since=last)

    assert after["operation"] == "support.DescribeCases"
    assert len(created.pop("body_sha256")) == 64
    assert len(created.pop("invocation_id")) == 36
    assert created.pop("at") > 1.7e9
    assert created.pop("id") == last
    assert created == {
        "account": ACME,
        "access_key_id": f"SANDBOXKEY{ACME}",
        "operation": "support.CreateCase",
        "outcome": "ok",
        "error_code": None,
        "http_status": 200,
        "executed": True,
        "case_id": case_id,
        "sdk_attempt": 1,
        "dry_run": False,
    }


def test_journal_counts_the_attempts_of_the_sdk(sandbox, clients):
    client = clients.make(
        "support", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}", retries={"mode": "standard", "total_max_attempts": 3}
    )
    sandbox.lose_answer("support.CreateCase", times=2)

    client.create_case(**a_case())

    entries = sandbox.requests("support.CreateCase")
    assert [entry["sdk_attempt"] for entry in entries] == [1, 2, 3]
    assert len({entry["invocation_id"] for entry in entries}) == 1
    assert len({entry["body_sha256"] for entry in entries}) == 1
    assert len(sandbox.cases()) == 3


def test_reset_forgets_everything(sandbox, support):
    opened(support)
    sandbox.account(ACME, plan="basic")
    sandbox.fault("support.*", "drop")
    sandbox.settings(cases_per_hour=1)

    sandbox.reset()

    assert (sandbox.cases(), sandbox.requests(), sandbox.faults()) == ([], [], [])
    assert sandbox.settings()["cases_per_hour"] == 10
    assert ask(sandbox, "GET", "/_sandbox/accounts")[1] == {"accounts": []}
