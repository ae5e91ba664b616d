"""A team with everybody in it, and a browser-less client for each."""

import pytest
from django.test import Client
from django.urls import reverse

from casesite.submissions.states import State
from casesite.teams.models import Role
from tests.factories import a_draft, a_submission, a_team, a_user, an_account


@pytest.fixture
def team(db):
    return a_team()


@pytest.fixture
def author(team):
    return a_user("author", team=team)


@pytest.fixture
def reviewer(team):
    return a_user("reviewer", team=team, role=Role.REVIEWER)


@pytest.fixture
def lead(team):
    return a_user("lead", team=team, role=Role.LEAD)


@pytest.fixture
def foreign_lead(db):
    return a_user("foreign", team=a_team(), role=Role.LEAD)


@pytest.fixture
def account(team):
    return an_account(team, name="Payments prod")


@pytest.fixture
def as_user():
    """A client in which a person is signed in."""

    def signed_in(user):
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def submitted(author, account, bells):
    """A submission of the author's in a state; further words are those of the form."""

    def in_state(state=State.PENDING_REVIEW, *, by=author, account=account, reviewer=None, **draft):
        return a_submission(state, case=a_draft(by=by, account=account, **draft), reviewer=reviewer)

    return in_state


@pytest.fixture
def waiting(submitted):
    return submitted()


@pytest.fixture
def queue_url():
    return f"{reverse('admin:submissions_submission_changelist')}?state__exact=pending_review"


def review_url(submission):
    return reverse("admin:submissions_submission_change", args=[submission.pk])


def attention_url(submission):
    return reverse("admin:submissions_submission_attention", args=[submission.pk])
