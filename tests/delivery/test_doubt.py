"""What is in doubt is never sent on: the database, the look before, the pace, a hanging call."""

import subprocess
import sys
import time as real_time

import pytest
from django.db import OperationalError

from casesite.aws import support
from casesite.aws.errors import DryRunOpenedCase
from casesite.delivery import claim, reconcile, sender, work
from casesite.delivery.models import Outcome
from casesite.pacing import gate
from casesite.pacing.models import AccountGate, Mode
from casesite.submissions import marker, workflow
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.delivery.steps import work_off
from tests.factories import a_submission, a_user

pytestmark = pytest.mark.django_db
CREATE = "support.CreateCase"


@pytest.mark.parametrize("committed", [True, False])
def test_an_intent_whose_commit_is_in_doubt_sends_nothing(committed, sandbox, bells, monkeypatch):
    submission = a_submission(State.QUEUED)
    row = claim.claim_next(submission.account_id)
    intend = sender._intend

    def in_doubt(*given):
        if committed:
            intend(*given)
        raise OperationalError("the connection was lost while committing")

    monkeypatch.setattr(sender, "_intend", in_doubt)
    with pytest.raises(OperationalError):
        sender.send(row)

    submission.refresh_from_db()
    assert submission.state == State.QUEUED
    assert sandbox.requests(CREATE) == []
    assert [attempt.outcome for attempt in submission.attempts.all()] == ([Outcome.NOT_SENT] if committed else [])


def test_after_a_doubtful_intent_the_case_is_sent_once(sandbox, bells, monkeypatch):
    submission = a_submission(State.QUEUED)
    with monkeypatch.context() as patched:
        patched.setattr(sender, "_intend", lambda *_given: (_ for _ in ()).throw(OperationalError("gone")))
        with pytest.raises(OperationalError):
            work.step(submission.account_id)

    work_off(submission)

    assert submission.state == State.DELIVERED
    assert len(sandbox.cases()) == 1


def test_a_look_before_sending_that_fails_for_an_hour_needs_a_person(sandbox, bells, time):
    submission = a_submission(State.NEEDS_ATTENTION)
    lead = a_user(team=submission.case.team, role=Role.LEAD)
    workflow.send_again(submission, by=lead, reason="Not in the console.")
    sandbox.fault("support.DescribeCases", "error", times=None, code="AccessDeniedException", status=403, message="no")

    for _ten_minutes in range(8):
        work_off(submission)
        time.pass_(minutes=10)

    assert (submission.state, submission.reason_code) == (State.NEEDS_ATTENTION, Reason.CANNOT_LOOK)
    assert sandbox.requests(CREATE) == []


def test_rows_beyond_the_pace_wait_a_moment_and_hold_no_worker(sandbox, bells, clock):
    sandbox.settings(calls_per_second=1000)  # only our own pace counts: AWS's clock does not jump with ours
    first = a_submission(State.QUEUED)
    for number in range(3):
        a_submission(State.QUEUED, by=first.case.author, account=first.account, subject=f"More {number}")

    pauses = []
    while (pause := work.work_off(first.account_id)) is not None:
        pauses.append(pause)
        clock.advance(seconds=pause)

    assert pauses == [0.5, 0.5]
    assert set(Submission.objects.values_list("state", flat=True)) == {State.DELIVERED}
    assert len(sandbox.cases()) == 4


def test_a_dry_run_that_opens_a_case_is_taken_for_what_it_is(sandbox, bells, monkeypatch, clock):
    """Some stand-in for AWS may ignore `dryRun`: its case is the row's, and no dry run is made there again."""
    submission = a_submission(State.QUEUED)
    gate.access_refused(submission.account_id, Mode.WRITE, "no")
    clock.advance(minutes=1)
    case = sandbox.open_case(submission.account.account_id, body=submission.payload["communicationBody"])

    def opens(_target, _keys, _request):
        raise DryRunOpenedCase(case.case_id, operation=CREATE)

    monkeypatch.setattr(support, "dry_run", opens)
    work_off(submission)

    assert (submission.state, submission.remote_id) == (State.DELIVERED, case.case_id)
    assert AccountGate.objects.get(mode=Mode.WRITE).dry_runs_off
    assert len(sandbox.cases()) == 1


