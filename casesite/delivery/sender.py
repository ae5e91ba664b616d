"""Bringing one claimed submission to AWS, in at most one request."""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F

from casesite import clock, failpoints, prepared
from casesite.aws import support
from casesite.aws.clients import boottime
from casesite.aws.errors import AwsError, Trace
from casesite.aws.requests import SupportCaseRequest
from casesite.catalog.models import SupportCatalog
from casesite.database import TROUBLE, write
from casesite.lookups.reading import target_of
from casesite.pacing import gate, times
from casesite.pacing.models import AccountGate, Mode
from casesite.submissions import proven, queue
from casesite.submissions.dry_runs import Said
from casesite.submissions.models import Kind, Submission
from casesite.submissions.payloads import BODY_LIMIT
from casesite.submissions.reasons import Reason
from casesite.submissions.states import StaleSubmission, State

from . import (
    claim,
    connect_search,
    connect_sending,
    doubt,
    dry_runs,
    journal,
    lanes,
    process,
    reconcile,
    report,
    resolving,
    uploads,
    watchdog,
)
from .models import Attempt, Outcome, Phase
from .persistence import persist
from .preparing import REASON_OF_GATE, LeaseLost, NotReady, Prepared, Stuck, Unfit, keys_for

logger = logging.getLogger(__name__)


def endpoint_name(service: str = "support") -> str:
    """Where requests go, as attempts record it. The simulator's port changes with each start, so it is named."""
    return "sandbox" if settings.SANDBOX else (settings.AWS_ENDPOINTS.get(service) or "aws")


def send(row: Submission) -> None:
    """Send a claimed row. The attempt is committed before the call, so a worker that dies mid-call leaves a trace."""
    with journal.about(row):
        _send(row)


def _send(row: Submission) -> None:
    try:
        prepared = _prepare(row)
        failpoints.reach("D")
        intent = _intend(row, prepared)
    except TROUBLE:
        # Whether the intent was committed is not known. Nothing was sent, and nothing will be.
        persist(lambda: _withdraw_intent(row))
        raise
    except NotReady as exc:
        claim.give_back(row, due_at=exc.due_at, reason=exc.reason, text=exc.text)
        return
    except Unfit as exc:
        _end_preparing(row, State.FAILED, exc.reason, str(exc))
        return
    except Stuck as exc:
        _end_preparing(row, State.NEEDS_ATTENTION, Reason.REFUSED_OFTEN, str(exc))
        return
    except LeaseLost:
        return
    if intent is None:
        return
    failpoints.reach("E")
    call(intent.attempt, intent.trace, prepared)


# --- before the intent: nothing here can make a case ------------------------------------------------------------------------
def _prepare(row: Submission) -> Prepared:
    if row.kind == Kind.SUPPORT_RESOLVE:
        return resolving.prepare(row)
    row.verify_first = doubt.bound_of(row)
    if row.verify_first or row.look_before_send:
        _look_first(row)
    if row.region:
        return connect_sending.prepare(row)
    request = SupportCaseRequest.from_params(row.payload)
    _check_choices(row, request)
    target = target_of(row.account)
    keys = keys_for(row, target)
    if dry_runs.is_due(row):
        _try_out(row)
        keys = keys_for(row, target)  # the dry run may have found that they ran out
    enclosed = uploads.bring(row, target, keys)
    request = replace(request, attachment_set_id=enclosed.attachment_set_id, upload_ids=enclosed.upload_ids)
    keys = keys_for(row, target)
    return Prepared(target, keys, partial(support.create_case, target, keys, request), enclosed.usable_until)


def _try_out(row: Submission) -> None:
    """A dry run. What AWS refuses for good goes no further; any other trouble stops nothing.

    The lease is held longer for it: scaled down, it may be shorter than a call takes.
    """
    lost = NotReady(clock.now(), Reason.CHANGED)  # giving back does nothing then
    if not claim.renew(row, timedelta(seconds=dry_runs.LONGEST)):
        raise lost
    result = dry_runs.try_out(row)
    if result and result.said == Said.REFUSED:
        raise Unfit(result.text, Reason.REFUSED)
    if (result and result.said == Said.OPENED) or not claim.renew(row):
        raise lost


def _look_first(row: Submission) -> None:
    """A person waived an earlier attempt of this case: search for it before anything is sent."""
    look_at = connect_search if row.region else reconcile
    result = look_at.look_before_sending(row)
    in_a_minute = clock.now() + times.scaled(times.MINUTE)
    if result.found:
        raise NotReady(in_a_minute, Reason.VERIFYING)  # it is delivered or cancelled by now: giving back does nothing
    if result.error:
        _note_cannot_look(row, result.error)
        raise NotReady(in_a_minute, Reason.VERIFYING, result.error)
    if row.verify_first and not (result.aws_date and result.aws_date >= row.verify_first):
        # AWS's clock decides, and it may be behind ours: then it is asked again, but not without a pause.
        after_bound = row.verify_first + times.SECOND
        raise NotReady(after_bound if after_bound > clock.now() else in_a_minute, Reason.VERIFYING)
    if not row.look_before_send and (left := doubt.searched_elsewhere(row)):
        _note_cannot_look(row, left)
        raise NotReady(in_a_minute, Reason.VERIFYING, left)
    with write():
        cleared = Submission.objects.filter(pk=row.pk, state=State.PREPARING, token=row.token).update(
            verify_first=None, look_before_send=False, unable_since=None
        )
        if cleared:
            doubt.clear_case(row)
    row.verify_first, row.look_before_send = None, False


