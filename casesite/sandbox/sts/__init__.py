"""AWS Security Token Service, as far as it is needed to act in other accounts."""

from __future__ import annotations

from casesite.sandbox.services import Service
from casesite.sandbox.sts.operations import HANDLERS, account_of


def service() -> Service:
    return Service("sts", HANDLERS, open_to_all=frozenset({"GetCallerIdentity"}), account_of=account_of)
