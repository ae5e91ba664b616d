"""Reading what the control interface is asked: the pieces its parts have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

ACCOUNT_ID = re.compile(r"\d{12}")


class Mistake(Exception):
    """The control interface was asked for something that makes no sense."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def account_id_of(given: Mapping[str, Any]) -> str:
    account_id = given.get("account_id")
    if not isinstance(account_id, str) or not ACCOUNT_ID.fullmatch(account_id):
        raise Mistake("account_id must be twelve digits")
    return account_id


def text_of(given: Mapping[str, Any], name: str) -> str:
    text = given.get(name)
    if not isinstance(text, str) or not text.strip():
        raise Mistake(f"{name} must be text")
    return text


def only_known(given: Mapping[str, Any], names: Iterable[str]) -> None:
    known = list(names)
    for name in given:
        if name not in known:
            raise Mistake(f"{name} is not known; known are {', '.join(known)}")
