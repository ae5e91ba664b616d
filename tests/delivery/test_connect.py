"""Connect cases: one request under one token, repeated, then looked for; in lanes of their own."""

from datetime import timedelta
from io import StringIO

import pytest
from botocore.loaders import Loader
from django.core.management import CommandError, call_command

from casesite.aws import connect_cases
from casesite.aws.clients import clients
from casesite.aws.errors import Cause, Refused, Trace
from casesite.cases.models import Case
from casesite.catalog import account_check, templates_sync
from casesite.catalog.models import CasesDomain, ConnectTemplate
from casesite.delivery import claim, connect_doubt, connect_sending, dispatcher, lanes, report, sender, watch, work
from casesite.delivery.models import Attempt, Look, LookResult, Outcome, Phase
from casesite.lookups import answer
from casesite.lookups.reading import target_of
from casesite.pacing import gate
from casesite.pacing.models import AccountGate, Mode
from casesite.submissions import marker as markers
from casesite.submissions import workflow
from casesite.submissions.connect import REFERENCE_TAG
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import ReviewPolicy, Role
from tests.delivery.backups import Backup
from tests.delivery.steps import work_off
from tests.factories import a_connect_draft, a_draft, a_team, a_user, an_account
from tests.sandbox.care import Care

pytestmark = pytest.mark.django_db
ACCOUNT = "111111111111"
CREATE = "connectcases.CreateCase"
REGION = "us-east-1"


@pytest.fixture
def account(sandbox, settings, time):
    settings.GATE_RATE = settings.GATE_BURST = 1000
    sandbox.settings(connect_rates={"*": [1000, 1000]})
    for domain in sandbox.connect_domains(ACCOUNT):
        sandbox.connect_remove(domain["domainId"])
    return an_account(a_team(), account_id=ACCOUNT, connect_regions=REGION, review_policy=ReviewPolicy.NEVER)


@pytest.fixture
def care(account, sandbox):
    """The demo domain "Customer care", fetched."""
    care = Care(sandbox.connect_demo(ACCOUNT))
    templates_sync.refresh(account)
    return care


@pytest.fixture
def incident(care, account):
    """A queued case by the template with fields of all types."""
    return queued(care, account)


def queued(care, account, **content):
    typed = {field["id"]: as_typed(field["value"]) for field in care.incident()["fields"]}
    template = ConnectTemplate.objects.get(domain__account=account, name="Product incident")
    case = a_connect_draft(template, typed=typed, **content)
    return workflow.submit(case, by=case.author)


def as_typed(union):
    value = next(iter(union.values()))
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def refuse(sandbox, code, status=400):
    sandbox.fault(CREATE, "error", code=code, status=409 if code == "ConflictException" else status, message="No.")


def creates(sandbox):
    return sandbox.requests(CREATE)


def steps(submission, time, *seconds):
    """Let so many seconds pass one after the other, and do what is due each time."""
    for pause in seconds:
        time.pass_(seconds=pause)
        work_off(submission)


def to_the_end_of_repeats(submission, time):
    steps(submission, time, 5, 10, 45, *[240], *[300] * 5, 61)


# --- the usual way -----------------------------------------------------------------------------------------------------
def test_approved_case_is_opened_once_with_its_values_tag_and_person(incident, sandbox):
    work_off(incident)

    [told] = sandbox.connect_cases(ACCOUNT)
    assert incident.state == State.DELIVERED
    assert incident.remote_id == incident.case.aws_case_id == told["caseId"]
    sent = {field["id"]: field["value"] for field in incident.payload["fields"]}
    assert {id_: told["fields"][id_] for id_ in sent} == sent
    assert told["tags"]["casesite-ref"] == incident.marker
    assert len(creates(sandbox)) == 1


def test_case_is_read_back_and_confirmed(incident, sandbox):
    work_off(incident)

    [told] = sandbox.connect_cases(ACCOUNT)
    case = incident.case
    assert case.aws_display_id == told["fields"]["reference_number"]["stringValue"]
    assert (case.aws_status, case.stage) == ("open", "open")
    assert case.connect.confirmed["differences"] == []


