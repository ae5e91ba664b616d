"""The operator's page: what it tells of processes, queues, gates, lines and lost answers, to whom, and at what cost."""

import html
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from casesite.catalog.models import ConnectTemplate
from casesite.delivery import alarms, canary, dispatcher, overview, readiness
from casesite.delivery.models import Beat
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.runner import parts
from casesite.submissions import workflow
from casesite.submissions.queue import planned
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CheckResult, ReviewPolicy, Role
from tests.catalog.templates import a_template, select
from tests.factories import (
    a_connect_draft,
    a_connect_template,
    a_draft,
    a_submission,
    a_team,
    a_user,
    an_account,
    an_attempt,
)

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/delivery/"
EU = gate.Api("connectcases", "us-east-1")


@pytest.fixture
def root():
    return a_user("root", is_staff=True, is_superuser=True)


@pytest.fixture
def client(root, clock, bells):
    """The browser of one who runs the site and is in no team."""
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def account(clock):
    return an_account(a_team("Payments"), name="Payments prod", cases_per_hour=4, reserved_urgent=1)


@pytest.fixture
def processes(clock):
    """A dispatcher that makes its rounds, and a worker."""
    for number, role in enumerate(("dispatcher", "worker"), start=1):
        queues = parts.QUEUES if role == "worker" else ""
        process = f"here:{number}:boot"
        Beat.objects.create(process=process, role=role, queues=queues, started_at=clock.now, at=clock.now)
    dispatcher.elected()
    return clock


def beat_on(clock):
    Beat.objects.filter(role__in=("dispatcher", "worker")).update(at=clock.now)


def queued(account, subject="Failover", **fields):
    return a_submission(
        State.QUEUED, case=a_draft(team=account.teams.get(), account=account, subject=subject, **fields)
    )


def queued_for_connect(account, title="A pump leaks"):
    this = AwsAccount.objects.filter(pk=account.pk)
    this.update(review_policy=ReviewPolicy.NEVER, connect_regions="us-east-1")
    fetched = ConnectTemplate.objects.filter(domain__account=account).first()
    template = fetched or a_connect_template(account, a_template(select("channel", "phone")))
    case = a_connect_draft(template, typed={"title": title, "channel": "phone"})
    submission = workflow.submit(case, by=case.author)
    this.update(review_policy=account.review_policy)
    return submission


def words(client):
    page = client.get(ADDRESS).content.decode()
    body = page[page.index("<main") : page.index("</main>")]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def seen(client):
    return client.get(ADDRESS).context["overview"]


def lines_of(client):
    return {view.account.name: view for view in seen(client).accounts}


def codes(client):
    return [wrong.code for wrong in seen(client).wrong]


# --- who sees it ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", Role)
def test_it_is_for_those_who_run_the_site_and_nobody_else(role, clock, bells):
    client = Client()
    client.force_login(a_user("haas", team=a_team(), role=role, is_staff=role != Role.AGENT))

    assert client.get(ADDRESS).status_code == (302 if role == Role.AGENT else 403)
    if role != Role.AGENT:
        assert ADDRESS not in client.get("/admin/").content.decode()


def test_the_admins_first_page_leads_there(client):
    assert f'href="{ADDRESS}"' in client.get("/admin/").content.decode()


def test_words_that_people_wrote_are_for_the_team_alone(client, root, account, clock):
    row, lost = queued(account, "Confidential failover"), a_submission(State.UNKNOWN, subject="Confidential too")

    stranger = words(client)
    for submission in (row, lost):
        submission.case.team.memberships.create(user=root, role=Role.LEAD)
    lead = words(client)

    assert "Confidential" not in stranger
    assert row.case.reference in stranger and lost.case.reference in stranger
    assert "Confidential failover" in lead and "Confidential too" in lead
    assert f"/admin/submissions/submission/{lost.pk}/attention/" in client.get(ADDRESS).content.decode()


# --- nothing, and much -----------------------------------------------------------------------------------------------------
def test_site_without_anything_says_what_would_stand_there(client):
    told = words(client)

    assert "No dispatcher and no worker runs." in told
    assert "No AWS account yet." in told
    assert "Of everything that was sent, the outcome is known." in told
    assert codes(client) == ["dispatcher"]


def test_site_in_order_has_no_alarm_and_counts_its_quiet_accounts(client, processes, account):
    an_account(a_team(), name="Data lake")

    told = words(client)

    assert "No alarm: everything that delivery needs is there." in told
    assert "Nothing waits, nothing is stopped, and nothing was sent in the last hour." in told
    assert seen(client).calm_accounts == 2


def test_much_is_cut_and_the_rest_counted(client, account, monkeypatch):
    monkeypatch.setattr(overview, "ROWS_SHOWN", 2)
    monkeypatch.setattr(overview, "ACCOUNTS_SHOWN", 1)
    monkeypatch.setattr(overview, "DOUBTS_SHOWN", 2)
    for _n in range(3):
        queued(account)
        a_submission(State.UNKNOWN)
    for name in ("Zoo", "Zulu"):
        queued(an_account(a_team(), name=name))

    told = words(client)

    assert "One more waits behind these." in told
    assert "One more is not shown." in told
    assert "5 more accounts are busy and not shown." in told


