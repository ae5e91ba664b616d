"""Amazon Connect Cases: opening a case in at most one request, finding it again, and reading what templates are made of.

The rows are AWS's own, as `catalog.templates_sync` expects them. AWS offers no paginators for these lists, and no answer
without its list is taken for an empty one.
https://docs.aws.amazon.com/cases/latest/APIReference/Welcome.html
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .clients import Keys, Target, clients, date_of
from .errors import Cause, OutcomeUnknown, Refused, Trace, translated

SERVICE = "connectcases"
PAGE = 100
DOMAINS_PAGE = 10  # AWS's own limit for this list
BATCH = 50  # ids that the batch reads take at once
GET_PAGE = 220  # fields that GetCase takes at once
CREATE_CASE = f"{SERVICE}.CreateCase"
OPENED, TITLE, STATUS, NUMBER = "created_datetime", "title", "status", "reference_number"
_SHOWN = [{"id": id_} for id_ in (OPENED, TITLE, STATUS, NUMBER)]
NO_TEMPLATE = "00000000-0000-0000-0000-000000000000"
_TEST_FIELDS = [{"id": TITLE, "value": {"stringValue": "TEST CASE-Please ignore"}}]
Row = dict[str, Any]


# --- one case ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class FoundCase:
    """A case as SearchCases shows it."""

    case_id: str
    template_id: str
    title: str
    status: str
    number: str  # AWS's reference number
    created_at: datetime | None
    tags: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search for cases saw. `aws_date` is the Date header of its first answer: AWS's own clock."""

    cases: tuple[FoundCase, ...]
    aws_date: datetime | None
    pages: int


@dataclass(frozen=True, kw_only=True)
class ReadCase:
    """A case as GetCase shows it: the union of each field by id, without the empty ones."""

    fields: dict[str, Row]
    template_id: str
    tags: dict[str, str]


def create_case(target: Target, keys: Keys, region: str, params: Row, trace: Trace) -> str:
    """Open one case in one request and return its caseId; `params` are AWS's, the client token among them.

    Raises Refused, NotSent or OutcomeUnknown; after OutcomeUnknown only the same params may be sent again.
    https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-cases_CreateCase.html
    """
    with translated(trace), clients.writer(target, keys, service=SERVICE, region=region) as client:
        client.trace = trace
        answer = client.create_case(**params)
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


def ask_whether_allowed(target: Target, *, region: str, domain_id: str, tags: dict[str, str]) -> None:
    """Find out whether cases may be opened, with tags or without: by a template that no domain has, so that none is opened.

    Returns where AWS looked for the template; raises Refused where it does not let us in, and whatever else went wrong.
    """
    trace = Trace(CREATE_CASE)
    params: Row = {"domainId": domain_id, "templateId": NO_TEMPLATE, "fields": _TEST_FIELDS}
    try:
        with translated(trace), clients.writer(target, clients.keys(target), service=SERVICE, region=region) as client:
            client.trace = trace
            answer = client.create_case(**params, **({"tags": tags} if tags else {}))
    except Refused as exc:
        if exc.cause == Cause.INVALID:
            return
        raise
    raise OutcomeUnknown(
        f"AWS opened case {answer.get('caseId')} by a template that is not there.", operation=CREATE_CASE
    )


def add_comment(target: Target, keys: Keys, region: str, params: Row, trace: Trace) -> str:
    """Add a comment to one case in one request, under its client token, and return the relatedItemId.

    The case was opened a moment ago: that AWS does not know it yet says nothing about the comment.
    https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-cases_BatchCreateRelatedItem.html
    """
    with _not_visible_yet(), translated(trace), clients.writer(target, keys, service=SERVICE, region=region) as client:
        client.trace = trace
        answer = client.batch_create_related_item(**params)
        for failed in answer.get("failedItems") or ():
            code, text = str(failed.get("errorCode", "")), str(failed.get("errorMessage", ""))
            known: Row = {"operation": trace.operation, "error_class": "FailedItem", "code": code, "http_status": 200}
            if code == "CASE_NOT_FOUND":
                raise Refused(text, cause=Cause.NOT_VISIBLE, again=True, **known)
            if code == "SERVICE_QUOTA_EXCEEDED":  # of this case: others go on
                raise Refused(text, cause=Cause.INVALID, again=False, **known)
            raise OutcomeUnknown(text, **known)
        return _item_id(next(iter(answer.get("successfulItems") or ()), {}), trace)


