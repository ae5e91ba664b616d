"""Tests of the kept empty form: it is the form as rendered anew, and what is kept holds nothing of a person, team or account."""

import re
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.template import engines
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.test.html import parse_html
from django.utils import translation

from casesite.catalog.known import IssueType
from casesite.catalog.models import SupportCatalog
from casesite.desk.drafts import Saving
from casesite.desk.forms import blank
from casesite.desk.forms.blank import BlankForm
from casesite.desk.forms.offer import Offer
from casesite.desk.forms.support import SupportForm
from casesite.desk.views.support import Page, around_blank, outlook_of
from casesite.teams.models import CheckResult
from tests.factories import SERVICES, a_catalog, a_draft, a_team, a_user, an_account

from .conftest import NEW, signed_in

TOKEN = "t" * 32
CSRF = {"csrf_token": "c" * 32}
EC2 = "amazon-elastic-compute-cloud-linux"


@pytest.fixture(autouse=True)
def _nothing_kept():
    blank.kept.clear()


def start(account=None, issue_type="technical"):
    return {"account": str(account.pk if account else ""), "issue_type": issue_type, "language": "en"}


def blank_html(user, initial):
    offer = Offer(user, initial)
    own = {
        "offer": offer,
        "outlook": outlook_of(offer, {}, None),
        "form_token": TOKEN,
        "saving": Saving(TOKEN),
        **CSRF,
    }
    page = engines["django"].from_string("{% load desk %}{% blank_form form %}")
    return page.render({"form": BlankForm(offer, around_blank), "case": None, **own})


def whole_html(user, initial):
    form = SupportForm(offer=Offer(user, initial), initial=initial)
    request = RequestFactory().get(NEW)
    request.user = user
    return render_to_string(
        "desk/_case_form.html", Page(request, form, TOKEN).context | {"saving": Saving(TOKEN)} | CSRF
    )


def assert_same(user, initial):
    """Rendered twice: made and kept."""
    made, again, anew = blank_html(user, initial), blank_html(user, initial), whole_html(user, initial)

    assert made == again
    assert parse_html(made) == parse_html(anew)


# --- the same form -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("issue_type", IssueType.values)
def test_kept_form_is_the_form_rendered_anew(author, account, catalog, issue_type):
    assert_same(author, start(account, issue_type))


def test_kept_form_offers_services_used_lately_first(author, account, catalog):
    a_draft(by=author, account=account, service_code="billing")
    a_draft(by=author, account=account, service_code="gone-from-the-list")
    a_draft(by=author, account=account, service_code=EC2)

    assert_same(author, start(account))
    assert '<optgroup label="Used lately">' in blank_html(author, start(account))


def test_kept_form_asks_people_of_two_teams_for_one(author, account, catalog):
    assert_same(author, start(account))
    _second_team(author, account)

    assert_same(author, start(account))
    assert "Second" in blank_html(author, start(account))


def _second_team(user, account):
    team = a_team("Second")
    team.memberships.create(user=user, role="agent")
    account.teams.add(team)


def test_kept_form_without_an_account_or_a_catalogue(author, team, bells):
    assert_same(author, start())

    account = an_account(team, name="New one")
    assert_same(author, start())
    assert_same(author, start(account))


def test_kept_form_says_that_an_account_cannot_send(author, account, catalog):
    assert_same(author, start(account))
    account.check_result, account.check_summary = CheckResult.BLOCKED, "No support plan."
    account.save()

    assert_same(author, start(account))
    assert "No support plan." in blank_html(author, start(account))


def test_kept_form_escapes_what_people_and_aws_named(author, team, bells):
    account = an_account(team, name="<b>A&B</b>")
    services = [{"code": 'x"y', "name": "<script>", "categories": []}]
    a_catalog(account, services=services, severities=[{"code": "<i>", "name": "<u>"}])
    a_draft(by=author, account=account, service_code='x"y')

    assert_same(author, start(account))
    assert "<script>" not in blank_html(author, start(account))


# --- what it is kept by ----------------------------------------------------------------------------------------------------
def test_page_of_a_kept_form_reads_no_catalogue_and_asks_little(client, author, account, django_assert_max_num_queries):
    client.get(NEW)

    with django_assert_max_num_queries(13) as asked:
        client.get(NEW)

    assert not [each["sql"] for each in asked if '"catalog_supportcatalog"."content",' in each["sql"]]
    assert len(blank.kept) == 1


def test_another_catalogue_is_another_form(client, author, account):
    assert "Quantum Ledger" not in client.get(NEW).content.decode()

    a_catalog(account, services=[*SERVICES, {"code": "qldb", "name": "Quantum Ledger", "categories": []}])

    assert "Quantum Ledger" in client.get(NEW).content.decode()
    assert len(blank.kept) == 2


def test_same_catalogue_of_two_accounts_is_kept_once(author, account, catalog, team):
    other = an_account(team, name="Other")
    SupportCatalog.objects.create(
        account=other,
        content=catalog.content,
        content_sha256=catalog.content_sha256,
        fetched_at=catalog.fetched_at,
        seen_at=catalog.seen_at,
    )

    blank_html(author, start(account))
    blank_html(author, start(other))

    assert len(blank.kept) == 1


