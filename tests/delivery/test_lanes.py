"""What keeps a pace or hangs in one lane keeps nobody else: neither the account's other lanes nor a thread."""

import threading

import pytest
from django.db import connection

from casesite import failpoints
from casesite.catalog import templates_sync
from casesite.catalog.models import ConnectTemplate
from casesite.delivery import claim, dispatcher, tasks, work
from casesite.delivery.dispatcher import Dispatcher
from casesite.pacing import bell, gate
from casesite.pacing.models import AccountGate, Mode
from casesite.submissions import workflow
from casesite.submissions.models import Kind, Submission
from casesite.submissions.states import State
from casesite.teams.models import ReviewPolicy
from tests.factories import a_connect_draft, a_draft, a_team, a_user, an_account

pytestmark = pytest.mark.django_db
REGION = "us-east-1"
SUPPORT, CONNECT = "support.CreateCase", "connectcases.CreateCase"


@pytest.fixture
def account(bells, sandbox, settings):
    """An account with a domain of Connect, whose cases go out unreviewed."""
    settings.DRY_RUNS = False
    account = an_account(
        a_team(), cases_per_hour=1000, reserved_urgent=0, connect_regions=REGION, review_policy=ReviewPolicy.NEVER
    )
    sandbox.settings(cases_per_hour=1000)
    sandbox.connect_demo(account.account_id)
    return account


@pytest.fixture
def author(account):
    return a_user(team=account.teams.get())


@pytest.fixture
def of_support(account, author):
    """`of_support(3)` queues so many cases of Support."""

    def queue(number, **fields):
        drafts = [a_draft(by=author, account=account, **fields) for _n in range(number)]
        return [workflow.submit(draft, by=author) for draft in drafts]

    return queue


@pytest.fixture
def of_connect(account, author, settings):
    """The same of Connect."""
    settings.GATE_RATE = settings.GATE_BURST = 50
    templates_sync.refresh(account)
    settings.GATE_RATE = settings.GATE_BURST = 1
    template = ConnectTemplate.objects.select_related("newest").get(name="General question", domain__account=account)

    def queue(number):
        drafts = [a_connect_draft(template, by=author, typed={"title": f"Question {n}"}) for n in range(number)]
        return [workflow.submit(draft, by=author) for draft in drafts]

    return queue


def delivered(kind):
    return Submission.objects.filter(kind=kind, state=State.DELIVERED).count()


def sent(sandbox):
    """The order in which cases were opened, by their API."""
    return [
        request["operation"].partition(".")[0] for request in sandbox.requests() if "CreateCase" in request["operation"]
    ]


# --- pace -----------------------------------------------------------------------------------------------------------------------
def test_without_a_token_nothing_is_claimed(account, of_support, clock):
    rows = of_support(4)
    tokens = {row.token for row in rows}

    while work.step(account.pk):
        pass

    waiting = Submission.objects.filter(state=State.QUEUED)
    assert len(waiting) == 2
    assert {row.token for row in waiting} == tokens  # nobody took them up in vain
    clock.advance(seconds=0.5)
    assert claim.claim_next(account.pk) is not None


def test_who_comes_later_and_is_more_urgent_gets_the_next_token(account, of_support, sandbox, clock):
    of_support(20)
    while work.step(account.pk):
        pass

    clock.advance(seconds=0.4)
    [critical] = of_support(1, severity_code="critical")
    work.work_off(account.pk)
    clock.advance(seconds=0.1)
    work.work_off(account.pk)

    assert [case.severity_code for case in sandbox.cases()] == ["normal", "normal", "critical"]
    critical.refresh_from_db()
    assert critical.state == State.DELIVERED


@pytest.mark.parametrize(("rate", "pause"), [(2.0, 1 / 2), (0.5, 1 / 0.7), (0.1, 1 / 0.3)])
def test_an_account_that_waits_for_its_pace_says_when_to_come_again_and_holds_no_thread(
    rate, pause, account, of_support, clock
):
    """Two go out at once, and each answer brings a slowed rate up by a tenth."""
    of_support(4)
    gate.of(account.pk, Mode.WRITE)
    AccountGate.objects.filter(mode=Mode.WRITE).update(rate=rate)

    assert work.work_off(account.pk) == pytest.approx(pause, abs=1e-5)
    assert delivered(Kind.SUPPORT_CASE) == 2


