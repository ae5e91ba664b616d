"""Amazon Connect Cases: reading domains and what their templates are made of.

The rows are AWS's own, as `catalog.templates_sync` expects them. AWS offers no paginators for these lists, and no answer
without its list is taken for an empty one.
https://docs.aws.amazon.com/cases/latest/APIReference/Welcome.html
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .clients import Target, clients
from .errors import OutcomeUnknown, Trace, translated

SERVICE = "connectcases"
PAGE = 100
DOMAINS_PAGE = 10  # AWS's own limit for this list
BATCH = 50  # ids that the batch reads take at once
Row = dict[str, Any]


def domains(target: Target, *, region: str) -> list[Row]:
    """The account's Cases domains in a region: domainId, domainArn, name."""
    return list(_pages(target, region, "list_domains", "domains", maxResults=DOMAINS_PAGE))


def templates(target: Target, *, region: str, domain_id: str) -> list[Row]:
    """The domain's templates, inactive ones too, deleted ones not: templateId, name, status."""
    return list(_pages(target, region, "list_templates", "templates", domainId=domain_id, maxResults=PAGE))


def template(target: Target, *, region: str, domain_id: str, template_id: str) -> Row:
    return _call(target, region, "get_template", domainId=domain_id, templateId=template_id)


def layout(target: Target, *, region: str, domain_id: str, layout_id: str) -> Row:
    return _call(target, region, "get_layout", domainId=domain_id, layoutId=layout_id)


def field_options(target: Target, *, region: str, domain_id: str, field_id: str) -> list[Row]:
    """All options of a single select, inactive ones too: name, value, active."""
    return list(
        _pages(target, region, "list_field_options", "options", domainId=domain_id, fieldId=field_id, maxResults=PAGE)
    )


def fields(target: Target, *, region: str, domain_id: str, field_ids: Iterable[str]) -> list[Row]:
    """At most 50 fields by id, deleted ones with `deleted`; those that AWS does not know are left out."""
    wanted = [{"id": id_} for id_ in field_ids]
    return _listed(_call(target, region, "batch_get_field", domainId=domain_id, fields=wanted), "fields")


def rules(target: Target, *, region: str, domain_id: str, rule_ids: Iterable[str]) -> tuple[list[Row], list[str]]:
    """At most 50 rules by id, and the ids that AWS left for another call. Rules that AWS does not know are left out."""
    wanted = [{"id": id_} for id_ in rule_ids]
    answer = _call(target, region, "batch_get_case_rule", domainId=domain_id, caseRules=wanted)
    return _listed(answer, "caseRules"), list(answer.get("unprocessedCaseRules") or ())


def in_batches(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Ids as the batch reads take them, each once."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), BATCH):
        yield tuple(ordered[start : start + BATCH])


def _pages(target: Target, region: str, method: str, member: str, **params: Any) -> Iterator[Row]:
    while True:
        answer = _call(target, region, method, **params)
        yield from _listed(answer, member)
        if not answer.get("nextToken"):
            return
        params["nextToken"] = answer["nextToken"]


def _call(target: Target, region: str, method: str, **params: Any) -> Row:
    operation = "".join(part.title() for part in method.split("_"))
    with _reading(operation):
        answer: Row = getattr(clients.reader(SERVICE, target, region), method)(**params)
    return answer


def _listed(answer: Row, member: str) -> list[Row]:
    """The list that an answer is about. A cut or foreign 200 lacks it, and that it is empty would then be a lie."""
    found = answer.get(member)
    if isinstance(found, list):
        return [row for row in found if row]
    raise OutcomeUnknown("AWS's answer was cut short.", operation=SERVICE, error_class="CutAnswer")


@contextmanager
def _reading(operation: str) -> Iterator[None]:
    """Errors of a read. Nothing can have happened at AWS, but the classes still say whether access or the line is at fault."""
    with translated(Trace(f"{SERVICE}.{operation}", sent=True)):
        yield
