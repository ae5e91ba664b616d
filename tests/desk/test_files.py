"""Files in the form and out again: with a script and without, kept whatever happens, and only for who may see the case."""

import hashlib
import html
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from casesite import failpoints
from casesite.cases import files
from casesite.cases.models import Case, CaseFile
from casesite.catalog.known import MAY_NOT_ATTACH, MAY_UPLOAD
from casesite.submissions import workflow
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.delivery.steps import send
from tests.desk.conftest import (
    NEW,
    a_saved_draft,
    edit_url,
    errors_of,
    new_token,
    post_edit,
    post_new,
    signed_in,
    token_of,
)
from tests.factories import a_draft, a_file, a_submission, a_team, a_user
from tests.storages import keep_in

FILE_NEW = "/cases/files/"
LOG = b"2026-11-20T14:02:11Z init 8123 ms\n"


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    keep_in(settings, tmp_path)


@pytest.fixture(autouse=True)
def may_upload(account):
    set_code(account, MAY_UPLOAD)


def set_code(account, code):
    account.check_details = [{"name": "Upload", "state": "good", "text": "", "todo": "", "code": code}]
    account.save(update_fields=["check_details"])


def upload(name="log.txt", data=LOG):
    return SimpleUploadedFile(name, data)


def keys_in(response):
    return re.findall(r'name="kept_files" value="([^"]+)"', response.content.decode())


def names_in(response):
    return re.findall(r'class="file-name">([^<]*)<', response.content.decode())


def of(case):
    return [(file.name, file.size) for file in files.of_draft(case)]


def sent_at_once(client, account, name="log.txt", data=LOG, held=0):
    return client.post(FILE_NEW, {"files": upload(name, data), "account": account.pk, "held": held})


# --- without a script ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("action", ["save_draft", "submit"])
def test_files_come_with_the_form(client, typed, action):
    response = post_new(client, typed, action, files=[upload(), upload("heap.bin", b"\0\1")])

    case = Case.objects.get()
    assert (response.status_code, of(case)) == (302, [("log.txt", len(LOG)), ("heap.bin", 2)])


def test_submission_names_files_by_hash_size_and_name(client, typed):
    post_new(client, typed, "submit", files=[upload()])

    [submission] = Case.objects.get().submissions.all()
    assert submission.files == [{"sha256": hashlib.sha256(LOG).hexdigest(), "size": len(LOG), "name": "log.txt"}]
    assert (submission.payload_version, CaseFile.objects.get().submitted) == (2, True)


def test_failed_form_keeps_files(client, typed):
    failed = post_new(client, typed | {"subject": ""}, files=[upload()])

    assert (errors_of(failed).keys(), names_in(failed)) == ({"subject"}, ["log.txt"])
    again = client.post(
        NEW, typed | {"form_token": token_of(failed), "action": "submit", "kept_files": keys_in(failed)}
    )
    assert (again.status_code, of(Case.objects.get())) == (302, [("log.txt", len(LOG))])


def test_refused_file_is_named_while_the_others_stay(client, typed):
    response = post_new(client, typed, files=[upload("empty.txt", b""), upload()])

    assert errors_of(response) == {"files": ["“empty.txt” was not taken: it is empty."]}
    assert names_in(response) == ["log.txt"]
    assert 'href="#id_files"' in response.content.decode()


def test_what_applies_is_shown_again_with_the_files(client, typed):
    token = new_token(client)

    response = client.post(
        NEW, typed | {"form_token": token, "action": "update", "files": [upload(), upload("e", b"")]}
    )

    assert names_in(response) == ["log.txt"]
    assert "“e” was not taken: it is empty." in response.content.decode()
    assert Case.objects.count() == 0


def test_one_file_is_taken_out_by_its_button(client, typed):
    case = saved_with(client, typed, "1.txt", "2.txt")
    page = client.get(edit_url(case))
    first, second = keys_in(page)

    without = client.post(
        edit_url(case),
        typed | {"form_token": token_of(page), "kept_files": [first, second], "remove_file": first},
    )

    assert names_in(without) == ["2.txt"]
    assert len(of(case)) == 2  # until it is saved
    post_edit(client, case, typed, kept_files=keys_in(without))
    assert [name for name, _size in of(case)] == ["2.txt"]


