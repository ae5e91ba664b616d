"""What AWS really has, held against what the site says: lost, doubled, stuck, unexplained."""

from __future__ import annotations

import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.places import ROLES, Place
from tests.chaos.plans import KINDS, AtAws, Planned

MOVING = ("queued", "preparing", "sending", "unknown")
SUBMISSIONS = """
    SELECT s.id, s.kind, s.state, s.marker, s.remote_id, s.reason_code, s.due_at, s.duplicate, s.resends,
           c.reference, c.subject, a.account_id
    FROM submissions_submission s JOIN cases_case c ON c.id = s.case_id JOIN teams_awsaccount a ON a.id = s.account_id
"""
ATTEMPTS = """
    SELECT t.submission_id, t.n, t.phase, t.outcome, t.error_class, t.invocation_id, a.account_id
    FROM delivery_attempt t JOIN submissions_submission s ON s.id = t.submission_id
    JOIN teams_awsaccount a ON a.id = s.account_id ORDER BY t.submission_id, t.n
"""
UNREAD = ("InvalidSignatureException",)  # refused before the simulator knows whether it was a dry run
SECRET = re.compile(r"sandbox-secret-|SecretAccessKey|SessionToken|aws_secret_access_key", re.IGNORECASE)


@dataclass
class Findings:
    """A sentence for each breach; all empty is the bar."""

    lost: list[str] = field(default_factory=list)  # approved, and neither at AWS nor refused nor told of
    doubled: list[str] = field(default_factory=list)  # more than once at AWS, or here
    stuck: list[str] = field(default_factory=list)  # neither done nor waiting for anything
    unexplained: list[str] = field(default_factory=list)  # the two sides tell different stories
    invariants: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.stuck, *self.unexplained, *self.invariants]


@dataclass
class Truth:
    findings: Findings
    states: dict[str, int]
    reasons: dict[str, int]  # of those that failed
    attempts: dict[str, int]  # by outcome
    cases_at_aws: int
    requests: int  # that would open a case, whatever became of them


def unsettled(place: Place) -> dict[str, int]:
    """How many submissions still move or wait for something, by state."""
    rows = place.rows("SELECT state, due_at, COUNT(*) AS n FROM submissions_submission GROUP BY state, due_at")
    found: Counter[str] = Counter()
    for row in rows:
        if row["state"] in (*MOVING, "pending_review", "needs_attention"):
            found[row["state"]] += row["n"]
        elif row["state"] == "delivered" and row["due_at"] is not None:
            found["delivered, its status not read"] += row["n"]
    return dict(found)


def hold(place: Place, submitted: Iterable[Planned], approved: set[str]) -> Truth:
    """Compare. Nothing may move any more."""
    rows = [row | {"id": str(uuid.UUID(str(row["id"])))} for row in place.rows(SUBMISSIONS)]
    attempts = [row | {"submission_id": str(uuid.UUID(str(row["submission_id"])))} for row in place.rows(ATTEMPTS)]
    at_aws = [case for kind in KINDS.values() for case in kind.at_aws(place.sandbox)]
    findings = Findings()
    _compare_submissions(findings, rows, attempts, at_aws, submitted, approved)
    requests = _compare_requests(findings, place, attempts)
    _look_for_secrets(findings, place)
    said = place.manage("verify_invariants", check=False)
    findings.invariants += [] if said.returncode == 0 else (said.stdout + said.stderr).strip().splitlines()
    return Truth(
        findings,
        states=dict(Counter(row["state"] for row in rows)),
        reasons=dict(Counter(row["reason_code"] for row in rows if row["state"] == "failed")),
        attempts=dict(Counter(row["outcome"] or "open" for row in attempts)),
        cases_at_aws=len(at_aws),
        requests=requests,
    )