def test_value_that_aws_shows_otherwise_is_kept_in_sight(incident, sandbox):
    sandbox.fault("connectcases.GetCase", "error_500", times=None)
    work_off(incident)
    sandbox.clear_faults()
    [told] = sandbox.connect_cases(ACCOUNT)
    sandbox.change_connect_case(told["caseId"], title={"stringValue": "Somebody changed it"})
    Submission.objects.filter(pk=incident.pk).update(due_at=incident.submitted_at)
    AccountGate.objects.all().delete()
    work_off(incident)

    incident.case.connect.refresh_from_db()
    [difference] = incident.case.connect.confirmed["differences"]
    assert (difference["name"], difference["shown"]) == ("Title", {"stringValue": "Somebody changed it"})
    assert difference["sent"] == {"stringValue": incident.case.subject}


# --- a lost answer -------------------------------------------------------------------------------------------------------
def test_lost_answer_is_settled_by_the_same_bytes_and_token(incident, sandbox, time):
    sandbox.lose_answer(CREATE)
    work_off(incident)
    assert incident.state == State.UNKNOWN

    steps(incident, time, 5)

    first, second = creates(sandbox)
    assert first["body_sha256"] == second["body_sha256"]
    assert incident.state == State.DELIVERED
    assert [case["caseId"] for case in sandbox.connect_cases(ACCOUNT)] == [incident.remote_id]
    assert [attempt.outcome for attempt in incident.attempts.all()] == [Outcome.DONE, Outcome.DONE]


def test_request_that_never_arrived_is_opened_by_its_repeat(incident, sandbox, time):
    sandbox.fault(CREATE, "drop", when="before")
    work_off(incident)
    assert sandbox.connect_cases(ACCOUNT) == []

    steps(incident, time, 5)

    assert incident.state == State.DELIVERED
    assert len(sandbox.connect_cases(ACCOUNT)) == 1


def test_repeats_come_at_their_times_and_each_is_an_attempt(incident, sandbox, time):
    began = incident.submitted_at
    sandbox.fault(CREATE, "drop", when="before", times=None)
    work_off(incident)
    to_the_end_of_repeats(incident, time)

    after = [(attempt.started_at - began).total_seconds() for attempt in incident.attempts.all()]
    assert after == [0, 5, 15, 60, 300, 600, 900, 1200, 1500, 1800]
    assert len(creates(sandbox)) == 10
    assert len({request["body_sha256"] for request in creates(sandbox)}) == 1
    assert incident.state == State.UNKNOWN


def test_refused_repeat_moves_nothing(incident, sandbox, time):
    sandbox.lose_answer(CREATE)
    work_off(incident)
    refuse(sandbox, "ValidationException")
    steps(incident, time, 5)

    assert incident.state == State.UNKNOWN
    assert [attempt.outcome for attempt in incident.attempts.all()] == [Outcome.UNKNOWN, Outcome.REFUSED_FINAL]

    steps(incident, time, 10)
    assert incident.state == State.DELIVERED
    assert len(sandbox.connect_cases(ACCOUNT)) == 1


def test_late_refusal_after_a_refused_repeat_brings_it_before_a_person(incident, sandbox, time):
    sandbox.lose_answer(CREATE)
    work_off(incident)
    refuse(sandbox, "ValidationException")
    steps(incident, time, 5)
    first = incident.attempts.get(outcome=Outcome.UNKNOWN)
    refusal = Refused("No.", cause=Cause.INVALID, again=False, operation=CREATE)
    trace = sender.Started().trace(incident)
    report.finish(first, trace=trace, error=refusal, remote_id="", duration=timedelta(minutes=2))

    steps(incident, time, 10)
    assert (incident.state, incident.reason_code) == (State.NEEDS_ATTENTION, Reason.REFUSED_OFTEN)
    assert (incident.due_at, incident.lease_until) == (None, None)


def test_conflict_leads_to_a_search_at_once(incident, sandbox, time):
    sandbox.lose_answer(CREATE)
    work_off(incident)
    refuse(sandbox, "ConflictException")
    time.pass_(seconds=5)
    work_off(incident)

    assert incident.looks.get().result == LookResult.FOUND
    assert incident.state == State.DELIVERED


