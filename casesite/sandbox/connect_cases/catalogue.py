"""Reading what cases are made from: domains, templates, layouts, fields with their options, rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from casesite.sandbox.connect_cases import domains
from casesite.sandbox.connect_cases.domains import Document, Domain, Kind, Part
from casesite.sandbox.messages import AwsError
from casesite.sandbox.paging import page
from casesite.sandbox.services import Call

PAGE = 100
DOMAINS_PAGE = 10
RULE_TYPES = {"required": "Required", "hidden": "Hidden", "fieldOptions": "FieldOptions"}


def list_domains(call: Call) -> Document:
    found, token = page(domains.every(call.state, call.account.account_id, call.region), call, DOMAINS_PAGE)
    return {
        "domains": [{"domainId": each.domain_id, "domainArn": each.arn, "name": each.name} for each in found],
        "nextToken": token,
    }


def get_domain(call: Call) -> Document:
    domain = domain_of(call)
    return {
        "domainId": domain.domain_id,
        "domainArn": domain.arn,
        "name": domain.name,
        "createdTime": domains.instant(domain.created_at),
        "domainStatus": domain.status,
        "tags": domain.tags,
    }


def list_templates(call: Call) -> Document:
    domain = domain_of(call)
    wanted = call.params.get("status") or ("Active", "Inactive")
    found = [each for each in _living(call, domain, Kind.TEMPLATE) if each.document["status"] in wanted]
    shown, token = page(found, call, PAGE)
    return {"templates": [_template_summary(domain, each) for each in shown], "nextToken": token}


def get_template(call: Call) -> Document:
    domain = domain_of(call)
    template = part_of(call, domain, Kind.TEMPLATE, call.params["templateId"])
    return {
        "templateId": template.id,
        "templateArn": domain.arn_of(template.kind, template.id),
        "tags": {},
        **template.document,
        "deleted": template.deleted,
        **template.times,
    }


def list_layouts(call: Call) -> Document:
    domain = domain_of(call)
    found, token = page(_living(call, domain, Kind.LAYOUT), call, PAGE)
    summaries = [
        {"layoutId": each.id, "layoutArn": domain.arn_of(each.kind, each.id), "name": each.document["name"]}
        for each in found
    ]
    return {"layouts": summaries, "nextToken": token}


def get_layout(call: Call) -> Document:
    domain = domain_of(call)
    layout = part_of(call, domain, Kind.LAYOUT, call.params["layoutId"])
    return {
        "layoutId": layout.id,
        "layoutArn": domain.arn_of(layout.kind, layout.id),
        "tags": {},
        **layout.document,
        "deleted": layout.deleted,
        **layout.times,
    }


def list_fields(call: Call) -> Document:
    domain = domain_of(call)
    found, token = page(_living(call, domain, Kind.FIELD), call, PAGE)
    return {"fields": [_field_summary(domain, each) for each in found], "nextToken": token}


def batch_get_field(call: Call) -> Document:
    domain = domain_of(call)
    found, errors = _batch(call, domain, Kind.FIELD, [each["id"] for each in call.params["fields"]])
    return {"fields": [_field(domain, each) for each in found], "errors": errors}


def list_field_options(call: Call) -> Document:
    """All options, inactive ones too, in the order in which they were put."""
    domain = domain_of(call)
    field = part_of(call, domain, Kind.FIELD, call.params["fieldId"])
    if field.document["type"] != "SingleSelect":
        raise AwsError("ValidationException", f"The field {field.id} is not a single-select field.")
    values = call.params.get("values")
    options = [each for each in field.document.get("options", ()) if not values or each["value"] in values]
    shown, token = page(options, call, PAGE)
    return {"options": shown, "nextToken": token}


def list_case_rules(call: Call) -> Document:
    domain = domain_of(call)
    found, token = page(_living(call, domain, Kind.RULE), call, PAGE)
    return {"caseRules": [_rule_summary(domain, each) for each in found], "nextToken": token}


def batch_get_case_rule(call: Call) -> Document:
    """Rules by id. Those that are too many for one answer are named as unprocessed, as AWS may do."""
    domain = domain_of(call)
    asked = [each["id"] for each in call.params["caseRules"]]
    at_once = max(call.state.settings.rules_in_batch, 1)
    found, errors = _batch(call, domain, Kind.RULE, asked[:at_once])
    return {
        "caseRules": [_rule(domain, each) for each in found],
        "errors": errors,
        "unprocessedCaseRules": asked[at_once:],
    }


OPERATIONS: dict[str, Callable[[Call], Document]] = {
    "ListDomains": list_domains,
    "GetDomain": get_domain,
    "ListTemplates": list_templates,
    "GetTemplate": get_template,
    "ListLayouts": list_layouts,
    "GetLayout": get_layout,
    "ListFields": list_fields,
    "BatchGetField": batch_get_field,
    "ListFieldOptions": list_field_options,
    "ListCaseRules": list_case_rules,
    "BatchGetCaseRule": batch_get_case_rule,
}


def domain_of(call: Call) -> Domain:
    """The caller's own domain in this region; any other is as unknown as one that never was."""
    domain_id = call.params["domainId"]
    found = domains.every(call.state, call.account.account_id, call.region, domain_id)
    if not found:
        raise not_found("Domain", domain_id)
    return found[0]


