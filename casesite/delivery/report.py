"""What an answer means: closes the attempt and moves the submission, in one transaction.

A lease decides who may send, not who may report: a success is merged whenever it comes, and so is a proven refusal of the
newest attempt.
"""

import logging
import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db.models import F

from casesite import clock, prepared
from casesite.aws.clients import Target, clients
from casesite.aws.errors import GONE, AwsError, Cause, NotSent, OutcomeUnknown, Refused, Trace
from casesite.database import write
from casesite.pacing import gate, times
from casesite.pacing.models import Mode
from casesite.submissions import companions, proven, queue, stage
from casesite.submissions.models import TOKEN_KINDS, Kind, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import FINAL, State

from . import lanes, reconcile
from .models import Attempt, Outcome, Phase, Watch

logger = logging.getLogger(__name__)
REFUSALS_ENOUGH = 8
REFUSED_LONG = timedelta(hours=24)
_NUMBERS = ("http_status", "duration_ms")  # of what is known of an attempt's end; the rest are words
_INSTANTS = ("signed_at", "bound", "closed_at")
UPLOADED_ANEW = 2  # times, where AWS no longer knows the files
SERVICE_QUOTA = timedelta(minutes=15)  # until AWS is asked again whether it takes more Connect cases
ELSEWHERE_OPENED = timedelta(minutes=10)  # AWS counts more cases than we do: somebody opens them by hand


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """Where a submission goes after an attempt that did not succeed."""

    outcome: Outcome
    to: State
    reason: Reason
    due_at: datetime | None = None
    counts: bool = False  # toward the refusals after which a person is asked
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """What a report came to, for the log: the attempt's outcome, and where its submission stands."""

    row: Submission
    outcome: str
    state: str
    reason: str = ""
    proved: list[Attempt] = field(default_factory=list)  # earlier ones, by the same answer


def finish(attempt: Attempt, *, trace: Trace, error: BaseException | None, remote_id: str, duration: timedelta) -> End:
    """Store the end of an attempt. Safe to repeat: a second report of the same end changes nothing."""
    with write():
        row = proven.locked(attempt.submission_id)
        if error is None:
            _close(attempt, Outcome.DONE, trace, None, duration, remote_id)
            gate.went_well(row.account_id, Mode.WRITE, lanes.api_of(row))
            others = _same_request_proven(row, remote_id)
            prove = (
                proven.record_case(row.pk, remote_id, row=row) if row.is_opening else proven.record_done(row, remote_id)
            )
            return End(row, Outcome.DONE, prove, proved=others)
        known = Attempt.objects.values_list("outcome", flat=True).get(pk=attempt.pk)
        if _tells_more(known, error):
            consequence = _consequence(row, attempt, error)
            if _close(attempt, consequence.outcome, trace, error, duration, ""):
                return End(row, consequence.outcome, *_move(row, attempt, consequence, error))
        return End(row, known, row.state, row.reason_code)


def _same_request_proven(row: Submission, remote_id: str) -> list[Attempt]:
    """Repeats of one client token are one request: what proves one of them proves all. Returns the others."""
    if row.kind not in TOKEN_KINDS:
        return []
    others = list(unknown := row.attempts.filter(outcome=Outcome.UNKNOWN))
    unknown.update(outcome=Outcome.DONE, remote_id=remote_id)
    return others


def _tells_more(known: str, error: BaseException) -> bool:
    """Whether an end without success is news: nothing is known yet, or only that nothing was proven."""
    return known == "" or (known == Outcome.UNKNOWN and isinstance(error, NotSent | Refused))


def _close(
    attempt: Attempt, outcome: Outcome, trace: Trace, error: BaseException | None, duration: timedelta, remote_id: str
) -> bool:
    """Close the attempt, or better an unknown one. False where it is closed for good already."""
    known: dict[str, Any] = {}
    if isinstance(error, AwsError):
        known = {
            "error_class": error.error_class,
            "error_text": error.text[:2000],
            "aws_code": error.code[:80],
            "http_status": error.http_status,
            "request_id": error.request_id[:100],
        }
    elif error is not None:
        known = {"error_class": type(error).__name__, "error_text": str(error)[:2000]}
    if trace.request_id:
        known["request_id"] = trace.request_id[:100]
    if trace.signed_at:
        known |= {"signed_at": trace.signed_at, "invocation_id": trace.invocation_id[:60]}
        if not attempt.submission.region:  # of Connect it is counted from the intent: no signature decides there
            known["bound"] = trace.signed_at + reconcile.time_to_certainty(attempt.submission)
    known |= {
        "outcome": str(outcome),
        "remote_id": remote_id,
        "duration_ms": int(duration.total_seconds() * 1000),
        "closed_at": clock.now(),
    }
    return bool(_closing(outcome, tuple(sorted(known)))(pk=attempt.pk, **known))


