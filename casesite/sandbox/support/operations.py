"""The operations of AWS Support: what each demands, what it does, what it answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from casesite.sandbox.messages import AwsError
from casesite.sandbox.services import Call, Handler
from casesite.sandbox.support import attachments, cases, catalogue, file_operations
from casesite.sandbox.support.attachments import SMALL, Attachment
from casesite.sandbox.support.cases import Case, Communication, NewCase, Window
from casesite.sandbox.support.redaction import redacted

Row = TypeVar("Row", Case, Communication)

RECENT = 5
PAGE = 100
NO_SUBSCRIPTION = AwsError(
    "SubscriptionRequiredException",
    "Amazon Web Services Premium Support Subscription is required to use this service.",
)
NO_CASE = "Unable to find a case with the id {}"
LIMIT_EXCEEDED = AwsError("CaseCreationLimitExceeded", "The case creation limit for the account has been exceeded.")
ALL_DAY = ("00:00:00.000", "23:59:59.999")
OFFICE_HOURS_IN_UTC = {  # nine to six, in Tokyo, Beijing, Seoul and Istanbul
    "ja": ("00:00:00.000", "09:00:00.000"),
    "zh": ("01:00:00.000", "10:00:00.000"),
    "ko": ("00:00:00.000", "09:00:00.000"),
    "tr": ("06:00:00.000", "15:00:00.000"),
}


def create_case(call: Call) -> dict[str, Any]:
    params = call.params
    new = NewCase(
        subject=_not_blank(params["subject"], "subject"),
        body=_not_blank(params["communicationBody"], "communication body"),
        submitted_by=call.caller.email,
        author=call.caller.label,
        issue_type=params.get("issueType", "technical"),
        language=params.get("language", "en"),
        service_code=params.get("serviceCode"),
        category_code=params.get("categoryCode"),
        severity_code=params.get("severityCode"),
        cc=tuple(params.get("ccEmailAddresses", ())),
        enclosed=file_operations.enclosed(call),
    )
    _check_codes(call, new)
    call.end_of_checks()
    if cases.quota_left(call.state, call.account) <= 0:
        raise LIMIT_EXCEEDED
    return {"caseId": cases.open_case(call.state, call.account, new).case_id}


def describe_cases(call: Call) -> dict[str, Any]:
    params = call.params
    wanted = params.get("caseIdList") or None
    for case_id in wanted or ():
        _case(call, case_id)
    window = _window(call)
    call.end_of_checks()
    found = cases.listing(
        call.state,
        call.account.account_id,
        window,
        with_resolved=params.get("includeResolvedCases", False),
        display_id=params.get("displayId"),
        case_ids=wanted,
    )
    page, token = _page(found, window)
    with_communications = params.get("includeCommunications", True)
    return {"cases": [_details(call, case, with_communications) for case in page], "nextToken": token}


def describe_communications(call: Call) -> dict[str, Any]:
    case = _case(call, call.params["caseId"])
    window = _window(call)
    call.end_of_checks()
    page, token = _page(cases.correspondence(call.state, case, window), window)
    return {"communications": _communications(call, case, page), "nextToken": token}


def add_communication_to_case(call: Call) -> dict[str, Any]:
    case = _case(call, _case_id(call), visible=False)
    body = _not_blank(call.params["communicationBody"], "communication body")
    enclosed = file_operations.enclosed(call)
    call.end_of_checks()
    cc = call.params.get("ccEmailAddresses")
    cases.add_from_customer(call.state, case, body, call.caller.label, None if cc is None else tuple(cc), enclosed)
    return {"result": True}


def resolve_case(call: Call) -> dict[str, Any]:
    case = _case(call, _case_id(call), visible=False)
    call.end_of_checks()
    cases.resolve(call.state, case)
    return {"initialCaseStatus": case.status, "finalCaseStatus": cases.RESOLVED}


def describe_services(call: Call) -> dict[str, Any]:
    _check_language(call)
    known = catalogue.services()
    wanted = call.params.get("serviceCodeList") or list(known)
    for code in wanted:
        if code not in known:
            raise _invalid("service code")
    call.end_of_checks()
    return {"services": [_service(known[code]) for code in known if code in wanted]}


def describe_severity_levels(call: Call) -> dict[str, Any]:
    _check_language(call)
    call.end_of_checks()
    names = dict(zip(catalogue.SEVERITIES, catalogue.SEVERITY_NAMES[call.params.get("language", "en")], strict=True))
    offered = catalogue.SEVERITIES_BY_PLAN[call.account.plan]
    return {"severityLevels": [{"code": code, "name": names[code]} for code in offered]}


def describe_supported_languages(call: Call) -> dict[str, Any]:
    codes = _languages_asked_for(call)
    call.end_of_checks()
    described = ((code, *catalogue.LANGUAGES[code]) for code in codes)
    return {"supportedLanguages": [{"code": c, "language": name, "display": own} for c, name, own in described]}


def describe_create_case_options(call: Call) -> dict[str, Any]:
    """Channels and hours. Technical cases in Turkish are taken, but handled in English."""
    _check_language(call)
    codes = _languages_asked_for(call)
    call.end_of_checks()
    issue_type, language = call.params["issueType"], call.params["language"]
    if language not in codes:
        best_effort = language == "tr" and issue_type == "technical"
        return {
            "languageAvailability": "best_effort" if best_effort else "unavailable",
            "communicationTypes": [_channel("web", ALL_DAY)],
        }
    by_phone = ALL_DAY if issue_type == "technical" else OFFICE_HOURS_IN_UTC.get(language, ALL_DAY)
    channels = [_channel("web", ALL_DAY), _channel("chat", by_phone), _channel("call", by_phone)]
    return {"languageAvailability": "available", "communicationTypes": channels}


def _with_plan(handler: Handler) -> Handler:
    """Support's API needs a paid plan, whatever is asked."""

    def subscribed(call: Call) -> Any:
        if not catalogue.SEVERITIES_BY_PLAN[call.account.plan]:
            raise NO_SUBSCRIPTION
        return handler(call)

    return subscribed


