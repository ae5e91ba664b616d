"""Handlers that tests register. They note what they were asked."""

from typing import Any

from django.db import connection

asked: list[dict[str, Any]] = []
in_transaction: list[bool] = []
errors: list[Exception] = []  # raised one by one by `fail_with`; once none is left it answers


def forget() -> None:
    for notes in (asked, in_transaction, errors):
        notes.clear()


def echo(account: Any, params: dict[str, Any]) -> dict[str, Any]:
    asked.append(params)
    in_transaction.append(connection.in_atomic_block)
    return {"account": account.account_id, **params}


def fail_with(account: Any, params: dict[str, Any]) -> dict[str, Any]:
    asked.append(params)
    if errors:
        raise errors.pop(0)
    return {"in": "the end"}
