"""Files on their way to AWS: every way ends in one case with all of them, or in words that say why not."""

import hashlib
import threading
import tracemalloc
from datetime import timedelta
from pathlib import Path
from weakref import WeakSet

import pytest
from botocore.session import get_session
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage

from casesite import failpoints
from casesite.aws import support
from casesite.aws.transfers import Part, check_link
from casesite.cases import files
from casesite.catalog.known import MAY_NOT_ATTACH, MAY_UPLOAD
from casesite.delivery import dispatcher, process, uploads
from casesite.delivery.models import Upload, UploadState
from casesite.submissions import payloads, workflow
from casesite.submissions.states import State
from tests.delivery.steps import again, creates, send, work_off
from tests.factories import a_draft, a_file, a_submission, an_account
from tests.storages import keep_in

pytestmark = pytest.mark.django_db
LOG, HEAP = ("log.txt", b"2026-11-20T14:02:11Z init 8123 ms\n"), ("heap.bin", bytes(range(256)) * 10)
DAMAGED = "The stored file “log.txt” is not the one that was submitted. Choose it again."


@pytest.fixture(autouse=True)
def aws(sandbox, settings, tmp_path, bells, time):
    """The simulator takes parts of 1,000 bytes; files and failpoints have a folder of their own."""
    keep_in(settings, tmp_path)
    sandbox.settings(part_size=1000, upload_ready_after=0)
    return sandbox


def with_files(*named, code=MAY_UPLOAD, **draft):
    """A queued submission with files, of an account that may upload them unless told otherwise."""
    case = a_draft(**draft)
    case.account.check_details = [{"name": "Upload large files", "state": "good", "text": "", "todo": "", "code": code}]
    case.account.save(update_fields=["check_details"])
    for name, data in named or (LOG, HEAP):
        a_file(case, name, data)
    return a_submission(State.QUEUED, case=case)


def by_set(*named):
    return with_files(*named or (LOG, HEAP), code="")


@pytest.fixture
def abreast(monkeypatch):
    """No byte of a part leaves before four parts are under way, each on its connection."""
    four, begun, read = threading.Barrier(4, timeout=20), WeakSet(), Part.read

    def read_together(part, size=-1):
        if part not in begun:
            begun.add(part)
            four.wait()
        return read(part, size)

    monkeypatch.setattr(Part, "read", read_together)
    return four


BOTH_WAYS = pytest.mark.parametrize("prepared", [with_files, by_set])


def assert_one_case_with_all_files(submission, sandbox, *named):
    again(submission)
    assert submission.state == State.DELIVERED, (submission.reason_code, submission.reason_text)
    [case] = sandbox.cases()
    expected = sorted((name, len(data), hashlib.sha256(data).hexdigest()) for name, data in named or (LOG, HEAP))
    assert [(file.name, file.size, file.sha256) for file in case.attachments] == expected
    assert case.case_id == submission.remote_id


# --- all is well -----------------------------------------------------------------------------------------------------------
def test_small_files_go_out_as_a_set_in_one_call(aws):
    submission = by_set()

    work_off(submission)

    assert_one_case_with_all_files(submission, aws)
    assert len(aws.requests("support.AddAttachmentsToSet")) == 1
    assert [(row.way, row.state) for row in submission.uploads.all()] == [("set", "ready")] * 2


def test_files_go_out_part_by_part_where_the_account_may(aws):
    submission = with_files()

    work_off(submission)

    assert_one_case_with_all_files(submission, aws)
    assert len(aws.requests("upload.PutPart")) == 1 + 3
    assert aws.requests("support.AddAttachmentsToSet") == []
    assert [row.state for row in submission.uploads.all()] == [UploadState.READY] * 2


def test_four_parts_are_under_way_at_once(aws, abreast):
    named = ("dump.bin", bytes(8000))
    submission = with_files(named)

    work_off(submission)

    assert_one_case_with_all_files(submission, aws, named)
    assert not abreast.broken
    assert len(aws.requests("upload.PutPart")) == 8


def test_ten_files_of_many_parts_fetch_links_ten_at_a_time(aws):
    named = [(f"{number}.bin", bytes([number]) * 12_500) for number in range(10)]
    submission = with_files(*named)

    work_off(submission)

    assert_one_case_with_all_files(submission, aws, *named)
    assert len(aws.requests("support.GetAttachmentUploadLinks")) == 10 * 2


@pytest.mark.parametrize("name", ["画面 1.png", "تقرير.txt", "a'b\"c;d.txt", "%2e%2e.txt", "x" * 251 + ".txt"])
@BOTH_WAYS
def test_names_arrive_as_they_are(aws, name, prepared):
    submission = prepared((name, b"x"))

    work_off(submission)

    assert_one_case_with_all_files(submission, aws, (name, b"x"))


