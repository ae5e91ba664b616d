"""What AWS really has, held against what the site says: lost, doubled, stuck, unexplained."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.chaos.places import ROLES, Place
from tests.chaos.plans import KINDS, Account, AtAws, Item, Planned

T = TypeVar("T")
MOVING = ("queued", "preparing", "sending", "unknown")
SUBMISSIONS = """
    SELECT s.id, s.kind, s.state, s.marker, s.remote_id, s.reason_code, s.due_at, s.duplicate, s.resends, s.content,
           c.reference, c.subject, a.account_id
    FROM submissions_submission s JOIN cases_case c ON c.id = s.case_id JOIN teams_awsaccount a ON a.id = s.account_id
"""
ATTEMPTS = """
    SELECT t.submission_id, t.n, t.phase, t.outcome, t.error_class, t.invocation_id, a.account_id, s.kind
    FROM delivery_attempt t JOIN submissions_submission s ON s.id = t.submission_id
    JOIN teams_awsaccount a ON a.id = s.account_id ORDER BY t.submission_id, t.n
"""
OPENING = ("support_case", "connect_case")  # kinds of submissions that open a case; others follow one
OPERATIONS = {kind: operation for each in KINDS.values() for kind, operation in each.operations.items()}
REFUSED = ("refused_final", "not_sent", "refused_retry")
UNREAD = ("InvalidSignatureException",)  # refused before the simulator knows whether it was a dry run
JUDGED_WITHIN = 900.0  # seconds, on a machine that does much else
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
    states: dict[str, dict[str, int]]  # by kind of submission
    reasons: dict[str, int]  # of those that failed
    attempts: dict[str, dict[str, int]]  # by kind of submission and outcome
    cases_at_aws: dict[str, int]  # by kind
    items_at_aws: dict[str, int]  # comments and files that are with them
    requests: int  # that would open a case, whatever became of them
    other_requests: int  # that would add a comment or file to one


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


def hold(
    place: Place, accounts: Iterable[Account], submitted: Iterable[Planned], approved: set[str], *, since: int
) -> Truth:
    """Compare. Nothing may move any more. `since` is the last request before there was any submission."""
    rows = [row | {"id": str(uuid.UUID(str(row["id"])))} for row in place.rows(SUBMISSIONS)]
    attempts = [row | {"submission_id": str(uuid.UUID(str(row["submission_id"])))} for row in place.rows(ATTEMPTS)]
    at_aws = [case for kind in KINDS.values() for case in kind.at_aws(place.sandbox)]
    ours = {account.account_id for account in accounts}
    requests = [
        request
        for operation in OPERATIONS.values()
        for request in place.sandbox.requests(operation, since)
        if _counts(request, ours)
    ]
    findings = compare_submissions(rows, attempts, at_aws, submitted, approved)
    findings.unexplained += compare_requests(requests, attempts)
    _look_for_secrets(findings, place)
    said = place.manage("verify_invariants", check=False, seconds=JUDGED_WITHIN)
    findings.invariants += [] if said.returncode == 0 else (said.stdout + said.stderr).strip().splitlines()
    opened = [kind.operation for kind in KINDS.values()]
    return Truth(
        findings,
        states=_counted(rows, "state"),
        reasons=dict(Counter(row["reason_code"] for row in rows if row["state"] == "failed")),
        attempts=_counted(attempts, "outcome"),
        cases_at_aws=dict(Counter(kind for kind, each in KINDS.items() for _case in each.at_aws(place.sandbox))),
        items_at_aws=dict(Counter(item.what for case in at_aws for item in case.items)),
        requests=sum(request["operation"] in opened for request in requests),
        other_requests=sum(request["operation"] not in opened for request in requests),
    )


def _counted(rows: Iterable[dict[str, Any]], column: str) -> dict[str, dict[str, int]]:
    """How often each value comes, by the kind of submission."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row["kind"]][row[column] or "open"] += 1
    return {kind: dict(counts) for kind, counts in sorted(found.items())}