@cache
def _closing(outcome: Outcome, names: tuple[str, ...]) -> prepared.Update:
    """The statement that closes an attempt with that outcome where it is still open to one."""

    def build(pk: int, **known: Any) -> tuple[Any, dict[str, Any]]:
        attempts = Attempt.objects.filter(pk=pk)
        if outcome == Outcome.DONE:
            attempts = attempts.exclude(outcome=Outcome.DONE)  # absent and waived give way to a fact
        elif outcome == Outcome.UNKNOWN:
            attempts = attempts.filter(phase=Phase.OPEN)
        else:
            attempts = attempts.filter(outcome__in=("", Outcome.UNKNOWN))
        return attempts, {"phase": Phase.CLOSED, **known}

    kinds = {name: int if name in _NUMBERS else datetime if name in _INSTANTS else str for name in names}
    return prepared.Update(build, pk=int, **kinds)


def _move(row: Submission, attempt: Attempt, consequence: Consequence, error: BaseException) -> tuple[str, str]:
    """Carry out a consequence where the submission still stands on this attempt; returns its state and reason."""
    if row.state not in (State.SENDING, State.UNKNOWN) or not _is_newest(row, attempt):
        return row.state, row.reason_code
    if _is_repeat(row, attempt):
        return row.state, row.reason_code
    to, reason = consequence.to, consequence.reason
    if row.state == to:
        return row.state, row.reason_code
    if to == State.QUEUED and row.is_opening and row.case.aws_case_id:
        to, reason = State.CANCELLED, Reason.ALREADY_OPEN
    now = clock.now()
    text = error.text if isinstance(error, AwsError) else ""
    fields = dict(consequence.fields)
    if consequence.counts:
        fields |= {"refusals": row.refusals + 1, "first_refused_at": row.first_refused_at or now}
        if to == State.QUEUED and _refused_enough(row, now):
            to, reason = State.NEEDS_ATTENTION, Reason.REFUSED_OFTEN
    was = row.state
    Submission.objects.filter(pk=row.pk, token=row.token).update(
        state=to,
        token=F("token") + 1,
        lease_until=None,
        lease_by="",
        due_at=None if to in FINAL or to == State.NEEDS_ATTENTION else consequence.due_at,
        reason_code=reason,
        reason_text=text[:2000],
        **fields,
    )
    if to not in (State.QUEUED,) or consequence.counts:
        row.case.events.create(at=now, what=to, was=was, became=to, text=text[:2000], submission_id=row.pk)
    if to == State.UNKNOWN:
        Watch.over(row)
    if to in FINAL:
        stage.recompute(row.case_id)
        if row.is_companion:
            companions.let_go(row.case, now)
    return to, reason


def _is_newest(row: Submission, attempt: Attempt) -> bool:
    return not Attempt.objects.filter(submission=row, n__gt=attempt.n).exists()


def _is_repeat(row: Submission, attempt: Attempt) -> bool:
    """Whether an earlier sending of the same Connect request is unknown: a refusal of its repeat proves nothing about it."""
    return row.kind in TOKEN_KINDS and row.attempts.filter(n__lt=attempt.n, outcome=Outcome.UNKNOWN).exists()


def _refused_enough(row: Submission, now: datetime) -> bool:
    since = row.first_refused_at or now
    return row.refusals + 1 >= REFUSALS_ENOUGH or now - since >= times.scaled(REFUSED_LONG)


def _consequence(row: Submission, attempt: Attempt, error: BaseException) -> Consequence:
    if isinstance(error, NotSent):
        return _not_sent(row, error)
    if isinstance(error, Refused):
        return _refused(row, attempt, error)
    if _aws_fails(error):
        gate.unreachable(row.account_id, Mode.WRITE, str(error) or type(error).__name__, lanes.api_of(row))
    answered = isinstance(error, OutcomeUnknown) and error.http_status is not None
    return Consequence(
        outcome=Outcome.UNKNOWN,
        to=State.UNKNOWN,
        reason=Reason.UNCLEAR if answered else Reason.NO_ANSWER,
        due_at=clock.now() + times.scaled(reconcile.first_look(row)),
    )


def _aws_fails(error: BaseException) -> bool:
    """Whether an unclear end counts for the circuit: AWS is silent or failing. That our own process ends is not its fault."""
    if not isinstance(error, OutcomeUnknown):
        return False
    status = error.http_status
    return status is None or status == 408 or not 400 <= status < 500


def _not_sent(row: Submission, error: NotSent) -> Consequence:
    account, now, api = row.account_id, clock.now(), lanes.api_of(row)
    if error.cause == Cause.INVALID:
        return Consequence(outcome=Outcome.NOT_SENT, to=State.FAILED, reason=Reason.INVALID)
    if error.cause == Cause.TOO_LATE:
        return Consequence(outcome=Outcome.NOT_SENT, to=State.QUEUED, reason=Reason.CHANGED, due_at=now, counts=True)
    if error.cause == Cause.CONNECTION:
        gate.unreachable(account, Mode.WRITE, error.text, api)
        reason = Reason.CONNECTION
    elif error.cause == Cause.CERTIFICATE:
        gate.access_refused(account, Mode.WRITE, error.text, api)  # no matter of waiting: somebody has to mend it
        reason = Reason.CONNECTION
    else:
        gate.access_refused(account, Mode.WRITE, error.text, api)
        reason = Reason.CREDENTIALS
    due_at = next_attempt_at(row.refusals + 1, now)
    return Consequence(outcome=Outcome.NOT_SENT, to=State.QUEUED, reason=reason, due_at=due_at, counts=True)