def test_worker_that_dies_in_a_repeat_leaves_it_to_the_next(incident, sandbox, time, clock):
    sandbox.lose_answer(CREATE)
    work_off(incident)
    time.pass_(seconds=5)
    doubt = connect_doubt._claim(incident.account_id, REGION)
    connect_doubt._intend(doubt.row, connect_sending.request_of(doubt.row))
    assert incident.attempts.filter(phase=Phase.OPEN).count() == 1

    steps(incident, time, 60)
    assert incident.state == State.UNKNOWN  # its lease still lives
    steps(incident, time, 31)

    assert incident.state == State.DELIVERED
    assert not incident.attempts.filter(phase=Phase.OPEN).exists()


def test_each_sending_of_it_leaves_its_lines(incident, sandbox, time, log):
    sandbox.lose_answer(CREATE)
    work_off(incident)
    time.pass_(seconds=5)
    doubt = connect_doubt._claim(incident.account_id, REGION)
    connect_doubt._intend(doubt.row, connect_sending.request_of(doubt.row))  # and its worker dies

    steps(incident, time, 60, 31)

    ended, settled = log.of("attempt ended"), log.of("attempt settled")
    assert [(line["attempt"], line["outcome"]) for line in ended] == [(1, "unknown"), (2, "unknown"), (3, "done")]
    assert ended[1]["error"] == "WorkerLost"
    assert [(line["attempt"], line["outcome"], line["by"]) for line in settled] == [
        (1, "done", "repeat"),
        (2, "done", "repeat"),
    ]


def test_after_half_an_hour_the_tag_is_searched_and_a_found_case_is_taken(incident, sandbox, time, log):
    sandbox.lose_answer(CREATE)
    work_off(incident)
    sandbox.fault(CREATE, "drop", when="before", times=None)
    to_the_end_of_repeats(incident, time)

    assert incident.looks.get().result == LookResult.FOUND
    assert incident.state == State.DELIVERED
    assert len(sandbox.connect_cases(ACCOUNT)) == 1
    assert {line["by"] for line in log.of("attempt settled")} == {"look"}
    assert len(log.of("attempt settled")) == incident.attempts.count()


def test_nothing_found_is_never_sent_again_but_brought_before_a_person(incident, sandbox, time):
    sandbox.fault(CREATE, "drop", when="before", times=None)
    work_off(incident)
    to_the_end_of_repeats(incident, time)
    sandbox.clear_faults()
    sent = len(creates(sandbox))
    last = incident.attempts.last()
    assert not incident.looks.filter(counts=True).exists()

    while incident.state == State.UNKNOWN:
        steps(incident, time, 30)

    counted = incident.looks.filter(counts=True)
    assert [look.aws_date >= last.started_at + timedelta(minutes=10) for look in counted] == [True, True]
    assert (incident.state, incident.reason_code) == (State.NEEDS_ATTENTION, Reason.NOT_FOUND_REPEATED)
    assert len(creates(sandbox)) == sent
    steps(incident, time, 3600)
    assert len(creates(sandbox)) == sent and incident.looks.count() > 2


def test_lead_who_sends_again_sends_the_same_request_after_a_look(incident, sandbox, time, account):
    sandbox.fault(CREATE, "drop", when="before", times=None)
    work_off(incident)
    to_the_end_of_repeats(incident, time)
    while incident.state == State.UNKNOWN:
        steps(incident, time, 60)
    sandbox.clear_faults()
    lead = a_user(team=incident.case.team, role=Role.LEAD)
    workflow.send_again(incident, by=lead, reason="Nobody sees it in Connect.")
    work_off(incident)

    assert incident.state == State.DELIVERED
    assert len({request["body_sha256"] for request in creates(sandbox)}) == 1
    assert len(sandbox.connect_cases(ACCOUNT)) == 1


def test_case_without_tags_is_found_by_its_title(care, account, sandbox, time):
    CasesDomain.objects.update(may_tag=False)
    submission = queued(care, account)
    sandbox.lose_answer(CREATE)
    work_off(submission)
    refuse(sandbox, "ConflictException")
    steps(submission, time, 5)

    assert submission.state == State.DELIVERED
    [told] = sandbox.connect_cases(ACCOUNT)
    assert told["fields"]["title"]["stringValue"].endswith(f"[{submission.marker}]")


