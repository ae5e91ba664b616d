"""Each attempt ends with one line in the log that names what it was about and how it ended, and no secret."""

import pytest

from casesite.aws.clients import clients
from casesite.delivery import dispatcher
from casesite.lookups.reading import target_of
from casesite.submissions import workflow
from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.delivery.steps import again, send, work_off
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

pytestmark = pytest.mark.django_db
CREATE = "support.CreateCase"


def ids(submission, attempt=1):
    return {
        "case": submission.case.reference,
        "submission": str(submission.pk),
        "account": submission.account.account_id,
        "attempt": attempt,
    }


def test_success_is_one_line_with_all_its_ids(sandbox, bells, log):
    submission = send(a_submission(State.QUEUED))

    [line] = log.of("attempt ended")
    attempt = submission.attempts.get()
    assert line.items() >= ids(submission).items()
    assert (line["outcome"], line["state"], line["aws_case"]) == ("done", "delivered", submission.remote_id)
    assert line["aws_request"] == attempt.request_id
    assert len(attempt.request_id) == 36
    assert line["duration_ms"] == attempt.duration_ms


def test_other_lines_of_a_sending_name_the_same_things(sandbox, bells, log):
    submission = send(a_submission(State.QUEUED))

    [line] = log.of("AWS opened the case")
    assert line.items() >= ids(submission).items()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            {"fault": "error", "code": "ValidationException", "status": 400, "message": "category code is not valid"},
            {"outcome": "refused_final", "state": "failed", "aws_code": "ValidationException", "http_status": 400},
        ),
        ({"fault": "throttle"}, {"outcome": "refused_retry", "state": "queued", "reason": "throttled"}),
        ({"fault": "error_500"}, {"outcome": "unknown", "state": "unknown", "http_status": 500}),
    ],
)
def test_what_aws_did_not_take_is_one_line_with_its_code(sandbox, bells, log, fault, told):
    sandbox.fault(CREATE, **fault)

    submission = send(a_submission(State.QUEUED))

    [line] = log.of("attempt ended")
    assert line.items() >= (ids(submission) | told).items()
    assert "category code is not valid" not in "".join(log.text)  # AWS's words may be our people's


def test_attempt_of_a_dead_worker_ends_with_a_line_too(bells, clock, log):
    submission = a_submission(State.SENDING)
    clock.advance(minutes=2)

    dispatcher.expire_sending()

    [line] = log.of("attempt ended")
    assert line.items() >= (ids(submission) | {"outcome": "unknown", "error": "WorkerLost"}).items()


def test_look_that_finds_the_case_settles_the_attempt(sandbox, bells, time, log):
    sandbox.fault(CREATE, "drop", when="after")
    submission = send(a_submission(State.QUEUED))

    time.pass_(minutes=5)
    work_off(submission)

    [ended], [settled] = log.of("attempt ended"), log.of("attempt settled")
    assert ended["outcome"] == "unknown"
    assert settled.items() >= (ids(submission) | {"outcome": "done", "aws_case": submission.remote_id}).items()


def test_looks_that_prove_absence_settle_it_before_it_is_sent_again(sandbox, bells, time, log):
    sandbox.fault(CREATE, "drop", when="before")
    submission = send(a_submission(State.QUEUED))

    for _look in range(2):
        time.until(max(again(submission).due_at, submission.attempts.get().bound))
        work_off(submission)
        time.pass_(minutes=2)
    work_off(submission)

    assert [(line["attempt"], line["outcome"]) for line in log.of("attempt settled")] == [(1, "absent")]
    assert [(line["attempt"], line["outcome"]) for line in log.of("attempt ended")] == [(1, "unknown"), (2, "done")]


@pytest.mark.django_db(transaction=True)
def test_person_who_decides_in_place_of_a_proof_leaves_a_line(bells, log):
    submission = a_submission(State.NEEDS_ATTENTION)
    lead = a_user(team=submission.case.team, role=Role.LEAD)

    workflow.send_again(submission, by=lead, reason="The console shows no case.")

    [line] = log.of("attempt settled")
    assert line.items() >= (ids(submission) | {"outcome": "waived", "by": "person"}).items()
    assert "The console shows no case." not in "".join(log.text)


def test_no_line_holds_a_key_or_what_people_wrote(sandbox, bells, time, log):
    team = a_team()
    role = "arn:aws:iam::444455556666:role/CasesiteSupportRole"
    account = an_account(team, account_id="444455556666", role_arn=role, external_id="acme-7f1c")
    sandbox.account(account.account_id, role_arn=role, external_id="acme-7f1c")
    case = a_draft(team=team, account=account, subject="Confidential subject", communication_body="Confidential body")
    for fault in ("drop", "throttle"):
        sandbox.fault(CREATE, fault)
    submission = a_submission(State.QUEUED, case=case)
    for _hour in range(6):
        work_off(submission)
        time.pass_(minutes=20)

    keys, told = clients.keys(target_of(account)), "".join(log.text)
    assert submission.state == State.DELIVERED
    assert [
        word for word in (keys.secret_access_key, keys.session_token, "acme-7f1c", "Confidential") if word in told
    ] == []
