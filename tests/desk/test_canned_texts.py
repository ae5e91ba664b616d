"""Tests of a team's texts: leads write them, members put them into their cases, and nothing typed is lost by it."""

import pytest
from django.core.exceptions import ValidationError

from casesite.cases.models import Case
from casesite.teams.members import give_role
from casesite.teams.models import CannedText, Role
from tests.factories import a_team, a_user

from .conftest import NEW, a_saved_draft, edit_url, new_token, post_new, signed_in, token_of

FAILOVER = "Failover"


@pytest.fixture
def text(team):
    return CannedText.objects.create(
        team=team,
        name=FAILOVER,
        subject="Failover in {account_name}",
        body="Account {account_id}, {service}, {today}:\n",
    )


def insert(client, values, text, **more):
    return client.post(NEW, values | {"form_token": new_token(client), "canned_text": text.pk, "action": "insert_text"})


def shown(response):
    initial = response.context["form"].initial
    return initial["subject"], initial["communication_body"]


# --- on the form ---------------------------------------------------------------------------------------------------------
def test_text_fills_an_empty_form(client, typed, text, clock):
    response = insert(client, typed | {"subject": "", "communication_body": ""}, text)

    today = clock.now.date().isoformat()
    assert shown(response) == (
        "Failover in Payments prod",
        f"Account {text.team.accounts.get().account_id}, Relational Database Service (PostgreSQL), {today}:\n",
    )
    assert "“Failover” is in the form." in response.content.decode()
    assert not Case.objects.exists()


def test_text_takes_away_nothing_that_was_written(client, typed, text):
    response = insert(client, typed, text)

    subject, body = shown(response)
    assert subject == typed["subject"]
    assert body.startswith("Since 09:12 UTC.\nWe tried a reboot.\n\nAccount ")
    page = response.content.decode()
    assert "It stands below what you had written." in page
    assert "Your subject was kept." in page


def test_what_is_not_known_yet_stays_in_sight(client, text):
    response = insert(client, {"account": "", "issue_type": "technical", "language": "en"}, text)

    assert shown(response)[0] == "Failover in {account_name}"
    assert "Still to be filled in by you: {account_name}, {account_id}, {service}." in response.content.decode()


def test_text_is_put_into_a_draft_too(client, typed, text):
    case = a_saved_draft(client, typed | {"communication_body": ""})
    token = token_of(client.get(edit_url(case)))

    posted = typed | {"communication_body": "", "form_token": token, "canned_text": text.pk, "action": "insert_text"}
    response = client.post(edit_url(case), posted)

    assert shown(response)[1].startswith("Account ")
    assert token_of(response) == token


def test_texts_of_other_teams_are_neither_offered_nor_put_in(client, typed, text):
    foreign = CannedText.objects.create(team=a_team("Others"), name="Theirs", subject="Secret of theirs")

    page = client.get(NEW).content.decode()
    response = insert(client, typed | {"subject": ""}, foreign)

    assert FAILOVER in page
    assert "Theirs" not in page
    assert shown(response)[0] == ""


def test_texts_tell_their_team_where_they_are_of_several(client, author, text):
    before = client.get(NEW).content.decode()
    second = a_team("Night shift")
    give_role(author, second, Role.AGENT)
    CannedText.objects.create(team=second, name="Handover", subject="Handover")

    after = client.get(NEW).content.decode()

    assert f">{FAILOVER}</option>" in before
    assert f">{FAILOVER} ({text.team.name})</option>" in after
    assert ">Handover (Night shift)</option>" in after


def test_filled_in_text_is_submitted_like_typed_text(client, typed, text):
    subject, body = shown(insert(client, typed | {"subject": "", "communication_body": ""}, text))

    post_new(client, typed | {"subject": subject, "communication_body": body}, "submit")

    assert Case.objects.get().submissions.get().content["subject"] == "Failover in Payments prod"


# --- written by leads ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("field", ["subject", "body"])
def test_unknown_placeholder_is_refused_by_name(team, field):
    text = CannedText(team=team, name="x", **{field: "In {acount_name} of {today}"})

    with pytest.raises(ValidationError) as refused:
        text.full_clean()

    assert refused.value.message_dict == {
        field: ["There is no placeholder {acount_name}. Known are {account_name}, {account_id}, {service}, {today}."]
    }


@pytest.mark.parametrize("body", ['{"a": 1}', "{}", "f(x) { return; }", "{ today }", "{0}"])
def test_braces_that_are_no_placeholder_are_text(team, body):
    CannedText(team=team, name="x", body=body).full_clean()


def test_text_says_something(team):
    with pytest.raises(ValidationError, match="Write a subject or a description"):
        CannedText(team=team, name="x", subject=" ").full_clean()


def test_lead_writes_a_text_for_their_team_alone(team, client):
    other = a_team("Others")
    lead = signed_in(a_user(team=team, role=Role.LEAD))
    add = "/admin/teams/cannedtext/add/"

    refused = lead.post(add, {"team": other.pk, "name": "Ours", "subject": "Hello"})
    wrong = lead.post(add, {"team": team.pk, "name": "Ours", "subject": "{nothing}"})
    lead.post(add, {"team": team.pk, "name": "Ours", "subject": "Hello"})

    assert "Others" not in refused.content.decode()
    assert "There is no placeholder {nothing}" in wrong.content.decode()
    assert [(each.team, each.name) for each in CannedText.objects.all()] == [(team, "Ours")]
    assert ">Ours" in client.get(NEW).content.decode()


def test_leads_find_the_way_to_their_texts(client, team):
    lead = signed_in(a_user(team=team, role=Role.LEAD))

    assert "/admin/teams/cannedtext/add/" in lead.get(NEW).content.decode()
    assert "cannedtext" not in client.get(NEW).content.decode()
