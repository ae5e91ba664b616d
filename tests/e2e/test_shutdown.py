"""A worker told to stop ends what it has begun."""

import pytest

from tests.e2e.office import Office
from tests.sites import wait_until

pytestmark = pytest.mark.processes


def test_a_stopped_worker_stores_the_answer_it_waits_for(parts_office: Office):
    site = parts_office.site
    account = parts_office.account()
    account.wire.fault("slow", seconds=3)
    case = account.submit("Stopped while sending")
    case.approve()
    wait_until(lambda: account.requests_at_aws or case.state == "sending", what="the request")
    worker = site.pids["worker"]

    site.stop_part("worker")

    assert case.state == "delivered"
    assert case.attempts == [("done", "")]
    stopped = site.rows("SELECT stopped_at FROM delivery_beat WHERE process LIKE ?", f"%:{worker}:%")
    assert [row["stopped_at"] is not None for row in stopped] == [True]
    site.start_part("worker")
    case.assert_delivered_once()
