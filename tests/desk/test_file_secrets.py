"""Secrets in the text files of a case: told by file and line, ticked with the name on record, and never repeated."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casesite.cases import file_secrets, files
from casesite.cases.models import Case, CaseFile, FileSearch
from casesite.screening.secrets import FILE_LIMIT
from casesite.teams.models import Role
from tests.factories import a_user
from tests.screening.made import MAKERS

from .conftest import errors_of, post_new, signed_in, token_of
from .test_files import keys_in, may_upload, own_folder, sent_at_once, upload  # noqa: F401  (fixtures among them)

SECRET = MAKERS["secret key"]("file")
LEAKING = f"[default]\naws_secret_access_key = {SECRET}\n".encode()
TOLD = "Line 2 of “credentials.txt” seems to hold a secret: AWS secret access key."


def test_submit_names_file_line_and_kind_and_asks_for_a_tick(client, typed):
    failed = post_new(client, typed, files=[upload("credentials.txt", LEAKING)])

    assert errors_of(failed) == {"confirm_secrets": [TOLD]}
    assert SECRET not in failed.content.decode()
    assert not Case.objects.filter(stage="outgoing").exists()


def test_draft_keeps_the_file_without_a_tick(client, typed):
    assert post_new(client, typed, "save_draft", files=[upload("credentials.txt", LEAKING)]).status_code == 302


def tick_in(answer):
    return re.search(r'name="confirm_secrets"\s+value="([^"]*)"', answer.content.decode())[1]


def again(client, typed, failed, *more, tick):
    given = {"kept_files": keys_in(failed), "form_token": token_of(failed), "confirm_secrets": tick}
    return post_new(client, typed | given, files=list(more))


def test_tick_lets_it_go_and_is_kept_with_the_name(client, typed, author):
    failed = post_new(client, typed, files=[upload("credentials.txt", LEAKING)])

    sent = again(client, typed, failed, tick=tick_in(failed))

    assert sent.status_code == 302
    [event] = Case.objects.get().events.filter(what="confirmed_secrets")
    assert (event.by, event.text) == (author, "files:2:aws_secret_key:credentials.txt")
    page = client.get(sent.url).content.decode()
    assert "line 2 of “credentials.txt” (AWS secret access key)" in page
    assert SECRET not in page


def test_tick_does_not_hold_for_a_file_that_came_later(client, typed):
    failed = post_new(client, typed, files=[upload("credentials.txt", LEAKING)])

    failed = again(client, typed, failed, upload("more.txt", b"\n" + LEAKING), tick=tick_in(failed))

    assert len(errors_of(failed)["confirm_secrets"]) == 2


def test_line_of_a_file_that_just_came_in_says_it_at_once(client, account):
    page = sent_at_once(client, account, "credentials.txt", LEAKING).content.decode()

    assert TOLD in page
    assert SECRET not in page


def test_remarks_while_one_writes_keep_those_of_files(client, account, typed):
    [key] = keys_in(sent_at_once(client, account, "credentials.txt", LEAKING))

    answer = client.post(
        "/cases/new/support/",
        typed | {"kept_files": key, "action": "update", "communication_body": "It is down."},
        headers={"HX-Request": "true", "HX-Trigger-Name": "communication_body"},
    )

    assert TOLD in answer.content.decode()


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (b"Only a log line\n", "searched"),
        ("schlüssel: keiner".encode("latin-1"), "searched"),
        (b"\x89PNG\r\n\x1a\n\0\0" + LEAKING, "not_text"),
        (LEAKING + b"x" * FILE_LIMIT, "too_large"),
    ],
)
def test_what_is_no_text_or_too_large_is_not_searched_and_needs_no_tick(client, typed, data, outcome):
    assert post_new(client, typed, files=[upload("some.bin", data)]).status_code == 302

    search = FileSearch.objects.get()
    assert (search.outcome, search.found) == (outcome, [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_is_searched_in_its_encoding(client, typed, encoding):
    failed = post_new(client, typed, files=[upload("credentials.txt", LEAKING.decode().encode(encoding))])

    assert errors_of(failed) == {"confirm_secrets": [TOLD]}


def test_file_is_read_once_and_anew_by_other_rules(client, typed, monkeypatch):
    failed = post_new(client, typed, files=[upload("credentials.txt", LEAKING)])
    asked = [file_secrets.Bytes(row.sha256, row.size, row.name) for row in CaseFile.objects.all()]
    with CaptureQueriesContext(connection) as queries:
        file_secrets.searches_of(asked)
    assert len(queries) == 1

    monkeypatch.setattr(file_secrets, "VERSION", "newer rules")
    file_secrets.searches_of(asked)
    assert FileSearch.objects.get().rules == "newer rules"
    assert errors_of(again(client, typed, failed, tick="")) == {"confirm_secrets": [TOLD]}


def test_reviewer_sees_what_was_found_who_ticked_and_what_nobody_searched(client, typed, team, bells):
    failed = post_new(client, typed, files=[upload("credentials.txt", LEAKING), upload("heap.bin", b"\0\1")])
    again(client, typed, failed, tick=tick_in(failed))
    reviewer = signed_in(a_user(team=team, role=Role.REVIEWER))
    submission = Case.objects.get().submissions.get()

    page = reviewer.get(f"/admin/submissions/submission/{submission.pk}/change/").content.decode()

    panel = " ".join(re.sub(r"<[^>]+>", "", page[page.index("<h2>Checked</h2>") :].split("</ul>")[0]).split())
    assert TOLD in panel
    assert "ticked that it is sent all the same" in panel
    assert "Not searched for secrets, being no text or over 1 MB: heap.bin" in panel


def test_form_without_files_asks_nothing_about_them(client, typed):
    with CaptureQueriesContext(connection) as queries:
        post_new(client, typed, "save_draft")

    assert not [query for query in queries if "filesearch" in query["sql"]]


def test_what_was_found_goes_with_the_bytes(client, typed, clock):
    post_new(client, typed, files=[upload("credentials.txt", LEAKING)])
    assert FileSearch.objects.exists()
    clock.advance(days=1, seconds=1)

    files.clean_up()

    assert not FileSearch.objects.exists()
