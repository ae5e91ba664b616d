"""Who a Connect case is about and who works in Connect: finding customers and users, and which domains belong together.

The rows are AWS's own. Searches bring one bounded page; lists are read to their end.
https://docs.aws.amazon.com/customerprofiles/latest/APIReference/API_SearchProfiles.html
https://docs.aws.amazon.com/connect/latest/APIReference/API_SearchUsers.html
"""

from collections.abc import Iterator, Sequence
from typing import Any

from .clients import Target, clients
from .errors import OutcomeUnknown, Trace, translated

PROFILES = "customer-profiles"
CONNECT = "connect"
PAGE = 100
FOUND = 20  # what a person is shown of a search
USERS_SEARCHED_BY = ("Username", "FirstName", "LastName")
NOBODY = "0" * 32  # a profile id that fits and that no profile has
Row = dict[str, Any]


def profiles_domains(target: Target, *, region: str) -> list[str]:
    """The names of the account's domains of customer profiles in a region."""
    return [row["DomainName"] for row in _pages(PROFILES, target, region, "list_domains", "Items", MaxResults=PAGE)]


def instances_of(target: Target, *, region: str, profiles_domain: str) -> list[str]:
    """The ARNs of the Connect instances that a domain of profiles is integrated with."""
    params = {"DomainName": profiles_domain, "MaxResults": PAGE}
    rows = _pages(PROFILES, target, region, "list_integrations", "Items", **params)
    return sorted({row["Uri"] for row in rows if ":connect:" in row["Uri"] and ":instance/" in row["Uri"]})


def cases_domain_of(target: Target, *, region: str, instance_id: str) -> str:
    """The ARN of the Cases domain that an instance is associated with; "" where it has none."""
    params = {"InstanceId": instance_id, "IntegrationType": "CASES_DOMAIN", "MaxResults": PAGE}
    method, member = "list_integration_associations", "IntegrationAssociationSummaryList"
    return next((str(row["IntegrationArn"]) for row in _pages(CONNECT, target, region, method, member, **params)), "")


def search_profiles(
    target: Target, *, region: str, profiles_domain: str, key: str, values: Sequence[str]
) -> tuple[list[Row], bool]:
    """The profiles that a key finds by any of the values, and whether AWS has more of them."""
    params = {"DomainName": profiles_domain, "KeyName": key, "Values": list(values), "MaxResults": FOUND}
    answer = _call(PROFILES, target, region, "search_profiles", **params)
    return _listed(answer, "Items"), bool(answer.get("NextToken"))


def search_users(target: Target, *, region: str, instance_id: str, words: Sequence[str]) -> tuple[list[Row], bool]:
    """The users with each of the words in a name of theirs, and whether AWS has more of them."""
    by_word = [{"OrConditions": [_contains(name, word) for name in USERS_SEARCHED_BY]} for word in words]
    criteria = by_word[0] if len(by_word) == 1 else {"AndConditions": by_word}
    params = {"InstanceId": instance_id, "SearchCriteria": criteria, "MaxResults": FOUND}
    answer = _call(CONNECT, target, region, "search_users", **params)
    return _listed(answer, "Users"), bool(answer.get("NextToken"))


def _contains(name: str, word: str) -> Row:
    return {"StringCondition": {"FieldName": name, "Value": word, "ComparisonType": "CONTAINS"}}


def _pages(service: str, target: Target, region: str, method: str, member: str, **params: Any) -> Iterator[Row]:
    while True:
        answer = _call(service, target, region, method, **params)
        yield from _listed(answer, member)
        if not answer.get("NextToken"):
            return
        params["NextToken"] = answer["NextToken"]


def _call(service: str, target: Target, region: str, method: str, **params: Any) -> Row:
    operation = "".join(part.title() for part in method.split("_"))
    with translated(Trace(f"{service}.{operation}", sent=True)):
        answer: Row = getattr(clients.reader(service, target, region), method)(**params)
    return answer


def _listed(answer: Row, member: str) -> list[Row]:
    """The list that an answer is about. A cut or foreign 200 lacks it, and that nobody was found would then be a lie."""
    found = answer.get(member)
    if isinstance(found, list):
        return [row for row in found if row]
    raise OutcomeUnknown("AWS's answer was cut short.", operation="", error_class="CutAnswer")
