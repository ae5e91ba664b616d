"""Builders of rows for tests. Submissions reach their state by the real transitions."""

from copy import copy
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model

from casesite import clock
from casesite.aws.errors import Cause, OutcomeUnknown, Refused, Trace
from casesite.cases import files
from casesite.cases.limits import ROOMIEST
from casesite.cases.models import Case, CaseFile, ConnectContent, SupportContent, new_reference
from casesite.cases.models import Kind as CaseKind
from casesite.cases.receiving import ReceivedFile, ReceivingHandler
from casesite.catalog.models import CasesDomain, CaseTemplate, ConnectTemplate, SupportCatalog
from casesite.catalog.schema import sha256_of
from casesite.catalog.template import TITLE, Template, content_of
from casesite.database import write
from casesite.delivery import report
from casesite.delivery.models import Attempt, Outcome, Phase
from casesite.pacing import times
from casesite.submissions import marker as markers
from casesite.submissions import workflow
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, CheckResult, Membership, Role, Team

PASSWORD = "correct horse battery"
_numbers = count(1)

SEVERITIES = [
    {"code": "low", "name": "Low"},
    {"code": "normal", "name": "Normal"},
    {"code": "high", "name": "High"},
    {"code": "urgent", "name": "Urgent"},
    {"code": "critical", "name": "Critical"},
]
SERVICES = [  # codes that the simulator knows too
    {
        "code": "amazon-elastic-compute-cloud-linux",
        "name": "Elastic Compute Cloud (EC2 - Linux)",
        "categories": [
            {"code": "instance-issue", "name": "Instance Issue"},
            {"code": "other", "name": "Other"},
        ],
    },
    {
        "code": "amazon-relational-database-service-postgresql",
        "name": "Relational Database Service (PostgreSQL)",
        "categories": [
            {"code": "general-guidance", "name": "General Guidance"},
            {"code": "apis", "name": "APIs"},
        ],
    },
    {
        "code": "billing",
        "name": "Billing",
        "categories": [{"code": "other-billing-questions", "name": "Other Billing Questions"}],
    },
]


def a_team(name: str = "") -> Team:
    return Team.objects.create(name=name or f"Team {next(_numbers)}")


def a_user(username: str = "", *, team: Team | None = None, role: Role = Role.AGENT, **more: Any) -> Any:
    """A person, a member of the team where one is given. Reviewers and leads are staff, as `add_member` makes them."""
    staff = team is not None and role != Role.AGENT
    user = get_user_model().objects.create_user(
        username or f"person{next(_numbers)}", password=PASSWORD, **{"is_staff": staff, **more}
    )
    if team:
        Membership.objects.create(team=team, user=user, role=role)
    return user


def an_account(*teams: Team, name: str = "", checked: bool = True, **more: Any) -> AwsAccount:
    """An account that the teams may use; checked and found good unless told otherwise."""
    number = next(_numbers)
    if checked:
        more = {"check_result": CheckResult.GOOD, "checked_at": clock.now(), **more}
    account = AwsAccount.objects.create(
        **{"account_id": f"{111_100_000_000 + number}", "name": name or f"Account {number}", **more}
    )
    account.teams.set(teams)
    return account


def a_catalog(account: AwsAccount, **content: Any) -> SupportCatalog:
    """What AWS told about an account just now; `services` and `severities` replace the usual ones."""
    whole = {"services": SERVICES, "severities": SEVERITIES, **content}
    now = clock.now()
    return SupportCatalog.objects.create(
        account=account, content=whole, content_sha256=f"{next(_numbers):064x}", fetched_at=now, seen_at=now
    )


