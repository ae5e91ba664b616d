"""Tests of the desk: what needs a person now, in which order, and what stands beside it."""

from datetime import timedelta

import pytest

from casesite.cases.models import Case
from casesite.desk.rows import Desk
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions import workflow
from casesite.submissions.states import State
from casesite.teams.models import CheckResult, Role
from tests.factories import a_catalog, a_draft, a_submission, a_team, a_user, an_account

from .conftest import signed_in


@pytest.fixture
def made(author, account, reviewer, bells):
    """`made(State.QUEUED, subject="...")`: a case of the author in a state."""

    def make(state, **fields):
        case = a_draft(**{"by": author, "account": account, "team": author.memberships.first().team, **fields})
        return a_submission(state, case=case, reviewer=reviewer)

    return make


def sections(response):
    """The subjects of each section."""
    desk = response.context["desk"]
    names = ("needs_me", "checked", "going_out", "waiting", "drafts", "opened")
    return {name: subjects for name in names if (subjects := [row.case.subject for row in getattr(desk, name)])}


def test_empty_desk_offers_the_first_step(client):
    page = client.get("/").content.decode()

    assert "Nothing here yet." in page
    assert 'href="/cases/new/support/"' in page


@pytest.mark.parametrize(
    ("state", "section"),
    [
        (State.RETURNED, "needs_me"),
        (State.FAILED, "needs_me"),
        (State.UNKNOWN, "checked"),
        (State.NEEDS_ATTENTION, "checked"),
        (State.QUEUED, "going_out"),
        (State.PREPARING, "going_out"),
        (State.SENDING, "going_out"),
        (State.PENDING_REVIEW, "waiting"),
        (State.CANCELLED, "drafts"),
        (State.DELIVERED, "opened"),
        (State.REJECTED, None),
    ],
)
def test_each_state_has_its_section(client, made, state, section):
    made(state, subject="It")

    assert sections(client.get("/")) == ({section: ["It"]} if section else {})


def test_draft_stands_under_drafts(client, author, account):
    a_draft(by=author, account=account, subject="Begun")

    assert sections(client.get("/")) == {"drafts": ["Begun"]}


def test_what_needs_me_is_ordered_by_kind(client, made, author):
    author.memberships.update(role=Role.LEAD)
    made(State.FAILED, subject="refused")
    made(State.NEEDS_ATTENTION, subject="needs a person")
    made(State.RETURNED, subject="returned")

    response = signed_in(author).get("/")

    assert sections(response)["needs_me"] == ["returned", "needs a person", "refused"]
    assert "3 things need you." in response.content.decode()


def test_lead_sees_what_needs_a_person_of_others_too(client, made, team):
    made(State.NEEDS_ATTENTION, subject="Stuck")
    made(State.UNKNOWN, subject="Of the author alone")
    lead = a_user(team=team, role=Role.LEAD)

    assert sections(signed_in(lead).get("/")) == {"needs_me": ["Stuck"]}


def test_lead_sees_urgent_cases_whose_outcome_nobody_knows(made, team):
    made(State.UNKNOWN, subject="Urgent", severity_code="urgent")
    made(State.UNKNOWN, subject="Ordinary")
    lead, agent = a_user(team=team, role=Role.LEAD), a_user(team=team)

    assert sections(signed_in(lead).get("/")) == {"checked": ["Urgent"]}
    assert sections(signed_in(agent).get("/")) == {}


def test_reviewer_is_not_asked_for_what_leads_decide(client, made, reviewer):
    made(State.NEEDS_ATTENTION)

    assert sections(signed_in(reviewer).get("/")) == {}


def test_cases_of_others_stay_on_their_desks(client, made, team):
    for state in (State.RETURNED, State.QUEUED, State.DELIVERED):
        made(state)

    assert sections(signed_in(a_user(team=team)).get("/")) == {}


def test_returned_case_tells_who_and_why_and_leads_to_its_form(client, made):
    submission = made(State.RETURNED)

    page = client.get("/").content.decode()

    assert "A. Okafor: “<bdi>Which cluster? AWS will ask.</bdi>”" in page
    assert f'href="/cases/{submission.case.reference}/edit/"' in page


def test_queued_cases_tell_place_and_time(client, made, account, clock, by_day):
    account.cases_per_hour, account.reserved_urgent = 1, 0
    account.save()
    made(State.DELIVERED)
    clock.advance(minutes=10)
    made(State.QUEUED, subject="first")
    clock.advance(seconds=1)
    made(State.QUEUED, subject="second")

    response = client.get("/")

    page = response.content.decode()
    assert sections(response)["going_out"] == ["first", "second"]
    assert "number 1 in line" in page
    assert "number 2 in line" in page
    at = response.context["desk"].going_out[0].goes_out_at
    assert f">{at:%H:%M}</time>" in page
    assert "1 of 1 used this hour" in page


