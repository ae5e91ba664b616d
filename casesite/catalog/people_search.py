"""Searching the customers and users of Connect at AWS: the handlers of the lookups. For workers."""

import re
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from casesite.aws import connect_people
from casesite.aws.connect_people import Row
from casesite.aws.errors import Refused
from casesite.lookups.registry import Unanswered
from casesite.teams.models import AwsAccount

from .models import CasesDomain
from .people import LEAST_OF_A_NAME, LONGEST_WORD, Key
from .people_sync import ask

AWS_KEYS = {Key.EMAIL: "_email", Key.PHONE: "_phone", Key.NAME: "_fullName", Key.ACCOUNT: "_account"}
PATIENCE = 10.0  # seconds to wait for a token: somebody waits for the answer
NAMES = ("FirstName", "MiddleName", "LastName")
EMAILS = ("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress")
PHONES = ("PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber", "BusinessPhoneNumber")


def answer_customers(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any]:
    """{"people": [{"arn", "name", "details"}], "more": whether AWS has others}"""
    domain = _domain(account, params)
    asked = {"key": AWS_KEYS[Key(params["key"])], "values": values_of(params["key"], params["text"])}
    try:
        found, more = ask(
            account,
            connect_people.search_profiles,
            connect_people.PROFILES,
            domain.region,
            patience=PATIENCE,
            profiles_domain=params["in"],
            **asked,
        )
    except Refused as exc:
        if exc.code.startswith("ResourceNotFound"):
            text = _("There is no Customer Profiles domain “%(name)s” in %(region)s. %(todo)s")
            raise Unanswered(text % {"name": params["in"], "region": domain.region, "todo": _todo()}) from exc
        raise
    where = f"arn:{domain.partition}:profile:{domain.region}:{account.account_id}:domains/{params['in']}/profiles"
    return {"people": [_customer(row, where) for row in found], "more": more}


def answer_users(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any]:
    """The same for users."""
    domain = _domain(account, params)
    words = [word[:LONGEST_WORD] for word in params["text"].split() if len(word) >= LEAST_OF_A_NAME]
    try:
        found, more = ask(
            account,
            connect_people.search_users,
            connect_people.CONNECT,
            domain.region,
            patience=PATIENCE,
            instance_id=params["in"],
            words=words,
        )
    except Refused as exc:
        if exc.code.startswith("ResourceNotFound"):
            text = _("There is no Connect instance %(id)s in %(region)s. %(todo)s")
            raise Unanswered(text % {"id": params["in"], "region": domain.region, "todo": _todo()}) from exc
        raise
    return {"people": [_user(row) for row in found], "more": more}


def values_of(key: str, text: str) -> list[str]:
    """What is searched for. AWS finds whole values only, so usual ways to write the same are asked for with it."""
    found = [text]
    if key == Key.EMAIL:
        found.append(text.lower())
    if key == Key.PHONE:
        found.append(re.sub(r"[^\d+]", "", text.replace("(0)", "")))
    return [value for value in dict.fromkeys(found) if value]


def _domain(account: AwsAccount, params: dict[str, Any]) -> CasesDomain:
    domain = account.cases_domains.filter(pk=params["domain"]).first()
    if domain is None:
        raise Unanswered(_("The Cases domain is no longer known here."))
    return domain


def _todo() -> str:
    return _("A lead corrects it in the administration, under Cases domains.")


def _customer(row: Row, where: str) -> dict[str, Any]:
    person = " ".join(_of(row, NAMES))
    business = str(row.get("BusinessName", ""))
    account = str(row.get("AccountNumber", ""))
    name = person or business or account or _("Customer %(id)s") % {"id": row["ProfileId"][:8]}
    told = [business if person else "", account if account != name else "", *_of(row, EMAILS), *_of(row, PHONES)]
    address = row.get("Address") or {}
    told.append(", ".join(_of(address, ("City", "State", "Country"))))
    return {"arn": f"{where}/{row['ProfileId']}", "name": name, "details": _told(told)}


def _user(row: Row) -> dict[str, Any]:
    """AWS's summary of a user has no e-mail address: the sign-in name tells namesakes apart."""
    person = " ".join(_of(row.get("IdentityInfo") or {}, ("FirstName", "LastName")))
    username = str(row.get("Username", ""))
    return {"arn": row["Arn"], "name": person or username, "details": _told([username if person else ""])}


def _of(row: Row, members: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(str(row[name]) for name in members if row.get(name)))


def _told(details: Iterable[str]) -> list[str]:
    return [each for each in dict.fromkeys(details) if each]
