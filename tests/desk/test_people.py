"""Customers and users found from a Connect form: asking, picking, names that can't be forged. Answers come from the simulator."""

import html
import json
import re

import pytest

from casesite.cases.models import Case
from casesite.catalog.models import CasesDomain, ConnectTemplate
from casesite.catalog.template import CUSTOMER, Field, FieldType
from casesite.lookups import answer
from casesite.lookups.models import Lookup
from tests.catalog.templates import a_template
from tests.factories import a_connect_template, a_team, a_user, an_account
from tests.sandbox.care import Care

pytestmark = pytest.mark.django_db

ACCOUNT = "111111111111"
TEMPLATE = a_template(
    Field(CUSTOMER, "Customer", FieldType.TEXT, system=True),
    Field("owner", "Owner", FieldType.USER),
    placed=[CUSTOMER, "owner"],
)
SAM = {"find-key-customer_id": "name", "find-text-customer_id": "Sam Demo"}


@pytest.fixture
def care(sandbox, settings):
    settings.GATE_RATE = settings.GATE_BURST = 1000
    sandbox.settings(connect_rates={"*": [1000, 1000]})
    return Care(next(each for each in sandbox.connect_domains(ACCOUNT) if each["name"] == "Customer care"))


@pytest.fixture
def agent(client, db):
    user = a_user("alex", team=a_team())
    client.force_login(user)
    return user


@pytest.fixture
def template(care, agent, bells):
    account = an_account(agent.memberships.get().team, account_id=ACCOUNT, connect_regions="us-east-1")
    template = a_connect_template(account, TEMPLATE)
    CasesDomain.objects.filter(pk=template.domain_id).update(
        found_profiles_domain=care.told["profilesDomain"], found_instance_arn=care.told["instanceArn"]
    )
    return template


@pytest.fixture
def address(template):
    return f"/templates/{template.pk}/try/"


@pytest.fixture(params=["try", "case"])
def each_address(request, template, address):
    """Where a template is tried, and where a case is opened by it."""
    return address if request.param == "try" else f"/cases/new/connect/{template.pk}/"


@pytest.fixture
def page(client, template):
    """`page(address, **posted)` posts, by htmx where told, and has a worker answer."""

    def post(address, posted, htmx=False, answered=True):
        headers = {"HX-Request": "true"} if htmx else {}
        told = client.post(address, {"fields-title": "Late", "form_token": "", **posted}, headers=headers)
        assert told.status_code == 200
        if answered:
            answer.answer_open(template.domain.account_id)
        return told.content.decode()

    return post


def picks(text):
    """What the buttons of a search post, by the words that tell people apart."""
    found = re.findall(r'name="pick" value="([^"]*)"[^>]*aria-label="Choose ([^"]*)"', text, re.S)
    return {html.unescape(words): html.unescape(value) for value, words in found}


def tokens(text):
    return [html.unescape(one) for one in re.findall(r'name="names" value="([^"]*)"', text)]


def held(text, field):
    return html.unescape(re.search(rf'name="fields-{field}"[^>]* value="([^"]*)"', text)[1])


def test_search_keeps_what_was_typed_and_shows_the_answer_without_javascript(page, each_address):
    asked = page(each_address, SAM | {"find": "customer_id"})
    assert 'value="Late"' in asked
    assert "Asking AWS" in asked
    assert 'value="Sam Demo"' in asked

    shown = page(each_address, SAM | {"found": "customer_id"})

    assert [words.split(",")[1].strip() for words in picks(shown)] == ["Demo Retail", "Demo Logistics", "C-90077"]
    assert Lookup.objects.count() == 1


def test_customer_is_picked_and_stays_shown_by_name(page, each_address, care):
    page(each_address, SAM | {"find": "customer_id"})
    found = page(each_address, SAM | {"found": "customer_id"}, htmx=True)
    value = next(iter(picks(found).values()))

    picked = page(each_address, SAM | {"pick": value}, htmx=True)

    assert held(picked, "customer_id") == care.customer
    assert '<p class="chosen"><bdi>Sam Demo</bdi></p>' in picked
    assert "Sam Demo is chosen." in picked
    assert not picks(picked)
    [token] = tokens(picked)
    again = page(each_address, {"fields-customer_id": care.customer, "names": token})
    assert "<bdi>Sam Demo</bdi>" in again
    assert tokens(again) == [token]


