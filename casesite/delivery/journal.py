"""The log line that each attempt ends with, and the ids that stand on every line about a submission."""

import logging
from contextlib import AbstractContextManager
from typing import Any

from structlog.contextvars import bound_contextvars

from casesite.submissions.models import Submission

from .models import Attempt

logger = logging.getLogger(__name__)


def about(row: Submission) -> AbstractContextManager[Any]:
    """Within it every line of this thread names the case, the submission and the account."""
    return bound_contextvars(**_ids(row))


def ended(attempt: Attempt, row: Submission, outcome: str, **known: Any) -> None:
    """One call to AWS is over. What AWS said stands in the attempt; a line holds its code alone, for AWS may repeat our words.

    Call it once for each attempt, after the commit.
    """
    _tell("attempt ended", attempt, row, outcome, known)


def settled(attempt: Attempt, row: Submission, outcome: str, **known: Any) -> None:
    """What became of an attempt that had ended without proof."""
    _tell("attempt settled", attempt, row, outcome, known)


def _tell(event: str, attempt: Attempt, row: Submission, outcome: str, known: dict[str, Any]) -> None:
    told = {name: value for name, value in known.items() if value not in (None, "")}
    logger.info(event, extra=_ids(row) | {"attempt": attempt.n, "outcome": str(outcome)} | told)


def _ids(row: Submission) -> dict[str, str]:
    return {"case": row.case.reference, "submission": str(row.pk), "account": row.account.account_id}
