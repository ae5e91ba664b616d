"""What an answer does to the submission, its account and the hour; and that a late answer still counts."""

from datetime import timedelta

import pytest

from casesite import failpoints
from casesite.aws.errors import Cause, NotSent, OutcomeUnknown, Refused, Trace
from casesite.delivery import claim, dispatcher, report, work
from casesite.delivery.models import Outcome
from casesite.pacing import gate
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.submissions import workflow
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, Role
from tests.delivery.steps import again, creates, send, work_off
from tests.factories import a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db
CREATE = "support.CreateCase"


def gate_of(submission):
    return AccountGate.objects.get(account=submission.account, mode=Mode.WRITE)


def when_due(submission, clock):
    """Let time pass until the row and its gate may go again."""
    instants = (submission.due_at, gate_of(submission).blocked_until, clock.now + timedelta(seconds=1))
    clock.set(max(instant for instant in instants if instant))


# --- a late answer ------------------------------------------------------------------------------------------------------------
def lose_the_lease(clock):
    """The worker is held up until the dispatcher has given its attempt up."""

    def step():
        clock.advance(seconds=90)
        dispatcher.expire_sending()

    return step


def test_a_success_that_comes_after_the_lease_is_merged(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)

    with failpoints.armed("G", lose_the_lease(clock)):
        send(submission)

    [case], attempt = sandbox.cases(), submission.attempts.get()
    assert [event.became for event in submission.case.events.order_by("id")][-2:] == [State.UNKNOWN, State.DELIVERED]
    assert (submission.state, submission.remote_id, submission.case.aws_case_id) == (
        State.DELIVERED,
        case.case_id,
        case.case_id,
    )
    assert (attempt.outcome, attempt.remote_id) == (Outcome.DONE, case.case_id)
    assert attempt.signed_at is not None


def take_over(submission, lead):
    workflow.take_over(submission, by=lead, reason="It is urgent.")


def give_up(submission, lead):
    take_over(submission, lead)
    workflow.give_up(submission, by=lead, reason="Done by phone.")


def send_again(submission, lead):
    take_over(submission, lead)
    workflow.send_again(submission, by=lead, reason="Not in the console.")


