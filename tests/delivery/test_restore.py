"""A database that was restored has forgotten what was sent since. AWS has not, and nothing is sent a second time."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from casesite.cases.models import Case, Stage
from casesite.delivery import claim, dispatcher, doubt, persistence, process, work
from casesite.delivery.models import Beat, Doubt, LookResult, Outcome
from casesite.pacing import bell
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, Role
from tests.delivery.backups import Backup
from tests.delivery.steps import again, creates, work_off
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db
CREATE = "support.CreateCase"


@pytest.fixture(autouse=True)
def a_running_site(monkeypatch, clock):
    """Its dispatcher started once, long before any backup."""
    monkeypatch.setattr(process, "dispatchers_before", None)
    dispatcher.begin()
    process.stopped()


def approved(case):
    """Submitted anew where it is a draft, and approved where it waits for that."""
    row = case.submissions.order_by("-submitted_at").first() if case.stage != Stage.DRAFT else None
    row = row or workflow.submit(case, by=case.author)
    if row.state == State.PENDING_REVIEW:
        workflow.approve(row, by=a_user(team=row.case.team, role=Role.REVIEWER), payload_sha256=row.payload_sha256)
    return Submission.objects.get(pk=row.pk)


def settle(account, time):
    """Let the doubt run out, with work done on the way."""
    for _minutes in range(4):
        time.pass_(minutes=9)
        for _step in range(100):
            if not work.step(account.pk):
                break


# --- a backup from before ----------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("taken", ["before submitting", "before approving", "before sending"])
@pytest.mark.parametrize("people", ["are quick", "wait"])
def test_a_case_sent_after_the_backup_is_opened_no_second_time(taken, people, sandbox, bells, time):
    case = a_draft()
    backups = {"before submitting": Backup()}
    row = workflow.submit(case, by=case.author)
    backups["before approving"] = Backup()
    approved(Case.objects.get(pk=case.pk))
    backups["before sending"] = Backup()
    work_off(again(row))
    assert row.state == State.DELIVERED
    [at_aws] = sandbox.cases()

    backups[taken].restore()
    time.pass_(minutes=1)
    dispatcher.begin(after_restore=True)
    case = Case.objects.get(pk=case.pk)
    assert case.aws_case_id is None
    if people == "are quick":
        approved(case)
    settle(case.account, time)

    case.refresh_from_db()
    assert (case.aws_case_id, case.stage, case.duplicate_aws_case_id) == (at_aws.case_id, Stage.OPEN, "")
    assert case.aws_display_id == at_aws.display_id
    assert [each.case_id for each in sandbox.cases()] == [at_aws.case_id]
    assert not case.submissions.unfinished().exists()


@pytest.mark.django_db(transaction=True)
def test_what_was_never_sent_goes_out_once_when_the_search_has_counted(sandbox, bells, time, clock):
    row = a_submission(State.QUEUED)
    backup = Backup()
    backup.restore()

    dispatcher.begin(after_restore=True)
    bound = Doubt.objects.get().bound
    work_off(again(row))
    assert (row.state, row.reason_code, creates(sandbox)) == (State.QUEUED, Reason.VERIFYING, [])
    time.until(bound - timedelta(seconds=1))
    work_off(row)
    assert creates(sandbox) == []
    time.until(bound + timedelta(seconds=1))
    work_off(row)

    assert row.state == State.DELIVERED
    assert [case.case_id for case in sandbox.cases()] == [row.remote_id]
    assert row.case.verify_first is None
    assert Doubt.objects.get().settled_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_case_that_aws_shows_late_is_waited_for(sandbox, bells, time):
    row = a_submission(State.QUEUED)
    sandbox.account(row.account.account_id, visible_after=100)
    backup = Backup()
    work_off(row)
    backup.restore()

    dispatcher.begin(after_restore=True)
    row = Submission.objects.get(pk=row.pk)
    work_off(row)
    assert row.state == State.QUEUED
    settle(row.account, time)

    assert again(row).state == State.DELIVERED
    assert len(creates(sandbox)) == 1


# --- what is in doubt ----------------------------------------------------------------------------------------------------------
def test_drafts_rows_and_leases_are_in_doubt_and_open_cases_are_not(sandbox, bells, time, clock):
    states = (State.PENDING_REVIEW, State.QUEUED, State.PREPARING, State.SENDING, State.RETURNED, State.DELIVERED)
    rows = {state: a_submission(state) for state in states}
    draft = a_draft()

    dispatcher.begin(after_restore=True)

    rows = {state: again(row) for state, row in rows.items()}
    bound = clock.now + timedelta(minutes=17)
    assert {state: row.state for state, row in rows.items() if row.state != state} == {
        State.PREPARING: State.QUEUED,
        State.SENDING: State.UNKNOWN,
    }
    assert rows[State.SENDING].attempts.get().outcome == Outcome.UNKNOWN
    in_doubt = {row.case_id for state, row in rows.items() if state != State.DELIVERED} | {draft.pk}
    assert set(Case.objects.filter(verify_first=bound).values_list("pk", flat=True)) == in_doubt
    unfinished = {row.pk for state, row in rows.items() if state not in (State.RETURNED, State.DELIVERED)}
    assert set(Submission.objects.filter(verify_first=bound).values_list("pk", flat=True)) == unfinished
    assert set(Doubt.objects.filter(due_at=clock.now).values_list("account", flat=True)) == {
        row.account_id for row in rows.values()
    } | {draft.account_id}


def test_only_aws_own_clock_ends_the_doubt(sandbox, bells, time, clock):
    row = a_submission(State.QUEUED)
    dispatcher.begin(after_restore=True)

    clock.advance(hours=2)  # here alone
    work_off(row)
    assert (row.state, creates(sandbox)) == (State.QUEUED, [])
    assert Doubt.objects.get().settled_at is None
    time.pass_(minutes=2)
    work_off(row)

    assert row.state == State.DELIVERED


def test_a_search_that_fails_ends_no_doubt(sandbox, bells, time):
    row = a_submission(State.QUEUED)
    dispatcher.begin(after_restore=True)
    time.pass_(minutes=18)

    sandbox.fault("support.DescribeCases", "cut", times=None)
    work_off(row)
    assert (row.state, creates(sandbox)) == (State.QUEUED, [])
    assert Doubt.objects.get().error_text
    sandbox.clear_faults()
    time.pass_(minutes=6)
    work_off(row)
    time.pass_(minutes=2)
    work_off(row)

    assert row.state == State.DELIVERED
    assert len(creates(sandbox)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_case_opened_in_another_account_of_the_team_is_found_there(sandbox, bells, time):
    team = a_team()
    first, second = an_account(team), an_account(team)
    draft = a_draft(team=team, account=first)
    backup = Backup()
    Case.objects.filter(pk=draft.pk).update(account=second)
    row = a_submission(State.QUEUED, case=Case.objects.get(pk=draft.pk))
    work_off(row)
    [at_aws] = sandbox.cases(second.account_id)
    backup.restore()

    dispatcher.begin(after_restore=True)
    anew = approved(Case.objects.get(pk=draft.pk))
    assert anew.account_id == first.pk
    settle(first, time)
    assert (again(anew).state, sandbox.cases(first.account_id)) == (State.QUEUED, [])
    settle(second, time)

    case = Case.objects.get(pk=draft.pk)
    assert (case.aws_case_id, case.account_id) == (at_aws.case_id, second.pk)
    assert again(anew).state == State.CANCELLED
    assert len(sandbox.cases()) == 1


def test_a_second_case_that_the_search_finds_is_a_duplicate(sandbox, bells, time):
    row = a_submission(State.DELIVERED)
    sandbox.open_case(row.account.account_id, row.payload["subject"], row.payload["communicationBody"])
    other = a_draft(by=row.case.author, account=row.account)
    dispatcher.begin(after_restore=True)
    work_off(row)

    assert row.duplicate
    assert row.duplicate_remote_id == sandbox.cases()[0].case_id
    assert Case.objects.get(pk=other.pk).aws_case_id is None


def test_a_case_in_doubt_is_looked_for_before_its_own_bound_at_each_try(sandbox, bells, time):
    row = a_submission(State.PENDING_REVIEW)
    dispatcher.begin(after_restore=True)
    approved(row.case)
    Doubt.objects.update(due_at=None)  # the account's own search aside

    work_off(row)

    look = row.looks.get()
    assert (look.result, look.counts) == (LookResult.ABSENT, False)
    assert (row.state, row.due_at) == (State.QUEUED, row.verify_first + timedelta(seconds=1))


# --- when it is called for -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("last_beat", "stopped", "doubted"),
    [(16, False, True), (14, False, False), (16, True, False), (None, False, False)],
)
def test_a_long_absence_without_a_clean_stop_is_doubted(last_beat, stopped, doubted, bells, clock):
    Beat.objects.all().delete()
    if last_beat is not None:
        at = clock.now - timedelta(minutes=last_beat)
        beat = {"role": "dispatcher", "started_at": at, "at": at, "stopped_at": at if stopped else None}
        Beat.objects.create(process="elsewhere:1:boot", **beat)
    draft = a_draft()

    assert dispatcher.begin() is doubted

    draft.refresh_from_db()
    assert (draft.verify_first is not None) is doubted
    assert Beat.objects.get(process=process.name()).at == clock.now


def test_a_worker_claims_nothing_before_a_dispatcher_beats(sandbox, bells, clock):
    row = a_submission(State.QUEUED)

    process.first_beat("worker")
    assert claim.claim_next(row.account_id) is None
    clock.advance(seconds=1)
    dispatcher.begin()

    assert claim.claim_next(row.account_id) == row


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_starts_while_the_database_is_away_waits_for_it_and_for_a_dispatcher(sandbox, bells, monkeypatch):
    row = a_submission(State.QUEUED)
    first_beat, away = process.first_beat, [OperationalError("the database system is starting up")] * 3

    def beat_once_it_is_back(*given, **known):
        if away:
            raise away.pop()
        return first_beat(*given, **known)

    monkeypatch.setattr(process, "first_beat", beat_once_it_is_back)
    monkeypatch.setattr(process, "_beat_on", lambda: None)  # the thread would outlive the test
    monkeypatch.setattr(persistence, "sleep", lambda _seconds: None)
    process.start_beating("worker")

    assert Beat.objects.get(process=process.name()).role == "worker"
    assert claim.claim_next(row.account_id) is None


def test_a_start_without_a_database_ends_when_it_is_told_to_stop():
    stopping, tries = threading.Event(), []

    def away():
        tries.append(1)
        stopping.set()
        raise OperationalError("the database is away")

    with pytest.raises(OperationalError):
        persistence.persist_start(away, stopping)
    assert len(tries) == 1


def test_the_dispatcher_rings_for_a_search_that_is_due(bells, clock):
    account = an_account(a_team())
    dispatcher.begin(after_restore=True)
    bells.clear()

    dispatcher.Dispatcher().tick()

    assert [rung.account for rung in bells if rung.task == bell.WORK_OFF] == [account.pk]


def test_a_worker_asks_and_repeats_nothing_before_a_dispatcher_marked_the_doubt(sandbox, bells, time):
    row = a_submission(State.UNKNOWN)
    time.pass_(minutes=20)
    process.first_beat("worker")
    work_off(again(row))
    assert (sandbox.requests(), row.looks.count()) == ([], 0)

    dispatcher.begin(after_restore=True)
    work_off(row)
    assert row.looks.exists()


# --- orphans -------------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_cases_of_ours_that_no_row_knows_of_are_listed(sandbox, bells, time):
    known = a_submission(State.QUEUED)
    work_off(known)
    account = known.account
    backup = Backup()
    lost = a_submission(State.QUEUED, team=known.case.team, account=account, subject="Erased by the restore")
    work_off(lost)
    sandbox.open_case(account.account_id)
    backup.restore()

    out = StringIO()
    with pytest.raises(CommandError, match="1 findings at AWS"):
        call_command("verify_invariants", "--aws", stdout=out)

    [line] = [line for line in out.getvalue().splitlines() if line.startswith("AWS")]
    assert lost.marker in line and lost.remote_id in line and "no case here has its reference" in line


def test_an_account_that_cannot_be_searched_is_named(sandbox, bells):
    account = an_account(a_team())
    sandbox.account(account.account_id, denied=["support:DescribeCases"])
    AwsAccount.objects.exclude(pk=account.pk).update(active=False)

    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_invariants", "--aws", stdout=out)

    assert f"AWS {account.account_id} could not be searched" in out.getvalue()


def test_a_settled_doubt_costs_no_claim_anything(sandbox, bells, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert doubt.may_claim()
