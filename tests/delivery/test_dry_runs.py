"""Dry runs: what AWS says to them, what a sending makes of it, and a dry run that was none."""

import json
import logging
import threading
import urllib.request
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import OperationalError

from casesite.aws import clients as clients_module
from casesite.aws.clients import clients
from casesite.aws.errors import Cause, Refused
from casesite.delivery import claim, dry_runs, persistence, sender
from casesite.lookups import cleaning
from casesite.lookups.answer import answer_open
from casesite.lookups.models import Lookup, LookupState
from casesite.pacing import gate
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.submissions import dry_runs as asking
from casesite.submissions import marker, payloads, workflow
from casesite.submissions.dry_runs import Result, Said
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests import wires
from tests.delivery.steps import again, creates, send, work_off
from tests.factories import a_draft, a_submission, a_user

pytestmark = pytest.mark.django_db
CREATE = "support.CreateCase"
WORDS = "The category code is not valid for this service."


@pytest.fixture(autouse=True)
def dry_runs_on(settings, sandbox):
    settings.DRY_RUNS = True
    settings.GATE_RATE = settings.GATE_BURST = 50
    sandbox.settings(calls_per_second=1000)


def made(sandbox):
    return [request["dry_run"] for request in sandbox.requests(CREATE)]


def refuse(sandbox, code="ValidationException", message=WORDS, status=400, **more):
    sandbox.fault(CREATE, "error", code=code, status=status, message=message, **{"dry_run": True, **more})


def answered(submission):
    """What a page gets: the question, as a worker leaves it."""
    lookup = asking.ask_for(submission, by=submission.submitted_by)
    answer_open(submission.account_id)
    lookup.refresh_from_db()
    return lookup


# --- what pages ask --------------------------------------------------------------------------------------------------------
def test_exact_payload_is_asked_and_nothing_is_opened(sandbox, bells):
    submission = a_submission()

    lookup = answered(submission)

    assert (lookup.state, Result.of(lookup.answer).said) == (LookupState.ANSWERED, Said.ACCEPTED)
    assert made(sandbox) == [True]
    assert sandbox.cases() == []


def test_same_bytes_are_asked_as_are_sent_but_for_the_parameter(sandbox, bells, monkeypatch):
    submission = a_submission()
    seen = []
    as_params = dry_runs.SupportCaseRequest.as_params
    monkeypatch.setattr(
        dry_runs.SupportCaseRequest, "as_params", lambda self: seen.append(as_params(self)) or as_params(self)
    )

    answered(submission)

    assert seen == [submission.payload]


@pytest.mark.parametrize("code", ["ValidationException", "InvalidParameterValueException", "SerializationException"])
def test_refusal_is_told_in_aws_words_with_its_field(code, sandbox, bells):
    refuse(sandbox, code)

    result = Result.of(answered(a_submission()).answer)

    assert (result.said, result.text, result.code) == (Said.REFUSED, WORDS, code)
    assert (result.field, result.field_name) == ("category_code", "Category")


def test_refusal_without_words_is_told_by_its_code(sandbox, bells, monkeypatch):
    def refused(*_given):
        raise Refused("", cause=Cause.INVALID, again=False, operation=CREATE, code="ValidationException")

    monkeypatch.setattr(dry_runs.support, "dry_run", refused)

    assert Result.of(answered(a_submission()).answer).text == "ValidationException"


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("CaseCreationLimitExceeded", 400, "AWS takes no more cases from this account this hour"),
        ("AccessDeniedException", 403, "The role may not do this at AWS"),
        ("SubscriptionRequiredException", 400, "no Support plan"),
        ("InternalServerError", 500, "AWS did not answer in order"),
        ("NobodyListsThis", 400, "AWS did not answer in order"),
    ],
)
def test_other_trouble_is_no_word_on_the_case(code, status, words, sandbox, bells):
    refuse(sandbox, code, "no", status, times=None)

    lookup = answered(a_submission())

    assert lookup.state == LookupState.FAILED
    assert words in lookup.error
    assert made(sandbox) == [True]


def test_throttled_question_is_asked_again_a_little_later(sandbox, bells, clock):
    submission = a_submission()
    sandbox.fault(CREATE, "throttle", dry_run=True)
    lookup = answered(submission)
    assert lookup.state == LookupState.OPEN

    clock.advance(minutes=2)
    answer_open(submission.account_id)

    lookup.refresh_from_db()
    assert lookup.answer["said"] == "accepted"


