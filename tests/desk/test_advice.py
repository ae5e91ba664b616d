"""What the form remarks about the words: secrets that need a tick, quota requests, severity, and what a good case says."""

import html
import logging
import re
import sys
import time
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casesite.cases.models import Case, CaseEvent
from casesite.desk.advice import Advice
from casesite.desk.forms.offer import Offer
from casesite.lookups.models import Lookup
from casesite.screening.secrets import find_secrets
from casesite.submissions.models import Submission
from casesite.teams.models import ReviewPolicy
from tests.factories import a_team, a_user
from tests.screening.made import MAKERS

from .conftest import NEW, a_saved_draft, edit_url, errors_of, new_token, post_edit, post_new, signed_in

HTMX = {"HTTP_HX_REQUEST": "true"}
EC2 = "amazon-elastic-compute-cloud-linux"
SECRET = MAKERS["secret key"]("form")
OTHER = MAKERS["github"]("form")
WITH_SECRET = f"Since 09:12 UTC.\r\nWe tried a reboot.\r\naws_secret_access_key = {SECRET}\r\n"
MESSAGE = "Line 3 seems to hold a secret: AWS secret access key."


def tick_in(response):
    """What the box on the page says when it is ticked."""
    return re.search(r'name="confirm_secrets"\s+value="([^"]*)"', response.content.decode())[1]


def is_ticked(response):
    return bool(re.search(r'name="confirm_secrets"[^>]*\bchecked', response.content.decode()))


def outside_the_text(response):
    """The page but for the box that the description is typed into."""
    return re.sub(r"<textarea.*?</textarea>", "", response.content.decode(), flags=re.DOTALL)


def remarks(response):
    return re.findall(r'id="remark-(\w+)"', response.content.decode())


def update(client, typed, url=NEW, **headers):
    return client.post(url, typed | {"form_token": "x" * 32, "action": "update"}, **headers)


def while_typing(client, typed, trigger="communication_body", **more):
    return update(client, typed | more, **HTMX, HTTP_HX_TRIGGER_NAME=trigger)


def shown_in(response):
    return re.search(r'name="advice_shown" value="([^"]*)"', response.content.decode())[1]


def said_items(response):
    return re.findall(r'data-item="(\w+)" class="ok"', response.content.decode())


@pytest.fixture
def leaking(typed):
    return typed | {"communication_body": WITH_SECRET}


# --- secrets ---------------------------------------------------------------------------------------------------------------
def test_secret_needs_a_tick(client, leaking):
    response = post_new(client, leaking)

    assert response.status_code == 200
    assert errors_of(response) == {"confirm_secrets": [MESSAGE]}
    page = response.content.decode()
    assert 'id="error_1_id_confirm_secrets"' in page
    assert 'href="#id_confirm_secrets"' in page
    assert not is_ticked(response)
    assert not Case.objects.exists()


def test_typed_text_is_kept(client, leaking):
    page = post_new(client, leaking).content.decode()

    assert html.escape(WITH_SECRET) in page


def test_tick_lets_it_go(client, leaking):
    tick = tick_in(post_new(client, leaking))

    response = post_new(client, leaking, confirm_secrets=tick)

    assert response.status_code == 302
    assert SECRET in Submission.objects.get().payload["communicationBody"]


def test_tick_of_a_client_without_a_page_holds_for_what_is_there(client, leaking):
    assert post_new(client, leaking, confirm_secrets="on").status_code == 302


def test_tick_is_on_record_with_kinds_and_lines_only(client, author, leaking):
    post_new(client, leaking, confirm_secrets=tick_in(post_new(client, leaking)))

    event = CaseEvent.objects.get(what="confirmed_secrets")
    submission = Submission.objects.get()
    assert (event.by, event.submission_id, event.at) == (author, submission.pk, submission.submitted_at)
    assert event.text == "communication_body:3:aws_secret_key"


def test_tick_is_told_on_the_case_page(client, leaking):
    response = post_new(client, leaking, confirm_secrets=tick_in(post_new(client, leaking)))

    page = client.get(response.url).content.decode()
    assert (
        "M. Silva ticked that what seems to be a secret is sent all the same: "
        "line 3 of the description (AWS secret access key)" in " ".join(page.split())
    )