def test_kept_form_of_one_catalogue_tells_each_account_when_aws_showed_it_its_severities(
    author, account, catalog, team, clock_at
):
    clock = clock_at(datetime(2026, 3, 2, 8, 4, tzinfo=UTC))
    other = an_account(team, name="Other")
    yesterday = clock.now - timedelta(days=1)
    SupportCatalog.objects.update(seen_at=clock.now)
    SupportCatalog.objects.create(
        account=other,
        content=catalog.content,
        content_sha256=catalog.content_sha256,
        fetched_at=yesterday,
        seen_at=yesterday,
    )

    for one, day in ((account, "today"), (other, "yesterday"), (account, "today")):
        assert_same(author, start(one))
        text = " ".join(re.sub(r"<[^>]+>", " ", blank_html(author, start(one))).split())
        assert f"support plan {day} 08:04 ." in text
    assert len(blank.kept) == 1


def test_each_language_and_kind_is_a_form_of_its_own(author, account, catalog):
    keys = set()
    for language in ("en", "de"):
        for issue_type in IssueType.values:
            with translation.override(language):
                keys.add(BlankForm(Offer(author, start(account, issue_type)), around_blank).key)
                assert_same(author, start(account, issue_type))

    assert len(keys) == len(blank.kept) == 4


def test_site_that_asks_aws_nothing_has_no_button_for_it(client, author, account, catalog, settings):
    button = "Ask AWS whether it would accept this"
    settings.DRY_RUNS = True
    assert button in client.get(NEW).content.decode()

    settings.DRY_RUNS = False

    assert button not in client.get(NEW).content.decode()


def test_while_templates_may_change_under_it_nothing_is_kept(author, account, catalog, settings):
    settings.DEBUG = True

    assert_same(author, start(account))
    assert len(blank.kept) == 0


# --- nobody's data in it -----------------------------------------------------------------------------------------------------
def test_what_is_kept_holds_nothing_of_a_person_team_or_account(author, team, account, catalog):
    """Fifty pages of two teams, then all that is kept is searched."""
    _second_team(author, account)
    foreign = a_team("Foreign team")
    stranger = a_user("stranger-name", team=foreign)
    other = an_account(foreign, name="Foreign account", check_summary="Foreign summary")
    a_catalog(other, services=[*SERVICES, {"code": "a", "name": "Only theirs", "categories": []}])
    for user, one in ((author, account), (stranger, other)):
        a_draft(by=user, account=one, subject=f"Secret of {user}", service_code=EC2)
        client = signed_in(user)
        for _time in range(3):
            client.get(NEW)

    held = "".join(
        text
        for shared, _size in blank.kept._kept.values()
        for text in (
            *(f"{each.html} {each.template} {each.options_of}" for each in shared.pieces),
            *shared.services.values(),
        )
    )
    own = [team.name, "Second", "Foreign", "stranger", author.username, account.name, account.account_id, "Secret of"]
    assert len(blank.kept) == 2
    assert [each for each in (*own, other.account_id, "csrf", "form_token", "Used lately") if each in held] == []


def test_one_teams_page_shows_nothing_of_anothers_after_it(client, author, account, catalog):
    foreign = a_team("Foreign team")
    stranger = a_user("stranger-name", team=foreign)
    other = an_account(foreign, name="Foreign account")
    SupportCatalog.objects.create(
        account=other,
        content=catalog.content,
        content_sha256=catalog.content_sha256,
        fetched_at=catalog.fetched_at,
        seen_at=catalog.seen_at,
    )
    a_draft(by=author, account=account, service_code=EC2)

    pages = [each.get(NEW).content.decode() for each in (client, signed_in(stranger), client)]

    assert len(blank.kept) == 1
    assert [account.name in page for page in pages] == [True, False, True]
    assert ["Foreign account" in page for page in pages] == [False, True, False]
    assert ["Used lately" in page for page in pages] == [True, False, True]


def test_every_page_has_its_own_tokens(client):
    pages = [client.get(NEW) for _time in range(2)]

    tokens = [(page.context["form_token"], page.context["csrf_token"]) for page in pages]
    assert tokens[0][0] != tokens[1][0]
    assert str(tokens[0][1]) in pages[0].content.decode()


# --- within bounds -----------------------------------------------------------------------------------------------------------
def test_forms_of_many_catalogues_stay_within_the_bound(author, account, bells):
    """Each of 280 services, as at AWS; forty of them would take more than twice of what is allowed."""
    for number in range(40):
        services = [
            {"code": f"service-{number}-{each}", "name": f"Amazon Service {each} " + "x" * 500, "categories": []}
            for each in range(280)
        ]
        a_catalog(account, services=services)
        blank_html(author, start(account))

    held = [shared for shared, _size in blank.kept._kept.values()]
    texts = [text for one in held for text in (*(piece.html for piece in one.pieces), *one.services.values())]
    assert sum(map(sys.getsizeof, texts)) <= blank.kept.bytes_held <= blank.kept.most_bytes
    assert 0 < len(held) < 40