def test_a_worker_whose_call_hangs_ends_once_the_others_are_done():
    hang = """
import time
from casesite.delivery import watchdog
watchdog.CALL_LIMIT, watchdog.OTHERS_FINISH = 0.2, 5
watchdog.start()
with watchdog.watching(1):
    time.sleep(60)
"""
    started = real_time.monotonic()
    setup = "import os, django; os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'tests.settings'); django.setup()"

    ended = subprocess.run([sys.executable, "-c", f"{setup}\n{hang}"], timeout=60, capture_output=True, check=False)

    assert ended.returncode == 70
    assert real_time.monotonic() - started < 50


def test_a_row_taken_over_with_nothing_to_prove_is_not_looked_for_for_ever(bells, clock):
    submission = a_submission(State.NEEDS_ATTENTION)
    submission.attempts.update(outcome=Outcome.WAIVED)
    clock.advance(hours=1)

    assert reconcile.look(submission.account_id) is False

    submission.refresh_from_db()
    assert submission.due_at is None


def test_a_bug_of_ours_stops_the_lane_until_a_person_checks(sandbox, bells, clock, settings):
    settings.GATE_RATE = settings.GATE_BURST = 50
    first = a_submission(State.QUEUED)
    clock.advance(seconds=1)  # of rows queued at one instant either may go first
    second = a_submission(State.QUEUED, by=first.case.author, account=first.account, subject="The next one")
    sandbox.fault(CREATE, "error", code="DryRunOperationException", status=400, message="The request is valid")
    work_off(first)
    assert (first.state, first.reason_code) == (State.FAILED, Reason.OUR_BUG)

    clock.advance(hours=1)
    work_off(second)
    assert second.state == State.QUEUED
    assert len(sandbox.requests(CREATE)) == 1
    gate.release(first.account_id, Mode.WRITE)
    work_off(second)

    assert second.state == State.DELIVERED


def test_a_slow_account_holds_two_threads_with_looks_and_reads_too(sandbox, bells, time):
    unknown = a_submission(State.UNKNOWN)
    for number in range(2):
        a_submission(State.PREPARING, by=unknown.case.author, account=unknown.account, subject=f"Busy {number}")
    time.pass_(seconds=30)

    assert work.step(unknown.account_id) is False

    assert sandbox.requests("support.DescribeCases") == []


def test_a_found_case_that_belongs_to_another_case_needs_a_person(sandbox, bells, time):
    other = a_submission(State.DELIVERED)
    lead = a_user(team=other.case.team, role=Role.LEAD)
    submission = a_submission(State.NEEDS_ATTENTION, by=other.case.author, account=other.account, subject="Mine")
    workflow.send_again(submission, by=lead, reason="Not in the console.")
    erased = marker.new(submission.case.reference)  # ours, but its row is gone, as after a restore
    case = sandbox.open_case(other.account.account_id, body=f"Text\n\nRef: {erased}")
    Submission.objects.filter(pk=other.pk).update(remote_id=case.case_id, due_at=None)
    type(other.case).objects.filter(pk=other.case_id).update(aws_case_id=case.case_id)

    work_off(submission)

    assert (submission.state, submission.reason_code) == (State.NEEDS_ATTENTION, Reason.ID_TAKEN)
    assert sandbox.requests(CREATE) == []


def test_an_approval_after_an_expired_one_counts_refusals_anew(bells, clock):
    submission = a_submission(State.QUEUED)
    Submission.objects.filter(pk=submission.pk).update(refusals=7, first_refused_at=clock.now)
    submission.refresh_from_db()
    submission.move(State.PENDING_REVIEW, what="approval_expired", due_at=None)

    reviewer = a_user(team=submission.case.team, role=Role.REVIEWER)
    workflow.approve(submission, by=reviewer, payload_sha256=submission.payload_sha256)

    assert (submission.refusals, submission.first_refused_at) == (0, None)
