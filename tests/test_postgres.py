"""The PostgreSQL that tests bring along: it is a real one, alone, and gone with whoever started it."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.sandboxes import ROOT
from tests.sites import wait_until

# What becomes of `python -m tests.postgres -- …`: says where its server is, then waits.
COMMAND = """
import os, psycopg
url = os.environ["DATABASE_URL"]
with psycopg.connect(url) as connection:
    print(url, connection.execute("SHOW data_directory").fetchone()[0], flush=True)
input()
"""


@pytest.mark.parametrize("end", ["in order", "by kill -9"])
def test_a_server_of_ones_own_is_gone_with_the_command_that_it_was_for(end):
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", "tests.postgres", "--", sys.executable, "-c", COMMAND]
    running = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout.readline().startswith("PostgreSQL ")
    url, folder = running.stdout.readline().split()

    if end == "in order":
        running.communicate("\n")
    else:
        running.kill()
        running.communicate()

    wait_until(lambda: not Path(folder).parent.exists(), seconds=60, what="the end of the server")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url, connect_timeout=5)


def test_a_database_made_on_it_is_empty_and_dropped_in_the_end(postgres):
    with postgres.database() as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
        name = connection.info.dbname
        assert postgres.rows("SELECT 1 AS there FROM pg_database WHERE datname = ?", [name]) == [{"there": 1}]

    assert postgres.rows("SELECT 1 AS there FROM pg_database WHERE datname = ?", [name]) == []
