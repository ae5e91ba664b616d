"""Looking whether a lost answer took effect. An unknown outcome is never sent again, it is looked up.

A found case counts at any time. That nothing was found counts only when the request can no longer arrive at AWS and would
be visible if it had: when the Date header of the look's own answer has reached the attempt's bound.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Prefetch, Q

from casesite import clock, failpoints, prepared
from casesite.aws import support
from casesite.aws.clients import Target
from casesite.aws.errors import AwsError, Cause, Refused
from casesite.aws.support import FoundCase
from casesite.cases.models import Case
from casesite.database import write
from casesite.lookups.reading import target_of
from casesite.pacing import bell, gate, times
from casesite.pacing.models import Mode
from casesite.submissions import marker as markers
from casesite.submissions import proven, stage
from casesite.submissions.models import Kind, Submission
from casesite.submissions.reasons import Reason
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount, UnknownPolicy

from . import journal, process
from .models import Attempt, Look, LookResult, Outcome

logger = logging.getLogger(__name__)

FIRST_LOOKS = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 120, 240, 480))
CONNECT_FIRST = timedelta(seconds=5)  # then the same request is sent again
CONNECT_INDEX = timedelta(minutes=10)  # behind which Connect's search may be
APART = timedelta(seconds=60)  # between two looks that count, and between tries while none can
AT_ONCE = 50  # rows that one search serves
NEEDED = 2  # counted looks that found nothing
LOOK_BACK = timedelta(minutes=15)  # before the attempt, against clocks that differ
CANNOT_LOOK = timedelta(hours=1)
HOURLY = timedelta(hours=1)
LOOKED_FOR = (State.UNKNOWN, State.NEEDS_ATTENTION)
READ_AGAIN = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600))


def time_to_certainty(row: Submission) -> timedelta:
    """From the signature to the instant from which a look that finds nothing counts.

    Of Support it proves that there is nothing. Connect's index may lag for longer than anybody says: nothing is sent
    again there, a person decides.
    """
    if row.kind == Kind.CONNECT_FILE:  # it has no token: what is sent again must not arrive twice
        return times.validity(urgent=False) + times.bound_of(CONNECT_INDEX)
    if row.region:
        return times.bound_of(CONNECT_INDEX)
    urgent = row.is_urgent and row.hurried_at is None  # what a lead lets go before its turn is no more urgent to us
    return times.validity(urgent=urgent) + times.visibility()


def first_look(row: Submission) -> timedelta:
    """How long after an unclear end something is done about it."""
    return CONNECT_FIRST if row.region else FIRST_LOOKS[0]


def next_look_at(attempt: Attempt, counted: int, now: datetime) -> datetime:
    """When to look again: early to find, from the bound on to conclude."""
    for after in FIRST_LOOKS:
        at = attempt.started_at + times.scaled(after)
        if now < at < attempt.bound:
            return at
    # AWS's Date header counts whole seconds: a look right at the bound would be a moment too early.
    at_bound = attempt.bound + times.SECOND
    if now < at_bound:
        return at_bound
    return now + times.scaled(APART) if counted == 0 else now + times.scaled(APART) + times.SECOND


# --- the looks that are due ----------------------------------------------------------------------------------------------------
def due_looks(account_pk: int, now: datetime) -> Any:
    """Rows of the account whose outcome is not known and whose next look has come."""
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Submission.objects.filter(
        free, account_id=account_pk, kind=Kind.SUPPORT_CASE, state__in=LOOKED_FOR, due_at__lte=now
    )


_look_is_due = prepared.Rows(
    lambda account, now: due_looks(account, now).values_list("pk")[:1], account=int, now=datetime
)


def look(account_pk: int) -> bool:
    """Look for all of an account's due rows with one search. False where none was due."""
    from .sender import endpoint_name  # the sender looks too: before it sends again

    if not _look_is_due(account=account_pk, now=clock.now()):
        return False
    claimed = _claim_looks(account_pk)
    if not claimed:
        return False
    failpoints.reach("H")
    here = [(row, attempt) for row, attempt in claimed if attempt.endpoint == endpoint_name()]
    elsewhere = [pair for pair in claimed if pair not in here]
    for row, attempt in elsewhere:
        store_error(row, attempt, f"It was sent to {attempt.endpoint}, this site now talks to {endpoint_name()}.")
    if here:
        _look_for(here, target_of(here[0][0].account))
    return True


