"""Whatever a delivery test did, the invariants hold at its end."""

import pytest

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
