"""AWS Support: cases, their correspondence and files, and the catalogue that a case is filed under."""

from __future__ import annotations

from casesite.sandbox.limits import Rate
from casesite.sandbox.services import Service
from casesite.sandbox.state import Account, Settings
from casesite.sandbox.support.file_operations import ALLOWED_BY
from casesite.sandbox.support.operations import HANDLERS


def service() -> Service:
    return Service("support", HANDLERS, rate_of=rate_of, actions=ALLOWED_BY)


def rate_of(settings: Settings, account: Account, region: str, operation: str) -> Rate:
    """All calls of an account share one limit, and a second's worth of them may come at once."""
    per_second = settings.calls_per_second if account.calls_per_second is None else account.calls_per_second
    return Rate((account.account_id, "support"), per_second, per_second)