def test_unreachable_aws_is_told_so(sandbox, bells, clock, settings):
    submission = a_submission()
    clients.keys(dry_runs.Target(submission.account.account_id))
    settings.SANDBOX_URL = wires.REFUSING
    lookup = answered(submission)
    for _try in range(2):
        clock.advance(minutes=1)
        answer_open(submission.account_id)

    lookup.refresh_from_db()
    assert lookup.state == LookupState.FAILED
    assert "AWS could not be reached" in lookup.error


def test_lost_answer_to_a_dry_run_is_not_asked_for_again(sandbox, bells, clock):
    """Whoever loses answers may also have taken it for no dry run."""
    submission = a_submission()
    sandbox.fault(CREATE, "drop", dry_run=True)

    lookup = answered(submission)
    clock.advance(minutes=10)
    answer_open(submission.account_id)

    assert lookup.state == LookupState.FAILED
    assert made(sandbox) == [True]


def test_session_that_ran_out_is_renewed_once(sandbox, bells):
    refuse(sandbox, "ExpiredTokenException", "expired", 403)

    assert answered(a_submission()).answer["said"] == "accepted"


def test_draft_is_asked_with_a_valid_reference_line_of_its_case(sandbox, bells, monkeypatch):
    case = a_draft()
    content = payloads.content_of(case, case.support)
    seen = []
    monkeypatch.setattr(dry_runs.support, "dry_run", lambda _target, _keys, request: seen.append(request.as_params()))

    lookup = asking.ask_for_content(case.account, content, team=case.team, case=case, by=case.author)
    answer_open(case.account_id)

    lookup.refresh_from_db()
    line = marker.in_body(seen[0]["communicationBody"])
    assert lookup.answer["said"] == "accepted"
    assert marker.reference_of(line) == case.reference
    assert seen[0] == payloads.support_payload(content, line)


def test_form_without_a_case_is_asked_too(sandbox, bells):
    case = a_draft()
    content = payloads.content_of(case, case.support)

    lookup = asking.ask_for_content(case.account, content, team=case.team, case=None, by=case.author)
    answer_open(case.account_id)

    lookup.refresh_from_db()
    assert lookup.answer["said"] == "accepted"


def test_question_left_over_from_before_they_were_switched_off_is_not_asked(sandbox, bells, settings):
    submission = a_submission()
    lookup = asking.ask_for(submission, by=None)
    settings.DRY_RUNS = False

    answer_open(submission.account_id)

    lookup.refresh_from_db()
    assert (lookup.state, made(sandbox)) == (LookupState.FAILED, [])
    assert "switched off" in lookup.error


# --- before a sending --------------------------------------------------------------------------------------------------------
def test_sending_asks_first_and_opens_one_case(sandbox, bells):
    submission = send(a_submission(State.QUEUED))

    assert submission.state == State.DELIVERED
    assert made(sandbox) == [True, False]
    assert len(sandbox.cases()) == 1
    assert asking.newest(submission).answer["said"] == "accepted"


def test_answer_within_the_hour_is_not_asked_for_again(sandbox, bells, clock):
    submission = a_submission()
    answered(submission)
    approve(submission)

    clock.advance(minutes=59)
    work_off(submission)

    assert submission.state == State.DELIVERED
    assert made(sandbox) == [True, False]


def test_older_answer_is_asked_for_again(sandbox, bells, clock):
    submission = a_submission()
    answered(submission)
    approve(submission)

    clock.advance(minutes=60)
    work_off(submission)

    assert made(sandbox) == [True, True, False]


def test_open_question_is_answered_by_the_sending(sandbox, bells):
    submission = a_submission()
    lookup = asking.ask_for(submission, by=None)
    approve(submission)

    send(submission)
    answer_open(submission.account_id)

    lookup.refresh_from_db()
    assert (lookup.state, lookup.answer["said"]) == (LookupState.ANSWERED, "accepted")
    assert made(sandbox) == [True, False]


