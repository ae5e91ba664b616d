"""Working off an account; and finding out, without anybody's case, whether a stopped account answers again."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from casesite.aws import clients as clients_module
from casesite.delivery import claim, process, sender, work
from casesite.lookups.reading import target_of
from casesite.pacing import gate
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from tests import wires
from tests.delivery.steps import again, creates, send, work_off
from tests.factories import a_submission

pytestmark = pytest.mark.django_db
CREATE, READ = "support.CreateCase", "support.DescribeSeverityLevels"


@pytest.fixture(autouse=True)
def hurried_reads(monkeypatch):
    """Without the SDK's pauses between its tries."""
    monkeypatch.setattr(clients_module, "READS", clients_module.ONE_TRY)


def gate_of(submission):
    return AccountGate.objects.get(account=submission.account, mode=Mode.WRITE)


@pytest.fixture(autouse=True)
def patient_aws(sandbox):
    """Minutes of the site's clock pass in no time, so the simulator would find the calls too quick."""
    sandbox.settings(calls_per_second=1000)


def several(number, clock):
    """Queued submissions of one account, one after another."""
    rows = [a_submission(State.QUEUED)]
    more = {"by": rows[0].case.author, "account": rows[0].account}
    for n in range(1, number):
        clock.advance(microseconds=1)
        rows.append(a_submission(State.QUEUED, subject=f"More {n}", **more))
    return rows