def _note_cannot_look(row: Submission, text: str) -> None:
    """An hour of looks that fail brings the row before a person; it is not sent without one."""
    now = clock.now()
    since = row.unable_since or now
    with write():
        ours = Submission.objects.filter(pk=row.pk, state=State.PREPARING, token=row.token)
        if now - since < times.scaled(reconcile.CANNOT_LOOK):
            ours.update(unable_since=since)
            return
    _end_preparing(row, State.NEEDS_ATTENTION, Reason.CANNOT_LOOK, text)


_newest_sha256 = prepared.Rows(
    lambda account: (
        SupportCatalog.objects.filter(account_id=account).order_by("-seen_at", "-id").values_list("content_sha256")[:1]
    ),
    account=int,
)


def _check_choices(row: Submission, request: SupportCaseRequest) -> None:
    if len(request.communication_body) > BODY_LIMIT:
        raise Unfit(f"The description has {len(request.communication_body)} characters, AWS takes {BODY_LIMIT}.")
    if _newest_sha256(account=row.account_id) in ([], [(row.catalog_sha256,)]):
        return
    newest = SupportCatalog.objects.newest_of(row.account)
    assert newest is not None
    services = {service["code"]: service for service in newest.content["services"]}
    service = services.get(request.service_code)
    if service is None:
        raise Unfit(f"AWS no longer offers the service “{request.service_code}” to this account.")
    if request.category_code not in {category["code"] for category in service["categories"]}:
        raise Unfit(f"AWS no longer offers the category “{request.category_code}” for this service.")
    if request.severity_code not in {severity["code"] for severity in newest.content["severities"]}:
        raise Unfit(f"The account's plan no longer has the severity “{request.severity_code}”.")


def _end_preparing(row: Submission, to: State, reason: Reason, text: str) -> None:
    """Take a row out of preparation for good, where it is still ours: somebody may have cancelled it meanwhile."""
    with suppress(StaleSubmission):
        row.move(
            to,
            what=to,
            text=text,
            reason_code=reason,
            reason_text=text,
            lease_until=None,
            lease_by="",
            due_at=None,
        )


# --- the intent -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Intent:
    attempt: Attempt
    trace: Trace


def _intend(row: Submission, prepared: Prepared) -> Intent | None:
    """Commit that a request may leave from now on. None where the row was lost; then nothing may be sent."""
    started = Started()
    with write():
        now = clock.now()
        if prepared.usable_until and now > prepared.usable_until:
            raise NotReady(now, Reason.FILES_AGAIN)
        locked = claim.lock_gate(row.account_id, row.region)
        n = _next_number(row, now)
        _check_may_leave(row, now, locked)
        start = _start_opening if row.is_opening else _start_following
        if not start(pk=row.pk, token=row.token, until=now + times.sending_lease()):
            return None
        attempt = new_attempt(row, n, row.token + 1, now, prepared)
    return Intent(attempt, started.trace(row))


@dataclass(frozen=True)
class Started:
    """When an intent began, by the clocks that say how long its request may still leave."""

    boot: float = field(default_factory=boottime)
    wall: float = field(default_factory=time.time)

    def trace(self, row: Submission) -> Trace:
        seconds = times.send_window().total_seconds()
        by_boottime, by_wall = self.boot + seconds, self.wall + seconds
        return Trace(row.operation, send_by_boottime=by_boottime, send_by_wall=by_wall, on_sent=_in_flight)


def new_attempt(row: Submission, n: int, token: int, now: datetime, ready: Prepared) -> Attempt:
    """The row that says that a request may leave. Call it in the transaction that makes it so."""
    window = times.send_window()
    attempt = Attempt(
        submission=row,
        n=n,
        token=token,
        started_at=now,
        send_not_after=now + window,
        bound=now + window + reconcile.time_to_certainty(row),
        account_id_at_aws=ready.target.account_id,
        role_arn=ready.target.role_arn,
        endpoint=endpoint_name(lanes.api_of(row).family),
        access_key_id=ready.keys.access_key_id,
        payload_sha256=row.payload_sha256,
        worker=process.name(),
    )
    prepared.insert(attempt)
    return attempt


