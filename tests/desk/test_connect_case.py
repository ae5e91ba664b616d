"""Opening cases by Connect templates: the list, the form, drafts, and what the case's page tells."""

import re
from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casesite.cases import files
from casesite.cases.models import Case, Kind
from casesite.catalog.models import CasesDomain, ConnectTemplate
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.catalog.templates import a_template
from tests.factories import a_connect_draft, a_connect_template, a_team, a_user, an_account

from .test_try_template import FULL, TEMPLATE, errors_in

LIST = "/cases/new/connect/"


@pytest.fixture
def team(db):
    return a_team("Payments")


@pytest.fixture
def agent(team, client):
    user = a_user("alex", team=team)
    client.force_login(user)
    return user


@pytest.fixture
def template(team):
    return a_connect_template(an_account(team, name="Shop", connect_regions="us-east-1"), TEMPLATE)


class Tab:
    """A page of the form in a browser."""

    def __init__(self, client, address):
        self.client, self.address = client, address
        html = client.get(address).content.decode()
        self.html = html
        self.token = re.search(r'name="form_token" value="([^"]*)"', html)[1]
        self.page = re.search(r'name="page" value="([^"]*)"', html)[1]
        self.save_address = re.search(r'hx-post="([^"]*/save/)"', html)[1]
        self.serial = 0

    def post(self, address, typed, action, **headers):
        self.serial += 1
        carried = {"form_token": self.token, "page": self.page, "serial": str(self.serial), "action": action}
        return self.client.post(address, typed | carried, headers=headers)

    def press(self, action, **changes):
        return self.post(self.address, FULL | changes, action)

    def follow(self, **changes):
        """As htmx asks while somebody fills in."""
        answer = self.post(self.address, FULL | changes, "update", **{"HX-Request": "true"})
        return answer.content.decode()

    def save_by_itself(self, **changes):
        answer = self.post(self.save_address, FULL | changes, "", **{"HX-Request": "true"})
        html = answer.content.decode()
        if found := re.search(r'data-token="([^"]*)"', html):
            self.token = found[1]
            self.address = re.search(r'data-address="([^"]*)"', html)[1]
            self.save_address = re.search(r'hx-post="([^"]*)"', html)[1]
        return html


@pytest.fixture
def tab(client, agent, template):
    return Tab(client, f"{LIST}{template.pk}/")


def names_in(html):
    return re.findall(r'<li class="list-row two-cells" data-template="[^"]*">\s*<div>\s*<a [^>]*>(.*?)</a>', html)


# --- the list ----------------------------------------------------------------------------------------------------------
def test_templates_of_the_teams_accounts_are_offered_by_domain(client, agent, template, team):
    a_connect_template(template.domain.account, replace(TEMPLATE, id="second", name="Complaint"))
    a_connect_template(an_account(a_team(), connect_regions="us-east-1"), replace(TEMPLATE, name="Foreign"))
    a_connect_template(template.domain.account, replace(TEMPLATE, id="third", name="Closed", active=False))
    html = client.get(LIST).content.decode()

    assert names_in(html) == ["Complaint", TEMPLATE.name]
    assert "Service desk" in html and "Shop" in html


def test_template_that_is_switched_off_for_the_team_is_not_offered(client, agent, template, team):
    template.off_for.add(team)

    assert names_in(client.get(LIST).content.decode()) == []
    assert client.get(f"{LIST}{template.pk}/").status_code == 404


def test_empty_list_says_what_to_do(client, agent):
    assert "No template to open a case by" in client.get(LIST).content.decode()


def test_list_costs_the_same_however_long_it_is(client, agent, template):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            client.get(LIST)
        return len(seen)

    client.get(LIST)
    before = queries()
    for number in range(8):
        a_connect_template(template.domain.account, replace(TEMPLATE, id=f"more-{number}", name=f"More {number}"))
    assert queries() == before


def test_description_for_agents_stands_in_place_of_awss(client, agent, template):
    ConnectTemplate.objects.update(description_for_agents="For <late> parcels only")

    assert "For &lt;late&gt; parcels only" in client.get(LIST).content.decode()