def test_submission_without_files_uploads_nothing(aws):
    submission = a_submission(State.QUEUED)

    work_off(submission)

    assert (submission.state, submission.payload_version, aws.cases()[0].attachments) == ("delivered", 1, ())


def test_hash_names_the_files_and_aws_ids_are_no_part_of_it(aws):
    submission = with_files()
    hashed = submission.payload_sha256

    work_off(submission)

    assert (submission.payload_version, submission.payload_sha256) == (2, hashed)
    assert {"uploadIds", "attachmentSetId"} & submission.payload.keys() == set()
    assert [file["name"] for file in submission.files] == ["heap.bin", "log.txt"]


def test_other_file_makes_another_hash():
    one, other = with_files(LOG), with_files(("log.txt", b"other"))
    account = {"kind": one.kind, "account_id": "1"}

    hashes = {payloads.sha256_of({}, **account, files=row.files) for row in (one, other)}
    assert len(hashes) == 2
    assert payloads.sha256_of({}, **account, files=[]) == payloads.sha256_of({}, **account)


def test_large_file_never_stands_in_memory(aws):
    aws.settings(part_size=20 * 1024 * 1024)
    submission = with_files(("heap.bin", bytes(60 * 1024 * 1024)))
    tracemalloc.start()

    work_off(submission)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert submission.state == State.DELIVERED
    assert len(aws.requests("upload.PutPart")) == 3
    assert peak < 10 * 1024 * 1024


# --- waiting -----------------------------------------------------------------------------------------------------------------
def test_nobody_sits_on_a_thread_while_aws_looks_at_a_file(aws, time, clock):
    aws.settings(upload_ready_after=20)
    submission = with_files(LOG)

    send(submission)

    assert (submission.state, submission.reason_code) == (State.QUEUED, "files")
    assert clock.now < submission.due_at <= clock.now + timedelta(seconds=30)
    assert creates(aws) == []
    for _step in range(10):
        time.pass_(seconds=10)
        work_off(submission)
    assert_one_case_with_all_files(submission, aws, LOG)
    assert len(aws.requests("upload.PutPart")) == 1


def test_aws_that_never_finishes_looking_ends_in_words(aws, time):
    aws.settings(upload_ready_after=9e6)
    submission = with_files(LOG)
    work_off(submission)

    time.pass_(minutes=61)
    work_off(submission)

    assert (submission.state, submission.reason_code) == (State.FAILED, "file_refused")
    assert submission.reason_text == "AWS did not finish looking at “log.txt” within an hour."


def test_file_that_aws_finds_bad_brings_the_case_back_to_its_author(aws):
    submission = with_files(LOG, ("virus.exe", b"MZ"))

    work_off(submission)

    assert (submission.state, submission.reason_code) == (State.FAILED, "file_refused")
    assert "“virus.exe”" in submission.reason_text
    assert submission.case.stage == "draft"
    assert creates(aws) == []


# --- limits and rights -------------------------------------------------------------------------------------------------------
def test_account_that_lost_the_right_to_upload_falls_back_to_a_set(aws):
    submission = with_files()
    aws.account(submission.account.account_id, denied=["support:UploadAttachment"])

    work_off(submission)

    assert_one_case_with_all_files(submission, aws)


def test_files_too_many_for_a_set_say_so_when_uploading_is_denied(aws):
    submission = with_files(*[(f"{n}.txt", b"x") for n in range(4)])
    aws.account(submission.account.account_id, denied=["support:UploadAttachment"])

    work_off(submission)

    assert (submission.state, submission.reason_code) == (State.FAILED, "file_refused")
    assert "UploadAttachment" in submission.reason_text


def test_account_that_may_attach_nothing_says_so(aws):
    submission = with_files(code=MAY_NOT_ATTACH)

    work_off(submission)

    assert (submission.state, submission.reason_code) == (State.FAILED, "file_refused")
    assert "support:AddAttachmentsToSet" in submission.reason_text


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b""), Path.unlink])
@BOTH_WAYS
def test_stored_file_that_was_damaged_is_not_sent(aws, prepared, spoil):
    submission = prepared(LOG)
    spoil(Path(default_storage.path(files.place_of(submission.files[0]["sha256"]))))

    work_off(submission)

    assert (submission.state, submission.reason_text) == (State.FAILED, DAMAGED)
    assert aws.requests("support.AddAttachmentsToSet") + aws.requests("upload.PutPart") + creates(aws) == []


