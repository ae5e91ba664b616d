"""The faults as people ask for them: each a name, one line on what it does, and the fault behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CREATE = "support.CreateCase"
EVERY_CALL = "support.*"


@dataclass(frozen=True, slots=True)
class Switch:
    key: str
    name: str
    line: str
    fault: dict[str, Any]
    operation: str = CREATE


SWITCHES = (
    Switch(
        "lose-answer",
        "Lose the answer",
        "The case is opened, but the connection ends before the answer.",
        {"fault": "drop", "when": "after"},
    ),
    Switch("lose-request", "Lose the request", "The connection ends, and nothing was done.", {"fault": "drop"}),
    Switch(
        "late",
        "Be late",
        "The connection ends; ten seconds later the case is opened all the same.",
        {"fault": "late", "seconds": 10},
    ),
    Switch("slow", "Be slow", "Answer correctly, after five seconds.", {"fault": "slow", "seconds": 5}),
    Switch("hang", "Hang", "Open the case, then say nothing for two minutes.", {"fault": "hang", "when": "after"}),
    Switch(
        "fail-after",
        "Fail after doing it",
        "Open the case, then answer InternalServerError (500).",
        {"fault": "error_500", "when": "after"},
    ),
    Switch(
        "cut",
        "Cut the answer off",
        "Open the case, but send only half of the answer.",
        {"fault": "cut", "when": "after"},
    ),
    Switch(
        "foreign",
        "Answer with a foreign page",
        "HTTP 200 with some network's sign-in page; nothing was done.",
        {"fault": "foreign"},
    ),
    Switch(
        "down",
        "Be down",
        "Every call gets a proxy's “Service unavailable” page (503).",
        {"fault": "error_503"},
        EVERY_CALL,
    ),
    Switch("throttle", "Throttle", "Refuse the call: too many in a second.", {"fault": "throttle"}),
    Switch(
        "lose-part",
        "Lose a part of a file",
        "The part of an upload was sent, but the connection ends, and nothing was kept.",
        {"fault": "drop"},
        "upload.PutPart",
    ),
    Switch(
        "corrupt-part",
        "Corrupt a part of a file",
        "A byte of the part of an upload changes on its way; a part with a checksum is refused (BadDigest).",
        {"fault": "corrupt"},
        "upload.PutPart",
    ),
    Switch(
        "expired-set",
        "Expire the attachment set",
        "Refuse the case: its attachment set has expired.",
        {
            "fault": "error",
            "code": "AttachmentSetExpired",
            "message": "The expiration time of the attachment set has passed.",
        },
    ),
    Switch(
        "hourly-limit",
        "Hourly limit reached",
        "Refuse the case: the account has opened too many this hour.",
        {
            "fault": "error",
            "code": "CaseCreationLimitExceeded",
            "message": "The case creation limit for the account has been exceeded.",
        },
    ),
    Switch(
        "refuse",
        "Refuse",
        "Refuse the case for what it says: a category that does not exist.",
        {"fault": "error", "code": "InvalidParameterValueException", "message": "Invalid category code"},
    ),
    Switch(
        "conflict",
        "Conflict",
        "Refuse the Connect case: its client token was used with another content (ConflictException).",
        {"fault": "error", "code": "ConflictException", "status": 409, "message": "The client token was used before."},
        "connectcases.CreateCase",
    ),
    Switch(
        "deny",
        "Take the permission away",
        "Every call is refused with AccessDeniedException (403).",
        {
            "fault": "error",
            "code": "AccessDeniedException",
            "status": 403,
            "message": "User is not authorized to perform this action",
        },
        EVERY_CALL,
    ),
    Switch(
        "expire",
        "Expire the credentials",
        "The call is refused with ExpiredTokenException (403).",
        {
            "fault": "error",
            "code": "ExpiredTokenException",
            "status": 403,
            "message": "The security token included in the request is expired",
        },
    ),
)


def named(key: str) -> Switch | None:
    return next((switch for switch in SWITCHES if switch.key == key), None)
