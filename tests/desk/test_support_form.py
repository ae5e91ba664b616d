"""Tests of the Support form's rules: what is checked before something is submitted, and what a draft may hold."""

import html
import re
from datetime import UTC, datetime

import pytest

from casesite.cases.models import Case
from casesite.desk.forms.offer import Offer
from casesite.desk.forms.support import SupportForm
from casesite.lookups.models import Lookup, LookupState
from casesite.submissions.models import Submission
from casesite.teams.models import CheckResult
from tests.factories import SERVICES, SEVERITIES, a_catalog, a_team, a_user, an_account

from .conftest import NEW, a_saved_draft, edit_url, errors_of, new_token, post_new, signed_in

FIELDS = {
    "account": "Choose an account.",
    "issue_type": "Choose technical, or account and billing.",
    "service_code": "Choose a service.",
    "category_code": "Choose a category.",
    "severity_code": "Choose a severity.",
    "subject": "Write a subject.",
    "communication_body": "Describe what happens.",
    "language": "Choose a language.",
}


def checked(author, typed, **changes):
    data = typed | changes
    return SupportForm(data, offer=Offer(author, data), submitting=True)


def said(form):
    return {name: list(errors) for name, errors in form.errors.items()}


def test_complete_form_is_submitted(client, typed):
    response = post_new(client, typed)

    submission = Submission.objects.get()
    assert response.url == f"/cases/{submission.case.reference}/"
    assert submission.content == {
        "issue_type": "technical",
        "service_code": "amazon-relational-database-service-postgresql",
        "category_code": "general-guidance",
        "severity_code": "normal",
        "language": "en",
        "subject": "RDS failover took 11 minutes",
        "communication_body": "Since 09:12 UTC.\nWe tried a reboot.",
        "cc_email_addresses": [],
    }


def test_submission_names_the_catalogue_it_was_checked_against(client, typed, catalog):
    post_new(client, typed)

    assert Submission.objects.get().catalog_sha256 == catalog.content_sha256
    assert Case.objects.get().support.catalog == catalog


@pytest.mark.parametrize("name", FIELDS)
def test_each_required_field_is_asked_for(client, typed, name):
    response = post_new(client, typed | {name: ""})

    assert FIELDS[name] in errors_of(response)[name]
    assert f'id="error_1_id_{name}"' in response.content.decode()
    assert not Case.objects.exists()


def test_empty_form_names_every_required_field(client):
    response = client.post(NEW, {"form_token": new_token(client), "action": "submit"})

    assert errors_of(response) == {name: [message] for name, message in FIELDS.items()}


def test_missing_cc_is_no_error(client, typed):
    del typed["cc_email_addresses"]

    assert post_new(client, typed).status_code == 302


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        (
            {"service_code": "no-such-service"},
            "service_code",
            "AWS does not list this service for the account. Choose another one.",
        ),
        (
            {"category_code": "instance-issue"},
            "category_code",
            "This category does not belong to Relational Database Service (PostgreSQL). Choose another one.",
        ),
        ({"severity_code": "fatal"}, "severity_code", "The account's support plan does not offer this severity."),
        ({"issue_type": "service-limit"}, "issue_type", "Choose technical, or account and billing."),
        ({"language": "xx"}, "language", "AWS does not offer this language for the service and category."),
        ({"language": "EN"}, "language", "AWS does not offer this language for the service and category."),
        ({"account": "999999"}, "account", "Choose an account from the list."),
        ({"account": "one"}, "account", "Choose an account from the list."),
    ],
)
def test_choices_are_checked_against_the_snapshot(client, typed, changes, name, message):
    response = post_new(client, typed | changes)

    assert errors_of(response)[name][0] == message


def test_severity_must_be_of_the_accounts_plan(client, typed, account):
    a_catalog(account, severities=SEVERITIES[:2])

    assert post_new(client, typed | {"severity_code": "normal"}).status_code == 302
    response = post_new(client, typed | {"severity_code": "high"})
    assert errors_of(response) == {"severity_code": ["The account's support plan does not offer this severity."]}


def test_newest_snapshot_counts(client, typed, account, clock):
    clock.advance(hours=1)
    a_catalog(account, services=SERVICES[:1])

    response = post_new(client, typed)

    assert "service_code" in errors_of(response)


def test_language_must_be_one_that_aws_told_for_the_choice(author, typed, catalog, account, bells):
    """Until AWS has told, every language it documents may be chosen."""
    assert checked(author, typed, language="ja").is_valid()
    lookup = Lookup.objects.get(kind="support_languages")
    Lookup.objects.filter(pk=lookup.pk).update(
        state=LookupState.ANSWERED, answer={"languages": [["en", "English"]]}, answered_at=lookup.asked_at
    )

    assert checked(author, typed, language="en").is_valid()
    assert said(checked(author, typed, language="ja")) == {
        "language": ["AWS does not offer this language for the service and category."]
    }


