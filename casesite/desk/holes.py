"""Pieces of a form's page that tell of the person and the account. A page that is made for everybody leaves their places open."""

from functools import cache
from typing import Any

from django.conf import settings
from django.template.loader import get_template
from django.utils.safestring import SafeString

LEAVE_OPEN = "leave_open"  # in a context: what to write where somebody's own piece will stand, by its template


def rendered(template: str, context: Any) -> SafeString:
    """A template, compiled once, that the page's context fills."""
    compiled = _read(template) if settings.DEBUG else _compiled(template)  # with DEBUG templates change under a process
    return SafeString(compiled.render(context))


def personal(template: str, context: Any) -> SafeString:
    """The same for a piece that is somebody's own."""
    leave_open = context.get(LEAVE_OPEN)
    return SafeString(leave_open(template)) if leave_open else rendered(template, context)


def _read(template: str) -> Any:
    return get_template(template).template  # type: ignore[attr-defined]


_compiled = cache(_read)
