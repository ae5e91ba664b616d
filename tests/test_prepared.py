"""Queries compiled once: what they bring is what the ORM brings, and they are built a single time."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from casesite import clock as casesite_clock
from casesite import prepared
from casesite.cases.models import Case, CaseEvent
from casesite.database import write
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from tests.factories import a_draft, a_submission

pytestmark = pytest.mark.django_db


def test_rows_are_those_of_the_values_list(clock):
    submission = a_submission(State.QUEUED)
    a_submission(State.QUEUED)
    columns = ("pk", "state", "rank", "queued_at", "lease_until", "payload", "case__reference")
    rows = prepared.Rows(lambda pk: Submission.objects.filter(pk=pk).values_list(*columns), pk=UUID)

    found = rows(pk=submission.pk)

    assert found == list(Submission.objects.filter(pk=submission.pk).values_list(*columns))
    assert found[0][0] == submission.pk
    assert found[0][3] == clock.now


def test_a_value_may_be_used_several_times_and_none_is_kept(clock):
    first, second = a_submission(State.QUEUED), a_submission(State.QUEUED)
    rows = prepared.Rows(
        lambda state, at: (
            Submission.objects.filter(state=state, queued_at__lte=at, due_at__lte=at)
            .order_by("submitted_at", "marker")
            .values_list("pk")
        ),
        state=str,
        at=datetime,
    )

    assert rows(state="preparing", at=clock.now) == []
    assert rows(state="queued", at=clock.now - timedelta(seconds=1)) == []
    assert {pk for (pk,) in rows(state="queued", at=clock.now)} == {first.pk, second.pk}


def test_objects_are_whole_with_the_related_ones_beside_them(clock):
    submission = a_submission(State.QUEUED)
    objects = prepared.Objects(
        lambda pk: Submission.objects.filter(pk=pk), related=("case", "account", "submitted_by"), pk=UUID
    )

    [found] = objects(pk=submission.pk)

    with CaptureQueriesContext(connection) as asked:
        beside = (found.case, found.account, found.submitted_by)
    assert len(asked) == 0
    assert beside == (submission.case, submission.account, submission.submitted_by)
    for field in Submission._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(submission, field.attname)
    found.reason_text = "can be saved"
    found.save(update_fields=["reason_text"])
    submission.refresh_from_db()
    assert submission.reason_text == "can be saved"


def test_objects_have_what_was_worked_out_for_them(clock):
    case = a_draft(subject="Before")
    objects = prepared.Objects(
        lambda pk: Case.objects.filter(pk=pk).annotate(next_version=F("version") + 1), related=("author",), pk=int
    )

    [found] = objects(pk=case.pk)

    assert (found.next_version, found.author, found.subject) == (2, case.author, "Before")


def test_an_update_meets_the_rows_of_its_condition_only(clock):
    submission, other = a_submission(State.QUEUED), a_submission(State.QUEUED)
    take = prepared.Update(
        lambda pk, token, until, by: (
            Submission.objects.filter(pk=pk, token=token, case__aws_case_id=None),
            {"state": State.PREPARING, "token": F("token") + 1, "lease_until": until, "lease_by": by},
        ),
        pk=UUID,
        token=int,
        until=datetime,
        by=str,
    )
    given = {"pk": submission.pk, "token": submission.token, "until": clock.now, "by": "me"}

    with write():
        assert (take(**given), take(**given)) == (1, 0)

    was = submission.token
    submission.refresh_from_db()
    other.refresh_from_db()
    assert (submission.state, submission.token, submission.lease_by) == (State.PREPARING, was + 1, "me")
    assert submission.lease_until == clock.now
    assert other.state == State.QUEUED


def test_nothing_can_be_set_to_a_value(clock):
    submission = a_submission(State.QUEUED)
    change = prepared.Update(
        lambda pk, due_at: (Submission.objects.filter(pk=pk), {"due_at": due_at}), pk=UUID, due_at=datetime
    )

    change(pk=submission.pk, due_at=None)

    submission.refresh_from_db()
    assert submission.due_at is None


def test_the_query_is_built_once():
    built = []

    def build(pk):
        built.append(pk)
        return Submission.objects.filter(pk=pk).values_list("pk")

    rows = prepared.Rows(build, pk=UUID)
    for _time in range(3):
        rows(pk=a_submission().pk)

    assert len(built) == 1


def test_a_value_that_the_query_changes_is_refused():
    rows = prepared.Rows(lambda rank: Submission.objects.filter(rank=rank + 1).values_list("pk"), rank=int)

    with pytest.raises(ValueError, match="the query does not use rank as it is given"):
        rows(rank=1)


# --- single rows ---------------------------------------------------------------------------------------------------------
def test_an_inserted_row_is_the_one_that_the_orm_writes(clock):
    by_orm = a_submission(State.PENDING_REVIEW)
    values = {field.attname: getattr(by_orm, field.attname) for field in Submission._meta.concrete_fields}
    other = {"id": uuid4(), "case_id": a_draft().pk, "marker": "CS-7GQ4-KM2X-9TZA-P3RW", "region": "eu-west-1"}
    row = Submission(**values | other)

    prepared.insert(row)

    assert Submission.objects.filter(pk=row.pk).values().get() == values | other
    row.reason_text = "can be saved"
    row.save(update_fields=["reason_text"])


def test_an_inserted_row_knows_the_number_that_it_got(clock):
    case = a_draft()
    first, second = (CaseEvent(case=case, at=clock.now, what=what) for what in ("saved", "submitted"))

    for event in (first, second):
        prepared.insert(event)

    assert list(case.events.values_list("pk", "what"))[-2:] == [(first.pk, "saved"), (second.pk, "submitted")]


def test_a_row_that_is_there_already_is_not_inserted_again(clock):
    case = a_draft()

    with pytest.raises(IntegrityError), transaction.atomic():
        prepared.insert(Case(**{field.attname: getattr(case, field.attname) for field in Case._meta.concrete_fields}))


def test_a_row_whose_once_value_is_there_is_left_out_and_says_so(clock):
    there = a_draft()
    values = {
        field.attname: getattr(there, field.attname) for field in Case._meta.concrete_fields if field.name != "id"
    }
    Case.objects.update(form_token="t" * 32)
    again = Case(**values | {"reference": "CS-7GQ4-KM2X", "form_token": "t" * 32})
    other = Case(**values | {"reference": "CS-7GQ4-KM2Y", "form_token": "o" * 32})

    assert (prepared.insert(again, once="form_token"), prepared.insert(other, once="form_token")) == (False, True)

    assert again.pk is None
    assert list(Case.objects.order_by("pk").values_list("pk", "form_token")) == [
        (there.pk, "t" * 32),
        (other.pk, "o" * 32),
    ]


def test_a_row_that_breaks_another_rule_than_once_is_an_error(clock):
    there = a_draft()
    values = {
        field.attname: getattr(there, field.attname) for field in Case._meta.concrete_fields if field.name != "id"
    }

    with pytest.raises(IntegrityError), transaction.atomic():
        prepared.insert(Case(**values | {"form_token": "o" * 32}), once="form_token")  # its reference is there


def test_an_update_writes_the_named_columns_of_its_row_only(clock):
    case, other = a_draft(subject="Before"), a_draft(subject="Before")
    case.subject, case.version, case.verify_first, case.severity_code = "After", 7, clock.now, "low"

    prepared.update(case, "subject", "version", "verify_first")

    case.refresh_from_db()
    other.refresh_from_db()
    assert (case.subject, case.version, case.verify_first, case.severity_code) == ("After", 7, clock.now, "normal")
    assert (other.subject, other.version) == ("Before", 1)


# --- transactions that do not wait for the disk ------------------------------------------------------------------------------------
def synchronous():
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous" if connection.vendor == "sqlite" else "SHOW synchronous_commit")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_only_what_need_not_last_is_committed_without_waiting():
    hurried = {"sqlite": 1, "postgresql": "off"}[connection.vendor]
    patient = {"sqlite": 2, "postgresql": "on"}[connection.vendor]

    with write(durable=False):
        within = synchronous()
    with write():
        after = synchronous()

    assert (within, after) == (hurried, patient)


@pytest.mark.django_db(transaction=True)
def test_after_an_error_commits_wait_again():
    patient = {"sqlite": 2, "postgresql": "on"}[connection.vendor]

    with pytest.raises(ZeroDivisionError), write(durable=False):
        raise ZeroDivisionError

    assert synchronous() == patient


@pytest.mark.django_db(transaction=True)
def test_within_a_lasting_transaction_nothing_is_hurried():
    patient = {"sqlite": 2, "postgresql": "on"}[connection.vendor]

    with write():
        with write(durable=False):
            Submission.objects.filter(pk=None, due_at=casesite_clock.now()).update(claims=0)
        within = synchronous()

    assert within == patient
