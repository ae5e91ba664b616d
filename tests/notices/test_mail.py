"""Tests of letters: once, never lost while the mail server is away, never inside a transaction."""

import socket
from datetime import timedelta

import pytest
from django.core import mail as django_mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection

from casesite.delivery.dispatcher import Dispatcher
from casesite.notices import mail, review
from casesite.notices.models import Notice
from casesite.submissions import workflow
from casesite.teams.models import Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


class Watched(EmailBackend):
    """Keeps whether a transaction was open when each letter left."""

    seen: list = []

    def send_messages(self, messages):
        self.seen.append(connection.in_atomic_block)
        return super().send_messages(messages)


@pytest.fixture
def letters(settings):
    settings.MAIL = True
    settings.URL = "https://cases.example.com"
    return django_mail.outbox


@pytest.fixture
def team(db):
    return a_team("Payments")


@pytest.fixture
def lead(team):
    return a_user("l.berg", team=team, role=Role.LEAD, email="l.berg@example.com")


@pytest.fixture
def overdue(team, lead, bells, clock):
    account = an_account(team, name="Payments prod", review_minutes=60)
    author = a_user("m.silva", team=team)
    submission = a_submission(
        case=a_draft(by=author, account=account, subject="Billing\nis wrong", communication_body="Confidential words")
    )
    clock.advance(hours=1)
    return submission


@pytest.fixture
def server_down(settings):
    """A mail server that nobody answers at; calling it brings the server back."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port

    def back():
        settings.EMAIL_BACKEND = LOCMEM

    return back


def test_letter_says_what_waits_since_when_and_where(letters, overdue, clock):
    review.raise_due()
    mail.send_due()

    [letter] = letters
    assert letter.to == ["l.berg@example.com"]
    assert letter.subject == "Review is overdue: Billing is wrong"
    assert (
        letter.body.split()
        == (
            f"m.silva submitted {overdue.case.reference} for {overdue.account}: Billing is wrong "
            f"It should have been reviewed by {clock.now:%Y-%m-%d %H:%M} UTC, and nobody has decided on it. "
            f"https://cases.example.com/admin/submissions/submission/{overdue.pk}/change/"
        ).split()
    )
    assert "Confidential" not in letter.body


def test_letter_is_sent_once(letters, overdue, clock):
    for _round in range(3):
        review.raise_due()
        mail.send_due()
        clock.advance(hours=2)

    assert len(letters) == 1
    assert Notice.objects.get().mailed_at is not None


def test_letters_wait_for_a_server_that_is_down(letters, overdue, clock, server_down):
    review.raise_due()
    for minutes in (0, 2, 4, 8):
        clock.advance(minutes=minutes)
        mail.send_due()
    notice = Notice.objects.get()
    assert (letters, notice.mailed_at, notice.tries) == ([], None, 4)
    assert notice.next_try_at == clock.now + timedelta(minutes=16)

    server_down()
    mail.send_due()
    assert letters == []
    clock.advance(minutes=16)
    mail.send_due()

    assert len(letters) == 1


def test_one_try_of_a_dead_server_is_enough_for_a_round(letters, overdue, team, clock, server_down):
    a_user(team=team, role=Role.LEAD, email="second@example.com")
    review.raise_due()

    mail.send_due()

    assert sorted(Notice.objects.values_list("tries", flat=True)) == [0, 1]


def test_letter_whose_sender_died_is_sent_by_the_next(letters, overdue, clock):
    review.raise_due()
    assert mail._claim(Notice.objects.get())

    mail.send_due()
    assert letters == []
    clock.advance(minutes=5)
    mail.send_due()

    assert len(letters) == 1


def test_letter_that_two_found_due_is_sent_by_one(letters, overdue):
    review.raise_due()
    one, other = Notice.objects.get(), Notice.objects.get()

    assert [mail._claim(one), mail._claim(other)] == [True, False]


def test_letter_about_what_is_decided_by_now_is_not_sent(letters, overdue, lead, clock, server_down):
    review.raise_due()
    mail.send_due()
    workflow.approve(overdue, by=lead, payload_sha256=overdue.payload_sha256)
    server_down()
    clock.advance(hours=1)

    mail.send_due()

    assert letters == []
    assert not mail.is_due()


def test_without_a_mail_server_nothing_is_kept_to_be_sent(settings, overdue, clock):
    review.raise_due()
    settings.MAIL = True
    clock.advance(hours=1)

    assert not mail.is_due()
    assert Notice.objects.count() == 1


def test_who_has_no_address_gets_no_letter(letters, overdue, lead):
    lead.email = ""
    lead.save()
    review.raise_due()

    mail.send_due()

    assert (letters, Notice.objects.get().user) == ([], lead)


@pytest.mark.django_db(transaction=True)
def test_dispatcher_sends_outside_of_any_transaction(letters, overdue, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Watched"
    Watched.seen.clear()
    dispatcher = Dispatcher()

    dispatcher.tick()
    dispatcher._mailing.result(timeout=30)

    assert Watched.seen == [False]
    assert len(letters) == 1
