"""What a check says about an account, against the simulator."""

import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from casesite import clock as casesite_clock
from casesite.aws.clients import clients
from casesite.aws.errors import AwsError
from casesite.cases.limits import limits_of
from casesite.catalog import account_check
from casesite.catalog.models import SupportCatalog
from casesite.database import write
from casesite.lookups import questions as lookups
from casesite.lookups.answer import answer_open
from casesite.pacing import gate
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.teams.models import AwsAccount, CheckResult
from tests.factories import a_catalog, an_account

from .conftest import ACCOUNT, ROLE

pytestmark = pytest.mark.django_db

NAMES = [
    "Role",
    "Support plan",
    "Catalogue",
    "Find cases",
    "Read correspondence",
    "Read languages",
    "Read case options",
    "Attach files",
    "Upload large files",
    "Open cases",
    "Clock",
]

DEAF_ANSWERS = {
    "GetCallerIdentity": (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    ),
    "DescribeSeverityLevels": '{"severityLevels": [{"code": "low", "name": "Low"}]}',
    "DescribeServices": (
        '{"services": [{"code": "billing", "name": "Billing", "categories": [{"code": "other", "name": "Other"}]}]}'
    ),
    "AddAttachmentsToSet": '{"attachmentSetId": "as-1"}',
    "GetAttachmentUploadLinks": '{"uploadId": "upl-1", "partSizeBytes": 1, "totalParts": 1, "uploadUrls": []}',
    "CreateCase": '{"caseId": "case-1"}',
}


def change(account, **fields):
    AwsAccount.objects.filter(pk=account.pk).update(**fields)
    account.refresh_from_db()


def finding(account, name):
    [row] = [row for row in account.check_details if row["name"] == name]
    return row


def test_check_of_an_account_in_order_is_good_and_asks_each_thing_once(account, aws):
    found = account_check.check(account)

    assert found.check_result == CheckResult.GOOD
    assert found.check_summary == "Everything the site needs works."
    assert [(row["name"], row["state"]) for row in found.check_details] == [(name, "good") for name in NAMES]
    assert finding(found, "Support plan")["text"] == (
        "Support answers. Severities: Low, Normal, High, Urgent, Critical."
    )
    assert [row["operation"] for row in aws.requests()] == [
        "sts.AssumeRole",
        "sts.GetCallerIdentity",
        "support.DescribeSeverityLevels",
        "support.DescribeServices",
        "support.DescribeCases",
        "support.DescribeCommunications",
        "support.DescribeSupportedLanguages",
        "support.DescribeCreateCaseOptions",
        "support.AddAttachmentsToSet",
        "support.GetAttachmentUploadLinks",
        "support.CreateCase",
    ]
    assert aws.cases() == []


def test_check_brings_the_catalogue_with_it(account):
    account_check.check(account)

    catalog = SupportCatalog.objects.newest_of(account)
    assert catalog is not None
    assert catalog.snapshot.category("billing", "other-billing-questions") is not None


def test_check_takes_a_fresh_role_session(account, aws):
    account_check.check(account)
    account_check.check(account)

    assert len(aws.requests("sts.AssumeRole")) == 2


def test_account_without_a_role_is_checked_with_the_sites_own_credentials(aws, team):
    account = an_account(team, account_id=ACCOUNT, checked=False)

    found = account_check.check(account)

    assert found.check_result == CheckResult.GOOD
    assert finding(found, "Credentials")["text"] == "The site's own credentials belong to this account."


@pytest.mark.parametrize("external_id", ["", "somebody-elses"])
def test_wrong_external_id_blocks_and_says_where_to_look(account, external_id):
    change(account, external_id=external_id)

    found = account_check.check(account)

    assert found.check_result == CheckResult.BLOCKED
    assert found.check_summary.startswith("The role can't be assumed: User: ")
    assert found.check_summary.endswith("Check the role's ARN, its trust policy and the external id.")
    assert [(row["name"], row["state"]) for row in found.check_details] == [("Role", "blocked")]


