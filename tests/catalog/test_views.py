"""The pages of accounts: who sees them, what they say, what one may ask."""

from datetime import timedelta

import pytest
from django.urls import reverse

from casesite.catalog import questions
from casesite.database import write
from casesite.lookups.models import Lookup, LookupState
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.teams.models import AwsAccount, CheckResult, Role
from tests.factories import a_catalog, a_team, a_user, an_account

pytestmark = pytest.mark.django_db

FINDINGS = [
    {"name": "Role", "state": "good", "text": "The role can be assumed.", "todo": ""},
    {"name": "Support plan", "state": "blocked", "text": "No plan <b>here</b>.", "todo": "Subscribe it."},
]


@pytest.fixture
def account(team):
    return an_account(team, name="Payments prod")


@pytest.fixture
def agent(team, client):
    user = a_user(team=team)
    client.force_login(user)
    return user


@pytest.fixture
def lead(team, client):
    user = a_user(team=team, role=Role.LEAD)
    client.force_login(user)
    return user


def page(client, account):
    return client.get(reverse("account", args=[account.pk]))


def block(account):
    AwsAccount.objects.filter(pk=account.pk).update(
        check_result=CheckResult.BLOCKED, check_summary="No plan <b>here</b>. Subscribe it.", check_details=FINDINGS
    )


def test_list_shows_the_accounts_of_the_persons_teams(client, agent, account):
    an_account(a_team(), name="Somebody else's")

    text = client.get(reverse("accounts")).text

    assert "Payments prod" in text
    assert "Somebody else" not in text


def test_list_without_accounts_says_who_adds_them(client, agent):
    assert "Your teams have no AWS account yet." in client.get(reverse("accounts")).text


@pytest.mark.parametrize("rows", [1, 3])
def test_list_asks_the_database_as_often_for_three_as_for_one(client, agent, team, django_assert_num_queries, rows):
    for _n in range(rows):
        a_catalog(an_account(team))
    client.get(reverse("accounts"))

    with django_assert_num_queries(7):
        client.get(reverse("accounts"))


def test_page_says_what_the_check_found_and_what_to_do(client, agent, account):
    block(account)

    text = page(client, account).text

    assert "No case can be sent from this account until this is mended." in text
    assert "Subscribe it." in text
    assert "No plan &lt;b&gt;here&lt;/b&gt;." in text


def test_page_of_an_account_never_checked_says_so(client, agent, team):
    assert "Not checked yet." in page(client, an_account(team, checked=False)).text


def test_page_shows_the_age_of_the_catalogue(client, agent, account, clock):
    a_catalog(account)
    clock.advance(hours=3)

    text = page(client, account).text

    assert "3 h ago" in text
    assert "Low, Normal, High, Urgent, Critical" in text


def test_page_says_why_calls_are_paused(client, agent, account):
    with write():
        gate.access_refused(account.pk, Mode.WRITE, "User is not authorized")

    text = page(client, account).text

    assert "AWS does not let us in." in text
    assert "User is not authorized" in text


@pytest.mark.parametrize(("role", "sees"), [("agent", False), ("lead", True)])
def test_only_leads_see_the_buttons_of_leads(client, team, account, role, sees):
    client.force_login(a_user(team=team, role=Role(role)))

    text = page(client, account).text

    assert (reverse("account_check", args=[account.pk]) in text) is sees
    assert ("Change settings" in text) is sees
    assert reverse("account_refresh", args=[account.pk]) in text


def test_lead_has_the_account_checked_and_the_page_waits(client, lead, account, clock):
    response = client.post(reverse("account_check", args=[account.pk]))

    assert response["Location"] == reverse("account", args=[account.pk])
    lookup = Lookup.objects.get(kind=questions.CHECK, account=account)
    assert lookup.asked_by == lead
    assert f'hx-get="/lookups/{lookup.pk}/?refresh=1"' in page(client, account).text


def test_member_has_the_catalogue_fetched(client, agent, account):
    client.post(reverse("account_refresh", args=[account.pk]))

    assert Lookup.objects.get(account=account).kind == questions.CATALOG


def test_button_pressed_again_starts_the_wait_anew(client, agent, account, clock):
    lookup = questions.ask_refresh(account)
    clock.advance(minutes=5)
    assert "No worker has answered yet" in page(client, account).text

    client.post(reverse("account_refresh", args=[account.pk]))

    lookup.refresh_from_db()
    assert (lookup.asked_at, Lookup.objects.count()) == (clock.now, 1)
    assert "Asking AWS" in page(client, account).text


def test_failed_question_stays_in_sight_until_it_is_asked_again(client, agent, account):
    lookup = questions.ask_refresh(account)
    Lookup.objects.filter(pk=lookup.pk).update(state=LookupState.FAILED, error="AWS could not be reached.")

    assert "AWS could not be reached." in page(client, account).text


ADDRESSES = [("account", "get"), ("account_check", "post"), ("account_refresh", "post")]


@pytest.mark.parametrize(("name", "method"), ADDRESSES)
@pytest.mark.parametrize("role", [*Role, "superuser", "nobody"])
@pytest.mark.parametrize("own", [True, False])
def test_who_may_open_what(client, team, account, name, method, role, own):
    if role == "superuser":
        client.force_login(a_user(is_superuser=True))
    elif role != "nobody":
        client.force_login(a_user(team=team if own else a_team(), role=role))
    done = 200 if method == "get" else 302
    allowed = role == "superuser" or (own and (name != "account_check" or role == Role.LEAD))

    response = getattr(client, method)(reverse(name, args=[account.pk]))

    if role == "nobody":
        assert response["Location"].startswith(reverse("login"))
    else:
        assert response.status_code == (done if allowed else 404)
    if not allowed:
        assert Lookup.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "method"), [("account", "post"), ("account_check", "get"), ("account_refresh", "get")]
)
def test_other_methods_are_refused(client, lead, account, name, method):
    assert getattr(client, method)(reverse(name, args=[account.pk])).status_code == 405


def test_blocked_account_is_a_line_above_every_page_of_its_people(client, agent, account):
    block(account)
    foreign = an_account(a_team(), name="Foreign")
    block(foreign)

    text = client.get(reverse("accounts")).text

    assert "Payments prod can&#x27;t send: No plan" in text
    assert "Foreign" not in text


def test_many_blocked_accounts_are_one_line(client, agent, team):
    for _n in range(3):
        block(an_account(team))

    assert "3 accounts can&#x27;t send just now." in client.get(reverse("accounts")).text


def test_stopped_sending_is_a_line_above_every_page(client, agent, account):
    with write():
        gate.access_refused(account.pk, Mode.WRITE, "denied")

    assert "Calls to AWS for Payments prod are paused" in client.get(reverse("accounts")).text


@pytest.mark.parametrize(("role", "shown"), [(Role.AGENT, False), (Role.REVIEWER, False), (Role.LEAD, True)])
def test_accounts_stand_in_the_top_bar_of_leads(client, team, role, shown):
    client.force_login(a_user(team=team, role=role))

    assert (f'<a href="{reverse("accounts")}"' in client.get(reverse("settings")).text) is shown


def test_old_failure_is_forgotten_once_a_later_check_went_well(client, agent, account, clock):
    failed = questions.ask_check(account)
    Lookup.objects.filter(pk=failed.pk).update(state=LookupState.FAILED, error="AWS could not be reached.")
    AwsAccount.objects.filter(pk=account.pk).update(checked_at=clock.now + timedelta(minutes=1))

    assert "AWS could not be reached." not in page(client, account).text
