"""What passes between the server and the rest of the simulator: requests, answers, and connections that end badly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class AwsError(Exception):
    """An error answer of AWS, by its code and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, read to its end. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. The server adds Date, Content-Length and Connection."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Ending(StrEnum):
    """How a connection can end without a whole answer."""

    DROP = "drop"
    RESET = "reset"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Broken:
    """Instead of an answer: the connection ends. A cut one sends the first half of `answer` before it does."""

    ending: Ending
    answer: Answer = Answer(200)


def json_answer(value: Any, status: int = 200) -> Answer:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Answer(status, body, {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"})
