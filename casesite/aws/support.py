"""AWS Support: opening a case in at most one request, and reading."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from .clients import Keys, Target, clients, date_of
from .errors import Cause, DryRunOpenedCase, DryRunPassed, OutcomeUnknown, Refused, Trace, translated
from .requests import SupportCaseRequest

RECENT = 5  # communications that come with a case, the newest ones
UNDATED = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class FoundCase:
    """A case as DescribeCases shows it, with what tells whose it is."""

    case_id: str
    display_id: str
    subject: str
    status: str
    service_code: str
    category_code: str
    severity_code: str
    submitted_by: str
    created_at: datetime | None
    first_body: str | None = None  # of its first communication; None where it was not read


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search for cases saw. `aws_date` is the Date header of its first answer: AWS's own clock."""

    cases: tuple[FoundCase, ...]
    aws_date: datetime | None
    pages: int


@dataclass(frozen=True, kw_only=True)
class Service:
    code: str
    name: str
    categories: tuple[tuple[str, str], ...] = field(default=())  # (code, name)


def create_case(target: Target, keys: Keys, request: SupportCaseRequest, trace: Trace) -> str:
    """Open one Support case in one request and return its caseId.

    Raises Refused, NotSent or OutcomeUnknown; after OutcomeUnknown search for it before calling this again.
    https://docs.aws.amazon.com/awssupport/latest/APIReference/API_CreateCase.html
    """
    with translated(trace), clients.writer(target, keys) as client:
        client.trace = trace
        answer = client.create_case(**request.as_params())
        return _proven(answer, trace)


def resolve_case(target: Target, keys: Keys, case_id: str, trace: Trace) -> str:
    """Resolve a case and return its id. Free to repeat: a case that is resolved already is what was asked for.

    https://docs.aws.amazon.com/awssupport/latest/APIReference/API_ResolveCase.html
    """
    try:
        with _call(target, keys, trace) as client:
            status = _named(client.resolve_case(caseId=case_id), "finalCaseStatus", trace)
    except Refused as exc:
        if "already" in exc.text.lower() and "resolved" in exc.text.lower():
            return case_id
        raise
    if status == "resolved":
        return case_id
    raise OutcomeUnknown(
        f"AWS answered that the case is {status}.", operation=trace.operation, error_class="NotResolved"
    )


def dry_run(target: Target, keys: Keys, request: SupportCaseRequest) -> None:
    """Ask AWS whether it would take the request. Returns where it would; raises Refused where not.

    Should AWS open a case in spite of `dryRun`, DryRunOpenedCase is raised with that case's id.
    """
    trace = Trace("support.CreateCase")
    try:
        with translated(trace), _passing_dry_runs(), clients.writer(target, keys, dry=True) as client:
            client.trace = trace
            _opened_none(client.create_case(**request.as_params(), dryRun=True), trace)
    except DryRunPassed:
        return


def probe_read(target: Target) -> None:
    """The cheapest read, to see whether Support answers at all."""
    with _reading("DescribeSeverityLevels"):
        clients.reader("support", target).describe_severity_levels(language="en")


def permitted(target: Target, operation: str, **params: Any) -> datetime | None:
    """Whether the account may call an operation, by its dry run: returns AWS's clock where it may.

    Raises Refused or NotSent where it may not. `operation` is the SDK's method, such as "describe_cases". Nothing happens
    at AWS; should a case be opened in spite of `dryRun`, DryRunOpenedCase names it.
    """
    trace = Trace(f"support.{''.join(part.title() for part in operation.split('_'))}")
    try:
        with translated(trace), _passing_dry_runs(), clients.writer(target, clients.keys(target)) as client:
            client.trace = trace
            _opened_none(getattr(client, operation)(**params, dryRun=True), trace)
    except DryRunPassed:
        pass
    return trace.aws_date


def _opened_none(answer: dict[str, Any], trace: Trace) -> None:
    """An answer in place of the dry run's exception: something that ignores `dryRun` carried the request out."""
    if case_id := answer.get("caseId"):
        raise DryRunOpenedCase(case_id, operation=trace.operation)
    if not answer.keys() - {"ResponseMetadata"}:  # a cut answer comes back empty, without an exception
        raise OutcomeUnknown("AWS's answer to a dry run was empty.", operation=trace.operation)


