"""Tests of the page about a submission that needs a person: the evidence, and the ways out."""

from datetime import timedelta
from uuid import uuid4

import pytest

from casesite.cases.models import Case, Stage
from casesite.delivery.models import Look, LookResult, Outcome
from casesite.lookups.models import Lookup, LookupState
from casesite.lookups.questions import key_of
from casesite.submissions import marker as markers
from casesite.submissions import proven, workflow
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

from .conftest import attention_url
from .test_review import alert_of, text_of

HOSTILE = "<script>alert(1)</script>"
AWS_ID = "case-111122223333-muen-2026-1a2b3c4d5e6f"


@pytest.fixture
def stuck(submitted):
    return submitted(State.NEEDS_ATTENTION)


@pytest.fixture
def client(as_user, lead):
    return as_user(lead)


def post(client, submission, action, reason="I looked in the console.", **more):
    return client.post(attention_url(submission), {"action": action, "reason": reason, **more})


def answered(submission, *, marker=None, account=None, **told):
    """A question that a worker has answered: what AWS has under an id."""
    last_line = f"Ref: {marker}" if marker else "Kind regards"
    answer = {
        "found": True,
        "case_id": AWS_ID,
        "display_id": "170123456700123",
        "subject": "RDS failover took 11 minutes",
        "status": "opened",
        "created_at": "2026-03-02T09:12:00+00:00",
        "submitted_by": "console@example.com",
        "last_line": last_line,
        **told,
    }
    params = {"case_id": answer.get("case_id", "case-none")}
    now = submission.submitted_at
    return Lookup.objects.create(
        account=account or submission.account,
        kind="adopt_case",
        key=key_of(params),
        params=params,
        state=LookupState.ANSWERED,
        asked_at=now,
        answered_at=now,
        expires_at=now + timedelta(minutes=15),
        answer=answer,
    )


def page_with(client, submission, lookup):
    return client.get(f"{attention_url(submission)}?lookup={lookup.pk}")


def ways_out(answer):
    page = answer.content.decode()
    return [name for name in ("look_up", "adopt", "send_again", "give_up", "take_over") if f'value="{name}"' in page]


# --- who may -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["get", "post"])
def test_page_is_for_leads_of_the_team(method, stuck, as_user, reviewer, author, foreign_lead):
    def status(user, pk=stuck.pk):
        address = f"/admin/submissions/submission/{pk}/attention/"
        return getattr(as_user(user), method)(address, {"action": "give_up", "reason": "x"}, follow=True)

    answer = status(reviewer)
    assert answer.status_code == 403
    assert "Only leads of the team decide this." in text_of(answer)
    assert status(author).status_code == 403
    assert status(foreign_lead).status_code == 404
    assert status(foreign_lead, uuid4()).status_code == 404
    stuck.refresh_from_db()
    assert stuck.state == State.NEEDS_ATTENTION


def test_superuser_needs_the_role_too(stuck, team, as_user):
    client = as_user(a_user(team=team, is_staff=True, is_superuser=True))

    assert client.get(attention_url(stuck)).status_code == 403
    assert post(client, stuck, "give_up").status_code == 403


def test_lead_may_care_for_what_they_wrote(submitted, as_user, lead):
    """Here nothing is approved: what was approved before is brought to its end."""
    own = submitted(State.NEEDS_ATTENTION, by=lead)

    assert post(as_user(lead), own, "give_up").status_code == 302


# --- evidence ------------------------------------------------------------------------------------------------------------------
def test_evidence_shows_sendings_looks_and_candidates(stuck, client, clock):
    attempt = stuck.attempts.get()
    attempt.request_id, attempt.error_text = "8b1f9f6e-2c1d", "Read timeout"
    attempt.save(update_fields=["request_id", "error_text"])
    candidate = {
        "case_id": AWS_ID,
        "display_id": "170123456700123",
        "subject": f"RDS {HOSTILE}",
        "status": "opened",
        "created_at": "",
    }
    look = {"submission": stuck, "attempt": attempt, "at": clock.now, "bound": attempt.bound, "aws_date": clock.now}
    Look.objects.create(**look, result=LookResult.ABSENT, evidence={"candidates": [candidate]})
    Look.objects.create(**look, result=LookResult.ABSENT, counts=True, evidence={"candidates": [candidate]})
    Look.objects.create(**look, result=LookResult.ERROR, evidence={"error": "AccessDenied"})

    answer = client.get(attention_url(stuck))

    text = text_of(answer)
    for words in (
        "8b1f9f6e-2c1d",
        "Read timeout",
        "no proof yet",
        "Does not count: the sending could still arrive.",
        "Counts: a case of that sending would be visible by then.",
        "Does not count. AccessDenied",
        f"RDS {HOSTILE}",
        stuck.marker,
        stuck.reason,
    ):
        assert words in text
    assert HOSTILE not in answer.content.decode()
    assert answer.content.decode().count(f'value="{AWS_ID}"') == 1