@pytest.mark.parametrize("policy", ReviewPolicy)
def test_tick_is_needed_and_recorded_whatever_the_policy(client, account, leaking, policy):
    account.review_policy = policy
    account.save(update_fields=["review_policy"])

    refused = post_new(client, leaking)
    assert not Case.objects.exists()
    post_new(client, leaking, confirm_secrets=tick_in(refused))

    assert CaseEvent.objects.filter(what="confirmed_secrets").count() == 1


def test_new_secret_asks_anew(client, leaking):
    tick = tick_in(post_new(client, leaking))
    both = leaking | {"communication_body": f"{WITH_SECRET}{OTHER}"}

    response = post_new(client, both, confirm_secrets=tick)

    assert errors_of(response)["confirm_secrets"] == [MESSAGE, "Line 4 seems to hold a secret: GitHub token."]
    assert not is_ticked(response)
    assert post_new(client, both, confirm_secrets=tick_in(response)).status_code == 302


def test_another_secret_in_the_same_place_asks_anew(client, leaking):
    tick = tick_in(post_new(client, leaking))
    other = leaking | {"communication_body": WITH_SECRET.replace(SECRET, MAKERS["secret key"]("other"))}

    assert "confirm_secrets" in errors_of(post_new(client, other, confirm_secrets=tick))


def test_another_private_key_asks_anew(client, typed):
    """What is found of one is its header, and that is the same of all."""
    one, other = (typed | {"communication_body": f"Our key:\n{MAKERS['private key'](seed)}"} for seed in "ab")
    tick = tick_in(post_new(client, one))

    assert "confirm_secrets" in errors_of(post_new(client, other, confirm_secrets=tick))
    assert post_new(client, one, confirm_secrets=tick).status_code == 302


def test_tick_holds_when_lines_move_or_one_of_two_is_taken_out(client, leaking):
    both = leaking | {"communication_body": f"{WITH_SECRET}{OTHER}"}
    tick = tick_in(post_new(client, both))

    moved = leaking | {"communication_body": f"One line more.\r\n{WITH_SECRET}"}
    assert post_new(client, moved, confirm_secrets=tick).status_code == 302
    assert CaseEvent.objects.get(what="confirmed_secrets").text == "communication_body:4:aws_secret_key"


def test_secret_in_the_subject_is_found_too(client, typed):
    response = post_new(client, typed | {"subject": f"Our token {OTHER} fails"})

    assert errors_of(response) == {"confirm_secrets": ["The subject seems to hold a secret: GitHub token."]}


def test_draft_is_saved_without_a_tick(client, leaking):
    case = a_saved_draft(client, leaking)

    response = client.get(edit_url(case))
    assert remarks(response) == ["secrets"]
    assert not is_ticked(response)
    assert not CaseEvent.objects.filter(what="confirmed_secrets").exists()


def test_draft_is_submitted_with_a_tick(client, leaking):
    case = a_saved_draft(client, leaking)

    refused = post_edit(client, case, leaking, "submit")
    assert not Submission.objects.exists()
    post_edit(client, case, leaking, "submit", confirm_secrets=tick_in(refused))

    assert case.events.filter(what="confirmed_secrets", submission_id=Submission.objects.get().pk).count() == 1


def test_next_revision_needs_a_tick_of_its_own(client, leaking):
    post_new(client, leaking, confirm_secrets=tick_in(post_new(client, leaking)))
    case = Case.objects.get()
    client.post(case.get_absolute_url(), {"action": "withdraw"})

    assert not is_ticked(client.get(edit_url(case)))
    assert "confirm_secrets" in errors_of(post_edit(client, case, leaking, "submit"))


def test_double_click_is_recorded_once(client, leaking):
    tick = tick_in(post_new(client, leaking))
    token = new_token(client)

    for _n in range(2):
        client.post(NEW, leaking | {"form_token": token, "action": "submit", "confirm_secrets": tick})

    assert CaseEvent.objects.filter(what="confirmed_secrets").count() == 1


