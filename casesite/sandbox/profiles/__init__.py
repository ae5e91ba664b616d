"""Amazon Connect Customer Profiles, as far as it takes to find the customer a case is about."""

from __future__ import annotations

from casesite.sandbox.connect.rates import rates_of
from casesite.sandbox.profiles.operations import HANDLERS
from casesite.sandbox.services import Service

NAME = "customer-profiles"


def service() -> Service:
    return Service(NAME, HANDLERS, rate_of=rates_of(NAME))