def test_many_looks_are_not_all_shown(stuck, client, clock):
    for _look in range(23):
        Look.objects.create(submission=stuck, at=clock.now, bound=clock.now, result=LookResult.ABSENT)

    page = client.get(attention_url(stuck)).content.decode()

    assert page.count('data-look="absent"') == 20
    assert "Earlier looks are left out here." in page


def test_row_that_was_never_sent_says_so(submitted, client):
    row = submitted(State.QUEUED)
    row.move(State.NEEDS_ATTENTION, reason_code=Reason.BLOCKED_LONG)

    assert "It was never sent, so AWS can't have it." in text_of(client.get(attention_url(row)))


@pytest.mark.parametrize(
    ("state", "ways"),
    [
        (State.NEEDS_ATTENTION, ["look_up", "send_again", "give_up"]),
        (State.UNKNOWN, ["take_over"]),
        *((state, []) for state in State if state not in (State.NEEDS_ATTENTION, State.UNKNOWN)),
    ],
)
def test_ways_out_fit_the_state(state, ways, submitted, client):
    answer = client.get(attention_url(submitted(state)))

    assert (answer.status_code, ways_out(answer)) == (200, ways)


# --- looking up -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "params"),
    [
        (f" {AWS_ID} ", {"case_id": AWS_ID}),
        ("170123456700123", {"display_id": "170123456700123"}),
    ],
)
def test_id_is_looked_up_by_a_worker(typed, params, stuck, client, lead, bells, django_capture_on_commit_callbacks):
    bells.clear()

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(attention_url(stuck), {"action": "look_up", "aws_id": typed})

    lookup = Lookup.objects.get()
    assert answer.url == f"{attention_url(stuck)}?lookup={lookup.pk}#adopt"
    assert (lookup.kind, lookup.account, lookup.params, lookup.asked_by) == ("adopt_case", stuck.account, params, lead)
    assert [(bell.task, bell.account) for bell in bells] == [("lookups.answer", stuck.account_id)]
    assert "Asking AWS…" in text_of(client.get(answer.url))


@pytest.mark.parametrize("typed", ["", "  ", "CS-7GQ4-KM2X", "case 17", "https://support.aws.amazon.com/#/case/?id=1"])
def test_what_is_no_id_of_awss_is_an_error_at_the_field(typed, stuck, client):
    answer = client.post(attention_url(stuck), {"action": "look_up", "aws_id": typed})

    assert 'id="error_1_id_look_up_aws_id"' in answer.content.decode()
    assert not Lookup.objects.exists()


def test_case_that_aws_does_not_have_is_said_so(stuck, client):
    lookup = answered(stuck, found=False)

    answer = page_with(client, stuck, lookup)

    assert "AWS has no such case in Payments prod." in text_of(answer)
    assert "adopt" not in ways_out(answer)


def test_question_that_could_not_be_answered_shows_why(stuck, client):
    lookup = answered(stuck)
    Lookup.objects.filter(pk=lookup.pk).update(state=LookupState.FAILED, answer=None, error="AWS did not answer.")

    answer = page_with(client, stuck, lookup)

    assert "AWS did not answer." in text_of(answer)
    assert "adopt" not in ways_out(answer)


@pytest.mark.parametrize(
    ("marker_of", "words"),
    [
        (lambda row: row.marker, "It carries our reference line: this is what we sent."),
        (lambda row: markers.new(row.case.reference), "that the site no longer knows"),
        (lambda row: None, "It carries no reference line of ours."),
        (
            lambda row: row.marker[:-1] + ("A" if row.marker[-1] != "A" else "B"),
            "It carries no reference line of ours.",
        ),
    ],
    ids=["own", "erased", "unmarked", "forged"],
)
def test_found_case_stands_beside_ours_with_what_it_proves(marker_of, words, stuck, client):
    lookup = answered(stuck, marker=marker_of(stuck), subject=f"RDS {HOSTILE}")

    answer = page_with(client, stuck, lookup)

    text = text_of(answer)
    assert words in text
    assert f"RDS {HOSTILE}" in text
    assert "170123456700123, opened" in text
    assert "console@example.com" in text
    assert HOSTILE not in answer.content.decode()
    assert "adopt" in ways_out(answer)


