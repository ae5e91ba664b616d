"""One simulator for all tests here, made blank before each."""

from collections.abc import Iterator

import pytest

from tests.sandbox.care import DOMAIN, EXAMPLE, KINDS, Care
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
    running.settings(calls_per_second=1000, connect_rates={"*": [1000, 1000]})
    return running


@pytest.fixture
def care(sandbox) -> Care:
    """The demo domain "Customer care" in account ACME."""
    return Care(sandbox.connect_demo(ACME))


@pytest.fixture
def example(sandbox) -> Sandbox:
    """The simulator with the domain of the example file, in account ACME."""
    sandbox.connect_domain(**EXAMPLE["domain"])
    for kind in KINDS:
        for document in EXAMPLE[kind]:
            sandbox.connect_put(DOMAIN, kind, **document)
    return sandbox


@pytest.fixture
def cases(sandbox, clients):
    """A client of Connect Cases with the own keys of account ACME."""
    return clients.cases(ACME)


@pytest.fixture
def support(sandbox, clients):
    """A client of AWS Support with the own keys of account ACME."""
    return clients.support(ACME)
