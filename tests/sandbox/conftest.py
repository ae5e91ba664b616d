"""One simulator for all tests here, made blank before each."""

from collections.abc import Iterator

import pytest

from tests.sandbox.clients import ACME, Clients
from tests.sandboxes import Sandbox


@pytest.fixture(scope="session")
def running(tmp_path_factory) -> Iterator[Sandbox]:
    sandbox = Sandbox.start(tmp_path_factory.mktemp("sandbox"))
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="session")
def clients(running) -> Clients:
    return Clients(running.url)


@pytest.fixture
def sandbox(running) -> Sandbox:
    """Blank, and patient: the limit on calls a second is for the tests that are about it."""
    running.reset()
    running.settings(calls_per_second=1000)
    return running


@pytest.fixture
def support(sandbox, clients):
    """A client of AWS Support with the own keys of account ACME."""
    return clients.support(ACME)
