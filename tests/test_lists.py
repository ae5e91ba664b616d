"""What lists cost, however long they are: few questions, no counting, no skipping, and nothing read but along indexes."""

import re
from itertools import pairwise

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.http import urlencode

from casesite import clock
from casesite.cases import files
from casesite.delivery import alarms, claim, dispatcher
from casesite.notices import review, trouble
from casesite.submissions import queue
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, Role
from casesite.web import paging
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

LIST = "/admin/submissions/submission/"
CASES = [
    "",
    "last=1",
    "mine=on",
    "since=2026-01-01&until=2026-12-31",
    "account={account}",
    "severity=high",
    "kind=support",
    "team={team}",
    "account={account}&severity=high&mine=on&kind=support",
    *(
        f"state={code}"
        for code in ("draft", "returned", "waiting_for_review", "sending", "refused", "open", "discarded")
    ),
    "state=rejected&severity=high&since=2026-01-01",
    "q=failover",
    "q=%E9%9A%9C%E5%AE%B3&state=returned",
    "q=CS-0000-0000&account={account}",
    "behind={reference}",
    "ahead={reference}&severity=high",
]
SUBMISSIONS = [
    "",
    "last=1",
    "state__exact=pending_review",
    "state__exact=pending_review&last=1",
    "state__exact=delivered",
    "state__exact=needs_attention",
    "review_after__exact=1",
    "account__id__exact={account}",
    "severity=high",
    "state__exact=pending_review&account__id__exact={account}&severity=high",
    "q=failover",
    "state__exact=pending_review&q=failover&behind={place}",
    "state__exact=pending_review&behind={place}",
    "state__exact=pending_review&ahead={place}",
]
LONG = {  # tables that grow with the cases
    "cases_case",
    "cases_casefile",
    "cases_caseevent",
    "cases_supportcontent",
    "submissions_submission",
    "submissions_decision",
    "delivery_attempt",
    "delivery_look",
    "delivery_watch",
    "notices_notice",
}


@pytest.fixture
def crowd(db, bells):
    """A lead of two teams with some of everything."""
    teams = [a_team(), a_team()]
    lead, reviewer = a_user(team=teams[0], role=Role.LEAD), a_user(team=teams[0], role=Role.REVIEWER)
    for person in (lead, reviewer):
        teams[1].memberships.create(user=person, role=person.memberships.get().role)
    authors = [a_user(team=team) for team in teams]
    accounts = [an_account(team) for team in teams]
    for number in ("solo", "duo", "trio"):  # with a letter that no reference has
        for author, account in zip(authors, accounts, strict=True):
            for state in (None, State.PENDING_REVIEW, State.QUEUED, State.DELIVERED, State.RETURNED, State.REJECTED):
                case = a_draft(by=author, account=account, subject=f"Failover {number}", severity_code="high")
                if state:
                    a_submission(state, case=case, reviewer=reviewer)
    return lead, accounts


@pytest.fixture
def addresses(crowd):
    _lead, accounts = crowd
    case, row = accounts[0].cases.first(), accounts[0].submissions.filter(state=State.PENDING_REVIEW).first()
    at = int(row.submitted_at.timestamp() * 1_000_000)
    values = {
        "account": accounts[0].pk,
        "team": case.team_id,
        "reference": case.reference,
        "place": f"{row.rank}.{at}.{row.pk.hex}",
    }
    found = [f"/cases/?{query.format(**values)}" for query in CASES]
    found += [f"{LIST}?{query.format(**values)}" for query in SUBMISSIONS]
    return [*found, "/admin/", "/"]


def plan_of(sql):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # small tables are better read as a whole
        cursor.execute(f"{'EXPLAIN QUERY PLAN' if connection.vendor == 'sqlite' else 'EXPLAIN'} {sql}")
        return [str(row[-1]).strip() for row in cursor.fetchall()]


def scans(sql):
    """The long tables that a query would read as a whole."""
    named = {name: name for name in LONG} | {
        alias: table for table, alias in re.findall(r'"(\w+)" "?(newest|[TU]\d+)\b', sql)
    }
    found = [
        match[1]
        for line in plan_of(sql)
        if (match := re.search(r"(?:^SCAN|Seq Scan on) (?:\w+ (?=newest|[tu]\d))?(\w+)", line))
    ]
    return [table for name in found if (table := named.get(name)) in LONG]


