"""What no other test shows of the fault matrix: each fault at each point, by the points at which something happens.

tests/delivery/matrix.py has the whole table, with the tests that show each cell.
"""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery
from django.db import DatabaseError

from casesite import failpoints
from casesite import settings as house
from casesite.aws import clients as clients_module
from casesite.aws.clients import clients
from casesite.delivery import dispatcher, invariants, persistence, process, tasks
from casesite.lookups.reading import target_of
from casesite.pacing import bell
from casesite.pacing.models import AccountGate, Circuit, Mode
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests import named, wires
from tests.delivery import matrix
from tests.delivery.backups import Backup
from tests.delivery.harm import HARMS, dies_at, dies_once, in_another_thread, wait_for
from tests.delivery.steps import again, come_to_rest, creates, send, work_off
from tests.factories import a_submission, a_team, a_user, an_account

CREATE, DESCRIBE = "support.CreateCase", "support.DescribeCases"
committed = pytest.mark.django_db(transaction=True)


def points(fault: str, test: str) -> pytest.MarkDecorator:
    """The points of a fault's row that the table says this test shows."""
    shown = matrix.points_shown(fault, test)
    assert shown, f"the table names no {test} for {fault}"
    return pytest.mark.parametrize("point", shown)


# --- the table -----------------------------------------------------------------------------------------------------------------
def test_every_cell_has_an_end_and_a_test_or_says_why_it_can_not_be():
    cells = {(fault, point): cell for fault, row in matrix.MATRIX.items() for point, cell in row.items()}

    assert {fault: tuple(row) for fault, row in matrix.MATRIX.items()} == dict.fromkeys(
        matrix.MATRIX, tuple("ABCDEFGHI")
    )
    assert [where for where, cell in cells.items() if not (cell.end and (cell.tests or cell.impossible))] == []
    assert [where for where, cell in cells.items() if cell.tests and cell.impossible] == []


def test_every_test_that_the_table_names_exists():
    assert [reference for reference in sorted(matrix.all_tests()) if not named.exists(reference)] == []


def test_every_test_here_is_named_by_the_table():
    own = {name for name in named.written_in(Path(__file__)) if not name.startswith("test_every_")}
    told = {
        reference.partition("::")[2].partition("[")[0]
        for reference in matrix.all_tests()
        if "test_matrix.py" in reference
    }

    assert own == told


# --- what all of them end in --------------------------------------------------------------------------------------------------------
def assert_delivered_once(submission, sandbox, *, requests=1):
    [case] = sandbox.cases(submission.account.account_id)
    assert (submission.state, submission.remote_id) == (State.DELIVERED, case.case_id)
    assert submission.case.aws_case_id == case.case_id
    assert len(creates(sandbox)) == requests
    assert invariants.broken() == []


def outcomes(submission):
    return [str(attempt.outcome) for attempt in submission.attempts.order_by("n")]


def hears_a_bell(submission):
    """What a worker does when a bell for the account reaches it."""
    tasks.work_off(submission.account_id)


def with_a_lost_answer(submission, sandbox, time):
    """AWS has the case, its answer was lost, and a look is due."""
    sandbox.lose_answer(CREATE)
    work_off(submission)
    assert submission.state == State.UNKNOWN
    time.pass_(seconds=10)


@pytest.fixture
def queued(sandbox, bells, time):
    """An approved submission of an account whose keys are checked."""
    submission = a_submission(State.QUEUED)
    clients.keys(target_of(submission.account))
    bells.clear()
    return submission


@pytest.fixture
def waiting(sandbox, bells, time):
    """One that waits for its reviewer, and how the reviewer approves it."""
    submission = a_submission(State.PENDING_REVIEW)
    reviewer = a_user(team=submission.case.team, role=Role.REVIEWER)

    def approve():
        fresh = Submission.objects.get(pk=submission.pk)
        workflow.approve(fresh, by=reviewer, payload_sha256=fresh.payload_sha256)

    submission.approve = approve
    return submission


def is_rung_again(submission, bells):
    """The dispatcher finds the row by itself."""
    bells.clear()
    dispatcher.Dispatcher().tick()
    return [rung.account for rung in bells if rung.task == bell.WORK_OFF] == [submission.account_id]