def test_role_of_another_account_blocks(account):
    change(account, role_arn="arn:aws:iam::222222222222:role/CaseOpener")

    found = account_check.check(account)

    assert found.check_result == CheckResult.BLOCKED
    assert found.check_summary == (
        f"The credentials belong to account 222222222222, not to {ACCOUNT}. Check the account id and the role's ARN."
    )


@pytest.mark.parametrize("plan", ["basic", "developer"])
def test_account_without_a_fitting_plan_is_blocked(account, aws, plan):
    aws.account(ACCOUNT, plan=plan)

    found = account_check.check(account)

    assert found.check_result == CheckResult.BLOCKED
    assert found.check_summary == (
        "The account has no Support plan with access to the Support API. "
        "Subscribe it to Business Support+, Enterprise Support or Unified Operations, then check again."
    )
    assert [(row["name"], row["state"]) for row in found.check_details] == [
        ("Role", "good"),
        ("Support plan", "blocked"),
    ]


def test_denied_create_case_blocks_and_names_the_action(account, aws):
    aws.account(ACCOUNT, denied=["support:CreateCase"])

    found = account_check.check(account)

    assert found.check_result == CheckResult.BLOCKED
    assert finding(found, "Open cases") == {
        "name": "Open cases",
        "state": "blocked",
        "text": "The role may not use support:CreateCase. No case can be opened.",
        "todo": "Allow support:CreateCase in the role's policy, then check again.",
    }


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("DescribeCases", "Find cases"),
        ("DescribeCommunications", "Read correspondence"),
        ("DescribeSupportedLanguages", "Read languages"),
        ("DescribeCreateCaseOptions", "Read case options"),
        ("UploadAttachment", "Upload large files"),
    ],
)
def test_denied_reading_limits_but_does_not_block(account, aws, action, name):
    aws.account(ACCOUNT, denied=[f"support:{action}"])

    found = account_check.check(account)

    assert found.check_result == CheckResult.LIMITED
    assert finding(found, name)["state"] == "limited"
    assert found.check_summary.startswith(f"The role may not use support:{action}.")


@pytest.mark.parametrize(
    ("action", "name"), [("DescribeServices", "Read services"), ("DescribeSeverityLevels", "Read severities")]
)
@pytest.mark.parametrize(("fetched", "state"), [(False, "blocked"), (True, "limited")])
def test_denied_catalogue_blocks_where_there_is_none_yet(account, aws, action, name, fetched, state):
    if fetched:
        a_catalog(account)
    aws.account(ACCOUNT, denied=[f"support:{action}"])

    found = account_check.check(account)

    assert (found.check_result, finding(found, name)["state"]) == (state, state)


@pytest.mark.parametrize(
    ("denied", "limits"),
    [([], (10, 157_286_400)), (["UploadAttachment"], (3, 5_242_880)), (["AddAttachmentsToSet"], (0, 0))],
)
def test_check_tells_which_files_the_account_takes(account, aws, denied, limits):
    aws.account(ACCOUNT, denied=[f"support:{action}" for action in denied])

    found = limits_of(account_check.check(account))

    assert (found.count, found.size) == limits


def test_used_up_hour_is_no_finding(account, aws):
    aws.account(ACCOUNT, cases_per_hour=1)
    aws.open_case(ACCOUNT)

    assert account_check.check(account).check_result == CheckResult.GOOD


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (timedelta(minutes=3), "This machine's clock is 180 seconds ahead of AWS's."),
        (-timedelta(minutes=2), "This machine's clock is 120 seconds behind AWS's."),
    ],
)
def test_clock_that_is_off_is_told(account, off, words):
    casesite_clock.replace(lambda: datetime.now(UTC).replace(microsecond=0) + off)
    try:
        found = account_check.check(account)
    finally:
        casesite_clock.replace(None)

    assert found.check_result == CheckResult.LIMITED
    told = finding(found, "Clock")
    seconds = int(words.split()[4])
    assert told["text"] in {words.replace(str(seconds), str(near)) for near in (seconds - 1, seconds, seconds + 1)}
    assert told["todo"] == "An operator has to set the clock: AWS refuses requests that are five minutes off."