# --- the form ----------------------------------------------------------------------------------------------------------
def test_submitted_form_becomes_a_case_that_waits_for_review(tab, agent, template):
    answer = tab.press("submit", tags="cost-centre=4711", first_comment="Called twice")

    case = Case.objects.get()
    assert answer.url == case.get_absolute_url()
    assert (case.kind, case.subject, case.author, case.account) == (
        *(Kind.CONNECT, "Orders fail", agent, template.domain.account),
    )
    row = case.submissions.get()
    assert row.state == State.PENDING_REVIEW
    assert row.payload["tags"]["cost-centre"] == "4711"
    assert row.content["first_comment"] == "Called twice"
    sent = {field["id"]: field["value"] for field in row.payload["fields"]}
    assert sent["loss"] == {"doubleValue": 2.5}
    assert sent["public"] == {"booleanValue": False}
    assert sent["since"] == {"stringValue": "2026-11-25T14:30:00.000Z"}


def test_what_is_missing_is_said_at_the_field_and_nothing_is_lost(tab):
    html = tab.press("submit", **{"fields-component": "", "fields-note": "Kept & safe"}).content.decode()

    assert "Answer this" in errors_in(html)["component"]
    assert "Kept &amp; safe" in html
    assert not Case.objects.exists()


def test_draft_keeps_anything_and_comes_back_as_typed(tab, client):
    answer = tab.press("save_draft", **{"fields-loss": "a lot", "fields-product": "", "tags": "no equals sign"})
    assert answer.url == f"{Case.objects.get().get_absolute_url()}edit/"

    html = client.get(answer.url).content.decode()
    assert 'value="a lot"' in html
    assert "no equals sign" in html
    assert client.get(Case.objects.get().get_absolute_url()).status_code == 200


def test_double_click_makes_one_case(tab):
    first, second = tab.press("submit"), tab.press("submit")

    assert first.url == second.url
    assert Submission.objects.count() == 1


def test_back_and_another_text_is_told_that_it_was_sent(tab):
    tab.press("submit")
    html = tab.press("submit", **{"fields-note": "Another text"}).content.decode()

    assert "Another text" in html
    assert Submission.objects.count() == 1


def test_rules_answer_as_one_fills_in(tab):
    html = tab.follow(**{"fields-public": "true", "known": ["note=shown-x"]})

    assert "is hidden" in html
    assert 'id="part-rules"' in html and "part-request" not in html


def test_hidden_text_is_kept_on_the_page_and_not_sent(tab):
    tab.press("submit", **{"fields-public": "true"})

    row = Submission.objects.get()
    assert row.content["dropped"] == [{"id": "note", "typed": FULL["fields-note"]}]
    assert "note" not in {field["id"] for field in row.payload["fields"]}


def test_page_saves_itself_and_goes_on_as_its_draft(tab):
    html = tab.save_by_itself()
    case = Case.objects.get()
    assert 'data-state="saved"' in html and tab.address == f"{case.get_absolute_url()}edit/"

    tab.save_by_itself(**{"fields-title": "Orders fail again"})
    case.refresh_from_db()
    assert case.subject == "Orders fail again"
    assert tab.press("submit", **{"fields-title": "Orders fail again"}).url == case.get_absolute_url()
    assert Submission.objects.count() == 1


def test_older_tab_is_told_and_overwrites_nothing(tab, client, agent, template):
    tab.press("save_draft")
    case = Case.objects.get()
    one, other = Tab(client, f"{case.get_absolute_url()}edit/"), Tab(client, f"{case.get_absolute_url()}edit/")
    one.press("save_draft", **{"fields-title": "Newer"})
    html = other.press("save_draft", **{"fields-title": "Older"}).content.decode()

    case.refresh_from_db()
    assert case.subject == "Newer"
    assert "was changed in another tab" in html and 'value="Older"' in html
    assert f'formaction="{LIST}{template.pk}/"' in html


def test_secret_needs_a_tick_that_is_kept_with_the_name(tab):
    typed = {"fields-note": "password = hunter2-Horse-Battery!"}
    html = tab.press("submit", **typed).content.decode()
    assert "seems to hold a secret" in html and not Case.objects.exists()

    tick = re.search(r'name="confirm_secrets" value="([^"]*)"', html)[1]
    tab.press("submit", **typed, confirm_secrets=tick)
    assert Case.objects.get().events.filter(what="confirmed_secrets").exists()


def test_tags_are_checked_where_they_stand(tab):
    html = tab.press("submit", tags="casesite-ref=mine").content.decode()

    assert "is ours" in html
    assert not Case.objects.exists()


def test_domain_without_tags_asks_for_none(client, agent, template):
    CasesDomain.objects.update(may_tag=False)

    assert 'name="tags"' not in client.get(f"{LIST}{template.pk}/").content.decode()


def test_default_tags_stand_in_the_form(client, agent, template):
    ConnectTemplate.objects.update(default_tags="cost-centre=1")

    assert "cost-centre=1" in client.get(f"{LIST}{template.pk}/").content.decode()