OPERATIONS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "CreateCase": create_case,
    "DescribeCases": describe_cases,
    "DescribeCommunications": describe_communications,
    "AddCommunicationToCase": add_communication_to_case,
    "ResolveCase": resolve_case,
    "DescribeServices": describe_services,
    "DescribeSeverityLevels": describe_severity_levels,
    "DescribeSupportedLanguages": describe_supported_languages,
    "DescribeCreateCaseOptions": describe_create_case_options,
    **file_operations.OPERATIONS,
}
HANDLERS: dict[str, Handler] = {name: _with_plan(operation) for name, operation in OPERATIONS.items()}


def _check_codes(call: Call, new: NewCase) -> None:
    """Each code must be one that AWS offers for the others."""
    if new.issue_type not in catalogue.ISSUE_TYPES:
        raise _invalid("issue type")
    service = catalogue.services().get(new.service_code) if new.service_code is not None else None
    if new.service_code is not None and service is None:
        raise _invalid("service code")
    if new.category_code is not None and (service is None or new.category_code not in service.categories):
        raise _invalid("category code")
    if new.severity_code is not None and new.severity_code not in catalogue.SEVERITIES_BY_PLAN[call.account.plan]:
        raise _invalid("severity code")
    if new.language not in catalogue.languages(new.issue_type, new.service_code, new.category_code):
        raise _invalid("language")


def _check_language(call: Call) -> None:
    language = call.params.get("language", "en")
    if language not in catalogue.LANGUAGES:
        raise _invalid("language")


def _languages_asked_for(call: Call) -> tuple[str, ...]:
    params = call.params
    if params["issueType"] not in catalogue.ISSUE_TYPES:
        raise _invalid("issue type")
    service = catalogue.services().get(params["serviceCode"])
    if service is None:
        raise _invalid("service code")
    if params["categoryCode"] not in service.categories:
        raise _invalid("category code")
    return catalogue.languages(params["issueType"], params["serviceCode"], params["categoryCode"])


