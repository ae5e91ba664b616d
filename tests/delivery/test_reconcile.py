"""A lost answer is looked up, never sent again on suspicion."""

from datetime import timedelta

import pytest

from casesite.delivery import dispatcher, reconcile
from casesite.delivery.models import Attempt, LookResult, Outcome
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions import marker, workflow
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import Role, UnknownPolicy
from tests.delivery.steps import again, work_off
from tests.factories import a_draft, a_submission, a_user

pytestmark = pytest.mark.django_db
CREATE = "support.CreateCase"


def an_unknown(sandbox, *, executed, **draft):
    """A submission whose answer was lost: AWS has the case, or never got the request."""
    submission = a_submission(State.QUEUED, **draft)
    sandbox.fault(CREATE, "drop", when="after" if executed else "before")
    work_off(submission)
    assert submission.state == State.UNKNOWN
    return submission


def creates(sandbox):
    return [request for request in sandbox.requests(CREATE) if not request["dry_run"]]


def test_lost_answer_opens_no_second_support_case(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=True)

    time.pass_(seconds=10)
    work_off(submission)

    assert submission.state == State.DELIVERED
    assert [case.case_id for case in sandbox.cases()] == [submission.remote_id]
    assert submission.case.aws_display_id == sandbox.cases()[0].display_id
    assert submission.attempts.get().outcome == Outcome.DONE
    assert len(creates(sandbox)) == 1


def test_a_case_still_invisible_is_found_later(sandbox, bells, time):
    submission = a_submission(State.QUEUED)
    sandbox.account(submission.account.account_id, visible_after=100)
    sandbox.lose_answer(CREATE)
    work_off(submission)

    for after in (10, 20, 30, 60):
        assert submission.state == State.UNKNOWN
        time.pass_(seconds=after)
        work_off(submission)

    assert submission.state == State.DELIVERED
    assert [look.result for look in submission.looks.all()] == ["absent", "absent", "absent", "found"]
    assert len(creates(sandbox)) == 1


def test_early_negative_looks_never_lead_to_a_second_send(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=False)

    for after in (10, 20, 30, 60, 120, 240, 400):
        time.pass_(seconds=after)
        work_off(submission)

    assert submission.state == State.UNKNOWN
    assert submission.looks.filter(counts=True).count() == 0
    assert submission.looks.count() >= 6
    assert len(creates(sandbox)) == 1


def test_two_counted_negative_looks_a_minute_apart_send_again_once(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=False)
    bound = submission.attempts.get().bound

    time.until(bound + timedelta(seconds=2))
    work_off(submission)
    assert submission.state == State.UNKNOWN
    assert len(creates(sandbox)) == 1
    time.pass_(seconds=62)
    work_off(submission)

    assert submission.state == State.DELIVERED
    assert [attempt.outcome for attempt in submission.attempts.all()] == [Outcome.ABSENT, Outcome.DONE]
    counted = submission.looks.filter(counts=True)
    assert [look.aws_date >= bound for look in counted] == [True, True]
    assert len(sandbox.cases()) == 1
    assert submission.resends == 1


def test_two_counted_looks_too_close_together_do_not_conclude(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=False)

    time.until(submission.attempts.get().bound + timedelta(seconds=2))
    work_off(submission)
    Submission.objects.filter(pk=submission.pk).update(due_at=submission.submitted_at)
    work_off(submission)

    assert submission.looks.filter(counts=True).count() == 2
    assert submission.state == State.UNKNOWN


def test_a_look_whose_lease_ran_out_leaves_the_end_to_the_next(sandbox, bells, time, monkeypatch):
    submission = an_unknown(sandbox, executed=False)
    time.until(submission.attempts.get().bound + timedelta(seconds=2))
    work_off(submission)
    time.pass_(seconds=62)
    search = reconcile.search

    def slow_search(*given, **more):
        monkeypatch.setattr(reconcile, "search", search)
        seen = search(*given, **more)
        time.pass_(minutes=2)
        reconcile._claim_looks(submission.account_id)  # by another worker, which dies of it
        return seen

    monkeypatch.setattr(reconcile, "search", slow_search)
    assert reconcile.look(submission.account_id)
    again(submission)
    assert (submission.state, submission.attempts.get().outcome) == (State.UNKNOWN, Outcome.UNKNOWN)
    time.pass_(minutes=2)
    work_off(submission)

    assert submission.state == State.DELIVERED
    assert [attempt.outcome for attempt in submission.attempts.all()] == [Outcome.ABSENT, Outcome.DONE]
    assert len(sandbox.cases()) == 1


