"""Leads are told of what only people can end: to whom, once for each fact, and no more once it is over."""

from datetime import timedelta

import pytest
from django.core import mail as django_mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casesite.delivery import dispatcher
from casesite.notices import mail, trouble
from casesite.notices.models import Kind, Notice
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db
URL = "https://cases.example.com"


@pytest.fixture
def letters(settings):
    settings.MAIL, settings.URL = True, URL
    return django_mail.outbox


@pytest.fixture
def team(bells, clock):
    return a_team("Payments")


@pytest.fixture
def lead(team):
    return a_user("l.berg", team=team, role=Role.LEAD, email="l.berg@example.com")


@pytest.fixture
def account(team, lead):
    for role in (Role.AGENT, Role.REVIEWER):
        a_user(team=team, role=role, email=f"{role}@example.com")
    a_user(team=a_team("Others"), role=Role.LEAD, email="other@example.com")
    a_user(team=team, role=Role.LEAD, email="left@example.com", is_active=False)
    return an_account(team, name="Payments prod")


def brought_to(state, account, **fields):
    draft = {"subject": "Billing\nis wrong", "communication_body": "Confidential words"} | fields
    return a_submission(state, case=a_draft(team=account.teams.get(), account=account, **draft))


def sweep():
    trouble.raise_new()
    mail.send_due()


def facts():
    return [(notice.kind, notice.user.username) for notice in Notice.objects.select_related("user").order_by("pk")]


# --- what the letters say --------------------------------------------------------------------------------------------------
def test_letter_about_what_needs_a_person(letters, account, clock):
    row = brought_to(State.NEEDS_ATTENTION, account)

    sweep()

    [letter] = letters
    assert letter.to == ["l.berg@example.com"]
    assert letter.subject == "Needs a person: Billing is wrong"
    assert (
        letter.body.split()
        == (
            f"{row.case.reference} for {account} needs a person since {clock.now:%Y-%m-%d %H:%M} UTC: Billing is wrong "
            f"{row.reason} The site does nothing more of itself: a lead adopts a case found at AWS, sends again, or gives "
            f"up. {URL}/admin/submissions/submission/{row.pk}/attention/"
        ).split()
    )
    assert "Confidential" not in letter.body


def test_letter_about_an_urgent_lost_answer_comes_at_once_and_names_the_next_look(letters, account, clock):
    row = brought_to(State.UNKNOWN, account, severity_code="urgent")

    sweep()

    [letter] = letters
    assert letter.subject == "Urgent, and AWS did not answer: Billing is wrong"
    assert f"next at {row.due_at:%Y-%m-%d %H:%M} UTC." in letter.body
    assert f"{URL}/admin/submissions/submission/{row.pk}/attention/" in letter.body
    assert "Confidential" not in letter.body


def test_ordinary_lost_answer_is_the_sites_own_business(letters, account):
    brought_to(State.UNKNOWN, account)

    sweep()

    assert (letters, facts()) == ([], [])


def test_letter_about_a_stopped_account_says_why_and_keeps_aws_words_to_the_page(letters, account, clock):
    for mode in Mode:
        gate.access_refused(account.pk, mode, "User is not authorized to see Confidential words")

    sweep()

    [letter] = letters
    assert letter.to == ["l.berg@example.com"]
    assert letter.subject == f"Calls to AWS are stopped: {account}"
    assert f"are stopped since {clock.now:%Y-%m-%d %H:%M} UTC." in letter.body
    assert letter.body.count("AWS Support: AWS does not let us in.") == 1
    assert f"{URL}/accounts/{account.pk}/" in letter.body
    assert "Confidential" not in letter.body


def test_every_lead_of_every_team_of_the_account_is_told_once(letters, account, team, lead):
    second = a_team("Data")
    account.teams.add(second)
    second.memberships.create(user=lead, role=Role.LEAD)
    a_user(team=second, role=Role.LEAD, email="d.cho@example.com")
    gate.access_refused(account.pk, Mode.WRITE, "no")

    sweep()

    assert sorted(letter.to[0] for letter in letters) == ["d.cho@example.com", "l.berg@example.com"]


# --- once for each fact ----------------------------------------------------------------------------------------------------
def test_each_fact_is_told_once_however_often_one_looks(letters, account, clock):
    brought_to(State.NEEDS_ATTENTION, account)
    brought_to(State.UNKNOWN, account, severity_code="critical")
    gate.access_refused(account.pk, Mode.WRITE, "no")

    for _round in range(3):
        sweep()
        clock.advance(minutes=7)
        gate.access_refused(account.pk, Mode.WRITE, "still no")  # a probe that found nothing better
        gate.access_refused(account.pk, Mode.READ, "no")

    assert sorted(kind for kind, _name in facts()) == ["attention", "stopped", "unknown"]
    assert len(letters) == 3


