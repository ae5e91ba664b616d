"""Which credentials a client has, where it may go, how often it asks, and what is kept of it."""

import json
import logging
import os
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from botocore.config import Config

from casesite.aws import clients as clients_module
from casesite.aws import models, support
from casesite.aws.clients import Keys, Target, clients, endpoint_of, parse_date
from casesite.aws.errors import AwsError, Cause, NotSent, Trace
from casesite.aws.requests import SupportCaseRequest
from tests import wires

ACME, OTHER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{OTHER}:role/CasesiteSupportRole"
HERE = Target(ACME)
THERE = Target(OTHER, ROLE, "acme-7f1c")
REQUEST = SupportCaseRequest(
    subject="RDS failover took 11 minutes",
    communication_body="It took 11 minutes.",
    severity_code="normal",
    service_code="amazon-relational-database-service-postgresql",
    category_code="general-guidance",
    issue_type="technical",
    language="en",
    cc_email_addresses=("ops@example.com",),
)
CREATE, ASSUME, IDENTITY = "support.CreateCase", "sts.AssumeRole", "sts.GetCallerIdentity"


@pytest.fixture
def fresh_session(monkeypatch):
    """As in a process that has read nothing of its environment yet."""
    monkeypatch.setattr(clients, "_session", None)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # put back at the end, whatever the code makes of them
        monkeypatch.delenv(name)