def _compare_submissions(
    findings: Findings,
    rows: list[dict[str, Any]],
    attempts: list[dict[str, Any]],
    at_aws: list[AtAws],
    submitted: Iterable[Planned],
    approved: set[str],
) -> None:
    cases: dict[str, list[AtAws]] = defaultdict(list)
    for case in at_aws:
        cases[case.marker].append(case)
    by_subject: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_subject[row["subject"]].append(row)
    tried: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for attempt in attempts:
        tried[attempt["submission_id"]].append(attempt)
    planned = {each.subject: each for each in submitted}
    for each in planned.values():
        if each.subject not in by_subject:
            findings.lost.append(f"“{each.subject}” was handed in, its author was told so, and it is nowhere")
        elif len(by_subject[each.subject]) > 1:
            findings.doubled.append(f"“{each.subject}” was handed in once and stands here more than once")
    for row in rows:
        _judge(
            findings, row, tried[row["id"]], cases[row["marker"]], planned.get(row["subject"]), row["id"] in approved
        )
    ours = {row["marker"] for row in rows}
    for case in at_aws:
        if case.marker not in ours:
            findings.unexplained.append(f"{case.remote_id} at AWS belongs to no submission")


def _judge(
    findings: Findings,
    row: dict[str, Any],
    attempts: list[dict[str, Any]],
    cases: list[AtAws],
    planned: Planned | None,
    approved: bool,
) -> None:
    """One submission against the cases that carry its marker."""
    told = f"{row['reference']} ({row['id']}, account {row['account_id']}, attempts {_told(attempts)})"
    state = row["state"]
    if len(cases) > 1 or row["duplicate"]:
        findings.doubled.append(f"{told}: {len(cases)} cases at AWS")
    if state == "delivered":
        if row["remote_id"] not in [case.remote_id for case in cases]:
            findings.lost.append(f"{told}: said to be {row['remote_id']}, AWS has {[case.remote_id for case in cases]}")
        elif row["due_at"] is not None:
            findings.stuck.append(f"{told}: delivered, but AWS's status was never read")
        if planned:
            _judge_content(findings, told, planned, cases)
    elif state == "failed":
        if cases:
            findings.unexplained.append(f"{told}: failed, and AWS has {cases[0].remote_id}")
        elif not row["reason_code"] or (
            attempts and attempts[-1]["outcome"] not in ("refused_final", "not_sent", "refused_retry")
        ):
            findings.lost.append(f"{told}: failed, and nothing says why")
    elif state == "pending_review":
        (findings.lost if approved else findings.stuck).append(f"{told}: waits for review, approved: {approved}")
    elif state in MOVING or state == "needs_attention":
        findings.stuck.append(f"{told}: still {state} ({row['reason_code']}), due {row['due_at']}")
    else:
        findings.unexplained.append(f"{told}: {state} ({row['reason_code']}), though nobody asked for it")


def _judge_content(findings: Findings, told: str, planned: Planned, cases: list[AtAws]) -> None:
    for case in cases:
        if (case.subject, case.account_id) != (planned.subject, planned.account.account_id):
            findings.unexplained.append(f"{told}: AWS has another subject or account")
        if not case.body.startswith(planned.body):
            findings.unexplained.append(f"{told}: AWS has another text")
        if sorted(case.files) != sorted(file.sha256 for file in planned.files):
            findings.lost.append(
                f"{told}: {len(planned.files)} files were handed in, AWS has {len(case.files)}, or others"
            )


def _told(attempts: list[dict[str, Any]]) -> str:
    return ", ".join(f"{row['outcome'] or row['phase']} {row['error_class']}".strip() for row in attempts) or "none"


def _compare_requests(findings: Findings, place: Place, attempts: list[dict[str, Any]]) -> int:
    """Each request that would open a case has an attempt of its own, and was made once (I6, I7)."""
    sent: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for operation in {kind.operation for kind in KINDS.values()}:
        for request in place.sandbox.requests(operation):
            if request["dry_run"] or request["error_code"] in UNREAD:
                continue
            sent[request["account"]] += 1
            seen[request["invocation_id"]] += 1
            if request["sdk_attempt"] != 1:
                findings.unexplained.append(f"request {request['id']} is the SDK's try {request['sdk_attempt']}")
    for invocation, times in seen.items():
        if times > 1:
            findings.unexplained.append(f"the call {invocation} came in {times} times")
    may_have_left = Counter(row["account_id"] for row in attempts if row["outcome"] != "not_sent")
    for account, number in sent.items():
        if number > may_have_left[account]:
            findings.unexplained.append(f"{account}: {number} requests for {may_have_left[account]} attempts")
    return sent.total()


def _look_for_secrets(findings: Findings, place: Place) -> None:
    for role in ROLES:
        if SECRET.search(place.log(role)):
            findings.invariants.append(f"I13 the log of {role} keeps a secret")