# --- cases and what goes with them -------------------------------------------------------------------------------------
def compare_submissions(
    rows: Iterable[dict[str, Any]],
    attempts: Iterable[dict[str, Any]],
    at_aws: Iterable[AtAws],
    submitted: Iterable[Planned],
    approved: set[str],
) -> Findings:
    """What AWS has against what the site says of it, and both against what was handed in."""
    findings = Findings()
    at_aws = list(at_aws)
    cases = _by(at_aws, lambda case: case.marker)
    opening = [row for row in rows if row["kind"] in OPENING]
    following = _by([row for row in rows if row["kind"] not in OPENING], lambda row: str(row["reference"]))
    by_subject = _by(opening, lambda row: str(row["subject"]))
    tried = _by(attempts, lambda attempt: str(attempt["submission_id"]))
    planned = {each.subject: each for each in submitted}
    for each in planned.values():
        if each.subject not in by_subject:
            findings.lost.append(f"“{each.subject}” was handed in, its author was told so, and it is nowhere")
        elif len(by_subject[each.subject]) > 1:
            findings.doubled.append(f"“{each.subject}” was handed in once and stands here more than once")
    for row in opening:
        own, wanted = cases[row["marker"]], planned.get(row["subject"])
        told = _told(row, tried[row["id"]])
        _judge_opening(findings, told, row, tried[row["id"]], own, row["id"] in approved)
        if row["state"] == "delivered" and wanted:
            for case in own:
                _judge_content(findings, told, wanted, case)
        if own and wanted:
            known = next((case for case in own if case.remote_id == row["remote_id"]), own[0])
            _judge_items(findings, told, wanted.items, known.items, following[row["reference"]])
        for companion in following[row["reference"]]:
            words = _told(companion, tried[companion["id"]])
            _judge_companion(findings, words, companion, tried[companion["id"]], own)
    ours = {row["marker"] for row in opening}
    for case in at_aws:
        if case.marker not in ours:
            findings.unexplained.append(f"{case.remote_id} at AWS belongs to no submission")
    return findings


def _judge_opening(
    findings: Findings,
    told: str,
    row: dict[str, Any],
    attempts: list[dict[str, Any]],
    cases: list[AtAws],
    approved: bool,
) -> None:
    """One submission against the cases that carry its marker."""
    state = row["state"]
    if len(cases) > 1 or row["duplicate"]:
        findings.doubled.append(f"{told}: {len(cases)} cases at AWS")
    if state == "delivered":
        if row["remote_id"] not in [case.remote_id for case in cases]:
            findings.lost.append(f"{told}: said to be {row['remote_id']}, AWS has {[case.remote_id for case in cases]}")
        elif row["due_at"] is not None:
            findings.stuck.append(f"{told}: delivered, but AWS's status was never read")
    elif state == "pending_review":
        (findings.lost if approved else findings.stuck).append(f"{told}: waits for review, approved: {approved}")
    else:
        _judge_undelivered(findings, told, row, attempts, [case.remote_id for case in cases])


def _judge_undelivered(
    findings: Findings, told: str, row: dict[str, Any], attempts: list[dict[str, Any]], at_aws: list[str]
) -> None:
    """A submission that AWS is not said to have; `at_aws` is what it has of it."""
    state = row["state"]
    if state == "failed":
        if at_aws:
            findings.unexplained.append(f"{told}: failed, and AWS has {at_aws[0]}")
        elif not row["reason_code"] or (attempts and attempts[-1]["outcome"] not in REFUSED):
            findings.lost.append(f"{told}: failed, and nothing says why")
    elif state in MOVING or state == "needs_attention":
        findings.stuck.append(f"{told}: still {state} ({row['reason_code']}), due {row['due_at']}")
    else:
        findings.unexplained.append(f"{told}: {state} ({row['reason_code']}), though nobody asked for it")


def _judge_content(findings: Findings, told: str, planned: Planned, case: AtAws) -> None:
    if (case.subject, case.account_id) != (planned.subject, planned.account.account_id):
        findings.unexplained.append(f"{told}: AWS has another subject or account")
    if not case.body.startswith(planned.body):
        findings.unexplained.append(f"{told}: AWS has another text")