# --- faults ------------------------------------------------------------------------------------------------------------------
CALLS = {
    by_set: ("support.AddAttachmentsToSet",),
    with_files: (
        "support.GetAttachmentUploadLinks",
        "upload.PutPart",
        "support.CompleteAttachmentUpload",
        "support.DescribeAttachmentUploadStatus",
    ),
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ["drop", "error_500", "empty", "foreign", "throttle"])
@pytest.mark.parametrize(("prepared", "call"), [(way, call) for way, calls in CALLS.items() for call in calls])
def test_fault_in_a_call_about_files_ends_in_one_case_with_all_of_them(aws, time, prepared, call, fault, when):
    if call.endswith("Status"):
        aws.settings(upload_ready_after=3)
    submission = prepared()
    aws.fault(call, fault, when=when, times=1)

    for _step in range(12):
        work_off(submission)
        time.pass_(seconds=20)

    assert_one_case_with_all_files(submission, aws)
    assert len(creates(aws)) == 1


def test_line_that_never_works_brings_it_before_a_person(aws, time, settings):
    submission = with_files(LOG)
    aws.fault("upload.PutPart", "error_500", times=None)

    for _step in range(20):
        work_off(submission)
        time.pass_(minutes=6)

    assert (submission.state, submission.reason_code) == (State.NEEDS_ATTENTION, "refused_often")
    assert creates(aws) == []


def test_unknown_outcome_of_a_set_makes_a_new_one(aws, time):
    submission = by_set()
    aws.lose_answer("support.AddAttachmentsToSet")

    work_off(submission)
    time.pass_(seconds=10)
    work_off(submission)

    assert_one_case_with_all_files(submission, aws)
    assert len(aws.requests("support.AddAttachmentsToSet")) == 2
    assert [row.state for row in submission.uploads.all()] == ["dropped", "dropped", "ready", "ready"]


def test_part_that_failed_is_sent_again_by_itself(aws):
    submission = with_files(HEAP)
    aws.fault("upload.PutPart", "drop", times=2)

    work_off(submission)

    assert_one_case_with_all_files(submission, aws, HEAP)


def test_part_that_changed_on_its_way_is_refused_and_sent_again(aws):
    submission = with_files(HEAP)
    aws.fault("upload.PutPart", "corrupt")

    work_off(submission)

    assert_one_case_with_all_files(submission, aws, HEAP)
    parts = aws.requests("upload.PutPart")
    assert sorted(part["error_code"] or "" for part in parts) == ["", "", "", "BadDigest"]


def test_every_part_carries_its_checksum(aws, abreast):
    named = ("dump.bin", bytes(range(200)) * 20)  # four parts, and none is sent again before each was changed
    submission = with_files(named)
    aws.fault("upload.PutPart", "corrupt", times=4)

    work_off(submission)

    assert_one_case_with_all_files(submission, aws, named)
    parts = aws.requests("upload.PutPart")
    assert [(part["outcome"], part["error_code"]) for part in parts] == [("corrupt", "BadDigest")] * 4 + [
        ("ok", None)
    ] * 4


def test_upload_without_progress_is_abandoned(aws, monkeypatch):
    monkeypatch.setattr(uploads, "NO_PROGRESS", 0.6)
    submission = with_files(LOG)
    aws.fault("upload.PutPart", "slow", times=1, seconds=4)

    send(submission)

    assert (submission.state, submission.reason_code) == (State.QUEUED, "connection")
    assert submission.reason_text.startswith("No byte of “log.txt” moved for ")


def test_shutdown_gives_the_row_back_with_what_was_finished(aws):
    aws.settings(part_size=400)  # seven parts, more than go at once: some are left when the first is there
    submission = with_files(HEAP)
    with failpoints.armed("D-part", process.stopping.set):
        try:
            send(submission)
        finally:
            process.stopping.clear()
    assert (submission.state, submission.claims) == (State.QUEUED, 0)

    work_off(submission)

    assert_one_case_with_all_files(submission, aws, HEAP)


# --- death in a step ---------------------------------------------------------------------------------------------------------
class Killed(BaseException):
    """The end of a process: nothing catches it."""


@pytest.mark.parametrize(
    ("prepared", "point"),
    [(by_set, "D-set"), (with_files, "D-part"), (with_files, "D-complete"), (by_set, "D"), (with_files, "D")],
)
def test_death_in_a_step_ends_in_one_case_with_all_files(aws, time, prepared, point):
    submission = prepared()

    def die():
        raise Killed

    with failpoints.armed(point, die), pytest.raises(Killed):
        send(submission)
    assert again(submission).state == State.PREPARING
    time.pass_(minutes=5, seconds=1)
    dispatcher.expire_preparing()
    work_off(submission)

    assert_one_case_with_all_files(submission, aws)
    assert len(creates(aws)) == 1