def test_tick_without_a_secret_is_not_recorded(client, typed):
    assert post_new(client, typed, confirm_secrets="on").status_code == 302
    assert not CaseEvent.objects.filter(what="confirmed_secrets").exists()


def test_secret_stands_nowhere_but_in_the_text(client, leaking, caplog):
    """No page, event or log line repeats it."""
    with caplog.at_level(logging.DEBUG):
        refused = post_new(client, leaking)
        typing = while_typing(client, leaking)
        response = post_new(client, leaking, confirm_secrets=tick_in(refused))

    assert SECRET not in outside_the_text(refused)
    assert SECRET not in typing.content.decode()
    assert SECRET not in caplog.text
    assert all(SECRET not in event.text for event in CaseEvent.objects.all())
    assert all(SECRET not in str(value) for value in response.headers.values())


def test_no_remark_quotes_a_secret(client, typed):
    """Words of an outage are quoted; a secret in the midst of them is not."""
    leaking = typed | {"communication_body": f"Our {OTHER} production system is down.", "severity_code": "low"}

    response = while_typing(client, leaking)

    assert OTHER not in response.content.decode()
    assert remarks(response)[0] == "secrets"


def test_many_secrets_are_not_all_named(client, typed):
    many = "\n".join(MAKERS["github"](f"many {n}") for n in range(25))

    response = post_new(client, typed | {"communication_body": many})

    said = errors_of(response)["confirm_secrets"]
    assert len(said) == 11
    assert said[-1] == "And 15 more."


def test_secret_is_not_asked_about_at_aws_without_a_tick(client, leaking, settings):
    settings.DRY_RUNS = True
    response = post_new(client, leaking, "ask_aws")

    assert "confirm_secrets" in errors_of(response)
    assert not Lookup.objects.filter(kind="dry_run").exists()
    assert "confirm_secrets" not in errors_of(post_new(client, leaking, "ask_aws", confirm_secrets=tick_in(response)))


@pytest.mark.parametrize("tick", ["", "no such mark", "\x00", "'\"><script>", "x" * 100_000])
def test_hostile_tick_ticks_nothing(client, leaking, tick):
    response = post_new(client, leaking, confirm_secrets=tick)

    assert "confirm_secrets" in errors_of(response)
    assert "<script>" not in response.content.decode().replace("<script src", "").replace("<script>\n", "")
    assert not Case.objects.exists()


# --- while typing ------------------------------------------------------------------------------------------------------------
def test_warnings_come_while_somebody_writes(client, leaking):
    response = while_typing(client, leaking)

    page = response.content.decode()
    assert 'id="part-problems"' in page
    assert page.count(MESSAGE) == 2  # at the field and beside the form
    assert "<textarea" not in page
    assert 'id="part-next"' not in page
    assert "error_1_id" not in page


def test_nothing_is_replaced_where_nothing_changed(client, leaking):
    shown = shown_in(while_typing(client, leaking))

    assert while_typing(client, leaking, advice_shown=shown).status_code == 204
    more = leaking | {"communication_body": f"{WITH_SECRET} And so on."}
    assert while_typing(client, more, advice_shown=shown).status_code == 204
    assert while_typing(client, leaking, advice_shown=shown, severity_code="low").status_code == 204
    assert "part-remarks" not in while_typing(client, leaking, "severity_code", advice_shown=shown).content.decode()


def test_writing_costs_little(client, leaking, django_assert_max_num_queries):
    """Session, person and teams; the choices of the form are not asked for."""
    with django_assert_max_num_queries(3):
        assert while_typing(client, leaking).status_code == 200


def test_tick_stays_while_the_findings_stay(client, leaking):
    tick = tick_in(while_typing(client, leaking))
    moved = leaking | {"communication_body": f"One line more.\r\n{WITH_SECRET}"}
    more = leaking | {"communication_body": f"{WITH_SECRET}{OTHER}"}

    assert is_ticked(while_typing(client, moved, confirm_secrets=tick))
    assert not is_ticked(while_typing(client, more, confirm_secrets=tick))


def test_update_without_javascript_shows_remarks_and_no_error(client, leaking):
    response = update(client, leaking)

    assert remarks(response) == ["secrets"]
    assert 'class="error-summary"' not in response.content.decode()


