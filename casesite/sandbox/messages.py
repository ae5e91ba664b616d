"""What passes between the server and the rest of the simulator: requests, answers, and connections that end badly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from io import BufferedIOBase
from pathlib import Path
from typing import Any

STREAMED = "/uploads/"  # what comes in under this path is not read into memory
PIECE = 256 * 1024


class AwsError(Exception):
    """An error answer of AWS, by its code and HTTP status; `members` are what its model says beside the message."""

    def __init__(self, code: str, message: str, status: int = 400, **members: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


class Incoming:
    """A request's body that is read piece by piece, once."""

    def __init__(self, source: BufferedIOBase, length: int) -> None:
        self.length = length
        self.left = length
        self._source = source

    def pieces(self) -> Iterator[bytes]:
        """What is still to come. It ends early, with something `left`, when the client goes away."""
        while self.left:
            try:
                piece = self._source.read(min(PIECE, self.left))
            except OSError:
                return
            if not piece:
                return
            self.left -= len(piece)
            yield piece


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are in lower case. It was read to its end, unless it comes with `incoming`."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    incoming: Incoming | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: the body, then what `files` hold. The server adds Date, Content-Length and Connection."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    @property
    def length(self) -> int:
        return len(self.body) + sum(path.stat().st_size for path in self.files)

    def pieces(self, length: int) -> Iterator[bytes]:
        """The first `length` bytes of it."""
        for piece in self._pieces():
            if length <= 0:
                return
            yield piece[:length]
            length -= len(piece)

    def _pieces(self) -> Iterator[bytes]:
        yield self.body
        for path in self.files:
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    yield piece


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
