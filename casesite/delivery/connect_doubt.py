"""A Connect case whose opening is not proven: the same request again, under its one client token, then a search.

Only success tells anything of a repeat: AWS then has the case, this one or the one it made before. A refusal proves
nothing, as it may be about the repeat alone. AWS does not say how long it remembers a token, so repeats end after half an
hour. Then the case is searched for by its tag; where nothing is found a person decides, nothing is sent again by itself.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, Q

from casesite import clock, failpoints, prepared
from casesite.aws.errors import AwsError
from casesite.cases.models import Case
from casesite.database import write
from casesite.pacing import gate, times
from casesite.pacing.models import Mode
from casesite.submissions import proven
from casesite.submissions.models import TOKEN_KINDS, Kind, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State

from . import connect_sending, journal, lanes, process, reconcile, sender
from .connect_search import Seen, search_own, take_found
from .models import Attempt, Look, LookResult, Outcome, Phase
from .preparing import NotReady, Prepared

logger = logging.getLogger(__name__)
REPEATS = (
    *(timedelta(seconds=seconds) for seconds in (5, 15, 60)),
    *(timedelta(minutes=minutes) for minutes in (5, 10, 15, 20, 25, 30)),
)
CONFLICT = "Conflict"  # the token is known with other content, or is being worked on: it has to be looked for
TO_FIND = timedelta(minutes=5)  # between searches that can't count yet


def due_rows(account_pk: int, region: str, now: datetime) -> Any:
    """Rows of a lane whose outcome is not known and for which something is due."""
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Submission.objects.filter(
        free, account_id=account_pk, region=region, state__in=reconcile.LOOKED_FOR, due_at__lte=now
    )


_is_due = prepared.Rows(
    lambda account, region, now: due_rows(account, region, now).values_list("pk")[:1],
    account=int,
    region=str,
    now=datetime,
)


def look(account_pk: int, region: str) -> bool:
    """Repeat or search for one due row of the lane. False where none was due."""
    if not _is_due(account=account_pk, region=region, now=clock.now()):
        return False
    doubt = _claim(account_pk, region)
    if doubt is None:
        return False
    with journal.about(doubt.row):
        _pursue(doubt)
    return True


def _pursue(doubt: "Doubt") -> None:
    failpoints.reach("H")
    here = sender.endpoint_name(lanes.CONNECT)
    if doubt.newest.endpoint != here:
        text = f"It was sent to {doubt.newest.endpoint}, this site now talks to {here}."
        reconcile.store_error(doubt.row, doubt.newest, text)
    elif doubt.may_repeat:
        _repeat(doubt)
    else:
        _search_for(doubt.row, doubt.newest)


@dataclass(frozen=True)
class Doubt:
    """A row with the first and the newest of its attempts that prove nothing."""

    row: Submission
    first: Attempt
    newest: Attempt

    @property
    def may_repeat(self) -> bool:
        """Whether AWS can be trusted to know the token still. Nothing is repeated for a person who took the row over."""
        over = self.first.started_at + times.scaled(REPEATS[-1]) + times.SECOND
        row = self.row
        open_already = row.is_opening and row.case.aws_case_id is not None
        return row.kind in TOKEN_KINDS and row.state == State.UNKNOWN and not open_already and clock.now() <= over

    @property
    def next_repeat(self) -> datetime | None:
        now = clock.now()
        planned = (self.first.started_at + times.scaled(after) for after in REPEATS)
        return next((at for at in planned if at > now), None)


def _claim(account_pk: int, region: str) -> Doubt | None:
    """The next due row under a lease that outlasts a call. What a worker left open in it is closed: nothing is proven."""
    with write():
        now = clock.now()
        due = due_rows(account_pk, region, now).select_related("account", "case").order_by("due_at")
        row = due.select_for_update(of=("self",), skip_locked=True).first()
        if row is None:
            return None
        until = now + times.sending_lease()
        taken = Submission.objects.filter(pk=row.pk, state=row.state, token=row.token).update(
            token=F("token") + 1, lease_until=until, lease_by=process.name()
        )
        if not taken:
            return None
        row.token, row.lease_until, row.lease_by = row.token + 1, until, process.name()
        left_open = list(row.attempts.filter(phase=Phase.OPEN))
        row.attempts.filter(phase=Phase.OPEN).update(
            phase=Phase.CLOSED, outcome=Outcome.UNKNOWN, error_class="WorkerLost", closed_at=now
        )
        unknown = list(row.attempts.filter(outcome=Outcome.UNKNOWN).order_by("n"))
        if not unknown:
            _nothing_left_to_prove(row, now)
            return None
    for attempt in left_open:
        journal.ended(attempt, row, Outcome.UNKNOWN, error="WorkerLost", state=str(row.state))
    return Doubt(row, unknown[0], unknown[-1])


def _nothing_left_to_prove(row: Submission, now: datetime) -> None:
    """A late refusal of the first sending, after its repeat was refused too, moves no row: a person decides then."""
    if row.state == State.UNKNOWN:
        text = row.attempts.latest("n").error_text[:2000]
        refused = {"reason_code": Reason.REFUSED_OFTEN, "reason_text": text}
        reconcile.settle_unknown(row, State.NEEDS_ATTENTION, now, due_at=None, **refused)
    else:
        Submission.objects.filter(pk=row.pk, token=row.token).update(due_at=None, lease_until=None, lease_by="")


# --- the same request again --------------------------------------------------------------------------------------------
def _repeat(doubt: Doubt) -> None:
    row = doubt.row
    try:
        request = connect_sending.request_of(row)
        intent = _intend(row, request)
    except NotReady as exc:
        _release(row, _not_before(doubt, exc.due_at))
        return
    if intent is None:
        return
    failpoints.reach("E")
    sender.call(intent.attempt, intent.trace, request)
    row.refresh_from_db(fields=["state", "token", "unable_since"])
    if row.state != State.UNKNOWN:
        return
    intent.attempt.refresh_from_db()
    if intent.attempt.aws_code.startswith(CONFLICT):
        _search_for(row, intent.attempt)
    else:
        _release(row, doubt.next_repeat or clock.now() + times.scaled(times.MINUTE))


def _intend(row: Submission, request: Prepared) -> sender.Intent | None:
    """Commit one more attempt of a row that stays unknown. None where the row was lost, or its case is open by now.

    Raises NotReady where the lane's gate lets nothing out.
    """
    started = sender.Started()
    with write():
        now = clock.now()
        case = Case.objects.select_for_update().get(pk=row.case_id)
        if row.is_opening and case.aws_case_id:
            reconcile.release(row, now)  # the next look ends it
            return None
        ours = Submission.objects.filter(pk=row.pk, state=State.UNKNOWN, token=row.token)
        if not ours.update(lease_until=now + times.sending_lease()):
            return None
        if shut := gate.take(row.account_id, Mode.WRITE, api=lanes.api_of(row), probing=True):
            raise NotReady(shut.until, Reason.PACE)
        number = row.attempts.aggregate(n=Max("n"))["n"] + 1
        attempt = sender.new_attempt(row, number, row.token, now, request)
    return sender.Intent(attempt, started.trace(row))


def _not_before(doubt: Doubt, at: datetime) -> datetime:
    """When to go on where a repeat can't be made before `at`: the repeats' own times go on meanwhile."""
    return max(at, doubt.next_repeat or at)


def _release(row: Submission, due_at: datetime) -> None:
    with write():
        reconcile.release(row, due_at)


# --- searching ----------------------------------------------------------------------------------------------------------
def _search_for(row: Submission, newest: Attempt) -> None:
    try:
        seen = search_own(row)
    except (AwsError, gate.GateClosed) as exc:
        reconcile.note_trouble(row.account_id, exc, lanes.api_of(row))
        reconcile.store_error(row, newest, getattr(exc, "text", str(exc)))
        return
    with write():
        gate.went_well(row.account_id, Mode.READ, lanes.api_of(row))
    if found := seen.by_marker.get(row.marker):
        _store_found(row, newest, found, seen)
    else:
        _store_absent(row, newest, seen)


def _store_found(row: Submission, newest: Attempt, found: list[str], seen: Seen) -> None:
    now, first = clock.now(), found[0]
    with write():
        _note(row, newest, seen, LookResult.FOUND, remote_id=first)
        if row.is_companion:
            proved, state = take_found(row, first), State.DELIVERED
        else:
            proven.locked(row.pk)
            proved = list(unknown := row.attempts.filter(outcome=Outcome.UNKNOWN))
            unknown.update(outcome=Outcome.DONE, remote_id=first, closed_at=now)
            state = proven.record_case(row.pk, first)
    for attempt in proved:
        known = {} if row.is_companion else {"aws_case": first}
        journal.settled(attempt, row, Outcome.DONE, state=str(state), by="look", **known)
    if row.is_companion:
        return
    for second in found[1:]:
        proven.record_case(row.pk, second)


def _store_absent(row: Submission, newest: Attempt, seen: Seen) -> None:
    now, absent = clock.now(), list[Attempt]()
    newest.submission = row
    with write():
        case = proven.locked(row.pk).case
        counts = seen.aws_date is not None and seen.aws_date >= newest.bound
        _note(row, newest, seen, LookResult.ABSENT, counts=counts)
        counted = reconcile.counted_looks(newest)
        if row.state == State.NEEDS_ATTENTION:
            reconcile.release(row, now + times.scaled(reconcile.HOURLY))
        elif counted < reconcile.NEEDED:
            reconcile.release(row, _next_look(newest, now), unable_since=None)
        elif row.is_opening and case.aws_case_id:
            gone = {"due_at": None, "reason_code": Reason.ALREADY_OPEN}
            if reconcile.settle_unknown(row, State.CANCELLED, now, **gone):
                absent = list(unknown := row.attempts.filter(outcome=Outcome.UNKNOWN))
                unknown.update(outcome=Outcome.ABSENT)
        elif row.kind == Kind.CONNECT_FILE and row.resends == 0:
            again = {"due_at": now, "reason_code": Reason.NOT_FOUND, "resends": F("resends") + 1}
            if reconcile.settle_unknown(row, State.QUEUED, now, **again):
                absent = list(unknown := row.attempts.filter(outcome=Outcome.UNKNOWN))
                unknown.update(outcome=Outcome.ABSENT)
        else:
            _ask_a_person(row, newest, now)
    for attempt in absent:
        journal.settled(attempt, row, Outcome.ABSENT, by="look")


def _ask_a_person(row: Submission, newest: Attempt, now: datetime) -> None:
    reconcile.settle_unknown(
        row,
        State.NEEDS_ATTENTION,
        now,
        due_at=now + times.scaled(reconcile.HOURLY),
        reason_code=Reason.NOT_FOUND_REPEATED,
        reason_text=newest.error_text[:2000],
    )


def _next_look(newest: Attempt, now: datetime) -> datetime:
    """When to search again: to find until the bound, from there on to conclude. AWS's Date header counts whole seconds."""
    at_bound = newest.bound + times.SECOND
    if now < at_bound:
        return min(now + times.scaled(TO_FIND), at_bound)
    return now + times.scaled(reconcile.APART) + times.SECOND


def _note(row: Submission, newest: Attempt | None, seen: Seen, result: LookResult, **known: Any) -> None:
    Look.objects.create(
        submission=row,
        attempt=newest,
        at=clock.now(),
        bound=newest.bound if newest else clock.now(),
        aws_date=seen.aws_date,
        pages=seen.pages,
        result=result,
        **known,
    )