# --- refusals ------------------------------------------------------------------------------------------------------------
def test_refusal_for_good_names_the_reason(incident, sandbox):
    refuse(sandbox, "ValidationException")
    work_off(incident)

    assert (incident.state, incident.reason_code) == (State.FAILED, Reason.REFUSED)
    assert incident.case.stage == "draft"


def test_template_that_aws_does_not_know_ends_it(incident, sandbox):
    refuse(sandbox, "ResourceNotFoundException", 404)
    work_off(incident)

    assert incident.state == State.FAILED


def test_quota_of_the_service_holds_the_lane_for_a_quarter_of_an_hour(incident, sandbox, time):
    refuse(sandbox, "ServiceQuotaExceededException", 402)
    work_off(incident)
    assert (incident.state, incident.reason_code) == (State.QUEUED, Reason.SERVICE_QUOTA)

    steps(incident, time, 14 * 60)
    assert incident.state == State.QUEUED and len(creates(sandbox)) == 1
    steps(incident, time, 61)
    assert incident.state == State.DELIVERED


def test_throttled_case_waits_and_counts_no_refusal(incident, sandbox, time):
    refuse(sandbox, "ThrottlingException", 429)
    work_off(incident)
    assert (incident.state, incident.reason_code, incident.refusals) == (State.QUEUED, Reason.THROTTLED, 0)

    steps(incident, time, 61)
    assert incident.state == State.DELIVERED


def test_missing_right_stops_the_lane_and_one_row_each_quarter_finds_out(care, account, sandbox, time):
    first, second = queued(care, account), queued(care, account)
    sandbox.account(ACCOUNT, denied=["cases:CreateCase"])
    work_off(first)
    assert len(creates(sandbox)) == 1

    steps(first, time, 15 * 60)
    steps(first, time, 15 * 60 + 1)
    sent = len(creates(sandbox))
    assert sent == 3
    sandbox.account(ACCOUNT, denied=[])
    for _n in range(4):
        steps(first, time, 15 * 60)
    second.refresh_from_db()

    assert (first.state, second.state) == (State.DELIVERED, State.DELIVERED)
    assert len(sandbox.connect_cases(ACCOUNT)) == 2


def test_good_check_of_the_account_ends_the_pause_of_its_lanes(incident, account, sandbox):
    gate.access_refused(account.pk, Mode.WRITE, "no", lanes.api_in(REGION))
    account_check.check(account)
    work_off(incident)

    assert incident.state == State.DELIVERED


# --- lanes ---------------------------------------------------------------------------------------------------------------
def test_stopped_connect_lane_keeps_no_support_case_waiting(incident, account, sandbox, bells):
    gate.access_refused(account.pk, Mode.WRITE, "no", lanes.api_in(REGION))
    case = a_draft(team=account.teams.get(), account=account)
    support = workflow.submit(case, by=case.author)
    work_off(support)
    incident.refresh_from_db()

    assert support.state == State.DELIVERED
    assert incident.state == State.QUEUED


def test_support_over_its_hour_keeps_no_connect_case_waiting(incident, account, sandbox):
    drafts = [a_draft(team=incident.case.team, account=account) for _n in range(account.cases_per_hour)]
    supports = [workflow.submit(case, by=case.author) for case in drafts]
    work_off(incident)
    for support in supports:
        support.refresh_from_db()

    assert State.QUEUED in {support.state for support in supports}
    assert incident.state == State.DELIVERED


def test_dispatcher_rings_for_due_connect_work(incident, clock):
    assert dispatcher.due_accounts(clock.now)[incident.account_id].count == 1

    gate.access_refused(incident.account_id, Mode.WRITE, "no", lanes.api_in(REGION))
    assert dispatcher.due_accounts(clock.now) == {}


def test_day_behind_a_stopped_connect_lane_brings_only_its_rows_before_a_person(incident, account, time):
    gate.access_refused(account.pk, Mode.WRITE, "no", lanes.api_in(REGION))
    case = a_draft(team=account.teams.get(), account=account)
    support = workflow.submit(case, by=case.author)
    time.pass_(hours=25)
    dispatcher.park_hopeless()
    incident.refresh_from_db()
    support.refresh_from_db()

    assert (incident.state, incident.reason_code) == (State.NEEDS_ATTENTION, Reason.BLOCKED_LONG)
    assert support.state == State.QUEUED


