"""Customers and users of Connect at the simulator: where they are found, what a search brings, and that nothing of it stays."""

from datetime import timedelta

import pytest

from casesite import clock
from casesite.catalog import people, people_sync, templates_sync
from casesite.catalog.models import CasesDomain
from casesite.catalog.people import CannotAsk
from casesite.lookups import answer
from casesite.lookups.cleaning import clean_up
from casesite.lookups.models import Lookup, LookupState
from casesite.pacing import gate
from casesite.pacing.models import Mode
from tests.factories import a_user
from tests.sandbox.care import Care

from .conftest import ACCOUNT

pytestmark = pytest.mark.django_db


@pytest.fixture
def care(account, aws):
    """The demo domain with its customers and users, in an account that names its region."""
    aws.settings(connect_rates={"*": [1000, 1000]})
    account.connect_regions = "us-east-1"
    account.save(update_fields=["connect_regions"])
    for domain in aws.connect_domains(ACCOUNT):
        aws.connect_remove(domain["domainId"])
    return Care(aws.connect_demo(ACCOUNT))


@pytest.fixture
def domain(care, account):
    """That domain as a fetch of the catalogue leaves it, without waiting for templates."""
    domain = CasesDomain.objects.create(
        account=account,
        region="us-east-1",
        domain_id=care.domain_id,
        arn=care.told["domainArn"],
        name="Customer care",
        seen_at=clock.now(),
    )
    people_sync.refresh(account, "us-east-1")
    domain.refresh_from_db()
    return domain


@pytest.fixture
def asker(team):
    return a_user(team=team)


@pytest.fixture
def found(domain, asker, bells):
    """`found(key, text)` searches customers, `found(text)` users: the lookup as a worker left it."""

    def ask(*asked):
        lookup = (people.ask_customers if len(asked) == 2 else people.ask_users)(domain, *asked, by=asker)
        answer.answer_open(domain.account_id)
        lookup.refresh_from_db()
        return lookup

    return ask


# --- where to ask ----------------------------------------------------------------------------------------------------------
def test_fetch_of_templates_finds_profiles_domain_and_instance(care, account):
    templates_sync.refresh(account)

    domain = CasesDomain.objects.get()
    assert (domain.found_profiles_domain, domain.found_instance_arn) == (
        care.told["profilesDomain"],
        care.told["instanceArn"],
    )
    assert (domain.customers_in, domain.users_in) == (
        care.told["profilesDomain"],
        care.told["instanceArn"].rpartition("/")[2],
    )


def test_entry_of_a_lead_wins(domain):
    domain.profiles_domain, domain.instance_arn = "vip", "arn:aws:connect:us-east-1:111111111111:instance/other"

    assert (domain.customers_in, domain.users_in) == ("vip", "other")


@pytest.mark.parametrize(
    "operation",
    ["customer-profiles.ListDomains", "customer-profiles.ListIntegrations", "connect.ListIntegrationAssociations"],
)
def test_refused_right_leaves_what_was_known_and_the_rest_of_the_fetch(domain, account, aws, operation):
    known = domain.found_profiles_domain
    aws.fault(operation, "error", code="AccessDeniedException", status=403, times=None)

    people_sync.refresh(account, "us-east-1")

    domain.refresh_from_db()
    assert domain.found_profiles_domain == known != ""


def test_instance_that_is_gone_belongs_to_nothing(domain, account, aws):
    aws.fault("connect.ListIntegrationAssociations", "error", code="ResourceNotFoundException", status=404)

    people_sync.refresh(account, "us-east-1")

    domain.refresh_from_db()
    assert (domain.found_profiles_domain, domain.found_instance_arn) == ("", "")


def test_daily_fetch_leaves_the_history_to_people(care, account):
    templates_sync.refresh(account)
    templates_sync.refresh(account)

    assert CasesDomain.objects.get().history.count() == 1


# --- customers --------------------------------------------------------------------------------------------------------------
def test_namesakes_come_with_what_tells_them_apart(found, care):
    lookup = found("name", "Sam  Demo ")

    rows = people.people_in(lookup.answer)
    assert [row.name for row in rows] == ["Sam Demo"] * 3
    assert rows[0].arn == care.customer
    assert rows[0].details == (
        *("Demo Retail", "C-88120", "sam.demo@example.com", "+15550100100"),
        "Springfield, IL, US",
    )
    assert len({row.details for row in rows}) == 3
    assert lookup.answer["more"] is False


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("email", "Sam.Demo1@Example.com"),
        ("phone", "+1 555 010-0101"),
        ("account", "C-88121"),
    ],
)
def test_customer_is_found_by_each_key_as_people_write_it(found, key, text):
    [row] = people.people_in(found(key, text).answer)

    assert "C-88121" in row.details


def test_many_are_bounded_and_said_to_be_more(found, care, aws):
    for number in range(21):
        aws.connect_put(care.domain_id, "profiles", FirstName="Kim", LastName="Same", AccountNumber=f"K-{number}")

    lookup = found("name", "Kim Same")

    assert (len(lookup.answer["people"]), lookup.answer["more"]) == (20, True)


