"""What goes with a Connect case: sent after it, in order, once each, and taken up again where it broke off."""

from datetime import timedelta

import pytest

from casesite.aws import connect_files
from casesite.aws.errors import OutcomeUnknown, Trace
from casesite.catalog import templates_sync
from casesite.catalog.models import ConnectTemplate
from casesite.database import write
from casesite.delivery import connect_doubt, dispatcher, lanes, reconcile, report
from casesite.delivery.models import LookResult, Outcome, UploadState, Way
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions import waiting, workflow
from casesite.submissions.models import Kind, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import ReviewPolicy, Role
from tests.delivery.backups import Backup
from tests.delivery.steps import work_off
from tests.factories import a_connect_draft, a_file, a_team, a_user, an_account
from tests.sandbox.care import Care

pytestmark = pytest.mark.django_db
ACCOUNT = "111111111111"
CREATE, COMMENT = "connectcases.CreateCase", "connectcases.BatchCreateRelatedItem"
TEXT = "The customer called twice.\nRef: CS-7GQ4-KM2X-9TZA-P3RW"


@pytest.fixture
def care(sandbox, settings, time):
    settings.GATE_RATE = settings.GATE_BURST = 1000
    sandbox.settings(connect_rates={"*": [1000, 1000]})
    for domain in sandbox.connect_domains(ACCOUNT):
        sandbox.connect_remove(domain["domainId"])
    account = an_account(a_team(), account_id=ACCOUNT, connect_regions="us-east-1", review_policy=ReviewPolicy.NEVER)
    care = Care(sandbox.connect_demo(ACCOUNT))
    templates_sync.refresh(account)
    return care


@pytest.fixture
def question(care):
    """A queued case with a first comment."""
    template = ConnectTemplate.objects.get(name="General question")
    case = a_connect_draft(template, typed={"title": "Question about opening hours"}, first_comment=TEXT)
    return workflow.submit(case, by=case.author)


def comments(sandbox):
    """The comments that Connect has."""
    return [
        item["content"]["comment"]["body"]
        for case in sandbox.connect_cases(ACCOUNT)
        for item in case["relatedItems"]
        if item["type"] == "Comment"
    ]


def companion(submission):
    return submission.case.submissions.companions().get()


def let_pass(submission, time, *seconds):
    for pause in seconds:
        time.pass_(seconds=pause)
        work_off(submission)


def test_comment_follows_its_case_with_the_reference_and_the_person(question, sandbox):
    work_off(question)

    row = companion(question)
    assert (row.kind, row.state) == (Kind.CONNECT_COMMENT, State.DELIVERED)
    assert comments(sandbox) == [
        "The customer called twice.\nRef.CS-7GQ4-KM2X-9TZA-P3RW".replace("Ref.CS", "Ref. CS")
        + f"\n\nRef: {question.marker}"
    ]
    [case] = sandbox.connect_cases(ACCOUNT)
    [item] = case["relatedItems"]
    assert row.remote_id == item["relatedItemId"]
    assert question.case.stage == "open"


def test_nothing_is_sent_of_a_case_that_is_not_there(question, sandbox):
    sandbox.fault(CREATE, "error", code="ValidationException", status=400, message="No.")
    work_off(question)

    assert question.state == State.FAILED
    assert not question.case.submissions.companions().exists()


def test_comment_was_decided_with_its_case(care, sandbox):
    template = ConnectTemplate.objects.get(name="General question")
    type(template.domain.account).objects.update(review_policy=ReviewPolicy.ALWAYS)
    case = a_connect_draft(template, typed={"title": "Question"}, first_comment=TEXT)
    submission = workflow.submit(case, by=case.author)
    reviewer = a_user(team=case.team, role=Role.REVIEWER)
    workflow.approve(submission, by=reviewer, payload_sha256=submission.payload_sha256)
    work_off(submission)

    assert companion(submission).decisions.get().by == reviewer


def test_lost_answer_adds_no_second_comment(question, sandbox, time):
    sandbox.lose_answer(COMMENT)
    work_off(question)
    assert companion(question).state == State.UNKNOWN

    let_pass(question, time, 5)

    assert companion(question).state == State.DELIVERED
    assert len(comments(sandbox)) == 1
    assert len({request["body_sha256"] for request in sandbox.requests(COMMENT)}) == 1
    assert len(sandbox.requests(CREATE)) == 1


