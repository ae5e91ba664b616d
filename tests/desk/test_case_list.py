"""Tests of the list of cases: filters, search, pages."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.http import urlencode

from casesite.cases.labels import LABELS, label_of
from casesite.cases.models import Case
from casesite.desk.filters import FilterForm
from casesite.desk.rows import with_newest
from casesite.submissions import workflow
from casesite.submissions.states import State
from casesite.teams.models import Role
from casesite.web import paging
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

from .conftest import signed_in

STATES = (
    State.PENDING_REVIEW,
    State.QUEUED,
    State.PREPARING,
    State.SENDING,
    State.UNKNOWN,
    State.NEEDS_ATTENTION,
    State.DELIVERED,
    State.FAILED,
    State.RETURNED,
    State.REJECTED,
    State.CANCELLED,
)


@pytest.fixture
def made(author, account, reviewer, bells):
    def make(state=None, **fields):
        case = a_draft(**{"by": author, "account": account, "team": author.memberships.first().team, **fields})
        if state:
            a_submission(state, case=case, reviewer=reviewer)
        return case

    return make


def listed(client, query=""):
    return [row.case.subject for row in client.get(f"/cases/{query}").context["rows"]]


def test_empty_list_offers_the_first_step(client):
    page = client.get("/cases/").content.decode()

    assert "Every case that your teams write stands here" in page
    assert "Write the first case" in page


def test_list_without_a_match_says_so(client, made):
    made()

    page = client.get("/cases/?q=nothing-like-it").content.decode()
    assert "No case matches." in page


def test_list_is_newest_first(client, made):
    for subject in ("one", "two", "three"):
        made(subject=subject)

    assert listed(client) == ["three", "two", "one"]


def test_list_shows_the_cases_of_the_whole_team(client, made, team):
    made(subject="Shared")

    assert listed(signed_in(a_user(team=team))) == ["Shared"]


def test_list_shows_nothing_of_other_teams(client, made):
    a_draft(subject="Foreign")

    assert listed(client) == []


def test_state_filter_agrees_with_the_labels(client, made, author, reviewer, team):
    """Every state that a case can be in: each filter finds exactly the cases with its label, and each label has some."""
    made(subject="draft")
    workflow.discard(made(subject="discarded"), by=author)
    for state in STATES:
        made(state, subject=state)
    cancelled = made(State.QUEUED, subject="cancelled before it went out")
    workflow.cancel(cancelled.submissions.get(), by=author)
    given_up = made(State.NEEDS_ATTENTION, subject="given up")
    workflow.give_up(given_up.submissions.get(), by=a_user(team=team, role=Role.LEAD), reason="Never mind.")
    resolved = made(State.DELIVERED, subject="resolved")
    Case.objects.filter(pk=resolved.pk).update(stage="resolved", aws_status="resolved")
    labelled = {label.code: [] for label in LABELS}
    for case in with_newest(Case.objects.order_by("-pk")):
        labelled[label_of(case.stage, case.state, case.reason_code or "").code].append(case.subject)

    found = {code: listed(client, f"?state={code}") for code in labelled}

    assert found == labelled
    assert all(labelled.values())


@pytest.mark.parametrize("query", ["state=nonsense", "account=999", "team=x", "severity=fatal", "since=yesterday"])
def test_filter_that_makes_no_sense_is_told_at_its_field(client, made, query):
    made()

    response = client.get(f"/cases/?{query}")

    assert response.status_code == 200
    assert f'id="error_1_id_{query.partition("=")[0]}"' in response.content.decode()


def test_account_and_severity_filters(client, made, team, account):
    other = an_account(team)
    made(subject="here", severity_code="high")
    made(subject="there", account=other)

    assert listed(client, f"?account={other.pk}") == ["there"]
    assert listed(client, "?severity=high") == ["here"]
    assert listed(client, f"?account={other.pk}&severity=high") == []


def test_team_filter_is_offered_to_members_of_several(client, made, author, team):
    made(subject="here")
    assert 'name="team"' not in client.get("/cases/").content.decode()
    other = a_team()
    other.memberships.create(user=author)
    made(subject="there", team=other, account=an_account(other))

    client = signed_in(author)

    assert 'name="team"' in client.get("/cases/").content.decode()
    assert listed(client, f"?team={other.pk}") == ["there"]


def test_team_filter_opens_no_door_to_other_teams(client, made):
    foreign = a_draft(subject="Foreign")

    for query in (f"?team={foreign.team_id}", f"?account={foreign.account_id}", f"?q={foreign.reference}"):
        assert "Foreign" not in client.get(f"/cases/{query}").content.decode()


def test_mine_only(client, made, team, account):
    made(subject="mine")
    a_draft(by=a_user(team=team), account=account, subject="theirs")

    assert listed(client) == ["theirs", "mine"]
    assert listed(client, "?mine=on") == ["mine"]


def test_dates_are_days_of_the_persons_zone(client, made, clock_at):
    clock_at(datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    made(subject="late on the first in UTC")
    clock_at(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    made(subject="noon")

    assert listed(client, "?since=2026-03-02") == ["noon"]
    assert listed(client, "?until=2026-03-01") == ["late on the first in UTC"]
    session = client.session
    session["time_zone"] = "Asia/Tokyo"
    session.save()
    assert listed(client, "?since=2026-03-02&until=2026-03-02") == ["noon", "late on the first in UTC"]


def test_search_by_reference_in_any_writing(client, made):
    case = made(subject="It")
    made(subject="Other")
    bare = case.reference.replace("-", "")

    for text in (case.reference, case.reference.lower(), bare, f" {case.reference} ", f"{case.reference}-9TZA-P3RW"):
        assert listed(client, f"?q={text}") == ["It"]


def test_search_by_both_ids_of_aws(client, made):
    case = made(State.DELIVERED, subject="It")
    made(State.DELIVERED, subject="Other")
    Case.objects.filter(pk=case.pk).update(aws_display_id="171234567801")
    case.refresh_from_db()

    assert listed(client, f"?q={case.aws_case_id}") == ["It"]
    assert listed(client, "?q=171234567801") == ["It"]


def test_search_finds_all_words_in_any_order(client, made):
    made(subject="RDS failover took 11 minutes")
    made(subject="Failover of nothing")

    assert listed(client, "?q=minutes+FAILOVER") == ["RDS failover took 11 minutes"]
    assert listed(client, "?q=failover") == ["Failover of nothing", "RDS failover took 11 minutes"]


@pytest.mark.parametrize("text", ["100%", "a_b", "\\", "'; drop table", "%"])
def test_search_takes_every_character_as_itself(client, made, text):
    made(subject=f"This is {text} here")
    made(subject="Nothing special")

    assert listed(client, f"?{urlencode({'q': text})}") == [f"This is {text} here"]


# --- pages ---------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setitem(paging.page_of.__kwdefaults__, "size", 2)


def test_pages_lead_through_all_and_back(client, made, small_pages):
    for n in range(1, 6):
        made(subject=str(n))

    first = client.get("/cases/").context["page"]
    second = client.get(f"/cases/{first.behind}").context["page"]
    third = client.get(f"/cases/{second.behind}").context["page"]
    back = client.get(f"/cases/{third.ahead}").context["page"]
    begin = client.get(f"/cases/{back.ahead}").context["page"]

    assert [subjects(page) for page in (first, second, third, back, begin)] == [
        ["5", "4"],
        ["3", "2"],
        ["1"],
        ["3", "2"],
        ["5", "4"],
    ]
    assert (first.ahead, third.behind, begin.ahead) == ("", "", "")


def test_pages_do_not_shift_when_cases_are_added(client, made, small_pages):
    for n in range(1, 4):
        made(subject=str(n))
    first = client.get("/cases/").context["page"]
    made(subject="added")

    assert subjects(client.get(f"/cases/{first.behind}").context["page"]) == ["1"]


def test_pages_keep_the_filters(client, made, small_pages):
    for n in range(1, 4):
        made(subject=f"few words {n}", severity_code="high")
        made(subject="other")

    first = client.get("/cases/?q=few+words&severity=high").context["page"]

    assert "q=few+words" in first.behind
    assert subjects(client.get(f"/cases/{first.behind}").context["page"]) == ["few words 1"]


@pytest.mark.parametrize("place", ["CS-0000-000X", "nonsense", "%00", "%F0%9F%98%80"])
def test_page_beside_an_unknown_case_is_empty(client, made, place):
    made()

    assert listed(client, f"?behind={place}") == []
    assert listed(client, f"?ahead={place}") == []


def test_pages_neither_count_nor_skip(client, made, small_pages):
    for n in range(4):
        made(subject=str(n))
    behind = client.get("/cases/").context["page"].behind

    with CaptureQueriesContext(connection) as asked:
        client.get(f"/cases/{behind}")

    assert not [query["sql"] for query in asked if "COUNT(" in query["sql"] or "OFFSET" in query["sql"]]


@pytest.mark.parametrize("rows", [1, 3])
def test_list_asks_at_most_eight_questions(client, made, author, team, rows, django_assert_max_num_queries):
    author.memberships.update(role=Role.LEAD)
    for _n in range(rows):
        for state in (None, State.QUEUED, State.DELIVERED):
            made(state, account=an_account(team))
    client = signed_in(author)

    with django_assert_max_num_queries(8):
        assert len(client.get("/cases/").context["rows"]) == 3 * rows


def test_hostile_text_stays_text(client, made):
    made(subject="<script>alert(1)</script>")

    page = client.get('/cases/?q="><script>alert(2)</script>').content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in client.get("/cases/").content.decode()


def test_filter_form_has_a_label_for_every_field(client, made):
    made()
    page = client.get("/cases/").content.decode()

    for name in FilterForm.base_fields:
        if name not in ("team", "kind"):  # which are asked for where there is a choice
            assert f'for="id_{name}"' in page


def subjects(page):
    return [case.subject for case in page.rows]
