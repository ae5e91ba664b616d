"""Calls a second that Connect, Connect Cases and Customer Profiles allow, each operation in each region for itself."""

from __future__ import annotations

from casesite.sandbox.limits import Rate
from casesite.sandbox.services import RateOf
from casesite.sandbox.state import Account, Settings

# Calls a second and burst by default, from "Amazon Connect service quotas" as of 2026.
DOCUMENTED = {
    **dict.fromkeys(
        (
            *("CreateCase", "SearchCases", "ListTemplates", "ListLayouts", "CreateRelatedItem", "SearchRelatedItems"),
            *("ListCaseRules", "GetCaseAuditEvents", "TagResource", "UntagResource", "ListTagsForResource"),
        ),
        (2.0, 10.0),
    ),
    "GetCase": (4.0, 10.0),
    "UpdateCase": (2.0, 2.0),
    **dict.fromkeys(("ListFields", "GetDomain", "ListDomains"), (2.0, 5.0)),
    **dict.fromkeys(("BatchGetField", "BatchGetCaseRule"), (8.0, 25.0)),
    "ListFieldOptions": (6.0, 16.0),
    **dict.fromkeys(("GetTemplate", "GetLayout"), (6.0, 20.0)),
    "BatchCreateRelatedItem": (2.0, 10.0),  # not listed; taken to be that of CreateRelatedItem
}
CONNECT = {"ListIntegrationAssociations": (25.0, 50.0)}
CONNECT_OTHERS = (2.0, 5.0)  # what AWS allows where a Connect operation is not listed
PROFILES = {**dict.fromkeys(("SearchProfiles", "ListAccountIntegrations"), (100.0, 100.0))}
PROFILES_OTHERS = (5.0, 5.0)


def documented(service: str, operation: str) -> tuple[float, float]:
    if service == "connectcases":
        return DOCUMENTED[operation]
    if service == "connect":
        return CONNECT.get(operation, CONNECT_OTHERS)
    return PROFILES.get(operation, PROFILES_OTHERS)


def rates_of(service: str) -> RateOf:
    """The limits of a service's operations: the account's own, those set for all, else the documented ones."""

    def rate_of(settings: Settings, account: Account, region: str, operation: str) -> Rate:
        name = f"{service}.{operation}"
        set_ = (each.get(key) for each in (account.connect_rates, settings.connect_rates) for key in (name, "*"))
        per_second, burst = next((each for each in set_ if each), documented(service, operation))
        return Rate((account.account_id, region, name), per_second, burst)

    return rate_of
