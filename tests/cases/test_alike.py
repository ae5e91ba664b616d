"""Which cases are like one, and what finding them costs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casesite.cases import alike
from casesite.cases.alike import SIMILAR, cases_like, similarity
from casesite.submissions.states import State
from tests.factories import a_submission, a_team, a_user, an_account

SERVICE = "amazon-relational-database-service-postgresql"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RDS failover took 11 minutes", "rds failover: took 12 minutes!"),
        ("Lambda times out in eu-west-1", "Lambda timeouts in eu-west-1"),
        ("EC2 down", "EC2 is down"),
        ("DB", "db"),
        ("東京リージョンでRDSに接続できない", "東京リージョンでRDSへ接続できません"),
        ("接続できない", "接続できません"),
        ("RDS障害", "ＲＤＳ障害"),
    ],
)
def test_similar_subjects_are_alike(one, other):
    assert similarity(one, other) >= SIMILAR
    assert similarity(one, other) == similarity(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RDS failover took 11 minutes", "RDS snapshot cannot be restored"),
        ("Lambda times out in eu-west-1", "SQS messages are lost in eu-west-1"),
        ("DB", "EC2"),
        ("東京リージョンでRDSに接続できない", "請求書の金額が違う"),
        ("", ""),
        ("???", "???"),
        ("", "RDS"),
    ],
)
def test_other_subjects_are_not(one, other):
    assert similarity(one, other) < SIMILAR


@pytest.fixture
def team(db, bells):
    return a_team()


@pytest.fixture
def author(team):
    return a_user(team=team)


@pytest.fixture
def account(team):
    return an_account(team)


def like(user, account, subject="RDS failover took 11 minutes", **more):
    return cases_like(user, account=account.pk, service_code=SERVICE, subject=subject, **more)


def test_most_similar_comes_first_and_few_are_shown(author, account):
    subjects = ["RDS failover takes 20 minutes", "RDS failover took 11 minutes", "RDS failover took 12 minutes"]
    cases = [a_submission(by=author, account=account, subject=subject).case for subject in [*subjects, subjects[0]]]

    assert like(author, account) == [cases[1], cases[2], cases[3]]
    assert like(author, account, besides=cases[1].pk) == [cases[2], cases[3], cases[0]]


def test_nothing_is_asked_without_account_service_or_words(author, account, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert cases_like(author, account=None, service_code=SERVICE, subject="RDS") == []
        assert cases_like(author, account=account.pk, service_code="", subject="RDS") == []
        assert cases_like(author, account=account.pk, service_code="a\0b", subject="RDS") == []
        assert like(author, account, subject=" ?! ") == []


def test_number_of_queries_does_not_grow_with_cases(author, account):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            [case.author.username for case in like(author, account)]
        return len(asked)

    a_submission(by=author, account=account)
    few = queries()
    for state in (State.PENDING_REVIEW, State.DELIVERED, State.QUEUED):
        a_submission(state, by=author, account=account)

    assert queries() == few


def test_only_the_newest_of_an_account_are_looked_through(author, account, monkeypatch):
    monkeypatch.setattr(alike, "NEWEST", 2)
    a_submission(by=author, account=account)
    newer = [a_submission(by=author, account=account, subject="RDS failover took 12 minutes").case for _n in range(2)]

    assert like(author, account) == newer[::-1]


def test_candidates_come_from_indexes(author, account):
    """Nothing is read as a whole but the few rows that an index gave."""
    with CaptureQueriesContext(connection) as asked:
        like(author, account)
    sql = next(query["sql"] for query in asked if "supportcontent" in query["sql"])

    with connection.cursor() as cursor:
        # An empty table is better read as a whole; forbidden, the plan is that of a large one.
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{'EXPLAIN QUERY PLAN' if connection.vendor == 'sqlite' else 'EXPLAIN'} {sql}")
        plan = "\n".join(str(row) for row in cursor.fetchall())

    assert "case_account_newest" in plan
    assert "SCAN cases_case" not in plan
    assert "Seq Scan on cases_case" not in plan