def _case_id(call: Call) -> str:
    case_id = call.params.get("caseId")
    if not case_id:
        raise AwsError("InvalidParameterValueException", "A case id is required")
    return str(case_id)


def _case(call: Call, case_id: str, *, visible: bool = True) -> Case:
    """The caller's own case with this id; anybody else's is as unknown as one that never was."""
    case = cases.find(call.state, case_id, call.account.account_id, visible=visible)
    if case is None:
        raise AwsError("CaseIdNotFound", NO_CASE.format(case_id))
    return case


def _window(call: Call) -> Window:
    params = call.params
    return Window(
        after=_instant(params, "afterTime", float("-inf")),
        before=_instant(params, "beforeTime", float("inf")),
        below=_place(params["nextToken"]) if params.get("nextToken") else None,
        limit=params.get("maxResults", PAGE) + 1,
    )


def _instant(params: Any, name: str, default: float) -> float:
    """ISO 8601 with or without time and zone; UTC where none is named."""
    if not params.get(name):
        return default
    try:
        at = datetime.fromisoformat(params[name])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise _invalid(name) from None


def _page(rows: list[Row], window: Window) -> tuple[list[Row], str | None]:
    """One row more than a page was read, to know whether there is a next page."""
    page = rows[: window.limit - 1]
    return page, _token(page[-1].id) if len(rows) > len(page) else None


def _token(below: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"v": 1, "below": below}).encode()).decode()


def _place(token: str) -> int:
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["below"])
    except (ValueError, KeyError, TypeError):
        raise _invalid("nextToken") from None


def _details(call: Call, case: Case, with_communications: bool) -> dict[str, Any]:
    return {
        "caseId": case.case_id,
        "displayId": case.display_id,
        "subject": redacted(case.subject),
        "status": case.status,
        "serviceCode": case.service_code,
        "categoryCode": case.category_code,
        "severityCode": case.severity_code,
        "submittedBy": case.submitted_by,
        "timeCreated": cases.iso(case.created_at),
        "recentCommunications": _recent(call, case) if with_communications else None,
        "ccEmailAddresses": list(case.cc),
        "language": case.language,
    }


def _recent(call: Call, case: Case) -> dict[str, Any]:
    window = Window(limit=RECENT + 1)
    page, token = _page(cases.correspondence(call.state, case, window), window)
    return {"communications": _communications(call, case, page), "nextToken": token}


def _communications(call: Call, case: Case, page: list[Communication]) -> list[dict[str, Any]]:
    carried = attachments.of_messages(call.state, (each.id for each in page))
    return [_communication(case, each, carried.get(each.id, [])) for each in page]


def _communication(case: Case, each: Communication, carried: list[Attachment]) -> dict[str, Any]:
    return {
        "caseId": case.case_id,
        "body": redacted(each.body),
        "submittedBy": each.submitted_by,
        "timeCreated": cases.iso(each.created_at),
        "attachmentSet": file_operations.details([file for file in carried if file.size <= SMALL]),
        "attachments": file_operations.details(carried),
    }


def _service(service: catalogue.CatalogService) -> dict[str, Any]:
    categories = [{"code": each.code, "name": each.name} for each in service.categories.values()]
    return {"code": service.code, "name": service.name, "categories": categories}


def _channel(name: str, hours: tuple[str, str]) -> dict[str, Any]:
    start, end = hours
    return {"type": name, "supportedHours": [{"startTime": start, "endTime": end}], "datesWithoutSupport": []}


def _not_blank(text: str, what: str) -> str:
    if not text.strip():
        raise _invalid(what)
    return text


def _invalid(what: str) -> AwsError:
    return AwsError("InvalidParameterValueException", f"Invalid {what}")
