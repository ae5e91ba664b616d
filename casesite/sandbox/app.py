"""Everything the simulator answers, by path: AWS at /, links to files, control and page under /_sandbox/."""

from __future__ import annotations

from pathlib import Path

from casesite.sandbox import connect, connect_cases, profiles, sts, support
from casesite.sandbox.aws import Aws
from casesite.sandbox.connect_cases import demo
from casesite.sandbox.control import Control, refusal
from casesite.sandbox.exchange import Exchanges
from casesite.sandbox.messages import Answer, Broken, Request, json_answer
from casesite.sandbox.page import Page
from casesite.sandbox.state import State
from casesite.sandbox.transfers import Transfers

SERVICES = (support, sts, connect_cases, profiles, connect)
CONTROL = "/_sandbox/"


class App:
    """The whole simulator behind one call."""

    def __init__(self, directory: Path, time_scale: float) -> None:
        self.state = State(directory, time_scale)
        demo.furnish(self.state)
        self._exchanges = Exchanges(self.state)
        self.aws = Aws(self._exchanges, self.state, [each.service() for each in SERVICES])
        self._transfers = Transfers(self._exchanges, self.state)
        self._control = Control(self.aws)
        self._page = Page(self._control)

    def __call__(self, request: Request) -> Answer | Broken:
        if _looks_for_the_page(request):
            return Answer(303, b"", {"Location": CONTROL})
        if self._transfers.are_meant(request):
            return self._transfers.answer(request)
        if not request.path.startswith(CONTROL):
            return self.aws.answer(request)
        if why := refusal(request):
            return json_answer({"error": why}, 403)
        path = request.path.removeprefix(CONTROL)
        return self._page.answer(request, path) or self._control.answer(request, path)

    def stop(self) -> None:
        """Wake whoever waits on purpose."""
        self._exchanges.stopping.set()

    def close(self) -> None:
        self.state.close()


def _looks_for_the_page(request: Request) -> bool:
    """Somebody typed the address without its path: no SDK asks unsigned with GET."""
    bare = request.path in ("/", CONTROL.rstrip("/"))
    return bare and request.method == "GET" and "authorization" not in request.headers