def saved_with(client, typed, *names):
    post_new(client, typed, "save_draft", files=[upload(name, name.encode()) for name in names])
    return Case.objects.get()


def test_draft_shows_its_files_again(client, typed):
    case = saved_with(client, typed, "1.txt", "2.txt")

    page = client.get(edit_url(case))

    assert names_in(page) == ["1.txt", "2.txt"]
    assert 'enctype="multipart/form-data"' in page.content.decode()
    post_edit(client, case, typed, "submit", kept_files=keys_in(page))
    assert [file["name"] for file in case.submissions.get().files] == ["1.txt", "2.txt"]


def test_same_form_twice_makes_one_case_with_its_files(client, typed):
    token = new_token(client)
    page = client.post(NEW, typed | {"form_token": token, "action": "update", "files": [upload()]})
    posted = typed | {"form_token": token, "action": "submit", "kept_files": keys_in(page)}

    answers = [client.post(NEW, posted) for _click in range(2)]

    assert {answer.url for answer in answers} == {Case.objects.get().get_absolute_url()}
    assert CaseFile.objects.count() == 1


def test_older_tab_is_told_of_files_too(client, typed):
    case = a_saved_draft(client, typed)
    older = token_of(client.get(edit_url(case)))
    post_edit(client, case, typed, files=[upload("newer.txt")])

    response = client.post(
        edit_url(case), typed | {"form_token": older, "action": "save_draft", "files": [upload("older.txt")]}
    )

    assert b"changed-elsewhere" in response.content
    assert (names_in(response), of(case)) == (["older.txt"], [("newer.txt", len(LOG))])


@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_key_of_nobodys_file_is_told(client, typed, key):
    response = post_new(client, typed, kept_files=[key])

    assert errors_of(response) == {"files": ["A file of this form is not stored any more. Choose it again."]}


def test_foreign_file_cannot_be_taken_by_its_key(client, typed):
    foreign = a_file(a_draft(by=a_user(team=a_team())), "secret.txt", b"secret")

    response = post_new(client, typed, kept_files=[str(foreign.key)])

    assert response.status_code == 200
    assert (Case.objects.filter(author__username="silva").count(), names_in(response)) == (0, [])


@pytest.mark.parametrize(("count", "good"), [(10, True), (11, False)])
def test_ten_files_are_the_most(client, typed, count, good):
    response = post_new(client, typed, files=[upload(f"{n}.txt", str(n).encode()) for n in range(count)])

    assert (response.status_code == 302) is good
    if not good:
        assert errors_of(response) == {"files": ["“10.txt” was not taken: the case takes 10 files."]}
        assert len(names_in(response)) == 10


def test_draft_may_keep_what_another_account_takes_but_not_submit_it(client, typed, account):
    case = saved_with(client, typed, *"1234")
    set_code(account, "may_not_upload")

    page = client.get(edit_url(case))
    saved = post_edit(client, case, typed, kept_files=keys_in(page))
    refused = post_edit(client, case, typed, "submit", kept_files=keys_in(page))

    assert saved.status_code == 302
    assert errors_of(refused) == {
        "files": [
            "“4” was not taken: the case takes 3 files. This account may not upload larger ones (support:UploadAttachment)."
        ]
    }


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            MAY_UPLOAD,
            "Up to 10 files of 150\xa0MB each. This account may upload large ones (support:UploadAttachment).",
        ),
        ("may_not_upload", "Up to 3 files of 5\xa0MB each. This account may not upload larger ones"),
        (MAY_NOT_ATTACH, "This account may not attach files (support:AddAttachmentsToSet)."),
    ],
)
def test_form_says_the_limits_of_the_account_before(client, typed, account, code, words):
    set_code(account, code)
    parts = client.post(
        NEW,
        typed | {"action": "update", "form_token": new_token(client)},
        headers={"HX-Request": "true", "HX-Trigger-Name": "account"},
    )

    assert words in parts.content.decode()


def test_form_without_files_works_as_plain_fields(client, typed):
    response = client.post(
        NEW,
        "&".join(f"{k}={v}" for k, v in (typed | {"form_token": new_token(client), "action": "save_draft"}).items()),
        content_type="application/x-www-form-urlencoded",
    )

    assert response.status_code == 302


