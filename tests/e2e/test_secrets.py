"""After a run with real processes, no secret stands in what the site writes: neither in logs nor in its database."""

import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.office import Office
from tests.sites import wait_until

pytestmark = pytest.mark.processes


def test_no_secret_is_written_anywhere(parts_office: Office):
    site = parts_office.site
    delivered, refused, lost = parts_office.accounts(3)
    lost.wire.lose_answer()
    cases = [account.submit() for account in (delivered, refused, lost)]
    # Only now: were the account checked before, its form would say that it can't send.
    site.sandbox.account(refused.account_id, denied=["support:CreateCase"])
    for case in cases:
        case.approve()

    wait_until(lambda: cases[1].page.main["data-reason"] == "access", what="AWS's refusal")
    site.sandbox.account(refused.account_id, denied=[])
    for case in cases:
        case.wait_for("delivered")
    secrets = secrets_of(site.var / "sandbox") | {urlsplit(site.broker_url).password}

    assert len(secrets) > 3
    assert {path.name: found for path in written(site.var) if (found := secrets_in(path, secrets))} == {}


def secrets_of(simulator: Path) -> set[str]:
    """What workers sign with: the accounts' own secrets, and secret and token of each role session."""
    connection = sqlite3.connect(f"file:{simulator / 'sandbox.sqlite3'}?mode=ro", uri=True)
    with connection:
        sessions = connection.execute("SELECT secret, token FROM session").fetchall()
    connection.close()
    return {"sandbox-secret-", "sandbox-token-", *(value for session in sessions for value in session)}


def written(var: Path) -> list[Path]:
    """All files of the site but the simulator's, which is AWS here, and the broker's own password file."""
    apart = {var / "sandbox", var / "broker"}
    return [path for path in var.rglob("*") if path.is_file() and not apart & {*path.parents}]


def secrets_in(path: Path, secrets: set[str]) -> list[str]:
    data = path.read_bytes()
    return [secret for secret in secrets if secret.encode() in data]