# --- files -------------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class AttachmentSet:
    """A set of files at AWS. `lives` is how long from now on, by AWS's clock."""

    set_id: str
    lives: timedelta


@dataclass(frozen=True, kw_only=True)
class UploadLinks:
    """Where the parts of an upload go: `urls` by part number, at most ten at once. All parts but the last have `part_size`."""

    upload_id: str
    part_size: int
    total_parts: int
    urls: dict[int, str]


@dataclass(frozen=True, kw_only=True)
class UploadStatus:
    """`status` in AWS's words; `complete` counts the parts that AWS was told of."""

    status: str
    complete: int


READY, NOT_READY, FAILED = "attachment-ready", "attachment-not-ready", "failed"


def add_attachments(target: Target, keys: Keys, files: Sequence[tuple[str, bytes]]) -> AttachmentSet:
    """Make a new set of all these files, each a name and its bytes: at most three of 5 MB.

    Free to repeat: a set is nothing until a case uses it.
    https://docs.aws.amazon.com/awssupport/latest/APIReference/API_AddAttachmentsToSet.html
    """
    trace = Trace("support.AddAttachmentsToSet")
    with translated(trace), clients.set_writer(target, keys) as client:
        client.trace = trace
        answer = client.add_attachments_to_set(attachments=[{"fileName": name, "data": data} for name, data in files])
        set_id, expiry = _named(answer, "attachmentSetId", trace), _instant(answer.get("expiryTime"))
    if expiry is None or trace.aws_date is None:
        return AttachmentSet(set_id=set_id, lives=timedelta(hours=1))
    return AttachmentSet(set_id=set_id, lives=expiry - trace.aws_date)


def upload_links(
    target: Target, keys: Keys, *, file_name: str, size: int, upload_id: str = "", first: int = 1, last: int = 0
) -> UploadLinks:
    """Begin an upload, or get further links for parts `first` to `last` of one that was begun.

    https://docs.aws.amazon.com/awssupport/latest/APIReference/API_GetAttachmentUploadLinks.html
    """
    params: dict[str, Any] = {"fileName": file_name, "fileSizeBytes": size}
    if upload_id:
        params |= {"uploadId": upload_id, "uploadRange": {"startIndex": first, "endIndex": last + 1}}
    trace = Trace("support.GetAttachmentUploadLinks")
    with _call(target, keys, trace) as client:
        answer = client.get_attachment_upload_links(**params)
        return UploadLinks(
            upload_id=_named(answer, "uploadId", trace),
            part_size=int(answer["partSizeBytes"]),
            total_parts=int(answer["totalParts"]),
            urls={int(link["partIndex"]): str(link["url"]) for link in _listed(answer, "uploadUrls")},
        )


def complete_upload(target: Target, keys: Keys, upload_id: str, etags: dict[int, str]) -> str:
    """Tell AWS that all parts are there; it answers with the status. Safe to repeat.

    https://docs.aws.amazon.com/awssupport/latest/APIReference/API_CompleteAttachmentUpload.html
    """
    trace = Trace("support.CompleteAttachmentUpload")
    completed = [{"partIndex": index, "eTag": etag} for index, etag in sorted(etags.items())]
    with _call(target, keys, trace) as client:
        answer = client.complete_attachment_upload(uploadId=upload_id, completedUploads=completed)
        return _named(answer, "uploadStatus", trace)


def upload_status(target: Target, keys: Keys, upload_id: str) -> UploadStatus:
    """How far AWS is with an upload: ready, not yet, or failed.

    https://docs.aws.amazon.com/awssupport/latest/APIReference/API_DescribeAttachmentUploadStatus.html
    """
    trace = Trace("support.DescribeAttachmentUploadStatus")
    with _call(target, keys, trace) as client:
        answer = client.describe_attachment_upload_status(uploadId=upload_id)
        complete = answer.get("uploadProgress", {}).get("completedPartsCount", 0)
        return UploadStatus(status=_named(answer, "uploadStatus", trace), complete=int(complete))


@contextmanager
def _call(target: Target, keys: Keys, trace: Trace) -> Iterator[Any]:
    """One request by a client that watches the wire."""
    with translated(trace), clients.writer(target, keys) as client:
        client.trace = trace
        yield client


