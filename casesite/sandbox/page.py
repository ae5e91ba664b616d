"""The simulator's own page."""

from __future__ import annotations

from casesite.sandbox.control import Control
from casesite.sandbox.messages import Answer, Request


class Page:
    def __init__(self, control: Control) -> None:
        self._control = control

    def answer(self, request: Request, path: str) -> Answer | None:
        return None