def _claim_looks(account_pk: int) -> list[tuple[Submission, Attempt]]:
    claimed = []
    with write():
        now = clock.now()
        unknown = Prefetch("attempts", Attempt.objects.filter(outcome=Outcome.UNKNOWN).order_by("n"), to_attr="unknown")
        due = due_looks(account_pk, now).select_related("account", "case").prefetch_related(unknown)
        for row in due[:AT_ONCE]:
            attempt = row.unknown[-1] if row.unknown else None
            if attempt is None:  # taken over by a person with nothing left to prove
                Submission.objects.filter(pk=row.pk, token=row.token).update(due_at=None)
                continue
            taken = Submission.objects.filter(pk=row.pk, state=row.state, token=row.token).update(
                token=F("token") + 1, lease_until=now + times.look_lease(), lease_by=process.name()
            )
            if taken:
                row.token += 1
                claimed.append((row, attempt))
    return claimed


def _look_for(pairs: list[tuple[Submission, Attempt]], target: Target) -> None:
    rows = [row for row, _attempt in pairs]
    try:
        seen = search(target, rows, after=min(attempt.started_at for _row, attempt in pairs) - LOOK_BACK)
    except (AwsError, gate.GateClosed) as exc:
        note_trouble(rows[0].account_id, exc)
        for row, attempt in pairs:
            store_error(row, attempt, getattr(exc, "text", str(exc)))
        return
    with write():
        gate.went_well(rows[0].account_id, Mode.READ)
    for row, attempt in pairs:
        if found := seen.of(row):
            _store_found(row, attempt, found, seen)
        else:
            _store_absent(row, attempt, seen)


@dataclass(frozen=True)
class Seen:
    """What a search brought, by valid marker. `aws_date` is AWS's clock at its first answer."""

    aws_date: datetime | None
    pages: int
    by_marker: dict[str, list[FoundCase]] = field(default_factory=dict)
    unmarked: tuple[FoundCase, ...] = ()

    def of(self, row: Submission) -> list[FoundCase]:
        """The cases that carry the row's marker, the oldest first."""
        return self.by_marker.get(row.marker, [])

    def candidates(self, row: Submission) -> list[dict[str, Any]]:
        """Cases with the row's subject and codes but without a marker: shown to a person, never adopted."""
        sent = row.payload
        return [
            {
                "case_id": case.case_id,
                "display_id": case.display_id,
                "subject": case.subject,
                "status": case.status,
                "created_at": case.created_at.isoformat() if case.created_at else "",
            }
            for case in self.unmarked
            if (case.subject, case.service_code, case.category_code)
            == (sent["subject"], sent["serviceCode"], sent["categoryCode"])
        ]


def search(target: Target, rows: Iterable[Submission], *, after: datetime) -> Seen:
    """Search the account for cases opened after an instant: once without a language and once with each one sent.

    Raises AwsError or GateClosed; then nothing that was read counts.
    """
    rows = list(rows)
    return search_account(
        rows[0].account_id,
        target,
        subjects={row.payload["subject"] for row in rows},
        languages=sorted({row.payload["language"] for row in rows}),
        after=after,
    )


def search_account(
    account_pk: int,
    target: Target,
    *,
    subjects: set[str],
    languages: Iterable[str],
    after: datetime,
    read_all: bool = False,
) -> Seen:
    """The same for subjects and languages; `read_all` reads the first communication of every case, whatever its subject."""
    found: dict[str, FoundCase] = {}
    dates, pages = [], 0
    for language in (None, *languages):
        gate.wait_for_read(account_pk)
        part = support.search_cases(
            target,
            after=after,
            subjects=subjects,
            language=language,
            is_marked=lambda body: markers.in_body(body) is not None,
            read_all=read_all,
        )
        pages += part.pages
        dates.append(part.aws_date)
        found |= {case.case_id: case for case in part.cases}
    by_marker: dict[str, list[FoundCase]] = {}
    unmarked = []
    for case in sorted(found.values(), key=lambda case: (case.created_at is None, case.created_at)):
        marker = markers.in_body(case.first_body) if case.first_body else None
        if marker:
            by_marker.setdefault(marker, []).append(case)
        else:
            unmarked.append(case)
    known = [date for date in dates if date]
    if known:
        process.note_clock((max(known) - clock.now()).total_seconds())
    # The earliest answer decides: what a later page shows may be newer, what an earlier one lacked may not.
    aws_date = min(known) if len(known) == len(dates) else None
    return Seen(aws_date, pages, by_marker, tuple(unmarked))