def _judge_items(
    findings: Findings, told: str, wanted: Sequence[Item], there: Sequence[Item], rows: list[dict[str, Any]]
) -> None:
    """Comments and files of a case: each of them once and in their order, but for what AWS refused with a reason."""
    expected, found = [_alike(item) for item in wanted], [_alike(item) for item in there]
    refused = {_content(row) for row in rows if row["state"] == "failed" and row["reason_code"]}
    for item, times in Counter(found).items():
        if item not in expected:
            findings.unexplained.append(f"{told}: AWS has a {item[0]} with it that nobody handed in")
        elif times > 1:
            findings.doubled.append(f"{told}: AWS has a {item[0]} of it {times} times")
    for item in expected:
        if item not in found and item not in refused:
            findings.lost.append(f"{told}: a {item[0]} was handed in with it, and AWS has it not")
    first_places = [found.index(item) for item in expected if item in found]
    if first_places != sorted(first_places):
        findings.unexplained.append(f"{told}: what goes with it came in another order")
    for content, times in Counter(_content(row) for row in rows).items():
        if times > 1:
            findings.doubled.append(f"{told}: a {content[0]} of it stands here {times} times")


def _judge_companion(
    findings: Findings, told: str, row: dict[str, Any], attempts: list[dict[str, Any]], cases: list[AtAws]
) -> None:
    """One comment or file that follows its case, a submission of its own."""
    same = [item for case in cases for item in case.items if _alike(item) == _content(row)]
    ids = [item.remote_id for item in same]
    if row["state"] != "delivered":
        _judge_undelivered(findings, told, row, attempts, ids)
    elif row["remote_id"] not in ids:
        findings.lost.append(f"{told}: said to be {row['remote_id']}, AWS has {ids}")


def _alike(item: Item) -> tuple[str, str]:
    return item.what, item.content


def _content(row: dict[str, Any]) -> tuple[str, str]:
    """What a following submission says it brings, as an item at AWS tells it."""
    content = json.loads(row["content"]) if isinstance(row["content"], str) else row["content"]
    if row["kind"] == "connect_comment":
        return "comment", content["comment"]
    return "file", content["files"][0]["sha256"]


def _told(row: dict[str, Any], attempts: list[dict[str, Any]]) -> str:
    each = ", ".join(f"{one['outcome'] or one['phase']} {one['error_class']}".strip() for one in attempts)
    return f"{row['kind']} of {row['reference']} ({row['id']}, account {row['account_id']}, attempts {each or 'none'})"


def _by(each: Iterable[T], key: Callable[[T], str]) -> defaultdict[str, list[T]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for one in each:
        found[key(one)].append(one)
    return found


# --- requests ----------------------------------------------------------------------------------------------------------
def compare_requests(requests: Iterable[dict[str, Any]], attempts: Iterable[dict[str, Any]]) -> list[str]:
    """Each request that would change something has an attempt of its own, and was made once (I6, I7)."""
    made = list(requests)
    found = [
        f"request {request['id']} is the SDK's try {request['sdk_attempt']}"
        for request in made
        if request["sdk_attempt"] != 1
    ]
    for invocation, times in Counter(request["invocation_id"] for request in made).items():
        if times > 1:
            found.append(f"the call {invocation} came in {times} times")
    may_have_left = Counter(
        (row["account_id"], OPERATIONS.get(row["kind"])) for row in attempts if row["outcome"] != "not_sent"
    )
    for (account, operation), number in Counter((one["account"], one["operation"]) for one in made).items():
        if number > may_have_left[account, operation]:
            attempted = may_have_left[account, operation]
            found.append(f"{account}: {number} requests {operation} for {attempted} attempts")
    return found


def _counts(request: dict[str, Any], accounts: set[str]) -> bool:
    """Whether it would change something at AWS: no dry run, nor the check of an account that has no submissions."""
    tried = request["account"] in accounts or request["executed"]
    return bool(tried and not request["dry_run"] and request["error_code"] not in UNREAD)


def _look_for_secrets(findings: Findings, place: Place) -> None:
    for role in ROLES:
        if SECRET.search(place.log(role)):
            findings.invariants.append(f"I13 the log of {role} keeps a secret")
