"""Tests of the queue and the other lists of the reviewer's desk."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.html import escape

from casesite.review.models import Viewing
from casesite.submissions.states import State
from casesite.teams.models import ReviewPolicy, Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account

from .conftest import attention_url, review_url

LIST = "/admin/submissions/submission/"
LOOK_NOW = f"{LIST}?review_after__exact=1"
NEEDS_PERSON = f"{LIST}?state__exact=needs_attention"


def rows_of(answer):
    """The submissions of a list, in its order, by their pages."""
    return re.findall(r'href="([^"]*)" data-queue-row', answer.content.decode())


def urls(*submissions):
    return [review_url(submission) for submission in submissions]


def test_queue_has_the_address_that_automation_knows(queue_url):
    assert queue_url == "/admin/submissions/submission/?state__exact=pending_review"


def test_queue_is_sorted_urgent_first_then_longest_waiting(submitted, as_user, reviewer, queue_url, clock):
    by_severity = {}
    for severity in ("normal", "critical", "low", "urgent", "high"):
        clock.advance(minutes=1)
        by_severity[severity] = [submitted(severity_code=severity)]
    clock.advance(minutes=1)
    by_severity["urgent"].append(submitted(severity_code="urgent"))
    by_severity["normal"].append(submitted(severity_code="normal"))

    answer = as_user(reviewer).get(queue_url)

    order = [row for severity in ("critical", "urgent", "high", "normal", "low") for row in by_severity[severity]]
    assert rows_of(answer) == urls(*order)


def test_row_tells_what_waits_where_from_whom_since_when(submitted, as_user, reviewer, queue_url, clock):
    submission = submitted(subject="RDS failover took 11 minutes", severity_code="high")
    clock.advance(minutes=17)

    page = as_user(reviewer).get(queue_url).content.decode()

    for text in (
        "RDS failover took 11 minutes",
        "Payments prod",
        "high",
        "author",
        submission.case.reference,
        "17 min",
    ):
        assert text in page


def test_queue_holds_only_what_waits(submitted, as_user, reviewer, queue_url):
    submissions = {state: submitted(state) for state in State}

    answer = as_user(reviewer).get(queue_url)

    assert rows_of(answer) == urls(submissions[State.PENDING_REVIEW])


def test_list_without_a_filter_shows_all_newest_first(submitted, as_user, reviewer, clock):
    rows = []
    for state in (State.PENDING_REVIEW, State.REJECTED, State.QUEUED):
        clock.advance(minutes=1)
        rows.append(submitted(state))

    assert rows_of(as_user(reviewer).get(LIST)) == urls(*reversed(rows))


def test_sent_before_review_is_a_list_of_its_own(submitted, team, as_user, reviewer):
    policy = an_account(team, review_policy=ReviewPolicy.AFTER_URGENT)
    urgent = submitted(account=policy, severity_code="urgent")
    submitted(account=policy, severity_code="normal")

    for address in (LOOK_NOW, f"{LIST}?review_after=1"):
        assert rows_of(as_user(reviewer).get(address)) == urls(urgent)


def test_needs_a_person_leads_leads_to_the_ways_out(submitted, as_user, reviewer, lead):
    stuck = submitted(State.NEEDS_ATTENTION)

    assert rows_of(as_user(lead).get(NEEDS_PERSON)) == [attention_url(stuck)]
    assert rows_of(as_user(reviewer).get(NEEDS_PERSON)) == [review_url(stuck)]


@pytest.mark.parametrize(
    ("narrowed", "count"),
    [
        ("severity=high", 1),
        ("severity=low", 0),
        ("severity=nonsense", 2),
        ("severity=&account__id__exact=&q=", 2),
        ("q=lambda", 1),
        ("q=nothing+like+it", 0),
    ],
)
def test_queue_is_narrowed_by_its_controls(narrowed, count, submitted, as_user, reviewer, queue_url):
    submitted(severity_code="high", subject="RDS is slow")
    submitted(severity_code="normal", subject="Lambda is slow")

    assert len(rows_of(as_user(reviewer).get(f"{queue_url}&{narrowed}"))) == count


def test_queue_is_searched_by_reference(submitted, as_user, reviewer, queue_url):
    first, _second = submitted(), submitted()

    assert rows_of(as_user(reviewer).get(f"{queue_url}&q={first.case.reference}")) == urls(first)


def test_account_filter_offers_the_accounts_of_the_persons_teams_only(submitted, team, as_user, reviewer, queue_url):
    there = an_account(team, name="Ledger staging")
    an_account(a_team(), name="Somebody else's account")
    submitted()
    in_ledger = submitted(account=there)

    answer = as_user(reviewer).get(f"{queue_url}&account__id__exact={there.pk}")

    assert rows_of(answer) == urls(in_ledger)
    assert "Payments prod" in answer.content.decode()
    assert "Somebody else" not in answer.content.decode()


@pytest.mark.parametrize("nonsense", ["account__id__exact=x", "p=99999", "p=x", "state__exact=nonsense", "o=77"])
def test_nonsense_in_the_address_is_no_error_page(nonsense, waiting, as_user, reviewer):
    answer = as_user(reviewer).get(f"{LIST}?{nonsense}", follow=True)

    assert answer.status_code == 200


def test_list_can_not_be_filtered_through_other_tables(waiting, as_user, reviewer):
    answer = as_user(reviewer).get(f"{LIST}?submitted_by__password__startswith=md5")

    assert answer.status_code == 400


# --- who sees what ---------------------------------------------------------------------------------------------------------
def test_rows_of_other_teams_are_not_listed(submitted, as_user, foreign_lead, queue_url):
    submitted()
    own = a_submission(case=a_draft(team=foreign_lead.memberships.get().team))

    assert rows_of(as_user(foreign_lead).get(queue_url)) == urls(own)


def test_rows_of_a_team_in_which_one_only_writes_are_not_listed(submitted, team, as_user, foreign_lead, queue_url):
    submission = submitted()
    team.memberships.create(user=foreign_lead, role=Role.AGENT)

    client = as_user(foreign_lead)

    assert rows_of(client.get(queue_url)) == []
    assert client.get(review_url(submission)).status_code == 404


def test_superuser_sees_the_rows_of_their_teams_and_no_others(submitted, team, as_user, queue_url):
    submission = submitted()
    outside = a_user(is_staff=True, is_superuser=True)
    inside = a_user(team=team, is_staff=True, is_superuser=True)

    assert rows_of(as_user(outside).get(queue_url)) == []
    assert as_user(outside).get(review_url(submission)).status_code == 404
    assert rows_of(as_user(inside).get(queue_url)) == urls(submission)


@pytest.mark.parametrize("address", ["/admin/", LIST])
def test_agents_are_sent_away(address, author, as_user):
    answer = as_user(author).get(address, follow=True)

    assert answer.status_code == 403
    assert "reviewers" in answer.content.decode()


def test_staff_who_review_nowhere_see_no_list(team, as_user):
    assert as_user(a_user(team=team, is_staff=True)).get(LIST).status_code == 403


def test_who_is_signed_out_signs_in_first(client, db, queue_url):
    answer = client.get(queue_url)

    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/?next=/admin/submissions/submission/")


@pytest.mark.parametrize("address", ["add/", "%s/delete/", "%s/history/"])
def test_nobody_adds_or_deletes(address, waiting, as_user, team):
    everything = a_user(team=team, role=Role.LEAD, is_superuser=True)
    path = LIST + address.replace("%s", str(waiting.pk))

    assert as_user(everything).get(path).status_code == 404


# --- words, numbers, pages -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("?state__exact=pending_review", "Nothing waits for review"),
        ("?review_after__exact=1", "Nothing to look at"),
        ("?state__exact=needs_attention", "Nothing needs a person"),
        ("", "Nothing was submitted yet"),
        ("?state__exact=pending_review&q=x", "Nothing here fits"),
    ],
)
def test_empty_list_says_what_would_stand_there(address, words, as_user, reviewer):
    assert words in as_user(reviewer).get(LIST + address).content.decode()


def test_own_submission_is_marked_as_somebody_elses_to_review(submitted, as_user, reviewer, lead, queue_url):
    submitted(by=reviewer)

    assert "yours: somebody else reviews it" in as_user(reviewer).get(queue_url).content.decode()
    assert "yours: somebody else reviews it" not in as_user(lead).get(queue_url).content.decode()


def test_row_says_who_is_looking(waiting, as_user, reviewer, lead, queue_url, clock):
    as_user(reviewer).get(review_url(waiting))

    assert "reviewer is looking at it" in as_user(lead).get(queue_url).content.decode()
    assert "is looking at it" not in as_user(reviewer).get(queue_url).content.decode()


@pytest.mark.parametrize(
    ("passed", "told"), [({"minutes": 4, "seconds": 59}, True), ({"minutes": 5, "seconds": 1}, False)]
)
def test_who_is_looking_is_told_for_five_minutes(passed, told, waiting, as_user, reviewer, lead, queue_url, clock):
    as_user(reviewer).get(review_url(waiting))
    clock.advance(**passed)

    assert ("reviewer is looking at it" in as_user(lead).get(queue_url).content.decode()) == told
    assert ("reviewer is looking at it too" in as_user(lead).get(review_url(waiting)).content.decode()) == told


def test_looking_twice_is_one_viewing(waiting, as_user, reviewer, clock):
    client = as_user(reviewer)
    client.get(review_url(waiting))
    clock.advance(minutes=2)
    client.get(review_url(waiting))

    assert Viewing.objects.get().at == clock.now


def test_index_leads_to_the_lists_with_their_numbers(submitted, team, as_user, reviewer, lead, clock):
    policy = an_account(team, review_policy=ReviewPolicy.AFTER_URGENT)
    submitted()
    clock.advance(minutes=12)
    submitted()
    submitted(by=reviewer)
    submitted(account=policy, severity_code="critical")
    submitted(State.NEEDS_ATTENTION)

    def numbers(user):
        page = as_user(user).get("/admin/").content.decode()
        return dict(re.findall(r'data-list="(\w+)".*?class="count">(\d+)<', page, re.DOTALL))

    assert numbers(reviewer) == {"waiting": "2", "look_now": "1"}
    assert numbers(lead) == {"waiting": "3", "look_now": "1", "needs_person": "1"}


@pytest.mark.parametrize(("name", "count"), [("reviewer", "2"), ("lead", "3"), ("author", None)])
def test_top_bar_counts_what_waits_for_a_person(name, count, submitted, as_user, request, reviewer, queue_url):
    submitted()
    submitted()
    submitted(by=reviewer)
    person = request.getfixturevalue(name)

    page = as_user(person).get(reverse("settings")).content.decode()

    found = re.search(r'href="([^"]*)"[^>]*>Review <span class="count">(\d+)<', page)
    assert (found and (found[1], found[2])) == (count and (escape(queue_url), count))


def test_long_list_is_cut_into_pages(submitted, as_user, reviewer, queue_url, monkeypatch):
    from casesite.review.admin import SubmissionAdmin

    monkeypatch.setattr(SubmissionAdmin, "list_per_page", 2)
    rows = [submitted() for _row in range(3)]
    client = as_user(reviewer)

    first = client.get(queue_url)
    following = re.search(r'rel="next" href="([^"]*)"', first.content.decode())[1].replace("&amp;", "&")
    second = client.get(LIST + following)

    assert rows_of(first) + rows_of(second) == urls(*rows)
    assert 'rel="next"' not in second.content.decode()
    assert 'rel="prev"' in second.content.decode()


@pytest.mark.parametrize("address", ["?state__exact=pending_review", "", "?review_after__exact=1"])
@pytest.mark.parametrize("count", [1, 3])
def test_list_asks_few_questions_however_many_rows(
    count, address, team, submitted, as_user, reviewer, lead, django_assert_max_num_queries
):
    policy = an_account(team, review_policy=ReviewPolicy.AFTER_URGENT)
    for _row in range(count):
        as_user(lead).get(review_url(submitted()))
        submitted(account=policy, severity_code="urgent")
    client = as_user(reviewer)
    client.get(LIST)

    with django_assert_max_num_queries(8):
        client.get(LIST + address)


def test_hostile_words_stay_text(submitted, as_user, reviewer, queue_url, team):
    hostile = "<script>alert(1)</script>"
    account = an_account(team, name=hostile)
    submitted(account=account, subject=f"{hostile}<img src=x onerror=alert(2)>")
    submitted()

    page = as_user(reviewer).get(queue_url).content.decode()

    assert "<script>alert" not in page
    assert "<img" not in page


def test_waiting_time_is_in_the_persons_words(submitted, as_user, reviewer, queue_url, clock):
    submitted()
    clock.advance(timedelta(days=2))

    assert "2 days ago" in as_user(reviewer).get(queue_url).content.decode()