def test_only_the_date_of_aws_decides_whether_a_negative_look_counts(sandbox, bells, time, clock):
    submission = an_unknown(sandbox, executed=False)

    clock.advance(hours=3)  # our clock ran away, AWS's did not
    work_off(submission)

    assert [look.counts for look in submission.looks.all()] == [False]
    assert submission.state == State.UNKNOWN


def test_nothing_found_after_the_second_send_needs_a_person(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=False)
    sandbox.fault(CREATE, "drop", when="before")
    for _send in range(2):
        time.pass_(minutes=20)
        work_off(submission)
        time.pass_(seconds=62)
        work_off(submission)

    assert submission.state == State.NEEDS_ATTENTION
    assert submission.reason_code == Reason.NOT_FOUND_TWICE
    assert len(creates(sandbox)) == 2
    assert sandbox.cases() == []


def test_policy_ask_leaves_the_resend_to_a_person(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=False)
    submission.account.unknown_policy = UnknownPolicy.ASK
    submission.account.save(update_fields=["unknown_policy"])

    time.until(submission.attempts.get().bound + timedelta(seconds=2))
    work_off(submission)
    time.pass_(seconds=62)
    work_off(submission)

    assert submission.state == State.NEEDS_ATTENTION
    assert submission.reason_code == Reason.ASK
    assert len(creates(sandbox)) == 1


def test_urgent_cases_are_certain_sooner(sandbox, bells, time):
    urgent = an_unknown(sandbox, executed=False, severity_code="urgent").attempts.get()
    normal = an_unknown(sandbox, executed=False, severity_code="normal").attempts.get()

    assert urgent.bound - urgent.signed_at == timedelta(minutes=7)
    assert normal.bound - normal.signed_at == timedelta(minutes=17)


def test_a_look_that_fails_counts_for_nothing_and_an_hour_of_them_needs_a_person(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=True)
    sandbox.fault("support.DescribeCases", "error", times=None, code="AccessDeniedException", status=403, message="no")

    for _five_minutes in range(14):
        time.pass_(minutes=5)
        work_off(submission)
        if submission.state != State.UNKNOWN:
            break

    assert submission.state == State.NEEDS_ATTENTION
    assert submission.reason_code == Reason.CANNOT_LOOK
    assert set(submission.looks.values_list("result", flat=True)) == {LookResult.ERROR}
    assert submission.attempts.get().outcome == Outcome.UNKNOWN
    assert len(sandbox.cases()) == 1


def test_looks_go_on_hourly_while_a_person_is_needed(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=True)
    lead = a_user(team=submission.case.team, role=Role.LEAD)
    workflow.take_over(submission, by=lead, reason="It is urgent.")
    sandbox.fault("support.DescribeCases", "error", code="InternalServerError", status=400, message="oops")
    work_off(submission)
    assert submission.state == State.NEEDS_ATTENTION

    time.pass_(minutes=61)
    work_off(submission)

    assert submission.state == State.DELIVERED
    assert submission.remote_id == sandbox.cases()[0].case_id


def test_two_cases_with_the_marker_are_proven_by_the_older_and_flagged(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=True)
    first = sandbox.cases()[0]
    second = sandbox.open_case(submission.account.account_id, subject=first.subject, body=first.body)

    time.pass_(seconds=10)
    work_off(submission)

    assert submission.remote_id == first.case_id
    assert submission.duplicate
    assert submission.duplicate_remote_id == second.case_id
    assert submission.case.duplicate_aws_case_id == second.case_id


def test_a_case_with_the_same_subject_but_no_marker_is_evidence_not_proof(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=False)
    sent = submission.payload
    other = sandbox.open_case(
        submission.account.account_id,
        subject=sent["subject"],
        body="Opened by hand.",
        serviceCode=sent["serviceCode"],
        categoryCode=sent["categoryCode"],
    )

    time.pass_(seconds=10)
    work_off(submission)

    assert submission.state == State.UNKNOWN
    candidates = submission.looks.get().evidence["candidates"]
    assert [candidate["case_id"] for candidate in candidates] == [other.case_id]