# --- each at once -------------------------------------------------------------------------------------------------------------
def test_file_sent_at_once_becomes_a_line_of_the_form(client, typed, account):
    line = sent_at_once(client, account)

    assert (line.status_code, names_in(line)) == (200, ["log.txt"])
    post_new(client, typed, "save_draft", kept_files=keys_in(line))
    assert of(Case.objects.get()) == [("log.txt", len(LOG))]


@pytest.mark.parametrize(
    ("name", "data", "held", "words"),
    [
        ("empty.txt", b"", 0, "“empty.txt” was not taken: it is empty."),
        ("eleventh.txt", b"x", 10, "“eleventh.txt” was not taken: the case takes 10 files."),
    ],
)
def test_refused_file_says_why_at_once(client, account, name, data, held, words):
    answer = sent_at_once(client, account, name, data, held)

    assert (answer.status_code, answer.content.decode(), CaseFile.objects.count()) == (422, words, 0)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(("size", "status"), [(157_286_400, 204), (157_286_401, 422), (0, 422)])
def test_size_is_asked_before_the_bytes_leave(client, account, size, status):
    answer = client.post(FILE_NEW, {"name": "heap.bin", "size": size, "account": account.pk, "held": 0})

    assert (answer.status_code, CaseFile.objects.count()) == (status, 0)


def test_hostile_name_stays_text(client, account):
    answer = sent_at_once(client, account, "<img src=x onerror=alert(1)>.txt")

    assert "&lt;img src=x onerror=alert(1)&gt;.txt" in answer.content.decode()
    assert "<img" not in answer.content.decode()


def test_too_many_files_in_forms_nobody_saves_are_refused(client, account, monkeypatch):
    monkeypatch.setattr(files, "LOOSE_MOST", 2)

    answers = [sent_at_once(client, account, f"{n}.txt").status_code for n in range(3)]

    assert answers == [200, 200, 422]


def test_signed_out_nothing_is_kept_and_the_page_is_told(account, db, settings):
    answer = Client(headers={"HX-Request": "true"}).post(FILE_NEW, {"files": upload(), "account": account.pk})

    assert (answer.status_code, CaseFile.objects.count()) == (401, 0)


def test_form_posted_after_the_session_ended_names_its_files(typed, settings):
    answer = Client().post(NEW, typed | {"form_token": "x" * 32, "action": "submit", "files": [upload()]})

    assert "&quot;files&quot;: [&quot;log.txt&quot;]" in answer.content.decode()
    folder = settings.RECEIVING
    assert list(folder.iterdir()) == []


def test_address_that_takes_no_files_keeps_none(client, author):
    draft = a_draft(by=author)

    client.post(draft.get_absolute_url(), {"action": "discard", "files": upload()})

    assert CaseFile.objects.count() == 0


# --- out again ------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def case(author, account):
    case = a_draft(by=author, account=account)
    a_file(case, "log.txt", LOG)
    return case


def address(case):
    return f"/cases/{case.reference}/files/{case.files.get().key}/"


def test_file_comes_as_an_attachment_that_no_browser_opens(client, case):
    answer = client.get(address(case))

    assert b"".join(answer.streaming_content) == LOG
    assert answer["Content-Disposition"] == 'attachment; filename="log.txt"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ('a"b;c.html', 'attachment; filename="a\\"b;c.html"'),
        ("画面.png", "attachment; filename*=utf-8''%E7%94%BB%E9%9D%A2.png"),
    ],
)
def test_odd_names_make_a_safe_header(client, author, account, name, header):
    case = a_draft(by=author, account=account)
    a_file(case, name, LOG)

    assert client.get(address(case))["Content-Disposition"] == header


def test_colleagues_of_the_team_get_it_and_nobody_else(case, team):
    for person, status in (
        (a_user(team=team), 200),
        (a_user(team=team, role=Role.REVIEWER), 200),
        (a_user(team=a_team(), role=Role.LEAD), 404),
        (a_user(is_superuser=True, is_staff=True), 404),
    ):
        assert signed_in(person).get(address(case)).status_code == status


def test_file_of_another_case_is_not_found_under_a_visible_one(client, case, author, account):
    other = a_draft(by=author, account=account)

    assert client.get(f"/cases/{other.reference}/files/{case.files.get().key}/").status_code == 404


def test_file_that_is_gone_from_the_disk_is_not_found(client, case):
    files.default_storage.delete(files.place_of(case.files.get().sha256))

    assert client.get(address(case)).status_code == 404