@pytest.mark.parametrize("length", [7970, 7971])
def test_description_up_to_the_limit_is_submitted_whole(client, typed, length):
    post_new(client, typed | {"communication_body": "😀" * length})

    submission = Submission.objects.get()
    assert submission.content["communication_body"] == "😀" * length
    assert len(submission.payload["communicationBody"]) == length + 29


def test_description_above_the_limit_is_refused_and_kept(client, typed):
    response = post_new(client, typed | {"communication_body": "😀" * 7972})

    assert errors_of(response) == {"communication_body": ["This is one character longer than the 7,971 that fit."]}
    assert "😀" * 7972 in response.content.decode()


def test_line_ends_are_counted_as_one_character(client, typed):
    body = "x" + "\r\n" * 3985 + "y" * 3985

    assert post_new(client, typed | {"communication_body": body}).status_code == 302
    assert len(Submission.objects.get().content["communication_body"]) == 7971


@pytest.mark.parametrize("name", ["subject", "communication_body", "cc_email_addresses", "service_code"])
def test_lone_surrogate_is_refused_even_in_a_draft(author, typed, catalog, bells, name):
    data = typed | {name: "a\ud800b"}
    form = SupportForm(data, offer=Offer(author, data))

    assert "lone surrogate" in said(form)[name][0]


@pytest.mark.parametrize("name", ["subject", "communication_body", "cc_email_addresses", "category_code"])
def test_null_character_is_refused_even_in_a_draft(client, typed, name):
    response = post_new(client, typed | {name: "a\0b"}, "save_draft")

    assert errors_of(response) == {name: ["Null characters are not allowed."]}


@pytest.mark.parametrize(("name", "length"), [("subject", 1000), ("service_code", 100), ("severity_code", 20)])
def test_draft_holds_no_more_than_its_columns(client, typed, name, length):
    assert post_new(client, typed | {name: "x" * length}, "save_draft").status_code == 302
    assert name in errors_of(post_new(client, typed | {name: "x" * (length + 1)}, "save_draft"))


def test_browser_cuts_no_text(client):
    assert "maxlength" not in client.get(NEW).content.decode()


def test_draft_may_hold_anything_incomplete(client, typed, account):
    case = a_saved_draft(
        client,
        {
            "account": str(account.pk),
            "service_code": "no-such-service",
            "category_code": "odd",
            "severity_code": "fatal",
            "language": "xx",
            "issue_type": "strange",
            "subject": "two\nlines",
            "communication_body": "x" * 9000 + "\x07",
            "cc_email_addresses": "not an address",
        },
    )

    assert (case.subject, case.severity_code) == ("two\nlines", "fatal")
    assert (case.support.service_code, case.support.category_code) == ("no-such-service", "odd")
    assert len(case.support.communication_body) == 9001
    assert case.support.cc_email_addresses == "not an address"


def test_empty_draft_can_be_saved(client):
    case = a_saved_draft(client, {})

    assert (case.account, case.subject) == (None, "")


def test_draft_keeps_what_aws_no_longer_offers_in_sight(client, typed):
    case = a_saved_draft(client, typed | {"service_code": "gone", "severity_code": "fatal", "language": "xx"})

    page = client.get(f"/cases/{case.reference}/edit/").content.decode()

    assert '<option value="gone" selected>gone (not offered)</option>' in page
    assert '<option value="xx" selected>xx (not offered)</option>' in page
    assert 'value="fatal"' in page


def test_addresses_are_split_when_submitted(client, typed):
    post_new(client, typed | {"cc_email_addresses": "a@example.com; b@example.com\r\na@example.com"})

    assert Submission.objects.get().payload["ccEmailAddresses"] == ["a@example.com", "b@example.com"]


def test_account_of_another_team_is_not_offered_nor_taken(client, typed):
    foreign = an_account(a_team(), name="Foreign")
    a_catalog(foreign)

    for action in ("save_draft", "submit"):
        response = post_new(client, typed | {"account": str(foreign.pk)}, action)
        assert errors_of(response)["account"] == ["Choose an account from the list."]
    assert "Foreign" not in response.content.decode()


def test_account_that_cannot_send_is_told_before_anyone_types(client, typed, account):
    account.check_result, account.check_summary = CheckResult.BLOCKED, "The role can't be assumed."
    account.save()

    page = client.get(NEW).content.decode()

    assert "Payments prod can&#x27;t send now." in page or "Payments prod can't send now." in page
    assert "The role can&#x27;t be assumed." in page


def test_account_that_cannot_send_takes_drafts_but_no_submissions(client, typed, account):
    account.check_result, account.check_summary = CheckResult.BLOCKED, "The role is gone."
    account.save()

    assert a_saved_draft(client, typed).account == account
    response = post_new(client, typed)
    assert errors_of(response) == {"account": ["This account can't send: The role is gone. The draft can be saved."]}


def test_inactive_account_stays_in_its_draft_but_takes_no_submission(client, typed, account):
    case = a_saved_draft(client, typed)
    account.active = False
    account.save()

    response = client.post(f"/cases/{case.reference}/edit/", typed | {"form_token": "1", "action": "submit"})

    assert errors_of(response) == {"account": ["This account is not in use any more. Choose another one."]}