def attach_file(target: Target, keys: Keys, region: str, params: Row, trace: Trace) -> str:
    """Relate an uploaded file to its case in one request and return the relatedItemId. There is no token: look before a repeat.

    https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-cases_CreateRelatedItem.html
    """
    with _not_visible_yet(), translated(trace), clients.writer(target, keys, service=SERVICE, region=region) as client:
        client.trace = trace
        return _item_id(client.create_related_item(**params), trace)


def related_items(
    target: Target, *, region: str, domain_id: str, case_id: str, filter_: Row
) -> tuple[list[Row], datetime | None, int]:
    """A case's related items that a filter finds, AWS's clock at the first answer, and how many pages it took."""
    params: Row = {"domainId": domain_id, "caseId": case_id, "filters": [filter_], "maxResults": 25}
    found: list[Row] = []
    first_date, pages = None, 0
    while True:
        answer = _call(target, region, "search_related_items", **params)
        pages += 1
        first_date = first_date or date_of(answer)
        found += _listed(answer, "relatedItems")
        if not answer.get("nextToken"):
            return found, first_date, pages
        params["nextToken"] = answer["nextToken"]


@contextmanager
def _not_visible_yet() -> Iterator[None]:
    try:
        yield
    except Refused as exc:
        if not exc.code.startswith("ResourceNotFound"):
            raise
        known: Row = {"error_class": exc.error_class, "code": exc.code, "http_status": exc.http_status}
        raise Refused(
            exc.text, cause=Cause.NOT_VISIBLE, again=True, operation=exc.operation, request_id=exc.request_id, **known
        ) from exc


def _item_id(row: Row, trace: Trace) -> str:
    found = row.get("relatedItemId")
    if isinstance(found, str) and found.strip():
        return found
    raise OutcomeUnknown("AWS answered without an item id.", operation=trace.operation, error_class="NoItemId")


def search_by_tag(target: Target, *, region: str, domain_id: str, key: str, value: str) -> Search:
    """The domain's cases with a tag. The index behind it may lag by minutes."""
    return _search(target, region, domain_id, {"tag": {"equalTo": {"key": key, "value": value}}})


def search_opened_since(target: Target, *, region: str, domain_id: str, since: datetime) -> Search:
    """The domain's cases opened at or after an instant."""
    instant = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    filter_ = {"field": {"greaterThanOrEqualTo": {"id": OPENED, "value": {"stringValue": instant}}}}
    return _search(target, region, domain_id, filter_)


def search_by_title(target: Target, *, region: str, domain_id: str, part: str) -> Search:
    """The domain's cases with this in their title."""
    filter_ = {"field": {"contains": {"id": TITLE, "value": {"stringValue": part}}}}
    return _search(target, region, domain_id, filter_)


def read_case(target: Target, *, region: str, domain_id: str, case_id: str, field_ids: Iterable[str]) -> ReadCase:
    """A case with the fields asked for; GetCase is paged in both directions."""
    asked = list(dict.fromkeys([*field_ids, STATUS, NUMBER]))
    found: dict[str, Row] = {}
    template_id, tags = "", dict[str, str]()
    for start in range(0, len(asked), GET_PAGE):
        params: Row = {"domainId": domain_id, "caseId": case_id}
        params["fields"] = [{"id": id_} for id_ in asked[start : start + GET_PAGE]]
        while True:
            answer = _call(target, region, "get_case", **params)
            found |= {
                row["id"]: row["value"] for row in _listed(answer, "fields") if row["value"] != {"emptyValue": {}}
            }
            template_id, tags = answer.get("templateId", ""), answer.get("tags") or {}
            if not answer.get("nextToken"):
                break
            params["nextToken"] = answer["nextToken"]
    return ReadCase(fields=found, template_id=template_id, tags=dict(tags))


def probe_read(target: Target, *, region: str) -> None:
    """The cheapest read, to see whether Connect Cases answers at all."""
    _call(target, region, "list_domains", maxResults=1)