def test_comment_is_searched_for_after_half_an_hour(question, sandbox, time, log):
    sandbox.lose_answer(COMMENT)
    work_off(question)
    sandbox.fault(COMMENT, "drop", when="before", times=None)
    let_pass(question, time, 5, 10, 45, 240, *[300] * 5, 61)

    row = companion(question)
    assert row.looks.get().result == LookResult.FOUND
    assert row.state == State.DELIVERED
    assert {attempt.outcome for attempt in row.attempts.all()} == {Outcome.DONE}
    assert len(comments(sandbox)) == 1
    settled = [line for line in log.of("attempt settled") if line["submission"] == str(row.pk)]
    assert [line["by"] for line in settled] == ["look"] * row.attempts.count()


def test_case_that_aws_does_not_show_yet_is_waited_for(question, sandbox, time):
    sandbox.fault(COMMENT, "error", code="ResourceNotFoundException", status=404, message="No such case")
    work_off(question)

    row = companion(question)
    assert (row.state, row.reason_code) == (State.QUEUED, Reason.NOT_VISIBLE)
    let_pass(question, time, 130)
    assert companion(question).state == State.DELIVERED


def test_comment_that_nobody_finds_is_left_to_a_person(question, sandbox, time):
    sandbox.fault(COMMENT, "drop", when="before", times=None)
    work_off(question)
    let_pass(question, time, 5, 10, 45, 240, *[300] * 5, 61)
    row = companion(question)
    for _look in range(40):
        let_pass(question, time, 60)
    row.refresh_from_db()
    assert (row.state, row.reason_code) == (State.NEEDS_ATTENTION, Reason.NOT_FOUND_REPEATED)
    assert comments(sandbox) == []

    sandbox.clear_faults()
    lead = a_user(team=question.case.team, role=Role.LEAD)
    workflow.send_again(row, by=lead, reason="It is not in Connect.")
    work_off(question)
    assert companion(question).state == State.DELIVERED
    assert len(comments(sandbox)) == 1


def test_case_that_is_proven_twice_gets_its_comment_once(question, sandbox, time):
    sandbox.lose_answer(CREATE)
    work_off(question)
    let_pass(question, time, 5)
    first = companion(question)
    from casesite.submissions import proven

    proven.record_case(question.pk, question.remote_id)

    assert companion(question) == first
    assert Submission.objects.count() == 2
    assert len(comments(sandbox)) == 1


@pytest.mark.django_db(transaction=True)
def test_comment_that_a_restore_erased_is_looked_for_before_it_is_sent(bells, question, sandbox, time):
    backup = Backup()
    work_off(question)
    assert len(comments(sandbox)) == 1
    sandbox.settings(client_token_lifetime=60)  # AWS says nowhere for how long it knows one
    time.pass_(minutes=5)
    backup.restore()

    dispatcher.begin(after_restore=True)
    restored = Submission.objects.get(pk=question.pk)
    let_pass(restored, time, 60, 1100, 60)

    assert restored.state == State.DELIVERED
    assert companion(restored).state == State.DELIVERED
    assert len(comments(sandbox)) == 1
    assert len(sandbox.requests(COMMENT)) == 1


# --- files -----------------------------------------------------------------------------------------------------------------
RELATE, BEGIN = "connectcases.CreateRelatedItem", "connect.StartAttachedFileUpload"


@pytest.fixture
def with_file(care):
    """A queued case with a first comment and a file."""
    template = ConnectTemplate.objects.get(name="General question")
    case = a_connect_draft(template, typed={"title": "Question about opening hours"}, first_comment=TEXT)
    a_file(case, "sign.txt", b"Open from 9 to 5\n")
    return workflow.submit(case, by=case.author)


def related_files(sandbox):
    return [item for case in sandbox.connect_cases(ACCOUNT) for item in case["relatedItems"] if item["type"] == "File"]


def the_file(submission):
    return submission.case.submissions.companions().get(kind=Kind.CONNECT_FILE)


def test_file_follows_the_comment_and_is_what_was_approved(with_file, sandbox, time):
    work_off(with_file)
    let_pass(with_file, time, 5, 30, 30)

    assert [row.state for row in with_file.case.submissions.companions()] == [State.DELIVERED] * 2
    [item] = related_files(sandbox)
    assert the_file(with_file).remote_id == item["relatedItemId"]
    [held] = sandbox.connect_files()
    assert held["sha256"] == the_file(with_file).files[0]["sha256"]
    assert [request["operation"] for request in sandbox.requests() if request["operation"] in (COMMENT, RELATE)] == [
        COMMENT,
        RELATE,
    ]


def test_file_waits_for_what_comes_before_it(with_file, sandbox, time):
    sandbox.fault(COMMENT, "drop", when="before", times=3)
    work_off(with_file)
    let_pass(with_file, time, 5, 10)
    assert sandbox.requests(BEGIN) == []

    let_pass(with_file, time, 45, 300, 30, 30, 30)
    assert the_file(with_file).state == State.DELIVERED


