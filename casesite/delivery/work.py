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
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.submissions.models import Kind
from casesite.teams.models import AwsAccount

from . import claim, connect_work, doubt, dry_runs, lanes, process, reconcile, resolving, searches, sender, trouble

logger = logging.getLogger(__name__)
LONGEST = 60.0  # seconds; then the bell is rung again, so that no account keeps a thread


def work_off(account_pk: int) -> bool:
    """Do what is due for one account. Safe to run twice, late, or side by side. True where time ran out before the work."""
    give_up = time.monotonic() + LONGEST
    while not process.stopping.is_set():
        if time.monotonic() > give_up:
            return True
        if not step(account_pk):
            pause = claim.seconds_to_next(account_pk)
            if pause is None:
                return False
            time.sleep(pause)
    return False


def step(account_pk: int) -> bool:
    """One piece of the account's work; False where nothing is due, or where no dispatcher has marked what is in doubt yet."""
    if not doubt.may_claim():
        return False
    row = claim.claim_next(account_pk)
    if row is None and _probe(account_pk, Mode.WRITE):
        row = claim.claim_next(account_pk)
    if row:
        sender.send(row)
        return True
    _probe(account_pk, Mode.READ)
    # A slow account holds two threads, with looks and reads too.
    if claim.in_flight(account_pk, "", clock.now()) < lanes.most_in_flight("") and (
        searches.settle_doubt(account_pk)
        or reconcile.look(account_pk)
        or reconcile.read_due(account_pk)
        or searches.look_again(account_pk)
        or resolving.look(account_pk)
    ):
        return True
    return connect_work.step(account_pk)


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
