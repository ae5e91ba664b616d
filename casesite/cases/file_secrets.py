"""Secrets in the text files of a case. Each file's bytes are searched once for each set of rules, and what was found is kept."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from casesite.database import write
from casesite.screening.places import FILES, Place
from casesite.screening.secrets import FILE_LIMIT, VERSION, Kind, find_secrets_in_file

from . import files
from .models import FileSearch

Outcome = FileSearch.Outcome


class Bytes(NamedTuple):
    """A file as it is asked about."""

    sha256: str
    size: int
    name: str


def places_in(searches: Mapping[Bytes, FileSearch]) -> list[Place]:
    """Where in these files secrets seem to stand."""
    return [
        Place(FILES, line, Kind(kind), file.name) for file, search in searches.items() for line, kind in search.found
    ]


def searches_of(asked: Iterable[Bytes]) -> dict[Bytes, FileSearch]:
    """The searches of these files, in one query for those that were made by today's rules; the others are made now.

    Files whose bytes are gone are left out.
    """
    asked = list(dict.fromkeys(asked))
    if not asked:
        return {}
    rows = FileSearch.objects.filter(sha256__in={file.sha256 for file in asked}, rules=VERSION)
    known = {row.sha256: row for row in rows}
    result: dict[Bytes, FileSearch] = {}
    for file in asked:
        row = known.get(file.sha256) or _search(file)
        if row is not None:
            result[file] = known[file.sha256] = row
    return result


def _search(file: Bytes) -> FileSearch | None:
    """Read the file, outside any transaction, and keep what was found."""
    outcome, found = Outcome.TOO_LARGE, []
    if file.size <= FILE_LIMIT:
        try:
            with files.opened(file.sha256) as stream:
                findings = find_secrets_in_file(stream)  # type: ignore[arg-type]  # read is all that it asks for
        except files.Damaged:
            return None
        outcome = Outcome.NOT_TEXT if findings is None else Outcome.SEARCHED
        found = [[finding.line, finding.kind.value] for finding in findings or ()]
    with write():
        row, _made = FileSearch.objects.update_or_create(
            sha256=file.sha256, defaults={"rules": VERSION, "outcome": outcome, "found": found}
        )
    return row