def note_trouble(account_pk: int, exc: Exception, api: gate.Api = gate.SUPPORT) -> None:
    """Tell the lane's read gate how a look failed. That AWS does not show something yet is no trouble of the account's."""
    if isinstance(exc, gate.GateClosed) or (isinstance(exc, Refused) and exc.cause == Cause.INVALID):
        return
    with write():
        if isinstance(exc, Refused) and exc.cause == "throttled":
            gate.slow_down(account_pk, Mode.READ, str(exc), api)
        elif isinstance(exc, Refused):
            gate.access_refused(account_pk, Mode.READ, str(exc), api)
        else:
            gate.unreachable(account_pk, Mode.READ, str(exc), api)


# --- what a look means -------------------------------------------------------------------------------------------------------------
def _store_found(row: Submission, attempt: Attempt, found: list[FoundCase], seen: Seen) -> None:
    first = found[0]
    with write():
        proven.locked(row.pk)
        Look.objects.create(
            submission=row,
            attempt=attempt,
            at=clock.now(),
            bound=attempt.bound,
            aws_date=seen.aws_date,
            pages=seen.pages,
            result=LookResult.FOUND,
            remote_id=first.case_id,
        )
        proved = Attempt.objects.filter(pk=attempt.pk, outcome__in=("", Outcome.UNKNOWN)).update(
            phase="closed", outcome=Outcome.DONE, remote_id=first.case_id, closed_at=clock.now()
        )
        state = proven.record_case(row.pk, first.case_id)
    if proved:
        journal.settled(attempt, row, Outcome.DONE, state=str(state), aws_case=first.case_id, by="look")
    store_details({row.pk: first})
    for second in found[1:]:
        proven.record_case(row.pk, second.case_id)


def _store_absent(row: Submission, attempt: Attempt, seen: Seen) -> None:
    now, proved = clock.now(), False
    with write():
        proven.locked(row.pk)
        counts = seen.aws_date is not None and seen.aws_date >= attempt.bound
        Look.objects.create(
            submission=row,
            attempt=attempt,
            at=now,
            bound=attempt.bound,
            aws_date=seen.aws_date,
            pages=seen.pages,
            result=LookResult.ABSENT,
            counts=counts,
            evidence={"candidates": seen.candidates(row)},
        )
        counted = counted_looks(attempt)
        if row.state == State.NEEDS_ATTENTION:
            release(row, now + times.scaled(HOURLY))
        elif counted < NEEDED:
            release(row, next_look_at(attempt, counted, now), unable_since=None)
        else:
            proved = _conclude_absent(row, attempt, now)
    if proved:
        journal.settled(attempt, row, Outcome.ABSENT, by="look")


def counted_looks(attempt: Attempt) -> int:
    """Looks that prove absence: made at or after the bound by AWS's clock, and far enough apart.

    Repeats of a Connect request are one request: a look for the newest of them looks for all.
    """
    counted = 0
    last: datetime | None = None
    looks = attempt.submission.looks if attempt.submission.region else attempt.looks
    dates = looks.filter(result=LookResult.ABSENT, aws_date__gte=attempt.bound).order_by("aws_date")
    for date in dates.values_list("aws_date", flat=True):
        if date is not None and (last is None or date - last >= times.scaled(APART)):
            counted, last = counted + 1, date
    return counted


def _conclude_absent(row: Submission, attempt: Attempt, now: datetime) -> bool:
    """AWS has nothing and can no longer get it: send again once, or ask a person. Whether the attempt is settled by it."""
    ask = row.account.unknown_policy == UnknownPolicy.ASK
    if ask or row.resends >= 1:
        reason = Reason.ASK if ask else Reason.NOT_FOUND_TWICE
        settle_unknown(row, State.NEEDS_ATTENTION, now, due_at=now + times.scaled(HOURLY), reason_code=reason)
        return False
    case = Case.objects.get(pk=row.case_id)  # locked: another submission may just have opened it
    if case.aws_case_id:
        settled = settle_unknown(row, State.CANCELLED, now, due_at=None, reason_code=Reason.ALREADY_OPEN)
    else:
        again = F("resends") + 1
        settled = settle_unknown(row, State.QUEUED, now, due_at=now, reason_code=Reason.NOT_FOUND, resends=again)
        bell.ring_after_commit(bell.WORK_OFF, row.account_id, queue_name="urgent" if row.is_urgent else "default")
    # One whose lease ran out leaves the attempt to whoever has the row now: a row that is unknown needs an attempt that is.
    return settled and bool(
        Attempt.objects.filter(pk=attempt.pk, outcome=Outcome.UNKNOWN).update(outcome=Outcome.ABSENT)
    )