def test_both_texts_are_searched_once_for_each_request(client, typed):
    long = typed | {"communication_body": "x y " * 2000, "subject": "A subject"}
    calls = Counter()

    def note(frame, event, _argument):
        if event == "call" and frame.f_code is find_secrets.__code__:
            calls["find_secrets"] += 1

    sys.setprofile(note)
    try:
        update(client, long)
    finally:
        sys.setprofile(None)

    assert calls["find_secrets"] == 2


def test_long_text_is_looked_through_quickly(author, typed, catalog):
    text = ("Since 09:12 UTC aws_secret_access_key=abc customers see password: 503 errors in eu-west-1. " * 100)[:8000]
    values = typed | {"communication_body": text}

    start = time.process_time()
    Advice(Offer(author, values), values).state  # noqa: B018  (it works out everything)

    assert time.process_time() - start < 0.5


# --- quota -------------------------------------------------------------------------------------------------------------------
def test_quota_request_is_pointed_to_service_quotas(client, typed, account):
    asking = typed | {
        "service_code": EC2,
        "category_code": "other",
        "communication_body": "Please raise our vCPU quota in eu-west-1 to 512.",
    }

    response = while_typing(client, asking)

    page = response.content.decode()
    assert remarks(response) == ["quota"]
    assert 'href="https://eu-west-1.console.aws.amazon.com/servicequotas/home/services/ec2/quotas"' in page
    assert f"<b><bdi>{account}</bdi></b>" in page
    assert "A higher quota is asked for elsewhere" in page


def test_quota_link_is_of_the_accounts_partition(client, typed, account):
    account.role_arn = "arn:aws-us-gov:iam::111122223333:role/cases"
    account.save(update_fields=["role_arn"])

    page = while_typing(client, typed | {"communication_body": "Please raise our Lambda quota."}).content.decode()

    assert "console.amazonaws-us-gov.com/servicequotas/" in page


def test_quota_request_may_go_on(client, typed):
    asking = typed | {"communication_body": "Please increase our quota of instances to 512."}

    assert post_new(client, asking).status_code == 302


# --- severity ----------------------------------------------------------------------------------------------------------------
def test_words_against_the_severity_are_remarked(client, typed):
    down = typed | {"severity_code": "low", "communication_body": "Our production database is down."}

    response = while_typing(client, down)

    assert remarks(response) == ["severity"]
    page = response.content.decode()
    assert "“production database is down”" in page or "“Our production database is down”" in page
    assert "<b>General guidance</b>" in page


def test_severity_that_fits_is_not_remarked(client, typed):
    down = typed | {"severity_code": "urgent", "communication_body": "Our production database is down."}

    assert remarks(while_typing(client, down, "severity_code")) == []


def test_severity_against_words_blocks_nothing(client, typed):
    down = typed | {"severity_code": "low", "communication_body": "Our production database is down."}

    assert post_new(client, down).status_code == 302


# --- what a good case says ---------------------------------------------------------------------------------------------------
def test_list_ticks_itself(client, typed):
    response = while_typing(client, typed | {"communication_body": "Since 09:12 UTC in eu-west-1.", "subject": "x"})

    assert said_items(response) == ["since", "region"]


def test_new_form_has_nothing_ticked_and_nothing_to_remark(client):
    response = client.get(NEW)

    assert said_items(response) == []
    assert remarks(response) == []
    assert "Problems found so far" not in response.content.decode()


def test_billing_case_is_asked_other_things(client, typed):
    billing = typed | {"issue_type": "customer-service", "service_code": "billing"}

    page = update(client, billing).content.decode()

    assert re.findall(r'data-item="(\w+)"', page) == ["since", "impact", "tried"]
    assert "Which charge, invoice or account" in page


def test_kind_brings_its_hint(client, typed):
    billing = typed | {"issue_type": "customer-service"}

    answer = while_typing(client, billing, "issue_type").content.decode()

    assert '<p id="id_communication_body_helptext" class="hint" hx-swap-oob="true">Which charge' in answer
    assert "helptext" not in while_typing(client, billing, "severity_code").content.decode()