def test_four_calls_at_most_are_in_flight_in_a_lane(care, account):
    for _n in range(6):
        queued(care, account)
    claimed = [claim.claim_next(account.pk, REGION) for _n in range(6)]

    assert [row is not None for row in claimed] == [True] * 4 + [False] * 2


# --- the template changes ------------------------------------------------------------------------------------------------
def test_case_that_the_newest_template_would_not_take_is_not_sent(incident, care, account, sandbox):
    sandbox.connect_put(care.domain_id, "templates", id=care.template("Product incident"), status="Inactive")
    templates_sync.refresh(account)
    work_off(incident)

    assert (incident.state, incident.reason_code) == (State.FAILED, Reason.INVALID)
    assert "no longer takes cases" in incident.reason_text
    assert creates(sandbox) == []


def test_option_that_is_gone_is_named(incident, care, account, sandbox):
    field = care.part("fields", "Severity")
    options = [each | {"active": each["value"] != "sev1"} for each in field["options"]]
    sandbox.connect_put(care.domain_id, "fields", id=field["id"], options=options)
    templates_sync.refresh(account)
    work_off(incident)

    assert incident.state == State.FAILED
    assert "Severity" in incident.reason_text


def test_old_approval_counts_no_more_once_the_template_changed(care, account, sandbox, time):
    type(account).objects.update(review_policy=ReviewPolicy.ALWAYS)
    account.refresh_from_db()
    submission = queued(care, account)
    reviewer = a_user(team=submission.case.team, role=Role.REVIEWER)
    workflow.approve(submission, by=reviewer, payload_sha256=submission.payload_sha256)
    gate.access_refused(account.pk, Mode.WRITE, "no", lanes.api_in(REGION))
    time.pass_(hours=25)
    sandbox.connect_put(care.domain_id, "templates", id=care.template("Product incident"), description="Newer")
    templates_sync.refresh(account)
    gate.release(account.pk, Mode.WRITE, lanes.api_in(REGION))
    work_off(submission)

    assert (submission.state, submission.reason_code) == (State.PENDING_REVIEW, Reason.APPROVAL_EXPIRED)
    assert Attempt.objects.count() == 0


# --- a case that a lead found ----------------------------------------------------------------------------------------------
def test_lead_adopts_a_case_that_was_read_in_connect(incident, sandbox, time, client):
    sandbox.lose_answer(CREATE)
    work_off(incident)
    lead = a_user(team=incident.case.team, role=Role.LEAD)
    workflow.take_over(incident, by=lead, reason="The customer waits.")
    [told] = sandbox.connect_cases(ACCOUNT)
    client.force_login(lead)
    address = f"/admin/submissions/submission/{incident.pk}/attention/"
    assert (
        "letters, digits and hyphens" in client.post(address, {"action": "look_up", "aws_id": "a b"}).content.decode()
    )
    asked = client.post(address, {"action": "look_up", "aws_id": told["caseId"]})
    answer.answer_open(incident.account_id)
    page = client.get(asked.url.partition("#")[0])
    assert "It carries our reference: this is what we sent." in page.content.decode()

    client.post(
        address, {"action": "adopt", "lookup": asked.url.partition("lookup=")[2].partition("#")[0], "reason": "Ours."}
    )
    incident.refresh_from_db()
    incident.case.refresh_from_db()

    assert incident.state == State.DELIVERED
    assert incident.case.aws_case_id == told["caseId"]


def test_case_that_aws_does_not_show_yet_stops_no_reading(incident, sandbox, time):
    sandbox.fault("connectcases.GetCase", "error", code="ResourceNotFoundException", status=404, message="No such case")
    work_off(incident)
    assert (incident.state, incident.case.aws_display_id) == (State.DELIVERED, "")
    assert gate.stopped(incident.account_id, Mode.READ, gate.Api("connectcases", REGION)) is None

    steps(incident, time, 5)
    assert incident.case.aws_display_id


# --- looked up again ---------------------------------------------------------------------------------------------------------
def opened_under_another_token(row, **changes):
    """AWS carries the request out though it has done so before, or after everybody gave it up."""
    target = target_of(row.account)
    params = row.payload | {"clientToken": "another"} | changes
    return connect_cases.create_case(target, clients.keys(target), row.region, params, Trace(row.operation))