def asked(do):
    with CaptureQueriesContext(connection) as queries:
        do()
    return [query["sql"] for query in queries if query["sql"].lstrip("(").startswith(("SELECT", "UPDATE", "DELETE"))]


def test_lists_read_along_indexes_and_neither_count_nor_skip(crowd, addresses):
    client = signed_in(crowd[0])
    faults = []
    for address in addresses:
        answers = []
        queries = asked(lambda address=address, answers=answers: answers.append(client.get(address)))
        faults += [(address, "status", answer.status_code) for answer in answers if answer.status_code != 200]
        most = 9 if address == "/" else 8  # a desk shows accounts as well
        faults += [(address, "queries", len(queries))] if len(queries) > most else []
        for sql in queries:
            faults += [(address, word) for word in ("COUNT(", "OFFSET") if word in sql]
            faults += [(address, "scan", table, sql[:200]) for table in scans(sql)]

    assert faults == []


def test_what_dispatcher_and_workers_ask_again_and_again_reads_along_indexes(crowd):
    account = AwsAccount.objects.get(pk=crowd[1][0].pk)

    for do in (
        dispatcher.expire_preparing,
        dispatcher.expire_sending,
        dispatcher.park_hopeless,
        lambda: dispatcher.due_accounts(clock.now()),
        review.raise_due,
        trouble.raise_new,
        dispatcher.watch.start,
        files.clean_up,
        alarms.current,
        lambda: queue.queue_of(account, clock.now()),
        lambda: queue.budget_of(account, clock.now()),
        lambda: queue.queues_of(AwsAccount.objects.all(), clock.now()),
        lambda: claim.claim_next(account.pk),
    ):
        assert [(table, sql[:200]) for sql in asked(do) for table in scans(sql)] == []


def test_leases_of_an_account_are_read_by_their_time(crowd):
    """And not among all that the account ever had, which another index would give as well."""
    (leases,) = asked(lambda: claim.in_flight(crowd[1][0].pk, "", clock.now()))

    if connection.vendor == "sqlite":  # PostgreSQL decides by how much there is
        assert "submission_leased" in "\n".join(plan_of(leases))
    assert scans(leases) == []


def test_hour_of_an_account_is_read_by_account_and_time(crowd):
    """Neither among all that it ever sent nor among what all others sent this hour: each claim and each intent asks."""
    account = AwsAccount.objects.get(pk=crowd[1][0].pk)
    (attempts,) = asked(lambda: queue.budget_of(account, clock.now()))

    if connection.vendor == "sqlite":  # PostgreSQL decides by how much there is
        assert "attempt_counted_of (account_id_at_aws=? AND started_at>?" in "\n".join(plan_of(attempts))
    assert scans(attempts) == []


@pytest.mark.parametrize("address", ["/", "/cases/", "/cases/?q=failover", LIST, f"{LIST}?state__exact=pending_review"])
def test_who_is_in_no_team_sees_empty_lists(db, address):
    client = signed_in(a_user(is_staff=True, is_superuser=True))

    answer = client.get(address)

    assert answer.status_code == 200
    assert "data-case" not in answer.content.decode()
    assert "data-queue-row" not in answer.content.decode()


# --- pages ---------------------------------------------------------------------------------------------------------------
@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setitem(paging.page_of.__kwdefaults__, "size", 4)
    for admin in ("casesite.review.admin.SubmissionAdmin", "casesite.teams.admin.PersonAdmin"):
        monkeypatch.setattr(f"{admin}.list_per_page", 4)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def page_at(client, address):
    context = client.get(address).context
    return context.get("page") or context["cl"].page


def walk(client, path, way, query="", start="", meanwhile=lambda: None):
    """The keys of all rows from one end to the other, page by page."""
    pages, address = [], f"{path}?{query}{start}"
    while address != path:
        page = page_at(client, address)
        pages.append([row.pk for row in page.rows])
        meanwhile()
        address = path + getattr(page, way)
    return pages


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/cases/", ""),
        ("/cases/", "severity=high"),
        ("/cases/", "q=failover"),
        ("/cases/", "state=returned"),
        (LIST, ""),
        (LIST, "state__exact=pending_review"),
        (LIST, "q=failover"),
    ],
)
def test_pages_show_each_row_once_there_and_back(crowd, small_pages, path, query):
    """Over the rows of two teams, in one order."""
    client = signed_in(crowd[0])

    there = walk(client, path, "behind", query)
    back = walk(client, path, "ahead", query, start="&last=1")

    shown = [pk for page in there for pk in page]
    assert len(shown) == len(set(shown)) > 4
    assert [pk for page in reversed(back) for pk in page] == shown
    assert [len(page) for page in there[:-1]] == [4] * (len(there) - 1)


