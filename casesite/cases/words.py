"""The words by which a case is found: those of its subject and its reference.

A word is found by its beginning. Words begin after blanks and signs, at signs, between letters and digits and at capitals; scripts
that are written without blanks have a word at every character. A case keeps the beginnings that it has in `Case.words`, and from
these the database keeps an index (word_index.py), which a search asks (search.py).
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import Value
from django.db.models.functions import Concat, Lower, Substr

LONGEST = 24  # characters that are kept from each beginning
LONGEST_UNPARTED = 6  # where every character is a beginning
MOST_WORDS = 12  # of a search
# Scripts that are written without blanks between words, by the names of their characters.
_UNPARTED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "BOPOMOFO")
_PARTS = re.compile(r"[A-Z]+[a-z]*|[a-z]+|[0-9]+|[^A-Za-z0-9]")  # of what is written in ASCII


def words_of(text: str) -> str:
    """All beginnings that a text has, each once and with a blank before it."""
    found: dict[str, None] = {}
    for run in unicodedata.normalize("NFKC", text).split():
        found |= dict.fromkeys(_piece(run, at) for at in _beginnings(run))
    return "".join(f" {word}" for word in found if word)


def wanted(text: str) -> list[str]:
    """What a search asks for: each has to be the first part of a beginning."""
    found: dict[str, None] = {}
    for run in unicodedata.normalize("NFKC", text).split():
        begins = set(_beginnings(run))
        at = 0
        while at in begins:  # what is longer than what is kept goes on at a later beginning, if there is one
            found[_piece(run, at)] = None
            at += _length(run[at])
    return [word for word in found if word][:MOST_WORDS]


def folded(text: str) -> str:
    """Text as it is compared: width, case and composition make no difference."""
    return (
        text.lower()
        if text.isascii()
        else unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    )


def _beginnings(run: str) -> Iterator[int]:
    if run.isascii():
        yield from (part.start() for part in _PARTS.finditer(run))
        return
    before = ""
    for at, character in enumerate(run):
        kind = _kind(character)
        if kind in ("sign", "alone") or (kind != before and (before, kind) != ("great", "small")):
            yield at
        before = kind


def _kind(character: str) -> str:
    if unicodedata.category(character)[0] not in "LMN":
        return "sign"
    if _is_unparted(character):
        return "alone"
    if character.isdecimal():
        return "digit"
    return "great" if character.isupper() else "small"


def _is_unparted(character: str) -> bool:
    return not character.isascii() and unicodedata.name(character, "").startswith(_UNPARTED)


def _length(first: str) -> int:
    return LONGEST_UNPARTED if _is_unparted(first) else LONGEST


def _piece(run: str, at: int) -> str:
    """Folded, and without the blanks that folding makes of some characters."""
    if run.isascii():
        return folded(run[at : at + LONGEST])
    length = _length(run[at])
    return "".join(folded(run[at : at + length]).split())[:length]


# --- the column --------------------------------------------------------------------------------------------------------------
class WordsField(models.TextField):  # type: ignore[type-arg]
    """The words of a case's subject and reference, found anew each time it is saved. `CaseQuerySet.update` does so as well."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"editable": False, "default": "", "db_default": "", **options})

    def pre_save(self, model_instance: Any, add: bool) -> str:
        value = of_case(model_instance.subject, model_instance.reference)
        setattr(model_instance, self.attname, value)
        return value


def of_case(subject: str, reference: str) -> str:
    """The words of a subject, and those of a reference: CS-7GQ4-KM2X, 7GQ4-KM2X and KM2X."""
    return words_of(subject) + "".join(f" {part.lower()}" for part in (reference, reference[3:], reference[8:]))


def with_subject(subject: str) -> Concat:
    """What the column holds once the row has another subject, for an UPDATE."""
    parts = [Lower(part) for part in ("reference", Substr("reference", 4), Substr("reference", 9))]
    return Concat(Value(words_of(subject)), *(each for part in parts for each in (Value(" "), part)))
