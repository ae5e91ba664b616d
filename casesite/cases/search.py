"""Finding cases by what a person types: a reference, an id of AWS's, or words. Nothing that is typed is an operator."""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from .word_index import TEAM
from .words import wanted

_REFERENCE = re.compile(r"CS-?([0-9A-Z]{4})-?([0-9A-Z]{4})", re.IGNORECASE)


class Search:
    """By reference in any writing, by AWS's id in either form, or by all of the words. `of` leads from a row to its case."""

    def __init__(self, text: str, of: str = "") -> None:
        self._text, self._of = text.strip(), of
        self._words = wanted(self._text)

    def near(self) -> Q:
        """Whether a row matches, told from the row itself."""
        found = Q()
        for word in self._words:
            found &= Q(**{f"{self._of}words__contains": f" {word}"})
        for column, text in self._named.items():
            found |= Q(**{f"{self._of}{column}": text})
        return found or Q(**{f"{self._of}id": 0})

    def far(self, team_id: int) -> Q:
        """The same for rows of a team, told from indexes."""
        return Q(**{f"{self._of}id__in": RawSQL(*self._cases(team_id))})

    @cached_property
    def _named(self) -> dict[str, str]:
        """What the text may be the id of."""
        if not any(character.isdigit() for character in self._text) or not self._text.isprintable():
            return {}
        named = {"aws_case_id": self._text, "aws_display_id": self._text}
        if found := _REFERENCE.match(self._text):
            named["reference"] = f"CS-{found[1]}-{found[2]}".upper()
        return named

    def _cases(self, team_id: int) -> tuple[str, list[Any]]:
        """SQL for the primary keys of a team's cases that match; those found by an id may be others' too."""
        queries: list[tuple[str, Any]] = [
            (f"SELECT id FROM cases_case WHERE {column} = %s", text) for column, text in self._named.items()
        ]
        if self._words:
            queries.append(_by_words(self._words, team_id))
        queries = queries or [("SELECT id FROM cases_case WHERE id = %s", 0)]
        sql = " UNION ALL ".join(sql for sql, _value in queries)
        if connection.vendor != "sqlite":
            sql = f"SELECT unnest(ARRAY({sql}))"  # worked out once and first, whatever the planner expects
        return sql, [value for _sql, value in queries]


def _by_words(words: Iterable[str], team_id: int) -> tuple[str, str]:
    team = f"{TEAM}{int(team_id)}"
    if connection.vendor == "sqlite":
        asked = [f'"{team}"', *(f'"{word.replace(chr(34), chr(34) * 2)}"*' for word in words)]
        return "SELECT rowid FROM cases_word WHERE cases_word MATCH %s", " AND ".join(asked)
    asked = [_quoted(team), *(f"{_quoted(word)}:*" for word in words)]
    return "SELECT id FROM cases_case WHERE cases_words(words, team_id) @@ %s::tsquery", " & ".join(asked)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
