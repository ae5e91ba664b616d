"""AWS Support: cases, their correspondence, and the catalogue that a case is filed under."""

from __future__ import annotations

from casesite.sandbox.services import Service
from casesite.sandbox.support.operations import HANDLERS


def service() -> Service:
    return Service("support", HANDLERS, rate_limited=True)