@pytest.mark.parametrize("decide", [take_over, give_up, send_again])
def test_a_success_is_merged_whatever_a_lead_decided_meanwhile(decide, sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    lead = a_user(team=submission.case.team, role=Role.LEAD)

    def step():
        lose_the_lease(clock)()
        decide(again(submission), lead)

    with failpoints.armed("G", step):
        send(submission)
    work_off(submission)

    assert (submission.state, submission.attempts.get().outcome) == (State.DELIVERED, Outcome.DONE)
    assert submission.case.stage == "open"
    assert len(creates(sandbox)) == len(sandbox.cases()) == 1


@pytest.mark.parametrize(
    ("code", "outcome", "state"),
    [
        ("AccessDeniedException", Outcome.REFUSED_RETRY, State.QUEUED),
        ("ThrottlingException", Outcome.REFUSED_RETRY, State.QUEUED),
        ("ValidationException", Outcome.REFUSED_FINAL, State.FAILED),
    ],
)
def test_a_refusal_that_comes_after_the_lease_is_merged(code, outcome, state, sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    sandbox.fault(CREATE, "error", code=code, status=400, message="no")

    with failpoints.armed("G", lose_the_lease(clock)):
        send(submission)

    attempt = submission.attempts.get()
    assert (submission.state, attempt.outcome, attempt.aws_code) == (state, outcome, code)


def test_a_proof_that_nothing_was_sent_is_merged_late(sandbox, bells, clock, settings):
    submission = a_submission(State.QUEUED)

    def step():
        settings.SANDBOX_URL = "http://127.0.0.1:9"
        lose_the_lease(clock)()

    with failpoints.armed("E", step):
        send(submission)

    assert (submission.state, submission.attempts.get().outcome) == (State.QUEUED, Outcome.NOT_SENT)


def test_an_unclear_end_that_comes_after_the_lease_changes_nothing(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    sandbox.fault(CREATE, "drop")

    with failpoints.armed("G", lose_the_lease(clock)):
        send(submission)

    attempt = submission.attempts.get()
    assert (submission.state, submission.reason_code) == (State.UNKNOWN, Reason.WORKER_LOST)
    assert (attempt.outcome, attempt.error_class) == (Outcome.UNKNOWN, "WorkerLost")


def test_a_refusal_of_an_attempt_that_is_not_the_newest_changes_nothing(sandbox, bells, time):
    submission = a_submission(State.QUEUED)
    sandbox.fault(CREATE, "drop")
    work_off(submission)
    first = submission.attempts.get()
    time.until(first.bound + timedelta(seconds=1))
    work_off(submission)
    time.pass_(seconds=62)
    work_off(submission)
    assert [attempt.outcome for attempt in submission.attempts.all()] == [Outcome.ABSENT, Outcome.DONE]

    refused = Refused("no", cause=Cause.INVALID, again=False, operation=CREATE)
    report.finish(first, trace=Trace(CREATE), error=refused, remote_id="", duration=timedelta(seconds=1))

    assert again(submission).state == State.DELIVERED
    assert [attempt.outcome for attempt in submission.attempts.all()] == [Outcome.ABSENT, Outcome.DONE]


@pytest.mark.parametrize(
    "error",
    [
        OutcomeUnknown("silent", operation=CREATE),
        Refused("slow down", cause=Cause.THROTTLED, again=True, operation=CREATE),
        Refused("no", cause=Cause.ACCESS, again=True, operation=CREATE),
        NotSent("not there", cause=Cause.CONNECTION, operation=CREATE),
        None,
    ],
    ids=["unknown", "throttled", "access", "connection", "done"],
)
def test_a_report_that_is_made_twice_counts_once(error, sandbox, bells, clock):
    """The database may have taken a report and lost its answer: then the worker makes it again."""
    submission = a_submission(State.SENDING)
    known = {"trace": Trace(CREATE), "error": error, "remote_id": "" if error else "case-1", "duration": timedelta()}
    attempt = submission.attempts.get()

    def everything():
        rows = (submission.attempts.values().get(), list(AccountGate.objects.values()), submission.case.events.count())
        return (*rows, *(getattr(again(submission), name) for name in ("state", "token", "refusals", "due_at")))

    report.finish(attempt, **known)
    once = everything()
    clock.advance(seconds=5)
    report.finish(attempt, **known)

    assert everything() == once


# --- refused again and again ----------------------------------------------------------------------------------------------------
def test_the_eighth_refusal_brings_it_before_a_person(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    sandbox.fault(CREATE, "error", times=None, code="RequestExpired", status=400, message="too old")

    for refusals in range(1, 8):
        send(submission)
        assert (submission.state, submission.refusals) == (State.QUEUED, refusals)
        clock.set(submission.due_at)
    send(submission)

    assert (submission.state, submission.reason_code) == (State.NEEDS_ATTENTION, Reason.REFUSED_OFTEN)
    assert (submission.reason_text, submission.due_at) == ("too old", None)
    assert len(creates(sandbox)) == 8


@pytest.mark.parametrize(("hours", "state"), [(23.9, State.QUEUED), (24, State.NEEDS_ATTENTION)])
def test_a_day_of_refusals_brings_it_before_a_person(hours, state, sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    sandbox.fault(CREATE, "error", times=None, code="RequestExpired", status=400)

    send(submission)
    clock.advance(hours=hours)
    send(submission)

    assert (submission.state, submission.refusals) == (state, 2)


def test_what_was_not_sent_counts_as_refused_too(sandbox, bells, clock, settings):
    submission = a_submission(State.QUEUED)
    for _time in range(8):
        with failpoints.armed("E", lambda: setattr(settings, "SANDBOX_URL", "http://127.0.0.1:9")):
            send(submission)
        settings.SANDBOX_URL = sandbox.url
        AccountGate.objects.update(circuit=Circuit.CLOSED, blocked_until=None)
        clock.advance(minutes=61)
        if submission.state != State.QUEUED:
            break

    assert (submission.state, submission.refusals) == (State.NEEDS_ATTENTION, 8)


@pytest.mark.parametrize("code", ["ThrottlingException", "CaseCreationLimitExceeded"])
def test_throttling_and_quota_count_toward_neither(code, sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    sandbox.fault(CREATE, "error", times=10, code=code, status=400)

    for _time in range(10):
        send(submission)
        assert (submission.state, submission.refusals, submission.first_refused_at) == (State.QUEUED, 0, None)
        when_due(submission, clock)
        clock.advance(hours=3)

    assert send(submission).state == State.DELIVERED


@pytest.mark.parametrize(("failures", "minutes"), [(1, 2), (2, 4), (5, 32), (6, 60), (50, 60)])
def test_the_pause_grows_to_an_hour_with_full_jitter(failures, minutes, clock):
    pauses = [report.next_attempt_at(failures, clock.now) - clock.now for _time in range(300)]

    assert timedelta(0) <= min(pauses) < timedelta(minutes=minutes) * 0.1
    assert timedelta(minutes=minutes) * 0.9 < max(pauses) <= timedelta(minutes=minutes)


# --- slower -----------------------------------------------------------------------------------------------------------------------
def test_throttling_slows_the_account_and_the_row_waits_for_it(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    sandbox.fault(CREATE, "throttle")

    send(submission)

    slowed = gate_of(submission)
    assert (slowed.rate, slowed.throttles, slowed.blocked_because) == (1.0, 1, "throttled")
    assert submission.due_at == slowed.blocked_until
    assert slowed.circuit == Circuit.CLOSED


# --- the hour ---------------------------------------------------------------------------------------------------------------------
def test_cases_that_others_opened_hold_the_account_for_ten_minutes(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    other = a_submission(State.QUEUED, by=submission.case.author, account=submission.account, severity_code="urgent")
    for _case in range(10):
        sandbox.open_case(submission.account.account_id)

    send(other)

    assert (other.state, other.reason_code) == (State.QUEUED, Reason.QUOTA)
    assert other.due_at == gate_of(other).blocked_until == clock.now + timedelta(minutes=10)
    assert not work.step(submission.account_id)
    assert len(creates(sandbox)) == 1
    clock.advance(minutes=10)
    assert claim.claim_next(submission.account_id) == other


def test_a_full_hour_holds_the_account_until_the_oldest_leaves_it(sandbox, bells, clock):
    first = a_submission(State.QUEUED)
    second = a_submission(State.QUEUED, by=first.case.author, account=first.account)
    send(first)
    clock.advance(minutes=12)
    sandbox.fault(CREATE, "error", code="CaseCreationLimitExceeded", status=400)

    with failpoints.armed("F", lambda: AwsAccount.objects.update(cases_per_hour=1, reserved_urgent=0)):
        send(second)

    assert second.due_at == gate_of(second).blocked_until == clock.now + timedelta(minutes=48)


def test_a_success_does_not_end_a_hold_for_the_hour(sandbox, bells, clock):
    submission = a_submission(State.QUEUED)
    until = clock.now + timedelta(minutes=10)

    with failpoints.armed("F", lambda: gate.hold(submission.account_id, until, "full")):
        send(submission)

    assert (submission.state, gate_of(submission).blocked_until) == (State.DELIVERED, until)


# --- who we are -------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def by_role(sandbox, bells, clock):
    """A submission that goes out by a role of its account."""
    team = a_team()
    account = an_account(team, account_id="444455556666", role_arn="arn:aws:iam::444455556666:role/Casesite")
    return a_submission(State.QUEUED, team=team, account=account)


def test_the_first_expired_session_is_replaced_at_once(by_role, sandbox, clock):
    first = a_submission(State.QUEUED, by=by_role.case.author, account=by_role.account, severity_code="high")
    send(first)
    sandbox.expire_sessions()

    send(by_role)
    assert (by_role.state, by_role.due_at, by_role.reason_code) == (State.QUEUED, clock.now, Reason.CREDENTIALS)
    assert gate_of(by_role).circuit == Circuit.CLOSED
    clock.advance(seconds=1)
    send(by_role)

    assert by_role.state == State.DELIVERED
    assert [attempt.aws_code for attempt in by_role.attempts.all()] == ["ExpiredTokenException", ""]
    assert len({attempt.access_key_id for attempt in by_role.attempts.all()}) == 2
    assert len(sandbox.requests("sts.AssumeRole")) == 2


def test_the_second_expired_session_stops_the_account(by_role, sandbox, clock):
    sandbox.fault(CREATE, "error", times=2, code="ExpiredTokenException", status=403, message="expired")

    send(by_role)
    send(by_role)

    stopped = gate_of(by_role)
    assert (stopped.circuit, stopped.trouble, stopped.last_error) == (Circuit.OPEN, "access", "expired")
    assert (by_role.state, by_role.reason_code) == (State.QUEUED, Reason.ACCESS)


def test_a_refused_access_fetches_a_new_session_for_the_next_time(by_role, sandbox, clock):
    sandbox.fault(CREATE, "error", code="AccessDeniedException", status=403)

    send(by_role)
    when_due(by_role, clock)
    work_off(by_role)

    assert by_role.state == State.DELIVERED
    assert len({attempt.access_key_id for attempt in by_role.attempts.all()}) == 2
