"""Each invariant sees its breach: a check that cannot fail proves nothing."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from casesite.delivery import invariants
from casesite.delivery.models import Attempt, Outcome, Phase
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from tests.factories import a_submission, a_team, an_attempt

pytestmark = pytest.mark.django_db


def numbers():
    return {line.split()[0] for line in invariants.broken()}


@pytest.mark.parametrize("state", list(State))
def test_every_state_reached_by_real_steps_holds(state, bells):
    a_submission(state)

    assert invariants.broken() == []


@pytest.mark.breaks_invariants
@pytest.mark.parametrize(
    ("number", "state", "breach"),
    [
        ("I2", State.QUEUED, lambda row: _set(row, remote_id="case-1")),
        ("I2", State.DELIVERED, lambda row: type(row.case).objects.update(stage="draft", aws_case_id=None)),
        ("I3", State.FAILED, lambda row: row.attempts.update(outcome=Outcome.UNKNOWN)),
        ("I4", State.UNKNOWN, lambda row: row.attempts.update(phase=Phase.OPEN, outcome="")),
        ("I5", State.UNKNOWN, lambda row: an_attempt(row, Outcome.REFUSED_RETRY)),
        ("I8", State.UNKNOWN, lambda row: row.attempts.update(outcome=Outcome.ABSENT)),
        ("I9", State.DELIVERED, lambda row: row.attempts.update(payload_sha256="0" * 64)),
        ("I9", State.QUEUED, lambda row: row.decisions.update(payload_sha256="0" * 64)),
        ("I9", State.QUEUED, lambda row: _set(row, payload={**row.payload, "subject": "Another"})),
        ("I10", State.QUEUED, lambda row: _set(row, due_at=None)),
        ("I10", State.SENDING, lambda row: _set(row, lease_until=None, due_at=None)),
        ("I12", State.SENDING, lambda row: row.decisions.all().delete()),
        ("I12", State.SENDING, lambda row: row.decisions.update(by=row.submitted_by)),
        ("I12", State.SENDING, lambda row: row.decisions.update(at=row.attempts.get().started_at + timedelta(hours=2))),
        ("I13", State.UNKNOWN, lambda row: row.attempts.update(error_text="SecretAccessKey=x")),
        ("stage", State.QUEUED, lambda row: type(row.case).objects.update(stage="closed")),
        ("team", State.QUEUED, lambda row: type(row.case).objects.update(team=a_team())),
    ],
)
def test_a_breach_is_seen(number, state, breach, bells):
    breach(a_submission(state))

    assert number in numbers()


def test_worker_whose_clock_is_behind_breaks_nothing(bells):
    row = a_submission(State.SENDING)

    row.decisions.update(at=row.attempts.get().started_at + timedelta(minutes=55))

    assert numbers() == set()


@pytest.mark.breaks_invariants
def test_two_cases_at_aws_without_a_flag_are_seen(bells):
    first = a_submission(State.DELIVERED)
    Submission.objects.filter(pk=first.pk).update(newest=False)
    Submission.objects.create(
        **{
            field.attname: getattr(first, field.attname)
            for field in Submission._meta.concrete_fields
            if field.name not in ("id", "marker", "remote_id", "newest")
        },
        marker="CS-7GQ4-KM2X-9TZA-P3RW",
        remote_id="case-other",
    )

    assert "I1" in numbers()


@pytest.mark.breaks_invariants
def test_the_command_names_each_breach_and_fails(bells, capsys):
    row = a_submission(State.QUEUED)
    _set(row, due_at=None)

    with pytest.raises(CommandError, match="1 breaches"):
        call_command("verify_invariants")

    assert str(row.pk) in capsys.readouterr().out


def test_the_command_says_that_all_is_well(bells, capsys):
    a_submission(State.DELIVERED)

    call_command("verify_invariants")

    assert capsys.readouterr().out.startswith("all hold: I1, I2")


def test_attempts_are_never_deleted_with_their_submission(bells):
    from django.db.models import ProtectedError

    row = a_submission(State.DELIVERED)

    with pytest.raises(ProtectedError):
        row.delete()
    with pytest.raises(ProtectedError):
        row.case.delete()
    assert Attempt.objects.filter(n=F("n")).count() == 1


def _set(row, **fields):
    Submission.objects.filter(pk=row.pk).update(**fields)
