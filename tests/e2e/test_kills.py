"""kill -9 at each of the named points, on real processes. However it dies, AWS ends up with one case.

A before the approval is committed, B committed but not rung, C bell in the worker, D preparing, E intent committed but not
sent, F request in flight, G answer here but not stored, H looking, I delivered. That nothing arrived takes long to prove:
so the worker dies at every point first, one after another, and then each test waits for its own case.
"""

import hashlib
from collections.abc import Callable, Sequence
from urllib.error import URLError

import pytest

from tests.e2e.office import Case, Office, Wire, quiet
from tests.sandboxes import SandboxAttachment
from tests.sites import Site, wait_until

pytestmark = pytest.mark.processes

FILE = ("log.txt", b"2026-11-20T14:02:11Z init 8123 ms\n")
PROVEN = 75  # seconds; the bound lies 22 s after the attempt, two looks and a send follow, on a busy machine


@pytest.fixture(scope="module")
def cases(parts_office: Office) -> dict[str, Case]:
    """The case during which the worker died, for each point; a plain worker runs since.

    The order matters: a worker that is to die must not meet, on work that an earlier death left behind, the point meant
    for its own case. What C leaves is sent by the worker that dies at H, before it has anything to die of; what takes
    long to be proven comes last.
    """
    kill = Killer(parts_office)
    kill.at("C")

    def wait_for_what_c_left_and_lose_an_answer(wire: Wire) -> None:
        kill.cases["C"].wait_for("delivered")
        wire.lose_answer()

    kill.at("H", wait_for_what_c_left_and_lose_an_answer)
    kill.at("I")
    kill.at("G")
    kill.at("F", lambda wire: wire.fault("slow", when="after", seconds=2), name="F, carried out")
    kill.at("F", lambda wire: wire.fault("slow", when="before", seconds=2), name="F, carried out later")
    kill.at("F", lambda wire: wire.fault("hang", when="before", seconds=2), name="F, never carried out")
    kill.at("E")
    kill.at("D")
    kill.at("D-set", file=FILE, denied=["support:UploadAttachment"])
    kill.at("D-complete", file=FILE)
    kill.at("D-part", file=FILE)
    parts_office.site.start_part("worker")
    return kill.cases


class Killer:
    """Has the worker die at one point after another, each time with a case in an account of its own."""

    def __init__(self, office: Office) -> None:
        self.site = office.site
        self.accounts = iter(office.accounts(12))
        self.cases: dict[str, Case] = {}
        self.site.stop_part("worker")

    def at(
        self,
        point: str,
        prepare: Callable[[Wire], object] | None = None,
        name: str = "",
        file: tuple[str, bytes] | None = None,
        denied: Sequence[str] = (),
    ) -> None:
        """`file` goes out with the case: part by part, or in a set where uploading is denied."""
        (self.site.var / f"failpoint-{point}").unlink(missing_ok=True)  # it strikes once for each folder
        worker = self.site.start_part("worker", CASESITE_FAILPOINT=f"{point}=kill")
        account = next(self.accounts)
        subject = f"The worker dies at {name or point}"
        if file:
            self.site.sandbox.account(account.account_id, denied=list(denied))
            self.site.manage("check_accounts", account.account_id)
        case = account.submit_with_file(subject, *file) if file else account.submit(subject)
        self.cases[name or point] = case
        if prepare:
            prepare(account.wire)
        wait_until(lambda: beats(self.site, worker.pid), what="the worker's first beat")
        case.approve()
        wait_until(lambda: worker.code is not None, what=f"the worker's death at {point}")
        assert (worker.code, case.row["state"], len(case.attempts)) == (-9, *LEFT[point])
        self.site.kill_part("worker")


# What a worker that dies at the point leaves behind: the state of its case, and the attempts made for it.
LEFT = {
    "C": ("queued", 0),
    "D": ("preparing", 0),
    "D-set": ("preparing", 0),
    "D-part": ("preparing", 0),
    "D-complete": ("preparing", 0),
    "E": ("sending", 1),
    "F": ("sending", 1),
    "G": ("sending", 1),
    "H": ("unknown", 1),
    "I": ("delivered", 1),
}