@pytest.mark.parametrize("fault", ["drop", "error_500", "empty", "foreign"])
def test_trouble_on_the_way_leaves_the_last_result(account, aws, fault):
    account_check.check(account)
    before = AwsAccount.objects.get(pk=account.pk)
    aws.fault("support.*", fault, times=None)

    with pytest.raises(AwsError):
        account_check.check(account)

    after = AwsAccount.objects.get(pk=account.pk)
    assert (after.check_result, after.checked_at) == (CheckResult.GOOD, before.checked_at)


def test_sts_being_down_does_not_block_the_account(account, aws):
    aws.fault("sts.AssumeRole", "error", times=None, code="ServiceUnavailable", status=503)

    with pytest.raises(AwsError):
        account_check.check(account)

    account.refresh_from_db()
    assert account.check_result == CheckResult.NONE


def test_throttled_question_is_asked_again(account, aws):
    aws.fault("support.CreateCase", "throttle", times=1)

    found = account_check.check(account)

    assert found.check_result == CheckResult.GOOD
    assert len(aws.requests("support.CreateCase")) == 2


def test_good_check_opens_both_gates(account):
    with write():
        for mode in Mode:
            gate.access_refused(account.pk, mode, "denied")

    account_check.check(account)

    assert set(AccountGate.objects.values_list("circuit", "blocked_until")) == {(Circuit.CLOSED, None)}


def test_bad_check_leaves_the_gates_shut(account, aws):
    with write():
        gate.access_refused(account.pk, Mode.WRITE, "denied")
    aws.account(ACCOUNT, denied=["support:CreateCase"])

    account_check.check(account)

    assert gate.of(account.pk, Mode.WRITE).circuit == Circuit.OPEN


