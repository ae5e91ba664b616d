"""Asking AWS from a page: `ask` writes the question down and rings a worker; what was answered is read here too."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from casesite import clock, prepared
from casesite.database import write
from casesite.pacing import bell
from casesite.teams.models import AwsAccount

from . import registry
from .models import Lookup, LookupState

NOW = timedelta(0)  # as `max_age`: no earlier answer will do


def key_of(params: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def ask(
    kind: str,
    account: AwsAccount,
    params: dict[str, Any] | None = None,
    *,
    by: Any = None,
    max_age: timedelta | None = None,
) -> Lookup:
    """The answer that is still fresh, the question that is still open, or a new question.

    An answer is fresh for `max_age`, or for as long as its kind says. Never waits for AWS.
    """
    params = params or {}
    found = newest(kind, account, params)
    if found and (found.is_open or _is_fresh(found, max_age)):
        return found
    with write():
        return _open(kind, account, params, by)


def ask_again(lookup: Lookup, *, by: Any) -> Lookup:
    """The same question once more. One that no worker has taken up starts its wait anew, and the bell rings again."""
    with write():
        if Lookup.objects.open().filter(pk=lookup.pk).update(asked_at=clock.now()):
            lookup.refresh_from_db()
            _ring(lookup.account)
            return lookup
    return ask(lookup.kind, lookup.account, lookup.params, by=by, max_age=NOW)


def newest(kind: str, account: AwsAccount, params: dict[str, Any] | None = None) -> Lookup | None:
    """What was asked last, answered or not."""
    found: Lookup | None = _asked(kind, account, params).first()
    if found:
        found.account = account  # it is known, so it is not read again
    return found


def newest_answer(kind: str, account: AwsAccount, params: dict[str, Any] | None = None) -> Lookup | None:
    """What AWS answered last, fresh or not."""
    found: list[Lookup] = _answered(account=account.pk, kind=kind, key=key_of(params or {}))
    return found[0] if found else None


# A form asks at each opening and each submit: compiled once, it costs a fifth.
_answered = prepared.Objects(
    lambda account, kind, key: Lookup.objects.filter(
        account=account, kind=kind, key=key, state=LookupState.ANSWERED
    ).order_by("-pk")[:1],
    account=int,
    kind=str,
    key=str,
)


def _asked(kind: str, account: AwsAccount, params: dict[str, Any] | None) -> Any:
    return Lookup.objects.filter(account=account, kind=kind, key=key_of(params or {})).order_by("-pk")


def _is_fresh(lookup: Lookup, max_age: timedelta | None) -> bool:
    if lookup.state != LookupState.ANSWERED or lookup.answered_at is None:
        return False
    age = max_age if max_age is not None else registry.get(lookup.kind).expires
    return clock.now() - lookup.answered_at < age


def _open(kind: str, account: AwsAccount, params: dict[str, Any], by: Any) -> Lookup:
    registry.get(kind)  # a kind nobody answers is a programming error, found when it is asked
    key = key_of(params)
    try:
        with transaction.atomic():
            lookup = Lookup.objects.create(
                account=account, kind=kind, key=key, params=params, asked_by=by, asked_at=clock.now()
            )
    except IntegrityError:  # somebody asked the same this instant: a constraint lets one of the two in
        return Lookup.objects.open().get(account=account, kind=kind, key=key)
    _ring(account)
    return lookup


def _ring(account: AwsAccount) -> None:
    bell.ring_after_commit(bell.ANSWER, account.pk, queue_name="lookups")
