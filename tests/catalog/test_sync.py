"""Fetching the catalogue, languages and options from the simulator."""

from datetime import timedelta

import pytest

from casesite.aws.errors import AwsError, OutcomeUnknown, Refused
from casesite.catalog import questions, sync
from casesite.catalog.models import SupportCatalog
from casesite.catalog.schema import sha256_of
from casesite.database import write
from casesite.lookups.answer import answer_open
from casesite.lookups.models import LookupState
from casesite.pacing import gate
from casesite.pacing.gate import GateClosed
from casesite.pacing.models import Mode

from .conftest import ACCOUNT

pytestmark = pytest.mark.django_db


def test_refresh_keeps_what_aws_told_under_its_hash(account, clock):
    row = sync.refresh(account)

    assert (row.fetched_at, row.seen_at) == (clock.now, clock.now)
    assert row.content_sha256 == sha256_of(row.content)
    assert len(row.snapshot.services) == 56
    assert row.snapshot.severity_choices()[-1] == ("critical", "Critical")


def test_same_answer_again_only_moves_when_it_was_seen(account, clock):
    first = sync.refresh(account)
    clock.advance(hours=3)

    second = sync.refresh(account)

    assert (second.pk, second.fetched_at) == (first.pk, first.fetched_at)
    assert second.seen_at == clock.now
    assert SupportCatalog.objects.count() == 1


def test_other_answer_is_another_row_and_the_newest(account, aws, clock):
    first = sync.refresh(account)
    clock.advance(hours=3)
    aws.account(ACCOUNT, plan="business")

    second = sync.refresh(account)

    assert second.pk != first.pk
    assert SupportCatalog.objects.newest_of(account) == second
    assert "critical" not in dict(second.snapshot.severity_choices())


def test_answer_that_comes_back_is_the_newest_again(account, aws, clock):
    first = sync.refresh(account)
    for plan in ("business", "business_plus"):
        clock.advance(hours=3)
        aws.account(ACCOUNT, plan=plan)
        sync.refresh(account)

    assert SupportCatalog.objects.newest_of(account) == first


@pytest.mark.parametrize("field", ["content", "content_sha256", "fetched_at"])
def test_kept_catalogue_cannot_be_changed(account, field):
    row = sync.refresh(account)

    with pytest.raises(TypeError):
        row.save(update_fields=[field])
    with pytest.raises(TypeError):
        row.save()


@pytest.mark.parametrize("fault", ["drop", "error_500", "empty", "foreign"])
def test_aws_out_of_reach_leaves_the_old_catalogue(account, aws, clock, fault):
    kept = sync.refresh(account)
    clock.advance(days=2)
    aws.fault("support.DescribeServices", fault, times=None)

    with pytest.raises(AwsError):
        sync.refresh(account)

    newest = SupportCatalog.objects.newest_of(account)
    assert (newest.pk, newest.seen_at) == (kept.pk, kept.seen_at)


def test_lost_plan_leaves_the_old_catalogue_and_says_why(account, aws):
    kept = sync.refresh(account)
    aws.account(ACCOUNT, plan="basic")
    lookup = questions.ask_refresh(account)

    answer_open(account.pk)

    lookup.refresh_from_db()
    assert lookup.state == LookupState.FAILED
    assert lookup.error.startswith("The account has no Support plan")
    assert SupportCatalog.objects.newest_of(account) == kept


def test_expired_role_session_is_renewed_once(account, aws):
    sync.refresh(account)
    aws.expire_sessions(ACCOUNT)

    sync.refresh(account)

    assert len(aws.requests("sts.AssumeRole")) == 2


def test_reads_go_through_the_gate(account, aws):
    with write():
        gate.access_refused(account.pk, Mode.READ, "denied")

    with pytest.raises(GateClosed):
        sync.refresh(account)

    assert aws.requests() == []


def test_throttling_slows_the_gate_down(account, aws, settings):
    aws.fault("support.DescribeSeverityLevels", "throttle", times=None)

    with pytest.raises(Refused):
        sync.refresh(account)

    assert gate.of(account.pk, Mode.READ).throttles == 1


def test_five_failures_in_a_row_open_the_circuit_for_reads_alone(account, aws):
    aws.fault("support.DescribeSeverityLevels", "error_500", times=None)

    for _n in range(5):
        with pytest.raises(OutcomeUnknown):
            sync.refresh(account)

    assert gate.of(account.pk, Mode.READ).circuit == "open"
    assert gate.of(account.pk, Mode.WRITE).circuit == "closed"


def test_refused_permission_shuts_no_gate(account, aws):
    aws.account(ACCOUNT, denied=["support:DescribeSupportedLanguages"])
    questions.languages_for(account, "technical", "aws-lambda", "apis")

    answer_open(account.pk)

    assert gate.of(account.pk, Mode.READ).circuit == "closed"


def test_languages_come_from_aws_once_it_has_answered(account, clock):
    choice = (account, "technical", "aws-lambda", "general-guidance")

    before, waiting = questions.languages_for(*choice)
    answer_open(account.pk)
    after, nothing = questions.languages_for(*choice)

    assert [code for code, _name in before] == ["en", "ja", "zh", "ko", "es", "pt", "fr", "tr"]
    assert waiting is not None
    assert after == [("en", "English"), ("ja", "日本語"), ("zh", "中文"), ("ko", "한국어")]
    assert nothing is None


def test_old_languages_are_offered_while_new_ones_are_asked_for(account, clock):
    choice = (account, "technical", "aws-lambda", "general-guidance")
    questions.languages_for(*choice)
    answer_open(account.pk)
    clock.advance(timedelta(days=8))

    known, waiting = questions.languages_for(*choice)

    assert [code for code, _name in known] == ["en", "ja", "zh", "ko"]
    assert waiting is not None


@pytest.mark.parametrize("choice", [("", "aws-lambda", "apis"), ("technical", "", ""), ("technical", "aws-lambda", "")])
def test_nothing_is_asked_before_a_choice_is_made(account, choice):
    known, waiting = questions.languages_for(account, *choice)

    assert (len(known), waiting) == (8, None)


def test_blocked_account_is_not_asked(account):
    account.check_result = "blocked"

    assert questions.languages_for(account, "technical", "aws-lambda", "apis")[1] is None


def test_options_of_a_case_come_from_aws(account):
    choice = (account, "technical", "aws-lambda", "general-guidance", "ja")

    unknown, waiting = questions.options_for(*choice)
    answer_open(account.pk)
    known, nothing = questions.options_for(*choice)

    assert (unknown, waiting is None, nothing) == (None, False, None)
    assert known == {"language_availability": "available", "channels": ["web", "chat", "call"]}
