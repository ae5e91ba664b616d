"""The fragment that waits, and the same without JavaScript."""

from datetime import timedelta

import pytest
from django.urls import reverse

from casesite.lookups import questions, registry
from casesite.lookups.answer import answer_open
from casesite.lookups.models import PATIENCE
from casesite.teams.models import Role
from tests.factories import a_team, a_user

from . import handlers

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/accounts/7/?tab=1"}


@pytest.fixture
def member(team, client):
    user = a_user(team=team)
    client.force_login(user)
    return user


@pytest.fixture
def lookup(account, member, bells):
    return questions.ask("echo", account, {"a": 1}, by=member)


def address(lookup, name="lookup"):
    return reverse(name, args=[lookup.pk])


def test_open_question_has_nothing_new_to_tell(client, lookup):
    response = client.get(address(lookup), headers=HTMX)

    assert (response.status_code, response.content) == (204, b"")


def test_answer_comes_as_a_fragment_and_an_event(client, lookup, account):
    answer_open(account.pk)

    response = client.get(address(lookup), headers=HTMX)

    assert response["HX-Trigger"] == "lookup-answered"
    assert "AWS has answered." in response.text
    assert "<html" not in response.text


def test_answer_loads_the_page_anew_where_that_was_asked_for(client, lookup, account):
    answer_open(account.pk)

    response = client.get(f"{address(lookup)}?refresh=1", headers=HTMX)

    assert (response["HX-Refresh"], response.content) == ("true", b"")


def test_after_twenty_seconds_it_says_that_no_worker_answers(client, lookup, clock):
    clock.advance(PATIENCE)
    assert client.get(address(lookup), headers=HTMX).status_code == 204

    clock.advance(seconds=1)
    response = client.get(address(lookup), headers=HTMX)

    assert "No worker has answered yet" in response.text
    assert "hx-trigger" not in response.text  # it stops asking
    assert "next=/accounts/7/%3Ftab%3D1" in response.text


def test_failure_says_why(client, account, member, bells):
    handlers.errors[:] = [ValueError()] * 3
    lookup = questions.ask("fail_with", account)
    for _try in range(3):
        answer_open(account.pk)
        account.lookups.update(lease_until=None)

    response = client.get(f"{address(lookup)}?refresh=1", headers=HTMX)

    assert "Something went wrong here (ValueError)." in response.text
    assert f'hx-post="{address(lookup, "lookup_again")}?refresh=1"' in response.text


def test_question_asked_again_waits_anew(client, lookup, clock):
    clock.advance(PATIENCE + timedelta(seconds=1))

    response = client.post(f"{address(lookup, 'lookup_again')}?refresh=1", headers=HTMX)

    lookup.refresh_from_db()
    assert lookup.asked_at == clock.now
    assert f'hx-get="{address(lookup)}?refresh=1"' in response.text
    assert 'hx-trigger="every 1s"' in response.text


def test_answered_question_asked_again_is_a_new_one(client, lookup, account, member):
    answer_open(account.pk)

    client.post(address(lookup, "lookup_again"), headers=HTMX)

    newest = questions.newest("echo", account, {"a": 1})
    assert (newest.pk != lookup.pk, newest.is_open, newest.asked_by) == (True, True, member)


def test_without_javascript_it_is_a_page_with_a_way_back(client, lookup):
    response = client.get(f"{address(lookup)}?next=/cases/")

    assert "What tests want to know" in response.text
    assert '<a class="btn" href="/cases/">Back</a>' in response.text
    assert ">Reload</a>" in response.text


def test_without_javascript_asking_again_leads_back(client, lookup):
    response = client.post(address(lookup, "lookup_again"), {"next": "/cases/"})

    assert response["Location"] == "/cases/"


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_way_back_stays_on_this_site(client, lookup, target):
    page = client.get(address(lookup), {"next": target})
    answer = client.post(address(lookup, "lookup_again"), {"next": target})

    assert target not in page.text.replace("?next=", "")
    assert answer["Location"] == lookup.get_absolute_url()


@pytest.mark.parametrize(
    ("who", "status"), [("member", 200), ("stranger", 404), ("stranger_lead", 404), ("superuser", 200), ("nobody", 302)]
)
@pytest.mark.parametrize("name", ["lookup", "lookup_again"])
def test_only_people_of_the_account_see_it(client, lookup, team, name, who, status):
    people = {
        "member": lambda: a_user(team=team),
        "stranger": lambda: a_user(team=a_team()),
        "stranger_lead": lambda: a_user(team=a_team(), role=Role.LEAD),
        "superuser": lambda: a_user(is_superuser=True),
    }
    client.logout()
    if who in people:
        client.force_login(people[who]())
    call = client.get if name == "lookup" else client.post

    response = call(address(lookup, name))

    expected = 302 if name == "lookup_again" and status == 200 else status
    assert response.status_code == expected


@pytest.mark.parametrize(("name", "method"), [("lookup", "get"), ("lookup_again", "post")])
def test_fragment_says_that_the_session_has_ended(client, lookup, name, method):
    client.logout()

    response = getattr(client, method)(address(lookup, name), headers=HTMX)

    assert "Your session has ended" in response.text
    assert 'href="/accounts/login/?next=/accounts/7/%3Ftab%3D1"' in response.text
    assert "<html" not in response.text


def test_answer_is_not_kept_by_browsers(client, lookup):
    assert "no-store" in client.get(address(lookup))["Cache-Control"]


@pytest.mark.parametrize(("name", "method"), [("lookup", "post"), ("lookup_again", "get")])
def test_other_methods_are_refused(client, lookup, name, method):
    assert getattr(client, method)(address(lookup, name)).status_code == 405


# --- private questions -------------------------------------------------------------------------------------------------------
@pytest.fixture
def private(account, team, bells):
    registry.register("own", "tests.lookups.handlers:echo", expires=timedelta(hours=1), title="Own", private=True)
    return questions.ask("own", account, {registry.TEAM: team.pk})


def test_private_question_is_shown_to_its_team(client, member, private):
    assert client.get(address(private)).status_code == 200


@pytest.mark.parametrize("name", ["lookup", "lookup_again"])
def test_private_question_is_hidden_from_other_teams_of_the_account(name, client, account, private):
    other = a_team()
    account.teams.add(other)
    client.force_login(a_user(team=other, role=Role.LEAD))

    assert client.get(address(questions.ask("echo", account))).status_code == 200
    method = client.get if name == "lookup" else client.post
    assert method(address(private, name)).status_code == 404


def test_private_question_is_hidden_from_superusers_of_no_team(client, private):
    client.force_login(a_user(is_staff=True, is_superuser=True))

    assert client.get(address(private)).status_code == 404