def store_error(row: Submission, attempt: Attempt, text: str) -> None:
    """A look that could not be made, or not to its end, counts for nothing."""
    now = clock.now()
    with write():
        proven.locked(row.pk)
        Look.objects.create(
            submission=row,
            attempt=attempt,
            at=now,
            bound=attempt.bound,
            result=LookResult.ERROR,
            evidence={"error": text[:1000]},
        )
        since = row.unable_since or now
        if row.state == State.NEEDS_ATTENTION:
            release(row, now + times.scaled(HOURLY))
        elif now - since >= times.scaled(CANNOT_LOOK):
            settle_unknown(
                row,
                State.NEEDS_ATTENTION,
                now,
                due_at=now + times.scaled(HOURLY),
                reason_code=Reason.CANNOT_LOOK,
                reason_text=text[:2000],
            )
        else:
            release(row, now + times.scaled(APART), unable_since=since)


def release(row: Submission, due_at: datetime | None, **fields: Any) -> None:
    """Give the lease of a look back."""
    Submission.objects.filter(pk=row.pk, state=row.state, token=row.token).update(
        token=F("token") + 1, due_at=due_at, lease_until=None, lease_by="", **fields
    )


def settle_unknown(row: Submission, to: State, now: datetime, **fields: Any) -> bool:
    """End the uncertainty of a row whose look is ours; False where it is no longer."""
    moved = Submission.objects.filter(pk=row.pk, state=State.UNKNOWN, token=row.token).update(
        state=to, token=F("token") + 1, lease_until=None, lease_by="", unable_since=None, **fields
    )
    if moved:
        row.case.events.create(at=now, what=to, was=State.UNKNOWN, became=to, submission_id=row.pk)
        stage.recompute(row.case_id)
    return bool(moved)


# --- before sending again ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class LookBefore:
    found: bool = False
    error: str = ""
    aws_date: datetime | None = None


def look_before_sending(row: Submission) -> LookBefore:
    """Search for any case of ours for the row's case, whichever submission opened it."""
    bound = row.verify_first or clock.now()
    try:
        seen = search(target_of(row.account), [row], after=row.case.created_at - LOOK_BACK)
    except (AwsError, gate.GateClosed) as exc:
        note_trouble(row.account_id, exc)
        return could_not_look(row, bound, getattr(exc, "text", str(exc)))
    ours = sorted(marker for marker in seen.by_marker if markers.reference_of(marker) == row.case.reference)
    if not ours:
        counts = seen.aws_date is not None and seen.aws_date >= bound
        evidence = {"candidates": seen.candidates(row)}
        note_look(row, bound, LookResult.ABSENT, seen.aws_date, seen.pages, counts=counts, evidence=evidence)
        return LookBefore(aws_date=seen.aws_date)
    for marker in ours:
        for case in seen.by_marker[marker]:
            note_look(row, bound, LookResult.FOUND, seen.aws_date, seen.pages, remote_id=case.case_id)
            if owner := adopt_found(row, marker, case.case_id, case.created_at):
                store_details({owner.pk: case})
            else:
                store_details_of_case(row.case_id, case)
    return LookBefore(found=True, aws_date=seen.aws_date)


def could_not_look(row: Submission, bound: datetime, text: str) -> LookBefore:
    note_look(row, bound, LookResult.ERROR, None, 0, evidence={"error": text[:1000]})
    return LookBefore(error=text)


def note_look(
    row: Submission, bound: datetime, result: LookResult, aws_date: datetime | None, pages: int, **known: Any
) -> None:
    Look.objects.create(
        submission=row, at=clock.now(), bound=bound, aws_date=aws_date, pages=pages, result=result, **known
    )


def adopt_found(row: Submission, marker: str, case_id: str, opened_at: datetime | None = None) -> Submission | None:
    """Record a case that AWS has for the row's case; returns the submission whose marker it carries, if it is still there."""
    owner = Submission.objects.filter(marker=marker).first()
    if owner is None:
        if not proven.record_orphan(row.case_id, case_id):
            row.move(
                State.NEEDS_ATTENTION,
                what="needs_attention",
                text=case_id,
                reason_code=Reason.ID_TAKEN,
                reason_text=case_id,
                lease_until=None,
                lease_by="",
                due_at=None,
            )
        return None
    take(owner, case_id, opened_at)
    return owner


def take(row: Submission, case_id: str, opened_at: datetime | None = None) -> None:
    """A case at AWS that bears the row's marker proves the row; or it is a second one."""
    with write():
        proven.locked(row.pk)
        opener = _opener(row, opened_at)
        if opener:
            Attempt.objects.filter(pk=opener.pk).update(outcome=Outcome.DONE, remote_id=case_id)
        state = proven.record_case(row.pk, case_id)
    if opener:
        journal.settled(opener, row, Outcome.DONE, state=str(state), aws_case=case_id, by="look")


