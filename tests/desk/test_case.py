"""Tests of the case page: where the case stands, what happened, what one may do, and how it refreshes itself."""

import html
import re
from datetime import timedelta

import pytest

from casesite.aws.errors import Cause, NotSent, Trace
from casesite.cases.models import Case, Stage
from casesite.delivery import report
from casesite.delivery.models import Look, LookResult
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.factories import a_draft, a_submission, a_user

from .conftest import a_saved_draft, edit_url, post_edit, post_new, signed_in

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def made(author, account, reviewer, bells):
    def make(state, **fields):
        case = a_draft(**{"by": author, "account": account, "team": author.memberships.first().team, **fields})
        return a_submission(state, case=case, reviewer=reviewer)

    return make


@pytest.fixture
def lead(team):
    return a_user("lead", team=team, role=Role.LEAD)


def page_of(client, case):
    return client.get(case.get_absolute_url()).content.decode()


def data_of(page):
    main = re.search(r"<main[^>]*>", page)[0]
    return dict(re.findall(r'data-(stage|state|reason|aws-case-id)="([^"]*)"', main))


def plain(page):
    """The words of a page without its markup."""
    body = page[page.index("<main") : page.index("</main>")]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


# --- where it stands -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("state", "stage", "label", "reason"),
    [
        (State.PENDING_REVIEW, "outgoing", "Waiting for review", ""),
        (State.QUEUED, "outgoing", "Queued", ""),
        (State.PREPARING, "outgoing", "Sending", ""),
        (State.SENDING, "outgoing", "Sending", ""),
        (State.UNKNOWN, "outgoing", "Checking with AWS", "no_answer"),
        (State.NEEDS_ATTENTION, "outgoing", "Needs a person", "cannot_look"),
        (State.DELIVERED, "open", "Open at AWS", ""),
        (State.FAILED, "draft", "Refused by AWS", "refused"),
        (State.RETURNED, "draft", "Returned to you", ""),
        (State.REJECTED, "closed", "Rejected", ""),
        (State.CANCELLED, "draft", "Withdrawn", "withdrawn"),
    ],
)
def test_page_tells_state_to_people_and_machines(client, made, state, stage, label, reason):
    submission = made(state)

    page = page_of(client, submission.case)

    assert data_of(page) == {
        "stage": stage,
        "state": state,
        "reason": reason,
        "aws-case-id": submission.remote_id or "",
    }
    assert f">{label}</span>" in page


def test_page_of_a_draft_has_no_state(client, typed):
    case = a_saved_draft(client, typed)

    page = page_of(client, case)

    assert data_of(page) == {"stage": "draft", "state": "", "reason": "", "aws-case-id": ""}
    assert "We tried a reboot." in page


@pytest.mark.parametrize(
    ("state", "steps"),
    [
        (None, ["now", "todo", "todo", "todo"]),
        (State.PENDING_REVIEW, ["done", "now", "todo", "todo"]),
        (State.RETURNED, ["now", "todo", "todo", "todo"]),
        (State.REJECTED, ["done", "now", "todo", "todo"]),
        (State.CANCELLED, ["now", "todo", "todo", "todo"]),
        (State.QUEUED, ["done", "done", "now", "todo"]),
        (State.SENDING, ["done", "done", "now", "todo"]),
        (State.UNKNOWN, ["done", "done", "now", "todo"]),
        (State.NEEDS_ATTENTION, ["done", "done", "now", "todo"]),
        (State.FAILED, ["now", "todo", "todo", "todo"]),
        (State.DELIVERED, ["done", "done", "done", "done"]),
    ],
)
def test_steps_show_how_far_it_is(client, made, typed, state, steps):
    case = made(state).case if state else a_saved_draft(client, typed)

    story = client.get(case.get_absolute_url()).context["story"]

    assert [step.state for step in story.steps] == steps


def test_steps_name_the_reviewer(client, made):
    assert "Approved" in plain(page_of(client, made(State.QUEUED).case))
    assert "by A. Okafor" in plain(page_of(client, made(State.QUEUED).case))