# --- kill -9 -------------------------------------------------------------------------------------------------------------------------
@committed
def test_death_before_the_commit_approves_nothing(waiting, sandbox):
    dies_at("A", waiting.approve)

    assert (again(waiting).state, waiting.decisions.count()) == (State.PENDING_REVIEW, 0)
    waiting.approve()
    work_off(waiting)
    assert_delivered_once(waiting, sandbox)


@committed
def test_death_before_the_bell_leaves_it_to_the_dispatcher(waiting, sandbox, bells):
    dies_at("B", waiting.approve)

    assert (again(waiting).state, bells) == (State.QUEUED, [])
    assert is_rung_again(waiting, bells)
    work_off(waiting)
    assert_delivered_once(waiting, sandbox)


# By point: the state that death leaves behind, the outcomes of the attempts in the end, the requests that were made.
AFTER_DEATH = {
    "C": (State.QUEUED, ["done"], 1),
    "D": (State.PREPARING, ["done"], 1),
    "E": (State.SENDING, ["absent", "done"], 1),
    "G": (State.SENDING, ["done"], 1),
    "H": (State.UNKNOWN, ["done"], 1),
    "I": (State.DELIVERED, ["done"], 1),
}


@committed
@points("kill -9", "test_death_of_a_worker_ends_in_one_case")
def test_death_of_a_worker_ends_in_one_case(point, queued, sandbox, bells, time):
    if point == "H":
        with_a_lost_answer(queued, sandbox, time)
    left, in_the_end, requests = AFTER_DEATH[point]

    dies_at(point, lambda: hears_a_bell(queued))

    assert again(queued).state == left
    assert point != "C" or is_rung_again(queued, bells)
    come_to_rest(queued, time)
    assert outcomes(queued) == in_the_end
    assert_delivered_once(queued, sandbox, requests=requests)


IN_FLIGHT = {
    "carried out": ("slow", "after", 1, ["done"], 1),
    "never carried out": ("hang", "before", 0, ["absent", "done"], 2),
}


@committed
@pytest.mark.parametrize(("fault", "when", "cases", "in_the_end", "requests"), IN_FLIGHT.values(), ids=IN_FLIGHT)
def test_death_in_flight_ends_in_one_case(fault, when, cases, in_the_end, requests, queued, sandbox, time):
    sandbox.fault(CREATE, fault, when=when, seconds=60)

    dies_once(lambda: sandbox.requests(CREATE), lambda: hears_a_bell(queued))

    assert (again(queued).state, len(sandbox.cases())) == (State.SENDING, cases)
    come_to_rest(queued, time)
    assert outcomes(queued) == in_the_end
    assert_delivered_once(queued, sandbox, requests=requests)


@committed
def test_death_while_the_request_is_still_on_its_way_ends_in_one_case(queued, sandbox, time):
    sandbox.fault(CREATE, "late", seconds=0.5)

    dies_at("G", lambda: hears_a_bell(queued))
    wait_for(sandbox.cases)

    come_to_rest(queued, time)
    assert_delivered_once(queued, sandbox, requests=len(creates(sandbox)))


# --- the broker ------------------------------------------------------------------------------------------------------------------------
@committed
@points("broker flushed, down, hung", "test_a_dead_broker_changes_nothing")
def test_a_dead_broker_changes_nothing(point, waiting, sandbox, time, monkeypatch):
    def die():
        dead = Celery("bells", broker="redis://127.0.0.1:9/0", set_as_current=False)
        dead.conf.broker_transport_options = house.CELERY_BROKER_TRANSPORT_OPTIONS
        monkeypatch.setattr(bell, "current_app", dead)

    with failpoints.armed(point, die):
        waiting.approve()
        if point == "H":
            with_a_lost_answer(waiting, sandbox, time)
        hears_a_bell(waiting)

    come_to_rest(waiting, time)
    assert bell.ring_now(bell.WORK_OFF, waiting.account_id) is False
    assert_delivered_once(waiting, sandbox)


# --- the database ------------------------------------------------------------------------------------------------------------------------
@pytest.fixture(params=HARMS)
def harm(request, transactional_db):
    """Everything that can befall this database, one after the other."""
    made = HARMS[request.param]()
    yield made
    made.remove()