TECHNICAL, BILLING = (
    "Engineers who have never seen your system read this. Quote errors word for word, give times with their zone, and name one resource that shows it.",
    "The billing team sees your invoices but not your reasons: give the invoice number or month, the amount, and what you want to come of it.",
)


def guidance_in(response):
    """What stands below the list of what a good case says."""
    return re.findall(r'id="part-good_case".*?<p class="small muted">(.*?)</p>', response.content.decode(), re.DOTALL)


@pytest.mark.parametrize(("kind", "text"), [("technical", TECHNICAL), ("customer-service", BILLING)])
def test_each_kind_has_its_guidance(client, typed, kind, text):
    assert guidance_in(update(client, typed | {"issue_type": kind})) == [text]


def test_new_form_guides_by_the_kind_it_starts_with(client):
    assert guidance_in(client.get(NEW)) == [TECHNICAL]


def test_guidance_follows_the_kind_as_it_is_chosen(client, typed):
    shown = shown_in(update(client, typed))

    answer = while_typing(client, typed, "issue_type", issue_type="customer-service", advice_shown=shown)

    assert guidance_in(answer) == [BILLING]


def append(client, typed, **more):
    return client.post(NEW, typed | {"form_token": new_token(client), "action": "append_missing"} | more)


def test_missing_is_appended_as_headings(client, typed):
    response = append(client, typed | {"communication_body": "Since 09:12 UTC in eu-west-1.\r\nWe rebooted."})

    form = response.context["form"]
    assert form.initial["communication_body"] == (
        "Since 09:12 UTC in eu-west-1.\nWe rebooted.\n\nWhat happens (exact error):\n\nResource ids or ARNs:\n\n"
        "Who is affected, and how:\n"
    )
    assert form.initial["subject"] == typed["subject"]
    assert not Case.objects.exists()
    assert 'data-guard="unsaved"' in response.content.decode()
    assert "stands below it as headings" in response.content.decode()


def test_appending_twice_adds_nothing(client, typed):
    once = append(client, typed).context["form"].initial["communication_body"]
    twice = append(client, typed | {"communication_body": once}).context["form"].initial["communication_body"]

    assert twice == once


@pytest.mark.parametrize("length", [7900, 7960, 7970, 9000])
def test_headings_never_make_it_too_long(client, typed, length):
    text = "x" * length

    response = append(client, typed | {"communication_body": text})

    appended = response.context["form"].initial["communication_body"]
    assert appended.startswith(text)
    assert len(appended) <= max(7970, length)
    assert "has no room for every heading" in response.content.decode()


def test_headings_are_appended_to_a_draft_and_the_version_stays(client, typed):
    case = a_saved_draft(client, typed)

    response = client.post(edit_url(case), typed | {"form_token": "1", "action": "append_missing"})

    assert "Who is affected, and how:" in response.context["form"].initial["communication_body"]
    case.refresh_from_db()
    assert case.version == 1


# --- shared ------------------------------------------------------------------------------------------------------------------
HOSTILE = "<img src=x onerror=alert(1)>"


def test_what_is_quoted_is_escaped(client, typed):
    down = typed | {"severity_code": "low", "communication_body": f"{HOSTILE} production is down {HOSTILE}"}

    for response in (while_typing(client, down), append(client, down)):
        assert HOSTILE not in response.content.decode()


def test_broken_characters_break_nothing(client, typed):
    for text in ("\x00", "a\x00b password=hunter2abc", "\ufeff" * 10):
        assert while_typing(client, typed | {"communication_body": text, "subject": text}).status_code == 200


def test_others_learn_nothing_of_a_draft(client, leaking, team):
    case = a_saved_draft(client, leaking)
    foreign = signed_in(a_user("fox", team=a_team()))

    assert foreign.post(edit_url(case), {"action": "append_missing"}).status_code == 404


def test_remarks_ask_the_database_nothing(client, leaking, typed):
    def queries(given):
        with CaptureQueriesContext(connection) as seen:
            update(client, given)
        return len(seen)

    queries(typed)
    assert queries(leaking | {"severity_code": "low"}) == queries(typed)