def test_row_that_comes_there_again_is_a_new_fact(letters, account, lead, clock):
    row = brought_to(State.UNKNOWN, account, severity_code="urgent")
    sweep()
    clock.advance(minutes=1)
    row.move(State.QUEUED, what="queued")
    clock.advance(minutes=1)
    for state in (State.PREPARING, State.SENDING, State.UNKNOWN):
        row.move(state, what=state)

    sweep()

    assert [kind for kind, _name in facts()] == ["unknown", "unknown"]


def test_account_that_is_stopped_again_is_a_new_fact(letters, account, clock):
    gate.access_refused(account.pk, Mode.WRITE, "no")
    sweep()
    gate.release(account.pk, Mode.WRITE)
    sweep()
    clock.advance(hours=1)
    gate.access_refused(account.pk, Mode.WRITE, "no")
    sweep()

    assert len(letters) == 2


def test_line_that_comes_back_within_minutes_is_nobodys_letter(letters, account, clock):
    for _n in range(gate.CONNECTION_FAILURES_OPEN):
        gate.unreachable(account.pk, Mode.WRITE, "timed out")
    sweep()
    clock.advance(minutes=4)
    sweep()
    assert letters == []

    clock.advance(minutes=1)
    sweep()

    assert [letter.subject for letter in letters] == [f"Calls to AWS are stopped: {account}"]


def test_who_took_it_over_is_not_told_of_it_the_other_leads_are(letters, account, team, lead):
    a_user("d.cho", team=team, role=Role.LEAD, email="d.cho@example.com")
    row = brought_to(State.UNKNOWN, account)
    workflow.take_over(row, by=lead, reason="The customer waits.")

    sweep()

    assert facts() == [("attention", "d.cho")]


def test_only_lead_who_took_it_over_is_told_of_nothing_and_keeps_nobody_else_waiting(account, lead, monkeypatch):
    monkeypatch.setattr(trouble, "AT_ONCE", 1)
    workflow.take_over(brought_to(State.UNKNOWN, account), by=lead, reason="The customer waits.")
    a_submission(State.NEEDS_ATTENTION)  # of a team without a lead
    row = brought_to(State.NEEDS_ATTENTION, account)

    sweep()

    assert [notice.submission for notice in Notice.objects.all()] == [row]


# --- when it is over -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [Kind.ATTENTION, Kind.UNKNOWN, Kind.STOPPED])
def test_letter_about_what_is_over_by_now_is_not_sent(letters, account, lead, kind):
    if kind == Kind.STOPPED:
        gate.access_refused(account.pk, Mode.WRITE, "no")
    else:
        state = State.NEEDS_ATTENTION if kind == Kind.ATTENTION else State.UNKNOWN
        row = brought_to(state, account, severity_code="urgent")
    trouble.raise_new()
    assert [told for told, _name in facts()] == [kind]

    if kind == Kind.STOPPED:
        gate.release(account.pk, Mode.WRITE)
    else:
        Submission.objects.get(pk=row.pk).move(State.QUEUED, what="queued")
    mail.send_due()

    assert letters == []
    assert not mail.is_due()


def test_without_a_mail_server_the_fact_is_noted_and_no_letter_kept(settings, account, clock):
    brought_to(State.NEEDS_ATTENTION, account)
    sweep()
    settings.MAIL = True
    clock.advance(hours=1)
    sweep()

    assert facts() == [("attention", "l.berg")]
    assert django_mail.outbox == []


# --- by the dispatcher -----------------------------------------------------------------------------------------------------
def test_dispatcher_raises_them(account, clock):
    brought_to(State.NEEDS_ATTENTION, account)

    dispatcher.Dispatcher().tick()

    assert facts() == [("attention", "l.berg")]


def test_sweep_with_nothing_new_takes_the_same_few_queries(account, team, clock):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            trouble.raise_new()
        return len(captured)

    brought_to(State.NEEDS_ATTENTION, account)
    gate.access_refused(an_account(team, name="Stopped").pk, Mode.WRITE, "no")
    trouble.raise_new()
    one = queries()
    for _n in range(3):
        brought_to(State.NEEDS_ATTENTION, account)
        brought_to(State.UNKNOWN, account, severity_code="urgent")
    trouble.raise_new()
    clock.advance(timedelta(minutes=1))

    assert queries() == one <= 4