@pytest.fixture
def until_it_is_over(harm, monkeypatch):
    """Whoever waits to write something down finds the harm ended after a while. The seconds waited."""
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            harm.end()

    monkeypatch.setattr(persistence, "sleep", sleep)
    return waited


@committed
def test_database_trouble_after_the_commit_leaves_it_queued(harm, waiting, sandbox, bells, time):
    with failpoints.armed("B", lambda: harm.begin(waiting)):
        waiting.approve()
    with suppress(DatabaseError):
        hears_a_bell(waiting)
    harm.end()

    assert again(waiting).state == State.QUEUED
    assert is_rung_again(waiting, bells)
    come_to_rest(waiting, time)
    assert_delivered_once(waiting, sandbox)


@committed
def test_database_trouble_when_the_bell_is_heard_leaves_it_queued(harm, queued, sandbox, bells, time):
    with failpoints.armed("C", lambda: harm.begin(queued)), pytest.raises(DatabaseError):
        hears_a_bell(queued)
    harm.end()

    assert come_to_rest(queued, time)
    assert_delivered_once(queued, sandbox)


@committed
def test_an_intent_that_can_not_be_stored_sends_nothing(harm, queued, sandbox, until_it_is_over, time):
    with failpoints.armed("D", lambda: harm.begin(queued)), pytest.raises(DatabaseError):
        hears_a_bell(queued)
    harm.end()

    assert (again(queued).state, creates(sandbox)) == (State.QUEUED, [])
    come_to_rest(queued, time)
    assert_delivered_once(queued, sandbox)


@committed
@points("database restart, locked, full", "test_a_report_waits_for_the_database")
def test_a_report_waits_for_the_database(point, harm, queued, sandbox, until_it_is_over, time):
    with failpoints.armed(point, lambda: harm.begin(queued)):
        hears_a_bell(queued)

    assert again(queued).state == State.DELIVERED
    assert len(until_it_is_over) == 3
    come_to_rest(queued, time)
    assert_delivered_once(queued, sandbox)


@committed
def test_a_report_that_is_never_stored_is_made_up_for_by_a_look(harm, queued, sandbox, time, monkeypatch):
    monkeypatch.setattr(persistence, "PATIENCE", -1.0)

    with failpoints.armed("F", lambda: harm.begin(queued)), pytest.raises(DatabaseError):
        hears_a_bell(queued)
    harm.end()

    assert again(queued).state == State.SENDING
    come_to_rest(queued, time)
    assert [look.result for look in queued.looks.exclude(result="error")] == ["found"]
    assert_delivered_once(queued, sandbox)


@committed
def test_a_look_that_can_not_be_stored_is_repeated(harm, queued, sandbox, time):
    with_a_lost_answer(queued, sandbox, time)

    with failpoints.armed("H", lambda: harm.begin(queued)), pytest.raises(DatabaseError):
        hears_a_bell(queued)
    harm.end()

    assert again(queued).state == State.UNKNOWN
    come_to_rest(queued, time)
    assert_delivered_once(queued, sandbox)


@committed
def test_what_aws_shows_is_read_again_where_it_could_not_be_stored(harm, queued, sandbox, time):
    with failpoints.armed("I", lambda: harm.begin(queued)), suppress(DatabaseError):
        hears_a_bell(queued)
    harm.end()

    assert again(queued).state == State.DELIVERED
    time.pass_(minutes=5)
    work_off(queued)
    assert queued.case.aws_display_id == sandbox.cases()[0].display_id
    assert_delivered_once(queued, sandbox)


# --- the network ---------------------------------------------------------------------------------------------------------------------------
ONE_CALL = pytest.mark.usefixtures("without_pauses")


@pytest.fixture
def without_pauses(monkeypatch):
    """Reads without the SDK's pauses between its tries."""
    monkeypatch.setattr(clients_module, "READS", clients_module.ONE_TRY)


@pytest.fixture
def cut(sandbox, settings):
    """`cut()`: nobody reaches AWS any more; `cut.end()`: again."""

    class Cut:
        def __call__(self):
            settings.SANDBOX_URL = wires.REFUSING
            clients.forget_everything()

        def end(self):
            settings.SANDBOX_URL = sandbox.url
            clients.forget_everything()

    return Cut()


