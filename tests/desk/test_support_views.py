"""Tests of the form's page: what follows a choice with and without JavaScript, what happens next, and what was said before."""

import html
import re
from datetime import timedelta

import pytest
from django.test import Client

from casesite import clock as site_clock
from casesite.aws.errors import Cause, Refused, Trace
from casesite.cases.models import Case
from casesite.delivery import report
from casesite.lookups.models import Lookup
from casesite.pacing import gate
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CheckResult
from tests.factories import PASSWORD, SERVICES, a_catalog, a_draft, a_submission, a_team, a_user, an_account

from .conftest import NEW, a_saved_draft, edit_url, new_token, post_edit, post_new, signed_in, token_of

HTMX = {"HTTP_HX_REQUEST": "true"}
EC2 = "amazon-elastic-compute-cloud-linux"


def update(client, typed, token="x" * 32, **headers):
    return client.post(NEW, typed | {"form_token": token, "action": "update"}, **headers)


def parts(client, typed, trigger, url=NEW):
    """What htmx gets after a change of one field."""
    given = typed | {"form_token": "x" * 32, "action": "update"}
    return client.post(url, given, **HTMX, HTTP_HX_TRIGGER_NAME=trigger).content.decode()


# --- without JavaScript ----------------------------------------------------------------------------------------------------
def test_update_shows_what_applies_and_keeps_all(client, typed):
    token = new_token(client)

    response = update(client, typed | {"service_code": EC2, "category_code": "", "subject": "Half a th"}, token)

    page = response.content.decode()
    assert response.status_code == 200
    assert '<option value="instance-issue">Instance Issue</option>' in page
    assert 'value="Half a th"' in page
    assert "We tried a reboot." in page
    assert token_of(response) == token
    assert 'class="error-summary"' not in page
    assert not Case.objects.exists()


def test_update_takes_an_empty_form(client):
    assert update(client, {}).status_code == 200


def test_whole_case_is_written_in_steps_without_javascript(client, typed, account):
    """Account first, then service, then the rest: each step posts one button."""
    token = new_token(client)
    so_far = {"account": str(account.pk), "issue_type": "technical"}
    page = update(client, so_far, token).content.decode()
    assert f'<option value="{EC2}">' in page

    so_far |= {"service_code": EC2}
    page = update(client, so_far, token).content.decode()
    assert '<option value="instance-issue">' in page

    whole = typed | so_far | {"category_code": "instance-issue"}
    response = client.post(NEW, whole | {"form_token": token, "action": "submit"})
    assert response.url == f"/cases/{Case.objects.get().reference}/"


def test_first_button_of_the_form_only_updates(client):
    """Enter in a line of text presses the first one."""
    page = client.get(NEW).content.decode()

    assert page[page.index('id="case-form"') :].split('name="action"', 1)[1].startswith(' value="update"')


@pytest.mark.parametrize("action", ["", "approve", "SUBMIT"])
def test_unknown_action_keeps_nothing(client, typed, action):
    response = client.post(NEW, typed | {"form_token": new_token(client), "action": action})

    assert response.status_code == 200
    assert not Case.objects.exists()


def test_update_of_a_draft_keeps_its_version(client, typed):
    case = a_saved_draft(client, typed)

    response = client.post(edit_url(case), typed | {"form_token": "1", "action": "update", "subject": "Half"})

    assert token_of(response) == "1"
    case.refresh_from_db()
    assert case.subject == typed["subject"]


# --- with htmx --------------------------------------------------------------------------------------------------------------
def test_service_brings_its_categories_and_languages(client, typed):
    answer = parts(client, typed | {"service_code": EC2}, "service_code")

    assert 'id="part-category_code"' in answer
    assert 'id="part-language"' in answer
    assert 'id="part-next"' in answer
    assert '<option value="instance-issue">' in answer
    assert 'name="subject"' not in answer
    assert 'name="communication_body"' not in answer
    assert 'id="part-service_code"' not in answer