def a_draft(*, by: Any = None, team: Team | None = None, account: AwsAccount | None = None, **fields: Any) -> Case:
    """A complete draft, ready to be submitted. Further fields by the names of the form."""
    team = team or (_team_of(by) if by else a_team())
    by = by or a_user(team=team)
    account = account or an_account(team)
    catalog = SupportCatalog.objects.newest_of(account) or a_catalog(account)
    now = clock.now()
    case = Case.objects.create(
        team=team,
        account=account,
        author=by,
        subject=fields.pop("subject", "RDS failover took 11 minutes"),
        severity_code=fields.pop("severity_code", "normal"),
        created_at=now,
        changed_at=now,
    )
    content = {
        "service_code": "amazon-relational-database-service-postgresql",
        "category_code": "general-guidance",
        "communication_body": "The failover of db-1 in eu-west-1 took 11 minutes.",
        **fields,
    }
    SupportContent.objects.create(case=case, catalog=catalog, **content)
    case.events.create(at=now, by=by, what="created")
    return case


def a_received_file(name: str = "config.txt", data: bytes = b"memory=512\n") -> ReceivedFile:
    """A file as the upload handler hands it over."""
    handler = ReceivingHandler(
        SimpleNamespace(resolver_match=SimpleNamespace(url_name="case_edit"), user=get_user_model()())
    )
    handler.new_file("files", name, "text/plain", None)
    for at in range(0, len(data), handler.chunk_size):
        handler.receive_data_chunk(data[at : at + handler.chunk_size], at)
    received = handler.file_complete(len(data))
    assert received is not None
    return received


def a_file(case: Case, name: str = "config.txt", data: bytes = b"memory=512\n") -> CaseFile:
    """A file of a draft, stored."""
    with a_received_file(name, data) as received:
        file = files.take_one(received, 0, ROOMIEST, by=case.author)
    with write():
        files.attach(case, [*files.of_draft(case), file])
    return case.files.get(sha256=file.sha256, name=name)


def a_submission(
    state: State = State.PENDING_REVIEW, *, case: Case | None = None, reviewer: Any = None, **draft: Any
) -> Submission:
    """A submission in a state, brought there step by step. Without a case it gets a draft of its own from `draft`."""
    case = case or a_draft(**draft)
    submission = workflow.submit(case, by=case.author)
    if state == State.CANCELLED:
        workflow.withdraw(submission, by=case.author)
    elif state != State.PENDING_REVIEW:
        reviewer = reviewer or _a_reviewer_of(case.team, other_than=case.author)
        _decide(submission, state, reviewer)
    return submission


def an_attempt(submission: Submission, outcome: Outcome | None = None, **fields: Any) -> Attempt:
    """A call to AWS: under way, or closed with an outcome."""
    now = clock.now()
    started = fields.get("started_at", now)
    closed = {"phase": Phase.CLOSED, "outcome": outcome, "closed_at": started, "duration_ms": 240} if outcome else {}
    return Attempt.objects.create(
        **{
            "submission": submission,
            "n": submission.attempts.count() + 1,
            "token": submission.token,
            "started_at": started,
            "send_not_after": started + times.send_window(),
            "bound": started + times.validity(urgent=submission.is_urgent) + times.visibility(),
            "account_id_at_aws": submission.account.account_id,
            "endpoint": "http://127.0.0.1:8010",
            "payload_sha256": submission.payload_sha256,
            "worker": "here 1 boot",
            **closed,
            **fields,
        }
    )


def brought_to(state: State, submission: Submission) -> Submission:
    """A queued submission in a later state, by the worker's steps."""
    _deliver(submission, state)
    return submission


def _decide(submission: Submission, state: State, reviewer: Any) -> None:
    given = {"by": reviewer, "payload_sha256": submission.payload_sha256}
    if state == State.RETURNED:
        workflow.return_to_author(submission, reason="Which cluster? AWS will ask.", **given)
    elif state == State.REJECTED:
        workflow.reject(submission, reason="Ask the database team first.", **given)
    else:
        workflow.approve(submission, **given)
        _deliver(submission, state)


def _deliver(submission: Submission, state: State) -> None:
    """The worker's steps from the queue on."""
    if state == State.QUEUED:
        return
    submission.move(State.PREPARING, what="preparing", lease_until=clock.now() + timedelta(minutes=5), lease_by="here")
    if state == State.PREPARING:
        return
    submission.move(State.SENDING, what="sending", lease_until=clock.now() + timedelta(seconds=90))
    attempt = an_attempt(submission)
    if state == State.SENDING:
        return
    _report(attempt, state)
    submission.refresh_from_db()
    if state == State.NEEDS_ATTENTION:
        due = clock.now() + timedelta(seconds=10)
        submission.move(State.NEEDS_ATTENTION, what="needs_attention", reason_code=Reason.CANNOT_LOOK, due_at=due)