def _named(answer: dict[str, Any], member: str, trace: Trace) -> str:
    """A member that an answer must have. A cut or foreign 200 comes back as {} without an exception."""
    found = answer.get(member)
    if isinstance(found, str) and found.strip():
        return found
    raise OutcomeUnknown("AWS's answer was cut short.", operation=trace.operation, error_class="CutAnswer")


# --- what AWS offers -----------------------------------------------------------------------------------------------------------
def severities(target: Target, language: str = "en") -> list[tuple[str, str]]:
    """The severities of the account's plan as (code, name)."""
    with _reading("DescribeSeverityLevels"):
        answer = clients.reader("support", target).describe_severity_levels(language=language)
    return [(level["code"], level["name"]) for level in _listed(answer, "severityLevels")]


def services(target: Target, language: str = "en") -> list[Service]:
    """All services with their categories; AWS sends them in one answer."""
    with _reading("DescribeServices"):
        answer = clients.reader("support", target).describe_services(language=language)
    return [
        Service(
            code=row["code"],
            name=row["name"],
            categories=tuple((category["code"], category["name"]) for category in row.get("categories", [])),
        )
        for row in _listed(answer, "services")
    ]


def languages(target: Target, *, issue_type: str, service_code: str, category_code: str) -> list[tuple[str, str]]:
    """The case languages offered for a choice as (code, display name)."""
    with _reading("DescribeSupportedLanguages"):
        answer = clients.reader("support", target).describe_supported_languages(
            issueType=issue_type, serviceCode=service_code, categoryCode=category_code
        )
    return [(row["code"], row.get("display") or row["language"]) for row in _listed(answer, "supportedLanguages")]


def create_case_options(
    target: Target, *, issue_type: str, service_code: str, category_code: str, language: str
) -> dict[str, Any]:
    """How a case of this choice is handled: {"language_availability": ..., "channels": [type, ...]}."""
    with _reading("DescribeCreateCaseOptions"):
        answer = clients.reader("support", target).describe_create_case_options(
            issueType=issue_type, serviceCode=service_code, categoryCode=category_code, language=language
        )
    return {
        "language_availability": answer.get("languageAvailability", ""),
        "channels": [row["type"] for row in answer.get("communicationTypes", [])],
    }


def find_case(
    target: Target, *, case_id: str = "", display_id: str = "", read_first: bool = True
) -> tuple[FoundCase | None, datetime | None]:
    """One case by either id, with its first communication unless told otherwise; None where the account has no such case."""
    params: dict[str, Any] = {"caseIdList": [case_id]} if case_id else {"displayId": display_id}
    client = clients.reader("support", target)
    try:
        with _reading("DescribeCases"):
            answer = client.describe_cases(**params, includeResolvedCases=True, includeCommunications=True)
    except Refused as exc:
        if exc.code == "CaseIdNotFound":
            return None, None
        raise
    rows = _listed(answer, "cases")
    return (_found(client, rows[0], want_first=read_first) if rows else None), date_of(answer)


def read_cases(target: Target, case_ids: list[str]) -> dict[str, FoundCase]:
    """Cases by their ids, at most 100, without their correspondence. Refused with CaseIdNotFound where AWS misses one."""
    params: dict[str, Any] = {"caseIdList": case_ids, "includeResolvedCases": True, "includeCommunications": False}
    client = clients.reader("support", target)
    found: dict[str, FoundCase] = {}
    with _reading("DescribeCases"):
        while True:
            answer = client.describe_cases(**params)
            found |= {row["caseId"]: _found(client, row, want_first=False) for row in _listed(answer, "cases")}
            if not answer.get("nextToken"):
                return found
            params["nextToken"] = answer["nextToken"]