def test_a_marker_in_a_later_communication_or_of_another_installation_proves_nothing(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=False)
    body = submission.payload["communicationBody"]
    quoting = sandbox.open_case(submission.account.account_id, subject=submission.payload["subject"], body="Hello")
    sandbox.reply(quoting.case_id, body)
    sandbox.open_case(
        submission.account.account_id, subject=submission.payload["subject"], body="x\n\nRef: CS-7GQ4-KM2X-9TZA-P3RW"
    )

    time.pass_(seconds=10)
    work_off(submission)

    assert submission.state == State.UNKNOWN


def test_the_marker_is_found_in_the_first_of_many_communications(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=True)
    case = sandbox.cases()[0]
    time.pass_(seconds=10)
    for number in range(7):
        sandbox.reply(case.case_id, f"Answer {number}")

    work_off(submission)

    assert submission.remote_id == case.case_id


def test_resolved_cases_and_all_pages_are_searched(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=True)
    sandbox.resolve(sandbox.cases()[0].case_id)
    sandbox.settings(cases_per_hour=1000)
    for number in range(120):
        sandbox.open_case(submission.account.account_id, subject=f"Other {number}")

    time.pass_(seconds=10)
    work_off(submission)

    assert submission.state == State.DELIVERED
    assert submission.case.stage == "resolved"
    assert submission.looks.get().pages >= 4  # two pages without a language, two with it


def test_an_unread_page_spoils_the_look(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=False)
    time.until(submission.attempts.get().bound + timedelta(seconds=2))
    sandbox.fault("support.DescribeCases", "cut", times=None)

    work_off(submission)

    assert submission.state == State.UNKNOWN
    assert [look.result for look in submission.looks.all()] == ["error"]


def test_one_search_serves_all_unknown_rows_of_an_account(sandbox, bells, time):
    first = an_unknown(sandbox, executed=True)
    sandbox.lose_answer(CREATE)
    second = a_submission(State.QUEUED, by=first.case.author, account=first.account, subject="Another one")
    work_off(second)

    time.pass_(seconds=11)
    before = len(sandbox.requests("support.DescribeCases"))
    reconcile.look(first.account_id)

    first.refresh_from_db()
    second.refresh_from_db()
    assert {first.state, second.state} == {State.DELIVERED}
    assert len(sandbox.requests("support.DescribeCases")) - before == 2  # without a language, and in English


def test_a_dead_workers_attempt_is_looked_up_from_its_start(sandbox, bells, time, clock):
    submission = a_submission(State.SENDING)  # its worker died here
    clock.advance(minutes=2)

    dispatcher.expire_sending()
    submission.refresh_from_db()

    attempt = submission.attempts.get()
    assert (submission.state, submission.reason_code) == (State.UNKNOWN, Reason.WORKER_LOST)
    assert (attempt.phase, attempt.outcome) == ("closed", Outcome.UNKNOWN)
    assert attempt.signed_at is None


def test_a_late_success_is_merged_whatever_the_looks_concluded(sandbox, bells, time):
    """The first request reaches AWS after two counted looks proved it absent: both ids are shown."""
    submission = an_unknown(sandbox, executed=False)
    time.until(submission.attempts.get().bound + timedelta(seconds=2))
    work_off(submission)
    time.pass_(seconds=62)
    work_off(submission)
    assert submission.state == State.DELIVERED
    late = sandbox.open_case(
        submission.account.account_id, subject="late", body=submission.payload["communicationBody"]
    )

    from casesite.submissions import proven

    proven.record_case(submission.pk, late.case_id)

    submission.refresh_from_db()
    assert (submission.duplicate, submission.duplicate_remote_id) == (True, late.case_id)


def given_up(sandbox, time, *, executed):
    """A case whose sending a lead gave up on, and the author's next revision, approved."""
    submission = an_unknown(sandbox, executed=executed)
    lead = a_user(team=submission.case.team, role=Role.LEAD)
    workflow.take_over(submission, by=lead, reason="Customer waits.")
    workflow.give_up(submission, by=lead, reason="We write it anew.")
    submission.case.refresh_from_db()
    again = workflow.submit(submission.case, by=submission.case.author)
    workflow.approve(again, by=lead, payload_sha256=again.payload_sha256)
    return submission, again


def test_after_a_give_up_the_next_revision_looks_first_and_finds_the_case(sandbox, bells, time):
    first, again = given_up(sandbox, time, executed=True)

    work_off(again)

    first.refresh_from_db()
    assert (first.state, again.state) == (State.DELIVERED, State.CANCELLED)
    assert again.reason_code == Reason.ALREADY_OPEN
    assert [case.case_id for case in sandbox.cases()] == [first.remote_id]
    assert len(creates(sandbox)) == 1


