"""Comments, files and other things related to cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from casesite.sandbox import tokens
from casesite.sandbox.connect import files
from casesite.sandbox.connect_cases import cases, domains, search
from casesite.sandbox.connect_cases.case_operations import case_of, doer, fields_of, taken_values
from casesite.sandbox.connect_cases.cases import Case, Item
from casesite.sandbox.connect_cases.catalogue import domain_of, not_found
from casesite.sandbox.connect_cases.domains import Document, Domain
from casesite.sandbox.messages import AwsError
from casesite.sandbox.paging import page
from casesite.sandbox.services import Call

PAGE = 25
CUSTOM_FIELDS = 5
MEMBERS = {
    "Contact": "contact",
    "Comment": "comment",
    "File": "file",
    "Sla": "sla",
    "ConnectCase": "connectCase",
    "Custom": "custom",
}


def create_related_item(call: Call) -> Document:
    """Relate something to a case. There is no token: the same comment sent twice is two comments."""
    domain, type_ = domain_of(call), call.params["type"]
    case = case_of(call, domain, call.params["caseId"])
    content = call.params["content"]
    if MEMBERS[type_] not in content:
        raise AwsError("ValidationException", f"An item of type {type_} needs content.{MEMBERS[type_]}.")
    stored = CONTENTS[type_](call, domain, case, content[MEMBERS[type_]])
    if full := _full(call, case, type_):
        raise AwsError("ServiceQuotaExceededException", full, 402)
    item = cases.add_item(call.state, domain, case, type_, {MEMBERS[type_]: stored}, doer(call, domain))
    return {"relatedItemId": item.item_id, "relatedItemArn": cases.item_arn(domain, case, item)}


def batch_create_related_item(call: Call) -> Document:
    """The same comment on many cases, or on one. A repeated token adds nothing."""
    domain = domain_of(call)
    return tokens.once(
        call.state,
        domain.domain_id,
        call.operation,
        call.params.get("clientToken"),
        call.params,
        lambda: _comment_on_all(call, domain),
    )


def _comment_on_all(call: Call, domain: Domain) -> Document:
    comment = call.params["content"].get("comment")
    if comment is None:
        raise AwsError("ValidationException", "Only comments can be added in batches.")
    named = [each["caseIdentifier"] for each in call.params["cases"]]
    if len({tuple(each.items()) for each in named}) < len(named):
        raise AwsError("ValidationException", "A case is named twice.")
    by = doer(call, domain)
    done: list[Document] = []
    failed: list[Document] = []
    for identifier in named:
        case = _identified(call, domain, identifier)
        if case is None:
            failed.append(_failure(identifier, "CASE_NOT_FOUND", "No case with this id"))
        elif full := _full(call, case, "Comment"):
            failed.append(_failure(identifier, "SERVICE_QUOTA_EXCEEDED", full))
        else:
            item = cases.add_item(call.state, domain, case, "Comment", {"comment": comment}, by)
            ids = {"relatedItemId": item.item_id, "relatedItemArn": cases.item_arn(domain, case, item)}
            done.append({"caseIdentifier": identifier, **ids})
    return {"successfulItems": done, "failedItems": failed}


def search_related_items(call: Call) -> Document:
    """What is related to a case, newest first; with filters, what at least one of them finds."""
    domain = domain_of(call)
    case = case_of(call, domain, call.params["caseId"])
    filters = call.params.get("filters", ())
    items = [
        each
        for each in reversed(cases.items(call.state, case, visible=True))
        if not filters or any(_fits(call, domain, each, filter_) for filter_ in filters)
    ]
    rows, token = page(items, call, PAGE)
    return {"relatedItems": [_told(each) for each in rows], "nextToken": token}


OPERATIONS: dict[str, Callable[[Call], Document]] = {
    "CreateRelatedItem": create_related_item,
    "BatchCreateRelatedItem": batch_create_related_item,
    "SearchRelatedItems": search_related_items,
}


def _comment(call: Call, domain: Domain, case: Case, given: Document) -> Document:
    return given


def _contact(call: Call, domain: Domain, case: Case, given: Document) -> Document:
    call.must_allow("connect:DescribeContact")
    if not given["contactArn"].startswith(f"{domain.instance_arn}/contact/"):
        raise AwsError("ValidationException", "contactArn must be that of a contact of this instance.")
    return {**given, "channel": "VOICE", "connectedToSystemTime": _iso(call.state.now())}


def _file(call: Call, domain: Domain, case: Case, given: Document) -> Document:
    """A file that was uploaded for this very case, and completed."""
    arn = given["fileArn"]
    file = files.find(call.state, domain, arn.rpartition("/")[2])
    if file is None or domain.file_arn(file.file_id) != arn or file.associated_arn != cases.arn(domain, case):
        raise AwsError("ValidationException", f"There is no file of this case with the ARN {arn}.")
    status = file.status(call.state.now())
    if status not in (files.PROCESSING, files.APPROVED):
        raise AwsError("ValidationException", f"The file can't be attached: it is {status}.")
    files.keep(call.state, file)
    return given


def _sla(call: Call, domain: Domain, case: Case, given: Document) -> Document:
    config = given["slaInputConfiguration"]
    if config.get("fieldId", "status") != "status":
        raise AwsError("ValidationException", "An SLA can only watch the field status.")
    kept = {name: value for name, value in config.items() if name != "targetSlaMinutes"}
    due = call.state.now() + timedelta(minutes=config["targetSlaMinutes"]).total_seconds()
    return {"slaConfiguration": {**kept, "status": "Active", "targetTime": _iso(due)}}


def _connect_case(call: Call, domain: Domain, case: Case, given: Document) -> Document:
    case_of(call, domain, given["caseId"])
    return given


def _custom(call: Call, domain: Domain, case: Case, given: Document) -> Document:
    fields = {id_: each for id_, each in fields_of(call, domain).items() if each.document["namespace"] == "Custom"}
    values = taken_values(given["fields"], fields)
    if len(values) > CUSTOM_FIELDS:
        raise AwsError("ServiceQuotaExceededException", f"A custom item can have {CUSTOM_FIELDS} fields.", 402)
    return {"fields": [{"id": id_, "value": value} for id_, value in values.items() if value is not None]}


CONTENTS: dict[str, Callable[[Call, Domain, Case, Document], Document]] = {
    "Comment": _comment,
    "Contact": _contact,
    "File": _file,
    "Sla": _sla,
    "ConnectCase": _connect_case,
    "Custom": _custom,
}


def _full(call: Call, case: Case, type_: str) -> str | None:
    """Which limit a case has reached, if it has reached one."""
    settings, held = call.state.settings, cases.items(call.state, case)
    if len(held) >= settings.related_items_on_case:
        return f"A case can have {settings.related_items_on_case} related items."
    if type_ == "File" and sum(each.type == "File" for each in held) >= settings.files_on_case:
        return f"A case can have {settings.files_on_case} files."
    return None


def _identified(call: Call, domain: Domain, identifier: Document) -> Case | None:
    """The case that is meant. An unknown reference id fails the whole call, an unknown case id only its own part."""
    if "caseId" in identifier:
        return cases.find(call.state, identifier["caseId"], domain)
    case = cases.by_reference(call.state, domain, identifier["referenceId"])
    if case is None:
        raise not_found("Case", identifier["referenceId"])
    return case


def _failure(identifier: Document, code: str, message: str) -> Document:
    return {"caseIdentifier": identifier, "errorCode": code, "errorMessage": message}


def _fits(call: Call, domain: Domain, item: Item, filter_: Document) -> bool:
    member, asked = next(iter(filter_.items()))
    if member not in item.content:
        return False
    content: dict[str, Any] = item.content[member]
    if member == "custom":
        return "fields" not in asked or _custom_fits(call, domain, content, asked["fields"])
    if member == "sla":
        content = content["slaConfiguration"]
    if member == "contact" and asked.get("channel") and content["channel"] not in asked["channel"]:
        return False
    return all(content.get(name) == value for name, value in asked.items() if name != "channel")


def _custom_fits(call: Call, domain: Domain, content: Document, filter_: Document) -> bool:
    values = {each["id"]: each["value"] for each in content["fields"]}
    return search.test_for(filter_, fields_of(call, domain))(values, {})


def _told(item: Item) -> Document:
    return {
        "relatedItemId": item.item_id,
        "type": item.type,
        "associationTime": domains.instant(item.created_at),
        "content": item.content,
        "performedBy": item.performed_by,
        "tags": {},
    }


def _iso(at: float) -> str:
    return domains.instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
