"""The demo site."""

import stat
from collections import Counter
from io import StringIO

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

from casesite.cases.models import Case, Stage
from casesite.catalog.models import SupportCatalog
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CannedText, Membership, Team
from tests.factories import a_team

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def var(settings, tmp_path):
    settings.VAR = tmp_path
    return tmp_path


@pytest.fixture
def aws(sandbox, settings):
    settings.GATE_RATE = settings.GATE_BURST = 1000
    sandbox.settings(calls_per_second=1000)
    return sandbox


def sign_ins(var):
    return [line.split(", ") for line in (var / "demo-sign-ins.txt").read_text().splitlines()]


def counts():
    models = (get_user_model(), Team, Membership, AwsAccount, CannedText, Case, Submission, SupportCatalog)
    return [model.objects.count() for model in models]


def test_demo_shows_a_case_at_every_point_of_its_way(aws, var, bells):
    call_command("seed_demo", "--if-empty", stdout=StringIO())

    newest = Submission.objects.filter(newest=True).values_list("state", "reason_code")
    assert Counter(newest) == {
        (State.PENDING_REVIEW, ""): 3,
        (State.QUEUED, ""): 2,
        (State.RETURNED, ""): 1,
        (State.REJECTED, ""): 1,
        (State.CANCELLED, Reason.WITHDRAWN): 1,
        (State.CANCELLED, Reason.CANCELLED): 1,
        (State.FAILED, Reason.REFUSED): 1,
        (State.UNKNOWN, Reason.NO_ANSWER): 1,
        (State.NEEDS_ATTENTION, Reason.TAKEN_OVER): 1,
        (State.DELIVERED, ""): 2,
    }
    assert Submission.objects.filter(state=State.RETURNED, newest=False).count() == 1
    assert Case.objects.filter(stage=Stage.DRAFT, submissions=None).count() == 1
    answered, resolved = sorted(aws.cases(), key=lambda case: case.status)
    assert (answered.status, resolved.status) == ("pending-customer-action", "resolved")
    assert aws.faults() == []


def test_demo_accounts_are_checked_and_one_cannot_send(aws, var, bells):
    call_command("seed_demo", stdout=StringIO())

    assert dict(AwsAccount.objects.values_list("name", "check_result")) == {
        "Payments prod": "good",
        "Core network": "good",
        "Data lake": "blocked",
        "Research lab": "good",
    }


def test_demo_people_can_sign_in_and_only_the_owner_reads_how(aws, var, bells, rf):
    call_command("seed_demo", stdout=StringIO())

    listed = sign_ins(var)
    assert [(name, role) for name, _password, role in listed] == [
        ("agent", "agent"),
        ("agent2", "agent"),
        ("reviewer", "reviewer"),
        ("reviewer2", "reviewer"),
        ("lead", "lead"),
        ("admin", "superuser"),
    ]
    for name, password, _role in listed:
        assert authenticate(rf.post("/"), username=name, password=password) is not None
    assert stat.S_IMODE((var / "demo-sign-ins.txt").stat().st_mode) == 0o600


def test_demo_reviewers_and_leads_may_open_the_admin(aws, var, bells):
    call_command("seed_demo", stdout=StringIO())

    staff = get_user_model().objects.filter(is_staff=True)
    assert set(staff.values_list("username", flat=True)) == {"reviewer", "reviewer2", "lead", "admin"}


def test_demo_has_a_text_that_a_team_uses_often(aws, var, bells):
    call_command("seed_demo", "--without-cases", stdout=StringIO())

    [text] = CannedText.objects.all()
    text.full_clean()
    assert (text.team.name, text.name) == ("Payments", "Database failover")


def test_demo_is_not_told_twice(aws, var, bells):
    call_command("seed_demo", stdout=StringIO())
    before, lines = counts(), sign_ins(var)

    call_command("seed_demo", stdout=StringIO())

    assert (counts(), sign_ins(var)) == (before, lines)


def test_demo_leaves_a_site_that_is_in_use_alone(var, bells):
    a_team("Ours")

    call_command("seed_demo", "--if-empty")  # no simulator is asked

    assert list(Team.objects.values_list("name", flat=True)) == ["Ours"]
    assert not (var / "demo-sign-ins.txt").exists()


def test_demo_is_refused_where_aws_is_real(settings):
    settings.SANDBOX = False

    with pytest.raises(CommandError, match="CASESITE_AWS is live"):
        call_command("seed_demo")


def test_demo_without_a_simulator_says_what_to_start(settings, var):
    settings.SANDBOX_URL = "http://127.0.0.1:9"

    with pytest.raises(CommandError, match=r"does not answer .*Start `manage.py up` first\."):
        call_command("seed_demo")


def test_demo_without_cases_has_people_and_accounts_only(aws, var, bells):
    call_command("seed_demo", "--without-cases", stdout=StringIO())

    assert (AwsAccount.objects.count(), Case.objects.count()) == (4, 0)