def test_person_of_two_teams_says_for_which(client, agent, template, team):
    second = a_team("Returns")
    second.memberships.create(user=agent, role=Role.AGENT)
    template.domain.account.teams.add(second)
    tab = Tab(client, f"{LIST}{template.pk}/")
    tab.press("submit", team=str(second.pk))

    assert Case.objects.get().team == second


def test_hostile_texts_of_a_template_stay_texts(client, agent, team):
    mark = "<script>alert(1)</script>"
    fields = tuple(replace(field, name=f"{field.name} {mark}", description=mark) for field in TEMPLATE.fields)
    row = a_connect_template(an_account(team), replace(TEMPLATE, name=mark, fields=fields))

    for address in (LIST, f"{LIST}{row.pk}/"):
        assert mark not in client.get(address).content.decode()


# --- the template changes ------------------------------------------------------------------------------------------------
def test_draft_of_an_older_version_is_told_what_went(tab, client, template):
    tab.press("save_draft")
    case = Case.objects.get()
    newer = replace(TEMPLATE, fields=tuple(field for field in TEMPLATE.fields if field.id != "note"), rules=())
    a_connect_template(template.domain.account, replace(newer, sections=None))
    html = client.get(f"{case.get_absolute_url()}edit/").content.decode()

    assert "The template changed since this draft was begun" in html
    assert "502 &lt;b&gt;everywhere" in html


# --- the case's page -----------------------------------------------------------------------------------------------------
def test_case_page_tells_the_values_by_name(tab, client, template):
    tab.press("submit", **{"fields-public": "true"}, first_comment="Called <i>twice</i>")
    html = client.get(Case.objects.get().get_absolute_url()).content.decode()

    assert "Platform" in html and TEMPLATE.name in html
    assert "hidden by a rule, not sent" in html
    assert "Called &lt;i&gt;twice&lt;/i&gt;" in html


def test_case_is_copied_with_all_that_was_typed(tab, client):
    tab.press("submit", tags="a=b")
    case = Case.objects.get()
    html = client.get(case.get_absolute_url()).content.decode()
    token = re.search(r'name="copy_token" value="([^"]*)"', html)[1]
    client.post(case.get_absolute_url(), {"action": "copy", "copy_token": token})

    copy = Case.objects.exclude(pk=case.pk).get()
    assert copy.connect.typed == case.connect.typed and copy.connect.tags == "a=b"


def test_returned_case_is_mended_and_submitted_again(tab, client, team, template):
    tab.press("submit")
    row = Submission.objects.get()
    reviewer = a_user(team=team, role=Role.REVIEWER)
    workflow.return_to_author(row, by=reviewer, payload_sha256=row.payload_sha256, reason="Which shop?")
    again = Tab(client, f"{row.case.get_absolute_url()}edit/")
    assert "Which shop?" in again.html

    again.press("submit", **{"fields-note": "Shop 12"})
    assert row.case.submissions.opening().get(newest=True).revision == 2


def test_lists_and_queue_show_both_kinds(tab, client, team, template, agent):
    tab.press("submit")
    row = Submission.objects.get()
    reviewer = a_user(team=team, role=Role.REVIEWER)
    workflow.approve(row, by=reviewer, payload_sha256=row.payload_sha256)

    assert "Orders fail" in client.get("/cases/").content.decode()
    assert 'for="id_kind"' in client.get("/cases/").content.decode()
    assert "Orders fail" in client.get("/cases/?kind=connect").content.decode()
    assert "Orders fail" not in client.get("/cases/?kind=support").content.decode()
    html = client.get("/queue/").content.decode()
    assert "Amazon Connect in us-east-1" in html and "Orders fail" in html
    assert "Orders fail" in client.get("/").content.decode()


def test_form_of_thirty_fields_asks_the_database_as_little_as_one_of_three(client, agent, team):
    def queries(count):
        row = a_connect_template(an_account(team), a_template(*TEMPLATE.fields[:count]))
        client.get(f"{LIST}{row.pk}/")
        with CaptureQueriesContext(connection) as seen:
            client.get(f"{LIST}{row.pk}/")
        return len(seen)

    assert queries(3) == queries(8)


def test_draft_of_another_person_is_read_and_not_written(client, agent, template, team):
    other = a_connect_draft(template, by=a_user(team=team), typed={"title": "Theirs"})

    assert client.get(other.get_absolute_url()).status_code == 200
    assert client.get(f"{other.get_absolute_url()}edit/").status_code == 403


