"""Tests of what a click asks of the database: a saved draft is one commit, and nothing that nobody sees is worked out."""

from casesite.cases.models import Case
from casesite.desk.forms.offer import LATELY, LATEST, Offer
from casesite.teams.permissions import team_ids
from tests.factories import a_draft, a_team, a_user, an_account

from .conftest import NEW, new_token

TOKEN = {"form_token": "n" * 32}


def test_saving_a_new_draft_asks_little_and_commits_once(client, typed, django_assert_max_num_queries):
    client.post(NEW, typed | {"form_token": "o" * 32, "action": "save_draft"})

    with django_assert_max_num_queries(9) as asked:
        response = client.post(NEW, typed | TOKEN | {"action": "save_draft"})

    said = [each["sql"] for each in asked]
    assert response.status_code == 302
    assert [sql for sql in said if "lookups_lookup" in sql or '"catalog_supportcatalog"."content",' in sql] == []
    assert [sql for sql in said if "django_session" in sql and not sql.startswith("SELECT")] == []
    assert len([sql for sql in said if sql.startswith("SAVEPOINT")]) == 1


def test_saving_a_draft_reads_the_chosen_account_and_no_others(client, typed, team, django_assert_max_num_queries):
    for number in range(3):
        an_account(team, name=f"Unused {number}")

    with django_assert_max_num_queries(9) as asked:
        client.post(NEW, typed | TOKEN | {"action": "save_draft"})

    reads = [each["sql"] for each in asked if '"teams_awsaccount"' in each["sql"]]
    assert len(reads) == 1
    assert f'"teams_awsaccount_teams"."awsaccount_id" = {typed["account"]}' in reads[0]


def test_saved_draft_says_so_once_on_the_next_page(client, typed, settings):
    response = client.post(NEW, typed | {"form_token": new_token(client), "action": "save_draft"})

    cookie = response.cookies[settings.SESSION_COOKIE_NAME.replace("session", "messages")]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert [page.count("Draft saved.") for page in (client.get(response.url).content.decode() for _time in "12")] == [
        1,
        0,
    ]


def test_message_that_was_tampered_with_is_not_shown(client, typed, settings):
    response = client.post(NEW, typed | {"form_token": new_token(client), "action": "save_draft"})
    name = settings.SESSION_COOKIE_NAME.replace("session", "messages")
    client.cookies[name] = "x" + response.cookies[name].value

    assert "Draft saved." not in client.get(response.url).content.decode()


def test_services_used_lately_are_looked_for_among_the_latest_cases_only(author, account, catalog):
    a_draft(by=author, account=account, service_code="billing")
    cases = [a_draft(by=author, account=account) for _number in range(LATELY)]

    assert Offer(author, {}).services_used_lately == [cases[0].support.service_code, "billing"]
    assert Case.objects.count() < LATEST


def test_what_somebody_used_lately_is_asked_once_and_of_all_their_teams(
    author, account, catalog, django_assert_num_queries
):
    other = a_team("Orders")
    other.memberships.create(user=author)
    beside = an_account(other, name="A first one")
    a_draft(by=author, team=other, account=beside, service_code="billing")
    used = a_draft(by=author, account=account)
    a_draft(by=a_user(team=other), team=other, account=beside)
    team_ids(author)  # a page knows these already

    with django_assert_num_queries(2):  # the accounts, and the latest cases
        offer = Offer.first(author, {})
        lately = offer.services_used_lately

    assert offer.account_pk == str(account.pk)
    assert lately == [used.support.service_code, "billing"]
