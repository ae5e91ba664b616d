"""Whether AWS would accept it, on the review page: opening the page asks, and a worker answers."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casesite.lookups import answer
from casesite.lookups.models import Lookup, LookupState
from casesite.pacing import gate
from casesite.submissions import dry_runs
from casesite.submissions.dry_runs import KIND, Result, Said
from casesite.submissions.states import State
from tests.factories import an_account

from .conftest import review_url
from .test_review import text_of

HTMX = {"HX-Request": "true"}
ASKED = 'class="lookup waiting"'


@pytest.fixture(autouse=True)
def dry_runs_on(settings):
    settings.DRY_RUNS = True


def say(submission, said, **more):
    result = Result(said=said, **more)
    answer.note(KIND, submission.account, dry_runs.params_of(submission), result.as_answer())


def page(as_user, person, submission):
    return as_user(person).get(review_url(submission)).content.decode()


def test_opening_the_page_asks_once(waiting, as_user, reviewer, lead):
    first = page(as_user, reviewer, waiting)
    second = page(as_user, lead, waiting)

    lookup = Lookup.objects.get(kind=KIND)
    assert (lookup.asked_by, lookup.params) == (
        reviewer,
        {"team": waiting.case.team_id, "payload_sha256": waiting.payload_sha256},
    )
    for shown in (first, second):
        assert "Would AWS accept it?" in shown
        assert ASKED in shown
        assert f'hx-get="/lookups/{lookup.pk}/"' in shown


def test_without_javascript_a_link_leads_to_the_answer_and_back(waiting, as_user, reviewer):
    shown = page(as_user, reviewer, waiting)

    lookup = Lookup.objects.get(kind=KIND)
    assert f'<a href="/lookups/{lookup.pk}/?next={review_url(waiting)}">See whether the answer is there</a>' in shown


@pytest.mark.parametrize(
    ("said", "more", "words"),
    [
        (Said.ACCEPTED, {}, "AWS would accept this (checked 14:02)"),
        (
            Said.REFUSED,
            {"text": "Invalid category code"},
            "AWS would refuse this (checked 14:02). Category: Invalid category code",
        ),
        (
            Said.REFUSED,
            {"text": "<b>No</b> & never"},
            "AWS would refuse this (checked 14:02). <b>No</b> & never",
        ),
        (
            Said.OPENED,
            {"aws_case_id": "case-1"},
            "AWS opened a case although it was only asked whether it would: case-1. This account is not asked any more.",
        ),
    ],
)
def test_answer_is_told_with_its_time(said, more, words, waiting, as_user, reviewer, clock, bells):
    clock.set(clock.now.replace(hour=14, minute=2))
    say(waiting, said, **more)
    bells.clear()

    answered = as_user(reviewer).get(review_url(waiting))

    assert words in text_of(answered)
    assert "asked-aws" not in answered.content.decode()
    assert not bells


def test_answer_arrives_as_a_fragment(waiting, as_user, reviewer):
    page(as_user, reviewer, waiting)
    lookup = Lookup.objects.get(kind=KIND)
    say(waiting, Said.REFUSED, text="Invalid category code")

    fragment = as_user(reviewer).get(f"/lookups/{lookup.pk}/", headers=HTMX)

    assert 'data-dry-run="refused"' in fragment.content.decode()
    assert "<b>Category</b>:" in fragment.content.decode()
    assert "<html" not in fragment.content.decode()


def test_old_answer_is_asked_for_again(waiting, as_user, reviewer, clock):
    say(waiting, Said.ACCEPTED)
    clock.advance(minutes=61)

    assert ASKED in page(as_user, reviewer, waiting)


def test_trouble_is_told_in_words_and_keeps_nobody_from_deciding(waiting, as_user, reviewer):
    page(as_user, reviewer, waiting)
    Lookup.objects.update(state=LookupState.FAILED, error="AWS could not be reached.")

    shown = page(as_user, reviewer, waiting)

    assert "AWS could not be reached." in shown
    assert 'value="approve"' in shown
    assert Lookup.objects.count() == 1


def test_without_a_worker_it_says_so(waiting, as_user, reviewer, clock):
    page(as_user, reviewer, waiting)
    clock.advance(seconds=21)

    assert "No worker has answered yet" in page(as_user, reviewer, waiting)


def test_account_that_is_not_asked_says_why(waiting, as_user, reviewer):
    gate.forbid_dry_runs(waiting.account_id)

    shown = page(as_user, reviewer, waiting)

    assert "a case was opened there once by only asking" in shown
    assert not Lookup.objects.exists()


def test_switched_off_the_page_does_not_speak_of_it(waiting, as_user, reviewer, settings):
    settings.DRY_RUNS = False

    assert "Would AWS accept it?" not in page(as_user, reviewer, waiting)
    assert not Lookup.objects.exists()


def test_what_waits_no_more_is_not_asked_about(submitted, as_user, reviewer):
    queued = submitted(State.QUEUED, reviewer=reviewer)

    assert "Would AWS accept it?" not in page(as_user, reviewer, queued)
    assert not Lookup.objects.exists()


def test_last_answer_stays_in_sight_until_it_is_sent(submitted, as_user, reviewer):
    queued = submitted(State.QUEUED, reviewer=reviewer)
    say(queued, Said.ACCEPTED)

    assert "AWS would accept this" in page(as_user, reviewer, queued)


def test_decision_that_was_not_complete_asks_nothing(waiting, as_user, reviewer):
    given = {"decision": "return", "reason": "", "payload_sha256": waiting.payload_sha256}

    as_user(reviewer).post(review_url(waiting), given)

    assert not Lookup.objects.exists()


def test_other_teams_do_not_see_the_answer(waiting, as_user, foreign_lead, reviewer):
    waiting.account.teams.add(foreign_lead.memberships.get().team)
    an_account(foreign_lead.memberships.get().team)
    page(as_user, reviewer, waiting)

    assert as_user(foreign_lead).get(f"/lookups/{Lookup.objects.get().pk}/").status_code == 404


def test_answer_costs_the_page_one_query(waiting, as_user, reviewer, settings):
    say(waiting, Said.ACCEPTED)
    client = as_user(reviewer)
    client.get(review_url(waiting))
    counts = []

    for on in (False, True):
        settings.DRY_RUNS = on
        with CaptureQueriesContext(connection) as seen:
            client.get(review_url(waiting))
        counts.append(len(seen))

    assert counts[1] - counts[0] == 1