def search_cases(
    target: Target, *, after: datetime, subjects: set[str], language: str | None, is_marked: Any, read_all: bool = False
) -> Search:
    """All cases opened after an instant, resolved ones too, on all pages.

    The first communication is read of each case that may be ours: its subject is one of `subjects`, or a recent
    communication satisfies `is_marked(body)`; or of all, with `read_all`.
    """
    params: dict[str, Any] = {
        "afterTime": after.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "includeResolvedCases": True,
        "includeCommunications": True,
        "maxResults": 100,
    }
    if language:
        params["language"] = language
    client = clients.reader("support", target)
    found: list[FoundCase] = []
    first_date, pages = None, 0
    with _reading("DescribeCases"):
        while True:
            answer = client.describe_cases(**params)
            pages += 1
            first_date = first_date or date_of(answer)
            for row in _listed(answer, "cases"):
                ours = (
                    read_all or row.get("subject") in subjects or any(is_marked(body) for body in _recent_bodies(row))
                )
                found.append(_found(client, row, want_first=ours))
            if not answer.get("nextToken"):
                return Search(cases=tuple(found), aws_date=first_date, pages=pages)
            params["nextToken"] = answer["nextToken"]


def _proven(answer: dict[str, Any], trace: Trace) -> str:
    """The case id of an answer. A cut or foreign 200 comes back as {} without an exception."""
    case_id = answer.get("caseId")
    if isinstance(case_id, str) and case_id.strip():
        return case_id
    meta = answer.get("ResponseMetadata", {})
    raise OutcomeUnknown(
        "AWS answered without a case id.",
        operation=trace.operation,
        error_class="NoCaseId",
        http_status=meta.get("HTTPStatusCode"),
        request_id=str(meta.get("RequestId", "")),
    )


def _listed(answer: dict[str, Any], member: str) -> list[dict[str, Any]]:
    """The list an answer is about. A cut or foreign 200 lacks it, and that it is empty would then be a lie."""
    found = answer.get(member)
    if isinstance(found, list):
        return found
    raise OutcomeUnknown("AWS's answer was cut short.", operation="support", error_class="CutAnswer")


@contextmanager
def _passing_dry_runs() -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") == "DryRunOperationException":
            raise DryRunPassed from exc
        raise


@contextmanager
def _reading(operation: str) -> Iterator[None]:
    """Errors of a read. Nothing can have happened at AWS, but the classes still say whether access or the line is at fault."""
    trace = Trace(f"support.{operation}", sent=True)
    with translated(trace):
        yield


def _found(client: Any, row: dict[str, Any], *, want_first: bool) -> FoundCase:
    return FoundCase(
        case_id=row["caseId"],
        display_id=row.get("displayId", ""),
        subject=row.get("subject", ""),
        status=row.get("status", ""),
        service_code=row.get("serviceCode", ""),
        category_code=row.get("categoryCode", ""),
        severity_code=row.get("severityCode", ""),
        submitted_by=row.get("submittedBy", ""),
        created_at=_instant(row.get("timeCreated")),
        first_body=_first_body(client, row) if want_first else None,
    )


def _first_body(client: Any, row: dict[str, Any]) -> str | None:
    """The body of the case's first communication. Only the five newest come with the case; older ones are paged."""
    recent = row.get("recentCommunications", {})
    bodies = recent.get("communications", [])
    all_here = not recent.get("nextToken") and 0 < len(bodies) < RECENT
    if all_here or _began_the_case(bodies, row):
        return _oldest(bodies)
    bodies, params = [], {"caseId": row["caseId"], "maxResults": 100}
    while True:
        answer = client.describe_communications(**params)
        bodies += _listed(answer, "communications")
        if not answer.get("nextToken"):
            return _oldest(bodies)
        params["nextToken"] = answer["nextToken"]


def _began_the_case(communications: list[dict[str, Any]], row: dict[str, Any]) -> bool:
    """Whether the oldest of the recent communications was written as the case was opened."""
    oldest = min((_instant(item.get("timeCreated")) or UNDATED for item in communications), default=UNDATED)
    opened = _instant(row.get("timeCreated"))
    return opened is not None and oldest - opened <= timedelta(seconds=1)


def _oldest(communications: list[dict[str, Any]]) -> str | None:
    dated = [(row.get("timeCreated", ""), row.get("body", "")) for row in communications]
    return min(dated)[1] if dated else None


def _recent_bodies(row: dict[str, Any]) -> list[str]:
    return [item.get("body", "") for item in row.get("recentCommunications", {}).get("communications", [])]


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


__all__ = ["Cause", "FoundCase", "Search", "Service", "create_case", "dry_run", "find_case", "search_cases"]
