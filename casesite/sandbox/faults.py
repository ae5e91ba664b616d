"""Faults by name: which there are, which are switched on, and what each does to a call."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from casesite.sandbox import distort
from casesite.sandbox.messages import Answer, AwsError, Broken, Ending
from casesite.sandbox.state import State


class Kind(StrEnum):
    """The faults one can ask for."""

    DROP = "drop"
    RESET = "reset"
    HANG = "hang"
    ERROR_500 = "error_500"
    ERROR_502 = "error_502"
    ERROR_503 = "error_503"
    EMPTY = "empty"
    CUT = "cut"
    FOREIGN = "foreign"
    THROTTLE = "throttle"
    ERROR = "error"
    SLOW = "slow"
    LATE = "late"
    CORRUPT = "corrupt"
    NULLS = "nulls"
    UNKNOWN_MEMBERS = "unknown_members"


DESCRIPTIONS = {
    Kind.DROP: "Close the connection without an answer.",
    Kind.RESET: "Reset the connection, as a crashed server or a firewall would.",
    Kind.HANG: "Say nothing for some seconds, then close the connection.",
    Kind.ERROR_500: "Answer InternalServerError with HTTP 500.",
    Kind.ERROR_502: "Answer with a proxy's “Bad gateway” page, HTTP 502.",
    Kind.ERROR_503: "Answer with a proxy's “Service unavailable” page, HTTP 503.",
    Kind.EMPTY: "Answer HTTP 200 with nothing in it.",
    Kind.CUT: "Answer HTTP 200, but end the connection halfway through the answer.",
    Kind.FOREIGN: "Answer HTTP 200 with a page that is not AWS's, as a captive portal would.",
    Kind.THROTTLE: "Refuse: too many calls (ThrottlingException).",
    Kind.ERROR: "Refuse with the error code and HTTP status given.",
    Kind.SLOW: "Answer correctly, but only after some seconds.",
    Kind.LATE: "End the connection and carry the call out some seconds later all the same.",
    Kind.CORRUPT: "Change a byte of a file on its way here.",
    Kind.NULLS: "Answer with an empty entry in each list.",
    Kind.UNKNOWN_MEMBERS: "Answer with values of a kind that the SDK does not know.",
}
PHASES = {
    Kind.LATE: "before",
    Kind.SLOW: "before",
    Kind.CORRUPT: "arriving",
    Kind.NULLS: "after",
    Kind.UNKNOWN_MEMBERS: "after",
}
DEFAULT_SECONDS = {Kind.HANG: 120.0, Kind.SLOW: 3.0, Kind.LATE: 5.0}
PROXY_PAGE = (
    "<html><head><title>{status} {phrase}</title></head><body><center><h1>{status} {phrase}</h1></center></body></html>"
)
PORTAL_PAGE = "<!doctype html><html><head><title>Welcome</title></head><body><h1>Please sign in to this network</h1></body></html>"
THROTTLED = AwsError("ThrottlingException", "Rate exceeded")
HTML = {"Content-Type": "text/html"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is switched on: where it strikes, what it does, how often still."""

    operation: str
    fault: Kind
    id: int = 0
    account: str = "*"
    when: str = "before"
    times: int | None = 1
    code: str | None = None
    status: int | None = None
    message: str | None = None
    seconds: float | None = None
    dry_run: bool | None = None

    def strikes(self, operation: str, account: str, when: str, dry_run: bool) -> bool:
        """`before` the call is carried out, or `after`; `arriving` while its bytes come in. Some are a matter of one of these, whatever they say."""
        named = self.operation in (operation, "*") or self.operation == f"{operation.partition('.')[0]}.*"
        phase = PHASES.get(self.fault, self.when)
        return named and phase == when and self.account in (account, "*") and self.dry_run in (None, dry_run)

    @property
    def span(self) -> float:
        return DEFAULT_SECONDS.get(self.fault, 0.0) if self.seconds is None else self.seconds