def test_step_of_an_unreviewed_case_says_so(client, author, account):
    account.review_policy = "never"
    account.save()
    submission = workflow.submit(a_draft(by=author, account=account), by=author)

    words = plain(page_of(client, submission.case))

    assert "Not reviewed by the account's setting" in words
    assert "without review, by the account's setting" in words


def test_resolved_case_says_so(client, made):
    submission = made(State.DELIVERED)
    Case.objects.filter(pk=submission.case_id).update(
        stage=Stage.RESOLVED, aws_status="resolved", aws_display_id="1712"
    )

    page = page_of(client, submission.case)

    assert ">Resolved</span>" in page
    assert "Resolved at AWS." in page


def test_unknown_case_says_when_it_is_sent_again_at_the_earliest(client, made):
    submission = made(State.UNKNOWN)
    bound = submission.attempts.get().bound

    words = plain(page_of(client, submission.case))

    assert "AWS did not answer. We are checking whether the case was opened; nothing to do." in words
    assert f"at the earliest at {bound:%H:%M}" in words


def test_unknown_case_of_an_asking_account_is_not_promised_to_be_sent(client, made, account):
    account.unknown_policy = "ask"
    account.save()

    assert "If it is not there, a lead decides" in plain(page_of(client, made(State.UNKNOWN).case))


def test_queued_case_says_when_it_goes_out(client, made, account, clock, by_day):
    account.cases_per_hour, account.reserved_urgent = 1, 0
    account.save()
    made(State.DELIVERED)
    clock.advance(minutes=20)
    submission = made(State.QUEUED)

    words = plain(page_of(client, submission.case))

    at = clock.now + timedelta(minutes=40)
    assert f"It waits for its turn. Goes out about {at:%H:%M} : 1 of 1 used this hour. Number 1 in line." in words


def test_refused_case_repeats_what_aws_said(client, made):
    words = plain(page_of(client, made(State.FAILED).case))

    assert "AWS refused the case." in words
    assert "AWS says: Invalid category code" in words


def test_second_case_at_aws_is_shown(client, made):
    submission = made(State.DELIVERED)
    Case.objects.filter(pk=submission.case_id).update(duplicate_aws_case_id="case-2")

    assert "There is a second case at AWS for this one: case-2" in plain(page_of(client, submission.case))


# --- facts ----------------------------------------------------------------------------------------------------------------
def test_facts_are_named_as_aws_named_them(client, made, account):
    words = plain(page_of(client, made(State.PENDING_REVIEW, cc_email_addresses="a@example.com").case))

    for fact in ("Relational Database Service (PostgreSQL)", "General Guidance", "English", "System impaired"):
        assert fact in words
    assert "a@example.com" in words
    assert account.grouped_id in words


def test_display_id_leads_to_where_the_case_stands(client, made, settings):
    submission = made(State.DELIVERED)
    Case.objects.filter(pk=submission.case_id).update(aws_display_id="171234567801")
    assert f'href="{settings.SANDBOX_URL}/_sandbox/' in page_of(client, submission.case)

    settings.SANDBOX = False
    address = "https://support.console.aws.amazon.com/support/home#/case/?displayId=171234567801"
    assert f'href="{address}"' in page_of(client, submission.case)


# --- what happened --------------------------------------------------------------------------------------------------------
def test_story_tells_revisions_decisions_and_their_difference(client, typed, reviewer):
    post_new(client, typed)
    first = Submission.objects.get()
    workflow.return_to_author(first, by=reviewer, payload_sha256=first.payload_sha256, reason="Which cluster?")
    post_edit(client, first.case, typed | {"subject": "Better", "cc_email_addresses": "a@example.com"}, "submit")
    second = Submission.objects.get(revision=2)
    workflow.approve(second, by=reviewer, payload_sha256=second.payload_sha256)

    page = page_of(client, first.case)

    words = plain(page)
    order = [
        "M. Silva submitted revision 1",
        "A. Okafor returned it: Which cluster?",
        "M. Silva submitted revision 2",
        "A. Okafor approved it",
    ]
    assert sorted(order, key=words.index) == order
    assert "<del>RDS failover took 11 minutes</del>" in page
    assert "<ins>Better</ins>" in page
    assert "<ins>a@example.com</ins>" in page
    assert "<del>technical" not in page


