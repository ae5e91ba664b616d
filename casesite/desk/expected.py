"""When AWS aims to answer a case that it just got."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casesite import clock
from casesite.cases.models import Case, Stage
from casesite.catalog.severities import severity_of

# AWS's statuses from which it follows that it wrote back.
ANSWERED = frozenset({"pending-customer-action", "customer-action-completed", "reopened", "resolved"})


@dataclass(frozen=True)
class ExpectedAnswer:
    """`within` is AWS's target in words; `late` where that time is over."""

    by: datetime
    within: Any
    late: bool


def expected_answer(case: Case, opened_at: datetime | None) -> ExpectedAnswer | None:
    """None where the case is not open, where AWS answered, and for a severity of which no target is known."""
    severity = severity_of(case.severity_code, targets=case.account.response_targets if case.account else None)
    span = severity.answer_within
    if case.stage != Stage.OPEN or opened_at is None or span is None or case.aws_status in ANSWERED:
        return None
    by = opened_at + span
    return ExpectedAnswer(by, severity.first_response, late=by < clock.now())
