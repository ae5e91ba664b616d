"""The control interface under /_sandbox/: JSON in, JSON out, for tests, training and demonstrations.

It has no password, so it answers only what reaches it by a loopback name, and takes no order from another site's page.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from casesite.sandbox import journal
from casesite.sandbox.aws import Aws
from casesite.sandbox.connect_control import ConnectControl
from casesite.sandbox.faults import DESCRIPTIONS, Fault, Kind
from casesite.sandbox.identity import expire_sessions
from casesite.sandbox.messages import Answer, AwsError, Request, json_answer
from casesite.sandbox.orders import ACCOUNT_ID, Mistake, account_id_of, only_known, text_of
from casesite.sandbox.state import Account
from casesite.sandbox.support import attachments, cases, catalogue, uploads
from casesite.sandbox.support.attachments import Attachment, AttachmentSet
from casesite.sandbox.support.cases import Case, NewCase, Window
from casesite.sandbox.support.uploads import Upload

EVERYTHING = Window(limit=-1)
OPERATION = re.compile(r"\*|[a-z-]+\.(\*|[A-Za-z]+)")
NUMBERS = {"cases_per_hour": int, "calls_per_second": float, "visible_after": float}
SETTINGS = {
    **NUMBERS,
    "signature_validity": float,
    "create_case_latency": float,
    "time_scale": float,
    "clock_ahead": float,
    "part_size": int,
    "upload_ready_after": float,
    "upload_fails_for": str,
    "link_validity": float,
    "attachment_sets_per_minute": int,
    "connect_rates": dict,
    "rules_in_batch": int,
    "client_token_lifetime": float,
    "hidden_values": str,
    "related_items_on_case": int,
    "files_on_case": int,
    "attached_file_size": int,
}
CHOICES = {"hidden_values": ("accepted", "refused")}
LOWEST = {
    "time_scale": 0.001,
    "calls_per_second": 0.001,
    "signature_validity": 0.001,
    "link_validity": 0.001,
    "part_size": 1,
}
LARGEST_PART = 104_857_600


def is_loopback(host: str) -> bool:
    """Whether a name or address (with or without a port) can only mean this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refusal(request: Request) -> str | None:
    """Why this request may not touch the control interface, if it may not."""
    host = request.headers.get("host", "")
    if not is_loopback(host):
        return "The simulator answers only to a loopback address."
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
    foreign = (origin is not None and origin != f"http://{host}") or site not in ("none", "same-origin")
    if request.method != "GET" and foreign:
        return "The simulator takes no orders from another site's page."
    return None