def _report(attempt: Attempt, state: State) -> None:
    """The end of a call, as the worker tells it."""
    submission = attempt.submission
    remote_id, error = "", None
    if state == State.DELIVERED:
        remote_id = f"case-{submission.account.account_id}-en-2026-{submission.marker[-9:]}"
    elif state == State.FAILED:
        error = Refused(
            "Invalid category code",
            cause=Cause.INVALID,
            again=False,
            operation="support.CreateCase",
            code="InvalidParameterValueException",
            http_status=400,
            request_id="5f6c2f0e-1111-4222-8333-944455566677",
        )
    else:
        error = OutcomeUnknown("Read timeout", operation="support.CreateCase", error_class="ReadTimeoutError")
    report.finish(
        attempt,
        trace=Trace("support.CreateCase"),
        error=error,
        remote_id=remote_id,
        duration=timedelta(milliseconds=240),
    )


def _team_of(user: Any) -> Team:
    return user.memberships.first().team


def _a_reviewer_of(team: Team, *, other_than: Any) -> Any:
    members = team.memberships.filter(role__in=(Role.REVIEWER, Role.LEAD)).exclude(user=other_than)
    member = members.first()
    return member.user if member else a_user(team=team, role=Role.REVIEWER)


# --- Amazon Connect --------------------------------------------------------------------------------------------------------
def a_connect_template(account: AwsAccount, template: Template) -> ConnectTemplate:
    """A template with this as its newest version, as a fetch would have kept it."""
    now = clock.now()
    domain, _made = CasesDomain.objects.get_or_create(
        account=account,
        region="us-east-1",
        domain_id=f"domain-{account.pk}",
        defaults={
            "arn": f"arn:aws:cases:us-east-1:{account.account_id}:domain/domain-{account.pk}",
            "name": "Service desk",
            "seen_at": now,
        },
    )
    row, _made = ConnectTemplate.objects.update_or_create(
        domain=domain, template_id=template.id, defaults={"name": template.name, "active": template.active}
    )
    content = content_of(template)
    version = CaseTemplate.objects.create(
        template=row, content=content, content_sha256=sha256_of(content), fetched_at=now, seen_at=now
    )
    ConnectTemplate.objects.filter(pk=row.pk).update(newest=version)
    row.refresh_from_db()
    return row


def a_connect_draft(
    template: ConnectTemplate, *, by: Any = None, team: Team | None = None, typed: dict[str, str], **content: Any
) -> Case:
    """A draft of a Connect case: `typed` by AWS's field ids, the title among them; further content by its column."""
    account = template.domain.account
    team = team or (_team_of(by) if by else account.teams.first())
    by = by or a_user(team=team)
    now = clock.now()
    case = Case.objects.create(
        kind=CaseKind.CONNECT,
        team=team,
        account=account,
        author=by,
        subject=typed[TITLE],
        created_at=now,
        changed_at=now,
    )
    ConnectContent.objects.create(case=case, template=template, version=template.newest, typed=typed, **content)
    case.events.create(at=now, by=by, what="created")
    return case


# --- many rows -------------------------------------------------------------------------------------------------------------
def many_like(submission: Submission, number: int) -> list[Submission]:
    """So many more rows like this one, each with a case of its own, written at once: to see what many cost."""
    cases = [copy(submission.case) for _row in range(number)]
    for case in cases:
        case.pk, case.reference = None, new_reference()
    rows = []
    for case in Case.objects.bulk_create(cases):
        row = copy(submission)
        row.pk, row.client_token, row.case, row.marker = uuid4(), uuid4(), case, markers.new(case.reference)
        rows.append(row)
    return Submission.objects.bulk_create(rows)