def test_finished_parts_are_not_sent_again(aws, time):
    submission = with_files(("big.bin", bytes(9500)))
    finished = []

    def die():
        finished.append(1)
        if len(finished) == 4:
            raise Killed

    with failpoints.armed("D-part", die), pytest.raises(Killed):
        send(submission)
    kept = set(submission.uploads.get().parts)
    time.pass_(minutes=5, seconds=1)
    dispatcher.expire_preparing()
    work_off(submission)

    assert_one_case_with_all_files(submission, aws, ("big.bin", bytes(9500)))
    assert len(kept) == 4
    assert len(aws.requests("upload.PutPart")) <= 10 + 3  # of the four at once, three were under way


def test_lease_is_renewed_as_long_as_the_row_is_ours(aws, clock):
    submission = with_files(HEAP)
    leases = []

    def look():
        clock.advance(minutes=3)
        leases.append(again(submission).lease_until - clock.now)

    with failpoints.armed("D-part", look):
        send(submission)

    assert submission.state == State.DELIVERED
    assert min(leases) > timedelta(0)


def test_cancelled_while_uploading_sends_nothing(aws):
    submission = with_files(HEAP)

    with failpoints.armed("D-part", lambda: workflow.cancel(submission, by=submission.case.author)):
        send(submission)

    assert submission.state == State.CANCELLED
    assert (creates(aws), aws.cases()) == ([], [])


# --- what ran out ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("old", "sets"), [(49, 1), (51, 2)])
def test_set_is_used_only_with_ten_minutes_left(aws, time, old, sets):
    submission = by_set()
    aws.fault("support.CreateCase", "throttle")
    work_off(submission)
    assert submission.state == State.QUEUED

    time.pass_(minutes=old)
    work_off(submission)

    assert_one_case_with_all_files(submission, aws)
    assert len(aws.requests("support.AddAttachmentsToSet")) == sets


@pytest.mark.parametrize(
    ("prepared", "code"),
    [(by_set, "AttachmentSetExpired"), (by_set, "AttachmentSetIdNotFound"), (with_files, "UploadIdNotFound")],
)
@pytest.mark.parametrize("times", [1, 2])
def test_what_aws_forgot_is_uploaded_anew(aws, time, prepared, code, times):
    submission = prepared(LOG)
    aws.fault("support.CreateCase", "error", code=code, status=400, times=times)

    for _step in range(4):
        work_off(submission)
        time.pass_(seconds=30)

    assert_one_case_with_all_files(submission, aws, LOG)
    assert submission.uploads.count() == times + 1
    assert [row.outcome for row in submission.attempts.all()] == ["refused_retry"] * times + ["done"]


def test_what_aws_forgets_again_and_again_fails(aws, time):
    submission = by_set()
    aws.fault("support.CreateCase", "error", code="AttachmentSetExpired", status=400, times=None)

    for _step in range(6):
        work_off(submission)
        time.pass_(seconds=30)

    assert (submission.state, submission.reason_code) == (State.FAILED, "file_refused")
    assert [row.outcome for row in submission.attempts.all()] == ["refused_retry", "refused_retry", "refused_final"]


@BOTH_WAYS
def test_resend_after_absence_uploads_anew(aws, time, prepared):
    submission = prepared(LOG)
    aws.fault("support.CreateCase", "drop", when="before")
    work_off(submission)
    assert submission.state == State.UNKNOWN

    for _step in range(60):
        time.pass_(minutes=1)
        work_off(submission)

    assert_one_case_with_all_files(submission, aws, LOG)
    assert [row.outcome for row in submission.attempts.all()] == ["absent", "done"]
    assert [(row.state, row.for_attempt) for row in submission.uploads.all()] == [("dropped", 1), ("ready", 2)]


@BOTH_WAYS
def test_lost_answer_is_found_with_its_files(aws, time, prepared):
    submission = prepared()
    aws.lose_answer("support.CreateCase")
    work_off(submission)

    time.pass_(minutes=1)
    work_off(submission)

    assert_one_case_with_all_files(submission, aws)


def test_link_that_leads_off_the_machine_is_refused_in_sandbox_mode():
    check_link("http://127.0.0.1:1/x")
    with pytest.raises(ImproperlyConfigured):
        check_link("https://uploads.example.com/x")


def test_status_words_are_those_of_the_sdk():
    shape = get_session().get_service_model("support").shape_for("UploadStatus")  # a client would look for credentials
    assert {support.READY, support.NOT_READY, support.FAILED} == set(shape.enum)


def test_uploads_are_of_their_submission_only(aws):
    one, other = with_files(LOG), with_files(LOG, account=an_account())

    work_off(one)
    work_off(other)

    assert Upload.objects.filter(submission=one).count() == Upload.objects.filter(submission=other).count() == 1
    assert sorted(len(case.attachments) for case in aws.cases()) == [1, 1]
