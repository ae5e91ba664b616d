"""Amazon Connect, as far as cases need it: the users of an instance, its integrations, and files on their way to a case."""

from __future__ import annotations

from casesite.sandbox.connect.operations import HANDLERS
from casesite.sandbox.connect.rates import rates_of
from casesite.sandbox.services import Service

NAME = "connect"


def service() -> Service:
    return Service(NAME, HANDLERS, rate_of=rates_of(NAME))