def test_account_without_a_catalogue_is_asked_for_and_takes_drafts(client, typed, team, bells):
    bare = an_account(team, name="Brand new")
    chosen = typed | {"account": str(bare.pk)}

    response = post_new(client, chosen)

    assert errors_of(response)["service_code"] == [
        "AWS's list of services for this account is not here yet. Save the draft, then submit it later."
    ]
    assert Lookup.objects.filter(account=bare, kind="support_catalog").count() == 1
    assert a_saved_draft(client, chosen).account == bare


def test_form_says_how_old_its_catalogue_is(client, clock, catalog):
    page = client.get(NEW).content.decode()

    assert "Services as AWS listed them" in page
    assert f"today {clock.now:%H:%M}" in page


def test_form_starts_with_english_and_the_account_used_last(client, typed, team, account):
    first_by_name = an_account(team, name="Aardvark")
    assert f'<option value="{first_by_name.pk}" selected>' in client.get(NEW).content.decode()

    a_saved_draft(client, typed)

    page = client.get(NEW).content.decode()
    assert f'<option value="{account.pk}" selected>' in page
    assert '<option value="en" selected>' in page


def test_services_used_lately_come_first(client, typed):
    a_saved_draft(client, typed | {"service_code": "billing"})

    page = client.get(NEW).content.decode()

    first = page[page.index('<optgroup label="Used lately">') :]
    assert first.startswith('<optgroup label="Used lately"><option value="billing">Billing</option></optgroup>')


def test_severities_are_named_as_in_the_console(client):
    page = client.get(NEW).content.decode()

    for name in ("General guidance", "System impaired", "Production system impaired", "Production system down"):
        assert f"<b>{name}</b>" in page
    assert "It can&#x27;t be changed after the case is open." in page


SEEN = "AWS showed these for the account's support plan"


def words_at_the_cards(response):
    found = re.search(r'id="id_severity_code_helptext" class="hint">(.*?)</p>', response.content.decode(), re.DOTALL)
    return found and " ".join(html.unescape(re.sub(r"<[^>]+>", "", found[1])).split())


def test_cards_say_that_aws_showed_them_and_when(client, typed, clock_at, catalog):
    clock = clock_at(datetime(2026, 3, 2, 8, 4, tzinfo=UTC))
    type(catalog).objects.update(seen_at=clock.now)
    told = f"It can't be changed after the case is open. {SEEN} today 08:04."

    assert words_at_the_cards(client.get(NEW)) == told
    assert words_at_the_cards(client.get(edit_url(a_saved_draft(client, typed)))) == told

    clock.advance(days=1)
    assert words_at_the_cards(client.get(NEW)) == told.replace("today", "yesterday")


def test_cards_of_another_account_say_when_aws_showed_those(client, typed, clock_at, team, author, catalog):
    """The words are within what is swapped when the account changes."""
    clock = clock_at(datetime(2026, 3, 2, 8, 4, tzinfo=UTC))
    other = an_account(team, name="Sandbox")
    a_catalog(other)
    clock.advance(hours=5)
    answer = client.post(
        NEW,
        typed | {"account": str(other.pk), "form_token": "x" * 32, "action": "update"},
        HTTP_HX_REQUEST="true",
        HTTP_HX_TRIGGER_NAME="account",
    )

    part = answer.content.decode().split('id="part-severity_code"')[1].split('id="part-')[0]
    assert 'id="id_severity_code_helptext"' in part
    assert words_at_the_cards(answer) == f"It can't be changed after the case is open. {SEEN} today 08:04."


def test_where_aws_showed_no_severities_nothing_is_said_of_them(author, reviewer, account, bells):
    client = signed_in(author)
    assert words_at_the_cards(client.get(NEW)) == "It can't be changed after the case is open."

    a_catalog(account, severities=[])

    page = client.get(NEW)
    assert words_at_the_cards(page) == "It can't be changed after the case is open."
    assert "The severities follow from the account's support plan." in html.unescape(page.content.decode())


# --- teams -------------------------------------------------------------------------------------------------------------------
def test_team_is_not_asked_where_there_is_one(client):
    assert 'name="team"' not in client.get(NEW).content.decode()


def test_team_is_asked_where_several_share_the_account(client, typed, author, team, account):
    other = a_team("Core")
    other.memberships.create(user=author)
    account.teams.add(other)

    assert 'name="team"' in client.get(NEW).content.decode()
    assert a_saved_draft(client, typed | {"team": str(team.pk)}).team == team
    assert a_saved_draft(client, typed).team == other  # the first by name


def test_team_must_be_ones_own_and_use_the_account(client, typed, author, account):
    other, foreign = a_team("Core"), a_team("Foreign")
    other.memberships.create(user=author)
    account.teams.add(other, foreign)

    response = post_new(client, typed | {"team": str(foreign.pk)})

    assert errors_of(response) == {"team": ["Choose one of your teams that use this account."]}


def test_person_without_a_team_is_told(db, bells):
    response = signed_in(a_user()).get(NEW)

    assert response.status_code == 403
    assert "You are in no team yet" in response.content.decode()