def part_of(call: Call, domain: Domain, kind: Kind, id_: str) -> Part:
    found = domains.part(call.state, domain, kind, id_)
    if found is None:
        raise not_found(kind.name.capitalize(), id_)
    return found


def not_found(type_: str, id_: str) -> AwsError:
    message = f"{type_} not found: {id_}"
    return AwsError("ResourceNotFoundException", message, 404, resourceId=id_, resourceType=type_)


def _living(call: Call, domain: Domain, kind: Kind) -> list[Part]:
    return domains.living(domains.parts(call.state, domain, kind))


def _batch(call: Call, domain: Domain, kind: Kind, ids: list[str]) -> tuple[list[Part], list[Document]]:
    """What there is of these ids, in their order, and an error for each that there is not."""
    ids = list(dict.fromkeys(ids))
    found = {each.id: each for each in domains.parts(call.state, domain, kind, ids)}
    name = kind.name.capitalize()
    errors = [
        {"id": id_, "errorCode": "ResourceNotFoundException", "message": f"{name} not found"}
        for id_ in ids
        if id_ not in found
    ]
    return [found[id_] for id_ in ids if id_ in found], errors


def _template_summary(domain: Domain, template: Part) -> Document:
    return {
        "templateId": template.id,
        "templateArn": domain.arn_of(template.kind, template.id),
        "name": template.document["name"],
        "status": template.document["status"],
        "tagPropagationConfigurations": template.document.get("tagPropagationConfigurations"),
    }


def _field_summary(domain: Domain, field: Part) -> Document:
    return {
        "fieldId": field.id,
        "fieldArn": domain.arn_of(field.kind, field.id),
        **{name: field.document.get(name) for name in ("name", "type", "namespace", "attributes")},
    }


def _field(domain: Domain, field: Part) -> Document:
    return {
        **_field_summary(domain, field),
        "description": field.document.get("description", ""),
        "deleted": field.deleted,
        "tags": field.document.get("tags", {}),
        **field.times,
    }


def _rule_summary(domain: Domain, rule: Part) -> Document:
    return {
        "caseRuleId": rule.id,
        "caseRuleArn": domain.arn_of(rule.kind, rule.id),
        "name": rule.document["name"],
        "ruleType": RULE_TYPES[next(iter(rule.document["rule"]))],
        "description": rule.document.get("description"),
    }


def _rule(domain: Domain, rule: Part) -> Document:
    document: dict[str, Any] = rule.document
    return {
        "caseRuleId": rule.id,
        "caseRuleArn": domain.arn_of(rule.kind, rule.id),
        "name": document["name"],
        "description": document.get("description"),
        "rule": document["rule"],
        "deleted": rule.deleted,
        "tags": document.get("tags", {}),
        **rule.times,
    }
