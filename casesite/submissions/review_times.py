"""By when a submission should be reviewed, when reviewers are reminded of it, and when leads are told."""

from datetime import datetime, timedelta
from typing import Any

from casesite.teams.models import AwsAccount


def review_times(account: AwsAccount, now: datetime) -> dict[str, Any]:
    """The columns of a submission that begins to wait for review now. All empty where the account sets no time."""
    if not account.review_minutes:
        return {"review_by": None, "remind_at": None, "escalate_at": None}
    allowed = timedelta(minutes=account.review_minutes)
    return {"review_by": now + allowed, "remind_at": now + allowed / 2, "escalate_at": now + allowed}
