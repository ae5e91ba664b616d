"""Answering what pages asked, in a worker. A lease keeps two workers from asking AWS the same at once."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext as _

from casesite import clock
from casesite.aws.errors import AwsError
from casesite.database import write
from casesite.pacing.gate import GateClosed
from casesite.pacing.times import MINUTE, SECOND, scaled
from casesite.teams.models import AwsAccount

from . import registry
from .models import Lookup, LookupState
from .questions import key_of
from .registry import Unanswered
from .words import explain, is_passing

logger = logging.getLogger(__name__)
TRIES = 3


def answer_open(account_pk: int) -> int:
    """Answer what is asked about one account, oldest first; how many questions were taken up.

    Safe to run twice, late, or side by side.
    """
    count = 0
    while lookup := claim_next(account_pk):
        answer_one(lookup)
        count += 1
    return count


def claim_next(account_pk: int) -> Lookup | None:
    """Take the oldest question that nobody is answering. One whose worker died is free again when its lease ends."""
    while True:
        with write():
            now = clock.now()
            row = (
                Lookup.objects.open()
                .select_related("account")
                .filter(Q(lease_until=None) | Q(lease_until__lte=now), account_id=account_pk)
                .order_by("pk")
                .first()
            )
            if row is None:
                return None
            if row.tries >= TRIES:
                _fail(row, _("Three workers took this up and none brought an answer. Ask again."))
            elif _take(row, now + _lease()):
                return row


def answer_one(lookup: Lookup) -> None:
    """Ask AWS on behalf of a claimed question and write down what came of it. No transaction is open while AWS is asked."""
    try:
        question = registry.get(lookup.kind)
        answer = question.load()(lookup.account, lookup.params)
    except Unanswered as exc:
        _record_failure(lookup, str(exc), again=False)
    except (AwsError, GateClosed) as exc:
        _record_failure(lookup, str(explain(exc)), again=is_passing(exc))
    except Exception as exc:  # whatever it is, the page must not wait for ever
        logger.exception("a lookup failed", extra={"lookup": lookup.pk, "kind": lookup.kind})
        text = _("Something went wrong here (%(error)s). An operator finds it in the worker's log.")
        _record_failure(lookup, text % {"error": type(exc).__name__}, again=True)
    else:
        _record_answer(lookup, answer, question.expires)


def settle(kind: str, account: AwsAccount, params: dict[str, Any], answer: Any) -> None:
    """Answer an open question with what a command has just found out, so that no worker asks AWS the same again."""
    lookup = Lookup.objects.open().filter(account=account, kind=kind, key=key_of(params)).first()
    if lookup:
        _record_answer(lookup, answer, registry.get(kind).expires)


def note(kind: str, account: AwsAccount, params: dict[str, Any], answer: Any) -> None:
    """Keep an answer that came up on the way, so that pages show it. An open question of the same is answered by it."""
    now = clock.now()
    with write():
        if Lookup.objects.open().filter(account=account, kind=kind, key=key_of(params)).exists():
            settle(kind, account, params, answer)
            return
        Lookup.objects.create(
            account=account,
            kind=kind,
            key=key_of(params),
            params=params,
            state=LookupState.ANSWERED,
            asked_at=now,
            answer=answer,
            answered_at=now,
            expires_at=now + registry.get(kind).expires,
        )


def _lease() -> timedelta:
    return scaled(2 * MINUTE, floor=5)


def _take(row: Lookup, lease_until: datetime) -> bool:
    taken = Lookup.objects.filter(pk=row.pk, state=LookupState.OPEN, lease_until=row.lease_until).update(
        lease_until=lease_until, tries=F("tries") + 1
    )
    row.lease_until, row.tries = lease_until, row.tries + 1
    return bool(taken)


def _record_answer(lookup: Lookup, answer: Any, expires: timedelta) -> None:
    """An answer counts whoever brings it, also after its lease."""
    now = clock.now()
    with write():
        Lookup.objects.open().filter(pk=lookup.pk).update(
            state=LookupState.ANSWERED,
            answer=answer,
            answered_at=now,
            expires_at=now + expires,
            lease_until=None,
            error="",
        )


def _record_failure(lookup: Lookup, text: str, *, again: bool) -> None:
    """Give the question back for another try a few seconds later, or end it. Counts only from the lease's holder."""
    with write():
        held = Lookup.objects.open().filter(pk=lookup.pk, lease_until=lookup.lease_until)
        if again and lookup.tries < TRIES:
            held.update(lease_until=clock.now() + scaled(2 * SECOND * 2**lookup.tries), error=text[:500])
        elif held.exists():
            _fail(lookup, text)
    logger.warning("AWS did not answer a lookup", extra={"lookup": lookup.pk, "kind": lookup.kind, "try": lookup.tries})


def _fail(lookup: Lookup, text: str) -> None:
    Lookup.objects.open().filter(pk=lookup.pk).update(
        state=LookupState.FAILED, error=text[:500], answered_at=clock.now(), lease_until=None
    )