@ONE_CALL
@pytest.mark.django_db
@points("network cut, slow, reset", "test_a_cut_line_costs_time_only")
def test_a_cut_line_costs_time_only(point, queued, cut, sandbox, time):
    if point == "H":
        with_a_lost_answer(queued, sandbox, time)
    requests = len(creates(sandbox))

    with failpoints.armed(point, cut):
        hears_a_bell(queued)

    before = {"C": State.QUEUED, "D": State.QUEUED, "E": State.QUEUED, "H": State.UNKNOWN, "I": State.DELIVERED}
    assert (again(queued).state, len(creates(sandbox)) - requests) == (before[point], int(point == "I"))
    assert set(outcomes(queued)) <= {"not_sent", "unknown", "done"}
    cut.end()
    come_to_rest(queued, time)
    time.pass_(minutes=5)
    work_off(queued)
    assert queued.case.aws_display_id
    assert_delivered_once(queued, sandbox)


# --- throttled, or the hour used up -----------------------------------------------------------------------------------------------------------
@ONE_CALL
@pytest.mark.django_db
def test_a_session_that_aws_throttles_is_fetched_later(sandbox, bells, time):
    role = "arn:aws:iam::444455556666:role/Casesite"
    team = a_team()
    submission = a_submission(
        State.QUEUED, team=team, account=an_account(team, account_id="444455556666", role_arn=role)
    )
    sandbox.fault("sts.AssumeRole", "throttle")

    hears_a_bell(submission)

    assert (again(submission).state, outcomes(submission), creates(sandbox)) == (State.QUEUED, [], [])
    come_to_rest(submission, time)
    assert_delivered_once(submission, sandbox)


@ONE_CALL
@pytest.mark.django_db
def test_a_throttled_look_is_made_later_and_counts_for_nothing(queued, sandbox, time):
    with_a_lost_answer(queued, sandbox, time)
    sandbox.fault(DESCRIBE, "throttle")

    hears_a_bell(queued)

    assert [look.result for look in queued.looks.all()] == ["error"]
    assert AccountGate.objects.get(account=queued.account, mode=Mode.READ).throttles == 1
    come_to_rest(queued, time)
    assert_delivered_once(queued, sandbox)


@ONE_CALL
@pytest.mark.django_db
@pytest.mark.parametrize("trouble", ["throttle", "access"])
def test_a_read_after_success_that_aws_refuses_is_made_later(trouble, queued, sandbox, time):
    more = {"code": "AccessDeniedException", "status": 403} if trouble == "access" else {}
    sandbox.fault(DESCRIBE, "error" if more else trouble, **more)

    hears_a_bell(queued)

    assert (again(queued).state, queued.case.aws_display_id) == (State.DELIVERED, "")
    time.pass_(minutes=15)
    work_off(queued)
    assert queued.case.aws_display_id == sandbox.cases()[0].display_id
    assert_delivered_once(queued, sandbox)


# --- the role is revoked ---------------------------------------------------------------------------------------------------------------------
@ONE_CALL
@pytest.mark.django_db
@points("credentials expired, role revoked", "test_a_role_revoked_meanwhile_sends_nothing_more")
def test_a_role_revoked_meanwhile_sends_nothing_more(point, queued, sandbox, time):
    denied = {"account_id": queued.account.account_id, "denied": ["support:CreateCase", "support:DescribeCases"]}

    with failpoints.armed(point, lambda: sandbox.account(**denied)):
        hears_a_bell(queued)

    opened = point == "G"
    assert again(queued).state == (State.DELIVERED if opened else State.QUEUED)
    assert len(sandbox.cases()) == int(opened)
    write_gate = AccountGate.objects.get(account=queued.account, mode=Mode.WRITE)
    assert (write_gate.circuit == Circuit.OPEN) is not opened
    sandbox.account(queued.account.account_id, denied=[])
    come_to_rest(queued, time)
    assert_delivered_once(queued, sandbox, requests=1 if opened else 2)


