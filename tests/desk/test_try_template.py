"""Trying a template: its form by its rules, the request that would go out, and fillings saved as checks. Nothing is sent."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casesite.catalog import template_checks
from casesite.catalog.models import CasesDomain, CaseTemplate, ConnectTemplate, TemplateCheck
from casesite.catalog.template import Field, FieldType, Option
from casesite.teams.models import Role
from tests.catalog.templates import (
    a_template,
    equal,
    hides,
    narrows,
    number,
    requires,
    select,
    text,
    yes_no,
)
from tests.factories import a_connect_template, a_team, a_user, an_account

PRODUCT = select("product", "platform", "app", inactive=["desktop"])
COMPONENT = select("component", "api", "ios", "other")
MOMENT, LINK = Field("since", "Since", FieldType.DATE_TIME), Field("link", "Link", FieldType.URL)
NOTE = text("note", description="What you saw")
TEMPLATE = a_template(
    *(NOTE, number("loss"), yes_no("public"), PRODUCT, COMPONENT, MOMENT, LINK, text("lost")),
    placed=["note", "loss", "public", "product", "component", "since", "link"],
    required=("title", "product"),
    rules=[
        requires("component", equal("product", "platform"), name="Component for Platform"),
        narrows("component", "product", {"platform": ["api", "other"], "app": ["ios", "other"]}, name="Components"),
        hides("note", equal("public", True), name="No note in public"),
        requires("lost", equal("loss", 5.0), name="Lost"),
    ],
)
FULL = {
    "fields-title": "Orders fail",
    "fields-product": "platform",
    "fields-component": "api",
    "fields-note": "502 <b>everywhere</b>",
    "fields-loss": "2.5",
    "fields-public": "false",
    "fields-since": "2026-11-25T14:30",
    "fields-link": "https://grafana.example.com/d/1",
}


@pytest.fixture
def team(db):
    return a_team()


@pytest.fixture
def lead(team, client):
    user = a_user("lena", team=team, role=Role.LEAD)
    client.force_login(user)
    return user


@pytest.fixture
def template(team):
    return a_connect_template(an_account(team, connect_regions="us-east-1"), TEMPLATE)


@pytest.fixture
def page(client, template):
    """`page("check", **changes)` presses a button with the full filling, changed."""

    def press(action="", address=None, htmx=False, **typed):
        address = address or f"/templates/{template.pk}/try/"
        if not action:
            return client.get(address).content.decode()
        headers = {"HX-Request": "true"} if htmx else {}
        answer = client.post(address, FULL | typed | {"action": action}, headers=headers)
        assert answer.status_code in (200, 302), answer
        return answer.content.decode() if answer.status_code == 200 else answer.url

    return press


def request_in(html):
    found = re.search(r'<pre class="payload"[^>]*>(.*?)</pre>', html, re.S)[1]
    for coded, plain in (("&quot;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&#x27;", "'"), ("&amp;", "&")):
        found = found.replace(coded, plain)
    return json.loads(found)


def errors_in(html):
    return dict(re.findall(r'id="error_1_id_fields-(\w+)"><strong>(.*?)</strong>', html))


# --- the form -------------------------------------------------------------------------------------------------------------
def test_form_asks_in_the_layouts_order_and_for_what_it_forgot(lead, page):
    html = page()

    assert re.findall(r'data-field="(\w+)"', html) == [
        *("title", "note", "loss", "public", "product", "component", "since", "link", "lost")
    ]
    assert "Also required" in html
    assert "Desktop" not in html


def test_full_filling_shows_the_request_that_would_go_out(lead, page, template):
    template.default_tags, template.performed_by = "Team=Core", "casesite/{username}"
    template.save()

    html = page("check", **{"fields-title": "Orders fail"})

    assert "A case could be opened with this filling" in html
    assert request_in(html) == {
        "domainId": template.domain.domain_id,
        "templateId": "t-1",
        "fields": [
            {"id": "title", "value": {"stringValue": "Orders fail"}},
            {"id": "note", "value": {"stringValue": "502 <b>everywhere</b>"}},
            {"id": "loss", "value": {"doubleValue": 2.5}},
            {"id": "public", "value": {"booleanValue": False}},
            {"id": "product", "value": {"stringValue": "platform"}},
            {"id": "component", "value": {"stringValue": "api"}},
            {"id": "since", "value": {"stringValue": "2026-11-25T14:30:00.000Z"}},
            {"id": "link", "value": {"stringValue": "https://grafana.example.com/d/1"}},
        ],
        "performedBy": {"customEntity": "casesite/lena"},
        "tags": {"Team": "Core"},
    }


@pytest.mark.parametrize(
    ("name", "recorded"),
    [("lena+night@example.com", "casesite/lena_night@example.com"), ("Łukasz", "casesite/_ukasz")],
)
def test_name_that_aws_does_not_take_is_recorded_without_what_it_refuses(lead, page, name, recorded):
    lead.username = name
    lead.save()

    assert request_in(page("check"))["performedBy"] == {"customEntity": recorded}


def test_recorded_name_ends_where_aws_ends_it(template):
    template.performed_by = "x" * 190 + "{username}"

    assert template.recorded_as("y" * 150) == "x" * 190 + "y" * 150
    template.performed_by = "{username} " * 15 + "end"
    assert template.recorded_as("z" * 49) == " ".join(["z" * 49] * 10)


def test_hidden_field_keeps_its_text_on_the_page_and_sends_nothing(lead, page):
    html = page("check", **{"fields-public": "true"})

    assert "A case could be opened with this filling" in html
    assert "note" not in [field["id"] for field in request_in(html)["fields"]]
    assert '<input type="hidden" name="fields-note" value="502 &lt;b&gt;everywhere&lt;/b&gt;">' in html
    assert "Note is hidden, and what it holds is kept here but not sent. Hidden because Public is yes." in html


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"fields-title": " "}, {"title": "Answer this: the template requires it."}),
        (
            {"fields-component": ""},
            {"component": "Answer this. It is required because Product is Platform."},
        ),
        ({"fields-component": "ios"}, {"component": "Ios does not go with Product: Platform. Choose again."}),
        ({"fields-product": "desktop", "fields-component": ""}, {"product": "Desktop can no longer be chosen."}),
        ({"fields-loss": "much"}, {"loss": "Write a number, such as 12.5."}),
        ({"fields-loss": "5"}, {"lost": "Answer this. It is required because Loss is 5."}),
        (
            {"fields-link": "javascript:alert(1)"},
            {"link": "Write a whole web address that begins with http:// or https://."},
        ),
        ({"fields-note": "x" * 501}, {"note": "501 characters; at most 500 go in here."}),
    ],
)
def test_what_would_be_refused_is_told_at_its_field(lead, page, typed, errors):
    html = page("check", **typed)

    assert errors_in(html) == errors
    assert "There is a problem" in html
    assert "A case could be opened" not in html


def test_what_a_hidden_field_holds_cannot_be_wrong(lead, page):
    assert errors_in(page("check", **{"fields-public": "true", "fields-note": "x" * 501})) == {}


def test_rules_say_what_they_do_and_why(lead, page):
    html = page("update")

    for said in (
        "Component is required, because Product is Platform",
        "Component has 2 options, because Product is Platform",
        "Note is not hidden, because no condition of the rule says otherwise",
    ):
        assert said in html
    assert "Required because Product is Platform (rule “Component for Platform”)." in html


def test_update_without_script_asks_for_nothing_yet_and_keeps_what_was_typed(lead, page):
    html = page("update", **{"fields-title": "", "fields-component": "", "fields-loss": "12"})

    assert errors_in(html) == {}
    assert 'name="fields-loss" value="12"' in html


# --- as one types -----------------------------------------------------------------------------------------------------------
def known_in(html):
    return re.findall(r'name="known" value="([^"]+)"', html)


def test_fragment_brings_only_what_changed_and_announces_it(lead, client, template, page):
    known = known_in(page("update"))
    typed = FULL | {"fields-public": "true", "action": "update", "known": known}

    html = client.post(f"/templates/{template.pk}/try/", typed, headers={"HX-Request": "true"}).content.decode()

    assert re.findall(r'data-field="(\w+)"', html) == ["note"]
    assert '<p id="rules-said" hx-swap-oob="innerHTML">Note is hidden; what it holds is not sent.</p>' in html

    known = [*[one for one in known if not one.startswith("note=")], *known_in(html)]
    html = client.post(
        f"/templates/{template.pk}/try/",
        FULL | {"action": "update", "known": known},
        headers={"HX-Request": "true"},
    ).content.decode()
    assert re.findall(r'data-field="(\w+)"', html) == ["note"]
    assert "Note shows now." in html
    assert "502 &lt;b&gt;everywhere" in html


def test_fragment_leaves_the_control_of_a_typed_field_alone(lead, client, template, page):
    known = known_in(page("update"))
    typed = FULL | {"fields-loss": "5", "action": "update", "known": known}

    html = client.post(f"/templates/{template.pk}/try/", typed, headers={"HX-Request": "true"}).content.decode()

    assert re.findall(r'id="(head-\d+|field-\d+)"', html) == [
        "head-8"
    ]  # Lost became required; what is typed in it stays
    assert 'name="fields-lost"' not in html


def test_fragment_is_as_quick_in_queries_for_200_fields_as_for_8(lead, client, team):
    many = a_template(
        *(text(f"f{n}") for n in range(200)), rules=[hides(f"f{n}", equal("title", "x")) for n in range(50)]
    )
    large, small = a_connect_template(an_account(team), many), a_connect_template(an_account(team), TEMPLATE)
    counts = []
    for template in (small, large):
        client.get(f"/templates/{template.pk}/try/")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.post(f"/templates/{template.pk}/try/", {"action": "update"}, headers={"HX-Request": "true"})
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 8


# --- versions and checks -----------------------------------------------------------------------------------------------------
def next_version(template, changed):
    """The template as it was changed in Amazon Connect, with its checks run as a fetch runs them."""
    row = a_connect_template(template.domain.account, changed)
    template_checks.run_all(CaseTemplate.objects.get(pk=row.newest_id))
    return row


def without_rules():
    return a_template(*TEMPLATE.fields[1:], placed=["product"], required=("title",))


def test_older_version_can_be_tried(lead, client, template):
    first = template.newest_id
    next_version(template, without_rules())

    html = client.get(f"/templates/{template.pk}/try/?version={first}").content.decode()

    assert "This is an older version" in html
    assert "Component for Platform" in html
    assert client.get(f"/templates/{template.pk}/try/?version=999999").status_code == 404
    assert client.get(f"/templates/{template.pk}/try/?version=x").status_code == 404


def test_version_of_another_template_is_not_there(lead, client, template, team):
    other = a_connect_template(an_account(team), TEMPLATE)

    assert client.get(f"/templates/{template.pk}/try/?version={other.newest_id}").status_code == 404


def test_saved_check_comes_back_with_its_filling(lead, page, client, template):
    address = page("save", name="  Orders  fail ")

    check = TemplateCheck.objects.get()
    assert (check.name, check.saved_by, check.broken_at) == ("Orders fail", lead, None)
    html = client.get(address).content.decode()
    assert 'value="2026-11-25T14:30"' in html
    assert 'value="Orders fail"' in html


def test_check_breaks_when_the_template_changes_and_is_whole_again_when_it_changes_back(lead, page, client, template):
    page("save", name="Orders")

    next_version(template, without_rules())

    html = client.get(f"/templates/{template.pk}/").content.decode()
    assert "Something else comes out since" in html
    assert "Component is no longer required" in html
    assert "Template checks that broke" in client.get("/").content.decode()

    renamed = a_template(*TEMPLATE.fields[1:], placed=["product"], required=TEMPLATE.required, rules=TEMPLATE.rules)
    next_version(template, renamed)
    assert "Comes out as it was saved." in client.get(f"/templates/{template.pk}/").content.decode()
    assert "Template checks that broke" not in client.get("/").content.decode()


@pytest.mark.parametrize("gone", ["template", "domain"])
def test_nobody_is_told_of_checks_of_a_template_that_is_gone(lead, page, client, template, clock, gone):
    page("save", name="Orders")
    next_version(template, without_rules())
    if gone == "template":
        ConnectTemplate.objects.update(deleted_at=clock.now)
    else:
        CasesDomain.objects.update(gone_at=clock.now)

    assert "Template checks that broke" not in client.get("/").content.decode()
    assert "This template is gone from Amazon Connect" in client.get(f"/templates/{template.pk}/").content.decode()


def test_check_needs_a_name_and_loses_nothing_without(lead, page):
    html = page("save", name=" ", **{"fields-title": "Typed"})

    assert "Give the check a name." in html
    assert 'value="Typed"' in html
    assert not TemplateCheck.objects.exists()


def test_saving_under_the_same_name_replaces_the_filling(lead, page):
    page("save", name="Orders")
    page("save", name="Orders", **{"fields-title": "Other"})

    assert TemplateCheck.objects.get().values["title"] == "Other"


def test_only_leads_save_and_remove_checks(client, team, template, lead, page):
    page("save", name="Orders")
    agent = a_user(team=team)
    client.force_login(agent)

    html = client.get(f"/templates/{template.pk}/try/").content.decode()
    assert "Save it as a check" not in html
    assert client.post(f"/templates/{template.pk}/try/", FULL | {"action": "save", "name": "X"}).status_code == 403
    check = TemplateCheck.objects.get()
    assert client.post(f"/templates/{template.pk}/checks/{check.pk}/remove/").status_code == 403
    assert "Template checks that broke" not in client.get("/").content.decode()


def test_lead_removes_a_check(lead, page, client, template):
    page("save", name="Orders")

    answer = client.post(f"/templates/{template.pk}/checks/{TemplateCheck.objects.get().pk}/remove/", follow=True)

    assert "The check “Orders” is removed." in answer.content.decode()
    assert not TemplateCheck.objects.exists()


def test_hostile_names_are_text(lead, client, team):
    evil = "<script>alert(1)</script>"
    field = Field("s", evil, FieldType.SINGLE_SELECT, description=evil, options=(Option(evil, evil), Option("b", "b")))
    template = a_connect_template(
        an_account(team), a_template(field, rules=[requires("s", equal("title", evil), name=evil)])
    )
    for address in (f"/templates/{template.pk}/try/", f"/templates/{template.pk}/"):
        assert "<script>alert" not in client.get(address).content.decode()
    html = client.post(
        f"/templates/{template.pk}/try/", {"fields-title": evil, "fields-s": evil, "action": "check"}
    ).content.decode()
    assert "<script>alert" not in html
    assert "A case could be opened with this filling" in html
