"""Where in a case a secret seems to stand, in words and in a form that can be kept: field, line and kind, never the secret."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from .secrets import Kind

SUBJECT, DESCRIPTION = "subject", "communication_body"


@dataclass(frozen=True, slots=True)
class Place:
    """`field` is the form's name of the text; lines are counted from 1."""

    field: str
    line: int
    kind: Kind

    def __str__(self) -> str:
        if self.field == SUBJECT:
            return _("the subject (%(kind)s)") % {"kind": self.kind.label}
        return _("line %(line)d of the description (%(kind)s)") % {"line": self.line, "kind": self.kind.label}

    @property
    def message(self) -> str:
        if self.field == SUBJECT:
            return _("The subject seems to hold a secret: %(kind)s.") % {"kind": self.kind.label}
        return _("Line %(line)d seems to hold a secret: %(kind)s.") % {"line": self.line, "kind": self.kind.label}

    @property
    def code(self) -> str:
        return f"{self.field}:{self.line}:{self.kind}"

    @classmethod
    def read(cls, code: str) -> Place | None:
        """What `code` says, or None where it is none of ours."""
        field, _colon, rest = code.partition(":")
        line, _colon, kind = rest.partition(":")
        if field not in (SUBJECT, DESCRIPTION) or not line.isdecimal() or kind not in list(Kind):
            return None
        return cls(field, int(line), Kind(kind))
