"""Reads the collections of texts that the screening is held against."""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "corpus"


class Text(NamedTuple):
    name: str
    expected: str
    body: str


def texts(name: str) -> list[Text]:
    """Each begins with a line `=== name | what is expected of it`; the second half may be missing."""
    found = []
    for part in ("\n" + (FOLDER / name).read_text(encoding="utf-8")).split("\n=== ")[1:]:
        heading, _, body = part.partition("\n")
        title, _, expected = heading.partition(" | ")
        found.append(Text(title.strip(), expected.strip(), body.rstrip("\n")))
    return found


def by_name(text: Text) -> str:
    return text.name