def test_second_case_of_a_token_that_aws_forgot_is_flagged_by_the_watch(incident, sandbox, time):
    sandbox.lose_answer(CREATE)
    work_off(incident)
    steps(incident, time, 5)
    assert (incident.state, incident.duplicate) == (State.DELIVERED, False)
    watch.start()
    second = opened_under_another_token(incident)

    steps(incident, time, 15 * 60)

    assert (incident.duplicate, incident.duplicate_remote_id) == (True, second)
    assert incident.case.aws_case_id == incident.remote_id != second


def test_case_that_a_lead_gave_up_is_proven_by_the_watch(incident, sandbox, time):
    sandbox.fault(CREATE, "drop", when="before")
    work_off(incident)
    lead = a_user(team=incident.case.team, role=Role.LEAD)
    workflow.take_over(incident, by=lead, reason="It takes too long.")
    workflow.give_up(incident, by=lead, reason="Said by telephone.")
    watch.start()
    late = opened_under_another_token(incident)

    steps(incident, time, 15 * 60, 6)

    assert (incident.state, incident.remote_id, incident.case.aws_case_id) == (State.DELIVERED, late, late)
    assert [attempt.outcome for attempt in incident.attempts.all()] == [Outcome.DONE]
    assert incident.case.aws_status == "open"


def test_watch_that_cannot_look_tries_again(incident, sandbox, time, clock):
    sandbox.lose_answer(CREATE)
    work_off(incident)
    steps(incident, time, 5)
    watch.start()
    sandbox.fault("connectcases.SearchCases", "cut", times=None)

    steps(incident, time, 15 * 60)

    watched = incident.watch
    watched.refresh_from_db()
    assert (watched.step, watched.due_at) == (0, clock.now + timedelta(minutes=15))
    assert watched.error_text


def test_cases_of_ours_that_no_row_knows_of_are_listed(incident, sandbox):
    work_off(incident)
    erased = markers.new("CS-7GQ4-KM2X")
    lost = opened_under_another_token(incident, tags={REFERENCE_TAG: erased})

    out = StringIO()
    with pytest.raises(CommandError, match="1 findings at AWS"):
        call_command("verify_invariants", "--aws", stdout=out)

    [line] = [line for line in out.getvalue().splitlines() if line.startswith("AWS")]
    assert erased in line and lost in line and "no case here has its reference" in line
    assert str(incident.remote_id) not in line


# --- what AWS's model allows ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("model", "column", "shape"),
    [
        (Case, "aws_case_id", "CaseId"),
        (Case, "duplicate_aws_case_id", "CaseId"),
        (Submission, "remote_id", "CaseId"),
        (Submission, "duplicate_remote_id", "CaseId"),
        (Attempt, "remote_id", "CaseId"),
        (Attempt, "remote_id", "RelatedItemId"),
        (Look, "remote_id", "CaseId"),
    ],
)
def test_the_longest_id_that_aws_may_give_is_kept(model, column, shape):
    longest = Loader().load_service_model("connectcases", "service-2")["shapes"][shape]["max"]

    assert model._meta.get_field(column).max_length >= longest


# --- after a restore -----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("taken", ["before submitting", "before approving"])
def test_case_sent_after_the_backup_is_found_though_nobody_sends_it_again(taken, care, account, sandbox, bells, time):
    dispatcher.begin()  # the first thing that a site does
    type(account).objects.update(review_policy=ReviewPolicy.ALWAYS)
    template = ConnectTemplate.objects.get(domain__account=account, name="General question")
    case = a_connect_draft(template, typed={"title": "Question"})
    backups = {"before submitting": Backup()}
    row = workflow.submit(case, by=case.author)
    backups["before approving"] = Backup()
    reviewer = a_user(team=case.team, role=Role.REVIEWER)
    workflow.approve(row, by=reviewer, payload_sha256=row.payload_sha256)
    work_off(row)
    [told] = sandbox.connect_cases(ACCOUNT)
    backups[taken].restore()

    dispatcher.begin(after_restore=True)
    time.pass_(minutes=1)
    work.work_off(account.pk)

    case.refresh_from_db()
    assert (case.aws_case_id, case.stage) == (told["caseId"], "open")
    assert not case.submissions.unfinished().exists()