# --- what leads settle ---------------------------------------------------------------------------------------------------
def test_lead_switches_a_template_off_for_own_teams_alone(client, team, template):
    second = a_team("Returns")
    template.domain.account.teams.add(second)
    template.off_for.add(second)
    lead = a_user(team=team, role=Role.LEAD)
    client.force_login(lead)
    address = f"/admin/catalog/connecttemplate/{template.pk}/change/"
    html = client.get(address).content.decode()
    offered = re.search(r'<select name="off_for".*?</select>', html, re.S)[0]
    assert "Payments" in offered and "Returns" not in offered

    kept = {"description_for_agents": "", "default_tags": "", "performed_by": template.performed_by}
    client.post(address, kept | {"off_for": [str(team.pk)]})
    assert set(template.off_for.all()) == {team, second}
    client.post(address, kept)
    assert set(template.off_for.all()) == {second}


# --- files -----------------------------------------------------------------------------------------------------------------
@pytest.fixture
def instance(template):
    """The Connect instance that files go to is known."""
    CasesDomain.objects.update(found_instance_arn="arn:aws:connect:us-east-1:111111111111:instance/1")
    return template


def test_file_comes_with_the_form_and_belongs_to_what_is_approved(client, agent, instance):
    tab = Tab(client, f"{LIST}{instance.pk}/")
    tab.press("submit", files=SimpleUploadedFile("sign.txt", b"Open from 9 to 5"))

    row = Submission.objects.get()
    assert [(file["name"], file["size"]) for file in row.files] == [("sign.txt", 16)]
    assert "sign.txt" in client.get(row.case.get_absolute_url()).content.decode()


def test_draft_keeps_its_file_and_gives_it_up(client, agent, instance):
    tab = Tab(client, f"{LIST}{instance.pk}/")
    tab.press("save_draft", files=SimpleUploadedFile("sign.txt", b"Open from 9 to 5"))
    case = Case.objects.get()
    again = Tab(client, f"{case.get_absolute_url()}edit/")
    assert "sign.txt" in again.html

    again.press("save_draft", kept_files="")
    assert not files.of_draft(case)


def test_file_that_is_too_large_is_refused_before_anybody_waits(client, agent, instance):
    asked = {"connect_template": instance.pk, "name": "film.mp4", "size": 21 * 1024 * 1024, "held": 0}
    answer = client.post("/cases/files/", asked)

    assert answer.status_code == 422 and "20" in answer.content.decode()


def test_domain_whose_instance_nobody_knows_takes_no_files(client, agent, template):
    assert "nobody knows the Connect instance" in client.get(f"{LIST}{template.pk}/").content.decode()
    asked = {"connect_template": template.pk, "name": "sign.txt", "size": 5, "held": 0}
    assert client.post("/cases/files/", asked).status_code == 422


# --- what AWS said ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("Field component must have a value.", "component"),
        ("The value of Note is too long.", "note"),
        ("Something is wrong.", None),
    ],
)
def test_refusal_stands_at_the_field_that_it_names(tab, client, team, words, at):
    tab.press("submit")
    row = Submission.objects.get()
    reviewer = a_user(team=team, role=Role.REVIEWER)
    workflow.approve(row, by=reviewer, payload_sha256=row.payload_sha256)
    for state in (State.PREPARING, State.FAILED):
        row.move(state, what=state, reason_code="refused", reason_text=words)
    html = client.get(f"{row.case.get_absolute_url()}edit/").content.decode()

    assert errors_in(html) == ({at: words} if at else {})
    assert html.count(words) >= 1


# --- two teams -------------------------------------------------------------------------------------------------------------
def test_templates_of_two_domains_and_accounts_are_apart(client, agent, template):
    others = a_team("Returns")
    foreign = a_connect_template(an_account(others, connect_regions="us-east-1"), replace(TEMPLATE, name="Return"))
    theirs = a_connect_draft(foreign, by=a_user(team=others), typed={"title": "A return"})
    own = Tab(client, f"{LIST}{template.pk}/")

    assert names_in(client.get(LIST).content.decode()) == [TEMPLATE.name]
    for address in (f"{LIST}{foreign.pk}/", theirs.get_absolute_url(), f"{theirs.get_absolute_url()}edit/"):
        assert client.get(address).status_code == 404
    assert own.post(f"{LIST}{foreign.pk}/", FULL, "submit").status_code == 404
    assert own.post(f"{LIST}{foreign.pk}/save/", FULL, "").status_code == 404
    assert Case.objects.filter(author=agent).count() == 0