def test_account_brings_everything_that_follows(client, typed, team):
    other = an_account(team, name="Other", check_result=CheckResult.BLOCKED, check_summary="No plan.")
    a_catalog(other, services=SERVICES[2:])

    answer = parts(client, typed | {"account": str(other.pk)}, "account")

    for name in ("account_note", "service_code", "category_code", "severity_code", "language", "next"):
        assert f'id="part-{name}"' in answer
    assert "No plan." in answer
    assert '<option value="billing">' in answer
    assert 'name="subject"' not in answer


@pytest.mark.parametrize("trigger", ["severity_code", "subject", "team"])
def test_other_choices_bring_only_the_panel(client, typed, trigger):
    answer = parts(client, typed, trigger)

    assert 'id="part-next"' in answer
    assert "part-service_code" not in answer
    assert "<select" not in answer


def test_parts_are_put_in_their_places(client, typed):
    answer = parts(client, typed, "service_code")

    assert answer.count("hx-swap-oob") == answer.count('id="part-') + 1  # and the words on the button


def test_category_asks_for_its_languages_and_waits(client, typed):
    answer = parts(client, typed, "category_code")

    lookup = Lookup.objects.get(kind="support_languages")
    assert f'data-lookup="{lookup.pk}"' in answer
    assert 'hx-trigger="lookup-answered from:#part-language"' in answer


def test_answered_languages_replace_those_that_are_known(client, typed):
    parts(client, typed, "category_code")
    lookup = Lookup.objects.get(kind="support_languages")
    answered(lookup, {"languages": [["en", "English"], ["ja", "Japanese"]]})

    given = typed | {"form_token": "x" * 32, "action": "update", "part": "languages"}
    answer = client.post(NEW, given, **HTMX).content.decode()

    assert '<option value="ja">Japanese</option>' in answer
    assert 'value="tr"' not in answer
    assert "lookup-answered" not in answer


def test_catalogue_is_awaited_and_comes_by_itself(client, typed, team):
    bare = an_account(team, name="Brand new")
    chosen = typed | {"account": str(bare.pk), "service_code": "", "category_code": ""}

    answer = parts(client, chosen, "account")
    assert "It is being asked for; you can write meanwhile." in answer
    assert 'hx-trigger="lookup-answered from:#part-service_code"' in answer

    a_catalog(bare)
    given = chosen | {"form_token": "x" * 32, "action": "update", "part": "catalog"}
    answer = client.post(NEW, given, **HTMX).content.decode()
    assert f'<option value="{EC2}">' in answer
    assert "being asked for" not in answer


def test_question_that_failed_is_shown_and_not_asked_again_by_itself(client, typed, team, clock):
    bare = an_account(team, name="Brand new")
    chosen = typed | {"account": str(bare.pk)}
    parts(client, chosen, "account")
    Lookup.objects.update(state="failed", error="AWS could not be reached.", answered_at=clock.now)

    for _n in range(2):
        answer = parts(client, chosen, "account")
        assert "AWS could not be reached." in answer
        assert "Try again" in answer
        assert Lookup.objects.count() == 1
    clock.advance(minutes=15)
    parts(client, chosen, "account")
    assert Lookup.objects.count() == 2


def test_languages_that_failed_are_not_asked_again_by_themselves(client, typed, clock):
    parts(client, typed, "category_code")
    Lookup.objects.update(state="failed", error="AWS could not be reached.", answered_at=clock.now)

    answer = parts(client, typed, "category_code")

    assert "AWS could not be reached." in answer
    assert Lookup.objects.count() == 1


