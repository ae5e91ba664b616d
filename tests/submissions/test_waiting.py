"""What people do with what waits in line: hold it back, let it go on, let it go before its turn."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from casesite.delivery import claim, dispatcher, invariants, lanes
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions import queue, waiting, workflow
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import StaleSubmission, State
from casesite.teams.models import Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account, an_attempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return a_team()


@pytest.fixture
def people(team):
    people = {role: a_user(team=team, role=role) for role in Role}
    return {**{role.value: user for role, user in people.items()}, "author": a_user(team=team), "stranger": a_user()}


@pytest.fixture
def account(team, clock, bells):
    return an_account(team, cases_per_hour=3, reserved_urgent=1)


@pytest.fixture
def queued(account, people):
    def queue_up(severity="normal", state=State.QUEUED):
        case = a_draft(by=people["author"], account=account, severity_code=severity)
        return a_submission(state, case=case, reviewer=people["reviewer"])

    return queue_up


def again(row):
    return Submission.objects.select_related("case").get(pk=row.pk)


def held(row, by, until):
    waiting.hold(row, by=by, until=until, token=row.token)
    return row


# --- holding --------------------------------------------------------------------------------------------------------------------
def test_what_is_held_is_not_claimed_before_its_time(queued, people, account, clock):
    row = held(queued(), people["author"], clock.now + timedelta(minutes=40))

    assert claim.claim_next(account.pk) is None
    assert dispatcher.due_accounts(clock.now) == {}
    assert queue.planned(account, clock.now) == {row.pk: clock.now + timedelta(minutes=40)}
    assert invariants.broken() == []
    clock.advance(minutes=39, seconds=59)
    assert claim.claim_next(account.pk) is None
    clock.advance(seconds=1)
    assert claim.claim_next(account.pk) == row


def test_a_hold_brings_nothing_forward(queued, people, account, clock):
    row = queued()
    claimed = claim.claim_next(account.pk)
    claim.give_back(claimed, due_at=clock.now + timedelta(minutes=40), reason=Reason.PACE)

    held(again(row), people["author"], clock.now + timedelta(minutes=10))

    clock.advance(minutes=11)
    assert claim.claim_next(account.pk) is None
    clock.advance(minutes=30)
    assert claim.claim_next(account.pk) == row


def test_holding_is_written_down_with_name_and_time(queued, people, clock):
    until = clock.now + timedelta(hours=2)

    row = held(queued(), people["reviewer"], until)

    assert (row.state, row.held_until, row.held_by) == (State.QUEUED, until, people["reviewer"])
    event = row.case.events.last()
    assert (event.what, event.by, event.text) == ("held", people["reviewer"], until.isoformat())


@pytest.mark.parametrize(
    ("minutes", "good"),
    [(-5, False), (0, False), (0.9, False), (1, True), (7 * 24 * 60, True), (7 * 24 * 60 + 1, False)],
)
def test_a_hold_ends_within_seven_days(queued, people, clock, minutes, good):
    row = queued()

    if good:
        held(row, people["author"], clock.now + timedelta(minutes=minutes))
    else:
        with pytest.raises(ValidationError):
            held(row, people["author"], clock.now + timedelta(minutes=minutes))

    assert (again(row).held_until is not None) is good


def test_a_hold_can_be_moved(queued, people, account, clock):
    row = held(queued(), people["author"], clock.now + timedelta(hours=1))

    held(row, people["reviewer"], clock.now + timedelta(minutes=5))

    assert queue.planned(account, clock.now) == {row.pk: clock.now + timedelta(minutes=5)}


def test_what_is_held_goes_on_when_somebody_says_so(queued, people, account, clock):
    row = held(queued(), people["author"], clock.now + timedelta(hours=1))

    waiting.resume(row, by=people["reviewer"], token=row.token)

    assert claim.claim_next(account.pk) == row
    assert (again(row).held_until, again(row).held_by) == (None, None)
    assert row.case.events.last().what == "resumed"


def test_what_is_not_held_or_no_longer_is_not_let_go(queued, people, clock):
    row = queued()
    with pytest.raises(StaleSubmission):
        waiting.resume(row, by=people["author"], token=row.token)
    held(row, people["author"], clock.now + timedelta(minutes=5))
    clock.advance(minutes=5)

    with pytest.raises(StaleSubmission):
        waiting.resume(row, by=people["author"], token=row.token)


def test_a_held_row_does_not_wait_for_a_stopped_account(queued, people, account, clock):
    gate.access_refused(account.pk, Mode.WRITE, "no")
    row, other = queued(), queued()
    held(row, people["author"], clock.now + timedelta(hours=30))
    clock.advance(hours=25)

    dispatcher.park_hopeless()

    assert (again(row).state, again(other).state) == (State.QUEUED, State.NEEDS_ATTENTION)


def test_what_a_lead_sends_again_is_no_longer_held(queued, people, account, clock):
    gate.access_refused(account.pk, Mode.WRITE, "no")
    row = held(queued(), people["author"], clock.now + timedelta(hours=1))
    row.move(State.NEEDS_ATTENTION, due_at=None)

    workflow.send_again(row, by=people["lead"], reason="It is time")

    assert (row.held_until, row.held_by, row.due_at) == (None, None, clock.now)


def test_a_held_row_can_be_cancelled(queued, people, clock):
    row = held(queued(), people["author"], clock.now + timedelta(hours=1))

    workflow.cancel(row, by=people["author"])

    assert row.state == State.CANCELLED


# --- before its turn ------------------------------------------------------------------------------------------------------------
def test_send_now_takes_a_place_kept_for_urgent_cases(
    queued, people, account, clock, bells, django_capture_on_commit_callbacks
):
    for _n in range(2):
        an_attempt(queued(), "done")
    row, other = queued("low"), queued("high")
    assert claim.claim_next(account.pk) is None
    bells.clear()

    with django_capture_on_commit_callbacks(execute=True):
        waiting.send_now(row, by=people["lead"], token=row.token)

    assert [(bell.account, bell.queue) for bell in bells] == [(account.pk, "urgent")]
    assert queue.planned(account, clock.now)[row.pk] == clock.now
    assert claim.claim_next(account.pk) == row
    assert claim.claim_next(account.pk) is None
    assert again(other).state == State.QUEUED
    event = row.case.events.last()
    assert (event.what, event.by, again(row).hurried_by) == ("hurried", people["lead"], people["lead"])


def test_send_now_passes_no_limit_of_the_account(queued, people, account, clock):
    for _n in range(3):
        an_attempt(queued(), "done")
    row = queued("low")

    waiting.send_now(row, by=people["lead"], token=row.token)

    assert claim.claim_next(account.pk) is None
    assert queue.planned(account, clock.now)[row.pk] == clock.now + timedelta(hours=1)


def test_send_now_lets_go_what_is_held(queued, people, account, clock):
    row = held(queued("low"), people["author"], clock.now + timedelta(hours=1))

    waiting.send_now(row, by=people["lead"], token=row.token)

    assert (row.held_until, row.held_by) == (None, None)
    assert claim.claim_next(account.pk) == row


def test_send_now_comes_after_critical_and_before_high(queued, people, account, clock, monkeypatch):
    monkeypatch.setitem(lanes.IN_FLIGHT, "support", 100)
    low, high, critical = queued("low"), queued("high"), queued("critical")

    waiting.send_now(low, by=people["lead"], token=low.token)

    assert list(queue.planned(account, clock.now)) == [critical.pk, low.pk, high.pk]
    assert [claim.claim_next(account.pk) for _n in range(3)] == [critical, low, high]


def test_send_now_keeps_a_critical_case_critical(queued, people):
    row = queued("critical")

    waiting.send_now(row, by=people["lead"], token=row.token)

    assert row.rank == 0


def test_what_leads_hurry_starves_nobody(queued, people, account, clock):
    """Ordinary places stay: hurried cases may use all of the hour, but whoever waited half an hour a rank is as good as they."""
    first = queued("low")
    clock.advance(hours=2)
    hurried = [queued("normal") for _n in range(3)]
    for row in hurried:
        waiting.send_now(row, by=people["lead"], token=row.token)

    assert next(iter(queue.planned(account, clock.now))) == first.pk
    assert claim.claim_next(account.pk) == first


# --- who, and who was quicker ---------------------------------------------------------------------------------------------------
VERBS = {
    "hold": lambda row, by, now, token: waiting.hold(row, by=by, until=now + timedelta(minutes=5), token=token),
    "resume": lambda row, by, now, token: waiting.resume(row, by=by, token=token),
    "send_now": lambda row, by, now, token: waiting.send_now(row, by=by, token=token),
}


DONE = {"hold": "held", "resume": "resumed", "send_now": "hurried"}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", ["author", "agent", "reviewer", "lead", "stranger"])
def test_who_may(queued, people, clock, verb, who):
    row = queued()
    if verb == "resume":
        held(row, people["author"], clock.now + timedelta(hours=1))
    may = {"lead"} if verb == "send_now" else {"author", "reviewer", "lead"}

    if who in may:
        VERBS[verb](row, people[who], clock.now, row.token)
    else:
        with pytest.raises(PermissionDenied):
            VERBS[verb](row, people[who], clock.now, row.token)

    done = row.case.events.filter(what=DONE[verb], by=people[who])
    assert done.exists() is (who in may)


@pytest.mark.parametrize("verb", VERBS)
def test_of_two_people_one_is_quicker(queued, people, clock, verb):
    row = queued()
    if verb == "resume":
        held(row, people["author"], clock.now + timedelta(hours=1))
    seen = row.token
    VERBS[verb](row, people["lead"], clock.now, seen)
    before = again(row)

    with pytest.raises(StaleSubmission):
        VERBS[verb](again(row), people["lead"], clock.now, seen)

    assert (again(row).token, again(row).held_until) == (before.token, before.held_until)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", [state for state in State if state != State.QUEUED])
def test_only_what_waits_in_line(queued, people, clock, verb, state):
    row = queued(state=state)

    with pytest.raises((PermissionDenied, StaleSubmission)):
        VERBS[verb](row, people["lead"], clock.now, row.token)

    assert again(row).token == row.token


def test_a_worker_that_was_quicker_keeps_the_row(queued, people, account, clock):
    row = queued()
    seen = row.token
    taken = claim.claim_next(account.pk)

    with pytest.raises(StaleSubmission):
        waiting.hold(row, by=people["author"], until=clock.now + timedelta(hours=1), token=seen)

    assert (again(row).state, again(row).token) == (State.PREPARING, taken.token)


def test_a_worker_that_saw_the_row_before_it_was_held_does_not_get_it(queued, people, account, clock, monkeypatch):
    """On PostgreSQL both may read at once; the token in the UPDATE is what parts them."""
    row = queued()
    seen = Submission.objects.select_related("account", "case").get()
    monkeypatch.setattr(claim, "_first_due", lambda *_given: seen)

    monkeypatch.setattr(claim, "_due", lambda **_given: [(row.pk,)])
    held(row, people["author"], clock.now + timedelta(hours=1))

    assert claim.claim_next(account.pk) is None
    assert again(row).state == State.QUEUED
