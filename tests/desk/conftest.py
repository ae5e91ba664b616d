"""An agent at work: a team with an account that can send, its catalogue, a reviewer, and a signed-in client."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils.http import urlencode

from casesite.cases.models import Case
from casesite.teams.models import Role
from tests.factories import a_catalog, a_team, a_user, an_account


@pytest.fixture
def team(db):
    return a_team("Payments")


@pytest.fixture
def author(team):
    return a_user("silva", team=team, first_name="M.", last_name="Silva")


@pytest.fixture
def reviewer(team):
    return a_user("okafor", team=team, role=Role.REVIEWER, first_name="A.", last_name="Okafor")


@pytest.fixture
def account(team):
    return an_account(team, name="Payments prod")


@pytest.fixture
def catalog(account):
    return a_catalog(account)


@pytest.fixture
def client(author, reviewer, catalog, bells):
    """The author's browser."""
    return signed_in(author)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def typed(account):
    """A complete form, as posted. `typed | {...}` changes some of it."""
    return {
        "account": str(account.pk),
        "issue_type": "technical",
        "service_code": "amazon-relational-database-service-postgresql",
        "category_code": "general-guidance",
        "severity_code": "normal",
        "language": "en",
        "subject": "RDS failover took 11 minutes",
        "communication_body": "Since 09:12 UTC.\r\nWe tried a reboot.",
        "cc_email_addresses": "",
    }


NEW = "/cases/new/support/"
_TOKEN = re.compile(r'name="form_token" value="([^"]*)"')


def token_of(response: Any) -> str:
    """The token of the form on a page."""
    return _TOKEN.search(response.content.decode())[1]


def new_token(client: Client) -> str:
    return token_of(client.get(NEW))


def post_new(client: Client, typed: dict[str, str], action: str = "submit", **more: str) -> Any:
    """A new form, opened and posted."""
    return client.post(NEW, typed | {"form_token": new_token(client), "action": action} | more)


def edit_url(case: Case) -> str:
    return f"/cases/{case.reference}/edit/"


def post_edit(client: Client, case: Case, typed: dict[str, str], action: str = "save_draft", **more: str) -> Any:
    """The draft's form, opened and posted."""
    token = token_of(client.get(edit_url(case)))
    return client.post(edit_url(case), typed | {"form_token": token, "action": action} | more)


def a_saved_draft(client: Client, typed: dict[str, str]) -> Case:
    response = post_new(client, typed, "save_draft")
    assert response.status_code == 302, errors_of(response)
    return Case.objects.get(reference=response.url.split("/")[2])


def errors_of(response: Any) -> dict[str, list[str]]:
    return {name: [str(error) for error in errors] for name, errors in response.context["form"].errors.items()}


def as_form(values: dict[str, str]) -> dict[str, str]:
    """As a browser sends it: for bytes that no Python string holds."""
    return {"data": urlencode(values), "content_type": "application/x-www-form-urlencoded"}
