"""AWS's first-response targets: the usual ones, and those of an account whose plan promises others."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from casesite.catalog.severities import KNOWN, severity_of
from casesite.teams.models import AwsAccount
from casesite.teams.targets import targets_in
from tests.factories import an_account


def test_targets_are_read_by_severity():
    assert targets_in("Critical=15, urgent = 90\nlow=1440;") == {
        "critical": timedelta(minutes=15),
        "urgent": timedelta(minutes=90),
        "low": timedelta(days=1),
    }
    assert targets_in("") == {}


@pytest.mark.parametrize("typed", ["critical", "critical=0", "critical=soon", "=5", "critical=99999", "critical=1.5"])
def test_what_is_no_target_is_refused_with_an_example(typed):
    with pytest.raises(ValidationError, match="for instance critical=15"):
        targets_in(typed)


@pytest.mark.parametrize(
    ("minutes", "words"), [(5, "5\u00a0min"), (60, "1\u00a0h"), (90, "1\u00a0h 30\u00a0min"), (1440, "24\u00a0h")]
)
def test_target_reads_in_hours_and_minutes_which_no_line_parts(minutes, words):
    assert severity_of("critical", targets={"critical": timedelta(minutes=minutes)}).first_response == words


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_usual_target_of_no_severity_is_parted_by_a_line(code):
    assert re.fullmatch(r"\d+\u00a0(h|min)( or less, by the plan)?", str(severity_of(code).first_response))


def test_form_shows_the_accounts_targets_on_its_cards_and_the_usual_ones_elsewhere(client, account, team):
    usual = client.get("/cases/new/support/").content.decode()
    AwsAccount.objects.filter(pk=account.pk).update(first_response="critical=5, urgent=45")

    own = client.get("/cases/new/support/").content.decode()

    assert "answer in 30\u00a0min or less, by the plan" in usual
    assert "answer in 5\u00a0min" in own
    assert "answer in 45\u00a0min" in own
    assert "answer in 4\u00a0h" in own


def test_another_account_with_the_same_catalogue_keeps_its_own(client, account, team, typed):
    AwsAccount.objects.filter(pk=account.pk).update(first_response="urgent=45")
    assert "answer in 45\u00a0min" in client.get("/cases/new/support/").content.decode()
    AwsAccount.objects.filter(pk=account.pk).update(first_response="")

    page = client.get("/cases/new/support/").content.decode()

    assert "answer in 45\u00a0min" not in page
    assert "answer in 1\u00a0h" in page


def test_choice_of_a_severity_tells_when_aws_aims_to_answer(client, account, typed):
    AwsAccount.objects.filter(pk=account.pk).update(first_response="urgent=45")

    page = client.post("/cases/new/support/", typed | {"severity_code": "urgent", "action": "update"}).content.decode()

    assert "within 45\u00a0min of that" in page


@pytest.mark.django_db
def test_command_sets_targets_and_refuses_what_is_none(team):
    account = an_account(team)
    call_command("add_account", account.account_id, first_response="critical=15")
    assert AwsAccount.objects.get(pk=account.pk).response_targets == {"critical": timedelta(minutes=15)}

    with pytest.raises(CommandError, match="for instance critical=15"):
        call_command("add_account", account.account_id, first_response="critical: soon")
