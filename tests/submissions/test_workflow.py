"""Tests of the verbs of people: who may do what, from which state, and what it leaves behind."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from casesite.cases.models import Case, Stage
from casesite.delivery.models import Outcome, Phase
from casesite.submissions import workflow
from casesite.submissions.models import Decision, Submission, Verdict
from casesite.submissions.reasons import Reason
from casesite.submissions.states import UNFINISHED, StaleSubmission, State
from casesite.submissions.workflow import PayloadChanged
from casesite.teams.models import ReviewPolicy, Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account, an_attempt

pytestmark = pytest.mark.django_db

SEVERITIES = ("low", "normal", "high", "urgent", "critical")


@pytest.fixture
def team():
    return a_team()


@pytest.fixture
def author(team):
    return a_user("author", team=team)


@pytest.fixture
def colleague(team):
    return a_user("colleague", team=team)


@pytest.fixture
def reviewer(team):
    return a_user("reviewer", team=team, role=Role.REVIEWER)


@pytest.fixture
def lead(team):
    return a_user("lead", team=team, role=Role.LEAD)


@pytest.fixture
def superuser():
    return a_user("root", is_staff=True, is_superuser=True)


@pytest.fixture
def foreign_lead():
    return a_user("foreign", team=a_team(), role=Role.LEAD)


def in_state(state, author, reviewer=None, **draft):
    return a_submission(state, case=a_draft(by=author, **draft), reviewer=reviewer)


# The verbs of people on a submission: who may, from which state, and where it goes.
def _approve(row, by):
    workflow.approve(row, by=by, payload_sha256=row.payload_sha256)


def _return(row, by):
    workflow.return_to_author(row, by=by, payload_sha256=row.payload_sha256, reason="Which region?")


def _reject(row, by):
    workflow.reject(row, by=by, payload_sha256=row.payload_sha256, reason="Not ours.")


def _withdraw(row, by):
    workflow.withdraw(row, by=by)


def _cancel(row, by):
    workflow.cancel(row, by=by)


def _take_over(row, by):
    workflow.take_over(row, by=by, reason="It cannot wait.")


def _send_again(row, by):
    workflow.send_again(row, by=by, reason="AWS has nothing.")


def _give_up(row, by):
    workflow.give_up(row, by=by, reason="Solved otherwise.")


def _adopt(row, by):
    workflow.adopt(row, by=by, reason="Seen in the console.", aws_case_id="case-1", marker=row.marker)


DECIDERS, LEADS, AUTHOR = {"reviewer", "lead"}, {"lead"}, {"author"}
VERBS = {
    _approve: (DECIDERS, {State.PENDING_REVIEW}, State.QUEUED),
    _return: (DECIDERS, {State.PENDING_REVIEW}, State.RETURNED),
    _reject: (DECIDERS, {State.PENDING_REVIEW}, State.REJECTED),
    _withdraw: (AUTHOR, {State.PENDING_REVIEW}, State.CANCELLED),
    _cancel: (AUTHOR | DECIDERS, {State.QUEUED, State.PREPARING}, State.CANCELLED),
    _take_over: (LEADS, {State.UNKNOWN}, State.NEEDS_ATTENTION),
    _send_again: (LEADS, {State.NEEDS_ATTENTION}, State.QUEUED),
    _give_up: (LEADS, {State.NEEDS_ATTENTION}, State.FAILED),
    _adopt: (LEADS, {State.NEEDS_ATTENTION}, State.DELIVERED),
}
NAMES = ("author", "colleague", "reviewer", "lead", "superuser", "foreign_lead")


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__.strip("_"))
@pytest.mark.parametrize("name", NAMES)
def test_verb_is_for_its_roles_only(verb, name, request, author, reviewer, bells):
    may, starts, to = VERBS[verb]
    submission = in_state(min(starts), author, reviewer)
    before = (submission.state, submission.token)
    person = request.getfixturevalue(name)

    if name in may:
        verb(submission, person)

        submission.refresh_from_db()
        assert submission.state == to
    else:
        with pytest.raises(PermissionDenied):
            verb(submission, person)

        submission.refresh_from_db()
        assert (submission.state, submission.token) == before


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__.strip("_"))
@pytest.mark.parametrize("state", State)
def test_verb_starts_from_its_states_only(verb, state, author, lead, bells):
    may, starts, to = VERBS[verb]
    submission = in_state(state, author)
    by = author if may == AUTHOR else lead

    if state in starts:
        verb(submission, by)

        submission.refresh_from_db()
        assert submission.state == to
    else:
        with pytest.raises((StaleSubmission, PermissionDenied, ValidationError)):
            verb(submission, by)

        submission.refresh_from_db()
        assert submission.state == state


# --- submitting ------------------------------------------------------------------------------------------------------------
def test_submit_freezes_what_the_draft_held(author, clock, bells):
    case = a_draft(by=author, subject="Slow queries", cc_email_addresses="oncall@example.com")

    submission = workflow.submit(case, by=author)

    Case.objects.filter(pk=case.pk).update(subject="Something else")
    submission.refresh_from_db()
    assert submission.content["subject"] == "Slow queries"
    assert submission.payload["subject"] == "Slow queries"
    assert (submission.state, submission.submitted_by, submission.submitted_at) == (
        State.PENDING_REVIEW,
        author,
        clock.now,
    )
    assert submission.catalog_sha256 == case.support.catalog.content_sha256
    assert (submission.revision, submission.newest, submission.supersedes) == (1, True, None)
    assert bells == []


@pytest.mark.parametrize("name", [name for name in NAMES if name != "author"])
def test_submit_is_for_the_author_only(name, request, author):
    case = a_draft(by=author)

    with pytest.raises(PermissionDenied):
        workflow.submit(case, by=request.getfixturevalue(name))

    assert not case.submissions.exists()


def test_author_who_left_the_team_can_not_submit(author):
    case = a_draft(by=author)
    author.memberships.all().delete()

    with pytest.raises(PermissionDenied):
        workflow.submit(case, by=author)


def test_submit_to_an_account_out_of_use_is_refused(team, author):
    case = a_draft(by=author, account=an_account(team, active=False))

    with pytest.raises(PermissionDenied):
        workflow.submit(case, by=author)


@pytest.mark.parametrize("state", State)
def test_submit_starts_only_from_a_draft(state, author, bells):
    submission = in_state(state, author)
    submission.case.refresh_from_db()
    drafts = (State.RETURNED, State.FAILED, State.CANCELLED)

    if state in drafts:
        assert workflow.submit(submission.case, by=author).revision == 2
    else:
        with pytest.raises(StaleSubmission):
            workflow.submit(submission.case, by=author)

        assert submission.case.submissions.count() == 1


def test_two_tabs_submit_once(author, bells):
    case = a_draft(by=author)
    tabs = [Case.objects.get(pk=case.pk) for _tab in range(2)]
    workflow.submit(tabs[0], by=author)

    with pytest.raises(StaleSubmission):
        workflow.submit(tabs[1], by=author)

    assert case.submissions.count() == 1


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("policy", ReviewPolicy)
def test_review_policy_decides_who_waits(policy, severity, team, author, clock, bells):
    account = an_account(team, review_policy=policy)

    submission = workflow.submit(a_draft(by=author, account=account, severity_code=severity), by=author)

    urgent = severity in ("urgent", "critical")
    at_once = policy == ReviewPolicy.NEVER or (policy == ReviewPolicy.AFTER_URGENT and urgent)
    decisions = [(each.by, each.what, each.payload_sha256, each.at) for each in submission.decisions.all()]
    if at_once:
        assert submission.state == State.QUEUED
        assert (submission.queued_at, submission.approved_at, submission.due_at) == (clock.now,) * 3
        assert decisions == [(None, Verdict.RELEASE, submission.payload_sha256, clock.now)]
    else:
        assert submission.state == State.PENDING_REVIEW
        assert (submission.queued_at, submission.approved_at, submission.due_at) == (None,) * 3
        assert decisions == []
    assert submission.review_after is (at_once and policy == ReviewPolicy.AFTER_URGENT)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_bell_rings_after_the_commit_on_the_queue_of_the_severity(
    severity, team, author, bells, django_capture_on_commit_callbacks
):
    account = an_account(team, review_policy=ReviewPolicy.NEVER)
    case = a_draft(by=author, account=account, severity_code=severity)

    with django_capture_on_commit_callbacks() as asked:
        workflow.submit(case, by=author)
    assert bells == []
    for ring in asked:
        ring()

    queue = "urgent" if severity in ("urgent", "critical") else "default"
    assert bells == [("delivery.work_off", account.pk, queue)]


# --- review ---------------------------------------------------------------------------------------------------------------
def test_approval_is_recorded_with_the_hash_seen(author, reviewer, clock, bells, django_capture_on_commit_callbacks):
    submission = in_state(State.PENDING_REVIEW, author)
    clock.advance(minutes=5)

    with django_capture_on_commit_callbacks(execute=True):
        _approve(submission, reviewer)

    decision = submission.decisions.get()
    assert (decision.by, decision.what, decision.at) == (reviewer, Verdict.APPROVE, clock.now)
    assert decision.payload_sha256 == submission.payload_sha256
    assert (submission.queued_at, submission.approved_at, submission.due_at) == (clock.now,) * 3
    assert [(bell.task, bell.account) for bell in bells] == [("delivery.work_off", submission.account_id)]


@pytest.mark.parametrize(
    "decide",
    [
        lambda row, by: workflow.approve(row, by=by, payload_sha256="0" * 64),
        lambda row, by: workflow.return_to_author(row, by=by, payload_sha256="0" * 64, reason="No"),
        lambda row, by: workflow.reject(row, by=by, payload_sha256="0" * 64, reason="No"),
    ],
    ids=["approve", "return", "reject"],
)
def test_decision_about_another_text_counts_for_nothing(decide, author, reviewer):
    submission = in_state(State.PENDING_REVIEW, author)

    with pytest.raises(PayloadChanged):
        decide(submission, reviewer)

    submission.refresh_from_db()
    assert submission.state == State.PENDING_REVIEW
    assert not Decision.objects.exists()


@pytest.mark.parametrize("second", [_approve, _return, _reject], ids=["approve", "return", "reject"])
@pytest.mark.parametrize("first", [_approve, _return, _reject], ids=["approve", "return", "reject"])
def test_of_two_reviewers_one_decides(first, second, author, reviewer, lead, bells):
    one = in_state(State.PENDING_REVIEW, author)
    other = Submission.objects.get(pk=one.pk)
    first(one, reviewer)

    with pytest.raises(StaleSubmission):
        second(other, lead)

    assert [(decision.by, decision.submission) for decision in Decision.objects.all()] == [(reviewer, one)]
    other.refresh_from_db()
    assert other.state == one.state


def test_decision_and_withdrawal_at_once_leave_one_of_the_two(author, reviewer, bells):
    submission = in_state(State.PENDING_REVIEW, author)
    as_reviewer_sees_it = Submission.objects.get(pk=submission.pk)
    _withdraw(submission, author)

    with pytest.raises(StaleSubmission):
        _approve(as_reviewer_sees_it, reviewer)

    assert not Decision.objects.exists()


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.LEAD])
@pytest.mark.parametrize("decide", [_approve, _return, _reject], ids=["approve", "return", "reject"])
def test_nobody_reviews_their_own(decide, role, team):
    writes_and_reviews = a_user(team=team, role=role)
    submission = in_state(State.PENDING_REVIEW, writes_and_reviews)

    with pytest.raises(PermissionDenied):
        decide(submission, writes_and_reviews)


def test_superuser_decides_only_as_reviewer_of_the_team(team, author, bells):
    submission = in_state(State.PENDING_REVIEW, author)
    as_agent = a_user(team=team, role=Role.AGENT, is_staff=True, is_superuser=True)
    as_reviewer = a_user(team=team, role=Role.REVIEWER, is_superuser=True)

    with pytest.raises(PermissionDenied):
        _approve(submission, as_agent)
    _approve(submission, as_reviewer)

    assert submission.state == State.QUEUED


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 2001], ids=["empty", "blank", "too long"])
@pytest.mark.parametrize("verb", [workflow.return_to_author, workflow.reject], ids=["return_to_author", "reject"])
def test_stopping_needs_a_reason(verb, reason, author, reviewer):
    submission = in_state(State.PENDING_REVIEW, author)

    with pytest.raises(ValidationError):
        verb(submission, by=reviewer, payload_sha256=submission.payload_sha256, reason=reason)

    submission.refresh_from_db()
    assert submission.state == State.PENDING_REVIEW


@pytest.mark.parametrize(
    ("decide", "state", "stage"),
    [(_return, State.RETURNED, Stage.DRAFT), (_reject, State.REJECTED, Stage.CLOSED)],
    ids=["return", "reject"],
)
def test_reason_reaches_the_author(decide, state, stage, author, reviewer, clock):
    submission = in_state(State.PENDING_REVIEW, author)
    clock.advance(minutes=3)

    decide(submission, reviewer)

    submission.case.refresh_from_db()
    event = submission.case.events.last()
    assert (submission.case.stage, submission.case.changed_at) == (stage, clock.now)
    assert submission.reason_text == submission.decisions.get().reason == event.text != ""
    assert (event.what, event.by) == (state, reviewer)


def test_returned_edited_and_submitted_is_revision_two(author, reviewer, bells):
    first = in_state(State.RETURNED, author, reviewer)
    case = Case.objects.get(pk=first.case_id)
    case.support.communication_body = "In eu-west-1, the failover of db-1 took 11 minutes."
    case.support.save(update_fields=["communication_body"])

    second = workflow.submit(case, by=author)

    first.refresh_from_db()
    assert (second.revision, second.supersedes, second.newest) == (2, first, True)
    assert (first.state, first.newest, first.superseded_by) == (State.RETURNED, False, second)
    assert first.content["communication_body"] != second.content["communication_body"]
    assert (first.marker, first.payload_sha256) != (second.marker, second.payload_sha256)
    assert first.marker[:12] == second.marker[:12] == case.reference


def test_approved_hash_of_the_first_revision_does_not_approve_the_second(author, reviewer, bells):
    first = in_state(State.RETURNED, author, reviewer)
    second = workflow.submit(Case.objects.get(pk=first.case_id), by=author)

    with pytest.raises(PayloadChanged):
        workflow.approve(second, by=reviewer, payload_sha256=first.payload_sha256)


@pytest.fixture
def sent_before_review(team, author, bells):
    account = an_account(team, review_policy=ReviewPolicy.AFTER_URGENT)
    return a_submission(State.PENDING_REVIEW, case=a_draft(by=author, account=account, severity_code="urgent"))


def test_review_afterwards_is_a_decision_too(sent_before_review, reviewer):
    workflow.review_afterwards(
        sent_before_review, by=reviewer, payload_sha256=sent_before_review.payload_sha256, reason="Fine."
    )

    sent_before_review.refresh_from_db()
    decisions = [(each.by, each.what, each.reason) for each in sent_before_review.decisions.all()]
    assert sent_before_review.review_after is False
    assert sent_before_review.state == State.QUEUED
    assert decisions == [(None, Verdict.RELEASE, ""), (reviewer, Verdict.APPROVE, "Fine.")]


def test_review_afterwards_happens_once(sent_before_review, reviewer, lead):
    seen = {"payload_sha256": sent_before_review.payload_sha256}
    workflow.review_afterwards(sent_before_review, by=reviewer, **seen)

    with pytest.raises(StaleSubmission):
        workflow.review_afterwards(sent_before_review, by=lead, **seen)


@pytest.mark.parametrize("name", ["author", "colleague", "superuser", "foreign_lead"])
def test_review_afterwards_is_for_reviewers(name, request, sent_before_review):
    with pytest.raises(PermissionDenied):
        workflow.review_afterwards(
            sent_before_review,
            by=request.getfixturevalue(name),
            payload_sha256=sent_before_review.payload_sha256,
        )


def test_what_never_went_out_needs_no_look_afterwards(sent_before_review, author):
    workflow.cancel(sent_before_review, by=author)

    assert sent_before_review.review_after is False


# --- withdrawing, cancelling, discarding --------------------------------------------------------------------------------------
def test_withdrawn_case_is_a_draft_again(author, bells):
    submission = in_state(State.PENDING_REVIEW, author)

    _withdraw(submission, author)

    submission.case.refresh_from_db()
    assert (submission.state, submission.reason_code) == (State.CANCELLED, Reason.WITHDRAWN)
    assert submission.case.stage == Stage.DRAFT


def test_cancelled_row_is_nobodys_work(author, bells):
    submission = in_state(State.PREPARING, author)

    _cancel(submission, author)

    assert (submission.lease_until, submission.lease_by, submission.due_at) == (None, "", None)
    assert submission.reason_code == Reason.CANCELLED


def test_cancelling_loses_against_the_intent(author, bells):
    """The worker commits its intent first: the row is at risk and nobody cancels it."""
    submission = in_state(State.PREPARING, author)
    as_author_sees_it = Submission.objects.get(pk=submission.pk)
    submission.move(State.SENDING)

    with pytest.raises(PermissionDenied):
        _cancel(as_author_sees_it, author)


def test_the_intent_loses_against_cancelling(author, bells):
    submission = in_state(State.PREPARING, author)
    as_worker_sees_it = Submission.objects.get(pk=submission.pk)
    _cancel(submission, author)

    with pytest.raises(StaleSubmission):
        as_worker_sees_it.move(State.SENDING)


@pytest.mark.parametrize(
    ("outcome", "may"),
    [
        (None, False),
        (Outcome.UNKNOWN, False),
        (Outcome.REFUSED_RETRY, True),
        (Outcome.NOT_SENT, True),
        (Outcome.ABSENT, True),
    ],
)
def test_queued_row_is_cancelled_only_where_aws_certainly_has_nothing(outcome, may, author, bells):
    submission = in_state(State.QUEUED, author)
    an_attempt(submission, outcome)

    if may:
        _cancel(submission, author)
        assert submission.state == State.CANCELLED
    else:
        with pytest.raises(PermissionDenied):
            _cancel(submission, author)


def test_discarded_draft_is_closed(author, clock):
    case = a_draft(by=author)

    workflow.discard(case, by=author)

    case.refresh_from_db()
    assert (case.stage, case.discarded_at) == (Stage.CLOSED, clock.now)
    assert case.events.last().what == "discarded"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "author"])
def test_discarding_is_for_the_author_only(name, request, author):
    case = a_draft(by=author)

    with pytest.raises(PermissionDenied):
        workflow.discard(case, by=request.getfixturevalue(name))


@pytest.mark.parametrize("state", sorted(UNFINISHED))
def test_what_is_under_way_is_not_discarded(state, author, bells):
    submission = in_state(state, author)

    with pytest.raises(PermissionDenied):
        workflow.discard(submission.case, by=author)


# --- leads ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("reason", ["", " \n"])
@pytest.mark.parametrize(
    ("verb", "state"),
    [
        (workflow.take_over, State.UNKNOWN),
        (workflow.send_again, State.NEEDS_ATTENTION),
        (workflow.give_up, State.NEEDS_ATTENTION),
    ],
    ids=["take_over", "send_again", "give_up"],
)
def test_leads_say_why(verb, state, reason, author, lead, bells):
    submission = in_state(state, author)

    with pytest.raises(ValidationError):
        verb(submission, by=lead, reason=reason)

    submission.refresh_from_db()
    assert submission.state == state
    assert not submission.attempts.filter(outcome=Outcome.WAIVED).exists()


def test_take_over_stops_waiting_but_not_looking(author, lead, clock, bells):
    submission = in_state(State.UNKNOWN, author)
    Submission.objects.filter(pk=submission.pk).update(lease_until=clock.now + timedelta(seconds=90), lease_by="looker")

    _take_over(submission, lead)

    assert (submission.reason_code, submission.due_at) == (Reason.TAKEN_OVER, clock.now)
    assert (submission.lease_until, submission.lease_by) == (None, "")
    assert submission.attempts.get().outcome == Outcome.UNKNOWN


def test_send_again_waives_the_attempts_and_starts_the_counters_anew(author, lead, clock, bells):
    submission = in_state(State.NEEDS_ATTENTION, author)
    Submission.objects.filter(pk=submission.pk).update(
        refusals=8, first_refused_at=clock.now, resends=1, claims=3, unable_since=clock.now
    )
    queued_at = submission.queued_at
    clock.advance(hours=1)

    _send_again(submission, lead)

    assert (submission.refusals, submission.resends, submission.claims) == (0, 0, 0)
    assert (submission.first_refused_at, submission.unable_since) == (None, None)
    assert (submission.queued_at, submission.approved_at, submission.due_at) == (queued_at, clock.now, clock.now)
    assert submission.look_before_send is True
    assert submission.reason_code == Reason.SENT_AGAIN
    assert submission.attempts.get().outcome == Outcome.WAIVED
    decision = submission.decisions.last()
    assert (decision.what, decision.by, decision.reason) == (Verdict.RELEASE, lead, "AWS has nothing.")


def test_send_again_is_refused_while_the_case_is_open(author, lead, bells):
    submission = in_state(State.NEEDS_ATTENTION, author)
    Case.objects.filter(pk=submission.case_id).update(aws_case_id="case-1")

    with pytest.raises(ValidationError):
        _send_again(submission, lead)

    submission.refresh_from_db()
    assert submission.state == State.NEEDS_ATTENTION
    assert submission.attempts.get().outcome == Outcome.UNKNOWN


def test_given_up_case_is_a_draft_that_looks_before_it_sends_anew(author, lead, bells):
    submission = in_state(State.NEEDS_ATTENTION, author)
    attempt = submission.attempts.get()

    _give_up(submission, lead)

    case = Case.objects.get(pk=submission.case_id)
    attempt.refresh_from_db()
    assert (submission.state, submission.reason_code) == (State.FAILED, Reason.GAVE_UP)
    assert (case.stage, attempt.outcome) == (Stage.DRAFT, Outcome.WAIVED)
    assert workflow.submit(case, by=author).verify_first == attempt.bound


def test_new_revision_after_proven_refusals_needs_no_look_first(author, bells):
    failed = in_state(State.FAILED, author)

    assert workflow.submit(Case.objects.get(pk=failed.case_id), by=author).verify_first is None


def test_open_attempt_is_closed_when_a_lead_decides(author, lead, clock, bells):
    submission = in_state(State.NEEDS_ATTENTION, author)
    open_one = an_attempt(submission)

    _give_up(submission, lead)

    open_one.refresh_from_db()
    assert (open_one.phase, open_one.outcome, open_one.closed_at) == (Phase.CLOSED, Outcome.WAIVED, clock.now)


@pytest.mark.parametrize("second", [_send_again, _give_up, _adopt], ids=["send_again", "give_up", "adopt"])
@pytest.mark.parametrize("first", [_send_again, _give_up, _adopt], ids=["send_again", "give_up", "adopt"])
def test_of_two_leads_one_decides(first, second, author, team, lead, bells):
    one = in_state(State.NEEDS_ATTENTION, author)
    other = Submission.objects.get(pk=one.pk)
    first(one, lead)
    state = one.state

    with pytest.raises((StaleSubmission, ValidationError)):
        second(other, a_user(team=team, role=Role.LEAD))

    one.refresh_from_db()
    assert one.state == state


# --- at the very same instant ------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("first", "second"),
    [(_approve, _approve), (_approve, _reject), (_approve, _withdraw)],
    ids=["approve", "reject", "withdraw"],
)
def test_of_two_threads_one_moves_the_row(first, second, author, reviewer, lead, bells):
    submission = in_state(State.PENDING_REVIEW, author)
    start, ended = Barrier(2), []

    def decide(verb, by):
        try:
            row = Submission.objects.get(pk=submission.pk)
            start.wait(10)
            verb(row, by)
            ended.append(verb)
        except StaleSubmission:
            pass
        finally:
            connection.close()

    pairs = [(first, reviewer), (second, author if second is _withdraw else lead)]
    threads = [Thread(target=decide, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    submission.refresh_from_db()
    assert [VERBS[verb][2] for verb in ended] == [submission.state]
    assert Decision.objects.count() == (ended[0] is not _withdraw)
    assert submission.token == 1
