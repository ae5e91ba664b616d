"""A database that takes nothing: pages say so, nothing is half done, and what was typed can be sent once more."""

import re
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from casesite.cases.models import Case
from casesite.delivery import invariants
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.delivery.harm import HARMS, SQLITE, befallen
from tests.factories import PASSWORD, a_catalog, a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = {"origin": "http://testserver"}  # as browsers send it with what they post
NEW = "/cases/new/support/"


@pytest.fixture(params=HARMS)
def harm(request, transactional_db):
    """Everything that can befall this database, one after the other."""
    made = HARMS[request.param]()
    yield made
    made.remove()


@pytest.fixture
def team(harm):
    return a_team()


@pytest.fixture
def reviewer(team):
    return a_user(team=team, role=Role.REVIEWER)


@pytest.fixture
def author(team):
    return a_user(team=team)


@pytest.fixture
def typed(team, reviewer):
    """A complete form, as posted."""
    account = an_account(team)
    a_catalog(account)
    return {
        "account": str(account.pk),
        "issue_type": "technical",
        "service_code": "amazon-relational-database-service-postgresql",
        "category_code": "general-guidance",
        "severity_code": "normal",
        "language": "en",
        "subject": "RDS failover took 11 minutes",
        "communication_body": "Since 09:12 UTC.\nWe <b>tried</b> a reboot.\n" + "It hangs. " * 700,
        "cc_email_addresses": "",
        "action": "submit",
    }


def browser_of(person):
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


def words_of(answer):
    return unescape(answer.content.decode())


def new_token(browser):
    return re.search(r'name="form_token" value="([^"]*)"', browser.get(NEW).content.decode())[1]


def posted_again(answer):
    """The form on the page, as pressing its button would post it."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.content.decode())
    return {unescape(name): unescape(value) for name, value in fields if name != "csrfmiddlewaretoken"}


def test_approval_that_can_not_be_stored_is_told_and_not_given(harm, team, reviewer, author, bells):
    submission = a_submission(State.PENDING_REVIEW, by=author)
    page = reverse("admin:submissions_submission_change", args=[submission.pk])
    browser = browser_of(reviewer)
    browser.get(page)
    decision = {"decision": "approve", "reason": "", "payload_sha256": submission.payload_sha256}

    harm.begin(submission)
    answer = browser.post(page, decision, headers=ORIGIN)
    harm.end()

    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "The database can't be used just now" in words_of(answer)
    submission.refresh_from_db()
    assert (submission.state, submission.decisions.count(), bells) == (State.PENDING_REVIEW, 0, [])
    assert posted_again(answer) == decision

    again = browser.post(page, posted_again(answer), headers=ORIGIN)
    submission.refresh_from_db()
    assert (again.status_code, submission.state) == (302, State.QUEUED)
    assert invariants.broken() == []


def test_form_that_can_not_be_stored_is_kept_and_sent_once_more(harm, typed, author, bells):
    browser = browser_of(author)
    typed |= {"form_token": new_token(browser)}

    harm.begin()
    answer = browser.post(NEW, typed, headers=ORIGIN)
    harm.end()

    assert answer.status_code == 503
    assert "What you typed is kept on this page" in words_of(answer)
    assert (Case.objects.count(), Submission.objects.count()) == (0, 0)
    assert posted_again(answer) == typed

    for _click in range(2):
        assert browser.post(NEW, posted_again(answer), headers=ORIGIN).status_code == 302
    [submission] = Submission.objects.all()
    assert submission.payload["communicationBody"].startswith(typed["communication_body"])
    assert invariants.broken() == []


def test_files_of_a_form_that_can_not_be_stored_are_named(harm, typed, author, bells):
    browser = browser_of(author)
    typed |= {"form_token": new_token(browser)}

    harm.begin()
    answer = browser.post(NEW, {**typed, "files": SimpleUploadedFile("log.txt", b"8123 ms\n")}, headers=ORIGIN)
    harm.end()

    assert answer.status_code == 503
    if "What you typed is kept" in words_of(answer):  # who sends the file is asked of the database, which may be gone
        assert "log.txt" in words_of(answer)
        assert posted_again(answer)["action"] == "update"
    else:
        assert not SQLITE
    assert Case.objects.count() == 0


def test_passwords_are_not_kept_on_the_page(transactional_db):
    browser = browser_of(a_user(team=a_team()))
    passwords = {"old_password": PASSWORD, "new_password1": "purple giraffe 7", "new_password2": "purple giraffe 7"}

    with befallen(HARMS["locked"]()):
        answer = browser.post("/accounts/password/", passwords, headers=ORIGIN)

    assert answer.status_code == 503
    assert posted_again(answer) == {}
    assert "giraffe" not in words_of(answer)


def test_what_another_site_posts_is_not_offered_for_sending(transactional_db):
    reviewer = a_user(team=a_team(), role=Role.REVIEWER)
    submission = a_submission(State.PENDING_REVIEW, team=reviewer.memberships.get().team)
    browser = browser_of(reviewer)
    page = reverse("admin:submissions_submission_change", args=[submission.pk])
    decision = {"decision": "approve", "payload_sha256": submission.payload_sha256}

    with befallen(HARMS["locked"]()):
        answer = browser.post(page, decision, headers={"origin": "https://evil.example"})

    assert answer.status_code == 503
    assert posted_again(answer) == {}


@pytest.mark.parametrize("kind", ["locked", "read-only"])
def test_pages_are_shown_while_only_writing_is_impossible(kind, transactional_db):
    browser = browser_of(a_user(team=a_team()))

    with befallen(HARMS[kind]()):
        answer = browser.get("/cases/")

    assert answer.status_code == 200


def test_page_of_a_database_that_is_away_says_so(transactional_db, monkeypatch):
    browser = browser_of(a_user(team=a_team()))

    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "NAME", "/nowhere/at-all")
        answer = browser.get("/cases/")
        connection.close()

    assert answer.status_code == 503
    assert "So this page can't be shown" in words_of(answer)
    assert posted_again(answer) == {}
