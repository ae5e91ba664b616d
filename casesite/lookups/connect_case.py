"""One Connect case as AWS has it, for a person who thinks that it is one of ours. For workers."""

from datetime import datetime
from typing import Any

from casesite.aws import connect_cases
from casesite.aws.connect_cases import NUMBER, OPENED, STATUS, TITLE, ReadCase
from casesite.aws.errors import Refused
from casesite.pacing.gate import Api
from casesite.teams.models import AwsAccount

from .reading import read


def answer(account: AwsAccount, params: dict[str, Any]) -> dict[str, Any]:
    """The case `case_id` of `domain_id` in `region`; {"found": False} where the domain has none.

    `last_line` is our reference as a Support case would carry it: its tag `tag`, or what stands at its title's end.
    """
    region, domain_id, case_id = params["region"], params["domain_id"], params["case_id"]
    api = Api("connectcases", region)
    where = {"region": region, "domain_id": domain_id, "case_id": case_id, "field_ids": [TITLE, OPENED]}
    try:
        shown = read(account, connect_cases.read_case, api=api, **where)
    except Refused as exc:
        if exc.code.startswith("ResourceNotFound"):
            return {"found": False}
        raise
    return _told(case_id, shown, params["tag"])


def _told(case_id: str, shown: ReadCase, tag: str) -> dict[str, Any]:
    texts = {id_: str(value.get("stringValue", "")) for id_, value in shown.fields.items()}
    title, opened = texts.get(TITLE, ""), texts.get(OPENED, "")
    reference = shown.tags.get(tag) or title.rpartition(" [")[2].removesuffix("]")
    return {
        "found": True,
        "case_id": case_id,
        "display_id": texts.get(NUMBER, ""),
        "subject": title,
        "status": texts.get(STATUS, "").lower(),
        "created_at": datetime.fromisoformat(opened).isoformat() if opened else "",
        "submitted_by": "",
        "last_line": f"Ref: {reference}",
    }