def _withdraw_intent(row: Submission) -> None:
    """Close an intent whose commit failed or is in doubt: not sent."""
    now = clock.now()
    with write():
        proven.locked(row.pk)
        doubtful = Attempt.objects.filter(
            submission=row, token=row.token + 1, worker=process.name(), phase=Phase.OPEN
        ).first()
        if doubtful:
            Attempt.objects.filter(pk=doubtful.pk).update(
                phase=Phase.CLOSED,
                outcome=Outcome.NOT_SENT,
                error_class="IntentInDoubt",
                error_text="The database did not confirm the intent, so nothing was sent.",
                closed_at=now,
            )
        ours = Submission.objects.filter(pk=row.pk, lease_by=process.name())
        for state, token in ((State.PREPARING, row.token), (State.SENDING, row.token + 1)):
            ours.filter(state=state, token=token).update(
                state=State.QUEUED,
                token=F("token") + 1,
                due_at=now,
                lease_until=None,
                lease_by="",
                reason_code=Reason.CHANGED,
            )
    if doubtful:
        journal.ended(doubtful, row, Outcome.NOT_SENT, error="IntentInDoubt")


def _starting(pk: UUID, token: int, until: datetime) -> tuple[Any, dict[str, Any]]:
    ours = Submission.objects.filter(pk=pk, state=State.PREPARING, token=token, verify_first=None)
    return ours, {"state": State.SENDING, "token": F("token") + 1, "claims": 0, "lease_until": until}


def _opening(pk: UUID, token: int, until: datetime) -> tuple[Any, dict[str, Any]]:
    """While a case has an AWS id, nothing opens it again; nor while it is in doubt whether it has one."""
    ours, fields = _starting(pk, token, until)
    return ours.filter(case__aws_case_id=None, case__verify_first=None), fields


_start_opening = prepared.Update(_opening, pk=UUID, token=int, until=datetime)
_start_following = prepared.Update(_starting, pk=UUID, token=int, until=datetime)
_attempts_of = prepared.Rows(
    lambda case: (
        Attempt.objects.filter(submission__case_id=case).order_by().values_list("submission_id", "n", "outcome")
    ),
    case=int,
)


def _next_number(row: Submission, now: datetime) -> int:
    """The number of the row's next attempt. Raises NotReady where an earlier one proves nothing, or success: of an opening
    those of the whole case count.
    """
    number = 1
    for submission_pk, n, outcome in _attempts_of(case=row.case_id):
        if outcome in ("", Outcome.UNKNOWN, Outcome.DONE) and (row.is_opening or submission_pk == row.pk):
            raise NotReady(now + times.scaled(times.MINUTE), Reason.CHANGED)
        if submission_pk == row.pk:
            number = max(number, n + 1)
    return number


def _check_may_leave(row: Submission, now: datetime, locked: AccountGate) -> None:
    """Gate and budget may have changed since the claim."""
    if row.kind == Kind.SUPPORT_CASE:
        budget = queue.budget_of(row.account, now)
        free_at = budget.free_at(now, urgent=row.is_urgent)
        if free_at > now:
            raise NotReady(free_at, Reason.QUOTA)
    if shut := gate.take(row.account_id, Mode.WRITE, read=locked, api=lanes.api_of(row), probing=bool(row.region)):
        raise NotReady(shut.until, REASON_OF_GATE[shut.because])


def _in_flight() -> None:
    failpoints.reach("F")


# --- the call and its report --------------------------------------------------------------------------------------------------
def call(attempt: Attempt, trace: Trace, prepared: Prepared) -> None:
    """Make the request of an intent, and write down what became of it."""
    started = time.monotonic()
    error: BaseException | None = None
    aws_case_id = ""
    with watchdog.watching(attempt.pk):
        try:
            aws_case_id = prepared.call(trace)
        except BaseException as exc:  # whatever it is, AWS may have the case: it is reported, then goes its way
            error = exc
    duration = timedelta(seconds=time.monotonic() - started)
    if aws_case_id:
        # Before the database: should it be away, the id is at least here.
        logger.info(
            "AWS opened the case" if attempt.submission.is_opening else "AWS added it to the case",
            extra={"submission": str(attempt.submission_id), "attempt": attempt.n, "aws_case": aws_case_id},
        )
    failpoints.reach("G")
    if trace.aws_date:
        process.note_clock((trace.aws_date - clock.now()).total_seconds())
    end = persist(lambda: report.finish(attempt, trace=trace, error=error, remote_id=aws_case_id, duration=duration))
    _tell_end(attempt, trace, error, aws_case_id, duration, end)
    for other in end.proved:
        journal.settled(other, end.row, Outcome.DONE, state=str(end.state), aws_case=aws_case_id, by="repeat")
    failpoints.reach("I")
    if error is not None and not isinstance(error, Exception):
        raise error


def _tell_end(
    attempt: Attempt, trace: Trace, error: BaseException | None, aws_case_id: str, duration: timedelta, end: report.End
) -> None:
    said = error if isinstance(error, AwsError) else None
    journal.ended(
        attempt,
        end.row,
        end.outcome,
        state=str(end.state),
        reason=str(end.reason),
        aws_case=aws_case_id,
        aws_request=trace.request_id or (said.request_id if said else ""),
        aws_code=said.code if said else "",
        http_status=said.http_status if said else None,
        error=(said.error_class if said else "") or (type(error).__name__ if error else ""),
        duration_ms=int(duration.total_seconds() * 1000),
    )
