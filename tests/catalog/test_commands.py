"""`check_accounts` and `sync_catalog` answer in their own process."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from casesite.catalog import questions
from casesite.catalog.models import SupportCatalog
from casesite.lookups.models import Lookup, LookupState
from casesite.teams.models import AwsAccount, CheckResult
from tests.factories import an_account

from .conftest import ACCOUNT

pytestmark = pytest.mark.django_db


def run(name, *accounts):
    """What a command printed, and its exit code."""
    out = StringIO()
    try:
        call_command(name, *accounts, stdout=out)
    except CommandError as exc:
        return out.getvalue(), exc.returncode
    return out.getvalue(), 0


def test_check_of_a_good_account_is_one_line(account):
    assert run("check_accounts") == ("Payments prod (1111 1111 1111): Can send\n", 0)


def test_check_can_be_repeated(account):
    assert run("check_accounts", ACCOUNT) == run("check_accounts", ACCOUNT)


@pytest.mark.parametrize("name", [ACCOUNT, "1111 1111 1111", "1111-1111-1111"])
def test_account_is_named_by_its_digits_as_people_write_them(account, aws, name, team):
    an_account(team)  # would be asked for where nothing is named

    assert run("check_accounts", name) == ("Payments prod (1111 1111 1111): Can send\n", 0)


def test_check_of_a_blocked_account_says_why_and_fails(account, aws):
    aws.account(ACCOUNT, plan="basic")

    printed, code = run("check_accounts")

    assert code == 1
    assert printed == (
        "Payments prod (1111 1111 1111): Can't send\n"
        "  Support plan: The account has no Support plan with access to the Support API. "
        "Subscribe it to Business Support+, Enterprise Support or Unified Operations, then check again.\n"
    )


def test_check_without_an_answer_of_aws_fails_and_keeps_the_last_result(account, aws):
    run("check_accounts")
    aws.fault("sts.*", "error", times=None, code="ServiceUnavailable", status=503)

    printed, code = run("check_accounts")

    assert code == 1
    assert printed.startswith("Payments prod (1111 1111 1111): AWS could not be reached.")
    assert AwsAccount.objects.get(pk=account.pk).check_result == CheckResult.GOOD


@pytest.mark.parametrize("name", ["check_accounts", "sync_catalog"])
def test_unknown_account_is_a_mistake(db, name):
    with pytest.raises(CommandError, match=r"No such account here: 999999999999\."):
        call_command(name, "999999999999")


def test_check_answers_the_question_that_waits(account):
    lookup = questions.ask_check(account)

    run("check_accounts")

    lookup.refresh_from_db()
    assert (lookup.state, lookup.answer["result"]) == (LookupState.ANSWERED, "good")


def test_sync_tells_what_is_new_and_what_is_not(account):
    first, second = run("sync_catalog"), run("sync_catalog")

    assert first == ("Payments prod (1111 1111 1111): 56 services, 5 severities, new\n", 0)
    assert second[0].startswith("Payments prod (1111 1111 1111): 56 services, 5 severities, unchanged since ")
    assert SupportCatalog.objects.count() == 1


def test_sync_that_fails_says_why(account, aws):
    aws.account(ACCOUNT, plan="basic")

    printed, code = run("sync_catalog")

    assert code == 1
    assert printed.startswith("Payments prod (1111 1111 1111): The account has no Support plan")


def test_commands_without_accounts_have_nothing_to_say(db):
    assert run("check_accounts") == ("", 0)


@pytest.mark.django_db(transaction=True)
def test_several_accounts_are_done_side_by_side_and_told_in_order(bells, account, aws, team):
    for number in range(2, 5):
        an_account(team, account_id=f"{number}" * 12, name=f"Account {number}")
    aws.account("333333333333", plan="basic")

    printed, code = run("check_accounts")

    assert code == 1
    assert [line.partition(": ")[0] for line in printed.splitlines() if not line.startswith(" ")] == [
        "Account 2 (2222 2222 2222)",
        "Account 3 (3333 3333 3333)",
        "Account 4 (4444 4444 4444)",
        "Payments prod (1111 1111 1111)",
    ]
    assert SupportCatalog.objects.count() == 3
    assert not Lookup.objects.open().exists()
