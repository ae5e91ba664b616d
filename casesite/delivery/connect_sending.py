"""Preparing what goes to Connect: what AWS offers now, credentials, and the one request, with the same client token each time."""

from functools import partial

from casesite import clock
from casesite.aws import connect_cases
from casesite.catalog.models import ConnectTemplate
from casesite.catalog.refit import refit
from casesite.lookups.reading import target_of
from casesite.pacing import times
from casesite.submissions.models import Kind, Submission
from casesite.submissions.reasons import Reason

from . import connect_files, connect_search
from .preparing import NotReady, Prepared, Unfit, keys_for


def prepare(row: Submission) -> Prepared:
    """All that the call needs. Raises Unfit where the template, as it is now, would not have it; NotReady without keys."""
    if row.kind == Kind.CONNECT_CASE:
        check_choices(row)
    return request_of(row)


def request_of(row: Submission) -> Prepared:
    """The row's one request, the same bytes and token whenever it is made. The name that AWS gave to a file comes to it here."""
    target = target_of(row.account)
    keys = keys_for(row, target)
    params = row.payload
    if row.kind == Kind.CONNECT_FILE:
        params = params | {"content": {"file": {"fileArn": connect_files.bring(row, target, keys)}}}
        _look_for_it(row)
    return Prepared(target, keys, partial(_CALLS[Kind(row.kind)], target, keys, row.region, params))


def _look_for_it(row: Submission) -> None:
    """A file is related without a token: before that is asked for once more, whether it happened already."""
    if not row.attempts.exists():
        return
    found = connect_search.look_before_sending(row)
    if found.found or found.error:  # taken by now; or asked again in a minute
        raise NotReady(clock.now() + times.scaled(times.MINUTE), Reason.VERIFYING, found.error)


_CALLS = {
    Kind.CONNECT_CASE: connect_cases.create_case,
    Kind.CONNECT_COMMENT: connect_cases.add_comment,
    Kind.CONNECT_FILE: connect_cases.attach_file,
}


def check_choices(row: Submission) -> None:
    """Hold the request against the newest version of its template, where that is another one than its form's."""
    template = ConnectTemplate.objects.select_related("domain", "newest").get(pk=row.content["template"])
    newest = template.newest
    open_now = template.active and template.deleted_at is None and template.domain.gone_at is None
    if newest is None or (open_now and newest.pk == row.template_version_id):
        return
    found = refit(
        newest.snapshot,
        row.content["fields"],
        customer_always=template.customer_always,
        open_now=open_now,
        before=row.template_version.snapshot if row.template_version else None,
    )
    if not found.fits:
        raise Unfit(" ".join(found.sentences))
