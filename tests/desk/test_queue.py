"""Tests of the queue page: what goes out when and why then, and what people do about it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casesite.delivery import claim
from casesite.desk.story import Story
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions import queue, waiting
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CheckResult, Membership, Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account, an_attempt

from .conftest import signed_in
from .test_case import plain

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def account(team, clock):
    return an_account(team, name="Payments prod", cases_per_hour=3, reserved_urgent=1)


@pytest.fixture
def lead(team):
    return a_user("haas", team=team, role=Role.LEAD, first_name="I.", last_name="Haas")


@pytest.fixture
def queued(author, account, reviewer, team, bells):
    def make(subject="RDS failover", state=State.QUEUED, by=author, account=account, **fields):
        case = a_draft(by=by, account=account, subject=subject, team=by.memberships.first().team, **fields)
        return a_submission(state, case=case, reviewer=None if by is not author else reviewer)

    return make


def words(client, address="/queue/"):
    return plain(client.get(address).content.decode())


def rows_of(client, address="/queue/"):
    return [row for line in client.get(address).context["line"].accounts for row in line.rows]


def post(client, row, action, **more):
    return client.post(
        f"/queue/{row.pk}/", {"action": action, "token": str(row.token), "back": "queue", **more}, follow=True
    )


def said(response):
    return [str(message) for message in response.context["messages"]]


def again(row):
    return Submission.objects.select_related("case").get(pk=row.pk)


# --- what is shown -------------------------------------------------------------------------------------------------------
def test_page_without_anything_waiting_says_what_would_stand_there(client):
    assert "Nothing waits to go out." in words(client)


def test_page_tells_when_each_goes_out_and_why_then(client, queued, account, clock):
    for _n in range(2):
        an_attempt(queued("Gone"), "done").submission.move(State.CANCELLED)
    clock.advance(minutes=10)
    ordinary, urgent = queued("Ordinary"), queued("Urgent", severity_code="urgent")
    held = queued("Held")
    waiting.hold(held, by=held.submitted_by, until=clock.now + timedelta(hours=3), token=held.token)

    rows = rows_of(client)

    assert [(row.submission, row.place, row.at) for row in rows] == [
        (urgent, 1, None),
        (ordinary, 2, clock.now + timedelta(minutes=50)),
        (held, 3, clock.now + timedelta(hours=3)),
    ]
    assert [row.why for row in rows] == [
        "It goes out as soon as a worker takes it.",
        "Every place of the hour is taken until then.",
        "",
    ]
    told = words(client)
    assert "2 of 3 used this hour" in told
    assert "Held back until" in told
    assert "by M. Silva." in told


def test_page_tells_of_places_kept_for_urgent_cases(client, queued, account, clock):
    for _n in range(2):
        an_attempt(queued("Gone"), "done").submission.move(State.CANCELLED)
    queued("Ordinary")

    told = words(client)

    assert "2 of 3 used this hour, 1 kept for urgent cases" in told
    assert "The ordinary places of the hour are taken until then; the rest is kept for urgent cases." in told


def test_times_are_those_of_the_plan(client, queued, account, clock):
    for number in range(7):
        queued(f"Case {number}", severity_code=("low", "critical", "normal")[number % 3])
    clock.advance(minutes=45)

    shown = {row.submission.pk: row.at or clock.now for row in rows_of(client)}

    planned = queue.planned(account, clock.now)
    assert shown.keys() == planned.keys()
    assert max(abs(shown[key] - planned[key]) for key in shown) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("shut", "text"),
    [
        (
            lambda account, now: gate.access_refused(account.pk, Mode.WRITE, "no"),
            "AWS does not let the site into this account.",
        ),
        (lambda account, now: gate.stop_for_bug(account.pk, Mode.WRITE, "no"), "A request of this site was wrong"),
        (
            lambda account, now: [gate.unreachable(account.pk, Mode.WRITE, "no") for _n in range(5)],
            "AWS could not be reached",
        ),
        (
            lambda account, now: gate.hold(account.pk, now + timedelta(minutes=9), "full"),
            "cases of the hour are used up",
        ),
        (
            lambda account, now: AwsAccount.objects.update(check_result=CheckResult.BLOCKED, check_summary="No plan."),
            "this account can't send. No plan.",
        ),
    ],
    ids=["access", "bug", "connection", "quota", "check"],
)
def test_trouble_of_the_account_is_told_on_both_pages(client, queued, account, clock, shut, text):
    row = queued()
    shut(account, clock.now)

    assert text in words(client)
    assert text in words(client, row.case.get_absolute_url())


def test_a_pause_of_aws_is_told(client, queued, account, clock, monkeypatch):
    monkeypatch.setattr(gate.random, "uniform", lambda low, high: high)
    for _n in range(6):
        gate.slow_down(account.pk, Mode.WRITE, "Rate exceeded")
    row = queued()

    assert "AWS asked the site to slow down. Nothing to do: it goes on by itself." in words(client)
    assert rows_of(client)[0].why == "AWS takes nothing from this account before."
    assert row.state == State.QUEUED


def test_an_account_in_order_is_in_no_trouble(client, queued):
    assert "data-trouble" not in client.get(queued().case.get_absolute_url()).content.decode()
    assert "data-trouble" not in client.get("/queue/").content.decode()


def test_while_the_circuit_is_open_no_time_is_promised(client, queued, account):
    queued()
    gate.access_refused(account.pk, Mode.WRITE, "no")

    [row] = rows_of(client)

    assert (row.at, row.is_now) == (None, False)


def test_what_is_being_sent_leads_the_line(client, queued, account):
    first, second = queued("First"), queued("Second")
    claim.claim_next(account.pk)

    assert [(row.submission, row.is_leaving) for row in rows_of(client)] == [(first, True), (second, False)]


def test_other_teams_cases_count_but_are_not_told(client, queued, account, clock):
    owls = a_team("Owls")
    account.teams.add(owls)
    stranger = a_user("owl", team=owls)
    queued("Mice squeak", by=stranger)
    clock.advance(seconds=1)
    queued("Ours")

    told = words(client)

    assert "number 2 in line" in told
    assert "One more case in this line belongs to another team" in told
    assert "Mice" not in told
    assert "Owls" not in told


def test_queue_of_one_team(client, queued, author, account, reviewer):
    owls = a_team("Owls")
    account.teams.add(owls)
    queued("Ours")
    Membership.objects.create(team=owls, user=author, role=Role.AGENT)
    author = type(author).objects.get(pk=author.pk)
    own = a_submission(State.QUEUED, case=a_draft(by=author, account=account, subject="Mice squeak", team=owls))

    assert len(rows_of(client)) == 2
    assert [row.submission for row in rows_of(client, f"/queue/?team={owls.pk}")] == [own]


@pytest.mark.parametrize("foreign", ["9999", "x", "-1", "1" * 30])
def test_a_team_that_is_not_ones_own_is_not_there(client, foreign):
    assert client.get(f"/queue/?team={foreign}").status_code == 404


def test_page_takes_the_same_queries_for_one_row_and_for_many(client, queued, team, lead):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            signed_in(lead).get("/queue/")
        return len(captured)

    queued()
    one = queries()
    for number in range(3):
        other = an_account(team, name=f"Other {number}")
        for _n in range(3):
            row = queued(account=other)
            waiting.hold(row, by=lead, until=row.due_at + timedelta(hours=1), token=row.token)
    waiting.send_now(row, by=lead, token=row.token)

    assert queries() == one


def test_desk_and_case_lead_to_the_queue(client, queued):
    row = queued()

    assert 'href="/queue/"' in client.get("/").content.decode()
    assert 'href="/queue/"' in client.get(row.case.get_absolute_url()).content.decode()


# --- it looks again ------------------------------------------------------------------------------------------------------
def refresh_address(page):
    return re.search(r'hx-get="(/queue/state/[^"]*)"', page)[1].replace("&amp;", "&")


def test_page_stays_as_it_is_while_nothing_changed(client, queued):
    queued()

    answer = client.get(refresh_address(client.get("/queue/").content.decode()), **HTMX).content.decode()

    assert "queue-body" not in answer
    assert "delay:3.0s" in answer


def test_page_shows_what_changed(client, queued, clock, author):
    row = queued()
    address = refresh_address(client.get("/queue/").content.decode())
    waiting.hold(row, by=author, until=clock.now + timedelta(hours=1), token=row.token)

    answer = client.get(address, **HTMX).content.decode()

    assert 'id="queue-body" hx-swap-oob="innerHTML"' in answer
    assert "Held back" in answer
    assert "delay:2.0s" in answer


# --- what people do ------------------------------------------------------------------------------------------------------
def test_a_time_is_typed_in_the_persons_zone(client, queued, clock_at):
    clock_at(datetime(2026, 3, 2, 9, tzinfo=UTC))
    session = client.session
    session["time_zone"] = "Asia/Tokyo"
    session.save()
    row = queued()
    page = client.get("/queue/").content.decode()
    assert "(Asia/Tokyo)" in page
    assert 'min="2026-03-02T18:02" max="2026-03-09T18:00" value="2026-03-02T19:00"' in page

    response = post(client, row, "hold", until="2026-03-02T20:15")

    assert again(row).held_until == datetime(2026, 3, 2, 20, 15, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert said(response) == ["It is held back. It goes on by itself when the time comes, or when somebody lets it."]
    assert response.redirect_chain == [("/queue/", 302)]


@pytest.mark.parametrize(
    ("until", "error"),
    [
        ("", "Say until when."),
        ("soon", "Give a day and a time."),
        ("2026-03-02T08:59", "Choose a time that is still to come."),
        ("0001-01-01T00:00", "Choose a time that is still to come."),
        ("2026-03-09T09:01", "A case is held back for seven days at most. To stop it for longer, cancel it."),
        ("9999-12-31T23:59", "A case is held back for seven days at most. To stop it for longer, cancel it."),
    ],
)
def test_a_time_that_does_not_do_is_told_at_its_field_and_kept(client, queued, clock_at, until, error):
    clock_at(datetime(2026, 3, 2, 9, tzinfo=UTC))
    row = queued()

    response = post(client, row, "hold", until=until)

    page = response.content.decode()
    assert response.status_code == 200
    assert again(row).held_until is None
    assert f'<a href="#until-{row.pk}">Hold back until: {error}</a>' in page
    assert f'id="until-error-{row.pk}">{error}<' in page
    assert f'value="{until}"' in page
    assert '<details class="hold" open>' in page


def test_what_is_held_is_let_go_on(client, queued, clock, author):
    row = queued()
    waiting.hold(row, by=author, until=clock.now + timedelta(hours=1), token=row.token)
    assert "Let it go on" in words(client)

    response = post(client, row, "resume")

    assert said(response) == ["It goes on in its turn."]
    assert again(row).held_until is None


def test_cancelling_from_the_queue(client, queued):
    row = queued()

    response = post(client, row, "cancel")

    assert again(row).state == State.CANCELLED
    assert said(response) == ["Cancelled before it went out. The case is a draft again."]


def test_leads_let_go_before_its_turn(queued, lead, clock, account, author):
    row = queued()
    waiting.hold(row, by=author, until=clock.now + timedelta(hours=1), token=row.token)
    client = signed_in(lead)
    assert "Send now" in words(client)

    response = post(client, row, "send_now", back="case")

    assert response.redirect_chain == [(row.case.get_absolute_url(), 302)]
    assert "Before its turn, by I. Haas." in plain(response.content.decode())
    assert "I. Haas let it go before its turn" in plain(response.content.decode())
    assert claim.claim_next(account.pk) == row


def test_others_are_offered_no_send_now_and_told_so(client, queued, author, clock):
    row = queued()
    waiting.hold(row, by=author, until=clock.now + timedelta(hours=1), token=row.token)

    assert "Send now" not in words(client)
    assert said(post(client, row, "send_now")) == ["Only leads of the team let a case go before its turn."]
    assert again(row).rank == 3


@pytest.mark.parametrize("action", ["cancel", "hold", "resume", "send_now"])
def test_another_agent_may_look_and_do_nothing(queued, team, action):
    row = queued()
    client = signed_in(a_user("agent", team=team))

    assert not {"Cancel", "Hold back…", "Send now"} & set(re.findall(r"Cancel|Hold back…|Send now", words(client)))
    [text] = said(post(client, row, action, until="2099-01-01T00:00" if action != "hold" else in_an_hour()))
    assert text.startswith("Only ")
    assert again(row).token == row.token


def in_an_hour():
    from casesite import clock

    return f"{clock.now() + timedelta(hours=1):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize("action", ["cancel", "hold", "resume", "send_now"])
def test_another_teams_case_is_not_there(queued, action):
    row = queued()
    stranger = signed_in(a_user("owl", team=a_team("Owls"), role=Role.LEAD))

    assert post(stranger, row, action, until=in_an_hour()).status_code == 404
    assert again(row).token == row.token


@pytest.mark.parametrize("action", ["cancel", "hold", "resume", "send_now"])
def test_who_comes_second_is_told_how_it_stands(queued, lead, account, action):
    row = queued()
    claim.claim_next(account.pk).move(State.SENDING)

    response = post(signed_in(lead), row, action, until=in_an_hour())

    assert said(response) == ["Somebody was quicker, so nothing was done. “RDS failover” now: Sending."]
    assert again(row).state == State.SENDING


def test_of_two_holds_the_second_is_told(client, queued, reviewer):
    row = queued()
    first = post(client, row, "hold", until=in_an_hour())
    until = again(row).held_until

    second = post(signed_in(reviewer), row, "hold", until=in_an_hour())

    assert "held back" in said(first)[0]
    assert said(second) == ["Somebody was quicker, so nothing was done. “RDS failover” now: Queued."]
    assert again(row).held_until == until


@pytest.mark.parametrize(
    "posted", [{"action": "explode"}, {"token": "x"}, {"token": "9" * 30}, {"action": "hold", "token": ""}]
)
def test_nonsense_is_refused(client, queued, posted):
    row = queued()

    assert client.post(f"/queue/{row.pk}/", {"action": "cancel", "token": "0"} | posted).status_code == 400
    assert again(row).state == State.QUEUED


# --- the case page -------------------------------------------------------------------------------------------------------
def test_case_page_tells_that_it_is_held_and_by_whom(client, queued, author, clock):
    row = queued()
    waiting.hold(row, by=author, until=clock.now + timedelta(hours=1), token=row.token)

    told = words(client, row.case.get_absolute_url())

    assert "Number 1 in line. Held back until" in told
    assert "M. Silva held it back until" in told
    assert "Let it go on" in told
    assert "Change the time…" in told


@pytest.mark.parametrize(
    ("severity", "hours", "within"),
    [
        ("low", 24, "24 h"),
        ("normal", 12, "12 h"),
        ("high", 4, "4 h"),
        ("urgent", 1, "1 h"),
        ("critical", 0.5, "30 min"),
    ],
)
def test_case_page_tells_when_aws_aims_to_answer(client, queued, clock_at, severity, hours, within):
    clock = clock_at(datetime(2026, 3, 2, 9, tzinfo=UTC))
    row = queued(state=State.DELIVERED, severity_code=severity)
    by = clock.now + timedelta(hours=hours)
    shown = f"{by:%H:%M}" if by.date() == clock.now.date() else f"{by.day} Mar, {by:%H:%M}"

    assert f"AWS aims to answer by {shown} ({within}" in words(client, row.case.get_absolute_url())


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("opened", True),
        ("work-in-progress", True),
        ("pending-customer-action", False),
        ("customer-action-completed", False),
        ("reopened", False),
    ],
)
def test_the_time_is_gone_once_aws_answered(client, queued, status, told):
    row = queued(state=State.DELIVERED)
    type(row.case).objects.filter(pk=row.case_id).update(aws_status=status, aws_display_id="17")

    assert ("AWS aims to answer by" in words(client, row.case.get_absolute_url())) is told


def test_when_the_time_is_over_the_page_promises_nothing(client, queued, clock):
    row = queued(state=State.DELIVERED)
    clock.advance(hours=12, minutes=1)

    told = words(client, row.case.get_absolute_url())

    assert "AWS aimed to answer by" in told
    assert "Whether it did shows at AWS." in told


# --- when AWS aims to answer what is still on its way ----------------------------------------------------------------------
def first_answer(client, row):
    """What the case page says of it."""
    page = client.get(row.case.get_absolute_url()).content.decode()
    found = re.search(r"<p>\s*(Once it is out.*?)</p>", page, re.DOTALL)
    return found and " ".join(re.sub(r"<[^>]+>", "", found[1]).split())


@pytest.mark.parametrize(
    ("severity", "hours", "within"),
    [
        ("low", 24, "24 h"),
        ("normal", 12, "12 h"),
        ("high", 4, "4 h"),
        ("urgent", 1, "1 h"),
        ("critical", 0.5, "30 min, on some plans sooner"),
    ],
)
def test_queued_case_tells_when_aws_aims_to_answer(client, queued, clock_at, severity, hours, within):
    """From when it is planned to go out: here at once."""
    clock = clock_at(datetime(2026, 3, 2, 8, 7, tzinfo=UTC))
    row = queued(severity_code=severity)
    by = clock.now + timedelta(hours=hours)
    shown = f"{by:%H:%M}" if by.date() == clock.now.date() else f"{by.day} Mar, {by:%H:%M}"

    assert first_answer(client, row) == f"Once it is out, AWS aims to answer within {within}: by about {shown}."


def test_first_answer_is_reckoned_from_the_time_that_is_planned_and_that_the_form_told(
    client, queued, account, typed, clock_at
):
    clock = clock_at(datetime(2026, 3, 2, 8, 7, tzinfo=UTC))
    for _n in range(2):
        an_attempt(queued("Gone"), "done").submission.move(State.CANCELLED)
    clock.advance(minutes=10)
    told = {"action": "update", "form_token": "x" * 32, "account": str(account.pk), "severity_code": "high"}
    panel = client.post("/cases/new/support/", typed | told)

    row = queued(severity_code="high")

    at = panel.context["outlook"].goes_out_at
    assert at == clock.now + timedelta(minutes=50)
    assert "about 09:07" in plain(panel.content.decode())
    assert "within 4 h of that" in plain(panel.content.decode())
    assert first_answer(client, row) == "Once it is out, AWS aims to answer within 4 h: by about 13:07."


def test_first_answer_to_what_is_held_back_waits_with_it(client, queued, clock_at):
    clock = clock_at(datetime(2026, 3, 2, 8, 7, tzinfo=UTC))
    row = queued()
    waiting.hold(row, by=row.submitted_by, until=clock.now + timedelta(hours=3), token=row.token)

    assert first_answer(client, row) == "Once it is out, AWS aims to answer within 12 h: by about 23:07."


@pytest.mark.parametrize("state", [State.PREPARING, State.SENDING])
def test_case_that_is_leaving_tells_the_first_answer(client, queued, clock_at, state):
    clock_at(datetime(2026, 3, 2, 8, 7, tzinfo=UTC))

    told = first_answer(client, queued(state=state))

    assert told == "Once it is out, AWS aims to answer within 12 h: by about 20:07."


def test_case_that_is_reviewed_tells_the_span_alone(client, queued):
    assert first_answer(client, queued(state=State.PENDING_REVIEW)) == "Once it is out, AWS aims to answer within 12 h."
    critical = queued("Down", state=State.PENDING_REVIEW, severity_code="critical")
    assert first_answer(client, critical) == "Once it is out, AWS aims to answer within 30 min, on some plans sooner."


def test_while_no_time_is_promised_none_is_for_the_first_answer(client, queued, account):
    row = queued()
    gate.access_refused(account.pk, Mode.WRITE, "no")

    assert first_answer(client, row) == "Once it is out, AWS aims to answer within 12 h."


def test_first_answer_is_that_of_the_accounts_plan(client, queued, account):
    AwsAccount.objects.filter(pk=account.pk).update(first_response="critical=5")

    told = first_answer(client, queued(state=State.PENDING_REVIEW, severity_code="critical"))

    assert told == "Once it is out, AWS aims to answer within 5 min."


@pytest.mark.parametrize("state", [State.UNKNOWN, State.DELIVERED, State.RETURNED, State.CANCELLED, State.REJECTED])
def test_case_that_is_not_on_its_way_tells_nothing_of_it(client, queued, state):
    assert first_answer(client, queued(state=state)) is None


def test_severity_without_a_known_target_tells_nothing_of_it(client, queued):
    assert first_answer(client, queued(severity_code="brand-new")) is None


@pytest.mark.parametrize("state", [State.PENDING_REVIEW, State.QUEUED, State.PREPARING, State.SENDING])
def test_first_answer_asks_the_database_nothing(client, queued, monkeypatch, state):
    address = queued(state=state).case.get_absolute_url()
    client.get(address)
    with CaptureQueriesContext(connection) as told:
        client.get(address)

    monkeypatch.setattr(Story, "answer_once_out", None)
    with CaptureQueriesContext(connection) as silent:
        client.get(address)

    assert len(told) == len(silent)