def test_lost_answer_relates_no_file_twice(with_file, sandbox, time):
    sandbox.lose_answer(RELATE)
    work_off(with_file)
    let_pass(with_file, time, 5, 30, 30, 60)

    row = the_file(with_file)
    assert row.state == State.DELIVERED
    assert row.looks.get().result == LookResult.FOUND
    assert len(related_files(sandbox)) == 1
    assert len(sandbox.requests(RELATE)) == 1


def test_file_that_never_arrived_is_related_once_the_search_is_sure(with_file, sandbox, time):
    sandbox.fault(RELATE, "drop", when="before")
    work_off(with_file)
    let_pass(with_file, time, 5, 30, 30)
    assert the_file(with_file).state == State.UNKNOWN

    for _minute in range(35):
        let_pass(with_file, time, 60)
    assert the_file(with_file).state == State.DELIVERED
    assert len(related_files(sandbox)) == 1
    [first, second] = the_file(with_file).attempts.all()
    assert (first.outcome, second.outcome) == (Outcome.ABSENT, Outcome.DONE)


def test_file_that_a_search_finds_was_related_by_one_request_alone(with_file, sandbox, time):
    sandbox.fault(RELATE, "drop", when="before", times=2)
    work_off(with_file)
    let_pass(with_file, time, 5, 30, 30, *[60] * 70)
    row = the_file(with_file)
    assert (row.state, row.reason_code) == (State.NEEDS_ATTENTION, Reason.NOT_FOUND_REPEATED)

    sandbox.lose_answer(RELATE)
    lead = a_user(team=with_file.case.team, role=Role.LEAD)
    workflow.send_again(row, by=lead, reason="It is not in Connect.")
    let_pass(with_file, time, 0, 30, *[60] * 35)

    assert the_file(with_file).state == State.DELIVERED
    assert len(related_files(sandbox)) == 1
    outcomes = list(the_file(with_file).attempts.order_by("n").values_list("outcome", flat=True))
    assert outcomes == [Outcome.ABSENT, Outcome.WAIVED, Outcome.DONE]


def test_search_whose_lease_ran_out_leaves_the_end_to_the_next(with_file, sandbox, time, monkeypatch):
    sandbox.fault(RELATE, "drop", when="before")
    work_off(with_file)
    let_pass(with_file, time, 5, 30, 30)
    search, overtaken = connect_doubt.search_own, []

    def slow_search(row):
        seen = search(row)
        last = row.looks.filter(counts=True).count() == reconcile.NEEDED - 1
        if row.kind == Kind.CONNECT_FILE and last and not overtaken:
            overtaken.append(row)
            time.pass_(minutes=10)
            connect_doubt._claim(row.account_id, row.region)  # by another worker, which dies of it
        return seen

    monkeypatch.setattr(connect_doubt, "search_own", slow_search)
    for _minute in range(35):
        let_pass(with_file, time, 60)
        if overtaken:
            break
    assert (the_file(with_file).state, the_file(with_file).attempts.get().outcome) == (State.UNKNOWN, Outcome.UNKNOWN)

    let_pass(with_file, time, 600, 60)
    assert the_file(with_file).state == State.DELIVERED
    assert len(related_files(sandbox)) == 1


def test_file_that_a_slower_worker_gave_up_is_found_all_the_same(with_file, sandbox, time, monkeypatch):
    status, slow = connect_files.status, []

    def slow_status(*args, **kwargs):
        if slow:
            return status(*args, **kwargs)
        slow.append(True)
        # Longer than its lease: another worker goes on with the same file, and its answer is lost.
        time.pass_(minutes=10)
        dispatcher.expire_preparing()
        sandbox.lose_answer(RELATE)
        let_pass(with_file, time, 0)
        assert the_file(with_file).state == State.UNKNOWN
        raise OutcomeUnknown("The line broke.", operation="connect.GetAttachedFile")

    work_off(with_file)
    monkeypatch.setattr(connect_files, "status", slow_status)
    let_pass(with_file, time, 5, 60)
    for _minute in range(35):
        let_pass(with_file, time, 60)

    assert the_file(with_file).state == State.DELIVERED
    assert len(related_files(sandbox)) == 1


def test_upload_that_breaks_is_made_anew_and_the_case_stays(with_file, sandbox, time):
    sandbox.fault(BEGIN, "drop", when="after")
    work_off(with_file)
    assert the_file(with_file).reason_code in (Reason.FILES_AGAIN, Reason.AFTER_OTHERS)
    let_pass(with_file, time, 5, 60, 60, 60)

    assert the_file(with_file).state == State.DELIVERED
    assert len(related_files(sandbox)) == 1


