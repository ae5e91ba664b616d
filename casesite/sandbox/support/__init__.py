"""AWS Support: cases, their correspondence and files, and the catalogue that a case is filed under."""

from __future__ import annotations

from casesite.sandbox.services import Service
from casesite.sandbox.support.file_operations import ALLOWED_BY
from casesite.sandbox.support.operations import HANDLERS


def service() -> Service:
    return Service("support", HANDLERS, rate_limited=True, actions=ALLOWED_BY)
