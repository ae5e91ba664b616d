"""`manage.py doctor`: what is wrong in words, what to do, and an exit code."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.recorder import MigrationRecorder

from casesite.delivery import canary as canaries
from casesite.delivery import dispatcher as sweeping
from casesite.delivery import readiness
from casesite.delivery.models import Attempt, Beat
from casesite.notices import review
from casesite.notices.models import Notice
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.runner import doctor, parts
from casesite.runner.doctor import Level
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CheckResult, Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def processes(clock):
    """A dispatcher that makes its rounds and a worker for every queue."""
    given = {"started_at": clock.now, "at": clock.now}
    Beat.objects.create(process="here:1:boot", role="dispatcher", **given)
    Beat.objects.create(process="here:2:boot", role="worker", queues=parts.QUEUES, clock_skew=0.4, **given)
    sweeping.elected()
    return clock


@pytest.fixture
def wal(monkeypatch):
    """SQLite as the site sets it up; the tests' own database is quicker and less safe."""
    asked = doctor._asked
    safe = {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": 2}
    monkeypatch.setattr(doctor, "_asked", lambda statement: safe.get(statement) or asked(statement))


def found(check):
    """What one check said, as (level, text) pairs."""
    return [(level, text) for level, text, _todo in check()]


def wrong(check):
    """The single thing that a check found wrong, with what to do."""
    [(_level, text, todo)] = [said for said in check() if said[0] == Level.WRONG]
    assert todo
    return text


def run(capsys):
    try:
        call_command("doctor")
    except CommandError as exc:
        return capsys.readouterr().out, str(exc)
    return capsys.readouterr().out, ""


# --- the command ------------------------------------------------------------------------------------------------------------
def test_site_in_order_is_told_so_as_often_as_one_asks(processes, bells, wal, capsys):
    canaries.ring()
    for queue_name in canaries.QUEUES:
        canaries.answer(queue_name)

    (first, first_end), (second, second_end) = run(capsys), run(capsys)

    assert (first_end, second_end) == ("", "")
    assert first.endswith("nothing is wrong\n")
    assert first == second
    assert [line.split()[0] for line in first.splitlines() if not line.startswith(" ")].count("wrong") == 0


def test_each_wrong_thing_is_told_with_what_to_do_and_counted(processes, bells, wal, capsys):
    processes.advance(minutes=3)
    a_submission(State.NEEDS_ATTENTION)

    told, end = run(capsys)

    lines = [line for line in told.splitlines() if line.startswith("wrong")]
    assert [line.split()[1] for line in lines] == ["dispatcher", "workers", "needs"]
    assert told.count("-> ") >= 3
    assert end == "3 things are wrong"


def test_check_that_breaks_is_a_finding_and_ends_no_other(processes, monkeypatch):
    def broken():
        raise RuntimeError("no such thing")
        yield

    monkeypatch.setitem(doctor.INSIDE, "dispatcher", broken)

    told = {finding.check: finding for finding in doctor.examine()}

    assert told["dispatcher"].text == "It could not be looked at: RuntimeError: no such thing"
    assert "letters" in told


def test_password_of_a_database_is_not_told(processes, monkeypatch, capsys):
    def broken():
        raise RuntimeError("postgresql://casesite:hunter2@db.example.com/casesite is away")
        yield

    monkeypatch.setitem(doctor.ALONE, "broker", broken)

    told, _end = run(capsys)

    assert "db.example.com" in told
    assert "hunter2" not in told


def test_exit_code_and_words_where_there_is_no_database(tmp_path):
    environment = {"PATH": os.environ["PATH"], "CASESITE_VAR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"}

    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"], cwd=parts.ROOT, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert f"There is no database yet: {tmp_path}/casesite.sqlite3." in " ".join(done.stdout.split())
    assert "The broker does not answer" in done.stdout
    assert "Nothing else was looked at" in done.stdout
    assert not (tmp_path / "casesite.sqlite3").exists()


# --- check by check ---------------------------------------------------------------------------------------------------------
def test_mode_tells_simulated_from_live(settings):
    simulated = found(doctor.mode)
    settings.SANDBOX = False
    live = found(doctor.mode)
    settings.TIME_SCALE, settings.DEBUG = 60, True

    assert [level for level, _text in simulated + live] == [Level.NOTE, Level.OK]
    assert [level for level, _text in found(doctor.mode)] == [Level.OK, Level.WRONG, Level.WRONG]


def test_settings_that_do_not_fit_are_told_with_their_hint(settings):
    settings.SCAN_COMMAND = ["no-such-scanner"]

    [(level, text, todo)] = doctor.configuration()

    assert level == Level.WRONG
    assert text.startswith("CASESITE_SCAN_COMMAND names 'no-such-scanner'")
    assert todo.startswith("Install it where the workers run")


def test_disk_that_is_nearly_full(monkeypatch):
    assert [level for level, _text in found(doctor.disk)] == [Level.OK]
    monkeypatch.setattr(readiness, "DISK_LEFT", 10**18)

    assert "GB are left on the disk" in wrong(doctor.disk)


def test_sqlite_that_could_forget_a_commit(monkeypatch):
    monkeypatch.setattr(doctor, "_asked", {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": 1}.get)

    [(level, text, _todo)] = doctor._sqlite("casesite.sqlite3")

    assert (level, text) == (
        Level.WRONG,
        "SQLite runs with journal_mode=wal and synchronous=1, not with wal and 2 (FULL).",
    )


def test_postgresql_that_could_forget_a_commit(monkeypatch):
    class Server:
        pg_version = 130_011

    monkeypatch.setattr(doctor, "connection", Server)
    monkeypatch.setattr(doctor, "_asked", {"SHOW synchronous_commit": "off", "SHOW fsync": "off"}.get)

    texts = [text for level, text in found(doctor._postgresql) if level == Level.WRONG]

    assert texts == [
        "This PostgreSQL is older than 15.",
        "synchronous_commit is off: a crash could send a case twice.",
        "fsync is off: a power cut could send a case twice.",
    ]


def test_migrations_that_are_not_applied(db):
    assert found(doctor.migrations) == [(Level.OK, "All migrations are applied.")]
    last = MigrationRecorder.Migration.objects.filter(app="notices").order_by("name").last()
    last.delete()

    assert wrong(doctor.migrations) == f"1 migration is not applied, the first is notices.{last.name}."


def test_nothing_of_the_tables_is_asked_before_they_are_in_order(db):
    MigrationRecorder.Migration.objects.filter(app="notices").delete()

    assert [finding.check for finding in doctor.examine()][-2:] == ["migrations", "the rest"]


def test_queue_without_a_worker(processes):
    assert found(doctor.workers) == [(Level.OK, "1 worker serves every queue.")]
    Beat.objects.filter(role="worker").update(queues="default,lookups")

    assert wrong(doctor.workers).startswith("No worker serves urgent, sync.")


def test_worker_that_was_stopped_serves_nothing(processes):
    Beat.objects.filter(role="worker").update(stopped_at=processes.now)

    assert wrong(doctor.workers).startswith("No worker serves urgent, default, lookups, sync.")


def test_canary_that_nobody_answers(processes, bells):
    assert [level for level, _text in found(doctor.canary)] == [Level.NOTE]
    canaries.ring()
    assert [level for level, _text in found(doctor.canary)] == [Level.OK]
    processes.advance(minutes=3)

    assert wrong(doctor.canary).startswith("No worker answers on default, lookups, sync, urgent")


@pytest.mark.parametrize(("skew", "words"), [(90, "90 s behind AWS's"), (-75, "75 s ahead of AWS's")])
def test_clock_that_is_off(processes, skew, words):
    assert found(doctor.clock_skew) == [(Level.OK, "Clocks agree with AWS's.")]
    Beat.objects.filter(role="worker").update(clock_skew=skew)

    assert wrong(doctor.clock_skew) == f"The clock of here:2:boot is {words}."


def test_account_that_is_stopped_or_unfit(clock, bells):
    account, unfit = an_account(a_team(), name="Payments prod"), an_account(a_team(), name="Data lake")
    assert found(doctor.accounts) == [(Level.OK, "2 accounts in use, and none is stopped.")]
    gate.access_refused(account.pk, Mode.WRITE, "User is not authorized")
    AwsAccount.objects.filter(pk__in=(account.pk, unfit.pk)).update(
        check_result=CheckResult.BLOCKED, check_summary="No plan."
    )

    assert [text for level, text in found(doctor.accounts) if level == Level.WRONG] == [
        f"{account} is stopped (AWS Support, writing) since {clock.now:%Y-%m-%d %H:%M} UTC: User is not authorized",
        f"{unfit} can't send: No plan.",
    ]


def test_work_that_nobody_takes(clock, bells):
    submission = a_submission(State.QUEUED)
    assert found(doctor.waiting) == [(Level.OK, "1 case waits to go out, none too long.")]
    clock.advance(minutes=6)

    assert wrong(doctor.waiting) == f"Work has been due for five minutes and nobody took it: {submission.account}."


def test_rows_that_need_a_person_are_named(bells):
    rows = [a_submission(State.NEEDS_ATTENTION) for _row in range(2)]

    [(level, text, todo)] = doctor.needs_attention()

    assert level == Level.WRONG
    assert text == f"2 cases need a person: {', '.join(row.case.reference for row in rows)}."
    assert todo.endswith("/admin/submissions/submission/?state__exact=needs_attention")


def test_unknown_outcome_is_wrong_only_after_half_an_hour(clock, bells):
    submission = a_submission(State.UNKNOWN)
    [(level, text)] = found(doctor.unknown)
    Attempt.objects.update(started_at=clock.now - timedelta(minutes=31))

    assert (level, text) == (
        Level.NOTE,
        f"1 outcome is being looked up: {submission.case.reference}. "
        f"The next look is due at {submission.due_at:%Y-%m-%d %H:%M} UTC.",
    )
    assert wrong(doctor.unknown) == f"1 outcome has been unknown for half an hour: {submission.case.reference}."


def test_letters_that_the_mail_server_does_not_take(clock, bells, settings):
    assert [level for level, _text in found(doctor.letters)] == [Level.NOTE]
    settings.MAIL = True
    team = a_team()
    a_user(team=team, role=Role.LEAD, email="l.berg@example.com")
    a_submission(case=a_draft(team=team, account=an_account(team, review_minutes=60)))
    clock.advance(hours=1)
    review.raise_due()
    assert found(doctor.letters) == [(Level.OK, "No letter is stuck.")]
    Notice.objects.update(tries=4)

    assert wrong(doctor.letters) == "The mail server has not taken 1 letter."
