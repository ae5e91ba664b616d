"""Tests of the review page: what it shows, and what becomes of decisions."""

import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest

from casesite.cases.models import Case
from casesite.catalog.models import SupportCatalog
from casesite.submissions import proven, workflow
from casesite.submissions.models import Decision, Submission, Verdict
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import CheckResult, ReviewPolicy, Role
from tests.factories import SERVICES, a_catalog, a_draft, a_submission, a_team, a_user, an_account

from .conftest import attention_url, review_url

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>{{ 7|add:7 }}'


def text_of(answer):
    """What stands on the page, without its markup."""
    page = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", page)).split())


def parameters_of(answer):
    """The values of each parameter, exactly as they stand on the page."""
    rows = re.findall(r'<tr data-parameter="(\w+)">(.*?)</tr>', answer.content.decode(), re.DOTALL)
    exact = r'<(pre|code|div) class="exact[^>]*>(.*?)</\1>'
    return {
        name: [unescape(re.sub(r"<[^>]*>", "", value)) for _tag, value in re.findall(exact, cell, re.DOTALL)]
        for name, cell in rows
    }


def alert_of(answer):
    found = re.search(r'role="alert"[^>]*>(.*?)</div>', answer.content.decode(), re.DOTALL)
    return unescape(found[1]) if found else None


def buttons_of(answer):
    return re.findall(r'name="decision" value="(\w+)"', answer.content.decode())


def post(client, submission, decision, reason="", **more):
    given = {"decision": decision, "reason": reason, "payload_sha256": submission.payload_sha256, **more}
    return client.post(review_url(submission), given)


# --- what it shows -----------------------------------------------------------------------------------------------------------
def test_every_parameter_stands_there_exactly(submitted, as_user, reviewer):
    body = "".join(f"Line {number} with  two blanks\n" for number in range(250)) + "\ttab, end. "
    submission = submitted(
        subject="  Two  blanks & <tags> ",
        communication_body=body,
        cc_email_addresses="a@example.com, b@example.com",
        severity_code="high",
    )

    shown = parameters_of(as_user(reviewer).get(review_url(submission)))

    expected = {name: value if isinstance(value, list) else [value] for name, value in submission.payload.items()}
    assert shown == expected
    assert shown["communicationBody"][0].endswith(f"\n\nRef: {submission.marker}")


def test_a_parameter_that_the_page_does_not_know_is_shown_too(waiting, as_user, reviewer):
    Submission.objects.filter(pk=waiting.pk).update(payload=waiting.payload | {"newMember": "something"})

    assert parameters_of(as_user(reviewer).get(review_url(waiting)))["newMember"] == ["something"]


def test_human_names_stand_beside_the_codes(submitted, as_user, reviewer):
    submission = submitted(severity_code="high", language="ja")

    text = text_of(as_user(reviewer).get(review_url(submission)))

    snapshot = submission.case.support.catalog.snapshot
    service = snapshot.service(submission.payload["serviceCode"])
    for words in (
        f"{service.name} {service.code}",
        f"{service.category(submission.payload['categoryCode']).name} {submission.payload['categoryCode']}",
        "Production system impaired high",
        "日本語 ja",
        "Technical technical",
    ):
        assert words in text


def test_names_are_those_of_the_catalogue_that_the_choices_were_made_from(waiting, as_user, reviewer):
    """A newer catalogue changes neither the names nor what was checked; the page says that there is one."""
    newer = SupportCatalog.objects.newest_of(waiting.account)
    SupportCatalog.objects.create(
        account=waiting.account,
        content={"services": [], "severities": []},
        content_sha256="f" * 64,
        fetched_at=newer.fetched_at,
        seen_at=newer.seen_at,
    )

    text = text_of(as_user(reviewer).get(review_url(waiting)))

    assert "AWS's catalogue has changed since" in text
    assert "no name for it in the catalogue" not in text


@pytest.mark.parametrize(
    ("services", "words"),
    [
        (SERVICES, "AWS's catalogue has changed since; it still has these choices"),
        (SERVICES[:1], "AWS's catalogue has changed since and no longer has: Service, Category."),
        (
            [{**each, "categories": []} for each in SERVICES],
            "AWS's catalogue has changed since and no longer has: Category.",
        ),
    ],
)
def test_choices_are_held_against_the_newest_catalogue(services, words, waiting, as_user, reviewer, clock):
    clock.advance(minutes=1)
    a_catalog(waiting.account, services=services)

    assert words in text_of(as_user(reviewer).get(review_url(waiting)))


