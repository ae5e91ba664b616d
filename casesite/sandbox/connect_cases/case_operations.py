"""Creating, reading, updating and searching cases, and their history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from casesite.sandbox import tokens
from casesite.sandbox.connect_cases import cases, domains, search, system_fields
from casesite.sandbox.connect_cases.cases import Case, Doer
from casesite.sandbox.connect_cases.catalogue import domain_of, not_found, part_of
from casesite.sandbox.connect_cases.domains import Document, Domain, Kind, Part
from casesite.sandbox.connect_cases.rules import Template
from casesite.sandbox.connect_cases.values import EMPTY, Unfit, Union, Values, fit
from casesite.sandbox.messages import AwsError
from casesite.sandbox.paging import page
from casesite.sandbox.services import Call

SEARCH_PAGE = 25
HISTORY_PAGE = 25
MOST_TAGS = 50


def create_case(call: Call) -> Document:
    if call.params.get("tags"):
        call.must_allow("cases:TagResource")
    domain, params = domain_of(call), call.params
    return tokens.once(
        call.state, domain.domain_id, call.operation, params.get("clientToken"), params, lambda: _create(call, domain)
    )


def _create(call: Call, domain: Domain) -> Document:
    template = part_of(call, domain, Kind.TEMPLATE, call.params["templateId"])
    if template.deleted or template.document["status"] != "Active":
        raise AwsError("ValidationException", f"Template {template.id} is not active.")
    fields = fields_of(call, domain)
    changes = _values(call, domain, fields)
    values = {id_: value for id_, value in changes.items() if value is not None}
    by = doer(call, domain)
    _check_rules(call, domain, template, fields, values)
    if system_fields.REFERENCE_ID in fields:
        values = _with_reference(call, domain, values)
    case = cases.create(call.state, domain, template.id, values, _tags(call, template), by)
    return {"caseId": case.case_id, "caseArn": cases.arn(domain, case)}


def get_case(call: Call) -> Document:
    """The named fields. A blank system field is told as empty, a blank custom one is left out: AWS may do either."""
    domain = domain_of(call)
    case = case_of(call, domain, call.params["caseId"])
    fields = fields_of(call, domain)
    asked = [search.field_of(each["id"], fields) for each in call.params["fields"]]
    told = [
        {"id": field.id, "value": case.fields.get(field.id, {EMPTY: {}})}
        for field in asked
        if field.id in case.fields or field.document["namespace"] == "System"
    ]
    return {"fields": told, "templateId": case.template_id, "tags": case.tags}


def update_case(call: Call) -> Document:
    domain = domain_of(call)
    case = case_of(call, domain, call.params["caseId"])
    fields = fields_of(call, domain)
    changes = _values(call, domain, fields)
    by = doer(call, domain)
    merged = {id_: value for id_, value in (case.fields | changes).items() if value is not None}
    template = part_of(call, domain, Kind.TEMPLATE, case.template_id)
    _check_rules(call, domain, template, fields, merged, touched=changes)
    cases.update(call.state, domain, case, changes, by)
    return {}


def search_cases(call: Call) -> Document:
    domain, params = domain_of(call), call.params
    fields = fields_of(call, domain)
    shown = [search.field_of(each["id"], fields).id for each in params.get("fields", ())]
    fits = search.test_for(params["filter"], fields) if "filter" in params else None
    found = [
        case
        for case in cases.seen(call.state, domain, search.tag_of(params.get("filter")))
        if (fits is None or fits(case.fields, case.tags))
        and (not params.get("searchTerm") or search.has_term(case.fields, params["searchTerm"]))
    ]
    rows, token = page(search.in_order(found, params.get("sorts", []), fields), call, SEARCH_PAGE)
    return {"cases": [_found(case, shown) for case in rows], "totalCount": len(found), "nextToken": token}


def get_case_audit_events(call: Call) -> Document:
    domain = domain_of(call)
    case = case_of(call, domain, call.params["caseId"])
    rows, token = page(list(reversed(cases.events(call.state, case))), call, HISTORY_PAGE)
    told = [
        {
            "eventId": each.event_id,
            "type": each.type,
            "relatedItemType": each.item_type,
            "performedTime": domains.instant(each.at),
            "fields": each.fields,
            "performedBy": each.performed_by,
        }
        for each in rows
    ]
    return {"auditEvents": told, "nextToken": token}


OPERATIONS: dict[str, Callable[[Call], Document]] = {
    "CreateCase": create_case,
    "GetCase": get_case,
    "UpdateCase": update_case,
    "SearchCases": search_cases,
    "GetCaseAuditEvents": get_case_audit_events,
}


def case_of(call: Call, domain: Domain, case_id: str) -> Case:
    case = cases.find(call.state, case_id, domain)
    if case is None:
        raise not_found("Case", case_id)
    return case


def fields_of(call: Call, domain: Domain) -> dict[str, Part]:
    return {each.id: each for each in domains.parts(call.state, domain, Kind.FIELD)}


def doer(call: Call, domain: Domain) -> Doer:
    """Who acts. A Connect user must be one of the instance's."""
    named: Union | None = call.params.get("performedBy")
    if named is not None and "userArn" in named:
        call.must_allow("connect:DescribeUser")
        _find_user(call, domain, named["userArn"])
    return Doer(call.caller.arn, named)


