"""The operations of Amazon Connect that are about users and integrations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from casesite.sandbox.connect_cases import domains
from casesite.sandbox.connect_cases.domains import Document, Domain, Kind, Part
from casesite.sandbox.messages import AwsError
from casesite.sandbox.paging import page
from casesite.sandbox.services import Call, Handler

PAGE = 100
SEARCHED_BY = ("Username", "FirstName", "LastName", "Email")
COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "STARTS_WITH": lambda text, value: text.startswith(value),
    "CONTAINS": lambda text, value: value in text,
    "EXACT": lambda text, value: text == value,
}


def search_users(call: Call) -> Document:
    """Users by conditions on their names, read without case as Connect does."""
    domain = instance_of(call)
    if call.params.get("SearchFilter"):
        raise AwsError("InvalidParameterException", "The simulator's users have no tags or groups to filter by.")
    criteria = call.params.get("SearchCriteria") or {}
    _check(criteria)
    users = [each for each in _users(call, domain) if _meets(each, criteria)]
    shown, token = page(users, call, PAGE)
    return {
        "Users": [_summary(domain, each) for each in shown],
        "NextToken": token,
        "ApproximateTotalCount": len(users),
    }


def describe_user(call: Call) -> Document:
    domain, user_id = instance_of(call), call.params["UserId"]
    for user in _users(call, domain):
        if user.id == user_id:
            return {
                "User": {**_summary(domain, user), "IdentityInfo": _identity(user, "FirstName", "LastName", "Email")}
            }
    raise AwsError("ResourceNotFoundException", f"User not found: {user_id}", 404)


def list_integration_associations(call: Call) -> Document:
    """The one association that an instance has here: its domain of cases."""
    domain = instance_of(call)
    wanted = {"IntegrationType": "CASES_DOMAIN", "IntegrationArn": domain.arn}
    fits = all(call.params.get(name, value) == value for name, value in wanted.items())
    association = {
        "IntegrationAssociationId": domain.domain_id,
        "IntegrationAssociationArn": f"{domain.instance_arn}/integration-association/{domain.domain_id}",
        "InstanceId": domain.instance_id,
        **wanted,
    }
    shown, token = page([association] if fits else [], call, PAGE)
    return {"IntegrationAssociationSummaryList": shown, "NextToken": token}


HANDLERS: dict[str, Handler] = {
    "SearchUsers": search_users,
    "DescribeUser": describe_user,
    "ListIntegrationAssociations": list_integration_associations,
}


def instance_of(call: Call) -> Domain:
    """The caller's own instance in this region. Not all operations have an error for one that is not there."""
    instance_id = call.params["InstanceId"]
    for each in domains.every(call.state, call.account.account_id, call.region):
        if each.instance_id == instance_id:
            return each
    known = call.operation != "StartAttachedFileUpload"
    code, status = ("ResourceNotFoundException", 404) if known else ("InvalidRequestException", 400)
    raise AwsError(code, f"Instance not found: {instance_id}", status)


def _users(call: Call, domain: Domain) -> list[Part]:
    return domains.living(domains.parts(call.state, domain, Kind.USER))


def _check(criteria: Mapping[str, Any]) -> None:
    """Refuse what can't be searched by here."""
    for name, value in criteria.items():
        if name in ("OrConditions", "AndConditions"):
            for each in value:
                _check(each)
        elif name != "StringCondition":
            raise AwsError("InvalidParameterException", f"The simulator's users can't be searched by {name}.")
        elif value.get("FieldName") not in SEARCHED_BY:
            raise AwsError("InvalidParameterException", f"Users can't be searched by {value.get('FieldName')}.")


def _meets(user: Part, criteria: Mapping[str, Any]) -> bool:
    if "StringCondition" in criteria:
        condition = criteria["StringCondition"]
        text, value = user.document.get(condition["FieldName"], ""), condition.get("Value", "")
        return COMPARISONS[condition.get("ComparisonType", "EXACT")](text.casefold(), value.casefold())
    if "OrConditions" in criteria:
        return any(_meets(user, each) for each in criteria["OrConditions"])
    return all(_meets(user, each) for each in criteria.get("AndConditions", ()))


def _summary(domain: Domain, user: Part) -> Document:
    return {
        "Id": user.id,
        "Arn": domain.user_arn(user.id),
        "Username": user.document["Username"],
        "IdentityInfo": _identity(user, "FirstName", "LastName"),
    }


def _identity(user: Part, *names: str) -> Document:
    return {name: user.document[name] for name in names if name in user.document}