@pytest.mark.parametrize(("hours", "said"), [(47, False), (48, True)])
def test_catalogue_that_was_not_read_lately_is_said_to_be_old(hours, said, submitted, as_user, reviewer, clock):
    waiting = submitted()
    clock.advance(hours=hours)

    text = text_of(as_user(reviewer).get(review_url(waiting)))

    assert ("What AWS offers was not read lately" in text) is said


def test_page_and_queue_tell_by_when_it_should_be_reviewed(
    submitted, team, as_user, reviewer, queue_url, clock, by_day
):
    waiting = submitted(account=an_account(team, review_minutes=60))
    due = clock.now + timedelta(hours=1)
    client = as_user(reviewer)

    before = [text_of(client.get(address)) for address in (review_url(waiting), queue_url)]
    clock.advance(hours=1)
    after = [text_of(client.get(address)) for address in (review_url(waiting), queue_url)]

    assert f"Review due {due:%H:%M}" in before[0]
    assert "overdue" not in before[1]
    assert f"Review overdue since {due:%H:%M}" in after[0]
    assert f"review overdue since {due:%H:%M}" in after[1]


def test_choice_without_a_catalogue_is_shown_by_its_code(waiting, as_user, reviewer):
    Submission.objects.filter(pk=waiting.pk).update(catalog_sha256="")

    text = text_of(as_user(reviewer).get(review_url(waiting)))

    assert "There was no catalogue to check the choices against" in text
    assert "no name for it in the catalogue" in text


@pytest.mark.parametrize(
    ("role_arn", "words"),
    [
        ("arn:aws:iam::111111111111:role/CaseOpener", "as the role arn:aws:iam::111111111111:role/CaseOpener"),
        ("", "with the site's own credentials"),
    ],
)
def test_account_role_and_operation_are_named(role_arn, words, submitted, team, as_user, reviewer):
    account = an_account(team, account_id="111111111111", name="Payments prod", role_arn=role_arn)

    text = text_of(as_user(reviewer).get(review_url(submitted(account=account))))

    assert "support.CreateCase" in text
    assert "Payments prod 1111 1111 1111" in text
    assert words in text


def test_hash_can_be_copied_and_is_what_the_buttons_send(waiting, as_user, reviewer):
    page = as_user(reviewer).get(review_url(waiting)).content.decode()

    assert f'data-copy="{waiting.payload_sha256}"' in page
    assert f'name="payload_sha256" value="{waiting.payload_sha256}"' in page


def test_unseen_characters_are_marked_and_counted(submitted, as_user, reviewer):
    submission = submitted(communication_body="pass\u200bword \u202egpj.exe", subject="a\u00a0b")

    answer = as_user(reviewer).get(review_url(submission))

    assert "3 characters show nothing" in text_of(answer)
    assert 'data-mark="U+202E"' in answer.content.decode()
    assert parameters_of(answer)["subject"] == ["a\u00a0b"]


def test_difference_to_the_last_revision_is_shown_field_by_field(submitted, team, as_user, reviewer, bells):
    first = submitted(State.RETURNED, communication_body="Hello\nMany tasks\nBye", severity_code="low")
    case = Case.objects.get(pk=first.case_id)
    case.support.communication_body = "Hello\nSix tasks\nBye"
    case.support.save()
    case.severity_code, case.account = "high", an_account(team, name="Ledger staging")
    case.save()
    second = a_submission(case=case)

    page = as_user(reviewer).get(review_url(second)).content.decode()

    assert "Changed since revision 1" in page
    assert set(re.findall(r'data-changed="(\w+)"', page)) == {"account", "severity_code", "communication_body"}
    assert "<del>Many</del> tasks" in page
    assert "<ins>Six</ins> tasks" in page


def test_revision_without_a_change_says_so(submitted, as_user, reviewer, bells):
    first = submitted(State.RETURNED)
    second = a_submission(case=Case.objects.get(pk=first.case_id))

    assert "Nothing but the reference line" in text_of(as_user(reviewer).get(review_url(second)))


def test_earlier_decisions_are_shown_with_their_reasons(submitted, as_user, reviewer, lead, bells):
    first = submitted(State.RETURNED, reviewer=lead)
    second = a_submission(case=Case.objects.get(pk=first.case_id))

    text = text_of(as_user(reviewer).get(review_url(second)))

    assert f"Returned by lead, revision 1 {first.decisions.get().reason}" in text


