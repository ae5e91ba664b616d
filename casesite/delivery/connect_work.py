"""The steps of a Connect lane: what to send, to repeat, to look for and to read."""

import logging
from datetime import datetime, timedelta

from django.db.models import Q

from casesite import clock, prepared
from casesite.aws import connect_cases
from casesite.aws.errors import AwsError
from casesite.database import write
from casesite.lookups.reading import target_of
from casesite.pacing import gate, times
from casesite.pacing.models import Mode
from casesite.submissions.models import Submission
from casesite.submissions.states import State
from casesite.teams.models import AwsAccount

from . import claim, connect_doubt, connect_reading, lanes, trouble

logger = logging.getLogger(__name__)
# AWS has no dry run of CreateCase here: after it did not let us in, one write each quarter of an hour finds out.
WRITE_AS_PROBE = timedelta(minutes=15)

_due_regions = prepared.Rows(
    lambda account, now: (
        Submission.objects.filter(
            Q(lease_until=None) | Q(lease_until__lte=now),
            account_id=account,
            region__gt="",
            state__in=(State.QUEUED, State.UNKNOWN, State.NEEDS_ATTENTION, State.DELIVERED),
            due_at__lte=now,
        )
        .order_by("region")
        .values_list("region")
        .distinct()
    ),
    account=int,
    now=datetime,
)


def due_regions(account_pk: int, now: datetime) -> list[str]:
    """The account's Connect lanes in which something is due, whatever gates say."""
    return [region for (region,) in _due_regions(account=account_pk, now=now)]


def claim_next(account_pk: int, region: str) -> Submission | None:
    """The lane's next row, also to find out whether AWS lets us in again."""
    row = claim.claim_next(account_pk, region)
    if row is None and (stopped := gate.stopped(account_pk, Mode.WRITE, lanes.api_in(region))):
        row = _try_again(account_pk, region, stopped.trouble)
    return row


def look_after(account_pk: int, region: str) -> bool:
    """One repeat, search or read that is due in the lane; False where there is none."""
    _probe_reads(account_pk, region)
    if claim.in_flight(account_pk, region, clock.now()) >= lanes.most_in_flight(region):
        return False
    return connect_doubt.look(account_pk, region) or connect_reading.read_due(account_pk, region)


def _try_again(account_pk: int, region: str, because: str) -> Submission | None:
    """Find out whether a stopped lane is in order again, where it is time to and something waits for it.

    A line is tried by a read. Access to a write only by a write: a waiting row, or else the next repeat of an unknown
    one, which may pass while it is being found out.
    """
    api, now = lanes.api_in(region), clock.now()
    waits = claim.due_rows(account_pk, region, now).exists()
    if because == gate.BUG or not (waits or connect_doubt.due_rows(account_pk, region, now).exists()):
        return None
    by_write = because == "access"
    with write():
        pause = times.scaled(WRITE_AS_PROBE, floor=1) if by_write else None
        if gate.start_probe(account_pk, Mode.WRITE, api, pause=pause) is None:
            return None
    if not by_write and not _answers(account_pk, region, Mode.WRITE):
        return None
    return claim.claim_next(account_pk, region, probing=by_write)


def _probe_reads(account_pk: int, region: str) -> None:
    api = lanes.api_in(region)
    if gate.stopped(account_pk, Mode.READ, api) is None:
        return
    with write():
        if gate.start_probe(account_pk, Mode.READ, api) is None:
            return
    _answers(account_pk, region, Mode.READ)


def _answers(account_pk: int, region: str, mode: Mode) -> bool:
    """Whether Connect Cases answers a read; the gate is opened where it does."""
    api, account = lanes.api_in(region), AwsAccount.objects.get(pk=account_pk)
    try:
        connect_cases.probe_read(target_of(account), region=region)
    except AwsError as exc:
        trouble.shut(account_pk, mode, exc, api)
        return False
    with write():
        gate.release(account_pk, mode, api)
    logger.info("account answers again", extra={"account": account.account_id, "region": region, "mode": str(mode)})
    return True
