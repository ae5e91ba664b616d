"""One Support case as AWS has it, for a person who thinks that it is one of ours. For workers."""

from typing import Any

from casesite.aws import support
from casesite.aws.support import FoundCase
from casesite.teams.models import AwsAccount

from .reading import read


def answer(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any]:
    """The case under `case_id` or `display_id`; {"found": False} where the account has none.

    Of its text only the last line of the first communication is kept: there our reference line would stand.
    """
    found, _aws_date = read(account, support.find_case, **params)
    return _shown(found) if found else {"found": False}


def _shown(case: FoundCase) -> dict[str, Any]:
    return {
        "found": True,
        "case_id": case.case_id,
        "display_id": case.display_id,
        "subject": case.subject,
        "status": case.status,
        "created_at": case.created_at.isoformat() if case.created_at else "",
        "submitted_by": case.submitted_by,
        "last_line": last_line(case.first_body or ""),
    }


def last_line(body: str) -> str:
    return body.replace("\r\n", "\n").rstrip().rpartition("\n")[2]
