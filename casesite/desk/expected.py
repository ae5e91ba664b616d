"""When AWS aims to answer a case that it has, or that is on its way to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casesite import clock
from casesite.cases.models import Case, Stage
from casesite.catalog.severities import Severity, severity_of

# AWS's statuses from which it follows that it wrote back.
ANSWERED = frozenset({"pending-customer-action", "customer-action-completed", "reopened", "resolved"})


@dataclass(frozen=True)
class ExpectedAnswer:
    """`within` is AWS's target in words; `late` where that time is over."""

    by: datetime
    within: Any
    late: bool


@dataclass(frozen=True)
class AnswerOnceOut:
    """AWS's target for a case that it does not have yet; `by` is None where nobody can tell when it goes out."""

    by: datetime | None
    severity: Severity


def expected_answer(case: Case, opened_at: datetime | None) -> ExpectedAnswer | None:
    """None where the case is not open, where AWS answered, and for a severity of which no target is known."""
    severity = _severity_of(case)
    span = severity.answer_within
    if case.stage != Stage.OPEN or opened_at is None or span is None or case.aws_status in ANSWERED:
        return None
    by = opened_at + span
    return ExpectedAnswer(by, severity.first_response, late=by < clock.now())


def answer_once_out(case: Case, goes_out_at: datetime | None) -> AnswerOnceOut | None:
    """None for a severity of which no target is known; a Connect case has no severity."""
    severity = _severity_of(case)
    span = severity.answer_within
    if span is None:
        return None
    return AnswerOnceOut(goes_out_at + span if goes_out_at else None, severity)


def _severity_of(case: Case) -> Severity:
    return severity_of(case.severity_code, targets=case.account.response_targets if case.account else None)