def test_user_is_found_by_a_part_of_the_name_and_picked(page, address, care):
    asked = {"find-text-owner": "alex"}
    page(address, asked | {"find": "owner"}, htmx=True)
    found = picks(page(address, asked | {"found": "owner"}, htmx=True))
    assert list(found) == ["Alex Demo, alex.demo", "Alex Demo, alex.demo2"]

    picked = page(address, asked | {"pick": found["Alex Demo, alex.demo"]}, htmx=True)

    assert held(picked, "owner") == care.user


def test_typing_asks_nothing(page, address):
    page(address, SAM | {"action": "update"}, htmx=True)

    assert not Lookup.objects.exists()


def test_enter_in_the_search_asks(page, address):
    page(address, SAM | {"action": "update"})

    assert Lookup.objects.count() == 1


def test_names_are_those_that_aws_told(page, address, care):
    forged = json.dumps({"arn": care.customer, "name": "The King"})

    shown = page(address, {"fields-customer_id": care.customer, "names": forged})

    assert "The King" not in shown
    assert not tokens(shown)


def test_pick_that_is_not_ours_changes_nothing(page, address):
    shown = page(address, {"fields-customer_id": "as it was", "pick": "x:y customer_id"})

    assert held(shown, "customer_id") == "as it was"


def test_name_goes_with_the_arn_it_belongs_to(page, address, care):
    page(address, SAM | {"find": "customer_id"})
    found = picks(page(address, SAM | {"found": "customer_id"}, htmx=True))
    [token] = tokens(page(address, {"pick": next(iter(found.values()))}, htmx=True))

    namesake = care.profile_arn(care.told["profiles"][1]["id"])
    other = page(address, {"fields-customer_id": namesake, "names": token})

    assert 'class="chosen"' not in other
    assert not tokens(other)


@pytest.mark.parametrize(
    ("typed", "words"),
    [({}, "Write what to search for."), ({"find-text-customer_id": "nobody@example.com"}, "Nobody was found.")],
)
def test_search_that_brings_nobody_says_what_to_do(page, address, typed, words):
    page(address, typed | {"find": "customer_id"})

    assert words in page(address, typed | {"find": "customer_id"})


def test_failed_search_is_told_and_asked_again_only_by_the_button(page, address, sandbox):
    sandbox.fault("customer-profiles.SearchProfiles", "error", code="AccessDeniedException", status=403)
    page(address, SAM | {"find": "customer_id"})
    assert "profile:SearchProfiles" in page(address, SAM | {"found": "customer_id"}, htmx=True)
    assert Lookup.objects.count() == 1

    page(address, SAM | {"find": "customer_id"})

    assert picks(page(address, SAM | {"found": "customer_id"}))


def test_template_without_the_search_takes_arns_alone(page, client, address, template, care):
    new = f"/cases/new/connect/{template.pk}/"
    assert "Find a customer" in client.get(new).content.decode()
    ConnectTemplate.objects.filter(pk=template.pk).update(customer_search=False)

    shown = page(address, {"fields-customer_id": care.customer})

    assert "Find a customer" not in client.get(new).content.decode()
    assert "Find a customer" not in shown
    assert "Find a user" in shown
    assert held(shown, "customer_id") == care.customer


def test_draft_and_its_submission_keep_the_name_and_nothing_else_of_the_profile(page, client, template, care, clock):
    address = f"/cases/new/connect/{template.pk}/"
    page(address, SAM | {"find": "customer_id"})
    found = picks(page(address, SAM | {"found": "customer_id"}, htmx=True))
    [token] = tokens(page(address, {"pick": next(iter(found.values()))}, htmx=True))
    opened = client.get(address).content.decode()
    carried = {name: re.search(rf'name="{name}" value="([^"]*)"', opened)[1] for name in ("form_token", "page")}
    typed = {"fields-title": "Late", "fields-customer_id": care.customer, "names": token, "serial": "1"}

    client.post(address, carried | typed | {"action": "save_draft"})

    case = Case.objects.get()
    assert case.connect.names == {care.customer: "Sam Demo"}
    edited = client.get(f"/cases/{case.reference}/edit/").content.decode()
    assert "<bdi>Sam Demo</bdi>" in edited
    again = re.search(r'name="form_token" value="([^"]*)"', edited)[1]
    client.post(f"/cases/{case.reference}/edit/", typed | {"form_token": again, "page": "p", "action": "submit"})
    assert case.submissions.get().content["names"] == {care.customer: "Sam Demo"}