def test_lead_has_a_file_tried_again_that_did_not_get_to_aws(with_file, sandbox, time):
    sandbox.fault(BEGIN, "drop", when="before", times=None)
    work_off(with_file)
    for _try in range(12):
        let_pass(with_file, time, 20 * 60)
    row = the_file(with_file)
    assert (row.state, row.reason_code) == (State.NEEDS_ATTENTION, Reason.REFUSED_OFTEN)

    sandbox.clear_faults()
    lead = a_user(team=with_file.case.team, role=Role.LEAD)
    workflow.send_again(row, by=lead, reason="The line is back.")
    let_pass(with_file, time, 0, 30, 30)

    assert the_file(with_file).state == State.DELIVERED
    assert len(related_files(sandbox)) == 1


def test_file_finds_out_whether_its_stopped_lane_is_in_order_again(with_file, sandbox, time):
    work_off(with_file)
    assert the_file(with_file).state == State.QUEUED
    gate.access_refused(with_file.account_id, Mode.WRITE, "no", lanes.api_in("us-east-1"))

    for _minute in range(20):
        let_pass(with_file, time, 60)

    assert the_file(with_file).state == State.DELIVERED
    assert gate.stopped(with_file.account_id, Mode.WRITE, lanes.api_in("us-east-1")) is None


def test_file_that_connect_does_not_accept_fails_alone(with_file, sandbox, time):
    sandbox.settings(upload_ready_after=3600)
    work_off(with_file)
    let_pass(with_file, time, 5)
    [held] = sandbox.connect_files()
    sandbox.settle_upload(held["fileId"], failed=True)
    let_pass(with_file, time, 30, 30)

    row = the_file(with_file)
    assert (row.state, row.reason_code) == (State.FAILED, Reason.FILE_REFUSED)
    assert with_file.case.stage == "open"


def test_file_whose_worker_died_over_it_is_brought_anew_at_once(with_file, sandbox, time):
    sandbox.fault(COMMENT, "drop", when="before")
    work_off(with_file)
    row = the_file(with_file)
    left = {"file_sha256": row.files[0]["sha256"], "file_name": "sign.txt", "size": row.files[0]["size"]}
    now = row.queued_at
    row.uploads.create(way=Way.CONNECT, for_attempt=1, started_at=now, changed_at=now, **left)

    let_pass(with_file, time, 5, 30)

    assert the_file(with_file).state == State.DELIVERED
    assert [upload.state for upload in row.uploads.all()] == [UploadState.DROPPED, UploadState.READY]
    assert row.uploads.first().error_text == "The worker that sent it was lost."


def test_a_stopped_support_lane_keeps_no_file_of_connect(with_file, time):
    with write():
        gate.access_refused(with_file.account_id, Mode.WRITE, "Not on this plan.")
    work_off(with_file)
    let_pass(with_file, time, 5, 30, 30)

    assert the_file(with_file).state == State.DELIVERED


# --- in order ----------------------------------------------------------------------------------------------------------------
def test_what_waits_for_aws_is_not_woken_by_what_comes_before_it(with_file, sandbox, time, clock):
    sandbox.fault(COMMENT, "drop", when="before", times=None)
    work_off(with_file)
    lead = a_user(team=with_file.case.team, role=Role.LEAD)
    comment = with_file.case.submissions.companions().get(kind=Kind.CONNECT_COMMENT)
    workflow.take_over(comment, by=lead, reason="It takes too long.")
    workflow.give_up(comment, by=lead, reason="I said it by telephone.")
    sandbox.fault(BEGIN, "drop", when="before")
    let_pass(with_file, time, 31)
    waits = the_file(with_file)
    assert (waits.state, waits.reason_code) == (State.QUEUED, Reason.FILES_AGAIN)

    report.finish(
        comment.attempts.last(), trace=Trace(comment.operation), error=None, remote_id="late", duration=timedelta(0)
    )

    assert the_file(with_file).due_at == waits.due_at > clock.now


def test_what_a_person_holds_back_is_not_woken_by_what_comes_before_it(with_file, sandbox, time, clock):
    sandbox.fault(COMMENT, "drop", when="before")
    work_off(with_file)
    row = the_file(with_file)
    assert row.reason_code == Reason.AFTER_OTHERS
    until = clock.now + timedelta(hours=1)
    waiting.hold(row, by=with_file.submitted_by, until=until, token=row.token)

    let_pass(with_file, time, 5, 31)

    assert with_file.case.submissions.companions().get(kind=Kind.CONNECT_COMMENT).state == State.DELIVERED
    assert (the_file(with_file).state, the_file(with_file).due_at) == (State.QUEUED, until)
