"""Which questions there are. Packages register theirs in `ready()`.

Handlers are named, not imported: the web process asks and shows, and never loads what talks to AWS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.utils.functional import Promise

from casesite.teams.models import AwsAccount

Handler = Callable[[AwsAccount, dict[str, Any]], Any]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A kind of question: who answers it, how long an answer holds, and how pages show it."""

    kind: str
    handler: str
    expires: timedelta
    title: str | Promise
    template: str

    def load(self) -> Handler:
        """The handler. Only what answers calls this: workers, the dispatcher and commands."""
        module, _colon, name = self.handler.partition(":")
        handler: Handler = getattr(import_module(module), name)
        return handler


_questions: dict[str, Question] = {}


def register(
    kind: str, handler: str, *, expires: timedelta, title: str | Promise, template: str = "lookups/_answered.html"
) -> None:
    """Make a kind of question known.

    `handler` is "package.module:function"; the function takes the account and the parameters, runs outside any
    transaction, and returns what JSON can hold. `title` says what is asked, as in "Which languages AWS offers".
    `template` shows the answer; it gets `lookup`, `account` and `answer`.
    """
    _questions[kind] = Question(kind=kind, handler=handler, expires=expires, title=title, template=template)


def get(kind: str) -> Question:
    """The registered question. Raises LookupError for a kind nobody registered."""
    return _questions[kind]