# --- on the pages ----------------------------------------------------------------------------------------------------------------
def test_case_page_names_size_and_hash_with_a_link(client, case):
    page = client.get(case.get_absolute_url()).content.decode()

    assert f'href="{address(case)}"' in page
    assert hashlib.sha256(LOG).hexdigest() in page
    assert f"{len(LOG)}\xa0bytes" in page


class Watcher:
    """The case page of somebody who leaves it open: at first the page, then what it fetches by itself."""

    def __init__(self, client, case):
        self._client, self._page, self._next = client, case.get_absolute_url(), case.get_absolute_url()
        self.told = []

    def look(self):
        brought, anew = self._get(self._next), self._get(self._page)
        self._next = html.unescape(re.search(r'id="case-refresh"[^>]*?hx-get="([^"]*)"', brought)[1])
        assert self._progress(brought) == self._progress(anew)
        self.told += self._progress(brought)

    def _get(self, address):
        return self._client.get(address, HTTP_HX_REQUEST="true").content.decode()

    def _progress(self, page):
        return re.findall(r"data-progress>· ([^<]*)</span>", page)


def test_case_page_tells_how_far_a_file_is_on_its_way_to_aws(client, author, account, sandbox, clock):
    sandbox.settings(part_size=1000, upload_ready_after=900)
    case = a_draft(by=author, account=account)
    a_file(case, "heap.bin", bytes(4500))
    submission, watcher = a_submission(State.QUEUED, case=case), Watcher(client, case)

    with failpoints.armed("D-part", watcher.look):
        send(submission)
    watcher.look()
    sandbox.settle_upload(submission.uploads.get().aws_id)
    clock.advance(minutes=1)
    with failpoints.armed("D", watcher.look):
        send(submission)

    parts = [f"{done} of 5 parts at AWS" for done in (1, 2, 3, 4, 5)]
    assert watcher.told == [*parts, "AWS looks at it", "at AWS"]
    assert submission.state == State.DELIVERED


def test_case_page_tells_that_files_go_as_a_set(client, author, account, sandbox):
    set_code(account, "")
    case = a_draft(by=author, account=account)
    a_file(case, "log.txt", LOG)
    submission, watcher = a_submission(State.QUEUED, case=case), Watcher(client, case)

    with failpoints.armed("D-set", watcher.look), failpoints.armed("D", watcher.look):
        send(submission)
    page = client.get(case.get_absolute_url()).content.decode()

    assert watcher.told == ["on its way", "at AWS"]
    assert (submission.state, "data-progress" in page) == (State.DELIVERED, False)


def test_review_page_shows_files_with_their_first_lines_as_text(client, case, reviewer):
    a_file(case, "page.html", b"<script>alert(1)</script>\n")
    submission = workflow.submit(case, by=case.author)

    page = signed_in(reviewer).get(f"/admin/submissions/submission/{submission.pk}/change/").content.decode()

    assert 'data-parameter="files"' in page
    assert hashlib.sha256(LOG).hexdigest() in page
    assert "2026-11-20T14:02:11Z init 8123 ms" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "2 files, within the account&#x27;s limits" in page


def test_difference_names_files_added_and_removed(client, case, reviewer, typed):
    first = workflow.submit(case, by=case.author)
    workflow.return_to_author(first, by=reviewer, payload_sha256=first.payload_sha256, reason="Wrong file")
    post_edit(client, case, typed, "submit", files=[upload("right.txt", b"right")])
    second = case.submissions.get(newest=True)

    review = signed_in(reviewer).get(f"/admin/submissions/submission/{second.pk}/change/").content.decode()
    story = client.get(case.get_absolute_url()).content.decode()

    changed = re.sub(r"<[^>]+>", "", review[review.index('data-changed="files"') :])
    assert changed.index("log.txt") < changed.index("right.txt")
    assert re.search(r"<del>log\.txt \(", story)
    assert re.search(r"<ins>right\.txt \(", story)


def test_refused_file_stands_at_its_field_on_the_draft(client, case):
    submission = a_submission(State.PREPARING, case=case)
    submission.move(State.FAILED, reason_code=Reason.FILE_REFUSED, reason_text="AWS did not accept “log.txt”.")

    page = client.get(edit_url(case))

    assert errors_of(page) == {"files": ["AWS did not accept “log.txt”."]}