def test_story_tells_attempts_with_everything_aws_got_and_said(client, made):
    submission = made(State.FAILED)

    words = plain(page_of(client, submission.case))

    assert "Sent to AWS, and AWS refused it attempt 1, 0.2 s" in words
    assert "HTTP 400 InvalidParameterValueException" in words
    assert "5f6c2f0e-1111-4222-8333-944455566677" in words
    assert submission.payload["communicationBody"].split("\n")[-1] in words
    assert "serviceCode amazon-relational-database-service-postgresql" in words
    assert "It did not fit AWS" not in words


def test_story_tells_what_was_not_sent(client, made):
    submission = made(State.SENDING)
    report.finish(
        submission.attempts.get(),
        trace=Trace("support.CreateCase"),
        error=NotSent("Could not connect", cause=Cause.CONNECTION, operation="support.CreateCase"),
        remote_id="",
        duration=timedelta(seconds=5),
    )

    words = plain(page_of(client, submission.case))

    assert "Not sent attempt 1, 5.0 s Could not connect" in words
    assert "AWS could not be reached, so nothing was sent. It is tried again." in words


def test_story_gathers_looks_that_brought_the_same(client, made, clock, by_day):
    submission = made(State.UNKNOWN)
    attempt = submission.attempts.get()
    for _n in range(3):
        clock.advance(seconds=30)
        look(submission, attempt, clock.now, LookResult.ABSENT)
    clock.advance(hours=1)
    look(submission, attempt, clock.now, LookResult.ABSENT, counts=True)
    look(submission, attempt, clock.now, LookResult.ERROR, evidence={"error": "AWS could not be asked"})

    words = plain(page_of(client, submission.case))

    assert f"Looked at AWS: not there yet counts from {attempt.bound:%H:%M} on 3 times, last at" in words
    assert "Looked at AWS: it is not there, and that counts" in words
    assert "Could not look at AWS AWS could not be asked" in words


def test_story_tells_what_leads_did(client, made, lead):
    submission = made(State.NEEDS_ATTENTION)
    workflow.give_up(submission, by=lead, reason="We called AWS.")

    words = plain(page_of(client, submission.case))

    assert "lead gave up on it: We called AWS." in words
    assert "A lead gave up on it. It may exist at AWS" in words


# --- what one may do --------------------------------------------------------------------------------------------------------
def buttons(client, case):
    """What may be done with it; a copy is offered of every case."""
    *offered, last = re.findall(r'name="action" value="(\w+)"', page_of(client, case))
    assert last == "copy"
    return offered


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        (State.PENDING_REVIEW, ["withdraw"]),
        (State.QUEUED, ["hold", "cancel"]),
        (State.PREPARING, ["cancel"]),
        (State.SENDING, []),
        (State.UNKNOWN, []),
        (State.NEEDS_ATTENTION, []),
        (State.DELIVERED, []),
        (State.FAILED, ["discard"]),
        (State.RETURNED, ["discard"]),
        (State.CANCELLED, ["discard"]),
        (State.REJECTED, []),
    ],
)
def test_author_is_offered_what_the_state_allows(client, made, state, offered):
    assert buttons(client, made(state).case) == offered


def test_author_of_a_draft_edits_and_discards(client, typed):
    case = a_saved_draft(client, typed)

    page = page_of(client, case)

    assert f'href="{edit_url(case)}"' in page
    assert buttons(client, case) == ["discard"]


def test_what_one_may_not_is_said_with_the_reason(client, made, team):
    case = made(State.UNKNOWN).case
    assert "Cancel sending: Not while it may be open at AWS." in plain(page_of(client, case))

    waiting = made(State.PENDING_REVIEW).case
    assert "Withdraw: Only its author can withdraw it." in plain(page_of(signed_in(a_user(team=team)), waiting))


def test_review_page_is_linked_for_reviewers_only(client, made, reviewer):
    submission = made(State.PENDING_REVIEW)
    link = f'data-review href="/admin/submissions/submission/{submission.pk}/change/"'

    assert link in page_of(signed_in(reviewer), submission.case)
    assert "data-review" not in page_of(client, submission.case)


