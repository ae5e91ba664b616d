"""Questions that no AWS is needed for: their handlers stand in tests.lookups.handlers."""

from datetime import timedelta

import pytest

from casesite.lookups import registry
from tests.factories import a_team, an_account

from . import handlers


@pytest.fixture(autouse=True)
def questions_of_tests(monkeypatch):
    monkeypatch.setattr(registry, "_questions", dict(registry._questions))
    for name in ("echo", "fail_with"):
        registry.register(
            name, f"tests.lookups.handlers:{name}", expires=timedelta(hours=1), title="What tests want to know"
        )
    handlers.forget()


@pytest.fixture
def team(db):
    return a_team()


@pytest.fixture
def account(team):
    return an_account(team)
