"""A simulator of AWS for tests: starts one as a process of its own and drives its control interface."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 20
# Linux: tell the kernel to end the simulator when whoever started it ends, then become `python -m casesite.sandbox`. Not by
# preexec_fn, which Python 3.12 warns about in a process with threads.
LAUNCH = """
import ctypes, runpy, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
runpy.run_module("casesite.sandbox", run_name="__main__", alter_sys=True)
"""

_open = build_opener(ProxyHandler({})).open  # a proxy named in the environment is none of ours


class SandboxRefused(Exception):
    """The control interface said no; `status` and the text are its own."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


@dataclass(frozen=True)
class SandboxAttachment:
    """A file as the simulator holds it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class SandboxCase:
    """A case as the simulator holds it: the truth, whether or not AWS would show it yet."""

    case_id: str
    display_id: str
    account_id: str
    subject: str
    body: str
    status: str
    service_code: str | None
    category_code: str | None
    severity_code: str | None
    issue_type: str
    language: str
    cc: tuple[str, ...]
    origin: str
    time_created: str
    visible_at: str
    communications: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    @property
    def attachments(self) -> tuple[SandboxAttachment, ...]:
        """The files of all its messages, oldest first."""
        return tuple(
            SandboxAttachment(file["fileName"], file["size"], file["sha256"])
            for message in self.communications
            for file in message["attachments"]
        )


class Sandbox:
    """One running simulator. `start` makes it, `stop` ends it; the rest talks to it over HTTP."""

    def __init__(self, var: Path, process: subprocess.Popen[bytes], url: str, time_scale: float) -> None:
        self.var = var
        self.process = process
        self.url = url
        self.time_scale = time_scale

    @classmethod
    def start(cls, var: Path, time_scale: float = 1, port: int = 0) -> Sandbox:
        """Start a simulator on `var` and wait until it listens. It dies with the process that starts it."""
        var.mkdir(parents=True, exist_ok=True)
        port_file = var / "port"
        port_file.unlink(missing_ok=True)
        command = [sys.executable, "-c", LAUNCH, "--port", str(port), "--var", str(var)]
        options = ["--time-scale", str(time_scale), "--port-file", str(port_file)]
        with (var / "log").open("ab") as log:
            process = subprocess.Popen(
                command + options,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _wait_for(port_file, process, var / "log")
        return cls(var, process, f"http://127.0.0.1:{int(port_file.read_text())}", time_scale)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def stop(self) -> None:
        """End it in an orderly way, and by force if that takes more than ten seconds."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start again on the same state and, so that clients find it, the same port."""
        self.stop()
        again = Sandbox.start(self.var, self.time_scale, self.port)
        self.process = again.process

    def reset(self) -> None:
        """Forget cases, files, accounts, faults, requests and settings. Role sessions stay valid, and so does the time scale."""
        self._call("POST", "reset")
        self.settings(time_scale=None)

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings, if any are named, and return them all; None brings back a default."""
        answer: dict[str, Any] = self._call("POST", "settings", changes) if changes else self._call("GET", "settings")
        return answer

    def account(self, account_id: str, **changes: Any) -> dict[str, Any]:
        """Make or change an account: plan, cases_per_hour, calls_per_second, visible_after, role_arn, external_id, denied, connect_rates."""
        answer: dict[str, Any] = self._call("POST", "accounts", {"account_id": account_id, **changes})
        return answer

    def fault(self, operation: str, fault: str, when: str = "before", times: int | None = 1, **more: Any) -> int:
        """Switch a fault on and return its number; `times=None` leaves it on until it is switched off."""
        given = {"operation": operation, "fault": fault, "when": when, "times": times, **more}
        return int(self._call("POST", "faults", given)["id"])

    def lose_answer(self, operation: str, times: int | None = 1, **more: Any) -> int:
        """Carry the call out, then drop the connection without an answer."""
        return self.fault(operation, "drop", when="after", times=times, **more)

    def faults(self) -> list[dict[str, Any]]:
        """The faults still switched on."""
        return list(self._call("GET", "faults")["faults"])

    def clear_faults(self, number: int | None = None) -> None:
        """Switch off one fault, or all."""
        self._call("DELETE", "faults" if number is None else f"faults/{number}")

    def cases(self, account: str | None = None) -> list[SandboxCase]:
        """Every case there is, oldest first, or those of one account."""
        found = [_case(each) for each in self._call("GET", "cases")["cases"]]
        return [case for case in found if account in (None, case.account_id)]

    support_cases = cases

    def uploads(self) -> list[dict[str, Any]]:
        """The uploads by upload id, oldest first, with the parts that came in and those reported complete."""
        return list(self._call("GET", "uploads")["uploads"])

    def settle_upload(self, upload_id: str, *, failed: bool = False) -> dict[str, Any]:
        """Find an uploaded file good or bad: at once, or as soon as it is complete."""
        answer: dict[str, Any] = self._call("POST", f"uploads/{upload_id}/{'fail' if failed else 'ready'}")
        return answer

    def attachment_sets(self) -> list[dict[str, Any]]:
        """The attachment sets, oldest first, with their files; `taken` once a message carries them."""
        return list(self._call("GET", "attachment-sets")["attachment_sets"])

    def requests(self, operation: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """The requests that came in for AWS after id `since`, oldest first."""
        query = f"requests?since={since}" + (f"&operation={operation}" if operation else "")
        return list(self._call("GET", query)["requests"])

    def open_case(
        self, account_id: str, subject: str = "Opened in the console", body: str = "Hello", **more: Any
    ) -> SandboxCase:
        """Open a case as somebody would in the console; further members by AWS's names, as in serviceCode."""
        given = {"account_id": account_id, "subject": subject, "communicationBody": body, **more}
        return _case(self._call("POST", "cases", given))

    def reply(self, case_id: str, body: str = "We are looking into it.") -> SandboxCase:
        """Answer a case as AWS."""
        return _case(self._call("POST", f"cases/{case_id}/reply", {"body": body}))

    def resolve(self, case_id: str) -> SandboxCase:
        """Resolve a case as AWS."""
        return _case(self._call("POST", f"cases/{case_id}/resolve"))

    def connect_domains(self, account: str | None = None) -> list[dict[str, Any]]:
        """The domains of Connect Cases, or those of one account, with everything they are made of; deleted parts too."""
        found = self._call("GET", "connect/domains")["domains"]
        return [each for each in found if account in (None, each["account"])]

    def connect_domain(self, account_id: str, region: str = "us-east-1", **more: Any) -> dict[str, Any]:
        """Make a domain of Connect Cases with its instance and its profiles domain."""
        given = {"account_id": account_id, "region": region, "name": "Cases", **more}
        answer: dict[str, Any] = self._call("POST", "connect/domains", given)
        return answer

    def connect_demo(self, account_id: str, region: str = "us-east-1", demo: str = "care") -> dict[str, Any]:
        """Build one of the demo domains (care, europe, network) in an account; the same ids each time."""
        answer: dict[str, Any] = self._call(
            "POST", "connect/demo", {"account_id": account_id, "region": region, "demo": demo}
        )
        return answer

    def connect_remove(self, domain_id: str) -> None:
        """Take a domain away, with all that it is made of."""
        self._call("DELETE", f"connect/domains/{domain_id}")

    def connect_put(self, domain_id: str, kind: str, **document: Any) -> dict[str, Any]:
        """Add a part of a domain, or alter the named members of the one with this `id`, None taking one away.

        `kind` is fields, layouts, templates, rules, profiles or users; members go by AWS's names, a field's options too.
        """
        answer: dict[str, Any] = self._call("POST", f"connect/domains/{domain_id}/{kind}", document)
        return answer

    def connect_delete(self, domain_id: str, kind: str, id_: str) -> None:
        """Delete a part of a domain, as AWS does: it is out of the lists, and can still be read by its id."""
        self._call("DELETE", f"connect/domains/{domain_id}/{kind}/{id_}")

    def connect_cases(self, account: str | None = None) -> list[dict[str, Any]]:
        """Every case of Connect Cases, oldest first, or those of one account: `fields` by id, `relatedItems`, `auditEvents`."""
        found = self._call("GET", "connect/cases")["cases"]
        return [each for each in found if account in (None, each["account"])]

    def connect_files(self) -> list[dict[str, Any]]:
        """The files on their way to cases of Connect or attached to one, oldest first; `settle_upload` takes their ids too."""
        return list(self._call("GET", "connect/files")["files"])

    def change_connect_case(self, case_id: str, **fields: Any) -> dict[str, Any]:
        """Set fields, by id and in AWS's unions, as an agent does in Connect's workspace."""
        answer: dict[str, Any] = self._call("POST", f"connect/cases/{case_id}", {"fields": fields})
        return answer

    def comment_on_connect_case(self, case_id: str, body: str) -> dict[str, Any]:
        """Add a comment as an agent of Connect."""
        answer: dict[str, Any] = self._call("POST", f"connect/cases/{case_id}/comments", {"body": body})
        return answer

    def expire_sessions(self, account_id: str | None = None) -> int:
        """End temporary credentials now, of one account or all; the number that were alive."""
        return int(self._call("POST", "sessions/expire", {"account_id": account_id})["expired"])

    def _call(self, method: str, path: str, given: dict[str, Any] | None = None) -> Any:
        data = None if method == "GET" else json.dumps(given or {}).encode()
        request = Request(f"{self.url}/_sandbox/{path}", data, {"Content-Type": "application/json"}, method=method)
        try:
            with _open(request, timeout=30) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise SandboxRefused(error.code, error.read().decode()) from None

    def _end(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _case(given: dict[str, Any]) -> SandboxCase:
    return SandboxCase(
        case_id=given["caseId"],
        display_id=given["displayId"],
        account_id=given["account"],
        subject=given["subject"],
        body=given["communications"][0]["body"],
        status=given["status"],
        service_code=given["serviceCode"],
        category_code=given["categoryCode"],
        severity_code=given["severityCode"],
        issue_type=given["issueType"],
        language=given["language"],
        cc=tuple(given["ccEmailAddresses"]),
        origin=given["origin"],
        time_created=given["timeCreated"],
        visible_at=given["visible_at"],
        communications=tuple(given["communications"]),
    )


def _wait_for(port_file: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"the simulator did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.01)