# --- signing in again --------------------------------------------------------------------------------------------------------
def test_expired_session_loses_no_text(typed, author, catalog, bells):
    client = signed_in(author)
    token = new_token(client)
    client.logout()

    answer = client.post(NEW, typed | {"form_token": token, "action": "submit"}).content.decode()
    assert "We tried a reboot." in answer
    kept = kept_of(answer)
    resumed = client.post(
        f"/accounts/login/?next={NEW}", {"username": "silva", "password": PASSWORD, "kept_fields": kept}
    ).content.decode()

    assert "We tried a reboot." in resumed
    assert not Case.objects.exists()


def test_expired_session_answers_htmx_without_touching_the_page(typed, db):
    response = Client().post(NEW, typed | {"action": "update"}, **HTMX)

    assert response.status_code == 401
    assert response.content == b""


# --- what happens next --------------------------------------------------------------------------------------------------------
def test_panel_names_who_reviews(client, typed, reviewer):
    assert "A. Okafor" in parts(client, typed, "severity_code")


@pytest.mark.parametrize(
    ("more", "second_approval", "words"),
    [
        (0, "never", "by A. Okafor"),
        (1, "never", "by bell or A. Okafor"),
        (2, "never", "by bell, chen or A. Okafor"),
        (3, "never", "by bell, chen, diaz or others"),
        (0, "always", "by two of A. Okafor the team needs a second reviewer; a lead can change that"),
        (1, "always", "by two of bell, A. Okafor"),
    ],
)
def test_panel_names_three_reviewers_at_most(client, typed, team, account, more, second_approval, words):
    account.second_approval = second_approval
    account.save()
    for name in ("bell", "chen", "diaz")[:more]:
        a_user(name, team=team, role="reviewer")

    text = " ".join(re.sub("<[^>]*>", " ", parts(client, typed, "severity_code")).split())

    assert f"Review {words} Goes out" in text


def test_panel_says_when_nobody_can_review(client, typed, reviewer):
    reviewer.memberships.all().delete()

    assert "nobody in Payments can review it yet" in parts(client, typed, "severity_code")


def test_author_is_not_named_as_reviewer(author, catalog, typed, bells):
    author.memberships.update(role="lead")

    assert "nobody in Payments can review it yet" in parts(signed_in(author), typed, "severity_code")


@pytest.mark.parametrize(
    ("policy", "severity", "words", "button"),
    [
        ("always", "critical", "by", "Submit for review"),
        ("after_urgent", "urgent", "afterwards: urgent and critical cases", "Submit and send"),
        ("after_urgent", "high", "by", "Submit for review"),
        ("never", "low", "none: cases of this account go out without", "Submit and send"),
    ],
)
def test_panel_and_button_follow_the_policy(client, typed, account, policy, severity, words, button):
    account.review_policy = policy
    account.save()

    answer = parts(client, typed | {"severity_code": severity}, "severity_code")

    assert words in answer
    assert button in answer


def test_panel_says_when_it_can_go_out(client, typed, author, account, clock, by_day):
    account.cases_per_hour, account.reserved_urgent = 1, 0
    account.save()
    assert "as soon as it is approved" in parts(client, typed, "severity_code")

    a_submission(State.DELIVERED, case=a_draft(by=author, account=account))
    clock.advance(minutes=10)

    answer = parts(client, typed, "severity_code")
    at = clock.now + timedelta(minutes=50)
    assert f">{at:%H:%M}</time></b>, once approved" in answer
    assert "1 of 1 used this hour" in answer


def test_panel_keeps_the_reserve_for_urgent_cases(client, typed, author, account, clock):
    account.cases_per_hour, account.reserved_urgent = 2, 1
    account.save()
    a_submission(State.DELIVERED, case=a_draft(by=author, account=account))

    assert "1 kept for urgent cases" in parts(client, typed, "severity_code")
    assert "as soon as it is approved" in parts(client, typed | {"severity_code": "urgent"}, "severity_code")


def test_panel_honours_the_gate(client, typed, account, clock):
    gate.hold(account.pk, clock.now + timedelta(minutes=7), "limit exceeded")

    assert f">{clock.now + timedelta(minutes=7):%H:%M}</time>" in parts(client, typed, "severity_code")


