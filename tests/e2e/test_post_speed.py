"""Whatever the broker does, a person's click is answered in time, and the work behind it is done."""

import socket
from collections.abc import Iterator

import pytest

from casesite.runner import ports
from tests.e2e.office import Account, Office
from tests.sites import Site

pytestmark = pytest.mark.processes

IN_TIME = 2.5  # seconds


@pytest.fixture(scope="module")
def office(parts_office: Office) -> Iterator[Office]:
    """A site without a worker, whose web server and dispatcher are started anew with whatever broker."""
    parts_office.site.stop_part("worker")
    yield parts_office
    restart(parts_office.site)
    parts_office.site.start_part("worker")


@pytest.fixture(scope="module")
def accounts(office: Office) -> Iterator[tuple[Account, Account]]:
    """Pairs of an account whose cases are all reviewed and one whose urgent ones go at once."""
    return zip(office.accounts(2), office.accounts(2, review_policy="after_urgent"), strict=True)


def restart(site: Site, **extra_env: str) -> None:
    for role in ("web", "dispatcher"):
        site.stop_part(role)
        site.start_part(role, **extra_env)


@pytest.mark.parametrize("broker", ["hung", "dead"])
def test_posts_are_answered_in_time_without_a_broker_and_the_dispatcher_sends(office, accounts, broker):
    reviewed, unreviewed = next(accounts)
    with socket.create_server(("127.0.0.1", 0)) as hung:  # takes connections and never says a word
        port = hung.getsockname()[1] if broker == "hung" else ports.free()
        restart(office.site, REDIS_URL=f"redis://127.0.0.1:{port}/0")

        submitted = reviewed.submit()
        approved = submitted.approve()
        at_once = unreviewed.submit(severity_code="urgent")

        assert [answer.seconds < IN_TIME for answer in (submitted.answer, approved, at_once.answer)] == [True] * 3
        for case in (submitted, at_once):
            case.wait_for("delivered")
            case.assert_delivered_once()
            assert f":{office.site.pids['dispatcher']}:" in case.attempt_rows[0]["worker"]
