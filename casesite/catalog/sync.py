"""Fetching an account's Support catalogue. For workers and commands: it talks to AWS."""

from typing import Any

from casesite import clock
from casesite.aws import support
from casesite.aws.errors import OutcomeUnknown
from casesite.database import write
from casesite.lookups.reading import read
from casesite.teams.models import AwsAccount

from .models import SupportCatalog
from .schema import content_of, sha256_of


def refresh(account: AwsAccount) -> SupportCatalog:
    """Ask AWS for services and severities and keep the answer.

    Raises an AwsError or GateClosed; the old catalogue then stays the one that forms use.
    """
    severities = read(account, support.severities)
    return store(account, read(account, support.services), severities)


def store(account: AwsAccount, services: list[support.Service], severities: list[tuple[str, str]]) -> SupportCatalog:
    """Keep an answer: the same content only moves `seen_at`, another one is a new row."""
    if not services or not severities:  # a cut answer comes back empty, without an exception
        raise OutcomeUnknown("AWS answered with an empty catalogue.", operation="support.DescribeServices")
    content = content_of(((service.code, service.name, service.categories) for service in services), severities)
    now = clock.now()
    with write():
        row, made = SupportCatalog.objects.get_or_create(
            account=account,
            content_sha256=sha256_of(content),
            defaults={"content": content, "fetched_at": now, "seen_at": now},
        )
        if not made:
            row.seen_at = now
            row.save(update_fields=["seen_at"])
    return row


# --- handlers of lookups -----------------------------------------------------------------------------------------------
def answer_catalog(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any]:
    row = refresh(account)
    return {"content_sha256": row.content_sha256, "services": len(row.content["services"])}


def answer_languages(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any]:
    return {"languages": read(account, support.languages, **params)}


def answer_options(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any]:
    return read(account, support.create_case_options, **params)