class Faults:
    """The faults switched on, in the order they were asked for. They survive a restart."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self.reload()

    def reload(self) -> None:
        rows = self._state.query("SELECT id, document FROM fault ORDER BY id")
        self._on = {row["id"]: _from_document(row["id"], json.loads(row["document"])) for row in rows}

    def __iter__(self) -> Any:
        return iter(list(self._on.values()))

    def switch_on(self, fault: Fault) -> int:
        with self._state.transaction():
            number = self._state.execute("INSERT INTO fault (document) VALUES (?)", _document(fault))
        with self._lock:
            self._on[number] = replace(fault, id=number)
        return number

    def switch_off(self, number: int | None = None) -> bool:
        """Switch off one fault, or all. False if there was none."""
        with self._lock:
            gone = [number] if number in self._on else [] if number is not None else list(self._on)
            for each in gone:
                del self._on[each]
        with self._state.transaction():
            for each in gone:
                self._state.execute("DELETE FROM fault WHERE id = ?", each)
        return bool(gone)

    def take(self, operation: str, account: str, when: str, *, dry_run: bool = False) -> Fault | None:
        """The fault that strikes this call, if any; one that has struck often enough is switched off."""
        if not self._on:
            return None
        with self._state.transaction(), self._lock:
            for fault in self._on.values():
                if fault.strikes(operation, account, when, dry_run):
                    self._count(fault)
                    return fault
        return None

    def _count(self, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times > 1:
            self._on[fault.id] = replace(fault, times=fault.times - 1)
            self._state.execute("UPDATE fault SET document = ? WHERE id = ?", _document(self._on[fault.id]), fault.id)
        else:
            del self._on[fault.id]
            self._state.execute("DELETE FROM fault WHERE id = ?", fault.id)


def outcome(
    fault: Fault, proper: Answer, as_answer: Callable[[AwsError], Answer], pause: Callable[[float], None]
) -> Answer | Broken:
    """What the client gets instead of the `proper` answer."""
    if error := error_of(fault):
        return as_answer(error)
    match fault.fault:
        case Kind.DROP:
            return Broken(Ending.DROP)
        case Kind.RESET:
            return Broken(Ending.RESET)
        case Kind.HANG:
            pause(fault.span)
            return Broken(Ending.DROP)
        case Kind.ERROR_502:
            return Answer(502, PROXY_PAGE.format(status=502, phrase="Bad Gateway").encode(), HTML)
        case Kind.ERROR_503:
            return Answer(503, PROXY_PAGE.format(status=503, phrase="Service Unavailable").encode(), HTML)
        case Kind.EMPTY:
            return Answer(200, b"", {name: text for name, text in proper.headers.items() if name != "ETag"})
        case Kind.CUT:
            return Broken(Ending.CUT, proper)
        case Kind.FOREIGN:
            return Answer(200, PORTAL_PAGE.encode(), HTML)
        case Kind.NULLS:
            return distort.with_nulls(proper)
        case Kind.UNKNOWN_MEMBERS:
            return distort.with_unknown_members(proper)
        case _:
            return proper


def error_of(fault: Fault) -> AwsError | None:
    """The error of AWS's own that this fault answers, if it answers one."""
    match fault.fault:
        case Kind.ERROR_500:
            return AwsError("InternalServerError", "An internal server error occurred", 500)
        case Kind.THROTTLE:
            return THROTTLED
        case Kind.ERROR:
            message = fault.message or "An error asked for in the simulator."
            return AwsError(fault.code or "InternalServerError", message, fault.status or 400)
    return None


def _document(fault: Fault) -> str:
    return json.dumps({name: value for name, value in asdict(fault).items() if name != "id"})


def _from_document(number: int, document: Mapping[str, Any]) -> Fault:
    return Fault(**{**document, "id": number, "fault": Kind(document["fault"])})