def test_found_case_of_an_earlier_revision_is_told(submitted, client, bells):
    first = submitted(State.FAILED)
    stuck = a_submission(State.NEEDS_ATTENTION, case=Case.objects.get(pk=first.case_id))

    answer = page_with(client, stuck, answered(stuck, marker=first.marker))

    assert "another revision of this case" in text_of(answer)


def test_case_of_another_team_shows_nothing_but_the_refusal(stuck, client, account):
    strangers = a_submission(State.DELIVERED, case=a_draft(team=a_team(), account=account))
    lookup = answered(stuck, case_id=strangers.remote_id, subject="Their secret", marker=strangers.marker)

    answer = page_with(client, stuck, lookup)

    assert "That AWS case belongs to another case here" in text_of(answer)
    assert "Their secret" not in text_of(answer)
    assert "adopt" not in ways_out(answer)
    assert post(client, stuck, "adopt", lookup=lookup.pk).status_code == 409


@pytest.mark.parametrize("which", ["kind", "account", "nothing", "nonsense"])
def test_lookup_of_something_else_is_not_shown(which, stuck, team, client):
    lookup = answered(stuck, account=an_account(team) if which == "account" else None)
    if which == "kind":
        Lookup.objects.filter(pk=lookup.pk).update(kind="account_check")
    asked = {"nothing": "99999", "nonsense": "9" * 40}.get(which, lookup.pk)

    answer = client.get(f"{attention_url(stuck)}?lookup={asked}")

    assert answer.status_code == 200
    assert "170123456700123, opened" not in text_of(answer)
    assert post(client, stuck, "adopt", lookup=asked).status_code == 409
    stuck.refresh_from_db()
    assert stuck.state == State.NEEDS_ATTENTION


# --- adopting ----------------------------------------------------------------------------------------------------------------------
def test_adopting_takes_the_case_that_the_worker_read(stuck, client, lead):
    lookup = answered(stuck, marker=stuck.marker)

    answer = post(client, stuck, "adopt", lookup=lookup.pk, aws_case_id="case-forged", marker="CS-FORG-ED00-0000-0000")

    assert answer.url == stuck.case.get_absolute_url()
    stuck.refresh_from_db()
    case = Case.objects.get(pk=stuck.case_id)
    assert (stuck.state, stuck.remote_id, stuck.adopted_by) == (State.DELIVERED, AWS_ID, lead)
    assert (case.stage, case.aws_case_id) == (Stage.OPEN, AWS_ID)
    assert case.events.last().text == "I looked in the console."


def test_marker_is_verified_on_the_server(submitted, client, bells):
    """A line that only looks like a marker of an earlier revision proves nothing about that one."""
    first = submitted(State.FAILED)
    stuck = a_submission(State.NEEDS_ATTENTION, case=Case.objects.get(pk=first.case_id))
    forged = first.marker[:-4] + "AAAA"
    assert not markers.is_valid(forged)

    post(client, stuck, "adopt", lookup=answered(stuck, marker=forged).pk)

    stuck.refresh_from_db()
    first.refresh_from_db()
    assert (stuck.state, first.state) == (State.DELIVERED, State.FAILED)


def test_adopting_a_case_whose_row_is_gone_gives_the_case_its_id_alone(stuck, client):
    lookup = answered(stuck, marker=markers.new(stuck.case.reference))

    post(client, stuck, "adopt", lookup=lookup.pk)

    stuck.refresh_from_db()
    assert (stuck.state, stuck.reason_code, stuck.remote_id) == (State.CANCELLED, Reason.ALREADY_OPEN, None)
    case = Case.objects.get(pk=stuck.case_id)
    assert (case.aws_case_id, case.aws_display_id, case.aws_status) == (AWS_ID, "170123456700123", "opened")


def test_adopted_case_that_aws_has_resolved_is_resolved(stuck, client):
    post(client, stuck, "adopt", lookup=answered(stuck, marker=stuck.marker, status="resolved").pk)

    assert Case.objects.get(pk=stuck.case_id).stage == Stage.RESOLVED