def test_earlier_revision_leads_to_the_newer_one(submitted, as_user, reviewer, bells):
    first = submitted(State.RETURNED)
    second = a_submission(case=Case.objects.get(pk=first.case_id))

    page = as_user(reviewer).get(review_url(first)).content.decode()

    assert review_url(second) in page


def test_page_tells_when_it_goes_out_and_what_is_used(submitted, team, as_user, reviewer, clock):
    account = an_account(team, cases_per_hour=4, reserved_urgent=1)
    for _case in range(3):
        submitted(State.DELIVERED, account=account)
    in_an_hour = clock.now + timedelta(hours=1)

    text = text_of(as_user(reviewer).get(review_url(submitted(account=account))))

    assert re.search(rf"It goes out about [^.]*{in_an_hour:%H:%M}\.", text)
    assert "3 of the hour's 4 cases are used. 1 of them is kept for urgent ones." in text


def test_page_with_room_says_now(waiting, as_user, reviewer):
    assert "It goes out now. 0 of the hour's 10 cases are used." in text_of(as_user(reviewer).get(review_url(waiting)))


def test_account_that_can_not_send_is_named_with_its_reason(submitted, team, as_user, reviewer):
    account = an_account(team, check_result=CheckResult.BLOCKED, check_summary="No Support plan.")

    text = text_of(as_user(reviewer).get(review_url(submitted(account=account))))

    assert "The account can't send. No Support plan." in text
    assert "It waits until the account can send again" in text


def test_sendings_are_shown_once_there_are_some(submitted, as_user, reviewer):
    submission = submitted(State.FAILED)
    attempt = submission.attempts.get()

    text = text_of(as_user(reviewer).get(review_url(submission)))

    assert attempt.aws_code in text
    assert "Sendings and checks" in text


def test_hostile_words_stay_text_everywhere(submitted, team, as_user, bells):
    reviewer = a_user("<b>reviewer</b>", team=team, role=Role.REVIEWER)
    account = an_account(team, name=HOSTILE[:80])
    words = {"subject": HOSTILE, "communication_body": HOSTILE, "cc_email_addresses": "<b>@example.com"}
    first = submitted(account=account, service_code=HOSTILE[:60], category_code="<u>", language="<i>", **words)
    workflow.return_to_author(first, by=reviewer, payload_sha256=first.payload_sha256, reason=HOSTILE)
    case = Case.objects.get(pk=first.case_id)
    case.support.communication_body = f"Changed {HOSTILE}"
    case.support.save()
    second = a_submission(case=case)

    answer = as_user(reviewer).get(review_url(second))
    page = answer.content.decode()

    for markup in ("<script>alert", "<img src=x", "<b>reviewer", "<u>", "<i>", "<b>@example"):
        assert markup not in page
    assert parameters_of(answer)["subject"] == [HOSTILE]
    assert "14" not in parameters_of(answer)["subject"][0]


def test_page_tells_who_else_is_looking(waiting, as_user, reviewer, lead):
    as_user(lead).get(review_url(waiting))

    assert "lead is looking at it too" in text_of(as_user(reviewer).get(review_url(waiting)))


def test_page_knows_its_place_in_the_queue(submitted, as_user, reviewer, clock):
    rows = []
    for _row in range(3):
        clock.advance(minutes=1)
        rows.append(submitted())

    page = as_user(reviewer).get(review_url(rows[1])).content.decode()

    assert "2 of 3" in page
    assert f'href="{review_url(rows[0])}" data-queue-previous' in page
    assert f'href="{review_url(rows[2])}" data-queue-next' in page


def test_page_asks_few_questions(submitted, as_user, reviewer, django_assert_max_num_queries, bells):
    first = submitted(State.RETURNED)
    second = a_submission(case=Case.objects.get(pk=first.case_id))
    for _row in range(3):
        submitted()
    client = as_user(reviewer)
    client.get(review_url(second))

    with django_assert_max_num_queries(20):
        client.get(review_url(second))


# --- who gets which buttons -----------------------------------------------------------------------------------------------------
def test_reviewer_has_three_buttons(waiting, as_user, reviewer):
    assert buttons_of(as_user(reviewer).get(review_url(waiting))) == ["approve", "return", "reject"]


def test_own_submission_has_the_sentence_instead_of_buttons(submitted, as_user, reviewer):
    answer = as_user(reviewer).get(review_url(submitted(by=reviewer)))

    assert buttons_of(answer) == []
    assert "Nobody reviews what they wrote themselves." in text_of(answer)