def test_panel_tells_the_first_answer(client, typed):
    assert "within 4\u00a0h of that" in parts(client, typed | {"severity_code": "high"}, "severity_code")


def test_panel_says_where_plans_promise_a_sooner_answer(client, typed, account):
    critical = typed | {"severity_code": "critical"}
    assert "within 30\u00a0min of that, on some plans sooner" in parts(client, critical, "severity_code")

    AwsAccount.objects.filter(pk=account.pk).update(first_response="critical=15")

    told = parts(client, critical, "severity_code")
    assert "within 15\u00a0min of that" in told
    assert "on some plans sooner" not in told


# --- looks alike ----------------------------------------------------------------------------------------------------------------
def test_open_and_outgoing_cases_with_a_similar_subject_are_shown(client, typed, author, account):
    going = a_submission(case=a_draft(by=author, account=account, subject="rds failover took 12 MINUTES")).case
    there = a_submission(
        State.DELIVERED, case=a_draft(by=author, account=account, subject="RDS failover took longer")
    ).case

    panel = parts(client, typed, "subject")

    assert "Looks alike" in panel
    assert going.get_absolute_url() in panel
    assert f"Going out · {going.reference} · {author} ·" in panel
    assert panel.index(going.reference) < panel.index(f"Open at AWS · {there.reference}")


def test_alike_leaves_out_drafts_ended_cases_other_accounts_services_subjects_and_itself(
    client, typed, author, account, team
):
    a_draft(by=author, account=account)
    a_submission(State.REJECTED, case=a_draft(by=author, account=account))
    a_submission(case=a_draft(by=author, account=an_account(team)))
    a_submission(case=a_draft(by=author, account=account, service_code="amazon-elastic-compute-cloud-linux"))
    a_submission(case=a_draft(by=author, account=account, subject="Restore of a snapshot is stuck"))
    own = a_saved_draft(client, typed)

    assert "Looks alike" not in parts(client, typed, "subject", edit_url(own))


def test_alike_shows_nothing_of_other_teams(client, typed, account):
    other = a_team()
    account.teams.add(other)
    a_submission(case=a_draft(by=a_user(team=other), account=account, subject=typed["subject"]))

    assert "Looks alike" not in parts(client, typed, "subject")


def test_alike_blocks_nothing(client, typed, author, account):
    a_submission(case=a_draft(by=author, account=account, subject=typed["subject"]))

    assert post_new(client, typed).status_code == 302


# --- what was said before ----------------------------------------------------------------------------------------------------------
def test_reason_of_a_return_stands_on_top(client, typed, reviewer):
    post_new(client, typed)
    submission = Submission.objects.get()
    workflow.return_to_author(
        submission, by=reviewer, payload_sha256=submission.payload_sha256, reason="Which <b>cluster</b>?"
    )

    page = client.get(edit_url(submission.case)).content.decode()

    assert "A. Okafor returned it:" in page
    assert "Which &lt;b&gt;cluster&lt;/b&gt;?" in page


def test_reason_of_a_return_stays_on_top_while_one_tries(client, typed, author, account, reviewer):
    case = a_submission(State.RETURNED, case=a_draft(by=author, account=account), reviewer=reviewer).case

    for action in ("update", "submit"):
        page = client.post(edit_url(case), typed | {"subject": "", "form_token": "1", "action": action})
        assert "A. Okafor returned it:" in page.content.decode()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Invalid category code", "category_code"),
        ("1 validation error detected: Value at 'severityCode' failed to satisfy constraint", "severity_code"),
        ("The service code x is not valid", "service_code"),
        ("Invalid language: zz", "language"),
        ("Value at 'communicationBody' failed: length less than or equal to 8000", "communication_body"),
        ("ccEmailAddresses holds an invalid member", "cc_email_addresses"),
        ("The subject is too long", "subject"),
        ("issueType must be one of", "issue_type"),
    ],
)
def test_refusal_by_aws_stands_at_its_field(client, author, account, words, name):
    case = refused(author, account, words)

    page = client.get(edit_url(case)).content.decode()

    assert f'id="error_1_id_{name}"' in page
    assert "AWS refused the case." in page
    assert 'class="error-summary"' in page