def _search(target: Target, region: str, domain_id: str, filter_: Row) -> Search:
    params: Row = {"domainId": domain_id, "filter": filter_, "fields": _SHOWN, "maxResults": PAGE}
    params["sorts"] = [{"fieldId": OPENED, "sortOrder": "Asc"}]
    found: list[FoundCase] = []
    first_date, pages = None, 0
    while True:
        answer = _call(target, region, "search_cases", **params)
        pages += 1
        first_date = first_date or date_of(answer)
        found += [_found(row) for row in _listed(answer, "cases")]
        if not answer.get("nextToken"):
            return Search(cases=tuple(found), aws_date=first_date, pages=pages)
        params["nextToken"] = answer["nextToken"]


def _found(row: Row) -> FoundCase:
    texts = {field["id"]: str(field["value"].get("stringValue", "")) for field in row.get("fields") or () if field}
    return FoundCase(
        case_id=row["caseId"],
        template_id=row.get("templateId", ""),
        title=texts.get(TITLE, ""),
        status=texts.get(STATUS, ""),
        number=texts.get(NUMBER, ""),
        created_at=_instant(texts.get(OPENED, "")),
        tags=dict(row.get("tags") or {}),
    )


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# --- what templates are made of ----------------------------------------------------------------------------------------
def domains(target: Target, *, region: str) -> list[Row]:
    """The account's Cases domains in a region: domainId, domainArn, name."""
    return list(_pages(target, region, "list_domains", "domains", maxResults=DOMAINS_PAGE))


def templates(target: Target, *, region: str, domain_id: str) -> list[Row]:
    """The domain's templates, inactive ones too, deleted ones not: templateId, name, status."""
    return list(_pages(target, region, "list_templates", "templates", domainId=domain_id, maxResults=PAGE))


def template(target: Target, *, region: str, domain_id: str, template_id: str) -> Row:
    return _call(target, region, "get_template", domainId=domain_id, templateId=template_id)


def layout(target: Target, *, region: str, domain_id: str, layout_id: str) -> Row:
    return _call(target, region, "get_layout", domainId=domain_id, layoutId=layout_id)


def field_options(target: Target, *, region: str, domain_id: str, field_id: str) -> list[Row]:
    """All options of a single select, inactive ones too: name, value, active."""
    return list(
        _pages(target, region, "list_field_options", "options", domainId=domain_id, fieldId=field_id, maxResults=PAGE)
    )


def fields(target: Target, *, region: str, domain_id: str, field_ids: Iterable[str]) -> list[Row]:
    """At most 50 fields by id, deleted ones with `deleted`; those that AWS does not know are left out."""
    wanted = [{"id": id_} for id_ in field_ids]
    return _listed(_call(target, region, "batch_get_field", domainId=domain_id, fields=wanted), "fields")


def rules(target: Target, *, region: str, domain_id: str, rule_ids: Iterable[str]) -> tuple[list[Row], list[str]]:
    """At most 50 rules by id, and the ids that AWS left for another call. Rules that AWS does not know are left out."""
    wanted = [{"id": id_} for id_ in rule_ids]
    answer = _call(target, region, "batch_get_case_rule", domainId=domain_id, caseRules=wanted)
    return _listed(answer, "caseRules"), list(answer.get("unprocessedCaseRules") or ())


def in_batches(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Ids as the batch reads take them, each once."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), BATCH):
        yield tuple(ordered[start : start + BATCH])


def _pages(target: Target, region: str, method: str, member: str, **params: Any) -> Iterator[Row]:
    while True:
        answer = _call(target, region, method, **params)
        yield from _listed(answer, member)
        if not answer.get("nextToken"):
            return
        params["nextToken"] = answer["nextToken"]


def _call(target: Target, region: str, method: str, **params: Any) -> Row:
    operation = "".join(part.title() for part in method.split("_"))
    with _reading(operation):
        answer: Row = getattr(clients.reader(SERVICE, target, region), method)(**params)
    return answer


def _listed(answer: Row, member: str) -> list[Row]:
    """The list that an answer is about. A cut or foreign 200 lacks it, and that it is empty would then be a lie."""
    found = answer.get(member)
    if isinstance(found, list):
        return [row for row in found if row]
    raise OutcomeUnknown("AWS's answer was cut short.", operation=SERVICE, error_class="CutAnswer")


@contextmanager
def _reading(operation: str) -> Iterator[None]:
    """Errors of a read. Nothing can have happened at AWS, but the classes still say whether access or the line is at fault."""
    with translated(Trace(f"{SERVICE}.{operation}", sent=True)):
        yield