@pytest.fixture
def deaf_to_dry_runs(settings):
    """An endpoint that carries dry runs out, as some stand-ins of AWS do. Gives the operations it was asked for."""
    asked = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers.get("X-Amz-Target", "sts.GetCallerIdentity").rpartition(".")[2]
            asked.append(operation)
            answer = DEAF_ANSWERS.get(
                operation, '{"cases": [], "communications": [], "supportedLanguages": [], "communicationTypes": []}'
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.SANDBOX_URL = f"http://127.0.0.1:{server.server_port}"
        settings.GATE_RATE = settings.GATE_BURST = 1000
        yield asked
        server.shutdown()
        clients.forget_everything()


def test_dry_run_that_opens_a_case_is_told_and_never_tried_again(deaf_to_dry_runs, team):
    account = an_account(team, account_id=ACCOUNT, checked=False)

    first = finding(account_check.check(account), "Open cases")
    second = finding(account_check.check(account), "Open cases")

    assert first["text"] == (
        "AWS opened a case although it was only asked whether it would: A dry run answered with case case-1."
    )
    assert [row["state"] for row in (first, second)] == ["limited", "limited"]
    assert second["text"].startswith("Not asked: ")
    assert deaf_to_dry_runs.count("CreateCase") == 1


def test_check_that_began_later_wins(account):
    later = casesite_clock.now() + timedelta(minutes=1)
    change(account, checked_at=later, check_result=CheckResult.BLOCKED, check_summary="newer")

    found = account_check.check(account)

    assert (found.checked_at, found.check_summary) == (later, "newer")


def test_check_asked_by_a_page_is_answered_by_a_worker(account, aws):
    change(account, role_arn=ROLE)
    lookup = lookups.ask("account_check", account)

    answer_open(account.pk)

    lookup.refresh_from_db()
    assert lookup.answer == {"result": "good", "summary": "Everything the site needs works."}


# --- Amazon Connect Cases ---------------------------------------------------------------------------------------------------
def connect_findings(account):
    return [
        (row["name"], row["state"], row["text"])
        for row in account.check_details
        if row["name"].startswith("Connect in")
    ]


def test_check_looks_into_each_connect_region(account, aws):
    aws.connect_demo(ACCOUNT, region="eu-central-1", demo="europe")
    account.connect_regions = "eu-central-1, af-south-1"

    account_check.check(account)

    assert connect_findings(account) == [
        ("Connect in eu-central-1", "good", "Cases domains: Customer care Europe."),
        ("Connect in af-south-1", "limited", "There is no Cases domain in this region."),
    ]


def test_check_says_which_right_is_missing_for_connect_and_blocks_nothing(account, aws):
    account.connect_regions = "us-east-1"
    aws.account(ACCOUNT, denied=["cases:ListDomains"])

    account_check.check(account)

    [(_name, state, text)] = connect_findings(account)
    assert (state, account.check_result) == ("limited", "limited")
    assert "The role may not use cases:ListDomains" in text


def test_check_of_an_account_without_connect_says_nothing_of_it(account):
    account_check.check(account)

    assert connect_findings(account) == []


# --- customers and users of Connect -------------------------------------------------------------------------------------------
def people_findings(account):
    return {row["name"]: row for row in account.check_details if row["name"].endswith(" in us-east-1")}


def test_check_finds_out_whether_customers_and_users_can_be_searched(account, aws):
    account.connect_regions = "us-east-1"

    found = people_findings(account_check.check(account))

    assert [name for name, row in found.items() if row["state"] == "good"] == [
        "Connect in us-east-1",
        "Open cases in Connect in us-east-1",
        "Put tags on cases in us-east-1",
        "Find customers in us-east-1",
        "Find users in us-east-1",
    ]
    assert len(aws.requests("customer-profiles.SearchProfiles")) == len(aws.requests("connect.SearchUsers")) > 0


@pytest.mark.parametrize(
    ("denied", "name", "without"),
    [
        ("profile:SearchProfiles", "Find customers in us-east-1", "Customers are given by the ARN of their profile."),
        ("connect:SearchUsers", "Find users in us-east-1", "Users are given by their ARN."),
        ("profile:ListDomains", "Customers and users in us-east-1", "Where they are kept is not found by itself."),
        (
            "connect:ListIntegrationAssociations",
            "Customers and users in us-east-1",
            "Where they are kept is not found by itself.",
        ),
    ],
)
def test_missing_right_to_search_is_named_and_blocks_nothing(account, aws, denied, name, without):
    aws.account(ACCOUNT, denied=[denied])
    account.connect_regions = "us-east-1"

    checked = account_check.check(account)

    row = people_findings(checked)[name]
    assert (row["state"], row["text"]) == ("limited", f"The role may not use {denied}. {without}")
    assert "README" in row["todo"]
    assert checked.check_result == CheckResult.LIMITED


@pytest.mark.parametrize(
    ("denied", "name"),
    [
        ("cases:CreateCase", "Open cases in Connect in us-east-1"),
        ("cases:TagResource", "Put tags on cases in us-east-1"),
    ],
)
def test_missing_right_to_open_connect_cases_is_found_without_opening_one(account, aws, denied, name):
    for domain in aws.connect_domains(ACCOUNT):
        aws.connect_remove(domain["domainId"])
    aws.connect_demo(ACCOUNT)
    account.connect_regions = "us-east-1"
    account.save(update_fields=["connect_regions"])
    account_check.check(account)
    assert {row["state"] for row in account_rows(account) if row["name"] == name} == {"good"}

    aws.account(ACCOUNT, denied=[denied])
    account_check.check(account)
    [row] = [row for row in account_rows(account) if row["name"] == name]
    assert (row["state"], denied in row["text"]) == ("limited", True)
    assert aws.connect_cases(ACCOUNT) == []


def account_rows(account):
    account.refresh_from_db()
    return account.check_details
