"""The operations of Customer Profiles: finding profiles by exact keys, and which domain belongs to which instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casesite.sandbox.connect_cases import domains
from casesite.sandbox.connect_cases.domains import Document, Domain, Kind, Part
from casesite.sandbox.messages import AwsError
from casesite.sandbox.paging import page
from casesite.sandbox.services import Call, Handler

PAGE = 100
FOUND_PAGE = 20
MEMBERS_BY_KEY = {
    "_account": ("AccountNumber",),
    "_phone": ("PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber", "BusinessPhoneNumber"),
    "_email": ("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress"),
}
KEYS = (*MEMBERS_BY_KEY, "_profileId", "_fullName")
NAME_MEMBERS = ("FirstName", "MiddleName", "LastName")


def search_profiles(call: Call) -> Document:
    """Profiles that one key (OR) or every key (AND) finds; a key finds by any of its values, as they were stored."""
    domain = _domain(call)
    keys = [call.params, *call.params.get("AdditionalSearchKeys", ())]
    for key in keys:
        if key["KeyName"] not in KEYS:
            raise AwsError("BadRequestException", f"The search key {key['KeyName']} is not known.")
    enough = all if call.params.get("LogicalOperator") == "AND" else any
    found = []
    for profile in domains.living(domains.parts(call.state, domain, Kind.PROFILE)):
        matches = [_matches(profile, key) for key in keys]
        if enough(matches):
            found.append(_found(profile, [key for key, match in zip(keys, matches, strict=True) if match]))
    shown, token = page(found, call, FOUND_PAGE)
    return {"Items": shown, "NextToken": token}


def list_domains(call: Call) -> Document:
    shown, token = page(_domains(call), call, PAGE)
    items = [{"DomainName": each.profiles_domain, **_times(each)} for each in shown]
    return {"Items": items, "NextToken": token}


def get_domain(call: Call) -> Document:
    domain = _domain(call)
    count = len(domains.living(domains.parts(call.state, domain, Kind.PROFILE)))
    stats = {"ProfileCount": count, "MeteringProfileCount": count, "ObjectCount": count, "TotalSize": 0}
    return {"DomainName": domain.profiles_domain, "Stats": stats, **_times(domain)}


def list_integrations(call: Call) -> Document:
    return _integrations(call, [_domain(call)])


def list_account_integrations(call: Call) -> Document:
    return _integrations(call, [each for each in _domains(call) if each.instance_arn == call.params["Uri"]])


HANDLERS: dict[str, Handler] = {
    "SearchProfiles": search_profiles,
    "ListDomains": list_domains,
    "GetDomain": get_domain,
    "ListIntegrations": list_integrations,
    "ListAccountIntegrations": list_account_integrations,
}


def _domains(call: Call) -> list[Domain]:
    """The account's domains of profiles in this region."""
    found = domains.every(call.state, call.account.account_id, call.region)
    return [each for each in found if each.profiles_domain is not None]


def _domain(call: Call) -> Domain:
    name = call.params["DomainName"]
    for each in _domains(call):
        if each.profiles_domain == name:
            return each
    raise AwsError("ResourceNotFoundException", f"Domain {name} doesn't exist.", 404)


def _integrations(call: Call, found: list[Domain]) -> Document:
    shown, token = page(found, call, PAGE)
    items = [
        {
            "DomainName": each.profiles_domain,
            "Uri": each.instance_arn,
            "ObjectTypeName": "CTR",
            **_times(each),
        }
        for each in shown
    ]
    return {"Items": items, "NextToken": token}


def _matches(profile: Part, key: Mapping[str, Any]) -> bool:
    return bool(set(key["Values"]) & _values(profile, key["KeyName"]))


def _values(profile: Part, key: str) -> set[str]:
    document = profile.document
    if key == "_profileId":
        return {profile.id}
    if key == "_fullName":
        return {" ".join(document[name] for name in NAME_MEMBERS if name in document)}
    return {document[name] for name in MEMBERS_BY_KEY[key] if name in document}


def _found(profile: Part, keys: list[Mapping[str, Any]]) -> Document:
    by = [{"KeyName": key["KeyName"], "Values": key["Values"]} for key in keys]
    return {"ProfileId": profile.id, "ProfileType": "PROFILE", **profile.document, "FoundByItems": by}


def _times(domain: Domain) -> Document:
    at = domains.instant(domain.created_at)
    return {"CreatedAt": at, "LastUpdatedAt": at}
