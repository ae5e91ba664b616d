"""Half of the calls to AWS go wrong: which way, is drawn from the seed.

The simulator takes the first fault that fits a call. So each stream (an operation, for writes in one account; before it is
carried out or after) is kept filled with a drawn sequence, in which calls that are to go well stand as a fault that changes
nothing.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.plans import CONNECT, KINDS, Account
from tests.sandboxes import Sandbox

# Calls drawn before they come, in a stream: more than can come between two fillings, and no more than the simulator has to
# look through at each call.
AHEAD, AHEAD_OF_ALL = 3, 16  # of one account, of all
EVERY = 0.5  # seconds between fillings
UNHARMED = {"before": {"fault": "slow", "seconds": 0}, "after": {"fault": "nulls"}}  # CreateCase answers no list
BROKEN = ("drop", "reset", "hang", "error_500", "error_502", "error_503", "empty", "cut", "foreign")
ODD = ("nulls", "unknown_members")
SHARE = {"before": 0.36, "after": 0.3}  # of calls, so that about half meet one of them
# A refusal that AWS gives after it has carried the call out would be a lie that nobody can see through: before only.
REFUSALS = (
    {"fault": "throttle"},
    {"fault": "error", "code": "CaseCreationLimitExceeded", "message": "You have reached the maximum."},
    {"fault": "error", "code": "ExpiredTokenException", "status": 403},
    {"fault": "error", "code": "AccessDeniedException", "status": 403},
    {"fault": "error", "code": "RequestExpired", "status": 403},
    {"fault": "error", "code": "SomethingNew", "status": 400},
    {"fault": "error", "code": "ValidationException", "status": 400, "message": "Not like that."},
)
CONNECT_REFUSALS = (
    *(each for each in REFUSALS if each.get("code") not in ("CaseCreationLimitExceeded", "RequestExpired")),
    {"fault": "error", "code": "ConflictException", "status": 409, "message": "Somebody else is at it."},
    {"fault": "error", "code": "ServiceQuotaExceededException", "status": 402, "message": "Full."},
)
FINAL = "ValidationException"  # of every 20th refusal or so: it ends the submission
READS = (
    *("support.DescribeCases", "support.DescribeCommunications", "support.DescribeAttachmentUploadStatus"),
    *("connectcases.SearchCases", "connectcases.SearchRelatedItems", "connectcases.GetCase"),
)
FILES = (
    *("support.AddAttachmentsToSet", "support.StartAttachmentUpload", "support.GetAttachmentUploadLinks"),
    *("support.CompleteAttachmentUpload", "upload.PutPart"),
    *("connect.StartAttachedFileUpload", "connect.CompleteAttachedFileUpload", "connect.GetAttachedFile"),
)
FILES_AFTER = (
    *("support.AddAttachmentsToSet", "support.CompleteAttachmentUpload"),
    *("connect.StartAttachedFileUpload", "connect.CompleteAttachedFileUpload"),
)


@dataclass
class Stream:
    """Calls of one operation, drawn one after another."""

    operation: str
    when: str
    account: str
    chance: random.Random
    hangs: tuple[float, float]
    late: float  # seconds; the longest that a call is held back and carried out all the same
    share: float
    dry_run: bool | None = None
    refusals: tuple[dict[str, Any], ...] = ()  # of writes
    waiting: dict[int, str] = field(default_factory=dict)  # numbers of faults not taken yet, with their names

    @property
    def label(self) -> str:
        return f"{self.operation}{' (dry run)' if self.dry_run else ''}"

    def draw(self) -> tuple[str, dict[str, Any]]:
        """The next call's fault with its name; `ok before` and `ok after` for none."""
        if self.chance.random() >= self.share:
            return f"ok {self.when}", dict(UNHARMED[self.when])
        kind = self.chance.choice(self._kinds())
        name = f"{kind if isinstance(kind, str) else kind.get('code', kind['fault'])} {self.when}"
        fault = {"fault": kind} if isinstance(kind, str) else dict(kind)
        if fault["fault"] == "hang":
            fault["seconds"] = round(self.chance.uniform(*self.hangs), 2)
        elif fault["fault"] == "slow":
            fault["seconds"] = round(self.chance.uniform(0.2, 3), 2)
        elif fault["fault"] == "late":
            fault["seconds"] = round(self.chance.uniform(1, self.late), 2)
        return name, fault

    def _kinds(self) -> list[Any]:
        kinds: list[Any] = [*BROKEN, "slow"]
        if self.when == "after":
            return [*BROKEN, *ODD]
        if self.refusals:
            refusals = [each for each in self.refusals if each.get("code") != FINAL or self.chance.random() < 0.3]
            return [*kinds, "late", "late", "late", "late", *refusals]
        return [*kinds, {"fault": "throttle"}]


class Liar:
    """Keeps all streams filled until `stop`; afterwards every call goes well."""

    def __init__(
        self, sandbox: Sandbox, accounts: Iterable[Account], seed: int, *, late: float, longest_hang: float
    ) -> None:
        self.sandbox = sandbox
        self.struck: Counter[str] = Counter()  # by operation and name
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._fill_on, name="liar", daemon=True)
        given = {"late": late, "hangs": (0.5, longest_hang)}

        def stream(operation: str, when: str, account: str = "*", **more: Any) -> Stream:
            chance = random.Random(f"{seed}:{operation}:{when}:{account}")
            return Stream(operation, when, account, chance, **{"share": SHARE[when], **given, **more})

        self.streams = []
        for when in ("before", "after"):
            for account in accounts:
                own = {"account": account.account_id, "dry_run": False}
                self.streams.append(stream(KINDS["support"].operation, when, refusals=REFUSALS, **own))
                if account.connect:
                    self.streams.append(stream(CONNECT.operation, when, refusals=CONNECT_REFUSALS, **own))
            for operation in set(CONNECT.operations.values()) - {CONNECT.operation}:
                self.streams.append(stream(operation, when, refusals=CONNECT_REFUSALS))
        self.streams += [stream("support.CreateCase", "before", dry_run=True, share=0.3)]
        self.streams += [stream(name, "before", share=0.5) for name in READS]
        self.streams += [stream(name, "before", share=0.3) for name in FILES]
        self.streams += [stream(name, "after", share=0.2) for name in FILES_AFTER]
        self.streams += [stream("sts.AssumeRole", "before", share=0.2)]

    def start(self) -> None:
        self._fill()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._note_taken()
        self.sandbox.clear_faults()

    @property
    def by_name(self) -> Mapping[str, int]:
        """Calls by what befell them."""
        return dict(sorted(self.struck.items()))

    def _fill_on(self) -> None:
        while not self._stopping.wait(EVERY):
            try:
                self._note_taken()
                self._fill()
            except OSError:  # the simulator is busy; half of the calls must go wrong later, too
                continue

    def _note_taken(self) -> None:
        left = {each["id"] for each in self.sandbox.faults()}
        for stream in self.streams:
            for number in [number for number in stream.waiting if number not in left]:
                self.struck[f"{stream.label}: {stream.waiting.pop(number)}"] += 1

    def _fill(self) -> None:
        for stream in self.streams:
            while len(stream.waiting) < (AHEAD_OF_ALL if stream.account == "*" else AHEAD):
                name, fault = stream.draw()
                kind = fault.pop("fault")
                more = {"account": stream.account, "dry_run": stream.dry_run, "when": stream.when, **fault}
                number = self.sandbox.fault(stream.operation, kind, **more)
                stream.waiting[number] = name
