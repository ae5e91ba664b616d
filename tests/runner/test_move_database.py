"""A site moves from SQLite to PostgreSQL with all that it has, or does not move at all."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from casesite.runner import parts
from tests import postgres as servers
from tests.sites import Site, bare_environment, wait_until

pytestmark = [pytest.mark.postgresql, pytest.mark.processes, pytest.mark.xdist_group("move")]

# Rows of the kinds that a demonstration does not have.
MORE = """
from datetime import datetime, UTC
from casesite.teams.models import Team
from casesite.submissions.models import Submission
from django.contrib.sessions.backends.db import SessionStore
Team.objects.create(name="Ünïcode 漢字 🚑, 'quoted' \\\\ back\\tslash\\r\\n\\\\N")
gone = Team.objects.create(name="Gone"); gone.delete()   # its history stays, and its number is not given again
session = SessionStore(); session["at"] = 1; session.save()
"""


def run(var, *arguments, database="", given="", check=True):
    """A management command of the site in this folder, which nobody runs."""
    environment = bare_environment() | {"CASESITE_VAR": str(var), "CASESITE_TIME_SCALE": "60"}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=parts.ROOT,
        env=environment | ({"DATABASE_URL": database} if database else {}),
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def var(tmp_path_factory):
    """The folder of a stopped site with a demonstration's rows of every kind, some sent to AWS and back."""
    site = Site.start(tmp_path_factory.mktemp("moving") / "var")
    wait_until(
        lambda: site.rows("SELECT count(*) AS n FROM submissions_submission WHERE state = 'delivered'")[0]["n"] > 1,
        seconds=120,
        what="deliveries",
    )
    site.manage("shell", "-c", MORE)
    assert site.stop() == 0
    return site.var


def read(var, sql):
    with closing(sqlite3.connect(var / "casesite.sqlite3")) as connection:
        return connection.execute(sql).fetchall()


def rows_of(var):
    names = [name for (name,) in read(var, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    # Of words there is an index, which PostgreSQL makes of what arrives.
    theirs = ("django_migrations", "sqlite_", "cases_word")
    ours = [name for name in names if not name.startswith(theirs)]
    return {name: read(var, f"SELECT count(*) FROM {name}")[0][0] for name in ours}


@pytest.fixture(scope="module")
def prepared(postgres):
    """A database on PostgreSQL with this version's tables."""
    with postgres.database() as url:
        environment = bare_environment() | {"DATABASE_URL": url}
        command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
        subprocess.run(command, cwd=parts.ROOT, env=environment, check=True, timeout=300)
        yield url


# --- not at all ---------------------------------------------------------------------------------------------------------------
def test_a_target_without_tables_is_refused(var, postgres_url):
    done = run(var, "move_database", postgres_url, check=False)

    assert done.returncode == 1
    assert "The target does not have this version's tables. Run `manage.py migrate`" in done.stderr


def test_a_target_that_does_not_answer_is_refused(var):
    done = run(var, "move_database", "postgresql://casesite@127.0.0.1:1/casesite", check=False)

    assert "The target does not answer" in done.stderr
    assert done.returncode == 1


def test_a_site_that_is_open_somewhere_is_refused(var, prepared):
    with closing(sqlite3.connect(var / "casesite.sqlite3")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("SELECT count(*) FROM teams_team").fetchone()

        done = run(var, "move_database", prepared, check=False)

    assert "somebody has the site's own database open" in done.stderr
    assert done.returncode == 1


def test_a_site_whose_dispatcher_lives_is_refused(var, prepared):
    set_beats(var, stopped_at="NULL")

    done = run(var, "move_database", prepared, check=False)

    set_beats(var, stopped_at="at")
    assert "The site still runs: dispatcher " in done.stderr
    assert done.returncode == 1


def set_beats(var, *, stopped_at):
    """As if its processes had written their beats just now, or had stopped after it."""
    with closing(sqlite3.connect(var / "casesite.sqlite3")) as connection:
        connection.execute(
            f"UPDATE delivery_beat SET at = strftime('%Y-%m-%d %H:%M:%f', 'now'), stopped_at = {stopped_at} "
            "WHERE role IN ('dispatcher', 'worker')"
        )
        connection.commit()


# --- or whole -------------------------------------------------------------------------------------------------------------------
def test_all_rows_arrive_and_the_site_goes_on_where_it_was(var, prepared):
    before = rows_of(var)
    [(last,)] = read(var, "SELECT seq FROM sqlite_sequence WHERE name = 'teams_team'")

    done = run(var, "move_database", prepared)

    told = dict(line.split(": ") for line in done.stdout.splitlines() if ": " in line)
    assert {name: int(words.split()[0]) for name, words in told.items()} == before
    assert {"cases_caseevent", "delivery_attempt", "teams_historicalteam", "django_session"} <= {
        name for name, number in before.items() if number
    }
    assert f"all {len(before)} tables arrived as they were, {sum(before.values())} rows together" in done.stdout
    # The old file is no site any more; what goes on is on PostgreSQL alone.
    assert not (var / "casesite.sqlite3").exists()
    assert len(list(var.glob("casesite.moved-*.sqlite3"))) == 1
    assert run(var, "verify_invariants", database=prepared).stdout.startswith("all hold: I1,")
    run(var, "add_account", "999900001111", "--name", "New", "--team", "Brand new", database=prepared)
    [new] = servers.rows(prepared, "SELECT id FROM teams_team WHERE name = 'Brand new'")
    assert new["id"] == last + 1
    # A site that has rows is no target.
    again = run(var, "move_database", prepared, database=prepared, check=False)
    assert "The target is not empty" in again.stderr
    assert again.returncode == 1
