"""Whatever a delivery test did, the invariants hold at its end. And what was logged meanwhile."""

import json
import logging

import pytest

from casesite.web.logs import JsonFormatter
from tests.delivery.steps import time

__all__ = ["time"]


@pytest.fixture(autouse=True)
def invariants_hold(request):
    """Checks the database after each test that has one, unless the test breaks it on purpose."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
    yield
    if request.node.get_closest_marker("django_db") and not request.node.get_closest_marker("breaks_invariants"):
        from casesite.delivery import invariants

        assert invariants.broken() == []


class Log(logging.Handler):
    def __init__(self):
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.text = []

    def emit(self, record):
        self.text.append(self.format(record))

    def of(self, event):
        return [line for line in map(json.loads, self.text) if line["event"] == event]


@pytest.fixture
def log():
    """What the site logs meanwhile, as programs read it."""
    handler, root = Log(), logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
