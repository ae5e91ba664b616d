"""Working off an account: what a doorbell starts, and what the dispatcher does itself where no worker comes."""

import logging
import time

from casesite import clock
from casesite.aws import support
from casesite.aws.clients import clients
from casesite.aws.errors import AwsError, Cause, DryRunOpenedCase, Refused
from casesite.aws.requests import SupportCaseRequest
from casesite.database import write
from casesite.lookups.reading import target_of
from casesite.pacing import bell, gate
from casesite.pacing.models import Mode
from casesite.submissions.models import Kind, Submission
from casesite.teams.models import AwsAccount

from . import (
    claim,
    connect_searches,
    connect_work,
    doubt,
    dry_runs,
    lanes,
    process,
    reconcile,
    resolving,
    searches,
    sender,
    trouble,
)

logger = logging.getLogger(__name__)
LONGEST = 60.0  # seconds; then the bell is rung again, so that no account keeps a thread
ALONE = 0.5  # seconds; an account whose rows have not run out by then gets one more thread


def work_off(account_pk: int) -> float | None:
    """Do what is due for one account. Safe to run twice, late, or side by side.

    Returns after how many seconds to come again; None where nothing is left that comes soon. It waits for nothing: what has
    to keep a pace keeps no thread meanwhile.
    """
    visit = Visit(account_pk)
    while not process.stopping.is_set():
        if visit.lasts > LONGEST:
            return 0.0
        if not visit.step():
            return visit.seconds_to_next()
    return None


def step(account_pk: int) -> bool:
    """One piece of the account's work; False where nothing is due, or where no dispatcher has marked what is in doubt yet."""
    return Visit(account_pk).step()


class Visit:
    """One thread's stay with an account: its lanes in turns, and what is to be sent before what is to be looked for.

    A thread that is about to call AWS may hang there. Another one is rung for when a further lane has work, so that no lane waits for
    the calls of another, and when one thread alone may be too slow for a lane.
    """

    def __init__(self, account_pk: int) -> None:
        self._account_pk = account_pk
        self._began = time.monotonic()
        self._last: str | None = None  # the lane that was served last
        self._rung_for_lanes = self._rung_for_speed = False
        self._looked_at = clock.now()
        self._lanes: list[str] = []

    @property
    def lasts(self) -> float:
        return time.monotonic() - self._began

    def step(self) -> bool:
        if not doubt.may_claim():
            return False
        self._looked_at = clock.now()
        self._lanes = self._in_turn(["", *connect_work.due_regions(self._account_pk, self._looked_at)])
        for place, region in enumerate(self._lanes):
            if row := _claim(self._account_pk, region):
                self._last = region
                self._ring_for_another(self._lanes[place + 1 :])
                sender.send(row)
                return True
        looked_after = any(_look_after(self._account_pk, region) for region in self._lanes)
        return looked_after or connect_searches.look_again(self._account_pk)

    def seconds_to_next(self) -> float | None:
        """How long until the pace of one of the lanes lets something out, where that is soon."""
        pauses = [claim.seconds_to_next(self._account_pk, region, self._looked_at) for region in self._lanes]
        return min((pause for pause in pauses if pause is not None), default=None)

    def _in_turn(self, lanes_: list[str]) -> list[str]:
        """After the lane that was served last comes the next one."""
        return sorted(lanes_, key=lambda region: (self._last is not None and region <= self._last, region))

    def _ring_for_another(self, not_tried: list[str]) -> None:
        if not self._rung_for_lanes and any(claim.is_due(self._account_pk, region) for region in not_tried):
            self._rung_for_lanes = True
            bell.ring(bell.WORK_OFF, self._account_pk)
        if not self._rung_for_speed and self.lasts > ALONE:
            self._rung_for_speed = True
            bell.ring(bell.WORK_OFF, self._account_pk)


def _claim(account_pk: int, region: str) -> Submission | None:
    """The lane's next row, also to find out whether AWS lets us in again."""
    if region:
        return connect_work.claim_next(account_pk, region)
    row = claim.claim_next(account_pk)
    return claim.claim_next(account_pk) if row is None and _probe(account_pk, Mode.WRITE) else row


def _look_after(account_pk: int, region: str) -> bool:
    """One search or read that is due in the lane; False where there is none."""
    if region:
        return connect_work.look_after(account_pk, region)
    _probe(account_pk, Mode.READ)
    # A slow account holds two threads, with looks and reads too.
    return claim.in_flight(account_pk, "", clock.now()) < lanes.most_in_flight("") and (
        _settle_doubt(account_pk)
        or reconcile.look(account_pk)
        or reconcile.read_due(account_pk)
        or searches.look_again(account_pk)
        or resolving.look(account_pk)
    )


def _settle_doubt(account_pk: int) -> bool:
    """Search for what a restore may have erased, in Connect and in Support. False where no search is due."""
    if not doubt.search_is_due(account=account_pk, now=clock.now()):
        return False
    connect_searches.take_forgotten(account_pk)
    return searches.settle_doubt(account_pk)


def _probe(account_pk: int, mode: Mode) -> bool:
    """Where the circuit is open and its pause over: find out whether AWS lets us in, never with somebody's case. True where it does.

    A connection is tried by a read, access to a write by a dry run of that write. What it refuses counts for no row.
    """
    stopped = gate.stopped(account_pk, mode)
    if stopped is None or stopped.trouble == gate.BUG:
        return False
    by_dry_run = stopped.trouble == "access" and mode == Mode.WRITE and not stopped.dry_runs_off
    opening = claim.queued_rows(account_pk).filter(kind=Kind.SUPPORT_CASE)
    waiting = opening.order_by("rank", "queued_at").first() if by_dry_run else None
    if by_dry_run and waiting is None:
        return False  # nothing to ask for, and a read would not tell whether AWS lets us write
    with write():
        if gate.start_probe(account_pk, mode) is None:
            return False
    target = target_of(AwsAccount.objects.get(pk=account_pk))
    try:
        clients.forget_keys(target)
        if waiting:
            support.dry_run(target, clients.keys(target), SupportCaseRequest.from_params(waiting.payload))
        else:
            support.probe_read(target)
    except DryRunOpenedCase as exc:
        if waiting:
            dry_runs.take_opened(waiting.account, waiting.payload, exc.aws_case_id)
        with write():
            gate.release(account_pk, mode)
        return True
    except AwsError as exc:
        if isinstance(exc, Refused) and exc.cause == Cause.THROTTLED and by_dry_run:
            return False  # AWS counts calls before it looks who calls: ask again after the pause
        if not _proves_entry(exc):
            trouble.shut(account_pk, mode, exc, gate.SUPPORT)
            return False
    with write():
        gate.release(account_pk, mode)
    logger.info("account answers again", extra={"account": target.account_id, "mode": str(mode)})
    return True


def _proves_entry(exc: AwsError) -> bool:
    """A refusal of the content, the hour or, to a read, the pace shows that AWS lets us in."""
    return isinstance(exc, Refused) and exc.cause not in (Cause.ACCESS, Cause.EXPIRED, Cause.CLOCK, Cause.OUR_BUG)
