"""Amazon Connect, as far as cases need it: the users of an instance, its integrations, and files on their way to a case."""

from __future__ import annotations

from casesite.sandbox.connect import file_operations, operations
from casesite.sandbox.connect.rates import rates_of
from casesite.sandbox.services import Service

NAME = "connect"


def service() -> Service:
    return Service(NAME, {**operations.HANDLERS, **file_operations.HANDLERS}, rate_of=rates_of(NAME))