# --- the doorbell rings twice -------------------------------------------------------------------------------------------------------------------
@committed
@points("doorbell twice, redelivery", "test_a_second_bell_at_any_point_changes_nothing")
def test_a_second_bell_at_any_point_changes_nothing(point, queued, sandbox, time):
    if point == "H":
        with_a_lost_answer(queued, sandbox, time)
    heard = []

    def second_bell():
        if not heard:
            heard.append(point)
            in_another_thread(lambda: hears_a_bell(queued))

    with failpoints.armed(point, second_bell):
        hears_a_bell(queued)

    come_to_rest(queued, time)
    assert (heard, outcomes(queued)) == ([point], ["done"])
    assert_delivered_once(queued, sandbox)


# --- the clock is stepped -------------------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("hours", [-1, 1])
@points("clock step of an hour", "test_a_step_of_the_clock_ends_in_one_case")
def test_a_step_of_the_clock_ends_in_one_case(point, hours, waiting, sandbox, clock, time):
    """The site's clock alone is stepped; AWS's goes on."""

    steps = [timedelta(hours=hours)]

    def step():
        if steps:
            clock.advance(steps.pop())
            dispatcher.expire_preparing()
            dispatcher.expire_sending()

    with failpoints.armed(point, step):
        waiting.approve()
        hears_a_bell(waiting)

    assert len(creates(sandbox)) <= 1
    come_to_rest(waiting, time)
    time.pass_(hours=2)
    work_off(waiting)
    assert_delivered_once(waiting, sandbox)


@pytest.mark.django_db
def test_a_signature_of_another_hour_is_refused_and_made_anew(queued, sandbox, time):
    """AWS sees a machine whose clock is an hour behind."""
    sandbox.settings(signature_validity=300, clock_ahead=3600)

    send(queued)

    assert (queued.state, queued.reason_code) == (State.QUEUED, Reason.CLOCK)
    assert outcomes(queued) == ["refused_retry"]
    sandbox.settings(clock_ahead=0, signature_validity=9e8)
    come_to_rest(queued, time)
    assert_delivered_once(queued, sandbox, requests=2)


# --- SIGTERM -----------------------------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def stopping():
    yield process.stopping
    process.stopping.clear()


@pytest.mark.django_db
@points("SIGTERM, deploy", "test_a_stop_at_any_point_leaves_nothing_half_done")
def test_a_stop_at_any_point_leaves_nothing_half_done(point, queued, sandbox, bells, time, stopping):
    if point == "H":
        with_a_lost_answer(queued, sandbox, time)

    with failpoints.armed(point, stopping.set):
        hears_a_bell(queued)
    stopping.clear()

    # Heard after the stop: left where it was. Begun before it: brought to its end.
    assert again(queued).state == (State.QUEUED if point == "C" else State.DELIVERED)
    assert queued.lease_until is None
    assert point != "C" or is_rung_again(queued, bells)
    come_to_rest(queued, time)
    assert_delivered_once(queued, sandbox)


# --- answers that are no answers ------------------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["error_500", "error_502", "error_503", "empty", "foreign", "cut", "drop", "reset"])
def test_a_case_that_aws_opened_behind_a_garbled_answer_is_found(fault, queued, sandbox, time):
    sandbox.fault(CREATE, fault, when="after")

    hears_a_bell(queued)

    assert (again(queued).state, len(sandbox.cases())) == (State.UNKNOWN, 1)
    come_to_rest(queued, time)
    assert [look.result for look in queued.looks.all()] == ["found"]
    assert_delivered_once(queued, sandbox)


# --- the database is restored -----------------------------------------------------------------------------------------------------------------------------
@committed
@points("database restored from a backup", "test_a_backup_taken_at_any_point_opens_no_second_case")
def test_a_backup_taken_at_any_point_opens_no_second_case(point, queued, sandbox, time, monkeypatch):
    monkeypatch.setattr(process, "dispatchers_before", None)
    dispatcher.begin()
    if point == "H":
        with_a_lost_answer(queued, sandbox, time)
    backups = []
    with failpoints.armed(point, lambda: backups.append(Backup())):
        hears_a_bell(queued)
    assert again(queued).state == State.DELIVERED

    backups[0].restore()
    time.pass_(minutes=1)
    dispatcher.begin(after_restore=True)

    assert again(queued).state in (State.QUEUED, State.UNKNOWN, State.DELIVERED)
    come_to_rest(queued, time)
    assert_delivered_once(queued, sandbox)
