"""Whether AWS would accept a case, in a real browser: the answer arrives by itself, and what was typed stays."""

import pytest
from playwright.sync_api import expect

from casesite.lookups.answer import note
from casesite.lookups.models import Lookup
from casesite.submissions.dry_runs import KIND, Result, Said
from casesite.teams.models import Role
from tests.axe import assert_accessible
from tests.factories import PASSWORD, a_catalog, a_draft, a_submission, a_team, a_user, an_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS = "The severity code is not valid for this account."


@pytest.fixture
def account(bells, settings):
    settings.DRY_RUNS = True
    account = an_account(a_team("Payments"), name="Payments prod")
    a_catalog(account)
    return account


@pytest.fixture
def signed_in(live_server, page_at, account):
    """A page in which a reviewer of the team is signed in."""

    def at(address, **options):
        person = a_user("l.berg", team=account.teams.get(), role=Role.REVIEWER)
        page = page_at(live_server, **options)
        page.goto(f"/accounts/login/?next={address}")
        page.get_by_label("Username").fill(person.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: url.endswith(address))
        return page

    return at


def answer(said, **more):
    """As a worker would, a moment later."""
    lookup = Lookup.objects.get(kind=KIND)
    note(KIND, lookup.account, lookup.params, Result(said=said, **more).as_answer())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_answer_arrives_on_the_review_page(scheme, width, account, signed_in):
    submission = a_submission(case=a_draft(by=a_user(team=account.teams.get()), account=account))
    address = f"/admin/submissions/submission/{submission.pk}/change/"
    page = signed_in(address, color_scheme=scheme, viewport={"width": width, "height": 900})
    expect(page.get_by_text("Asking AWS…")).to_be_visible()
    assert_accessible(page)

    answer(Said.REFUSED, text=WORDS)

    told = page.locator("[data-dry-run=refused]")
    expect(told).to_contain_text("AWS would refuse this")
    expect(told).to_contain_text(f"Severity: {WORDS}")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_form_is_asked_about_and_keeps_what_was_typed(scheme, width, account, signed_in):
    page = signed_in("/cases/new/support/", color_scheme=scheme, viewport={"width": width, "height": 900})
    page.evaluate("document.querySelector('[name=service_code]').tomselect.setValue('billing')")
    page.locator("[name=category_code] option[value=other-billing-questions]").wait_for(state="attached")
    page.locator("[name=category_code]").select_option("other-billing-questions")
    page.locator("[name=severity_code][value=low]").check(force=True)
    page.get_by_label("Subject").fill("Two charges for one month")
    page.get_by_label("Description").fill("July stands there twice.\nSince 1 August.")
    page.get_by_role("button", name="Ask AWS whether it would accept this").click()

    expect(page.locator(".asked-aws")).to_be_focused()
    expect(page.get_by_label("Subject")).to_have_value("Two charges for one month")
    expect(page.get_by_label("Description")).to_have_value("July stands there twice.\nSince 1 August.")
    answer(Said.REFUSED, text=WORDS)

    expect(page.locator("[data-dry-run=refused]")).to_contain_text(WORDS)
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("[data-dry-run=refused] a").click()
    expect(page.locator("#id_severity_code_0")).to_be_focused()
