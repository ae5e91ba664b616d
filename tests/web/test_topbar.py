"""The frame of every page: where one may go, the strip, the number waiting."""

import re

import pytest
from django.test import RequestFactory

from casesite.teams.members import give_role
from casesite.teams.models import Role
from casesite.web import topbar
from casesite.web.topbar import Link, Notice, TopBar
from tests.factories import a_team, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def registers(monkeypatch):
    """Only what the test registers, besides the links by role that teams brings."""
    monkeypatch.setattr(topbar, "_links", {"review": topbar._links["review"]})
    monkeypatch.setattr(topbar, "_counts", {})
    monkeypatch.setattr(topbar, "_notices", [])


def bar_of(user, path: str = "/") -> TopBar:
    request = RequestFactory().get(path)
    request.user = user
    return TopBar(request)


def texts(bar: TopBar) -> list[str]:
    return [str(link.text) for link in bar.links]


@pytest.mark.parametrize(
    ("role", "places"),
    [
        (Role.AGENT, ["Desk", "Cases"]),
        (Role.REVIEWER, ["Desk", "Cases", "Review"]),
        (Role.LEAD, ["Desk", "Cases", "Review"]),
    ],
)
def test_places_follow_the_role(role, places):
    assert texts(bar_of(a_user(team=a_team(), role=role))) == places


def test_number_stands_beside_its_link():
    topbar.register_count("review", lambda request: "3")
    bar = bar_of(a_user(team=a_team(), role=Role.REVIEWER))

    assert [link.count for link in bar.links] == ["", "", "3"]


def test_number_is_not_asked_for_where_its_link_is_not_shown():
    topbar.register_count("review", lambda request: pytest.fail("asked"))

    assert texts(bar_of(a_user(team=a_team()))) == ["Desk", "Cases"]


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/", ["Desk"]),
        ("/cases/", ["Cases"]),
        ("/cases/CS-7GQ4-KM2X/", ["Cases"]),
        ("/admin/submissions/submission/", ["Review"]),
        ("/accounts/", ["Accounts"]),
        ("/accounts/settings/", []),
        ("/admin/teams/team/", []),
    ],
)
def test_current_place_is_the_one_the_address_lies_in(path, current):
    topbar.register_link("accounts", lambda request: Link(text="Accounts", url="/accounts/", covers="/accounts/"))
    bar = bar_of(a_user(team=a_team(), role=Role.LEAD), path)

    assert [str(link.text) for link in bar.links if link.current] == current


def test_page_shows_notices_of_signed_in_people_only(client):
    topbar.register_notice(
        lambda request: [Notice(text="Payments prod can't send", url="/accounts/1/", link_text="Why")]
    )
    assert "can&#x27;t send" not in client.get("/accounts/login/").content.decode()

    client.force_login(a_user(team=a_team()))
    html = client.get("/accounts/settings/").content.decode()

    assert "Payments prod can&#x27;t send" in html
    assert '<a href="/accounts/1/">Why</a>' in html


def test_strip_tells_sandbox_from_live(client, settings):
    client.force_login(a_user(team=a_team()))
    assert f"{settings.SANDBOX_URL}/_sandbox/" in client.get("/accounts/settings/").content.decode()

    settings.SANDBOX = False
    html = client.get("/accounts/settings/").content.decode()

    assert 'data-mode="live"' in html
    assert "_sandbox" not in html


def test_page_asks_for_roles_once(client, django_assert_num_queries):
    client.force_login(a_user(team=a_team(), role=Role.LEAD))

    with django_assert_num_queries(4):  # session, person, roles, preferences
        client.get("/accounts/settings/")


@pytest.mark.parametrize(("role", "offered"), [(Role.AGENT, False), (Role.REVIEWER, True)])
def test_menu_offers_the_administration_to_staff(client, role, offered):
    client.force_login(a_user(team=a_team(), role=role))

    assert ('href="/admin/"' in client.get("/accounts/settings/").content.decode()) is offered


def test_bar_follows_at_once_what_a_person_may_do(client):
    """What a bar looks like is kept; whose it is, and what they may do, is asked for each page."""
    team = a_team()
    reviewer, agent = a_user("Rita", team=team, role=Role.REVIEWER), a_user("Ada", team=team)

    def shown(person):
        client.force_login(person)
        html = client.get("/accounts/settings/").content.decode()
        return [name for name in (reviewer.username, agent.username, "Review", "Administration") if f">{name}" in html]

    assert shown(reviewer) == [reviewer.username, "Review", "Administration"]
    assert shown(agent) == [agent.username]

    give_role(reviewer, team, Role.AGENT)
    assert shown(reviewer) == [reviewer.username]


def test_each_bar_signs_out_with_the_token_of_its_own_page(client):
    client.force_login(a_user(team=a_team()))

    tokens = [re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/cases/").content.decode())]
    tokens += [re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/cases/").content.decode())]

    assert [len(set(each)) for each in tokens] == [1, 1]
    assert tokens[0][0] != tokens[1][0]