def test_queued_case_with_room_goes_out_now(client, made):
    made(State.QUEUED)

    assert "Goes out now." in client.get("/").content.decode()


def test_unknown_case_tells_that_nothing_is_to_do(client, made):
    made(State.UNKNOWN)

    page = client.get("/").content.decode()
    assert "AWS did not answer. We are checking whether the case was opened; nothing to do." in page
    assert "Next look" in page


def test_opened_lately_ends_after_two_weeks(client, made, clock):
    made(State.DELIVERED, subject="Opened")
    clock.advance(days=14)
    assert sections(client.get("/")) == {"opened": ["Opened"]}

    clock.advance(seconds=1)
    assert sections(client.get("/")) == {}


def test_account_shows_its_hour_and_the_next_slot(client, made, account, clock, by_day):
    account.cases_per_hour, account.reserved_urgent = 2, 1
    account.save()
    made(State.DELIVERED)

    page = client.get("/").content.decode()

    assert "1 of 2 used this hour, next slot" in " ".join(page.split())
    assert f">{clock.now + timedelta(hours=1):%H:%M}</time>" in page
    assert '<rect width="50.0"' in page


def test_account_in_trouble_says_so(client, account, team):
    an_account(team, name="Data lake", check_result=CheckResult.BLOCKED, check_summary="No plan with API access.")
    gate.access_refused(account.pk, Mode.WRITE, "AccessDenied")

    page = client.get("/").content.decode()

    assert "Can&#x27;t send" in page
    assert "No plan with API access." in page
    assert "AWS does not let us in." in page


def test_account_shows_the_age_of_its_catalogue(clock, client, team):
    an_account(team, name="Brand new")
    clock.advance(hours=3)

    page = client.get("/").content.decode()

    assert "3 h ago" in page
    assert "list of services is not here yet" in page


def test_accounts_of_other_teams_are_not_shown(client):
    an_account(a_team(), name="Foreign")

    assert "Foreign" not in client.get("/").content.decode()


def test_hostile_text_stays_text(client, made, reviewer):
    submission = made(State.PENDING_REVIEW, subject="<script>alert(1)</script>")
    workflow.return_to_author(
        submission, by=reviewer, payload_sha256=submission.payload_sha256, reason="<img src=x onerror=alert(2)>"
    )

    page = client.get("/").content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<img src=x" not in page


@pytest.mark.parametrize("rows", [1, 3])
def test_desk_asks_at_most_eight_questions(client, made, author, team, rows, django_assert_max_num_queries):
    for _n in range(rows):
        a_catalog(an_account(team))
        a_draft(by=author, account=an_account(team))
        for state in (State.RETURNED, State.UNKNOWN, State.QUEUED, State.PENDING_REVIEW, State.DELIVERED):
            made(state, account=an_account(team))
    assert Case.objects.count() == 6 * rows

    with django_assert_max_num_queries(8):
        assert client.get("/").status_code == 200


@pytest.mark.parametrize("rows", [1, 3])
def test_desk_of_a_lead_asks_no_more(client, made, author, rows, django_assert_max_num_queries):
    author.memberships.update(role=Role.LEAD)
    for _n in range(rows):
        made(State.NEEDS_ATTENTION)
    client = signed_in(author)

    with django_assert_max_num_queries(8):
        assert client.get("/").status_code == 200


def test_leads_find_what_waits_too_long_for_its_review(db, bells, clock):
    team = a_team()
    lead, reviewer = a_user("lead", team=team, role=Role.LEAD), a_user("reviewer", team=team, role=Role.REVIEWER)
    elsewhere = a_user("elsewhere", team=a_team(), role=Role.LEAD)
    author = a_user("author", team=team)
    account = an_account(team, review_minutes=60)
    waiting = a_submission(case=a_draft(by=author, account=account))
    own = a_submission(case=a_draft(by=lead, account=an_account(team, review_minutes=0)))

    def needs(person):
        return [row.case for row in Desk(person).needs_me]

    before = needs(lead)
    clock.advance(hours=1)

    assert before == []
    assert needs(lead) == [waiting.case]
    assert [needs(person) for person in (reviewer, elsewhere, author)] == [[], [], []]
    assert [row.case for row in Desk(author).waiting] == [waiting.case]
    assert [row.case for row in Desk(lead).waiting] == [own.case]
    assert "The review was due" in signed_in(lead).get("/").content.decode()