@pytest.mark.parametrize(
    ("profile", "name"),
    [({"BusinessName": "Owl Ltd", "AccountNumber": "O-1"}, "Owl Ltd"), ({"AccountNumber": "O-1"}, "O-1")],
)
def test_customer_without_a_name_goes_by_business_or_number(found, care, aws, profile, name):
    aws.connect_put(care.domain_id, "profiles", **profile)

    [row] = people.people_in(found("account", "O-1").answer)

    assert row.name == name


# --- users ------------------------------------------------------------------------------------------------------------------
def test_users_of_one_name_are_told_apart_by_their_sign_in_name(found, care):
    rows = people.people_in(found("demo ALEX").answer)

    assert [(row.name, row.details) for row in rows] == [
        ("Alex Demo", ("alex.demo",)),
        ("Alex Demo", ("alex.demo2",)),
    ]
    assert rows[0].arn == care.user


def test_part_of_a_sign_in_name_finds_users(found):
    assert [row.name for row in people.people_in(found("robin.d").answer)] == ["Robin Demo"]


# --- in words ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("email", "  "), "Write what to search for."),
        (("email", "x" * 256), "Write at most 255 characters."),
        (("colour", "blue"), "Choose what to search by."),
        (("a b",), "Write at least two letters of the name."),
    ],
)
def test_question_that_makes_no_sense_is_not_asked(found, asked, words):
    with pytest.raises(CannotAsk, match=words):
        found(*asked)

    assert not Lookup.objects.exists()


def test_unknown_place_says_who_can_enter_it(domain, asker):
    domain.found_profiles_domain = domain.found_instance_arn = ""

    with pytest.raises(CannotAsk, match="A lead enters the Customer Profiles domain"):
        people.ask_customers(domain, "name", "Sam Demo", by=asker)
    with pytest.raises(CannotAsk, match="A lead enters its ARN"):
        people.ask_users(domain, "Sam", by=asker)


@pytest.mark.parametrize(
    ("asked", "operation", "right"),
    [
        (("name", "Sam Demo"), "customer-profiles.SearchProfiles", "profile:SearchProfiles"),
        (("Sam",), "connect.SearchUsers", "connect:SearchUsers"),
    ],
)
def test_missing_right_is_named_as_policies_name_it(found, aws, asked, operation, right):
    aws.fault(operation, "error", code="AccessDeniedException", status=403, times=None)

    lookup = found(*asked)

    assert lookup.state == LookupState.FAILED
    assert f"Allow {right} in the role's policy." in lookup.error


@pytest.mark.parametrize("asked", [("name", "Sam Demo"), ("Sam",)])
def test_wrong_entry_of_a_lead_is_told(found, domain, asked):
    domain.profiles_domain, domain.instance_arn = "nobodys", "arn:aws:connect:us-east-1:111111111111:instance/none"
    domain.save()

    assert "A lead corrects it" in found(*asked).error


def test_searches_have_a_gate_of_their_own_that_opens_again_by_asking(found, domain, clock):
    api = gate.Api("customer-profiles", "us-east-1")
    for _failure in range(gate.CONNECTION_FAILURES_OPEN):
        gate.unreachable(domain.account_id, Mode.READ, "no answer", api)
    assert "paused" in found("name", "Sam Demo").error
    assert found("Alex").state == LookupState.ANSWERED
    clock.advance(minutes=6)

    assert found("name", "Sam Demo").state == LookupState.ANSWERED
    assert gate.stopped(domain.account_id, Mode.READ, api) is None


# --- for the asker, for a while ----------------------------------------------------------------------------------------------
def test_search_is_seen_by_nobody_else(found, asker, team, client):
    address = found("email", "sam.demo@example.com").get_absolute_url()

    for other in (a_user(team=team), a_user(is_staff=True, is_superuser=True)):
        client.force_login(other)
        assert client.get(address).status_code == 404
    client.force_login(asker)
    assert "C-88120" in client.get(address).content.decode()


def test_same_search_of_another_is_another_question(domain, asker, team, bells):
    first = people.ask_users(domain, "Alex", by=asker)

    assert people.ask_users(domain, "Alex", by=asker) == first
    assert people.ask_users(domain, "Alex", by=a_user(team=team)) != first


@pytest.mark.parametrize("fails", [False, True])
def test_question_and_answer_are_deleted(found, aws, clock, fails):
    if fails:
        aws.fault("customer-profiles.SearchProfiles", "error", code="AccessDeniedException", status=403, times=None)
    found("email", "sam.demo@example.com")
    clock.advance(minutes=4)
    clean_up()
    assert Lookup.objects.exists()

    clock.advance(timedelta(minutes=2) if fails else timedelta(minutes=17))
    clean_up()

    assert not Lookup.objects.exists()


def test_question_that_no_worker_took_up_is_deleted_too(domain, asker, bells, clock):
    people.ask_customers(domain, "email", "sam.demo@example.com", by=asker)
    for _minute in range(2):
        clock.advance(minutes=61)
        clean_up()

    assert not Lookup.objects.exists()
