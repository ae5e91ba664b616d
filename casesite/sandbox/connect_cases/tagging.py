"""Tags of domains, of what they are made of, and of cases, by ARN."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from casesite.sandbox.connect_cases import cases, domains
from casesite.sandbox.connect_cases.catalogue import not_found
from casesite.sandbox.connect_cases.domains import Document, Domain, Kind
from casesite.sandbox.messages import AwsError
from casesite.sandbox.services import Call

ARN = re.compile(
    r"arn:aws:cases:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):domain/(?P<domain>[^/]+)(/(?P<kind>[a-z-]+)/(?P<id>[^/]+))?"
)
KEY = re.compile(r"(?![aA][wW][sS]:)[a-zA-Z0-9 _.:/=+\-@]{1,128}")
VALUE = re.compile(r"[a-zA-Z0-9 _.:/=+\-@]{0,256}")
MOST_TAGS = 50
TAGGED = (Kind.FIELD, Kind.LAYOUT, Kind.TEMPLATE, Kind.RULE)


def tag_resource(call: Call) -> Document:
    given = call.params["tags"]
    if not all(KEY.fullmatch(key) and VALUE.fullmatch(value or "") for key, value in given.items()):
        raise AwsError(
            "ValidationException", "A tag has a key or value with characters or a length that tags can't have."
        )
    tags, keep = _tagged(call)
    merged = {**tags, **given}
    if len(merged) > MOST_TAGS:
        raise AwsError("ValidationException", f"A resource can have {MOST_TAGS} tags.")
    keep(merged)
    return {}


def untag_resource(call: Call) -> Document:
    tags, keep = _tagged(call)
    keep({key: value for key, value in tags.items() if key not in call.params["tagKeys"]})
    return {}


def list_tags_for_resource(call: Call) -> Document:
    return {"tags": _tagged(call)[0]}


OPERATIONS: dict[str, Callable[[Call], Document]] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}

Keep = Callable[[Mapping[str, str]], object]


def _tagged(call: Call) -> tuple[Mapping[str, str], Keep]:
    """The tags of what the ARN names, and how to keep others in their place."""
    arn, state = call.params["arn"], call.state
    match = ARN.fullmatch(arn)
    if match is None:
        raise AwsError("ValidationException", f"Not an ARN of Connect Cases: {arn}")
    found = domains.every(state, call.account.account_id, call.region, match["domain"])
    if not found or (match["account"], match["region"]) != (call.account.account_id, call.region):
        raise not_found("Domain", arn)
    domain = found[0]
    if match["kind"] is None:
        return domain.tags, lambda tags: domains.change(
            state, domain, name=domain.name, status=domain.status, tags=tags
        )
    if match["kind"] == "case" and (case := cases.find(state, match["id"], domain)):
        return case.tags, lambda tags: cases.tag(state, case, tags)
    return _part(call, domain, match["kind"], match["id"])


def _part(call: Call, domain: Domain, kind: str, id_: str) -> tuple[Mapping[str, str], Keep]:
    part = domains.part(call.state, domain, Kind(kind), id_) if kind in TAGGED else None
    if part is None or part.deleted:
        raise not_found("Resource", call.params["arn"])
    return part.document.get("tags", {}), lambda tags: domains.put(
        call.state, domain, part.kind, part.id, {**part.document, "tags": dict(tags)}
    )
