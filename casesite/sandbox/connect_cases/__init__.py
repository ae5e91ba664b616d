"""Amazon Connect Cases: domains with their templates, and the cases made from them."""

from __future__ import annotations

from casesite.sandbox.connect.rates import rates_of
from casesite.sandbox.connect_cases import case_operations, catalogue, related, tagging
from casesite.sandbox.services import Handler, Service

NAME = "connectcases"
ALLOWED_BY = {"BatchCreateRelatedItem": ("CreateRelatedItem",)}
HANDLERS: dict[str, Handler] = {
    **catalogue.OPERATIONS,
    **case_operations.OPERATIONS,
    **related.OPERATIONS,
    **tagging.OPERATIONS,
}


def service() -> Service:
    return Service(NAME, HANDLERS, rate_of=rates_of(NAME), actions=ALLOWED_BY)
