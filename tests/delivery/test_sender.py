"""From a claimed row to AWS in at most one request: what is prepared, committed, sent and written down."""

import logging
import time as real_time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, connection

from casesite import failpoints
from casesite.aws import clients as clients_module
from casesite.delivery import claim, dispatcher, persistence, process, report, sender
from casesite.delivery.models import Outcome, Phase
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions import marker, workflow
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.delivery.steps import again, creates, send, work_off
from tests.factories import SERVICES, SEVERITIES, a_catalog, a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db
CREATE = "support.CreateCase"


class Killed(BaseException):
    """Stands for the end of a thread or process: no handler for errors stops it."""


def kill():
    raise Killed


# --- what AWS gets -----------------------------------------------------------------------------------------------------------
def test_aws_gets_the_payload_that_was_approved(sandbox, bells):
    submission = a_submission(
        State.QUEUED,
        subject="Größe <b>& Co</b> 🦀",
        communication_body="First line\n\nRef: CS-7GQ4-KM2X-9TZA-P3RW\nlast line",
        cc_email_addresses="ops@example.com, dba@example.com",
        severity_code="urgent",
    )

    send(submission)

    [case], payload = sandbox.cases(), submission.payload
    assert (case.subject, case.body) == (payload["subject"], payload["communicationBody"])
    assert (case.service_code, case.category_code) == (payload["serviceCode"], payload["categoryCode"])
    assert (case.severity_code, case.issue_type, case.language) == ("urgent", "technical", "en")
    assert case.cc == ("ops@example.com", "dba@example.com")
    assert case.account_id == submission.account.account_id
    assert marker.in_body(case.body) == submission.marker
    assert [request["dry_run"] for request in sandbox.requests(CREATE)] == [False]


def test_the_case_page_gets_aws_ids_at_once(sandbox, bells):
    submission = a_submission(State.QUEUED)

    work_off(submission)

    [case] = sandbox.cases()
    assert (submission.case.aws_case_id, submission.case.aws_display_id) == (case.case_id, case.display_id)
    assert submission.case.aws_status == case.status
    assert (submission.due_at, submission.lease_until) == (None, None)


def test_an_account_with_a_role_is_entered_by_its_role(sandbox, bells):
    team = a_team()
    role = "arn:aws:iam::444455556666:role/CasesiteSupportRole"
    account = an_account(team, account_id="444455556666", role_arn=role, external_id="acme-7f1c")
    sandbox.account(account.account_id, role_arn=role, external_id="acme-7f1c")

    submission = send(a_submission(State.QUEUED, team=team, account=account))

    attempt = submission.attempts.get()
    assert (attempt.role_arn, attempt.account_id_at_aws) == (role, "444455556666")
    assert attempt.access_key_id == creates(sandbox)[0]["access_key_id"]
    assert attempt.access_key_id.startswith("SANDBOXROLE")


# --- what is written down ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("severity", "validity"), [("normal", 15), ("high", 15), ("urgent", 5), ("critical", 5)])
def test_the_attempt_tells_all_about_the_call(severity, validity, sandbox, bells, clock):
    submission = send(a_submission(State.QUEUED, severity_code=severity))

    [request], attempt = creates(sandbox), submission.attempts.get()
    assert (attempt.n, attempt.token, attempt.worker) == (1, 3, process.name())
    assert (attempt.started_at, attempt.send_not_after) == (clock.now, clock.now + timedelta(seconds=30))
    assert (attempt.account_id_at_aws, attempt.role_arn, attempt.endpoint) == (
        submission.account.account_id,
        "",
        "sandbox",
    )
    assert (attempt.access_key_id, attempt.invocation_id) == (request["access_key_id"], request["invocation_id"])
    assert attempt.payload_sha256 == submission.payload_sha256
    assert abs(attempt.signed_at - datetime.now(UTC)) < timedelta(seconds=5)
    assert attempt.bound == attempt.signed_at + timedelta(minutes=validity + 2)
    assert (attempt.phase, attempt.outcome, attempt.closed_at) == (Phase.CLOSED, Outcome.DONE, clock.now)
    assert attempt.remote_id == sandbox.cases()[0].case_id
    assert attempt.duration_ms > 0


