"""Asking whether AWS would accept a case: what counts as an answer, what is asked anew, and which field a refusal is about."""

import pytest

from casesite.lookups import answer
from casesite.lookups.models import Lookup, LookupState
from casesite.pacing import gate
from casesite.submissions import dry_runs, payloads
from casesite.submissions.dry_runs import KIND, Result, Said
from casesite.submissions.fields import field_of
from casesite.teams.models import AwsAccount, CheckResult
from tests.factories import a_draft, a_submission

pytestmark = pytest.mark.django_db
ACCEPTED = Result(said=Said.ACCEPTED)


@pytest.fixture(autouse=True)
def dry_runs_on(settings, bells):
    settings.DRY_RUNS = True


@pytest.fixture
def submission(bells):
    return a_submission()


def say(submission, result=ACCEPTED):
    answer.note(KIND, submission.account, dry_runs.params_of(submission), result.as_answer())


def fail(lookup):
    Lookup.objects.filter(pk=lookup.pk).update(state=LookupState.FAILED, error="AWS could not be reached.")


def test_question_under_way_is_not_asked_twice(submission):
    assert dry_runs.ask_for(submission, by=None) == dry_runs.ask_for(submission, by=None)


def test_answer_counts_for_an_hour(submission, clock):
    say(submission)
    first = dry_runs.newest(submission)

    clock.advance(minutes=59)
    assert (dry_runs.ask_for(submission, by=None), dry_runs.last_result(submission)) == (first, ACCEPTED)
    clock.advance(minutes=1)
    assert dry_runs.last_result(submission) is None

    assert dry_runs.ask_for(submission, by=None).is_open


def test_answer_about_another_revision_does_not_count(submission):
    say(submission)
    submission.payload_sha256 = "f" * 64

    assert dry_runs.last_result(submission) is None


def test_what_led_nowhere_is_asked_again_after_a_quarter_of_an_hour(submission, clock):
    lookup = dry_runs.ask_for(submission, by=None)
    fail(lookup)

    clock.advance(minutes=14)
    assert dry_runs.ask_for(submission, by=None) == lookup
    clock.advance(minutes=1, seconds=1)

    assert dry_runs.ask_for(submission, by=None).is_open


def test_hour_is_scaled(submission, clock, settings):
    settings.TIME_SCALE = 60
    say(submission)

    clock.advance(minutes=1)

    assert dry_runs.last_result(submission) is None


def test_switched_off_nothing_is_asked(submission, settings):
    settings.DRY_RUNS = False

    assert dry_runs.ask_for(submission, by=None) is None
    assert not dry_runs.may_be_asked(None)
    assert not Lookup.objects.exists()


def test_account_that_opened_a_case_once_is_not_asked(submission):
    gate.forbid_dry_runs(submission.account_id)

    assert dry_runs.ask_for(submission, by=None) is None
    assert "a case was opened there once" in str(dry_runs.why_not(submission.account))


def test_account_that_cant_send_is_not_asked(submission):
    AwsAccount.objects.filter(pk=submission.account_id).update(check_result=CheckResult.BLOCKED)
    submission.account.refresh_from_db()

    assert dry_runs.ask_for(submission, by=None) is None
    assert "can't send" in str(dry_runs.why_not(submission.account))


def test_old_answer_stays_in_sight_where_no_new_one_can_be_had(submission, clock):
    say(submission)
    first = dry_runs.newest(submission)
    gate.forbid_dry_runs(submission.account_id)
    clock.advance(hours=2)

    assert dry_runs.ask_for(submission, by=None) == first


def test_draft_is_asked_anew_for_another_text_only():
    case = a_draft()
    content = payloads.content_of(case, case.support)
    given = {"team": case.team, "case": case, "by": case.author}

    first = dry_runs.ask_for_content(case.account, content, **given)

    assert dry_runs.ask_for_content(case.account, dict(content), **given) == first
    assert dry_runs.ask_for_content(case.account, content | {"subject": "Another"}, **given) != first


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("Invalid category code", "category_code"),
        ("1 validation error detected: Value at 'severityCode' failed", "severity_code"),
        ("Value at 'ccEmailAddresses' failed to satisfy constraint", "cc_email_addresses"),
        ("language xx is not supported", "language"),
        ("Invalid issueType", "issue_type"),
        ("The subject is too long", "subject"),
        ("Value at 'communicationBody' failed", "communication_body"),
        ("The service does not exist", "service_code"),
        ("Something is wrong", None),
    ],
)
def test_field_of_a_refusal_is_found_in_its_words(text, field):
    assert field_of(text) == field


def test_result_survives_being_stored():
    result = Result(said=Said.REFUSED, text="Invalid category code", code="ValidationException")

    assert Result.of(result.as_answer()) == result
    assert (result.field, str(result.field_name)) == ("category_code", "Category")
    assert (ACCEPTED.field, ACCEPTED.field_name) == ("", "")
