"""One read at AWS for an account: through its gate, and the gate is told how it went. For workers and commands."""

from collections.abc import Callable
from typing import Any, TypeVar

from casesite.aws.clients import Target, clients
from casesite.aws.errors import AwsError, Cause, DryRunOpenedCase, NotSent, OutcomeUnknown, Refused
from casesite.database import write
from casesite.pacing import gate
from casesite.pacing.models import Mode
from casesite.teams.models import AwsAccount

Answer = TypeVar("Answer")


def target_of(account: AwsAccount) -> Target:
    return Target(account.account_id, account.role_arn, account.external_id)


def read(
    account: AwsAccount,
    call: Callable[..., Answer],
    *,
    patience: float = 10.0,
    api: gate.Api = gate.SUPPORT,
    **params: Any,
) -> Answer:
    """Call a reading method of a gateway. Raises an AwsError, or GateClosed where no token comes within `patience` seconds.

    No transaction may be open.
    """
    gate.wait_for_read(account.pk, patience=patience, api=api)
    try:
        answer = _with_fresh_session(target_of(account), call, params)
    except AwsError as exc:
        tell_gate(account, exc, api)
        raise
    with write():
        gate.went_well(account.pk, Mode.READ, api)
    return answer


def _with_fresh_session(target: Target, call: Callable[..., Answer], params: dict[str, Any]) -> Answer:
    """Call; where the role session turns out to have run out, once more with a new one."""
    try:
        return call(target, **params)
    except Refused as exc:
        if exc.cause != Cause.EXPIRED:
            raise
    clients.forget_keys(target)
    return call(target, **params)


def tell_gate(account: AwsAccount, exc: AwsError, api: gate.Api = gate.SUPPORT) -> None:
    """Slow down or count a failure. A refused permission is told to nobody: the looks of deliveries share this gate."""
    if isinstance(exc, DryRunOpenedCase):
        return  # AWS, or what stands in for it, answered well enough
    with write():
        if isinstance(exc, Refused) and exc.cause == Cause.THROTTLED:
            gate.slow_down(account.pk, Mode.READ, exc.text, api)
        elif isinstance(exc, OutcomeUnknown) or (isinstance(exc, NotSent) and exc.cause == Cause.CONNECTION):
            gate.unreachable(account.pk, Mode.READ, exc.text, api)