def beats(site: Site, pid: int) -> bool:
    return bool(site.rows("SELECT 1 FROM delivery_beat WHERE process LIKE ?", f"%:{pid}:%"))


# --- the worker ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("point", ["C", "D"])
def test_death_before_the_intent_costs_nothing(cases, point):
    case = cases[point]

    case.wait_for("delivered")

    case.assert_delivered_once()
    assert case.attempts == [("done", "")]


@pytest.mark.parametrize("point", ["D-set", "D-part", "D-complete"])
def test_death_while_files_go_costs_none_of_them(cases, point):
    case = cases[point]

    case.wait_for("delivered")

    case.assert_delivered_once()
    name, data = FILE
    [at_aws] = case.account.cases_at_aws
    assert at_aws.attachments == (SandboxAttachment(name, len(data), hashlib.sha256(data).hexdigest()),)


def test_death_at_the_look_has_it_repeated(cases):
    case = cases["H"]

    case.wait_for("delivered")

    case.assert_delivered_once()
    assert case.attempts == [("done", "ConnectionClosedError")]
    # The one that died says nothing; those of the watch may follow by now.
    assert {look["result"] for look in case.looks} == {"found"}


def test_death_after_the_report_changes_nothing(cases):
    case = cases["I"]

    case.assert_delivered_once()
    assert case.attempts == [("done", "")]


def test_death_before_the_report_is_made_up_for_by_a_look(cases):
    case = cases["G"]

    case.wait_for("delivered")

    case.assert_delivered_once()
    assert case.attempts == [("done", "WorkerLost")]
    assert f"aws_case={case.aws_case_id}" in case.office.site.log("worker")


@pytest.mark.parametrize("case", ["F, carried out", "F, carried out later"])
def test_death_in_flight_is_made_up_for_by_a_look(cases, case):
    case = cases[case]

    case.wait_for("delivered")

    case.assert_delivered_once()
    assert case.attempts == [("done", "WorkerLost")]


# --- the web server ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def web_that_dies(parts_office: Office):
    """`web_that_dies("A")`: gunicorn's worker dies at the point and gunicorn starts another."""

    def start(point: str) -> None:
        parts_office.site.stop_part("web")
        parts_office.site.start_part("web", CASESITE_FAILPOINT=f"{point}=kill")

    return start


def test_death_before_the_commit_leaves_the_case_unapproved(parts_office, web_that_dies):
    web_that_dies("A")
    case = parts_office.account().submit()

    with pytest.raises((URLError, ConnectionError)):
        case.approve()

    assert (case.state, case.attempts) == ("pending_review", [])
    case.approve()
    case.wait_for("delivered")
    case.assert_delivered_once()


def test_death_before_the_bell_is_noticed_by_the_dispatcher(parts_office, web_that_dies):
    web_that_dies("B")
    case = parts_office.account().submit()

    with pytest.raises((URLError, ConnectionError)):
        case.approve()

    case.wait_for("delivered", seconds=15)
    case.assert_delivered_once()
    assert case.attempts == [("done", "")]


# --- the worker, before anything arrived: proving that takes its time -----------------------------------------------------------
def test_request_lost_in_flight_is_sent_again_once_its_absence_is_proven(cases):
    case = cases["F, never carried out"]

    case.wait_for("delivered", seconds=PROVEN)

    case.assert_delivered_once(requests=2)
    assert case.attempts == [("absent", "WorkerLost"), ("done", "")]
    assert len([look for look in case.looks if look["counts"]]) >= 2


def test_death_between_intent_and_request_sends_once_its_absence_is_proven(cases):
    case = cases["E"]

    case.wait_for("delivered", seconds=PROVEN)

    case.assert_delivered_once(requests=1)
    assert case.attempts == [("absent", "WorkerLost"), ("done", "")]
    assert len([look for look in case.looks if look["counts"]]) >= 2


def test_invariants_hold_after_all_deaths(parts_office, cases):
    wait_until(lambda: quiet(parts_office.site), seconds=PROVEN, what="calm")

    said = parts_office.site.manage("verify_invariants").stdout

    assert said.startswith("all hold: I1,")