def test_refusal_beforehand_fails_it_as_a_refusal_does(sandbox, bells):
    refuse(sandbox)
    submission = a_submission(State.QUEUED)

    send(submission)

    assert (submission.state, submission.reason_code, submission.reason_text) == (State.FAILED, Reason.REFUSED, WORDS)
    assert submission.case.stage == "draft"
    assert (submission.lease_until, submission.due_at) == (None, None)
    assert (creates(sandbox), submission.attempts.count()) == ([], 0)
    assert asking.newest(submission).answer["text"] == WORDS
    assert submission.case.events.last().text == WORDS


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("CaseCreationLimitExceeded", 400),
        ("AccessDeniedException", 403),
        ("ThrottlingException", 400),
        ("InternalServerError", 500),
        ("NobodyListsThis", 400),
    ],
)
def test_any_other_trouble_of_a_dry_run_stops_nothing(code, status, sandbox, bells):
    refuse(sandbox, code, "no", status)

    submission = send(a_submission(State.QUEUED))

    assert submission.state == State.DELIVERED
    assert (len(creates(sandbox)), len(sandbox.cases())) == (1, 1)
    assert asking.newest(submission) is None
    assert AccountGate.objects.get(account=submission.account, mode=Mode.WRITE).circuit == Circuit.CLOSED


def test_lost_answer_of_a_dry_run_stops_nothing(sandbox, bells):
    sandbox.fault(CREATE, "drop", dry_run=True)

    assert send(a_submission(State.QUEUED)).state == State.DELIVERED
    assert len(sandbox.cases()) == 1


def test_without_a_token_for_reading_it_goes_out_unasked(sandbox, bells, clock, settings):
    submission = a_submission(State.QUEUED)
    while gate.take(submission.account_id, Mode.READ) is None:
        pass
    row = claim.claim_next(submission.account_id)

    sender._prepare(row)

    assert made(sandbox) == []


def test_switched_off_nothing_is_asked(sandbox, bells, settings):
    settings.DRY_RUNS = False

    submission = send(a_submission(State.QUEUED))

    assert (submission.state, made(sandbox)) == (State.DELIVERED, [False])


def test_account_that_once_opened_a_case_is_not_asked(sandbox, bells):
    submission = a_submission(State.QUEUED)
    gate.forbid_dry_runs(submission.account_id)

    send(submission)

    assert made(sandbox) == [False]


