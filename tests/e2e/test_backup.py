"""A site comes back from a backup by the very commands that docs/operations.md names, and opens no case a second time."""

import os
import re
import signal
import subprocess
import sys

import pytest

from casesite.runner import parts
from tests import postgres as servers
from tests.e2e.office import Office
from tests.sites import READY_SECONDS, Site, wait_until

pytestmark = [pytest.mark.postgresql, pytest.mark.processes, pytest.mark.xdist_group("backup")]

BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
OF = {"SQLite": ("VACUUM INTO", "cp backup/casesite.sqlite3"), "PostgreSQL": ("pg_dump", "pg_restore")}


def command_with(words):
    """The one block of commands in the document that has these words."""
    [found] = [block for block in BLOCK.findall((parts.ROOT / "docs/operations.md").read_text()) if words in block]
    return found


@pytest.fixture(params=list(OF))
def kind(request):
    return request.param


@pytest.fixture
def databases(kind, postgres):
    """The address of the site's database, and of an empty one for what is restored; none of SQLite."""
    if kind == "SQLite":
        yield "", ""
        return
    with postgres.database() as first, postgres.database() as second:
        yield first, second


@pytest.fixture
def site(databases, tmp_path):
    site = Site.in_parts(tmp_path / "var", extra_env={"DATABASE_URL": databases[0]} if databases[0] else None)
    yield site
    assert site.stop() == 0


@pytest.fixture
def run(site, tmp_path):
    """`run(command)` has a shell run it where `var` and `backup` lie."""
    (tmp_path / "backup").mkdir()
    programs = f"{servers.find()}:{os.path.dirname(sys.executable)}:/usr/bin:/bin"

    def run(command):
        environment = {"PATH": programs, "DATABASE_URL": site.environment.get("DATABASE_URL", "")}
        subprocess.run(["sh", "-ec", command], cwd=tmp_path, env=environment, check=True, timeout=120)

    return run


def test_a_restored_site_finds_what_was_sent_after_the_backup_and_goes_on(kind, databases, site, run):
    office = Office(site)
    account = office.account()
    before, forgotten = account.submit("Sent before"), account.submit("Sent after, written before")
    send(before)
    save, bring_back = map(command_with, OF[kind])

    run(save)
    send(forgotten)
    lost = account.submit("Written after")
    send(lost)
    for role in ("web", "dispatcher", "worker"):
        assert site.stop_part(role) == 0
    if databases[1]:
        site.environment["DATABASE_URL"] = databases[1]
    run(bring_back)
    assert [row["state"] for row in site.rows("SELECT state FROM submissions_submission ORDER BY submitted_at")] == [
        "delivered",
        "pending_review",
    ]
    after_restore(site)
    for role in ("worker", "dispatcher", "web"):
        site.start_part(role)

    at_aws = {case.subject: case.case_id for case in account.cases_at_aws}
    wait_until(lambda: forgotten.aws_case_id == at_aws["Sent after, written before"], seconds=120, what="the search")
    assert before.aws_case_id == at_aws["Sent before"]
    assert len(at_aws) == len(account.cases_at_aws) == len(account.requests_at_aws) == 3
    orphans = site.manage("verify_invariants", "--aws", check=False)
    assert orphans.returncode == 1
    assert at_aws["Written after"] in orphans.stdout
    assert at_aws["Sent before"] not in orphans.stdout


def send(case):
    case.approve()
    case.wait_for("delivered", seconds=60)


def after_restore(site):
    """Step 3 of the document."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "dispatcher", "--after-restore"],
        cwd=parts.ROOT,
        env=site._place.environment(aws=True),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as dispatcher:
        said = iter(dispatcher.stdout)
        assert any("dispatcher runs" in line for line in said)
        dispatcher.send_signal(signal.SIGINT)
        assert dispatcher.wait(READY_SECONDS) == 0