class Control:
    """One method for each thing that can be asked or told."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.state = aws.state
        self.connect = ConnectControl(aws)
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Any]]] = [
            ("GET", re.compile(r"health"), self.health),
            ("POST", re.compile(r"reset"), self.reset),
            ("GET", re.compile(r"settings"), self.settings),
            ("POST", re.compile(r"settings"), self.change_settings),
            ("GET", re.compile(r"accounts"), self.accounts),
            ("POST", re.compile(r"accounts"), self.change_account),
            ("GET", re.compile(r"cases"), self.cases),
            ("POST", re.compile(r"cases"), self.open_case),
            ("POST", re.compile(r"cases/(?P<case_id>[^/]+)/reply"), self.reply),
            ("POST", re.compile(r"cases/(?P<case_id>[^/]+)/resolve"), self.resolve),
            ("GET", re.compile(r"uploads"), self.uploads),
            ("POST", re.compile(r"uploads/(?P<upload_id>[^/]+)/(?P<verdict>ready|fail)"), self.settle_upload),
            ("GET", re.compile(r"attachment-sets"), self.attachment_sets),
            ("GET", re.compile(r"requests"), self.requests),
            ("GET", re.compile(r"faults"), self.faults),
            ("POST", re.compile(r"faults"), self.switch_on),
            ("DELETE", re.compile(r"faults"), self.switch_all_off),
            ("DELETE", re.compile(r"faults/(?P<number>\d+)"), self.switch_off),
            ("POST", re.compile(r"sessions/expire"), self.expire_sessions),
            *self.connect.routes(),
        ]

    def answer(self, request: Request, path: str) -> Answer:
        """Answer a request for /_sandbox/<path>."""
        try:
            handler, groups = self._route(request.method, path)
            given = dict(parse_qsl(request.query)) if request.method == "GET" else _json(request)
            return json_answer(handler(given, **groups))
        except Mistake as mistake:
            return json_answer({"error": str(mistake)}, mistake.status)
        except AwsError as error:
            return json_answer({"error": error.message, "code": error.code}, 409)

    def _route(self, method: str, path: str) -> tuple[Callable[..., Any], dict[str, str]]:
        matches = [
            (each, match, handler) for each, pattern, handler in self._routes if (match := pattern.fullmatch(path))
        ]
        for each, match, handler in matches:
            if each == method:
                return handler, match.groupdict()
        raise Mistake("There is nothing here by that name.", 405 if matches else 404)

    def health(self, given: Mapping[str, Any]) -> Any:
        return {"ok": True}

    def reset(self, given: Mapping[str, Any]) -> Any:
        self.aws.reset()
        return {"ok": True}

    def settings(self, given: Mapping[str, Any]) -> Any:
        return asdict(self.state.settings)

    def change_settings(self, given: Mapping[str, Any]) -> Any:
        only_known(given, SETTINGS)
        return asdict(self.state.change_settings({name: _setting(name, value) for name, value in given.items()}))

    def accounts(self, given: Mapping[str, Any]) -> Any:
        return {"accounts": [self._account(account) for account in self.state.accounts()]}

    def change_account(self, given: Mapping[str, Any]) -> Any:
        """Make or change an account. What is not named stays; null brings back the default."""
        account_id = account_id_of(given)
        only_known(given, [field.name for field in fields(Account)])
        changes = {name: _account_value(name, value) for name, value in given.items() if name != "account_id"}
        return self._account(self.state.change_account(account_id, changes))

    def cases(self, given: Mapping[str, Any]) -> Any:
        return {"cases": [self._case(case) for case in cases.every_case(self.state)]}

    def open_case(self, given: Mapping[str, Any]) -> Any:
        """Open a case as somebody does in the console. It counts toward the account's hour."""
        account = self.state.account(account_id_of(given))
        email = f"aws-{account.account_id}@example.com"
        new = NewCase(
            subject=text_of(given, "subject"),
            body=text_of(given, "communicationBody"),
            submitted_by=email,
            author=f"console (Root) <{email}>",
            issue_type=given.get("issueType", "technical"),
            language=given.get("language", "en"),
            service_code=given.get("serviceCode"),
            category_code=given.get("categoryCode"),
            severity_code=given.get("severityCode"),
            cc=tuple(given.get("ccEmailAddresses", ())),
            origin="console",
        )
        with self.state.transaction():
            if cases.quota_left(self.state, account) <= 0:
                raise AwsError("CaseCreationLimitExceeded", "The account has used up its cases for this hour.")
            return self._case(cases.open_case(self.state, account, new))

    def reply(self, given: Mapping[str, Any], case_id: str) -> Any:
        case = self._find(case_id)
        cases.add_from_aws(self.state, case, text_of(given, "body"))
        return self._case(self._find(case_id))

    def resolve(self, given: Mapping[str, Any], case_id: str) -> Any:
        cases.resolve(self.state, self._find(case_id))
        return self._case(self._find(case_id))

    def uploads(self, given: Mapping[str, Any]) -> Any:
        return {"uploads": [self._upload(upload) for upload in uploads.every(self.state) if _is_of_support(upload)]}

    def settle_upload(self, given: Mapping[str, Any], upload_id: str, verdict: str) -> Any:
        """Find a file good or bad: at once if it is being processed, else as soon as it is complete."""
        for upload in uploads.every(self.state, upload_id):
            return self._upload(uploads.settle(self.state, upload, failed=verdict == "fail"))
        raise Mistake("There is no such upload.", 404)

    def attachment_sets(self, given: Mapping[str, Any]) -> Any:
        return {"attachment_sets": [self._attachment_set(each) for each in attachments.every_set(self.state)]}

    def requests(self, given: Mapping[str, Any]) -> Any:
        since = given.get("since", "0")
        if not since.isdecimal():
            raise Mistake("since must be the id of a request")
        return {"requests": journal.entries(self.state, since=int(since), operation=given.get("operation"))}

    def faults(self, given: Mapping[str, Any]) -> Any:
        return {"faults": [asdict(fault) for fault in self.aws.faults], "known": DESCRIPTIONS}

    def switch_on(self, given: Mapping[str, Any]) -> Any:
        """Switch a fault on. An error by name has the HTTP status that the service's model gives it, unless another is asked for."""
        fault = fault_from(given)
        service = self.aws.service_named(fault.operation.partition(".")[0])
        if fault.status is None and fault.code is not None and service is not None:
            fault = replace(fault, status=service.modelled_status(fault.code))
        return {"id": self.aws.faults.switch_on(fault)}

    def switch_off(self, given: Mapping[str, Any], number: str) -> Any:
        if not self.aws.faults.switch_off(int(number)):
            raise Mistake("No such fault is switched on.", 404)
        return {"ok": True}

    def switch_all_off(self, given: Mapping[str, Any]) -> Any:
        self.aws.faults.switch_off()
        return {"ok": True}

    def expire_sessions(self, given: Mapping[str, Any]) -> Any:
        account_id = account_id_of(given) if given.get("account_id") else None
        return {"expired": expire_sessions(self.state, account_id)}

    def _find(self, case_id: str) -> Case:
        case = cases.find(self.state, case_id)
        if case is None:
            raise Mistake("There is no such case.", 404)
        return case

    def _account(self, account: Account) -> dict[str, Any]:
        return asdict(account) | {"opened_in_hour": cases.opened_in_hour(self.state, account.account_id)}

    def _case(self, case: Case) -> dict[str, Any]:
        """A case in full, unredacted, in AWS's names where AWS has one."""
        written = cases.correspondence(self.state, case, EVERYTHING)
        carried = attachments.of_messages(self.state, (each.id for each in written))
        return {
            "account": case.account_id,
            "caseId": case.case_id,
            "displayId": case.display_id,
            "subject": case.subject,
            "status": case.status,
            "issueType": case.issue_type,
            "serviceCode": case.service_code,
            "categoryCode": case.category_code,
            "severityCode": case.severity_code,
            "language": case.language,
            "ccEmailAddresses": list(case.cc),
            "submittedBy": case.submitted_by,
            "timeCreated": cases.iso(case.created_at),
            "visible_at": cases.iso(case.visible_at),
            "origin": case.origin,
            "communications": [
                {
                    "body": each.body,
                    "submittedBy": each.submitted_by,
                    "timeCreated": cases.iso(each.created_at),
                    "attachments": [self._attachment(file) for file in carried.get(each.id, ())],
                }
                for each in reversed(written)
            ],
        }

    def _attachment(self, attachment: Attachment) -> dict[str, Any]:
        return {
            "attachmentId": attachment.attachment_id,
            "fileName": attachment.file_name,
            "size": attachment.size,
            "sha256": attachments.sha256(self.state, attachment),
        }

    def _attachment_set(self, group: AttachmentSet) -> dict[str, Any]:
        return {
            "account": group.account_id,
            "attachmentSetId": group.set_id,
            "timeCreated": cases.iso(group.created_at),
            "expiryTime": cases.iso(group.expires_at),
            "taken": group.taken,
            "attachments": [self._attachment(file) for file in attachments.of_set(self.state, group.set_id)],
        }

    def _upload(self, upload: Upload) -> dict[str, Any]:
        parts = uploads.parts(self.state, upload)
        return {
            "account": upload.account_id,
            "uploadId": upload.upload_id,
            "fileName": upload.file_name,
            "fileSizeBytes": upload.size,
            "partSizeBytes": upload.part_size,
            "totalParts": upload.total_parts,
            "uploaded": [part.index for part in parts],
            "completed": [part.index for part in parts if part.reported],
            "uploadStatus": upload.status(self.state.now()),
            "timeCreated": cases.iso(upload.created_at),
            "taken": upload.taken,
        }