def test_second_attempt_within_the_hour_asks_no_second_time(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    sandbox.fault(CREATE, "throttle", dry_run=False)
    send(submission)
    clock.advance(minutes=5)

    work_off(submission)

    assert submission.state == State.DELIVERED
    assert made(sandbox) == [True, False, False]


def test_preparation_is_held_longer_while_aws_is_asked(sandbox, bells, clock, settings, monkeypatch):
    """Scaled down, the lease is shorter than a call may take."""
    settings.TIME_SCALE = 60
    submission = a_submission(State.QUEUED)
    leases = []
    really = dry_runs.support.dry_run

    def watched(*given):
        leases.append(again(submission).lease_until - clock.now)
        return really(*given)

    monkeypatch.setattr(dry_runs.support, "dry_run", watched)
    row = claim.claim_next(submission.account_id)
    sender._prepare(row)

    assert leases == [timedelta(seconds=5 + dry_runs.LONGEST)]
    assert again(submission).lease_until == clock.now + timedelta(seconds=5)
    config = clients_module.DRY_RUNS
    assert 2 * (config.connect_timeout + config.read_timeout) < dry_runs.LONGEST
    assert config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize("when", ["before", "during"])
def test_row_that_was_cancelled_meanwhile_is_not_sent(when, sandbox, bells, monkeypatch):
    submission = a_submission(State.QUEUED)
    row = claim.claim_next(submission.account_id)

    def cancel(*_given):
        workflow.cancel(again(submission), by=submission.submitted_by)

    if when == "before":
        cancel()
    else:
        monkeypatch.setattr(dry_runs.support, "dry_run", cancel)
    sender.send(row)

    assert (again(submission).state, sandbox.requests(CREATE)) == (State.CANCELLED, [])


def approve(submission):
    """By a reviewer of its team."""
    reviewer = a_user(team=submission.case.team, role=Role.REVIEWER)
    workflow.approve(submission, by=reviewer, payload_sha256=submission.payload_sha256)


# --- a dry run that was none --------------------------------------------------------------------------------------------------
@pytest.fixture
def deaf(settings, sandbox):
    """Stands between the site and the simulator and takes `dryRun` out of requests, as endpoints do that don't know it."""

    class Passes(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("X-Amz-Target", "").endswith(".CreateCase"):
                asked = json.loads(body)
                case = sandbox.open_case(account, asked["subject"], asked["communicationBody"])
                answer = json.dumps({"caseId": case.case_id}).encode()
            else:
                with urllib.request.urlopen(
                    urllib.request.Request(sandbox.url, body, dict(self.headers), method="POST")
                ) as passed:
                    answer = passed.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args):
            pass

    account = ""

    def for_account(number):
        nonlocal account
        account = number
        sandbox.account(number)
        clients.keys(dry_runs.Target(number))
        settings.SANDBOX_URL = f"http://127.0.0.1:{server.server_port}"

    with ThreadingHTTPServer(("127.0.0.1", 0), Passes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield for_account
        server.shutdown()
        clients.forget_everything()


def test_case_opened_by_a_reviewers_question_is_the_submissions(deaf, sandbox, bells, caplog):
    submission = a_submission()
    deaf(submission.account.account_id)

    lookup = answered(submission)

    [case] = sandbox.cases()
    assert (again(submission).state, submission.remote_id) == (State.DELIVERED, case.case_id)
    assert Result.of(lookup.answer) == Result(said=Said.OPENED, aws_case_id=case.case_id)
    assert gate.dry_runs_off(submission.account_id)
    assert [record.message for record in caplog.records if record.levelno == logging.CRITICAL] == [
        "a dry run opened a case"
    ]


def test_case_opened_while_preparing_is_the_rows_and_none_is_sent(deaf, sandbox, bells):
    submission = a_submission(State.QUEUED)
    deaf(submission.account.account_id)

    send(submission)

    [case] = sandbox.cases()
    assert (submission.state, submission.remote_id) == (State.DELIVERED, case.case_id)
    assert submission.attempts.count() == 0


def test_case_opened_for_a_draft_is_the_cases(deaf, sandbox, bells):
    draft = a_draft()
    content = payloads.content_of(draft, draft.support)
    deaf(draft.account.account_id)

    asking.ask_for_content(draft.account, content, team=draft.team, case=draft, by=draft.author)
    answer_open(draft.account_id)

    draft.refresh_from_db()
    assert (draft.aws_case_id, draft.stage) == (sandbox.cases()[0].case_id, "open")


def test_case_opened_for_a_form_without_a_case_is_told_and_nobodys(deaf, sandbox, bells, caplog):
    draft = a_draft()
    content = payloads.content_of(draft, draft.support)
    deaf(draft.account.account_id)

    lookup = asking.ask_for_content(draft.account, content, team=draft.team, case=None, by=draft.author)
    answer_open(draft.account_id)

    lookup.refresh_from_db()
    draft.refresh_from_db()
    assert lookup.answer["aws_case_id"] == sandbox.cases()[0].case_id
    assert draft.aws_case_id is None
    assert gate.dry_runs_off(draft.account_id)


def test_account_is_asked_once_and_never_again(deaf, sandbox, bells):
    first = a_submission()
    second = a_submission(by=first.case.author, account=first.account, subject="Another")
    deaf(first.account.account_id)
    answered(first)

    assert asking.ask_for(second, by=None) is None
    assert asking.why_not(second.account)
    assert len(sandbox.cases()) == 1


def test_id_of_an_opened_case_waits_for_the_database(sandbox, bells, monkeypatch):
    submission = a_submission(State.QUEUED)
    tries = []
    really = dry_runs._store_opened

    def away_at_first(*given):
        tries.append(given)
        if len(tries) == 1:
            raise OperationalError("gone")
        really(*given)

    monkeypatch.setattr(dry_runs, "_store_opened", away_at_first)
    monkeypatch.setattr(persistence.connection, "close", lambda: None)
    monkeypatch.setattr(persistence, "sleep", lambda _seconds: None)

    dry_runs.take_opened(submission.account, submission.payload, "case-1")

    assert (again(submission).remote_id, len(tries)) == ("case-1", 2)


def test_answers_are_kept_for_a_day_and_no_longer(sandbox, bells, clock):
    answered(a_submission())

    clock.advance(hours=25)
    cleaning.clean_up()
    assert Lookup.objects.filter(kind=asking.KIND).exists()
    clock.advance(minutes=1)
    cleaning.clean_up()

    assert not Lookup.objects.filter(kind=asking.KIND).exists()
    assert Submission.objects.count() == 1
