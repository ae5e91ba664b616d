"""What must hold after every event, read off the tables and off AWS without the site's own code."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from tests.soak.aws import WRITES, Aws

ROWS = """
    SELECT s.id, s.kind, s.state, s.token, s.due_at, s.lease_until, s.remote_id, s.duplicate, s.duplicate_remote_id,
           s.marker, s.payload_sha256, s.reason_code, s.adopted_by_id, s.submitted_by_id, s.case_id, s.region,
           s.held_until, c.reference, c.subject, c.aws_case_id, c.duplicate_aws_case_id
    FROM submissions_submission s JOIN cases_case c ON c.id = s.case_id ORDER BY s.submitted_at, s.queued_at, s.rowid
"""
ATTEMPTS = """
    SELECT id, submission_id, n, started_at, bound, phase, outcome, payload_sha256, remote_id
    FROM delivery_attempt ORDER BY submission_id, n
"""
LOOKS = (
    "SELECT attempt_id, submission_id, aws_date, result FROM delivery_look WHERE result = 'absent' ORDER BY aws_date"
)
DECISIONS = "SELECT submission_id, by_id, what, payload_sha256 FROM submissions_decision"
CASES = "SELECT reference, aws_case_id, duplicate_aws_case_id FROM cases_case"
TIMES = """
    SELECT due_at AS at, lease_until AS until FROM submissions_submission
    WHERE state IN ('queued', 'preparing', 'sending', 'unknown', 'delivered')
    UNION SELECT due_at, lease_until FROM delivery_watch UNION SELECT due_at, lease_until FROM delivery_doubt
    UNION SELECT blocked_until, NULL FROM pacing_accountgate
"""
LATER = """
    SELECT 1 AS one FROM delivery_watch WHERE since IS NULL OR due_at IS NOT NULL
    UNION SELECT 1 FROM delivery_doubt WHERE settled_at IS NULL
    UNION SELECT 1 FROM submissions_submission WHERE state = 'needs_attention' AND due_at IS NOT NULL
