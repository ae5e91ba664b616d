"""Files in a storage that has no path on this machine, from the form to AWS, out again and cleaned up."""

import hashlib

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from casesite import failpoints
from casesite.cases import file_secrets, files
from casesite.cases.models import Case, CaseFile
from casesite.catalog.known import MAY_UPLOAD
from casesite.submissions import workflow
from casesite.submissions.states import State
from tests.delivery.steps import again, send
from tests.desk.conftest import errors_of, post_new, signed_in
from tests.factories import a_draft, a_file, a_submission

LOG, HEAP = ("log.txt", b"2026-11-20T14:02:11Z init 8123 ms\n"), ("heap.bin", bytes(range(250)) * 18)
FILE_NEW = "/cases/files/"


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    settings.RECEIVING = tmp_path / "receiving"
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "tests.storages.Elsewhere"}}
    yield default_storage
    assert list(settings.RECEIVING.glob("*")) == []  # no copy is left behind


@pytest.fixture(autouse=True)
def aws(sandbox, settings):
    settings.GATE_RATE = settings.GATE_BURST = 50  # the clock stands still, so tokens do not come back by themselves
    sandbox.settings(part_size=1000, upload_ready_after=0)
    return sandbox


def let_upload(account):
    account.check_details = [{"name": "Upload", "state": "good", "text": "", "todo": "", "code": MAY_UPLOAD}]
    account.save(update_fields=["check_details"])


def upload(named):
    return SimpleUploadedFile(*named)


def place(data):
    return files.place_of(hashlib.sha256(data).hexdigest())


def queued(author, account, *named):
    let_upload(account)
    case = a_draft(by=author, account=account)
    for name, data in named:
        a_file(case, name, data)
    return a_submission(State.QUEUED, case=case)


@pytest.mark.parametrize("way", ["upload_ids", "set"])
def test_files_go_from_the_form_to_aws_and_out_again(client, typed, account, reviewer, aws, storage, way):
    if way == "upload_ids":
        let_upload(account)
    post_new(client, typed, files=[upload(LOG), upload(HEAP)])
    case = Case.objects.get()
    [submission] = case.submissions.all()
    review = signed_in(reviewer).get(f"/admin/submissions/submission/{submission.pk}/change/")
    workflow.approve(submission, by=reviewer, payload_sha256=submission.payload_sha256)
    assert min(storage.read) > 0  # none was read whole
    storage.opened.clear()
    storage.read.clear()

    send(submission)

    assert submission.state == State.DELIVERED, submission.reason_text
    assert {row.way for row in submission.uploads.all()} == {way}
    [at_aws] = aws.cases()
    assert sorted((file.name, file.sha256) for file in at_aws.attachments) == sorted(
        (name, hashlib.sha256(data).hexdigest()) for name, data in (LOG, HEAP)
    )
    assert sorted(storage.opened) == sorted(place(data) for _name, data in (LOG, HEAP))  # each was fetched once
    assert "init 8123 ms" in review.content.decode()
    for name, data in (LOG, HEAP):
        answer = client.get(f"/cases/{case.reference}/files/{case.files.get(name=name).key}/")
        assert b"".join(answer.streaming_content) == data
    assert all(0 < size <= files.PIECE for size in storage.read)


def test_what_nothing_refers_to_is_cleaned_up(client, author, account, clock, storage):
    queued(author, account, LOG)
    client.post(FILE_NEW, {"files": upload(HEAP), "held": 0})
    assert sorted(storage.names) == sorted([place(LOG[1]), place(HEAP[1])])

    clock.advance(days=1, seconds=1)

    assert files.clean_up() == 1
    assert storage.names == [place(LOG[1])]


def test_worker_that_died_fetches_the_file_anew_and_sends_the_rest(author, account, aws, clock, storage):
    submission = queued(author, account, HEAP)

    with failpoints.armed("D-part", stop), pytest.raises(KeyboardInterrupt):
        send(submission)
    submission.refresh_from_db()
    kept = len(submission.uploads.get().parts)
    submission.move(State.QUEUED, due_at=clock.now, lease_until=None)
    send(submission)

    assert (submission.state, kept) == (State.DELIVERED, 1)
    assert storage.opened == [place(HEAP[1])] * 2
    assert [file.sha256 for file in aws.cases()[0].attachments] == [hashlib.sha256(HEAP[1]).hexdigest()]


def stop():
    raise KeyboardInterrupt


@pytest.mark.parametrize("way", ["upload_ids", "set"])
def test_storage_that_is_away_is_asked_again(author, account, aws, clock, storage, way):
    submission = queued(author, account, LOG)
    if way == "set":
        account.check_details = []
        account.save(update_fields=["check_details"])
    storage.failing = True
    send(submission)
    assert (submission.state, submission.reason_code) == (State.QUEUED, "files_again")
    assert submission.reason_text == "The storage of files does not give it just now."

    storage.failing = False
    clock.advance(minutes=1)
    send(submission)

    assert again(submission).state == State.DELIVERED
    assert len(aws.cases()) == 1


def test_storage_that_is_away_refuses_a_file_by_name_and_keeps_the_form(client, typed, storage):
    storage.failing = True

    answer = post_new(client, typed, files=[upload(LOG)])

    assert errors_of(answer) == {
        "files": ["“log.txt” was not taken: it could not be stored. Try again, or tell an operator."]
    }
    assert "We tried a reboot." in answer.content.decode()
    assert CaseFile.objects.count() == 0


def test_first_lines_of_a_large_file_are_not_worth_fetching_it(author, account, storage):
    small, large = b"few\n", b"many\n" * 300_000
    case = a_draft(by=author, account=account)
    rows = [a_file(case, f"{len(data)}.txt", data) for data in (small, large)]

    assert [files.preview(row.sha256, row.size) for row in rows] == ["few", ""]
    assert storage.opened == [place(small)]


def test_review_goes_on_while_the_storage_is_away(author, account, reviewer, storage):
    case = a_draft(by=author, account=account)
    a_file(case, *LOG)
    submission = a_submission(State.PENDING_REVIEW, case=case)
    file_secrets.searches_of([file_secrets.Bytes(file.sha256, file.size, file.name) for file in case.files.all()])
    storage.failing = True

    page = signed_in(reviewer).get(f"/admin/submissions/submission/{submission.pk}/change/")

    assert page.status_code == 200
    assert LOG[0] in page.content.decode()
    assert "init 8123 ms" not in page.content.decode()