# --- access -----------------------------------------------------------------------------------------------------------------------
def test_a_refused_write_is_tried_by_dry_runs_until_aws_lets_us_in(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    sandbox.account(submission.account.account_id, denied=["support:CreateCase"])

    work_off(submission)
    assert (submission.state, submission.reason_code) == (State.QUEUED, Reason.ACCESS)
    assert gate_of(submission).blocked_until == clock.now + timedelta(seconds=30)

    clock.advance(seconds=29)
    work_off(submission)
    assert len(sandbox.requests(CREATE)) == 1

    clock.advance(seconds=1)
    work_off(submission)
    assert [request["dry_run"] for request in sandbox.requests(CREATE)] == [False, True]
    assert gate_of(submission).blocked_until == clock.now + timedelta(seconds=60)
    assert submission.refusals == 1  # what a probe is refused counts for no row

    sandbox.account(submission.account.account_id, denied=[])
    clock.advance(minutes=5)
    work_off(submission)
    assert [request["dry_run"] for request in sandbox.requests(CREATE)] == [False, True, True, False]
    assert (submission.state, gate_of(submission).circuit) == (State.DELIVERED, Circuit.CLOSED)
    assert len(sandbox.cases()) == 1


def test_a_dry_run_opens_the_account_also_before_its_row_is_due(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    gate.access_refused(submission.account_id, Mode.WRITE, "no")
    submission.due_at = clock.now + timedelta(minutes=10)
    submission.save(update_fields=["due_at"])

    clock.advance(seconds=30)
    work_off(submission)

    assert (submission.state, gate_of(submission).circuit) == (State.QUEUED, Circuit.CLOSED)
    assert [request["dry_run"] for request in sandbox.requests(CREATE)] == [True]


def test_without_a_row_to_ask_for_no_read_opens_the_way_for_writes(sandbox, bells, clock):
    submission = a_submission(State.PENDING_REVIEW)
    gate.access_refused(submission.account_id, Mode.WRITE, "no")

    clock.advance(minutes=1)
    work_off(submission)

    assert gate_of(submission).circuit == Circuit.OPEN
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("code", "status", "opens"),
    [
        ("CaseCreationLimitExceeded", 400, True),
        ("ThrottlingException", 400, False),  # calls are counted before AWS looks who calls
        ("ValidationException", 400, True),
        ("ExpiredTokenException", 403, False),
        ("SubscriptionRequiredException", 400, False),
        ("InternalServerError", 500, False),
    ],
)
def test_a_refusal_of_the_content_or_the_hour_shows_that_aws_lets_us_in(code, status, opens, sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    gate.access_refused(submission.account_id, Mode.WRITE, "no")
    sandbox.fault(CREATE, "error", times=None, code=code, status=status, dry_run=True)

    clock.advance(seconds=30)
    work_off(submission)

    assert submission.state == (State.DELIVERED if opens else State.QUEUED)
    assert (gate_of(submission).circuit == Circuit.CLOSED) is opens


def test_the_pauses_of_a_stopped_account_grow_to_five_minutes(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    sandbox.account(submission.account.account_id, denied=["support:CreateCase"])
    work_off(submission)
    pauses = []

    for _probe in range(5):
        pauses.append((gate_of(submission).blocked_until - clock.now).total_seconds())
        clock.set(gate_of(submission).blocked_until)
        work_off(submission)

    assert pauses == [30, 60, 120, 240, 300]
    assert len(creates(sandbox)) == 1


def test_a_throttled_dry_run_is_made_again_after_the_same_pause(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    gate.access_refused(submission.account_id, Mode.WRITE, "no")
    sandbox.fault(CREATE, "throttle", dry_run=True)

    clock.advance(seconds=30)
    work_off(submission)
    assert gate_of(submission).circuit == Circuit.HALF_OPEN
    assert (gate_of(submission).opened, gate_of(submission).last_error) == (1, "no")
    clock.set(gate_of(submission).blocked_until)
    work_off(submission)

    assert submission.state == State.DELIVERED


# --- the line ---------------------------------------------------------------------------------------------------------------------
def test_five_failed_connections_stop_the_account_and_a_read_opens_it(sandbox, bells, clock, settings):
    rows = several(5, clock)
    account_pk = rows[0].account_id
    clients_module.clients.keys(target_of(rows[0].account))
    settings.SANDBOX_URL = wires.REFUSING

    for circuit in (*[Circuit.CLOSED] * 4, Circuit.OPEN):
        clock.advance(minutes=1)
        sender.send(claim.claim_next(account_pk))
        assert gate_of(rows[0]).circuit == circuit
    assert gate_of(rows[0]).trouble == "connection"
    assert gate_of(rows[0]).blocked_until == clock.now + timedelta(seconds=30)

    clock.advance(seconds=30)
    assert not work.step(account_pk)
    assert gate_of(rows[0]).circuit == Circuit.OPEN
    assert gate_of(rows[0]).blocked_until == clock.now + timedelta(seconds=60)

    settings.SANDBOX_URL = sandbox.url
    clients_module.clients.forget_everything()  # a client keeps the address it was made for
    clock.advance(minutes=61)
    assert work.step(account_pk)
    assert gate_of(rows[0]).circuit == Circuit.CLOSED
    assert len(sandbox.requests(READ)) == 1
    assert [request["dry_run"] for request in sandbox.requests(CREATE)] == [False]
    assert [again(row).state for row in rows].count(State.DELIVERED) == 1


def test_five_failing_answers_stop_the_account(sandbox, bells, clock):
    rows = several(5, clock)
    sandbox.fault(CREATE, "error_503", times=5)

    for row in rows:
        clock.advance(seconds=1)
        send(row)

    assert {again(row).state for row in rows} == {State.UNKNOWN}
    assert (gate_of(rows[0]).circuit, gate_of(rows[0]).trouble) == (Circuit.OPEN, "connection")


def test_an_answer_in_between_starts_the_count_anew(sandbox, bells, clock):
    rows = several(6, clock)
    sandbox.fault(CREATE, "error_503", times=4)
    for row in rows[:5]:
        clock.advance(seconds=1)
        send(row)
    sandbox.fault(CREATE, "error_503")
    clock.advance(seconds=1)

    send(rows[5])

    assert (gate_of(rows[0]).circuit, gate_of(rows[0]).failures) == (Circuit.CLOSED, 1)


def test_a_code_that_nobody_knows_is_no_failure_of_the_line(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    sandbox.fault(CREATE, "error", code="NobodyListsThis", status=400)

    send(submission)

    assert (submission.state, gate_of(submission).failures) == (State.UNKNOWN, 0)


# --- stopping ---------------------------------------------------------------------------------------------------------------------
def test_a_process_that_stops_claims_nothing_more(sandbox, bells, monkeypatch):
    submission = a_submission(State.QUEUED)
    process.stopping.set()
    try:
        left = work.work_off(submission.account_id)
    finally:
        process.stopping.clear()

    assert left is None
    assert again(submission).state == State.QUEUED


def test_after_a_minute_the_rest_is_left_to_another_bell(sandbox, bells, monkeypatch):
    submission = a_submission(State.QUEUED)
    monkeypatch.setattr(work, "LONGEST", -1.0)

    assert work.work_off(submission.account_id) == 0
    assert again(submission).state == State.QUEUED


# --- without a worker ---------------------------------------------------------------------------------------------------------------
def test_command_does_what_is_due_and_no_more_than_it_is_told(sandbox, bells, clock):
    first, second = several(2, clock)

    call_command("work_off", first.account.account_id, "--most", "1", stdout=(said := StringIO()))
    assert (len(sandbox.cases()), said.getvalue()) == (1, f"{first.account}: 1 done\n")

    clock.advance(minutes=1)
    call_command("work_off", stdout=StringIO())
    second.refresh_from_db()
    assert (len(sandbox.cases()), second.state) == (2, State.DELIVERED)
