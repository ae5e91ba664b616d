"""A web server that is told to stop, as with each new version: whoever pressed a button gets an answer, and it was done."""

import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from gunicorn.app.wsgiapp import WSGIApplication

from casesite import failpoints
from casesite.delivery import dispatcher
from casesite.pacing import bell
from casesite.runner import parts
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.delivery.harm import in_another_process, wait_for
from tests.factories import a_submission, a_team, a_user

CSRF = "tests" * 6 + "00"


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def server(listening, tmp_path):
    """Starts it, as a process; whatever is left of it in the end is killed."""
    started = []

    def start():
        started.append(in_another_process(lambda: serve(listening, tmp_path)))
        return started[0]

    yield start
    for leader in started:
        with suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)


def serve(listener, var):
    """Be the web server, by the command that starts it in earnest."""
    os.setsid()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    site = parts.Site(var, listener.getsockname()[1], address, "", "", 1, {})
    sys.argv = ["gunicorn", *parts.web(site, listening=listener.fileno()).command[3:]]
    WSGIApplication("%(prog)s").run()


def approve(listener, submission, reviewer):
    """Press the button; the status of the answer."""
    browser = Client()
    browser.force_login(reviewer)
    session = browser.cookies[settings.SESSION_COOKIE_NAME].value
    host, port = listener.getsockname()
    body = {"decision": "approve", "payload_sha256": submission.payload_sha256, "csrfmiddlewaretoken": CSRF}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={CSRF}",
        "Origin": f"http://{host}:{port}",
    }
    connection = HTTPConnection(host, port, timeout=60)
    connection.request(
        "POST", reverse("admin:submissions_submission_change", args=[submission.pk]), urlencode(body), headers
    )
    return connection.getresponse().status


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["A", "B"])
def test_web_server_that_is_stopped_answers_what_it_began(point, server, listening, bells, tmp_path):
    team = a_team()
    reviewer = a_user(team=team, role=Role.REVIEWER)
    submission = a_submission(State.PENDING_REVIEW, team=team)
    reached, go_on = tmp_path / "reached", tmp_path / "go-on"

    def hold():
        reached.touch()
        wait_for(go_on.exists)

    with failpoints.armed(point, hold):
        leader = server()
    answers = []
    pressing = threading.Thread(target=lambda: answers.append(approve(listening, submission, reviewer)))
    pressing.start()
    wait_for(reached.exists)
    os.kill(leader, signal.SIGTERM)
    go_on.touch()
    pressing.join()

    assert os.waitstatus_to_exitcode(os.waitpid(leader, 0)[1]) == 0
    submission.refresh_from_db()
    assert (answers, submission.state) == ([302], State.QUEUED)
    bells.clear()
    dispatcher.Dispatcher().tick()  # whether the bell got out or not
    assert [rung.account for rung in bells if rung.task == bell.WORK_OFF] == [submission.account_id]