@pytest.fixture
def live(sandbox, settings, monkeypatch, fresh_session):
    """Outside sandbox mode, everything at the simulator, with the environment's keys of the account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"SANDBOXKEY{ACME}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"sandbox-secret-{ACME}")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    settings.SANDBOX = False
    settings.AWS_ENDPOINTS = {"sts": sandbox.url, "support": sandbox.url}


def create(target=HERE, trace=None):
    return support.create_case(target, clients.keys(target), REQUEST, trace or Trace(CREATE))


# --- where it may go -------------------------------------------------------------------------------------------------------------
ELSEWHERE = (
    "https://support.us-east-1.amazonaws.com",
    "http://10.1.2.3:8010",
    "http://127.0.0.1.example.com",
    "http://127.0.0.1@support.us-east-1.amazonaws.com",
    "http://localhost.example.com:8010",
    "",
)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_sandbox_mode_talks_to_no_other_machine(url, sandbox, settings):
    settings.SANDBOX_URL = url

    with pytest.raises(NotSent) as caught:
        clients.keys(HERE)

    assert "sandbox mode talks to this machine only" in caught.value.text


def test_sandbox_mode_refuses_another_machine_also_when_keys_are_at_hand(sandbox, settings):
    keys = clients.keys(HERE)
    settings.SANDBOX_URL = ELSEWHERE[0]
    trace = Trace(CREATE)

    with pytest.raises(NotSent):
        support.create_case(HERE, keys, REQUEST, trace)

    assert trace.sent is False


@pytest.mark.parametrize("url", ["http://127.0.0.1:8010", "http://localhost:8010", "http://[::1]:8010"])
def test_sandbox_mode_knows_this_machine_by_its_names(url, settings):
    settings.SANDBOX_URL = url

    assert endpoint_of("support") == url


def test_live_mode_leaves_the_address_to_the_sdk_unless_one_is_set(settings):
    settings.SANDBOX = False
    settings.AWS_ENDPOINTS = {"support": "http://127.0.0.1:5000", "sts": ""}

    assert (endpoint_of("support"), endpoint_of("sts")) == ("http://127.0.0.1:5000", None)


def test_sandbox_mode_ignores_the_operators_aws_environment(sandbox, monkeypatch, tmp_path, fresh_session):
    (tmp_path / "config").write_text("[profile work]\nsso_start_url = https://example.invalid\n")
    for name, value in {
        "AWS_PROFILE": "work",
        "AWS_DEFAULT_PROFILE": "work",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_ACCESS_KEY_ID": "AKIASOMEBODY",
        "AWS_SECRET_ACCESS_KEY": "somebody's",
        "AWS_ENDPOINT_URL": "http://support.invalid",
        "AWS_ENDPOINT_URL_SUPPORT": "http://support.invalid",
        "AWS_ENDPOINT_URL_STS": "http://sts.invalid",
        "AWS_REGION": "eu-central-1",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "HTTP_PROXY": wires.REFUSING,
        "http_proxy": wires.REFUSING,
    }.items():
        monkeypatch.setenv(name, value)

    create()

    assert {request["access_key_id"] for request in sandbox.requests()} == {f"SANDBOXKEY{ACME}"}
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"


@pytest.mark.parametrize(
    ("role", "region"),
    [("", "us-east-1"), (ROLE, "us-east-1"), (ROLE.replace("aws", "aws-us-gov", 1), "us-gov-west-1")],
)
def test_support_has_one_region_for_each_partition(role, region):
    assert Target(OTHER, role).region == region


# --- keys ------------------------------------------------------------------------------------------------------------------------
def test_an_account_without_a_role_is_entered_by_the_sites_own_keys(sandbox):
    assert clients.keys(HERE) == Keys(f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}")
    assert [request["operation"] for request in sandbox.requests()] == [IDENTITY]


def test_keys_are_checked_once(sandbox):
    for _call in range(3):
        clients.keys(HERE)

    assert len(sandbox.requests(IDENTITY)) == 1


def test_a_role_is_assumed_once_and_its_session_signs(sandbox):
    sandbox.account(OTHER, role_arn=ROLE, external_id="acme-7f1c")

    create(THERE)
    create(THERE)

    assert len(sandbox.requests(ASSUME)) == len(sandbox.requests(IDENTITY)) == 1
    keys = clients.keys(THERE)
    assert {request["access_key_id"] for request in sandbox.requests(CREATE)} == {keys.access_key_id}
    assert [case.account_id for case in sandbox.cases()] == [OTHER, OTHER]


@pytest.mark.parametrize(("minutes", "sessions"), [(49, 1), (51, 2)])
def test_a_role_session_is_renewed_ten_minutes_before_its_end(minutes, sessions, sandbox, monkeypatch):
    first = clients.keys(THERE)

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(minutes=minutes)

    monkeypatch.setattr(clients_module, "datetime", Later)
    second = clients.keys(THERE)

    assert len(sandbox.requests(ASSUME)) == sessions
    assert (first == second) is (sessions == 1)


def test_a_forgotten_session_is_made_anew(sandbox):
    first = clients.keys(THERE)

    clients.forget_keys(THERE)

    assert clients.keys(THERE).access_key_id != first.access_key_id


def test_threads_share_one_role_session(sandbox):
    found = []
    threads = [threading.Thread(target=lambda: found.append(clients.keys(THERE))) for _thread in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == len(sandbox.requests(ASSUME)) == 1


@pytest.mark.parametrize("external_id", ["", "wrong"])
def test_a_wrong_external_id_opens_nothing(external_id, sandbox):
    sandbox.account(OTHER, role_arn=ROLE, external_id="acme-7f1c")

    with pytest.raises(NotSent) as caught:
        clients.keys(Target(OTHER, ROLE, external_id))

    assert (caught.value.cause, caught.value.code) == (Cause.CREDENTIALS, "AccessDenied")


def test_a_role_in_another_account_is_not_used(sandbox):
    with pytest.raises(NotSent) as caught:
        clients.keys(Target(ACME, ROLE))

    assert caught.value.cause == Cause.CREDENTIALS
    assert caught.value.text == f"The credentials belong to account {OTHER}, not to {ACME}."


def test_own_keys_of_another_account_are_not_used(live):
    assert clients.keys(HERE).access_key_id == f"SANDBOXKEY{ACME}"
    with pytest.raises(NotSent) as caught:
        clients.keys(Target(OTHER))

    assert caught.value.text == f"The credentials belong to account {ACME}, not to {OTHER}."


def test_own_keys_that_the_sdk_renews_are_asked_for_again(sandbox, live, monkeypatch, tmp_path):
    """Those of a machine or a sign-in last for hours only; here a process hands out those of another account."""
    served = tmp_path / "keys.json"
    (tmp_path / "config").write_text(f"[default]\ncredential_process = cat {served}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    def serve(account):
        keys = {"AccessKeyId": f"SANDBOXKEY{account}", "SecretAccessKey": f"sandbox-secret-{account}", "Version": 1}
        soon = datetime.now(UTC) + timedelta(minutes=5)
        served.write_text(json.dumps({**keys, "Expiration": soon.isoformat()}))

    serve(ACME)
    clients.keys(HERE)
    serve(OTHER)

    with pytest.raises(NotSent) as caught:
        clients.keys(HERE)
    assert caught.value.text == f"The credentials belong to account {OTHER}, not to {ACME}."


def test_a_profile_that_is_not_there_is_said(live, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(NotSent) as caught:
        clients.keys(HERE)

    assert (caught.value.cause, caught.value.error_class) == (Cause.CREDENTIALS, "ProfileNotFound")


# --- one request for a call ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("asked_for", ["", "5"])
@pytest.mark.parametrize("fault", ["", "error_500", "throttle", "error_503"])
def test_a_write_is_tried_once_whatever_the_environment_says(fault, asked_for, sandbox, monkeypatch):
    if asked_for:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", asked_for)
        monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    if fault:
        sandbox.fault(CREATE, fault, times=None)
    with clients.writer(HERE, clients.keys(HERE)) as client:
        try:
            answer = client.create_case(**REQUEST.as_params())
        except client.exceptions.ClientError as exc:
            answer = exc.response

    assert answer["ResponseMetadata"]["RetryAttempts"] == 0
    assert [request["sdk_attempt"] for request in sandbox.requests(CREATE)] == [1]


def test_a_lost_answer_makes_one_request(sandbox, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    quick = clients_module.ONE_TRY.merge(Config(read_timeout=0.2))
    monkeypatch.setattr(clients_module, "ONE_TRY", quick)
    sandbox.fault(CREATE, "hang", when="after", times=None, seconds=1)

    with pytest.raises(AwsError):
        create()

    assert len(sandbox.cases()) == 1


def test_writes_wait_five_seconds_to_connect_and_thirty_to_read():
    assert (clients_module.ONE_TRY.connect_timeout, clients_module.ONE_TRY.read_timeout) == (5, 30)
    assert clients_module.ONE_TRY.retries == {"mode": "standard", "total_max_attempts": 1}


def test_a_read_is_tried_again(sandbox):
    sandbox.fault("support.DescribeSeverityLevels", "error_500", times=1)

    assert support.severities(HERE)

    assert [request["sdk_attempt"] for request in sandbox.requests("support.DescribeSeverityLevels")] == [1, 2]
    assert (clients_module.READS.retries, clients_module.READS.read_timeout) == (
        {"mode": "standard", "total_max_attempts": 4},
        20,
    )


# --- what leaves -----------------------------------------------------------------------------------------------------------------
@pytest.fixture
def line(sandbox, settings):
    """A server that gives each request a case id; the keys were checked at the simulator."""
    clients.keys(HERE)
    with wires.wire(wires.answering("200 OK", b'{"caseId": "case-1"}')) as wire:
        settings.SANDBOX_URL = wire.url
        yield wire


def test_the_request_carries_the_parameters_and_no_dry_run(line):
    assert create() == "case-1"

    [body] = line.bodies
    assert json.loads(body) == REQUEST.as_params()
    assert b"dryRun" not in line.requests[0]


def test_a_request_without_copies_names_none(line):
    request = SupportCaseRequest(**{**REQUEST.__dict__, "cc_email_addresses": ()})

    support.create_case(HERE, clients.keys(HERE), request, Trace(CREATE))

    assert b"ccEmailAddresses" not in line.bodies[0]


def test_the_trace_tells_what_left_and_when(sandbox):
    told = []
    trace = Trace(CREATE, on_sent=lambda: told.append(len(sandbox.requests(CREATE))))

    create(trace=trace)

    [request] = sandbox.requests(CREATE)
    assert trace.sent is True
    assert told == [0]  # the hook runs before the bytes leave
    assert trace.invocation_id == request["invocation_id"]
    assert abs(trace.signed_at - datetime.now(UTC)) < timedelta(seconds=5)
    assert abs(trace.aws_date - datetime.now(UTC)) < timedelta(seconds=5)


def test_an_error_in_the_last_hook_stops_the_request(sandbox):
    def stop():
        raise RuntimeError("stop")

    with pytest.raises(AwsError):
        create(trace=Trace(CREATE, on_sent=stop))

    assert sandbox.requests(CREATE) == []


def test_a_client_forgets_the_trace_of_the_last_call(sandbox):
    trace = Trace(CREATE)
    create(trace=trace)
    first = trace.invocation_id

    create()

    assert trace.invocation_id == first


@pytest.mark.parametrize(
    ("header", "instant"),
    [
        ("Mon, 02 Mar 2026 09:00:00 GMT", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 09:00:00 -0000", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("Mon, 02 Mar 99999999999999999999 09:00:00 GMT", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_header_is_an_instant_or_nothing(header, instant):
    assert parse_date(header) == instant


# --- the pool --------------------------------------------------------------------------------------------------------------------
def test_calls_one_after_another_use_one_client_and_one_connection(line):
    for _call in range(3):
        create()

    assert (len(line.requests), line.accepted) == (3, 1)


def test_a_client_serves_one_call_at_a_time(sandbox):
    keys = clients.keys(HERE)

    with clients.writer(HERE, keys) as first, clients.writer(HERE, keys) as second:
        assert first is not second
    with clients.writer(HERE, keys) as again:
        assert again in (first, second)


def test_a_client_belongs_to_one_account_and_session(sandbox):
    keys = clients.keys(HERE)
    with clients.writer(HERE, keys) as mine:
        pass

    with clients.writer(HERE, Keys("SANDBOXKEYOTHER", "x")) as another, clients.writer(THERE, keys) as elsewhere:
        assert mine not in (another, elsewhere)


@pytest.mark.parametrize(("idle", "connections"), [(4.9, 1), (5.1, 2)])
def test_a_connection_idle_for_five_seconds_is_not_trusted(idle, connections, line, monkeypatch):
    create()
    real = clients_module.time.monotonic

    monkeypatch.setattr(clients_module.time, "monotonic", lambda: real() + idle)
    create()

    assert line.accepted == connections


def test_the_pool_drops_the_clients_that_were_unused_for_longest(sandbox, monkeypatch):
    monkeypatch.setattr(clients_module, "POOL_SIZE", 8)
    keys = clients.keys(HERE)
    with ExitStack() as stack:
        used = [stack.enter_context(clients.writer(HERE, keys)) for _client in range(10)]

    with ExitStack() as stack:
        again = [stack.enter_context(clients.writer(HERE, keys)) for _client in range(10)]

    # The stack gave them back in reverse, so the last two were unused for longest.
    assert [client in used[:8] for client in again] == [True] * 8 + [False] * 2
    assert not set(used[8:]) & set(again)


def test_a_reader_is_shared_until_its_session_is_renewed(sandbox):
    first = clients.reader("support", THERE)
    assert clients.reader("support", THERE) is first

    clients.forget_keys(THERE)

    assert clients.reader("support", THERE) is not first


def test_threads_may_ask_for_readers_at_once(sandbox, monkeypatch):
    monkeypatch.setattr(clients_module, "POOL_SIZE", 3)
    targets = [Target(f"{number:012}") for number in range(8)]
    for target in targets:
        clients.keys(target)
    failed = []

    def ask():
        try:
            for target in targets * 3:
                clients.reader("support", target)
        except Exception as exc:
            failed.append(exc)

    threads = [threading.Thread(target=ask) for _thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []


def test_one_client_enters_all_accounts(sandbox, monkeypatch):
    made = []
    make = clients._client
    monkeypatch.setattr(clients, "_client", lambda *given, **more: made.append(given[:2]) or make(*given, **more))
    sandbox.account(ACME, role_arn=f"arn:aws:iam::{ACME}:role/CasesiteSupportRole")
    here = Target(ACME, f"arn:aws:iam::{ACME}:role/CasesiteSupportRole")
    sandbox.account(OTHER, role_arn=ROLE, external_id=THERE.external_id)

    assert clients.keys(here) != clients.keys(THERE)

    assert made == [("sts", clients_module.NOBODY), ("sts", here), ("sts", THERE)]


def test_a_client_of_a_large_service_knows_what_is_used_of_it_alone(sandbox):
    """Each account has clients of its own, and Amazon Connect has four hundred operations."""
    for service, used in models.USED.items():
        client = clients.reader(service, HERE, region="us-east-1")

        assert set(client.meta.service_model.operation_names) == used
        assert not hasattr(client, "list_tags_for_resource")

    assert hasattr(clients.reader("support", HERE), "describe_trusted_advisor_checks")


# --- no secret ---------------------------------------------------------------------------------------------------------------------
def test_no_secret_is_shown(sandbox, caplog):
    caplog.set_level(logging.DEBUG)
    keys = clients.keys(THERE)
    secrets = (keys.secret_access_key, keys.session_token)
    shown = [repr(keys), str(keys), f"{keys}"]

    for fault in ("throttle", "error_500", "drop", "empty"):
        sandbox.fault(CREATE, fault)
        with pytest.raises(AwsError) as caught:
            create(THERE)
        shown += [caught.value.text, repr(caught.value), repr(caught.value.__cause__), str(caught.getrepr())]
    sandbox.expire_sessions()
    with pytest.raises(AwsError) as caught:
        create(THERE)
    shown += [caught.value.text, str(caught.getrepr()), caplog.text]

    assert not [text for text in shown for secret in secrets if secret in text]
    assert keys.access_key_id in shown[0]
