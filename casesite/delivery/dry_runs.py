"""Asking AWS by a dry run whether it would take a case. For workers: what pages ask, and what each sending asks first."""

import logging
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from casesite.aws import support
from casesite.aws.clients import Target, clients
from casesite.aws.errors import AwsError, DryRunOpenedCase, OutcomeUnknown, Refused
from casesite.aws.requests import SupportCaseRequest
from casesite.cases.models import Case, new_reference
from casesite.database import write
from casesite.lookups import answer as answers
from casesite.lookups.reading import read
from casesite.lookups.registry import Unanswered
from casesite.lookups.words import explain
from casesite.pacing import gate
from casesite.submissions import marker as markers
from casesite.submissions import payloads, proven
from casesite.submissions.dry_runs import KIND, Result, Said, last_result, params_of, why_not
from casesite.submissions.models import Submission
from casesite.teams.models import AwsAccount

from .persistence import persist

logger = logging.getLogger(__name__)
WITHOUT_WAITING = 0.0
LONGEST = 30.0  # seconds: a call, and once more with a new role session


def answer(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any]:
    """The handler of the lookup."""
    if not settings.DRY_RUNS:
        raise Unanswered(_("Asking AWS beforehand is switched off."))
    if reason := why_not(account):
        raise Unanswered(str(reason))
    payload = _payload_of(account, params)
    if payload is None:
        raise Unanswered(_("It is not there any more."))
    try:
        return ask(account, payload).as_answer()
    except OutcomeUnknown as exc:  # never again by itself: whoever answers like this may take it for no dry run
        raise Unanswered(str(explain(exc))) from exc


def _payload_of(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any] | None:
    """The exact parameters: those of a submission, or of what a form held with a reference line as a submission's."""
    if "content" in params:
        marker = markers.new(params["reference"] or new_reference())
        return payloads.support_payload(params["content"], marker)
    rows = Submission.objects.filter(account=account, payload_sha256=params["payload_sha256"])
    return rows.values_list("payload", flat=True).first()


def ask(account: AwsAccount, payload: dict[str, Any], *, patience: float = 10.0) -> Result:
    """One dry run. Raises an AwsError or GateClosed where AWS did not say whether it would take this."""
    request = SupportCaseRequest.from_params(payload)
    try:
        read(account, _dry_run, patience=patience, request=request)
    except DryRunOpenedCase as exc:
        take_opened(account, payload, exc.aws_case_id)
        return Result(said=Said.OPENED, aws_case_id=exc.aws_case_id)
    except Refused as exc:
        if exc.again:
            raise
        return Result(said=Said.REFUSED, text=(exc.text or exc.code)[:2000], code=exc.code)
    return Result(said=Said.ACCEPTED)


def _dry_run(target: Target, *, request: SupportCaseRequest) -> None:
    support.dry_run(target, clients.keys(target), request)


# --- before a sending ------------------------------------------------------------------------------------------------------
def is_due(row: Submission) -> bool:
    """Whether AWS is to be asked before this row goes out: nobody asked about this payload within the hour."""
    return settings.DRY_RUNS and not gate.dry_runs_off(row.account_id) and last_result(row) is None


def try_out(row: Submission) -> Result | None:
    """What AWS says about a row that is about to go out, kept for its pages. None where it says nothing: that stops no row."""
    try:
        result = ask(row.account, row.payload, patience=WITHOUT_WAITING)
    except (AwsError, gate.GateClosed) as exc:
        logger.info("no dry run before a sending", extra={"submission": str(row.pk), "why": str(exc)[:200]})
        return None
    answers.note(KIND, row.account, params_of(row), result.as_answer())
    return result


# --- a dry run that was none ------------------------------------------------------------------------------------------------
def take_opened(account: AwsAccount, payload: dict[str, Any], aws_case_id: str) -> None:
    """A dry run was carried out in earnest. The case carries our marker, so it is that row's, or at least that case's.

    No dry run is made for this account again.
    """
    logger.critical("a dry run opened a case", extra={"account": account.account_id, "aws_case": aws_case_id})
    persist(lambda: _store_opened(account, markers.in_body(payload["communicationBody"]), aws_case_id))


def _store_opened(account: AwsAccount, marker: str | None, aws_case_id: str) -> None:
    with write():
        gate.forbid_dry_runs(account.pk)
    if marker is None:
        return
    row_pk = Submission.objects.filter(account=account, marker=marker).values_list("pk", flat=True).first()
    if row_pk:
        proven.record_case(row_pk, aws_case_id)
        return
    case = Case.objects.filter(account=account, reference=markers.reference_of(marker)).first()
    if case:
        proven.record_orphan(case.pk, aws_case_id)
