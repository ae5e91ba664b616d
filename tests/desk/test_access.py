"""Tests of who gets to which address of the desk: every address, every role, own and foreign team."""

import pytest
from django.test import Client

from casesite.cases.models import Case
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.factories import a_catalog, a_draft, a_submission, a_team, a_user, an_account

from .conftest import signed_in

LISTS = ("/", "/cases/", "/cases/new/support/")
OF_A_CASE = ("/cases/{}/", "/cases/{}/state/", "/cases/{}/edit/")
ROLES = (*Role, "superuser")


@pytest.fixture
def case(team, author, account, catalog, bells):
    return a_draft(by=author, team=team, account=account, subject="Only for the team")


def a_person(role, team):
    if role == "superuser":
        return a_user(is_superuser=True, is_staff=True)
    return a_user(team=team, role=role)


@pytest.mark.parametrize("address", [*LISTS, *OF_A_CASE])
def test_strangers_sign_in_first(case, address):
    response = Client().get(address.format(case.reference))

    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/?next=")


@pytest.mark.parametrize("address", [*LISTS, *OF_A_CASE])
def test_strangers_change_nothing(case, address):
    response = Client().post(address.format(case.reference), {"action": "discard", "form_token": "1"})

    assert response.status_code in (200, 302)
    assert "Only for the team" not in response.content.decode()
    assert Case.objects.get().stage == "draft"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("address", OF_A_CASE[:2])
def test_members_of_the_team_read_its_cases(case, team, role, address):
    assert signed_in(a_person(role, team)).get(address.format(case.reference)).status_code == 200


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("address", OF_A_CASE)
def test_case_of_another_team_is_not_there(case, role, method, address):
    client = signed_in(a_person(role, a_team()))

    response = getattr(client, method)(address.format(case.reference), {"action": "discard", "form_token": "1"})

    assert response.status_code == (405 if (method, address) == ("post", "/cases/{}/state/") else 404)
    assert "Only for the team" not in response.content.decode()
    assert Case.objects.get().stage == "draft"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("address", LISTS)
def test_lists_show_nothing_of_another_team(case, account, role, address):
    page = signed_in(a_person(role, a_team())).get(address).content.decode()

    assert "Only for the team" not in page
    assert case.reference not in page
    assert account.account_id not in page
    assert account.grouped_id not in page


@pytest.mark.parametrize(
    "address", ["/cases/CS-0000-000X/", "/cases/nonsense/", "/cases/CS-0000-000X/edit/", "/cases/CS-0000-000%00/"]
)
def test_case_that_never_was_looks_like_a_foreign_one(client, case, address):
    assert client.get(address).status_code == 404


def test_author_who_left_the_team_loses_the_case(client, case, author):
    author.memberships.all().delete()
    client = signed_in(author)

    for address in OF_A_CASE:
        assert client.get(address.format(case.reference)).status_code == 404


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.LEAD])
def test_desk_of_a_foreign_lead_shows_nothing_that_needs_a_person(case, author, role):
    a_submission(State.NEEDS_ATTENTION, case=case)
    other = a_team()
    a_catalog(an_account(other))

    assert "Only for the team" not in signed_in(a_person(role, other)).get("/").content.decode()


@pytest.mark.parametrize("address", [*LISTS, *OF_A_CASE])
def test_deleting_and_putting_is_refused(client, case, address):
    for method in (client.delete, client.put, client.patch):
        assert method(address.format(case.reference)).status_code == 405


def test_state_changes_need_a_csrf_token(author, case):
    client = Client(enforce_csrf_checks=True)
    client.force_login(author)

    for address in ("/cases/new/support/", f"/cases/{case.reference}/", f"/cases/{case.reference}/edit/"):
        assert client.post(address, {"action": "discard"}).status_code == 403
    assert Case.objects.get().stage == "draft"