def test_superuser_without_the_role_has_the_sentence_instead_of_buttons(waiting, team, as_user):
    superuser = a_user(team=team, is_staff=True, is_superuser=True)
    client = as_user(superuser)

    answer = client.get(review_url(waiting))
    posted = post(client, waiting, "approve")

    assert buttons_of(answer) == []
    assert "Only reviewers of the team decide on its cases." in text_of(answer)
    assert (posted.status_code, alert_of(posted)) == (403, "Only reviewers of the team decide on its cases.")
    waiting.refresh_from_db()
    assert waiting.state == State.PENDING_REVIEW


@pytest.mark.parametrize("state", [state for state in State if state != State.PENDING_REVIEW])
def test_decided_row_has_no_buttons_and_says_where_it_stands(state, submitted, as_user, reviewer):
    submission = submitted(state)

    answer = as_user(reviewer).get(review_url(submission))

    assert (answer.status_code, buttons_of(answer)) == (200, [])
    assert f"Where it stands {submission.get_state_display()}." in text_of(answer)


def test_row_whose_approval_ran_out_says_why_it_is_back(submitted, as_user, reviewer):
    submission = submitted(State.QUEUED)
    submission.move(State.PENDING_REVIEW, reason_code=Reason.APPROVAL_EXPIRED)

    answer = as_user(reviewer).get(review_url(submission))

    assert "The approval ran out" in text_of(answer)
    assert buttons_of(answer) == ["approve", "return", "reject"]


def test_two_cases_at_aws_are_both_shown(submitted, as_user, reviewer):
    submission = submitted(State.DELIVERED)
    proven.record_case(submission.pk, "case-2")

    text = text_of(as_user(reviewer).get(review_url(submission)))

    assert f"Case at AWS: {submission.remote_id}" in text
    assert "AWS has a second case for it: case-2" in text


@pytest.mark.parametrize("method", ["get", "post"])
def test_unknown_and_foreign_rows_are_not_there(method, waiting, as_user, foreign_lead):
    client = as_user(foreign_lead)
    unknown = f"/admin/submissions/submission/{uuid4()}/change/"

    for address in (review_url(waiting), unknown, "/admin/submissions/submission/17/change/"):
        assert getattr(client, method)(address, {"decision": "approve"}).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
def test_agents_have_no_access(method, waiting, as_user, author, team):
    for agent in (author, a_user(team=team)):
        answer = getattr(as_user(agent), method)(review_url(waiting), {"decision": "approve"}, follow=True)
        assert answer.status_code == 403

    waiting.refresh_from_db()
    assert waiting.state == State.PENDING_REVIEW


# --- deciding ---------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("decision", "reason", "state", "verdict", "said"),
    [
        ("approve", "", State.QUEUED, Verdict.APPROVE, "Approved"),
        ("return", "Which region?", State.RETURNED, Verdict.RETURN, "Returned to author"),
        ("reject", "Not ours.", State.REJECTED, Verdict.REJECT, "Rejected"),
    ],
)
def test_last_decision_leads_back_to_the_queue(
    decision, reason, state, verdict, said, waiting, as_user, reviewer, queue_url
):
    client = as_user(reviewer)

    answer = post(client, waiting, decision, reason)

    assert (answer.status_code, answer.url) == (302, queue_url)
    waiting.refresh_from_db()
    made = Decision.objects.get()
    assert (waiting.state, made.what, made.by, made.reason) == (state, verdict, reviewer, reason)
    assert made.payload_sha256 == waiting.payload_sha256
    assert said in text_of(client.get(answer.url))


@pytest.mark.parametrize("decision", ["approve", "return", "reject"])
def test_after_a_decision_the_next_one_opens(decision, submitted, as_user, reviewer, clock):
    rows = []
    for _row in range(3):
        clock.advance(minutes=1)
        rows.append(submitted())
    client = as_user(reviewer)

    following = post(client, rows[1], decision, "Because." if decision != "approve" else "")
    first_again = post(client, rows[2], decision, "Because." if decision != "approve" else "")

    assert following.url == review_url(rows[2])
    assert first_again.url == review_url(rows[0])
    assert "“RDS failover took 11 minutes”" in text_of(client.get(first_again.url))


def test_next_one_is_one_that_this_person_may_decide_on(submitted, team, as_user, reviewer, lead, foreign_lead, clock):
    """Neither what they wrote, nor what somebody else is reading, nor another team's."""
    decided = submitted()
    clock.advance(minutes=1)
    submitted(by=reviewer)
    a_submission(case=a_draft(team=foreign_lead.memberships.get().team))
    read = submitted()
    as_user(lead).get(review_url(read))
    clock.advance(minutes=1)
    free = submitted()

    assert post(as_user(reviewer), decided, "approve").url == review_url(free)


