"""Why a lane lets nobody through, told to its gate."""

from casesite.aws.errors import AwsError, Cause, NotSent, OutcomeUnknown
from casesite.database import write
from casesite.pacing import gate
from casesite.pacing.models import Mode


def is_line_trouble(exc: AwsError) -> bool:
    """Whether the line is at fault, not the account's access."""
    return isinstance(exc, OutcomeUnknown) or (isinstance(exc, NotSent) and exc.cause == Cause.CONNECTION)


def shut(account_pk: int, mode: Mode, exc: AwsError, api: gate.Api) -> None:
    """Tell a lane's gate why nobody gets through."""
    tell = gate.unreachable if is_line_trouble(exc) else gate.access_refused
    with write():
        tell(account_pk, mode, exc.text, api)