def test_what_waits_for_anything_else_is_not_come_back_for(account, of_support, clock):
    of_support(3)
    account.cases_per_hour = 2
    account.save(update_fields=["cases_per_hour"])
    assert work.work_off(account.pk) == 0.5  # who can tell before a token is there
    clock.advance(seconds=1)

    assert work.work_off(account.pk) is None


def test_a_worker_has_the_bell_rung_again_when_the_pace_allows(account, of_support, clock, bells, monkeypatch):
    later = []
    monkeypatch.setattr(bell, "ring_later", lambda *asked: later.append(asked))
    of_support(3)

    tasks.work_off(account.pk)

    assert later == [(0.5, bell.WORK_OFF, account.pk)]


# --- lanes beside each other ------------------------------------------------------------------------------------------------------
def test_lanes_of_an_account_take_turns(account, of_support, of_connect, sandbox):
    of_support(2)
    of_connect(3)

    work.work_off(account.pk)

    assert sent(sandbox) == ["support", "connectcases", "support", "connectcases", "connectcases"]


def test_a_row_that_is_due_goes_before_what_is_to_be_searched_for(account, of_support, of_connect, sandbox, clock):
    [lost] = of_support(1)
    sandbox.lose_answer(SUPPORT)
    work.step(account.pk)
    clock.advance(seconds=10)
    lost.refresh_from_db()
    assert (lost.state, lost.due_at) == (State.UNKNOWN, clock.now)
    of_connect(1)

    assert work.step(account.pk)

    assert delivered(Kind.CONNECT_CASE) == 1
    assert sandbox.requests("support.DescribeCases") == []


def test_before_a_call_that_may_hang_another_thread_is_rung_for_the_other_lane(
    account, of_support, of_connect, sandbox, bells
):
    """Where both calls of Support hang, two bells later Connect's cases go out."""
    of_support(5)
    of_connect(1)
    bells.clear()
    hanging = []

    def hang():
        # What the next thread does while this one waits for AWS.
        if len(hanging) < 2:
            hanging.append(len(bells))
            work.step(account.pk)

    with failpoints.armed("F", hang):
        work.step(account.pk)

    assert hanging == [1, 2]
    assert sent(sandbox)[0] == "connectcases"
    assert {(rung.task, rung.account) for rung in bells} == {(bell.WORK_OFF, account.pk)}


def test_where_no_other_lane_has_work_nobody_is_rung_for(account, of_support, bells):
    of_support(2)
    bells.clear()

    work.work_off(account.pk)

    assert bells == []


def test_an_account_that_keeps_one_thread_busy_gets_another(account, of_support, bells, monkeypatch):
    of_support(2)
    bells.clear()
    monkeypatch.setattr(work, "ALONE", -1.0)

    work.work_off(account.pk)

    assert [rung.account for rung in bells] == [account.pk]


# --- without a worker -------------------------------------------------------------------------------------------------------------
def test_who_keeps_a_pace_is_not_taken_for_left_alone(account, of_support, clock, bells):
    of_support(4)
    work.work_off(account.pk)
    drains = Dispatcher()

    for _round in range(3):
        drains.tick()
        clock.advance(seconds=29)
        AccountGate.objects.filter(mode=Mode.WRITE).update(refilled_at=clock.now)

    assert drains._unclaimed_since == {}
    clock.advance(seconds=31)
    assert not dispatcher.due_accounts(clock.now)[account.pk].claimed


@pytest.mark.django_db(transaction=True)
def test_a_dispatcher_that_drains_keeps_the_pace(account, of_support, sandbox):
    of_support(4)

    thread = threading.Thread(target=dispatcher._work_off_here, args=[account.pk])
    thread.start()
    thread.join()

    assert len(sandbox.cases()) == 4
    connection.close()