def test_leads_are_led_to_where_they_decide(client, made, lead):
    submission = made(State.NEEDS_ATTENTION)
    link = f'data-attention href="/admin/submissions/submission/{submission.pk}/attention/"'

    assert link in page_of(signed_in(lead), submission.case)
    assert "data-attention" not in page_of(client, submission.case)


@pytest.mark.parametrize(
    ("state", "action", "becomes"),
    [
        (State.PENDING_REVIEW, "withdraw", State.CANCELLED),
        (State.QUEUED, "cancel", State.CANCELLED),
        (State.PREPARING, "cancel", State.CANCELLED),
    ],
)
def test_author_withdraws_and_cancels(client, made, state, action, becomes):
    submission = made(state)

    response = client.post(submission.case.get_absolute_url(), {"action": action})

    submission.refresh_from_db()
    assert response.url == submission.case.get_absolute_url()
    assert submission.state == becomes
    assert Case.objects.get().stage == Stage.DRAFT


def test_author_discards(client, typed):
    case = a_saved_draft(client, typed)

    client.post(case.get_absolute_url(), {"action": "discard"})

    page = page_of(client, case)
    assert "The draft is discarded." in page
    assert data_of(page)["stage"] == "closed"


def test_reviewer_may_cancel(client, made, reviewer):
    submission = made(State.QUEUED)

    signed_in(reviewer).post(submission.case.get_absolute_url(), {"action": "cancel"})

    submission.refresh_from_db()
    assert submission.state == State.CANCELLED


@pytest.mark.parametrize("action", ["withdraw", "cancel", "discard"])
@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.NEEDS_ATTENTION, State.DELIVERED])
def test_what_may_be_at_aws_is_not_taken_back(client, made, state, action):
    submission = made(state)

    response = client.post(submission.case.get_absolute_url(), {"action": action}, follow=True)

    submission.refresh_from_db()
    assert submission.state == state
    assert 'class="note bad"' in response.content.decode()


@pytest.mark.parametrize("action", ["withdraw", "cancel", "discard"])
def test_colleagues_may_do_none_of_it(client, made, typed, team, action):
    colleague = signed_in(a_user(team=team))
    cases = [made(State.PENDING_REVIEW).case, made(State.QUEUED).case, a_saved_draft(client, typed)]

    for case in cases:
        assert colleague.post(case.get_absolute_url(), {"action": action}).status_code == 403

    assert [Case.objects.get(pk=case.pk).stage for case in cases] == ["outgoing", "outgoing", "draft"]


@pytest.mark.parametrize("action", ["", "approve", "delete", "<script>"])
def test_unknown_action_is_a_bad_request(client, made, action):
    response = client.post(made(State.PENDING_REVIEW).case.get_absolute_url(), {"action": action})

    assert response.status_code == 400


def test_withdrawing_a_revision_that_was_replaced_does_nothing(client, typed, reviewer):
    post_new(client, typed)
    first = Submission.objects.get()
    workflow.return_to_author(first, by=reviewer, payload_sha256=first.payload_sha256, reason="More.")
    post_edit(client, first.case, typed, "submit")

    response = client.post(
        first.case.get_absolute_url(), {"action": "withdraw", "submission": str(first.pk)}, follow=True
    )

    assert "It changed meanwhile, so nothing was done." in response.content.decode()
    assert Submission.objects.get(newest=True).state == State.PENDING_REVIEW


def test_withdrawing_twice_is_told(client, made):
    case = made(State.PENDING_REVIEW).case
    client.post(case.get_absolute_url(), {"action": "withdraw"})

    response = client.post(case.get_absolute_url(), {"action": "withdraw"}, follow=True)

    assert "It can be withdrawn only while it waits for review." in response.content.decode()


# --- refreshing itself -----------------------------------------------------------------------------------------------------------
REFRESH = re.compile(r'id="case-refresh"[^>]*?hx-get="([^"]*)"[^>]*?hx-trigger="load delay:([\d.]+)s', re.DOTALL)


def refresher(answer):
    found = REFRESH.search(answer)
    return (found[1].replace("&amp;", "&"), float(found[2])) if found else None