def test_adopting_without_a_look_is_refused(stuck, client):
    answer = post(client, stuck, "adopt")

    assert (answer.status_code, alert_of(answer)) == (409, "First look the case up at AWS.")


def test_old_answer_of_aws_is_looked_up_again(stuck, client, clock):
    lookup = answered(stuck, marker=stuck.marker)
    clock.advance(minutes=16)

    answer = post(client, stuck, "adopt", lookup=lookup.pk)

    assert answer.status_code == 409
    assert alert_of(answer).startswith("What AWS said is too old by now.")


# --- the other ways out -------------------------------------------------------------------------------------------------------------
def test_send_again_queues_it_with_a_look_before(stuck, client, lead):
    answer = post(client, stuck, "send_again", "AWS has nothing.")

    assert answer.url == stuck.case.get_absolute_url()
    stuck.refresh_from_db()
    assert (stuck.state, stuck.look_before_send) == (State.QUEUED, True)
    assert stuck.attempts.get().outcome == Outcome.WAIVED
    assert (stuck.decisions.last().by, stuck.decisions.last().reason) == (lead, "AWS has nothing.")


def test_send_again_is_not_offered_and_refused_while_the_case_is_open(submitted, client, bells):
    first = submitted(State.FAILED)
    stuck = a_submission(State.NEEDS_ATTENTION, case=Case.objects.get(pk=first.case_id))
    proven.record_case(first.pk, AWS_ID)

    assert "send_again" not in ways_out(client.get(attention_url(stuck)))
    answer = post(client, stuck, "send_again")

    assert (answer.status_code, alert_of(answer)) == (409, "The case is already open at AWS.")
    stuck.refresh_from_db()
    assert stuck.state == State.NEEDS_ATTENTION


def test_give_up_makes_it_a_draft_again(stuck, client):
    answer = post(client, stuck, "give_up", "Solved by telephone.")

    assert answer.url == stuck.case.get_absolute_url()
    stuck.refresh_from_db()
    assert (stuck.state, stuck.reason_code, stuck.reason_text) == (State.FAILED, Reason.GAVE_UP, "Solved by telephone.")
    assert Case.objects.get(pk=stuck.case_id).stage == Stage.DRAFT


def test_take_over_leads_to_the_ways_out(submitted, client):
    unknown = submitted(State.UNKNOWN)

    answer = post(client, unknown, "take_over", "It can't wait.")

    assert answer.url == attention_url(unknown)
    assert ways_out(client.get(answer.url)) == ["look_up", "send_again", "give_up"]


@pytest.mark.parametrize("action", ["adopt", "send_again", "give_up", "take_over"])
def test_each_way_out_needs_a_reason(action, submitted, client):
    row = submitted(State.UNKNOWN if action == "take_over" else State.NEEDS_ATTENTION)
    before = row.state
    lookup = answered(row, marker=row.marker)

    answer = post(client, row, action, "  ", lookup=lookup.pk)

    assert f'id="error_1_id_{action}_reason"' in answer.content.decode()
    row.refresh_from_db()
    assert row.state == before


@pytest.mark.parametrize("action", ["", "delete", "approve"])
def test_unknown_way_out_does_nothing(action, stuck, client):
    answer = post(client, stuck, action)

    assert (answer.status_code, alert_of(answer)) == (400, "Choose one of the ways out.")


def test_second_lead_is_told_who_was_quicker(stuck, client, as_user, team, clock):
    workflow.give_up(Submission.objects.get(pk=stuck.pk), by=a_user("quick", team=team, role=Role.LEAD), reason="Done.")

    answer = post(client, stuck, "send_again")

    assert (answer.status_code, alert_of(answer)) == (409, f"Already given up by quick at {clock.now:%H:%M}.")
    assert ways_out(answer) == []


def test_row_that_looks_proved_meanwhile_is_told_so(stuck, client):
    proven.record_case(stuck.pk, AWS_ID)

    answer = post(client, stuck, "give_up")

    assert (answer.status_code, alert_of(answer)) == (409, "It moved on meanwhile: it is now “Delivered”.")


def test_page_asks_few_questions(stuck, client, django_assert_max_num_queries):
    lookup = answered(stuck, marker=stuck.marker)

    with django_assert_max_num_queries(20):
        page_with(client, stuck, lookup)
