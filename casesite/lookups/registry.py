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
TEAM = "team"  # the parameter of a private question that names the team whose it is


class Unanswered(Exception):
    """Raised by a handler that ends without an answer; its text says why. The question is not tried again by itself."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A kind of question: who answers it, how long an answer holds, and how pages show it."""

    kind: str
    handler: str
    expires: timedelta
    title: str | Promise
    template: str
    private: bool
    personal: bool
    keep: timedelta | None

    def load(self) -> Handler:
        """The handler. Only what answers calls this: workers, the dispatcher and commands."""
        module, _colon, name = self.handler.partition(":")
        handler: Handler = getattr(import_module(module), name)
        return handler


_questions: dict[str, Question] = {}


def register(
    kind: str,
    handler: str,
    *,
    expires: timedelta,
    title: str | Promise,
    template: str = "lookups/_answered.html",
    private: bool = False,
    personal: bool = False,
    keep: timedelta | None = None,
) -> None:
    """Make a kind of question known.

    `handler` is "package.module:function"; the function takes the account and the parameters, runs outside any
    transaction, and returns what JSON can hold. `title` says what is asked, as in "Which languages AWS offers".
    `template` shows the answer; it gets `lookup`, `account` and `answer`. A `private` question is about what one team
    writes: its parameter `team` says which, and other teams of the account don't see it. A `personal` one is seen by nobody but who asked it. The newest answer stays for good,
    or, where its question won't come up again, for the time `keep` after it expired.
    """
    _questions[kind] = Question(
        kind=kind,
        handler=handler,
        expires=expires,
        title=title,
        template=template,
        private=private,
        personal=personal,
        keep=keep,
    )


def private_kinds() -> list[str]:
    return [question.kind for question in _questions.values() if question.private]


def personal_kinds() -> list[str]:
    return [question.kind for question in _questions.values() if question.personal]


def kept_for_a_time() -> list[Question]:
    return [question for question in _questions.values() if question.keep is not None]


def get(kind: str) -> Question:
    """The registered question. Raises LookupError for a kind nobody registered."""
    return _questions[kind]
