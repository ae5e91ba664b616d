"""Asking AWS whether it would accept a case, before it goes out. Pages ask; a worker makes the dry run (delivery.dry_runs).

What is asked is either a submission, by the hash of its payload, or what a form holds: then the worker makes the payload
of it, with a reference line of its own.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from casesite import clock
from casesite.cases.models import Case
from casesite.lookups import questions
from casesite.lookups.models import Lookup, LookupState
from casesite.lookups.registry import TEAM
from casesite.pacing import gate, times
from casesite.teams.models import AwsAccount, Team

from .fields import FIELD_NAMES, field_of
from .models import Submission

KIND = "dry_run"
FRESH = timedelta(hours=1)  # AWS's answer counts for so long
KEEP = timedelta(days=1)  # longer than that nobody reads it
ASK_AGAIN = timedelta(minutes=15)  # pages by themselves, after a question that led nowhere


class Said(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    OPENED = "opened"  # it was no dry run to whoever answered: there is a case now


@dataclass(frozen=True, kw_only=True)
class Result:
    """AWS's answer to a dry run; `text` and `code` are those of a refusal."""

    said: Said
    text: str = ""
    code: str = ""
    aws_case_id: str = ""

    @property
    def field(self) -> str:
        """The form's field that the refusal is about, or nothing."""
        return (field_of(self.text) or "") if self.said == Said.REFUSED else ""

    @property
    def field_name(self) -> str | Promise:
        return FIELD_NAMES.get(self.field, "")

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "Result":
        return cls(
            said=Said(answer["said"]),
            text=answer.get("text", ""),
            code=answer.get("code", ""),
            aws_case_id=answer.get("aws_case_id", ""),
        )

    def as_answer(self) -> dict[str, Any]:
        return {"said": self.said.value, "text": self.text, "code": self.code, "aws_case_id": self.aws_case_id}


def fresh() -> timedelta:
    return times.scaled(FRESH)


def why_not(account: AwsAccount) -> str | Promise:
    """Why AWS can't be asked about a case of this account, or nothing. Where dry runs are switched off pages don't speak of it."""
    if not account.can_send:
        return _("AWS can't be asked: the account can't send.")
    if gate.dry_runs_off(account.pk):
        return _("AWS is not asked for this account: a case was opened there once by only asking.")
    return ""


# --- a submission ----------------------------------------------------------------------------------------------------------
def newest(submission: Submission) -> Lookup | None:
    """What was asked about it last, answered or not."""
    return questions.newest(KIND, submission.account, params_of(submission))


def ask_for(submission: Submission, *, by: Any) -> Lookup | None:
    """The answer that still counts, or the question; None where AWS can't be asked. For pages, on their own account.

    What just led nowhere is not asked again: the page shows why, and a person may.
    """
    found = newest(submission)
    if not may_be_asked(found) or why_not(submission.account):
        return found
    return questions.ask(KIND, submission.account, params_of(submission), by=by, max_age=fresh())


def may_be_asked(found: Lookup | None) -> bool:
    """Whether there is neither an answer that counts, nor a question under way, nor one that can be asked again itself."""
    return settings.DRY_RUNS and not (found and (found.is_open or _counts(found) or _failed_lately(found)))


def last_result(submission: Submission) -> Result | None:
    """AWS's answer about exactly this payload, as long as it counts."""
    found = questions.newest_answer(KIND, submission.account, params_of(submission))
    return Result.of(found.answer) if found and found.answer and _counts(found) else None


def params_of(submission: Submission) -> dict[str, Any]:
    return {TEAM: submission.case.team_id, "payload_sha256": submission.payload_sha256}


# --- what a form holds -----------------------------------------------------------------------------------------------------
def ask_for_content(account: AwsAccount, content: dict[str, Any], *, team: Team, case: Case | None, by: Any) -> Lookup:
    """The answer that still counts, or the question. `case` is the draft where there is one already."""
    params = {TEAM: team.pk, "reference": case.reference if case else "", "content": content}
    return questions.ask(KIND, account, params, by=by, max_age=fresh())


def _counts(lookup: Lookup) -> bool:
    answered = lookup.state == LookupState.ANSWERED and lookup.answered_at
    return bool(answered and clock.now() - answered < fresh())


def _failed_lately(lookup: Lookup) -> bool:
    return lookup.state == LookupState.FAILED and lookup.asked_at > clock.now() - ASK_AGAIN