def test_the_attempt_of_a_refusal_keeps_aws_words_and_request_id(sandbox, bells):
    sandbox.fault(CREATE, "error", code="ValidationException", status=400, message="category code is not valid")

    submission = send(a_submission(State.QUEUED))

    attempt = submission.attempts.get()
    assert (attempt.aws_code, attempt.http_status) == ("ValidationException", 400)
    assert attempt.error_text == submission.reason_text == "category code is not valid"
    assert len(attempt.request_id) == 36


@pytest.mark.django_db(transaction=True)
def test_the_intent_is_committed_and_no_transaction_open_when_the_bytes_leave(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    seen = []

    def look():
        seen.append((connection.in_atomic_block, again(submission).state, submission.attempts.get().phase))
        assert submission.lease_until == clock.now + timedelta(seconds=90)
        assert sandbox.requests(CREATE) == []

    with failpoints.armed("F", look):
        send(submission)

    assert seen == [(False, State.SENDING, Phase.OPEN)]
    assert submission.state == State.DELIVERED


def test_the_case_id_is_logged_before_the_database_knows_it(sandbox, bells, caplog):
    caplog.set_level(logging.INFO)
    submission = a_submission(State.QUEUED)

    with failpoints.armed("G", kill), pytest.raises(Killed):
        send(submission)

    logged = [record for record in caplog.records if hasattr(record, "aws_case")]
    assert [(record.aws_case, record.submission) for record in logged] == [
        (sandbox.cases()[0].case_id, str(submission.pk))
    ]
    assert again(submission).state == State.SENDING


# --- given back without an attempt ------------------------------------------------------------------------------------------------
def assert_given_back(submission, reason, due_at):
    again(submission)
    assert (submission.state, submission.reason_code, submission.due_at) == (State.QUEUED, reason, due_at)
    assert (submission.claims, submission.lease_until, submission.lease_by) == (0, None, "")
    assert submission.attempts.count() == 0


def several(number, clock):
    """Queued submissions of one account, one after another."""
    rows = [a_submission(State.QUEUED)]
    more = {"by": rows[0].case.author, "account": rows[0].account}
    for n in range(1, number):
        clock.advance(microseconds=1)
        rows.append(a_submission(State.QUEUED, subject=f"More {n}", **more))
    return rows


def test_without_a_token_the_row_waits_for_the_next(sandbox, bells, clock):
    """Two were claimed while there was one token: the later one finds none at its intent."""
    first, _second, third = several(3, clock)
    send(first)
    one, other = claim.claim_next(first.account_id), claim.claim_next(first.account_id)
    sender.send(one)

    sender.send(other)

    assert_given_back(third, Reason.PACE, clock.now + timedelta(seconds=0.5))
    assert len(creates(sandbox)) == 2


def test_the_hours_budget_is_checked_again_at_the_intent(sandbox, bells, clock):
    first, second = several(2, clock)
    first.account.cases_per_hour = 1
    first.account.save(update_fields=["cases_per_hour"])
    one, other = claim.claim_next(first.account_id), claim.claim_next(first.account_id)
    sender.send(one)

    sender.send(other)

    assert_given_back(second, Reason.QUOTA, clock.now + timedelta(hours=1))
    assert len(creates(sandbox)) == 1


@pytest.mark.parametrize(
    ("shut", "reason"),
    [
        (lambda account, now: gate.access_refused(account, Mode.WRITE, "no"), Reason.ACCESS),
        (lambda account, now: [gate.unreachable(account, Mode.WRITE, "gone") for _n in range(5)], Reason.CONNECTION),
        (lambda account, now: gate.hold(account, now + timedelta(seconds=30), "full"), Reason.QUOTA),
    ],
    ids=["access", "connection", "quota"],
)
def test_a_gate_that_shut_after_the_claim_sends_nothing(shut, reason, sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    row = claim.claim_next(submission.account_id)
    shut(submission.account_id, clock.now)

    sender.send(row)

    assert_given_back(submission, reason, clock.now + timedelta(seconds=30))
    assert sandbox.requests(CREATE) == []


# --- not fit to be sent -----------------------------------------------------------------------------------------------------------
POSTGRESQL = next(service for service in SERVICES if service["code"].endswith("postgresql"))
VANISHED = {
    "service": (
        {"services": [service for service in SERVICES if service is not POSTGRESQL]},
        "AWS no longer offers the service “amazon-relational-database-service-postgresql” to this account.",
    ),
    "category": (
        {"services": [{**POSTGRESQL, "categories": POSTGRESQL["categories"][1:]}]},
        "AWS no longer offers the category “general-guidance” for this service.",
    ),
    "severity": (
        {"severities": [severity for severity in SEVERITIES if severity["code"] != "normal"]},
        "The account's plan no longer has the severity “normal”.",
    ),
}


@pytest.mark.parametrize(("content", "words"), VANISHED.values(), ids=VANISHED)
def test_a_choice_that_aws_no_longer_offers_fails_with_words(content, words, sandbox, bells):
    submission = a_submission(State.QUEUED)
    a_catalog(submission.account, **content)

    send(submission)

    assert (submission.state, submission.reason_code, submission.reason_text) == (State.FAILED, Reason.INVALID, words)
    assert (submission.attempts.count(), submission.lease_until, submission.due_at) == (0, None, None)
    assert submission.case.stage == "draft"
    assert sandbox.requests() == []


def test_a_newer_catalogue_that_still_has_the_choices_changes_nothing(sandbox, bells):
    submission = a_submission(State.QUEUED)
    a_catalog(submission.account, services=[POSTGRESQL])

    assert send(submission).state == State.DELIVERED


@pytest.mark.parametrize(("length", "state"), [(8000, State.DELIVERED), (8001, State.FAILED)])
def test_aws_takes_8000_characters_with_the_reference_line(length, state, sandbox, bells):
    submission = a_submission(State.QUEUED, communication_body="🦀" * (length - marker.LINE_LENGTH))

    send(submission)

    assert submission.state == state
    if state == State.FAILED:
        assert submission.reason_text == "The description has 8001 characters, AWS takes 8000."


# --- cancelled meanwhile ----------------------------------------------------------------------------------------------------------
def test_a_cancel_before_the_intent_wins(sandbox, bells):
    submission = a_submission(State.QUEUED)

    with failpoints.armed("D", lambda: workflow.cancel(submission, by=submission.case.author)):
        send(submission)

    assert (submission.state, submission.reason_code) == (State.CANCELLED, Reason.CANCELLED)
    assert submission.attempts.count() == 0
    assert sandbox.requests(CREATE) == []


def test_a_cancel_after_the_intent_is_refused(sandbox, bells):
    submission = a_submission(State.QUEUED)
    refused = []

    def cancel():
        with pytest.raises(PermissionDenied) as caught:
            workflow.cancel(submission, by=submission.case.author)
        refused.append(str(caught.value))

    with failpoints.armed("E", cancel):
        send(submission)

    assert refused == ["Not while it may be open at AWS."]
    assert submission.state == State.DELIVERED


@pytest.mark.parametrize("content", [VANISHED["service"][0], {}], ids=["failed", "given back"])
def test_what_was_cancelled_while_it_was_prepared_stays_cancelled(content, sandbox, bells):
    submission = a_submission(State.QUEUED)
    row = claim.claim_next(submission.account_id)
    workflow.cancel(submission, by=submission.case.author)
    a_catalog(submission.account, **content)
    gate.access_refused(submission.account_id, Mode.WRITE, "no")

    sender.send(row)

    assert again(submission).state == State.CANCELLED


def test_who_lost_the_lease_sends_nothing(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    slow = claim.claim_next(submission.account_id)
    clock.advance(minutes=5)
    dispatcher.expire_preparing()
    quick = claim.claim_next(submission.account_id)

    sender.send(slow)
    assert again(submission).state == State.PREPARING
    sender.send(quick)

    assert again(submission).state == State.DELIVERED
    assert len(creates(sandbox)) == 1


def test_a_case_that_turned_out_to_be_open_is_not_opened_again(sandbox, bells):
    """Rule 11: while a case has an AWS id, none of its openings is intended."""
    submission = a_submission(State.QUEUED)
    row = claim.claim_next(submission.account_id)
    submission.case.aws_case_id = sandbox.open_case(submission.account.account_id).case_id
    submission.case.save(update_fields=["aws_case_id"])

    sender.send(row)

    assert submission.attempts.count() == 0
    assert sandbox.requests(CREATE) == []
    workflow.cancel(submission, by=submission.case.author)


# --- looked for first --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def after_giving_up(sandbox, bells, clock):
    """A row of a case of which an earlier attempt was waived: AWS may have that one."""
    first = a_submission(State.NEEDS_ATTENTION)
    lead = a_user(team=first.case.team, role=Role.LEAD)
    workflow.give_up(first, by=lead, reason="Nobody knows.")
    return a_submission(State.QUEUED, case=again(first).case, reviewer=lead)


def test_before_the_bound_of_a_waived_attempt_nothing_is_sent(after_giving_up, sandbox, clock):
    bound = after_giving_up.verify_first

    send(after_giving_up)

    assert_given_back(after_giving_up, Reason.VERIFYING, bound + timedelta(seconds=1))
    assert after_giving_up.looks.get().counts is False
    assert sandbox.requests(CREATE) == []


def test_where_aws_clock_is_behind_ours_it_is_asked_again_after_a_pause(after_giving_up, sandbox, clock):
    clock.set(after_giving_up.verify_first + timedelta(minutes=5))

    send(after_giving_up)

    assert_given_back(after_giving_up, Reason.VERIFYING, clock.now + timedelta(minutes=1))


def test_once_aws_clock_has_passed_the_bound_it_is_sent(after_giving_up, sandbox, time, clock):
    time.until(after_giving_up.verify_first + timedelta(minutes=1))

    send(after_giving_up)

    assert (after_giving_up.state, after_giving_up.verify_first) == (State.DELIVERED, None)
    assert after_giving_up.looks.get().counts is True


# --- held too long ------------------------------------------------------------------------------------------------------------------
def hold_by_boottime(monkeypatch, seconds):
    real = clients_module.boottime
    monkeypatch.setattr(clients_module, "boottime", lambda: real() + seconds)


def hold_by_wall_clock(monkeypatch, seconds):
    real = real_time.time
    monkeypatch.setattr(real_time, "time", lambda: real() + seconds)


@pytest.mark.parametrize("hold", [hold_by_boottime, hold_by_wall_clock])
def test_a_request_held_for_30_seconds_after_its_intent_does_not_leave(hold, sandbox, bells, clock, monkeypatch):
    submission = a_submission(State.QUEUED)

    with monkeypatch.context() as held, failpoints.armed("E", lambda: hold(held, 31)):
        send(submission)

    attempt = submission.attempts.get()
    assert (attempt.outcome, attempt.error_class, attempt.signed_at) == (Outcome.NOT_SENT, "TooLate", None)
    assert (submission.state, submission.due_at, submission.refusals) == (State.QUEUED, clock.now, 1)
    assert sandbox.requests(CREATE) == []

    send(submission)
    assert (submission.state, submission.attempts.count()) == (State.DELIVERED, 2)


@pytest.mark.parametrize("hold", [hold_by_boottime, hold_by_wall_clock])
def test_a_request_held_for_less_leaves(hold, sandbox, bells, monkeypatch):
    submission = a_submission(State.QUEUED)

    with monkeypatch.context() as held, failpoints.armed("E", lambda: hold(held, 28)):
        send(submission)

    assert submission.state == State.DELIVERED


# --- the thread or the process ends ---------------------------------------------------------------------------------------------------
def test_an_end_while_preparing_leaves_the_row_to_the_dispatcher(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)

    with failpoints.armed("D", kill), pytest.raises(Killed):
        send(submission)
    assert again(submission).state == State.PREPARING
    clock.advance(minutes=5)
    dispatcher.expire_preparing()

    assert again(submission).state == State.QUEUED
    assert send(submission).state == State.DELIVERED
    assert submission.attempts.count() == 1


@pytest.mark.parametrize(("point", "cases"), [("E", 0), ("G", 1)])
def test_an_end_after_the_intent_is_unknown_once_the_lease_is_over(point, cases, sandbox, bells, clock):
    submission = a_submission(State.QUEUED)

    with failpoints.armed(point, kill), pytest.raises(Killed):
        send(submission)
    clock.advance(seconds=89)
    dispatcher.expire_sending()
    assert again(submission).state == State.SENDING
    clock.advance(seconds=1)
    dispatcher.expire_sending()

    attempt = again(submission).attempts.get()
    assert (submission.state, submission.reason_code) == (State.UNKNOWN, Reason.WORKER_LOST)
    assert (attempt.outcome, attempt.error_class, attempt.signed_at) == (Outcome.UNKNOWN, "WorkerLost", None)
    assert attempt.bound == attempt.started_at + timedelta(seconds=30) + timedelta(minutes=17)
    assert len(sandbox.cases()) == cases


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, Killed])
def test_an_end_in_the_middle_of_the_call_is_written_down_and_goes_on(end, sandbox, bells):
    submission = a_submission(State.QUEUED)

    def stop():
        raise end

    with failpoints.armed("F", stop), pytest.raises(end):
        send(submission)

    attempt = again(submission).attempts.get()
    assert (submission.state, submission.reason_code) == (State.UNKNOWN, Reason.NO_ANSWER)
    assert (attempt.outcome, attempt.error_class) == (Outcome.UNKNOWN, end.__name__)
    assert gate.of(submission.account_id, Mode.WRITE).failures == 0  # no fault of AWS


def test_no_memory_in_the_middle_of_the_call_is_unknown(sandbox, bells):
    submission = a_submission(State.QUEUED)

    def burst():
        raise MemoryError

    with failpoints.armed("F", burst):
        send(submission)

    assert (submission.state, submission.attempts.get().error_class) == (State.UNKNOWN, "MemoryError")


# --- the database is away when AWS has answered ------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("trouble", [OperationalError("the database is locked"), InterfaceError("connection closed")])
def test_a_report_waits_for_the_database_and_the_call_is_not_repeated(trouble, sandbox, bells, monkeypatch):
    submission = a_submission(State.QUEUED)
    finish, away, slept = report.finish, [trouble] * 5, []

    def finish_once_it_is_back(*given, **known):
        if away:
            raise away.pop()
        return finish(*given, **known)

    monkeypatch.setattr(report, "finish", finish_once_it_is_back)
    monkeypatch.setattr(persistence, "sleep", slept.append)
    send(submission)

    assert submission.state == State.DELIVERED
    assert slept == [0.1, 0.2, 0.4, 0.8, 1.0]
    assert len(sandbox.requests(CREATE)) == len(sandbox.cases()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_report_gives_up_after_ten_minutes_and_the_case_is_found(sandbox, bells, time, monkeypatch):
    submission = a_submission(State.QUEUED)
    waited = []

    def gone(*_given, **_known):
        raise OperationalError("the disk is gone")

    def sleep(seconds):
        waited.append(seconds)
        passed = sum(waited)
        monkeypatch.setattr(persistence, "monotonic", lambda: start + passed)

    start = real_time.monotonic()
    with monkeypatch.context() as patched:
        patched.setattr(report, "finish", gone)
        monkeypatch.setattr(persistence, "sleep", sleep)
        with pytest.raises(OperationalError):
            send(submission)
    assert 600 < sum(waited) < 605
    monkeypatch.undo()
    time.pass_(seconds=90)
    dispatcher.expire_sending()
    work_off(submission)

    assert submission.state == State.DELIVERED
    assert len(sandbox.requests(CREATE)) == len(sandbox.cases()) == 1