def _is_of_support(upload: Upload) -> bool:
    return upload.upload_id.startswith(uploads.OF_SUPPORT)


def fault_from(given: Mapping[str, Any]) -> Fault:
    """A fault as asked for, or Mistake."""
    only_known(given, [field.name for field in fields(Fault) if field.name != "id"])
    try:
        fault = Fault(**{**given, "fault": Kind(given["fault"])})
    except (KeyError, TypeError, ValueError):
        raise Mistake(f"fault must be one of {', '.join(Kind)}, and an operation must be named") from None
    checks = {
        "operation must be like support.CreateCase or support.*": bool(OPERATION.fullmatch(str(fault.operation))),
        "account must be * or twelve digits": fault.account == "*" or bool(ACCOUNT_ID.fullmatch(str(fault.account))),
        "when must be before or after": fault.when in ("before", "after"),
        "times must be a positive whole number, or null": fault.times is None or _is_count(fault.times),
        "status must be an HTTP status of an error": fault.status is None or fault.status in range(400, 600),
        "seconds must not be negative": fault.seconds is None or _is_span(fault.seconds),
        "dry_run must be true, false or null": fault.dry_run in (None, True, False),
        "code and message must be text": all(isinstance(each, str | None) for each in (fault.code, fault.message)),
    }
    for demand, met in checks.items():
        if not met:
            raise Mistake(demand)
    return replace(fault, account=str(fault.account))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_span(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 86_400


def _setting(name: str, value: Any) -> Any:
    if value is None:
        return None
    if SETTINGS[name] is dict:
        return _rates(name, value)
    if SETTINGS[name] is not str:
        return _number(name, value)
    if not isinstance(value, str) or len(value) > 100:
        raise Mistake(f"{name} must be text of 100 characters or less")
    if value not in CHOICES.get(name, (value,)):
        raise Mistake(f"{name} must be one of {', '.join(CHOICES[name])}")
    return value.strip()


def _rates(name: str, value: Any) -> dict[str, tuple[float, float]]:
    """Calls a second and burst by operation, such as {"connectcases.CreateCase": [2, 10]}; * stands for all others."""
    if not isinstance(value, dict) or not all(_is_rate(key, each) for key, each in value.items()):
        raise Mistake(
            f"{name} must name operations such as connectcases.CreateCase, each with calls a second and a burst"
        )
    return {key: (float(each[0]), float(each[1])) for key, each in value.items()}


def _is_rate(name: str, value: Any) -> bool:
    pair = isinstance(value, list) and len(value) == 2 and all(_is_span(each) and each > 0 for each in value)
    return pair and bool(OPERATION.fullmatch(name))


def _number(name: str, value: Any) -> Any:
    if value is None:
        return None
    lowest = LOWEST.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value < 1e9:
        raise Mistake(f"{name} must be a number of {lowest} or more")
    if name == "part_size" and value > LARGEST_PART:
        raise Mistake(f"part_size must be {LARGEST_PART} or less")
    return SETTINGS[name](value)


def _account_value(name: str, value: Any) -> Any:
    if name in NUMBERS:
        return _number(name, value)
    if name == "connect_rates" and value is not None:
        return _rates(name, value)
    if name == "plan" and value not in (None, *catalogue.SEVERITIES_BY_PLAN):
        raise Mistake(f"plan must be one of {', '.join(catalogue.SEVERITIES_BY_PLAN)}")
    if name == "denied" and value is not None:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Mistake("denied must be a list of actions such as support:CreateCase")
        return tuple(value)
    if not isinstance(value, str | None):
        raise Mistake(f"{name} must be text")
    return value


def _json(request: Request) -> Mapping[str, Any]:
    try:
        value = json.loads(request.body or b"{}")
    except ValueError:
        raise Mistake("The body must be JSON.") from None
    if not isinstance(value, dict):
        raise Mistake("The body must be a JSON object.")
    return value