"""
OPENING = ("support_case", "connect_case")
TOKENED = ("connect_case", "connect_comment")
MOVING = ("queued", "preparing", "sending", "unknown")
ENDED = ("failed", "returned", "rejected", "cancelled")  # for good, but for a case that AWS is proven to have
PROVES_NOTHING = ("", "unknown")
APART = timedelta(seconds=60)
CHANGES = {  # of an attempt's outcome, once it is closed
    "unknown": {"done", "refused_retry", "refused_final", "not_sent", "absent", "waived"},
    "absent": {"done"},
    "waived": {"done"},
}


@dataclass
class Seen:
    """The tables at one moment."""

    rows: list[dict[str, Any]]
    attempts: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def all_attempts(self) -> list[dict[str, Any]]:
        return [attempt for attempts in self.attempts.values() for attempt in attempts]


class Judge:
    """Remembers what it saw before, to see what may not change."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.begin()

    def begin(self) -> None:
        """A new example, or a database that was put back to what it was."""
        self._outcomes: dict[int, str] = {}
        self._states: dict[str, str] = {}  # of rows, when they were looked at last
        self._used: set[int] = set()
        self._on_the_wire: list[
            str
        ] = []  # what was seen there is told later: an exception would be taken for a lost line
        self.risked: set[str] = set()  # cases for which a lead had something sent again: two are allowed, if it is told

    # --- what leaves ----------------------------------------------------------------------------------------------------
    def request_leaves(self, operation: str, body: bytes) -> None:
        """Rule 8, I6, I7: no transaction is open, and each request has an attempt of its own that was committed before."""
        if connection.in_atomic_block:
            self._on_the_wire.append(f"a transaction is open while {operation} is called")
        if operation not in WRITES:
            return
        rows = {row["id"]: row for row in _select(ROWS)}
        waiting = [
            attempt
            for attempt in _select(ATTEMPTS)
            if attempt["id"] not in self._used
            and attempt["outcome"] in ("", "unknown", "waived")
            and _is_of(rows[attempt["submission_id"]], operation, body)
        ]
        ended = [each for each in waiting if self._states.get(each["submission_id"]) in ENDED]
        if ended:
            self._on_the_wire.append(
                f"a request leaves of {_name(rows[ended[-1]['submission_id']])}, which was stopped"
            )
        if waiting:
            self._used.add(waiting[-1]["id"])
        else:
            self._on_the_wire.append(f"I6 a request of {operation} leaves, and no attempt of its own is written down")

    # --- what is there ----------------------------------------------------------------------------------------------------
    def look(self) -> Seen:
        seen = Seen(_select(ROWS))
        for attempt in _select(ATTEMPTS):
            seen.attempts[attempt["submission_id"]].append(attempt)
        return seen

    def breaches(self, seen: Seen) -> list[str]:
        """A sentence for each; empty where all is well."""
        return [
            *self._on_the_wire,
            *self._at_aws(seen),
            *self._of_rows(seen),
            *self._of_attempts(seen),
            *self._kept(seen),
        ]

    def _at_aws(self, seen: Seen) -> Iterator[str]:
        """I1, I2, I3 against what AWS really has."""
        cases = self._aws.cases()
        by_id = {case.case_id: case for case in cases}
        at_aws = Counter(case.marker for case in cases)
        for reference, number in Counter(case.reference for case in cases).items():
            if number > 1 and reference not in self.risked:
                yield f"I1 {reference} has {number} cases at AWS"
        for row in seen.rows:
            if row["kind"] not in OPENING:
                continue
            if row["state"] == "delivered":
                case = by_id.get(row["remote_id"])
                if case is None:
                    yield f"I2 {_name(row)} is delivered as {row['remote_id']}, which AWS has not"
                elif case.marker != row["marker"] and not row["adopted_by_id"]:
                    yield f"I2 {_name(row)} is delivered as a case that bears {case.marker}"
            if row["state"] == "failed" and row["reason_code"] != "gave_up" and at_aws[row["marker"]]:
                yield f"I3 {_name(row)} failed, and AWS has it"
        numbers = Counter((case_id, content) for case_id, _type, content in self._aws.items())
        for (case_id, _content), number in numbers.items():
            reference = by_id[case_id].reference
            if number > 1 and reference not in self.risked:
                yield f"I1 what goes with {reference} is at AWS {number} times"

    def _of_rows(self, seen: Seen) -> Iterator[str]:
        decisions = defaultdict(list)
        for decision in _select(DECISIONS):
            decisions[decision["submission_id"]].append(decision)
        for row in seen.rows:
            attempts = seen.attempts[row["id"]]
            outcomes = [attempt["outcome"] for attempt in attempts]
            opening = row["kind"] in OPENING
            if opening and (row["state"] == "delivered") != (row["remote_id"] is not None):
                yield f"I2 {_name(row)} is {row['state']} with id {row['remote_id']}"
            if opening and row["state"] == "delivered" and row["aws_case_id"] is None:
                yield f"I2 {_name(row)} is delivered, its case has no id"
            if row["state"] == "failed" and {"", "unknown", "done"} & set(outcomes):
                yield f"I3 {_name(row)} failed after {outcomes}"
            if outcomes.count("") > 1:
                yield f"I4 {_name(row)} has several open attempts"
            if row["state"] in MOVING and row["due_at"] is None and row["lease_until"] is None:
                yield f"I10 {_name(row)} is {row['state']} without a time"
            let_go = [each for each in decisions[row["id"]] if each["what"] in ("approve", "release")]
            if attempts and not any(each["by_id"] != row["submitted_by_id"] for each in let_go):
                yield f"I12 {_name(row)} was sent, and nobody but its author let it go"
            if any(each["payload_sha256"] != row["payload_sha256"] for each in let_go):
                yield f"I9 {_name(row)} was let go as another payload"
            if row["state"] == "needs_attention" and not row["reason_code"]:
                yield f"{_name(row)} needs a person, and nothing says why"

    def _of_attempts(self, seen: Seen) -> Iterator[str]:
        by_id = {row["id"]: row for row in seen.rows}
        looks = _select(LOOKS) if any(attempt["outcome"] == "absent" for attempt in seen.all_attempts) else []
        for pk, attempts in seen.attempts.items():
            row = by_id[pk]
            for earlier in attempts[:-1]:
                repeated = row["kind"] in TOKENED and earlier["outcome"] == "unknown"
                if earlier["outcome"] in PROVES_NOTHING and not repeated:
                    yield f"I5 {_name(row)} was sent again while try {earlier['n']} proves nothing"
            for attempt in attempts:
                if attempt["payload_sha256"] != row["payload_sha256"]:
                    yield f"I9 {_name(row)} sent another payload"
                if attempt["outcome"] == "absent" and row["kind"] != "support_resolve" and not _proven(attempt, looks):
                    yield f"I8 {_name(row)}: try {attempt['n']} is absent without two looks that count"

    def _kept(self, seen: Seen) -> Iterator[str]:
        """I4: no attempt goes, and none gives up what was proven; what has ended stays ended."""
        for row in seen.rows:
            was = self._states.get(row["id"], row["state"])
            if was in ENDED and row["state"] not in (was, "delivered"):
                yield f"{_name(row)} was {was} for good and is {row['state']}"
        self._states = {row["id"]: row["state"] for row in seen.rows}
        now = {attempt["id"]: attempt["outcome"] for attempt in seen.all_attempts}
        for pk, was in self._outcomes.items():
            if pk not in now:
                yield f"I4 attempt {pk} is gone"
            elif was and now[pk] != was and now[pk] not in CHANGES.get(was, ()):
                yield f"I4 attempt {pk} was {was} and is {now[pk] or 'open'}"
        self._outcomes = now

    # --- at the end ---------------------------------------------------------------------------------------------------------
    def unsettled(self, seen: Seen) -> list[str]:
        """What has not come to rest."""
        return [
            f"{_name(row)} is {row['state']} ({row['reason_code']}), due {row['due_at']}"
            for row in seen.rows
            if row["state"] in MOVING or (row["state"] == "delivered" and row["due_at"])
        ]

    def may_come_up_later(self) -> bool:
        """Whether something is still looked for after all has come to rest."""
        return bool(_select(LATER))

    def breaches_at_the_end(self) -> Iterator[str]:
        """When nothing moves any more: one case for each form that was let go, or somebody knows why not."""
        at_aws = defaultdict(list)
        for case in self._aws.cases():
            at_aws[case.reference].append(case.case_id)
        for case in _select(CASES):
            found = at_aws.pop(case["reference"], [])
            told = {case["aws_case_id"], case["duplicate_aws_case_id"]}
            if found and case["aws_case_id"] is None:
                yield f"{case['reference']} is at AWS as {found[0]}, and the site does not know"
            if len(set(found) & told) < min(2, len(found)):
                yield f"I1 {case['reference']} has {len(found)} cases at AWS, and nobody is told of all"
        for reference in at_aws:
            yield f"{reference} at AWS belongs to no case"

    def next_instant(self, now: datetime) -> datetime | None:
        """The first time from now on that stands in the tables; None where there is none."""
        times = [_instant(text) for row in _select(TIMES) for text in row.values()]
        return min((at for at in times if at and at > now), default=None)


def _proven(attempt: dict[str, Any], looks: list[dict[str, Any]]) -> bool:
    bound = _instant(attempt["bound"])
    dates = [_instant(look["aws_date"]) for look in looks if look["submission_id"] == attempt["submission_id"]]
    dates = [date for date in dates if date and bound and date >= bound]
    return len(dates) >= 2 and dates[-1] - dates[0] >= APART


def _is_of(row: dict[str, Any], operation: str, body: bytes) -> bool:
    """Whether a request is this row's."""
    ours = {
        "support.CreateCase": "support_case",
        "support.ResolveCase": "support_resolve",
        "connectcases.CreateCase": "connect_case",
        "connectcases.BatchCreateRelatedItem": "connect_comment",
        "connectcases.CreateRelatedItem": "connect_file",
    }[operation]
    named = row["marker"].encode() in body if row["kind"] in OPENING else True
    return row["kind"] == ours and named


def _name(row: dict[str, Any]) -> str:
    return f"{row['subject']} ({row['kind']}, {row['reference']})"


def _instant(text: Any) -> datetime | None:
    if text is None:
        return None
    return (text if isinstance(text, datetime) else datetime.fromisoformat(str(text))).replace(tzinfo=UTC)


def _select(sql: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
