"""A PostgreSQL that is restarted in the middle of a sending: a real one, as if its power had failed."""

import json
import os
import subprocess
import sys

import pytest

from tests.postgres import Cluster
from tests.sandboxes import ROOT

POINTS = ("D", "E", "F", "G", "I")


@pytest.fixture
def cluster(postgres):
    """A server that may be restarted: nobody else uses it now."""
    if isinstance(postgres, Cluster):
        yield postgres
    else:
        own = Cluster.start()
        yield own
        own.stop()


def test_a_database_that_is_restarted_meanwhile_costs_no_case_and_no_second_one(cluster, sandbox):
    with cluster.database() as url:
        command = [sys.executable, "-m", "tests.delivery.restarts", sandbox.url, *POINTS]
        site = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for point in POINTS:
            assert site.stdout.readline().strip() == point
            cluster.pg_ctl("restart", "-m", "immediate")
            print(file=site.stdin, flush=True)
        told = json.loads(site.stdout.readline())
        site.communicate()

    assert [[point, state, outcomes] for point, state, outcomes, _id in told] == [
        [point, "delivered", ["done"]] for point in POINTS
    ]
    assert sorted(case_id for *_rest, case_id in told) == sorted(case.case_id for case in sandbox.cases())
    assert len(sandbox.requests("support.CreateCase")) == len(POINTS)
