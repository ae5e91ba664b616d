"""What is in order and still surprises: empty entries in lists, unions of a newer service than the SDK's, bytes that changed on their way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from casesite.sandbox.messages import Answer

UNIONS = ("value", "newValue", "content")


def with_nulls(answer: Answer) -> Answer:
    """A null before the entries of each list of the answer, as AWS's models allow for some."""
    return _changed(
        answer, lambda told: {name: [None, *each] if isinstance(each, list) else each for name, each in told.items()}
    )


def with_unknown_members(answer: Answer) -> Answer:
    """Values and contents in a member that no SDK knows."""
    return _changed(answer, _unknown)


def with_a_byte_changed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """As many bytes as came, the first of them another."""
    untouched = True
    for piece in pieces:
        yield bytes((piece[0] ^ 1,)) + piece[1:] if untouched else piece
        untouched = False


def _changed(answer: Answer, change: Callable[[Any], Any]) -> Answer:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return answer
    return replace(answer, body=json.dumps(change(told), separators=(",", ":")).encode())


def _unknown(told: Any) -> Any:
    if isinstance(told, list):
        return [_unknown(each) for each in told]
    if not isinstance(told, dict):
        return told
    return {
        name: {"fromTheFuture": {}} if name in UNIONS and isinstance(each, dict) else _unknown(each)
        for name, each in told.items()
    }