def test_free_one_before_comes_before_one_behind_that_somebody_reads(submitted, as_user, reviewer, lead, clock):
    free, decided, read = (  # in this order in the queue
        submitted(severity_code=severity) for severity in ("high", "normal", "low")
    )
    as_user(lead).get(review_url(read))

    assert post(as_user(reviewer), decided, "approve").url == review_url(free)


def test_what_somebody_else_reads_is_the_next_where_nothing_else_is_left(submitted, as_user, reviewer, lead):
    decided, read = submitted(), submitted()
    as_user(lead).get(review_url(read))

    assert post(as_user(reviewer), decided, "approve").url == review_url(read)


@pytest.mark.parametrize("decision", ["return", "reject"])
@pytest.mark.parametrize("reason", ["", "  \n "])
def test_stopping_without_a_reason_is_an_error_at_the_field(decision, reason, waiting, as_user, reviewer):
    answer = post(as_user(reviewer), waiting, decision, reason)

    page = answer.content.decode()
    assert 'id="error_1_id_reason"' in page
    assert 'aria-invalid="true"' in page
    assert buttons_of(answer) == ["approve", "return", "reject"]
    waiting.refresh_from_db()
    assert waiting.state == State.PENDING_REVIEW


def test_too_long_reason_is_kept_and_refused(waiting, as_user, reviewer):
    reason = "x" * 2001

    answer = post(as_user(reviewer), waiting, "return", reason)

    assert 'id="error_1_id_reason"' in answer.content.decode()
    assert reason in answer.content.decode()


def test_reason_of_several_lines_is_kept_with_plain_line_ends(waiting, as_user, reviewer):
    post(as_user(reviewer), waiting, "return", "Which region?\r\nWhich cluster?")

    assert Decision.objects.get().reason == "Which region?\nWhich cluster?"


def test_decision_about_another_text_is_told_and_shows_the_text_of_now(waiting, as_user, reviewer):
    answer = post(as_user(reviewer), waiting, "approve", "My words", payload_sha256="0" * 64)

    assert answer.status_code == 409
    assert alert_of(answer).startswith("The text changed since you opened this page.")
    assert "My words" in answer.content.decode()
    assert f'value="{waiting.payload_sha256}"' in answer.content.decode()
    waiting.refresh_from_db()
    assert waiting.state == State.PENDING_REVIEW


def test_what_was_written_too_late_can_still_be_read(waiting, as_user, reviewer, lead):
    post(as_user(reviewer), waiting, "reject", "Because.")

    words = {"comment-subject": "Name the <cluster>"}
    page = post(as_user(lead), waiting, "return", "Which region?", **words).content.decode()

    assert "What you wrote was not kept" in page
    assert "Which region?" in page
    assert "Name the &lt;cluster&gt;" in page


@pytest.mark.parametrize(
    ("decision", "done"), [("approve", "approved"), ("return", "returned"), ("reject", "rejected")]
)
def test_second_reviewer_is_told_who_was_quicker(decision, done, waiting, as_user, reviewer, lead, clock):
    post(as_user(reviewer), waiting, decision, "Because.")
    at = clock.now

    answer = post(as_user(lead), waiting, "approve", "My words")

    assert answer.status_code == 409
    assert alert_of(answer) == f"Already {done} by reviewer at {at:%H:%M}."
    assert buttons_of(answer) == []
    assert Decision.objects.get().by == reviewer


def test_double_click_is_told_kindly(waiting, as_user, reviewer, clock):
    client = as_user(reviewer)
    post(client, waiting, "approve")

    assert alert_of(post(client, waiting, "approve")) == f"Already approved by you at {clock.now:%H:%M}."


def test_reviewer_of_a_withdrawn_row_is_told_so(waiting, as_user, reviewer, author, clock):
    workflow.withdraw(waiting, by=author)

    assert alert_of(post(as_user(reviewer), waiting, "approve")) == f"Withdrawn by author at {clock.now:%H:%M}."


def test_row_that_the_site_moved_on_says_where_it_is(submitted, as_user, reviewer):
    submission = submitted(State.QUEUED)
    submission.case.events.all().delete()

    alert = alert_of(post(as_user(reviewer), submission, "approve"))

    assert alert == "It moved on meanwhile: it is now “Queued”."


