"""Which domain of customer profiles and which Connect instance belong to an account's Cases domains. For workers: it talks to AWS.

A Cases domain names neither. A profiles domain names the instances it is integrated with, and an instance its Cases domain.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from casesite.aws import connect_people
from casesite.aws.errors import AwsError, Refused
from casesite.database import write
from casesite.lookups.reading import read
from casesite.lookups.words import explain
from casesite.pacing import gate
from casesite.pacing.gate import Api, GateClosed
from casesite.pacing.models import Mode
from casesite.teams.models import AwsAccount

logger = logging.getLogger(__name__)
PATIENCE = 30.0  # seconds to wait for one token of the gate
Answer = TypeVar("Answer")


def refresh(account: AwsAccount, region: str) -> None:
    """Find out what belongs to the region's Cases domains. Where AWS can't be asked, what was known stays."""
    if not account.cases_domains.filter(region=region, gone_at=None).exists():
        return
    try:
        look_up(account, region)
    except (AwsError, GateClosed) as exc:
        known = {"account": account.account_id, "region": region, "said": str(explain(exc))}
        logger.warning("the profiles domain of a Cases domain could not be looked up", extra=known)


def look_up(account: AwsAccount, region: str) -> list[tuple[str, str]]:
    """The same; profiles domain and instance ARN of each pair that has a Cases domain. Raises an AwsError or GateClosed."""
    found = _found(account, region)
    for domain in account.cases_domains.filter(region=region, gone_at=None):
        pairs = found.get(domain.arn, [])
        # Two that claim the same cases: which of them is meant only a lead can say.
        profiles, instance = pairs[0] if len(pairs) == 1 else ("", "")
        with write():
            account.cases_domains.filter(pk=domain.pk).update(
                found_profiles_domain=profiles, found_instance_arn=instance
            )
    return [pair for pairs in found.values() for pair in pairs]


def _found(account: AwsAccount, region: str) -> dict[str, list[tuple[str, str]]]:
    """Profiles domain and instance ARN by the ARN of the Cases domain that they belong to."""
    by_cases_domain: dict[str, list[tuple[str, str]]] = defaultdict(list)
    cases_domains: dict[str, str] = {}  # by instance
    for profiles in ask(account, connect_people.profiles_domains, connect_people.PROFILES, region):
        for instance in ask(
            account, connect_people.instances_of, connect_people.PROFILES, region, profiles_domain=profiles
        ):
            if instance not in cases_domains:
                cases_domains[instance] = _cases_domain_of(account, region, instance)
            if arn := cases_domains[instance]:
                by_cases_domain[arn].append((profiles, instance))
    return by_cases_domain


def _cases_domain_of(account: AwsAccount, region: str, instance: str) -> str:
    """An integration may outlive its instance: then there is none."""
    id_ = instance.rpartition("/")[2]
    try:
        return ask(account, connect_people.cases_domain_of, connect_people.CONNECT, region, instance_id=id_)
    except Refused as exc:
        if not exc.code.startswith("ResourceNotFound"):
            raise
        return ""


def ask(
    account: AwsAccount,
    call: Callable[..., Answer],
    service: str,
    region: str,
    *,
    patience: float = PATIENCE,
    **params: Any,
) -> Answer:
    """One read at Customer Profiles or Connect. Nobody probes their gates: after the pause, whoever asks next is the try."""
    api = Api(service, region)
    if gate.stopped(account.pk, Mode.READ, api):
        with write():
            if gate.start_probe(account.pk, Mode.READ, api):
                gate.release(account.pk, Mode.READ, api)
    return read(account, call, patience=patience, api=api, region=region, **params)
