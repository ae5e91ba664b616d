"""Taking a case that stands at AWS for ours: a worker reads it there, a lead compares and confirms."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from casesite import clock
from casesite.lookups.models import Lookup, LookupState
from casesite.lookups.questions import NOW, ask
from casesite.submissions import marker as markers
from casesite.submissions import workflow
from casesite.submissions.connect import REFERENCE_TAG
from casesite.submissions.models import Submission

LOOKUP, CONNECT_LOOKUP = "adopt_case", "adopt_connect_case"


@dataclass(frozen=True, kw_only=True)
class Found:
    """A case as AWS told it to a worker. `marker` is the valid reference line it carries, checked here and now."""

    case_id: str
    display_id: str
    subject: str
    status: str
    created_at: datetime | None
    submitted_by: str
    last_line: str
    marker: str | None


def ask_aws(submission: Submission, params: dict[str, str], *, by: Any) -> Lookup:
    """`params` name the case. One of Connect is looked for in the domain that the submission goes to."""
    kind = CONNECT_LOOKUP if submission.region else LOOKUP
    return ask(kind, submission.account, params | _where(submission), by=by, max_age=NOW)


def lookup_of(submission: Submission, pk: str) -> Lookup | None:
    """A question about a case in the submission's account, of Connect in its domain, or None for any other."""
    kind = CONNECT_LOOKUP if submission.region else LOOKUP
    asked = Lookup.objects.filter(account=submission.account_id, kind=kind).select_related("account")
    found = asked.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 19 else None
    return found if found and _where(submission).items() <= found.params.items() else None


def _where(submission: Submission) -> dict[str, str]:
    """What a question about a Connect case says beside the case's id; nothing for Support."""
    if not submission.region:
        return {}
    return {"region": submission.region, "domain_id": submission.payload["domainId"], "tag": REFERENCE_TAG}


def found_by(lookup: Lookup) -> Found | None:
    """The case that the question brought; None where AWS has none, or has not answered."""
    told = lookup.answer
    if lookup.state != LookupState.ANSWERED or not told or not told["found"]:
        return None
    created = told["created_at"]
    return Found(
        case_id=told["case_id"],
        display_id=told["display_id"],
        subject=told["subject"],
        status=told["status"],
        created_at=datetime.fromisoformat(created) if created else None,
        submitted_by=told["submitted_by"],
        last_line=told["last_line"],
        marker=markers.in_body(told["last_line"]),
    )


def is_too_old(lookup: Lookup) -> bool:
    return lookup.expires_at is None or lookup.expires_at <= clock.now()


def why_not(submission: Submission, found: Found, *, by: Any) -> str:
    """Why the case is not this one's, or nothing. Then nothing of it is shown: it may be another team's."""
    try:
        workflow.check_adoptable(submission, by=by, aws_case_id=found.case_id, marker=found.marker)
    except ValidationError as exc:
        return " ".join(exc.messages)
    return ""


def what_it_proves(submission: Submission, found: Found) -> str:
    """What the reference line says: own, earlier (another revision's), erased (a row that is gone) or unmarked."""
    if found.marker is None:
        return "unmarked"
    if found.marker == submission.marker:
        return "own"
    return "earlier" if Submission.objects.filter(marker=found.marker).exists() else "erased"


def adopt(submission: Submission, lookup: Lookup | None, *, by: Any, reason: str) -> Found:
    """Take the case that a worker read. Nothing but the question's number comes from the form."""
    found = found_by(lookup) if lookup else None
    if lookup is None or found is None:
        raise ValidationError(_("First look the case up at AWS."))
    if is_too_old(lookup):
        raise ValidationError(_("What AWS said is too old by now. Look the case up once more."))
    workflow.adopt(
        submission,
        by=by,
        reason=reason,
        aws_case_id=found.case_id,
        marker=found.marker,
        display_id=found.display_id,
        status=found.status,
    )
    return found