@pytest.mark.parametrize("decision", ["", "nonsense", "delete"])
def test_unknown_decision_decides_nothing(decision, waiting, as_user, reviewer):
    answer = post(as_user(reviewer), waiting, decision)

    assert answer.status_code == 200
    waiting.refresh_from_db()
    assert waiting.state == State.PENDING_REVIEW


def test_decision_needs_the_csrf_token(waiting, reviewer):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(reviewer)

    assert post(client, waiting, "approve").status_code == 403


def test_reason_survives_the_end_of_the_session(waiting, client):
    answer = post(client, waiting, "return", "A long reason")

    assert "A long reason" in answer.content.decode()
    waiting.refresh_from_db()
    assert waiting.state == State.PENDING_REVIEW


def test_viewings_end_with_the_decision(waiting, as_user, reviewer, lead):
    as_user(lead).get(review_url(waiting))
    post(as_user(reviewer), waiting, "approve")

    assert not waiting.viewings.exists()


# --- sent before review -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def gone_out(submitted, team):
    return submitted(account=an_account(team, review_policy=ReviewPolicy.AFTER_URGENT), severity_code="urgent")


def test_what_went_out_before_review_has_one_button(gone_out, as_user, reviewer):
    answer = as_user(reviewer).get(review_url(gone_out))

    assert buttons_of(answer) == ["looked"]
    assert "by the account's policy, revision 1" in text_of(answer)


def test_looked_at_it_takes_it_off_the_list(gone_out, as_user, reviewer):
    client = as_user(reviewer)

    answer = post(client, gone_out, "looked", "Fine.")

    assert answer.url == "/admin/submissions/submission/?review_after__exact=1"
    gone_out.refresh_from_db()
    assert (gone_out.review_after, gone_out.state) == (False, State.QUEUED)
    assert gone_out.decisions.last().by == reviewer


def test_second_look_is_told_who_was_quicker(gone_out, as_user, reviewer, lead, clock):
    post(as_user(reviewer), gone_out, "looked")

    answer = post(as_user(lead), gone_out, "looked")

    assert alert_of(answer) == f"Already looked at by reviewer at {clock.now:%H:%M}."


def test_author_does_not_look_at_their_own(submitted, team, as_user, lead):
    account = an_account(team, review_policy=ReviewPolicy.AFTER_URGENT)
    submission = submitted(account=account, severity_code="critical", by=lead)

    answer = as_user(lead).get(review_url(submission))

    assert buttons_of(answer) == []
    assert "Nobody reviews what they wrote themselves." in text_of(answer)


@pytest.mark.parametrize("decision", ["approve", "return", "reject"])
def test_what_went_out_is_not_decided_again(decision, gone_out, as_user, reviewer):
    answer = post(as_user(reviewer), gone_out, decision, "Because.")

    assert answer.status_code == 409
    gone_out.refresh_from_db()
    assert gone_out.state == State.QUEUED


# --- on to the ways out --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", [State.UNKNOWN, State.NEEDS_ATTENTION])
def test_leads_are_led_to_the_ways_out(state, submitted, as_user, lead, reviewer):
    submission = submitted(state)

    assert attention_url(submission) in as_user(lead).get(review_url(submission)).content.decode()
    assert attention_url(submission) not in as_user(reviewer).get(review_url(submission)).content.decode()


def test_a_team_of_the_same_account_sees_nothing_of_it(waiting, as_user, account):
    neighbours = a_team()
    account.teams.add(neighbours)

    client = as_user(a_user(team=neighbours, role=Role.LEAD))

    assert client.get(review_url(waiting)).status_code == 404


# --- looks alike -----------------------------------------------------------------------------------------------------------
def test_like_cases_stand_beside_the_decision(as_user, reviewer, author, account, submitted):
    waiting = submitted()
    other = submitted(subject="RDS failover took 12 minutes").case

    page = as_user(reviewer).get(review_url(waiting))

    assert f'href="{other.get_absolute_url()}" target="_blank"' in page.content.decode()
    assert f"Looks alike Same account and service, similar subject: {other.subject} Going out · {other.reference}" in (
        text_of(page)
    )


def test_like_cases_of_teams_that_the_reviewer_is_not_in_stay_hidden(as_user, reviewer, account, submitted):
    waiting = submitted()
    foreign = a_team()
    account.teams.add(foreign)
    submitted(by=a_user(team=foreign), account=account)

    assert "Looks alike" not in text_of(as_user(reviewer).get(review_url(waiting)))
