"""What changed between two revisions: field by field, and the description line by line. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
CONTEXT = 3  # unchanged lines around a change
WORDS_COMPARED = 6000  # in a line: one of the longest takes half a second at worst; a longer one is marked as a whole


@dataclass(frozen=True)
class Part:
    """A piece of a line; `changed` where the other revision does not have it."""

    text: str
    changed: bool = False


@dataclass(frozen=True)
class Line:
    """One line of a comparison. `kind`: same, removed, added, or gap for `count` unchanged lines left out."""

    kind: str
    parts: tuple[Part, ...] = ()
    count: int = 0


@dataclass(frozen=True)
class Change:
    """One field that differs; `lines` compares the two texts."""

    field: str
    lines: tuple[Line, ...]


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """The fields of two contents that differ, in the order of the newer one."""
    fields = [*after, *(field for field in before if field not in after)]
    return [
        Change(field, tuple(compare(_as_text(before.get(field)), _as_text(after.get(field)))))
        for field in fields
        if _as_text(before.get(field)) != _as_text(after.get(field))
    ]


def compare(before: str, after: str) -> Iterator[Line]:
    """The lines of two texts, changed ones with a little around them. A text without a character has no line."""
    old, new = _lines(before), _lines(after)
    at = 0
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT):
        if gap := group[0][3] - at:
            yield Line("gap", count=gap)
        for what, old_from, old_to, new_from, new_to in group:
            if what == "equal":
                yield from (_whole("same", line) for line in new[new_from:new_to])
            else:
                yield from _replaced(old[old_from:old_to], new[new_from:new_to])
        at = group[-1][4]
    if gap := len(new) - at:
        yield Line("gap", count=gap)


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _replaced(old: list[str], new: list[str]) -> Iterator[Line]:
    """Lines in place of others: as many as there are on both sides are compared word by word."""
    pairs = [_words(before, after) for before, after in zip(old, new, strict=False)]
    yield from (Line("removed", before) for before, _after in pairs)
    yield from (_whole("removed", line) for line in old[len(pairs) :])
    yield from (Line("added", after) for _before, after in pairs)
    yield from (_whole("added", line) for line in new[len(pairs) :])


def _words(before: str, after: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > WORDS_COMPARED:
        return (Part(before, True),), (Part(after, True),)
    # What begins and ends alike is set aside: among many equal words the matcher finds no other hold.
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    head, tail = _part(new[:start], False), _part(new[len(new) - end :], False)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    removed: list[Part] = []
    added: list[Part] = []
    for what, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new).get_opcodes():
        removed += _part(old[old_from:old_to], what != "equal")
        added += _part(new[new_from:new_to], what != "equal")
    return _joined([*head, *removed, *tail]), _joined([*head, *added, *tail])


def _alike(one: list[str], other: list[str]) -> int:
    """How many words at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _joined(parts: list[Part]) -> tuple[Part, ...]:
    """Pieces of the same kind next to each other as one."""
    grouped = groupby(parts, key=lambda part: part.changed)
    return tuple(Part("".join(part.text for part in group), changed) for changed, group in grouped)


def _part(words: list[str], changed: bool) -> list[Part]:
    return [Part("".join(words), changed)] if words else []


def _whole(kind: str, line: str) -> Line:
    return Line(kind, (Part(line),))


def _as_text(value: Any) -> str:
    return (
        "\n".join(str(item) for item in value) if isinstance(value, list) else str(value if value is not None else "")
    )
