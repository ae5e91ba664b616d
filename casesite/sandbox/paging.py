"""Long answers in pages: a token says where the next one begins, and fits the same question only."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

from casesite.sandbox.messages import AwsError
from casesite.sandbox.services import Call

Row = TypeVar("Row")
NOT_THE_QUESTION = frozenset({"nextToken", "NextToken", "maxResults", "MaxResults"})


def page(rows: Sequence[Row], call: Call, size: int) -> tuple[Sequence[Row], str | None]:
    """The rows that a call asks for, `size` where it names no number, and the token of the next page if there is one."""
    params = call.params
    asked = params.get("maxResults") or params.get("MaxResults") or size
    question = _digest(call)
    token = params.get("nextToken") or params.get("NextToken")
    start = _start(token, question) if token else 0
    end = start + asked
    return rows[start:end], _token(end, question) if end < len(rows) else None


def _digest(call: Call) -> str:
    question = {name: value for name, value in call.params.items() if name not in NOT_THE_QUESTION}
    return sha256(json.dumps([call.operation, question], sort_keys=True).encode()).hexdigest()[:16]


def _token(start: int, question: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, question]).encode()).decode()


def _start(token: str, question: str) -> int:
    try:
        start, asked = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError):
        raise AwsError("ValidationException", "The page token is not valid.") from None
    if asked != question or not isinstance(start, int):
        raise AwsError("ValidationException", "The page token belongs to another request.")
    return start
