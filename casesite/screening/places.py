"""Where in a case a secret seems to stand, in words and in a form that can be kept: field, line and kind, never the secret."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from .secrets import Kind

SUBJECT, DESCRIPTION, FILES = "subject", "communication_body", "files"
NAMED = "named"  # a text that has a name of its own, such as a field of a Connect template
_WITH_NAME = (FILES, NAMED)


@dataclass(frozen=True, slots=True)
class Place:
    """`field` is the form's name of the text; lines are counted from 1. `file` is the name of a file or a field."""

    field: str
    line: int
    kind: Kind
    file: str = ""

    def __str__(self) -> str:
        if self.field in _WITH_NAME:
            return _("line %(line)d of “%(file)s” (%(kind)s)") % self._words
        if self.field == SUBJECT:
            return _("the subject (%(kind)s)") % {"kind": self.kind.label}
        return _("line %(line)d of the description (%(kind)s)") % {"line": self.line, "kind": self.kind.label}

    @property
    def _words(self) -> dict[str, object]:
        return {"line": self.line, "file": self.file, "kind": self.kind.label}

    @property
    def message(self) -> str:
        if self.field in _WITH_NAME:
            return _("Line %(line)d of “%(file)s” seems to hold a secret: %(kind)s.") % self._words
        if self.field == SUBJECT:
            return _("The subject seems to hold a secret: %(kind)s.") % {"kind": self.kind.label}
        return _("Line %(line)d seems to hold a secret: %(kind)s.") % {"line": self.line, "kind": self.kind.label}

    @property
    def code(self) -> str:
        code = f"{self.field}:{self.line}:{self.kind}"
        return f"{code}:{self.file}" if self.file else code

    @classmethod
    def read(cls, code: str) -> Place | None:
        """What `code` says, or None where it is none of ours."""
        field, _colon, rest = code.partition(":")
        line, _colon, rest = rest.partition(":")
        kind, _colon, file = rest.partition(":")
        if field not in (SUBJECT, DESCRIPTION, *_WITH_NAME) or not line.isdecimal() or kind not in list(Kind):
            return None
        return cls(field, int(line), Kind(kind), file) if bool(file) == (field in _WITH_NAME) else None