def test_queries_do_not_grow_with_what_there_is(client, root, account, processes):
    def fill():
        other = an_account(a_team(), name="Another")
        for where in (account, other):
            queued(where)
            queued_for_connect(where)
            an_attempt(queued(where), "done").submission.move(State.CANCELLED)
        AwsAccount.objects.filter(pk=other.pk).update(check_result=CheckResult.BLOCKED)
        a_submission(State.UNKNOWN).case.team.memberships.create(user=root, role=Role.LEAD)
        a_submission(State.NEEDS_ATTENTION)
        a_submission(State.SENDING)
        gate.access_refused(other.pk, Mode.READ, "no")
        gate.slow_down(other.pk, Mode.WRITE, "Rate exceeded", EU)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(ADDRESS).status_code == 200
        return len(captured)

    fill()
    few = queries()
    for _n in range(3):
        fill()

    assert queries() == few
    assert few <= 30


def test_it_is_shown_without_boto3():
    program = (
        "import sys, django; django.setup()\n"
        "from casesite.delivery import alarms, overview, views, dispatcher\n"
        "print(sorted({'boto3', 'botocore'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=parts.ROOT,
        env={"DJANGO_SETTINGS_MODULE": "casesite.settings"},
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == "[]", done.stderr


# --- processes and queues ----------------------------------------------------------------------------------------------------
def test_processes_are_told_with_their_beats_the_silent_ones_first(client, processes):
    Beat.objects.create(
        process="there:3:boot", role="worker", queues="sync", started_at=processes.now, at=processes.now
    )
    Beat.objects.create(
        process="gone:4:boot", role="worker", started_at=processes.now, at=processes.now, stopped_at=processes.now
    )
    processes.advance(minutes=5)
    Beat.objects.filter(process__startswith="here:").update(at=processes.now)

    found = [(process.beat.process, process.role, process.state[0]) for process in seen(client).processes]

    assert found == [
        ("there:3:boot", "Worker", "Silent"),
        ("here:1:boot", "Dispatcher", "Beats"),
        ("here:2:boot", "Worker", "Beats"),
    ]
    assert "Queues: urgent, default, lookups, sync" in words(client)


def test_dispatcher_that_acts_is_told_from_the_others(client, processes):
    Beat.objects.create(process="there:3:boot", role="dispatcher", started_at=processes.now, at=processes.now)

    roles = {process.beat.process: process.role for process in seen(client).processes}

    assert roles["here:1:boot"] == "Dispatcher"
    dispatcher.resign()
    Beat.objects.filter(role="leader").update(queues="here:1:boot", leader_until=processes.now + timedelta(seconds=9))
    roles = {process.beat.process: process.role for process in seen(client).processes}
    assert roles == {
        "here:1:boot": "Dispatcher, the one that acts",
        "here:2:boot": "Worker",
        "there:3:boot": "Dispatcher",
    }


@pytest.mark.parametrize(("skew", "text"), [(90, "90 s behind"), (-75, "75 s ahead of")])
def test_clock_that_is_off_is_an_alarm(client, processes, skew, text):
    Beat.objects.filter(role="worker").update(clock_skew=skew)

    assert codes(client) == ["clock"]
    assert f"Its clock is {text} AWS's." in words(client)


def test_dispatcher_that_fell_silent_is_an_alarm_with_the_words_of_readyz(client, processes):
    processes.advance(minutes=4)

    assert codes(client) == ["dispatcher"]
    assert "The dispatcher fell silent 4 min ago: start one." in words(client)


def test_queue_that_nobody_consumes_is_an_alarm(client, processes):
    assert {bell.state[0] for bell in seen(client).bells} == {"Not tried yet"}
    canary.ring()
    for name in ("urgent", "default", "lookups"):
        canary.answer(name)
    assert [bell.state[0] for bell in seen(client).bells] == ["Answers", "Answers", "Answers", "Rung"]

    processes.advance(minutes=3)
    beat_on(processes)
    dispatcher.elected()

    assert codes(client) == ["canary"]
    assert seen(client).bells[-1].state[0] == "Silent"
    assert "No worker answers on sync" in words(client)


def test_disk_that_is_nearly_full_is_an_alarm(client, processes, monkeypatch):
    monkeypatch.setattr(readiness, "DISK_LEFT", 10**18)

    assert codes(client) == ["disk"]


# --- accounts ----------------------------------------------------------------------------------------------------------------
def test_line_has_the_times_of_the_plan_and_the_hour_its_use(client, account, clock):
    for _n in range(3):
        an_attempt(queued(account, "Gone"), "done").submission.move(State.CANCELLED)
    clock.advance(minutes=10)
    ordinary, urgent = queued(account, "Ordinary"), queued(account, "Urgent", severity_code="urgent")

    view = lines_of(client)["Payments prod"]

    times = planned(account, clock.now)
    assert [(row.submission.pk, row.place, row.is_now) for row in view.rows] == [
        (urgent.pk, 1, True),
        (ordinary.pk, 2, False),
    ]
    assert view.rows[1].at == times[ordinary.pk] == view.next_slot
    assert "3 of 4 used this hour, 1 kept for urgent cases" in words(client)


def test_what_leaves_stands_before_the_line(client, account):
    queued(account)
    sending = a_submission(State.SENDING, case=a_draft(team=account.teams.get(), account=account))

    view = lines_of(client)["Payments prod"]

    assert (view.rows[0].submission, view.rows[0].is_leaving) == (sending, True)
    assert (view.leaving, view.waiting, view.others) == (1, 1, 0)
    assert "1 leaving now" in words(client)


def test_cases_for_connect_stand_in_it_with_their_region(client, account, clock):
    row = queued_for_connect(account)
    assert lines_of(client)["Payments prod"].rows[0].is_now

    gate.hold(account.pk, clock.now + timedelta(minutes=15), "Too many cases", EU)
    [held] = lines_of(client)["Payments prod"].rows
    gate.access_refused(account.pk, Mode.WRITE, "no", EU)
    [stopped] = lines_of(client)["Payments prod"].rows

    assert (held.submission.pk, held.at, held.is_now) == (row.pk, clock.now + timedelta(minutes=15), False)
    assert (stopped.at, stopped.is_now) == (None, False)
    assert "Connect Cases in us-east-1, sending" in words(client)
    assert "Open a Connect case · us-east-1" in words(client)


@pytest.mark.parametrize(
    ("api", "name"),
    [
        (gate.SUPPORT, "AWS Support"),
        (EU, "Connect Cases in us-east-1"),
        (gate.Api("customer-profiles", "us-east-1"), "Customer Profiles in us-east-1"),
        (gate.Api("connect", "us-east-1"), "Amazon Connect in us-east-1"),
    ],
)
def test_each_api_is_told_apart(client, processes, account, clock, api, name):
    gate.hold(account.pk, clock.now + timedelta(minutes=15), "Slow down", api)

    assert f"{name}, sending" in words(client)


def test_stopped_account_stands_first_with_its_gate_and_what_aws_said(client, processes, account):
    other = an_account(a_team(), name="Zoo")
    queued(account)
    gate.access_refused(other.pk, Mode.WRITE, "User is not authorized")

    told = words(client)

    assert list(lines_of(client)) == ["Zoo", "Payments prod"]
    assert codes(client) == ["blocked"]
    assert "Calls to AWS are stopped for Zoo." in told
    assert "Stopped AWS Support, sending AWS does not let us in." in told
    assert "“User is not authorized”" in told


def test_slowed_gate_is_told_with_its_pace(client, account, clock):
    queued(account)
    gate.slow_down(account.pk, Mode.WRITE, "Rate exceeded")
    clock.advance(minutes=2)

    [line] = lines_of(client)["Payments prod"].shut_gates

    assert (line.state[0], line.gate.rate) == ("Slowed", 1.0)
    assert "up to 1 a second" in words(client)


def test_account_that_its_check_found_unfit_is_told(client, account):
    AwsAccount.objects.update(check_result=CheckResult.BLOCKED, check_summary="The account has no Support plan.")

    assert "can't send. The account has no Support plan." in words(client)


def test_work_that_nobody_takes_is_an_alarm(client, processes, account):
    queued(account)
    processes.advance(seconds=alarms.DUE_LATE.total_seconds() + 1)
    beat_on(processes)
    dispatcher.elected()

    assert codes(client)[-1] == "due_late"
    assert "nobody took it: Payments prod." in words(client)


# --- in doubt ----------------------------------------------------------------------------------------------------------------
def test_lost_answer_is_told_with_its_next_look_and_the_bound(client, account, processes):
    lost = a_submission(State.UNKNOWN, case=a_draft(team=account.teams.get(), account=account))

    [doubt] = seen(client).doubts

    assert (doubt.submission.pk, doubt.needs_person, doubt.is_looking) == (lost.pk, False, False)
    assert doubt.submission.bound == lost.attempts.get().bound
    assert "next look" in words(client)
    assert codes(client) == []


def test_what_is_looked_for_now_and_what_took_long_is_told(client, account, processes):
    lost = a_submission(State.UNKNOWN, case=a_draft(team=account.teams.get(), account=account))
    processes.advance(minutes=31)
    beat_on(processes)
    dispatcher.elected()
    lost.lease_until = processes.now + timedelta(seconds=30)
    lost.lease_by = "here:2:boot"
    lost.save(update_fields=["lease_until", "lease_by"])

    assert "being looked for now" in words(client)
    assert "unknown_long" in codes(client)


def test_what_needs_a_person_comes_first_and_is_an_alarm(client, processes, root):
    a_submission(State.UNKNOWN)
    row = a_submission(State.NEEDS_ATTENTION)

    assert [doubt.needs_person for doubt in seen(client).doubts] == [True, False]
    assert seen(client).doubts[0].submission == row
    assert codes(client) == ["needs_attention"]
    assert "state__exact=needs_attention" not in client.get(ADDRESS).content.decode()
    row.case.team.memberships.create(user=root, role=Role.LEAD)
    assert "state__exact=needs_attention" in client.get(ADDRESS).content.decode()
