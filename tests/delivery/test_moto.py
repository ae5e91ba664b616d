"""The same path against an AWS Support server that nobody here wrote: moto's.

It knows create, describe and resolve only, takes no dry runs (it would open a case), changes status at each reading and
gives times without a zone; so the catalogue comes from a fixture, and dry runs are off but where what comes of one is seen.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from casesite.aws import support
from casesite.aws.clients import Target, clients
from casesite.delivery import work
from casesite.delivery.models import Attempt, Outcome, Phase
from casesite.pacing import gate
from casesite.submissions import marker
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from tests.factories import a_draft, a_submission, a_team, an_account

pytestmark = pytest.mark.django_db
MOTOS_ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def moto_url():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"{url}/moto-api/", timeout=1).close()
            break
        except OSError:
            assert process.poll() is None, "moto's server ended"
            assert time.monotonic() < deadline, "moto's server does not answer"
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(10)


@pytest.fixture
def moto(moto_url, settings, monkeypatch):
    urllib.request.urlopen(urllib.request.Request(f"{moto_url}/moto-api/reset", method="POST")).close()
    settings.SANDBOX = False
    settings.AWS_ENDPOINTS = {"support": moto_url, "sts": moto_url}
    settings.GATE_RATE = settings.GATE_BURST = 50
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    clients.forget_everything()
    yield moto_url
    clients.forget_everything()


def an_approved_submission():
    team = a_team()
    return a_submission(State.QUEUED, case=a_draft(team=team, account=an_account(team, account_id=MOTOS_ACCOUNT)))


def work_off(submission):
    while work.step(submission.account_id):
        pass
    submission.refresh_from_db()
    submission.case.refresh_from_db()


def test_a_case_is_opened_and_read(moto, bells):
    submission = an_approved_submission()

    work_off(submission)

    assert submission.state == State.DELIVERED
    found, _date = support.find_case(Target(MOTOS_ACCOUNT), case_id=submission.remote_id, read_first=False)
    assert found.subject == submission.case.subject
    assert submission.case.aws_display_id == found.display_id


def test_a_case_that_moto_opens_for_a_dry_run_is_the_rows(moto, bells, settings):
    settings.DRY_RUNS = True
    submission = an_approved_submission()

    work_off(submission)

    assert submission.state == State.DELIVERED
    assert submission.attempts.count() == 0
    found, _date = support.find_case(Target(MOTOS_ACCOUNT), case_id=submission.remote_id, read_first=False)
    assert found.subject == submission.case.subject
    assert gate.dry_runs_off(submission.account_id)


def test_a_case_whose_answer_was_lost_is_found(moto, bells):
    submission = an_approved_submission()
    work_off(submission)
    case_id = submission.remote_id
    _forget_the_answer(submission)

    work_off(submission)

    assert (submission.state, submission.remote_id) == (State.DELIVERED, case_id)
    assert submission.looks.get().result == "found"


def _forget_the_answer(submission):
    """As if the worker had died before it stored what moto answered."""
    now = submission.submitted_at
    type(submission.case).objects.update(aws_case_id=None, aws_display_id="", stage="outgoing")
    Attempt.objects.update(outcome=Outcome.UNKNOWN, phase=Phase.CLOSED, remote_id="")
    Submission.objects.update(state=State.UNKNOWN, remote_id=None, due_at=now, lease_until=None)
    assert marker.is_valid(submission.marker)