def _refused(row: Submission, attempt: Attempt, error: Refused) -> Consequence:
    account, now, again, api = row.account_id, clock.now(), Outcome.REFUSED_RETRY, lanes.api_of(row)
    if not error.again:
        if error.cause == Cause.OUR_BUG:
            gate.stop_for_bug(account, Mode.WRITE, error.text, api)
            logger.critical("a real send was refused as a dry run", extra={"submission": str(row.pk)})
            return Consequence(outcome=Outcome.REFUSED_FINAL, to=State.FAILED, reason=Reason.OUR_BUG)
        gate.went_well(account, Mode.WRITE, api)
        return Consequence(outcome=Outcome.REFUSED_FINAL, to=State.FAILED, reason=Reason.REFUSED)
    if error.cause == Cause.THROTTLED:
        until = gate.slow_down(account, Mode.WRITE, error.text, api)
        return Consequence(outcome=again, to=State.QUEUED, reason=Reason.THROTTLED, due_at=until)
    if error.cause == Cause.QUOTA and row.region:
        until = now + times.scaled(SERVICE_QUOTA)
        gate.hold(account, until, error.text, api)
        return Consequence(outcome=again, to=State.QUEUED, reason=Reason.SERVICE_QUOTA, due_at=until)
    if error.cause == Cause.QUOTA:
        until = _hour_frees_up(row, attempt, now)
        gate.hold(account, until, error.text)
        return Consequence(outcome=again, to=State.QUEUED, reason=Reason.QUOTA, due_at=until)
    if error.cause == Cause.CLOCK:
        due_at = next_attempt_at(row.refusals + 1, now)
        return Consequence(outcome=again, to=State.QUEUED, reason=Reason.CLOCK, due_at=due_at, counts=True)
    if error.cause == Cause.NOT_VISIBLE:
        due_at = next_attempt_at(row.refusals + 1, now)
        return Consequence(outcome=again, to=State.QUEUED, reason=Reason.NOT_VISIBLE, due_at=due_at, counts=True)
    if error.cause == Cause.ATTACHMENT:
        return _files_gone(row, attempt)
    if error.cause == Cause.ACCESS and row.kind == Kind.SUPPORT_RESOLVE:
        # The role may be from before this was asked of it: that is no reason to keep the account's cases from going out.
        return Consequence(outcome=Outcome.REFUSED_FINAL, to=State.FAILED, reason=Reason.REFUSED_RESOLVE)
    clients.forget_keys(Target(attempt.account_id_at_aws, attempt.role_arn, row.account.external_id))
    if error.cause == Cause.EXPIRED and not _expired_before(row, attempt):
        return Consequence(outcome=again, to=State.QUEUED, reason=Reason.CREDENTIALS, due_at=now, counts=True)
    probed = gate.is_probed(account, Mode.WRITE, api)
    gate.access_refused(account, Mode.WRITE, error.text, api)
    due_at = next_attempt_at(row.refusals + 1, now)
    return Consequence(outcome=again, to=State.QUEUED, reason=Reason.ACCESS, due_at=due_at, counts=not probed)


def _files_gone(row: Submission, attempt: Attempt) -> Consequence:
    """AWS no longer knows the files that were uploaded for it: they are uploaded anew, twice at most."""
    gate.went_well(row.account_id, Mode.WRITE)
    if row.attempts.filter(n__lt=attempt.n, aws_code__in=GONE).count() >= UPLOADED_ANEW:
        return Consequence(outcome=Outcome.REFUSED_FINAL, to=State.FAILED, reason=Reason.FILE_REFUSED)
    return Consequence(
        outcome=Outcome.REFUSED_RETRY, to=State.QUEUED, reason=Reason.FILES_AGAIN, due_at=clock.now(), counts=True
    )


def _hour_frees_up(row: Submission, attempt: Attempt, now: datetime) -> datetime:
    """Until the oldest counted case leaves the hour; where we count fewer than the limit, others open cases too."""
    budget = queue.budget_of(row.account, now)
    budget = replace(  # this attempt opened nothing
        budget,
        ordinary=tuple(at for at in budget.ordinary if at != attempt.started_at),
        urgent=tuple(at for at in budget.urgent if at != attempt.started_at),
    )
    if budget.used < budget.limit:
        return now + times.scaled(ELSEWHERE_OPENED)
    return budget.free_at(now, urgent=True)


def _expired_before(row: Submission, attempt: Attempt) -> bool:
    last = Attempt.objects.filter(submission=row, n=attempt.n - 1).first()
    return last is not None and last.aws_code.startswith("ExpiredToken")


def next_attempt_at(failures: int, now: datetime) -> datetime:
    """When to try again after `failures` proven failures in a row.

    Between now and 2^failures minutes, at most 1 hour: full jitter, so that workers do not return in step.
    """
    longest = min(60, 2 ** min(failures, 6))
    return now + times.scaled(timedelta(minutes=random.uniform(0, longest)))