def _opener(row: Submission, opened_at: datetime | None) -> Attempt | None:
    """Of its attempts that prove nothing the one made closest to when AWS opened the case; where nobody knows when, the newest."""
    unproven = list(row.attempts.filter(outcome__in=(Outcome.WAIVED, Outcome.UNKNOWN)).order_by("-n"))
    if opened_at is None:
        return next(iter(unproven), None)
    return min(unproven, key=lambda attempt: abs(attempt.started_at - opened_at), default=None)


# --- after success -------------------------------------------------------------------------------------------------------------------
def due_reads(account_pk: int, now: datetime) -> Any:
    """Delivered rows whose display id and status AWS has not told yet."""
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Submission.objects.filter(free, account_id=account_pk, region="", state=State.DELIVERED, due_at__lte=now)


_read_is_due = prepared.Rows(
    lambda account, now: due_reads(account, now).values_list("pk")[:1], account=int, now=datetime
)


def read_due(account_pk: int) -> bool:
    """Store the display id and status of delivered cases, all that are due in one call; tried again until AWS shows them.

    False where none is due.
    """
    if not _read_is_due(account=account_pk, now=clock.now()):
        return False
    rows = _claim_reads(account_pk)
    if rows:
        found: dict[str, FoundCase] = {}
        try:
            _read_cases(rows[0].account, [str(row.remote_id) for row in rows], found)
        except (AwsError, gate.GateClosed) as exc:
            note_trouble(account_pk, exc)
        store_details({row.pk: found[row.remote_id] for row in rows if row.remote_id in found})
        read_later([row for row in rows if row.remote_id not in found])
    return bool(rows)


def _claim_reads(account_pk: int) -> list[Submission]:
    with write(durable=False):
        now = clock.now()
        due = due_reads(account_pk, now).filter(remote_id__isnull=False).select_related("account")
        rows = list(due.select_for_update(skip_locked=True, of=("self",)).order_by("due_at")[:AT_ONCE])
        Submission.objects.filter(pk__in=[row.pk for row in rows]).update(
            lease_until=now + times.look_lease(), lease_by=process.name()
        )
    return rows


def _read_cases(account: AwsAccount, case_ids: list[str], found: dict[str, FoundCase]) -> None:
    """Add what AWS shows of these cases. One that it does not show yet must not hide the others: then each is asked for."""
    gate.wait_for_read(account.pk)
    try:
        found |= support.read_cases(target_of(account), case_ids)
    except Refused as exc:
        if exc.code != "CaseIdNotFound":
            raise
        if len(case_ids) > 1:
            for case_id in case_ids:
                _read_cases(account, [case_id], found)


def read_later(rows: list[Submission]) -> None:
    now = clock.now()
    with write(durable=False):
        for row in rows:
            pause = READ_AGAIN[min(row.refusals, len(READ_AGAIN) - 1)]
            Submission.objects.filter(pk=row.pk).update(
                due_at=now + times.scaled(pause, floor=0.2),
                refusals=F("refusals") + 1,
                lease_until=None,
                lease_by="",
            )


def store_details(shown: dict[Any, FoundCase]) -> None:
    """What AWS shows of delivered cases, by the primary keys of their submissions."""
    now = clock.now()
    with write(durable=False):
        owners = list(Submission.objects.filter(pk__in=shown).values_list("pk", "case_id", "remote_id"))
        cases = Case.objects.select_for_update().filter(pk__in=[case_pk for _pk, case_pk, _id in owners]).order_by("pk")
        by_pk = {case.pk: case for case in cases}
        done = [pk for pk, _case_pk, remote_id in owners if remote_id == shown[pk].case_id]
        Submission.objects.filter(pk__in=done).update(due_at=None, lease_until=None, lease_by="")
        for pk, case_pk, _remote_id in owners:
            case, told = by_pk[case_pk], shown[pk]
            if case.aws_case_id == told.case_id:
                stage.settle(case, aws_display_id=told.display_id, aws_status=told.status, aws_read_at=now)


def store_details_of_case(case_pk: int, told: FoundCase) -> None:
    """The same for a case whose submission is gone."""
    with write(durable=False):
        case = Case.objects.select_for_update().get(pk=case_pk)
        if case.aws_case_id == told.case_id:
            stage.settle(case, aws_display_id=told.display_id, aws_status=told.status, aws_read_at=clock.now())
