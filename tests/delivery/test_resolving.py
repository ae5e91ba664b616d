"""The second of two cases at AWS is resolved as a submission: asked for by a lead, reviewed, repeated where it has to be."""

import pytest
from django.core.exceptions import PermissionDenied

from casesite.cases.models import Case
from casesite.delivery import dispatcher
from casesite.delivery.models import Outcome
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions import proven, resolving, workflow
from casesite.submissions.reasons import Reason
from casesite.submissions.states import StaleSubmission, State
from casesite.teams.models import ReviewPolicy, Role
from tests.delivery.steps import again, work_off
from tests.factories import a_submission, a_team, a_user

pytestmark = pytest.mark.django_db
RESOLVE = "support.ResolveCase"


class Two:
    """A case with two at AWS, the people around it, and AWS's view of both."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.row = a_submission(State.QUEUED)
        work_off(self.row)
        second = sandbox.open_case(self.row.account.account_id, self.row.payload["subject"], "The same again")
        proven.record_case(self.row.pk, second.case_id)
        self.second = second.case_id
        self.case = Case.objects.get(pk=self.row.case_id)
        self.lead = a_user(team=self.case.team, role=Role.LEAD)
        self.reviewer = a_user(team=self.case.team, role=Role.REVIEWER)

    def let_go(self):
        """The request to resolve the second case, approved."""
        row = resolving.ask(self.case, by=self.lead)
        workflow.approve(row, by=self.reviewer, payload_sha256=row.payload_sha256)
        return again(row)

    def statuses(self):
        return {case.case_id: case.status for case in self.sandbox.cases()}


@pytest.fixture
def two(sandbox, bells, time):
    return Two(sandbox)


def test_the_second_case_is_resolved_once_reviewed_and_the_first_stays_open(two, sandbox):
    row = resolving.ask(two.case, by=two.lead)
    work_off(row)
    assert (row.state, sandbox.requests(RESOLVE)) == (State.PENDING_REVIEW, [])

    workflow.approve(row, by=two.reviewer, payload_sha256=row.payload_sha256)
    work_off(again(row))

    assert (row.state, row.remote_id) == (State.DELIVERED, two.second)
    statuses = two.statuses()
    assert statuses.pop(two.second) == "resolved"
    assert "resolved" not in statuses.values()
    assert (row.case.aws_case_id, row.case.stage) == (two.row.remote_id, "open")
    assert row.case.events.filter(what="second_resolved").exists()
    assert len(sandbox.requests(RESOLVE)) == 1


@pytest.mark.parametrize(("executed", "requests"), [(True, 1), (False, 2)])
def test_a_lost_answer_is_read_and_asked_again_only_where_needed(executed, requests, two, sandbox, time):
    row = two.let_go()
    sandbox.fault(RESOLVE, "drop", when="after" if executed else "before")
    work_off(row)
    assert row.state == State.UNKNOWN

    time.pass_(seconds=10)
    work_off(row)
    time.pass_(seconds=61)
    work_off(row)

    assert row.state == State.DELIVERED
    assert two.statuses()[two.second] == "resolved"
    assert len(sandbox.requests(RESOLVE)) == requests
    assert row.attempts.last().outcome == Outcome.DONE


def test_what_is_resolved_already_is_a_success(two, sandbox):
    sandbox.resolve(two.second)
    row = two.let_go()
    work_off(row)
    assert row.state == State.DELIVERED


def test_an_error_that_says_so_is_a_success_too(two, sandbox):
    row = two.let_go()
    sandbox.fault(
        RESOLVE, "error", code="InvalidParameterValueException", status=400, message="Case is already resolved"
    )
    work_off(row)
    assert row.state == State.DELIVERED


def test_a_role_without_the_right_fails_and_stops_nothing_else(two, sandbox):
    sandbox.account(two.row.account.account_id, denied=["support:ResolveCase"])
    row = two.let_go()
    work_off(row)

    assert (row.state, row.reason_code) == (State.FAILED, Reason.REFUSED_RESOLVE)
    assert gate.stopped(row.account_id, Mode.WRITE) is None
    assert resolving.may_ask(two.lead, Case.objects.get(pk=two.case.pk), row)


def test_a_restore_keeps_it_from_nothing(two):
    row = two.let_go()
    dispatcher.begin(after_restore=True)
    work_off(row)
    assert row.state == State.DELIVERED


def test_only_leads_ask_and_only_once_at_a_time(two):
    for person in (two.reviewer, two.case.author, a_user(team=a_team(), role=Role.LEAD)):
        with pytest.raises(PermissionDenied):
            resolving.ask(two.case, by=person)
    with pytest.raises(PermissionDenied):
        resolving.ask(a_submission(State.DELIVERED).case, by=two.lead)
    row = resolving.ask(two.case, by=two.lead)
    with pytest.raises(StaleSubmission):
        resolving.ask(two.case, by=two.lead)
    with pytest.raises(PermissionDenied):
        workflow.approve(row, by=two.lead, payload_sha256=row.payload_sha256)


def test_an_account_without_review_lets_it_go_at_once(two):
    type(two.row.account).objects.filter(pk=two.row.account_id).update(review_policy=ReviewPolicy.NEVER)
    row = resolving.ask(two.case, by=two.lead)
    work_off(row)
    assert row.state == State.DELIVERED


def test_pages_offer_it_to_leads_and_say_what_became_of_it(two, client):
    page = two.case.get_absolute_url()
    client.force_login(two.case.author)
    assert "resolve_second" not in client.get(page).content.decode()
    assert client.post(page, {"action": "resolve_second"}).status_code == 403

    client.force_login(two.lead)
    assert "resolve_second" in client.get(page).content.decode()
    said = client.post(page, {"action": "resolve_second"}, follow=True).content.decode()
    assert "It waits for review now." in said and "resolve_second" not in said

    client.force_login(two.reviewer)
    row = resolving.newest(Case.objects.get(pk=two.case.pk))
    listed = client.get("/admin/submissions/submission/").content.decode()
    assert "Resolve a second Support case" in listed
    review = client.get(f"/admin/submissions/submission/{row.pk}/change/").content.decode()
    assert two.second in review and "support.ResolveCase" in review
    assert 'value="reject"' in review and 'value="return"' not in review
    workflow.approve(row, by=two.reviewer, payload_sha256=row.payload_sha256)
    work_off(again(row))

    after = client.get(page).content.decode()
    assert "It was resolved." in after and "The second case was resolved" in after
    assert client.get(f"/admin/submissions/submission/{row.pk}/change/").status_code == 200
