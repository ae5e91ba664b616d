"""Which checks and catalogues are asked for by themselves."""

from datetime import timedelta

import pytest

from casesite.catalog import questions
from casesite.lookups.models import Lookup
from casesite.teams.models import AwsAccount, CheckResult
from tests.factories import a_catalog, a_team, an_account

pytestmark = pytest.mark.django_db


def asked():
    return sorted(Lookup.objects.values_list("kind", flat=True))


def change(account, **fields):
    AwsAccount.objects.filter(pk=account.pk).update(**fields)


def test_nothing_is_due_of_an_account_in_order(clock):
    a_catalog(an_account(a_team()))

    assert (questions.ask_for_due_refreshes(), asked()) == (0, [])


def test_account_without_a_catalogue_is_asked_for_one(clock):
    an_account(a_team())

    assert (questions.ask_for_due_refreshes(), asked()) == (1, ["support_catalog"])


@pytest.mark.parametrize(("age", "due"), [(timedelta(hours=24), False), (timedelta(hours=24, seconds=1), True)])
def test_catalogue_is_due_when_it_was_not_seen_for_a_day(clock, age, due):
    account = an_account(a_team())
    a_catalog(account)
    clock.advance(age)

    questions.ask_for_due_refreshes()

    assert asked() == (["support_catalog"] if due else [])


def test_newest_of_several_catalogues_decides(clock):
    account = an_account(a_team())
    a_catalog(account)
    clock.advance(days=2)
    a_catalog(account)

    assert questions.ask_for_due_refreshes() == 0


def test_account_never_checked_is_checked_before_anything_is_fetched(clock):
    an_account(a_team(), checked=False)

    questions.ask_for_due_refreshes()

    assert asked() == ["account_check"]


def test_changed_settings_make_a_check_due(clock):
    account = an_account(a_team())
    a_catalog(account)
    change(account, settings_changed_at=clock.now + timedelta(seconds=1))

    questions.ask_for_due_refreshes()

    assert asked() == ["account_check"]


@pytest.mark.parametrize(("age", "due"), [(timedelta(minutes=60), False), (timedelta(minutes=61), True)])
def test_blocked_account_is_checked_again_every_hour(clock, age, due):
    account = an_account(a_team())
    a_catalog(account)
    change(account, check_result=CheckResult.BLOCKED)
    clock.advance(age)

    questions.ask_for_due_refreshes()

    assert asked() == (["account_check"] if due else [])


def test_what_was_asked_is_not_asked_again_for_a_quarter_of_an_hour(clock):
    an_account(a_team())
    questions.ask_for_due_refreshes()
    Lookup.objects.update(state="failed")

    clock.advance(minutes=14)
    assert questions.ask_for_due_refreshes() == 0
    clock.advance(minutes=2)
    assert questions.ask_for_due_refreshes() == 1


def test_inactive_account_is_left_alone(clock):
    an_account(a_team(), active=False, checked=False)

    assert questions.ask_for_due_refreshes() == 0


@pytest.mark.django_db(transaction=True)
def test_new_account_is_checked_at_once(bells):
    account = an_account(a_team(), checked=False)

    assert asked() == ["account_check"]
    assert [bell.account for bell in bells] == [account.pk]


@pytest.mark.django_db(transaction=True)
def test_saving_an_account_asks_only_when_its_settings_changed(bells, clock):
    account = an_account(a_team())

    account.save()
    assert asked() == []

    account.settings_changed_at = clock.now + timedelta(seconds=1)
    account.save()
    assert asked() == ["account_check"]