def test_refusal_that_names_no_field_stands_on_top(client, author, account):
    case = refused(author, account, "Something is off")

    page = client.get(edit_url(case)).content.decode()

    assert '<q dir="auto">Something is off</q>' in page
    assert "error_1_id_" not in page


def test_refusal_leaves_its_field_when_that_was_changed(client, author, account, typed):
    case = refused(author, account, "Invalid category code")
    post_edit(client, case, typed | {"category_code": "apis"})

    page = client.get(edit_url(case)).content.decode()

    assert "error_1_id_category_code" not in page
    assert '<q dir="auto">Invalid category code</q>' in page


def test_refusal_stands_above_a_form_with_errors_of_its_own(client, author, account, typed):
    case = refused(author, account, "Invalid category code")

    page = client.post(edit_url(case), typed | {"subject": "", "form_token": "1", "action": "submit"}).content.decode()

    assert '<q dir="auto">Invalid category code</q>' in page
    assert 'id="error_1_id_subject"' in page
    assert "error_1_id_category_code" not in page


# --- hostile text --------------------------------------------------------------------------------------------------------------------
HOSTILE = '"><script>alert(1)</script>{{ 7|add:7 }}{% now "Y" %}</textarea><img src=x onerror=alert(2)>'


def test_hostile_text_stays_text_in_the_form(client, typed):
    everywhere = dict.fromkeys(typed, HOSTILE[:20])
    everywhere |= {"subject": HOSTILE, "communication_body": HOSTILE, "cc_email_addresses": HOSTILE}

    for action in ("update", "submit"):
        response = client.post(NEW, everywhere | {"form_token": HOSTILE, "action": action})
        page = response.content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "{{ 7|add:7 }}" in page


@pytest.mark.parametrize("name", ["account", "team", "service_code", "category_code", "subject", "language"])
def test_null_characters_reach_no_query(client, typed, name):
    assert client.post(NEW, typed | {name: "a\0b", "action": "update"}).status_code == 200
    assert client.post(NEW, typed | {name: "a\0b", "action": "submit", "form_token": "\0" * 30}).status_code == 200


def test_hostile_names_from_aws_stay_text(client, typed, account, clock):
    clock.advance(hours=1)
    service = {"code": "<i>code", "name": "<script>alert(1)</script>", "categories": [{"code": "<c>", "name": "<u>x"}]}
    a_catalog(account, services=[service], severities=[{"code": "<s>", "name": "<script>2</script>"}])

    page = update(client, typed | {"service_code": "<i>code"}).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not any(bad in page for bad in ("<script>alert", "<script>2", "<u>x", "<i>code"))


# --- helpers ---------------------------------------------------------------------------------------------------------------------------
def refused(author, account, words):
    """A draft whose submission AWS refused with these words."""
    submission = a_submission(State.SENDING, case=a_draft(by=author, account=account))
    report.finish(
        submission.attempts.get(),
        trace=Trace("support.CreateCase"),
        error=Refused(
            words,
            cause=Cause.INVALID,
            again=False,
            operation="support.CreateCase",
            code="InvalidParameterValueException",
        ),
        remote_id="",
        duration=timedelta(seconds=1),
    )
    return submission.case


def answered(lookup, answer):
    Lookup.objects.filter(pk=lookup.pk).update(
        state="answered", answer=answer, answered_at=site_clock.now(), expires_at=site_clock.now() + timedelta(days=1)
    )


def kept_of(page):
    return html.unescape(re.search(r'name="kept_fields"\s+value="([^"]*)"', page)[1])