def test_after_a_give_up_nothing_is_sent_before_aws_can_be_certain(sandbox, bells, time):
    first, again = given_up(sandbox, time, executed=False)
    bound = first.attempts.get().bound

    work_off(again)
    assert again.state == State.QUEUED
    assert again.due_at >= bound
    assert len(creates(sandbox)) == 1
    time.until(bound + timedelta(seconds=2))
    work_off(again)

    assert again.state == State.DELIVERED
    assert len(sandbox.cases()) == 1


def test_send_again_looks_once_before_it_sends(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=True)
    lead = a_user(team=submission.case.team, role=Role.LEAD)
    workflow.take_over(submission, by=lead, reason="It is urgent.")

    workflow.send_again(submission, by=lead, reason="Not in the console.")
    work_off(submission)

    assert submission.state == State.DELIVERED
    assert len(sandbox.cases()) == 1
    assert len(creates(sandbox)) == 1


def test_found_case_belongs_to_the_attempt_that_opened_it(sandbox, bells, time):
    submission = a_submission(State.QUEUED)
    sandbox.account(submission.account.account_id, visible_after=3600)
    sandbox.lose_answer(CREATE)
    work_off(submission)
    lead = a_user(team=submission.case.team, role=Role.LEAD)

    sandbox.fault(CREATE, "drop", when="before")
    for pause in (300, 3600):  # the first look is too early to see the case, the second is not
        workflow.take_over(submission, by=lead, reason="It is urgent.")
        time.pass_(seconds=pause)
        workflow.send_again(submission, by=lead, reason="Not in the console.")
        work_off(submission)

    assert submission.state == State.DELIVERED
    assert [attempt.outcome for attempt in submission.attempts.all()] == [Outcome.DONE, Outcome.WAIVED]
    assert len(sandbox.cases()) == 1


def test_send_again_does_not_wait_for_certainty(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=False)
    lead = a_user(team=submission.case.team, role=Role.LEAD)
    workflow.take_over(submission, by=lead, reason="It is urgent.")

    workflow.send_again(submission, by=lead, reason="Not in the console.")
    work_off(submission)

    assert submission.state == State.DELIVERED
    assert [attempt.outcome for attempt in submission.attempts.all()] == [Outcome.WAIVED, Outcome.DONE]


def test_an_attempt_made_elsewhere_is_never_concluded_from_here(sandbox, bells, time):
    submission = an_unknown(sandbox, executed=False)
    Attempt.objects.update(endpoint="aws")

    time.until(submission.attempts.get().bound + timedelta(minutes=2))
    work_off(submission)

    assert submission.state == State.UNKNOWN
    assert [look.result for look in submission.looks.all()] == ["error"]
    assert sandbox.requests("support.DescribeCases") == []


def test_details_are_read_again_until_aws_shows_the_case(sandbox, bells, time):
    submission = a_submission(State.QUEUED)
    sandbox.account(submission.account.account_id, visible_after=20)

    work_off(submission)
    assert (submission.state, submission.case.aws_display_id) == (State.DELIVERED, "")
    time.pass_(seconds=40)
    work_off(submission)

    assert submission.case.aws_display_id == sandbox.cases()[0].display_id
    assert submission.case.aws_status == "unassigned"


def test_the_marker_survives_what_aws_redacts(sandbox, bells, time):
    body = "key AKIAIOSFODNN7EXAMPLE / wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY card 4111 1111 1111 1111"
    submission = an_unknown(sandbox, executed=True, communication_body=body)

    time.pass_(seconds=10)
    work_off(submission)

    assert submission.state == State.DELIVERED
    assert marker.in_body(sandbox.cases()[0].body) == submission.marker


def test_reads_do_not_take_the_tokens_of_writes(sandbox, bells, settings, clock):
    settings.GATE_RATE = settings.GATE_BURST = 1
    submission = a_submission(State.QUEUED)
    for _read in range(2):
        gate.wait_for_read(submission.account_id)
    with pytest.raises(gate.GateClosed):
        gate.wait_for_read(submission.account_id, patience=0)

    assert gate.take(submission.account_id, Mode.WRITE) is None


def test_unread_drafts_are_no_business_of_the_workers(sandbox, bells, time):
    case = a_draft()

    assert reconcile.look(case.account_id) is False
    assert sandbox.requests() == []