@pytest.mark.parametrize("state", State)
def test_page_refreshes_itself_while_something_is_under_way(client, made, state):
    page = page_of(client, made(state).case)

    under_way = state in (
        State.PENDING_REVIEW,
        State.QUEUED,
        State.PREPARING,
        State.SENDING,
        State.UNKNOWN,
        State.NEEDS_ATTENTION,
        State.DELIVERED,  # its number is not read yet
    )
    assert (refresher(page) is not None) == under_way
    assert "As of" in page


def test_page_is_final_once_the_number_is_read(client, made):
    case = made(State.DELIVERED).case
    Case.objects.filter(pk=case.pk).update(aws_display_id="1712")

    assert refresher(page_of(client, case)) is None


def test_refresh_brings_only_the_time_while_nothing_changed_and_backs_off(client, made):
    page = page_of(client, made(State.SENDING).case)
    delays = []
    for _n in range(10):
        address, delay = refresher(page)
        delays.append(delay)
        page = client.get(address, **HTMX).content.decode()
        assert "case-body" not in page

    assert delays[0] == 2
    assert delays == sorted(delays)
    assert delays[-1] == 30


def test_refresh_brings_what_changed_and_starts_anew(client, made):
    submission = made(State.SENDING)
    address, _delay = refresher(page_of(client, submission.case))
    for _n in range(3):
        address, delay = refresher(client.get(address, **HTMX).content.decode())
    assert delay > 4
    report.finish(
        submission.attempts.get(),
        trace=Trace("support.CreateCase"),
        error=None,
        remote_id="case-1-en-2026-abc",
        duration=timedelta(seconds=1),
    )

    answer = client.get(address, **HTMX).content.decode()

    assert 'id="case-body" hx-swap-oob="innerHTML"' in answer
    assert "Open at AWS" in answer
    assert 'data-state="delivered"' in answer
    assert 'data-aws-case-id="case-1-en-2026-abc"' in answer
    assert refresher(answer)[1] == 2


@pytest.mark.parametrize("n", ["", "-1", "abc", "99999", "²"])
def test_refresh_takes_any_number(client, made, n):
    case = made(State.SENDING).case

    assert client.get(f"{case.get_absolute_url()}state/?seen=x&n={n}", **HTMX).status_code == 200


# --- text stays text ---------------------------------------------------------------------------------------------------------------
def test_hostile_text_stays_text(client, typed, reviewer):
    hostile = "<script>alert(1)</script>{{ 7|add:7 }}"
    post_new(client, typed | {"subject": hostile, "communication_body": hostile})
    first = Submission.objects.get()
    workflow.return_to_author(first, by=reviewer, payload_sha256=first.payload_sha256, reason=hostile)
    post_edit(client, first.case, typed | {"subject": hostile + "2", "communication_body": hostile + "2"}, "submit")
    second = Submission.objects.get(revision=2)
    workflow.approve(second, by=reviewer, payload_sha256=second.payload_sha256)
    Case.objects.filter(pk=first.case_id).update(aws_display_id='"><i>', aws_status="<b>")

    for answer in (
        page_of(client, first.case),
        client.get(f"{first.case.get_absolute_url()}state/?seen=x").content.decode(),
    ):
        assert "<script>alert" not in answer
        assert '"><i>' not in answer
        assert "{{ 7|add:7 }}" in answer


@pytest.mark.parametrize("revisions", [1, 3])
def test_page_asks_a_fixed_number_of_questions(client, typed, reviewer, revisions, django_assert_max_num_queries):
    post_new(client, typed)
    case = Case.objects.get()
    for _n in range(revisions - 1):
        submission = Submission.objects.get(newest=True)
        workflow.return_to_author(submission, by=reviewer, payload_sha256=submission.payload_sha256, reason="More.")
        post_edit(client, case, typed, "submit")
    submission = Submission.objects.get(newest=True)
    workflow.approve(submission, by=reviewer, payload_sha256=submission.payload_sha256)

    with django_assert_max_num_queries(16):
        assert client.get(case.get_absolute_url()).status_code == 200


def look(submission, attempt, at, result, **fields):
    return Look.objects.create(
        submission=submission, attempt=attempt, at=at, bound=attempt.bound, result=result, **fields
    )