def test_rows_that_come_meanwhile_shift_nothing(crowd, small_pages):
    lead, accounts = crowd
    client, author = signed_in(lead), accounts[0].cases.first().author
    before = [pk for page in walk(client, "/cases/", "behind") for pk in page]

    pages = walk(client, "/cases/", "behind", meanwhile=lambda: a_draft(by=author, account=accounts[0]))

    assert [pk for page in pages for pk in page] == before


def test_queue_goes_on_behind_a_row_that_was_decided_meanwhile(crowd, small_pages):
    client = signed_in(crowd[0])
    query = f"{LIST}?state__exact=pending_review"
    first = page_at(client, query)
    rest = page_at(client, LIST + first.behind)
    first.rows[-1].__class__.objects.filter(pk=first.rows[-1].pk).update(state=State.CANCELLED)

    assert [row.pk for row in page_at(client, LIST + first.behind).rows] == [row.pk for row in rest.rows]


def test_pages_lead_to_both_ends(crowd, small_pages):
    client = signed_in(crowd[0])
    first = page_at(client, "/cases/")
    second = page_at(client, f"/cases/{first.behind}")
    last = page_at(client, f"/cases/{second.last}")

    assert (first.first, first.ahead, last.behind, last.last) == ("", "", "", "")
    assert [row.pk for row in page_at(client, f"/cases/{second.first}").rows] == [row.pk for row in first.rows]
    assert last.rows[-1].pk == min(case.pk for account in crowd[1] for case in account.cases.all())


def test_people_are_paged_in_any_order_with_and_without_a_value(db, small_pages):
    root = a_user(is_superuser=True, is_staff=True)
    for n in range(9):
        person = a_user(email=f"{n % 3}@example.com")
        if n % 2:
            get_user_model().objects.filter(pk=person.pk).update(last_login=clock.now())
    client = signed_in(root)

    for order in ("", "o=3", "o=-3", "o=6", "o=-6", "o=4.-6.1"):
        there = [pk for page in walk(client, "/admin/auth/user/", "behind", order) for pk in page]
        back = walk(client, "/admin/auth/user/", "ahead", order, start="&last=1")
        assert sorted(there) == sorted(get_user_model().objects.values_list("pk", flat=True))
        assert [pk for page in reversed(back) for pk in page] == there


@pytest.mark.parametrize(
    "place", ["", "x", "1.2.3", "9.9.z", "-1.0." + "0" * 32, "1." + "9" * 5000 + "." + "0" * 32, "\0"]
)
@pytest.mark.parametrize("path", ["/cases/", LIST, f"{LIST}?state__exact=pending_review", "/admin/auth/user/"])
def test_place_that_makes_no_sense_is_no_error_page(crowd, place, path):
    crowd[0].is_superuser = True
    crowd[0].save()
    client = signed_in(crowd[0])
    sign = "&" if "?" in path else "?"

    for way in paging.NAMES:
        assert client.get(f"{path}{sign}{urlencode({way: place})}").status_code == 200


def test_search_asks_the_index_where_the_newest_rows_do_not_tell(crowd, monkeypatch):
    monkeypatch.setattr(paging, "NEAR", 2)
    client = signed_in(crowd[0])

    def subjects(query):
        return [row.subject for row in page_at(client, f"/cases/?{urlencode(query)}").rows]

    assert len(subjects({"q": "failover"})) == 36
    assert subjects({"q": "failover trio"}) == ["Failover trio"] * 12
    assert subjects({"q": "failover solo", "state": "returned"}) == ["Failover solo"] * 2
    assert subjects({"q": "nothing"}) == []
    assert all(one >= other for one, other in pairwise(row.pk for row in page_at(client, "/cases/?q=failover").rows))