def refuse_all(problems: Iterable[str]) -> None:
    """Refuse a call for everything that is wrong with it at once."""
    found = list(problems)
    if found:
        raise AwsError("ValidationException", "; ".join(found))


def taken_values(given: Iterable[Mapping[str, Any]], fields: Mapping[str, Part]) -> dict[str, Union | None]:
    """Values as they are stored, None for blank ones; refused where one does not fit its field."""
    problems: list[str] = []
    values: dict[str, Union | None] = {}
    for each in given:
        id_ = each["id"]
        field = fields.get(id_)
        if id_ in values:
            problems.append(f"Field {id_} is named twice")
        elif field is None or field.deleted:
            problems.append(f"Field {id_} does not exist")
        elif id_ in system_fields.SET_BY_AWS:
            problems.append(f"Field {id_} ({field.document['name']}) can't be set")
        else:
            values[id_] = None
            try:
                values[id_] = fit(field, each["value"])
            except Unfit as why:
                problems.append(f"Field {id_} ({field.document['name']}) {why}")
    refuse_all(problems)
    return values


def _values(call: Call, domain: Domain, fields: Mapping[str, Part]) -> dict[str, Union | None]:
    """The values of a call, with the people they name."""
    values = taken_values(call.params["fields"], fields)
    queue = values.get(system_fields.ASSIGNED_QUEUE)
    if queue is not None and not queue["stringValue"].startswith(f"{domain.instance_arn}/queue/"):
        raise AwsError("ValidationException", "Field assigned_queue (Assigned queue) names no queue of this instance")
    customer, assigned = (values.get(id_) for id_ in (system_fields.CUSTOMER, system_fields.ASSIGNED_USER))
    if customer is not None:
        call.must_allow("profile:SearchProfiles")
        _find_customer(call, domain, customer["stringValue"])
    if assigned is not None:
        _find_user(call, domain, assigned["stringValue"])
    return values


def _find_customer(call: Call, domain: Domain, arn: str) -> None:
    profile_id = arn.rpartition("/")[2]
    profile = domains.part(call.state, domain, Kind.PROFILE, profile_id)
    if profile is None or profile.deleted or arn != domain.profile_arn(profile_id):
        raise AwsError("ValidationException", f"Field customer_id (Customer) names no profile of this domain: {arn}")


def _find_user(call: Call, domain: Domain, arn: str) -> None:
    user_id = arn.rpartition("/")[2]
    user = domains.part(call.state, domain, Kind.USER, user_id)
    if user is None or user.deleted or arn != domain.user_arn(user_id):
        raise not_found("User", arn)


def _check_rules(
    call: Call,
    domain: Domain,
    template: Part,
    fields: Mapping[str, Part],
    values: Values,
    touched: Iterable[str] | None = None,
) -> None:
    rules = {each.id: each for each in domains.parts(call.state, domain, Kind.RULE)}
    hidden_refused = call.state.settings.hidden_values == "refused"
    which = None if touched is None else set(touched)
    refuse_all(Template(template, rules, fields).problems(values, hidden_refused=hidden_refused, touched=which))


def _tags(call: Call, template: Part) -> dict[str, str]:
    """The tags that the template spreads, and over them those of the call."""
    spread = (each["tagMap"] for each in template.document.get("tagPropagationConfigurations", ()))
    tags: dict[str, str] = {key: value for each in spread for key, value in each.items()}
    tags |= call.params.get("tags", {})
    if len(tags) > MOST_TAGS:
        raise AwsError("ValidationException", f"A case can have {MOST_TAGS} tags, those of its template included.")
    return tags


def _with_reference(call: Call, domain: Domain, values: Values) -> Values:
    """With a reference id that no other case of the domain has, whatever its case."""
    own = values.get(system_fields.REFERENCE_ID)
    if own is None:
        return {**values, system_fields.REFERENCE_ID: {"stringValue": cases.new_reference()}}
    if cases.by_reference(call.state, domain, own["stringValue"]) is not None:
        raise AwsError("ConflictException", f"Another case has the reference id {own['stringValue']}.", 409)
    return values


def _found(case: Case, shown: list[str]) -> Document:
    return {
        "caseId": case.case_id,
        "templateId": case.template_id,
        "fields": [{"id": id_, "value": case.fields[id_]} for id_ in shown if id_ in case.fields],
        "tags": case.tags,
    }
