"""Cases of Connect Cases through boto3: created once, right by their template, read, updated, searched."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.care import DOMAIN, EXAMPLE, union
from tests.sandbox.clients import ACME, OTHER, refusal, refusal_in_full

USER = {"userArnValue": "arn:aws:connect:us-east-1:111122223333:instance/x/agent/y"}


def created(cases, params):
    return cases.create_case(**params)["caseId"]


def values_of(cases, domain_id, case_id, *ids):
    answer = cases.get_case(domainId=domain_id, caseId=case_id, fields=[{"id": each} for each in ids])
    return {each["id"]: each["value"] for each in answer["fields"]}


# --- creating and reading ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", range(2))
def test_case_is_created_as_documented(example, cases, number):
    asked = EXAMPLE["created"][number]

    answer = cases.create_case(**asked)

    assert answer["caseArn"] == f"arn:aws:cases:us-east-1:{ACME}:domain/{DOMAIN}/case/{answer['caseId']}"
    assert str(uuid.UUID(answer["caseId"])) == answer["caseId"]
    [held] = example.connect_cases()
    assert {id_: held["fields"][id_] for id_ in (each["id"] for each in asked["fields"])} == {
        each["id"]: each["value"] for each in asked["fields"]
    }
    assert example.requests("connectcases.CreateCase")[0]["case_id"] == answer["caseId"]


def test_case_is_read_as_documented(example, cases):
    asked = EXAMPLE["created"][0]
    case_id = created(cases, asked)

    answer = cases.get_case(
        domainId=DOMAIN, caseId=case_id, fields=[{"id": each} for each in EXAMPLE["get_case_fields"]]
    )

    told = {each["id"]: each["value"] for each in answer["fields"]}
    assert {each["id"]: told[each["id"]] for each in asked["fields"]} == {
        each["id"]: each["value"] for each in asked["fields"]
    }
    assert answer["tags"] == {"submission_id": "01JD4Q8Z7M6XK2T9V5R3C1B0AN", "Team": "Incidents"}
    assert answer["templateId"] == asked["templateId"]
    assert told["status"] == {"stringValue": "open"}
    assert told["created_datetime"]["stringValue"].endswith("Z")
    assert told["last_closed_datetime"] == {"emptyValue": {}}
    assert len(told["reference_number"]["stringValue"]) == 8
    assert "a100000b-0000-4000-8000-13744f015445" not in told


def test_tags_of_the_call_win_over_those_of_the_template(care, cases):
    case_id = created(cases, care.incident(tags={"Team": "Mine", "submission_id": "1"}))

    assert cases.get_case(domainId=care.domain_id, caseId=case_id, fields=[{"id": "title"}])["tags"] == {
        "Team": "Mine",
        "Source": "casesite",
        "submission_id": "1",
    }


def test_every_type_comes_back_as_it_was_sent(care, cases):
    sent = {
        "Order number": "SO-1",
        "Steps to reproduce": "1\n2",
        "Affected users": 120.5,
        "Customer impact": "Nobody can pay",
        "Data lost": False,
        "Site": "site_300",
        "Incident start": "2026-11-20T14:02:00.000Z",
        "Dashboard": "https://grafana.example.com/d/1?from=now-1h",
        "Incident lead": care.user,
    }
    case_id = created(cases, care.incident(fields=sent))

    told = values_of(cases, care.domain_id, case_id, *(care.field(name) for name in sent))

    assert told == {each["id"]: each["value"] for each in care.values(sent)}


def test_times_are_kept_in_utc_with_milliseconds(care, cases):
    case_id = created(cases, care.incident(fields={"Incident start": "2026-11-20T15:02:00+01:00"}))

    told = values_of(cases, care.domain_id, case_id, care.field("Incident start"))

    assert told == {care.field("Incident start"): {"stringValue": "2026-11-20T14:02:00.000Z"}}


def test_empty_values_are_not_kept(care, cases):
    case_id = created(
        cases, care.question(fields={"summary": None, "Order number": None, "Contract": union("Text", "")})
    )

    assert values_of(cases, care.domain_id, case_id, "summary", care.field("Order number")) == {
        "summary": {"emptyValue": {}}
    }


def test_case_can_be_closed_from_the_start(care, cases):
    case_id = created(cases, care.question(fields={"status": "closed"}))

    told = values_of(cases, care.domain_id, case_id, "status", "last_closed_datetime")

    assert told["status"] == {"stringValue": "closed"}
    assert "stringValue" in told["last_closed_datetime"]


def test_case_belongs_to_its_domain(care, cases, clients, sandbox):
    other = sandbox.connect_demo(ACME, demo="network")
    sandbox.connect_demo(OTHER)
    case_id = created(cases, care.question())
    asked = {"caseId": case_id, "fields": [{"id": "title"}]}

    assert refusal(cases.get_case, domainId=other["domainId"], **asked) == ("ResourceNotFoundException", 404)
    assert refusal(clients.cases(OTHER).get_case, domainId=care.domain_id, **asked) == (
        "ResourceNotFoundException",
        404,
    )


def test_not_found_names_what_was_not_found(care, cases):
    with pytest.raises(cases.exceptions.ResourceNotFoundException) as refused:
        cases.get_case(domainId=care.domain_id, caseId="nothing", fields=[{"id": "title"}])

    assert (refused.value.response["resourceId"], refused.value.response["resourceType"]) == ("nothing", "Case")


# --- the same token ----------------------------------------------------------------------------------------------------
def test_repeated_token_is_the_same_case(care, cases, sandbox):
    asked = care.incident(clientToken="token-1")

    assert cases.create_case(**asked)["caseId"] == cases.create_case(**asked)["caseId"]
    assert len(sandbox.connect_cases()) == 1


def test_repeated_token_holds_though_the_template_is_gone_meanwhile(care, cases, sandbox):
    asked = care.incident(clientToken="token-1")
    case_id = created(cases, asked)
    sandbox.connect_delete(care.domain_id, "templates", asked["templateId"])

    assert created(cases, asked) == case_id


def test_token_over_another_content_is_a_conflict(care, cases, sandbox):
    created(cases, care.question(clientToken="token-1"))

    other = care.question(clientToken="token-1", fields={"title": "Another"})

    assert refusal(cases.create_case, **other) == ("ConflictException", 409)
    assert len(sandbox.connect_cases()) == 1


def test_refused_call_leaves_its_token_free(care, cases, sandbox):
    assert (
        refusal(cases.create_case, **care.question(clientToken="t", fields={"title": ...}))[0] == "ValidationException"
    )

    created(cases, care.question(clientToken="t"))

    assert len(sandbox.connect_cases()) == 1


def test_token_is_forgotten_after_its_time(care, cases, sandbox):
    sandbox.settings(client_token_lifetime=0.3)
    asked = care.question(clientToken="t")
    first = created(cases, asked)

    time.sleep(0.35)

    assert created(cases, asked) != first
    assert len(sandbox.connect_cases()) == 2


def test_time_scale_shortens_the_life_of_tokens(care, cases, sandbox):
    sandbox.settings(time_scale=3600 * 8 / 0.3)
    asked = care.question(clientToken="t")
    first = created(cases, asked)

    time.sleep(0.35)

    assert created(cases, asked) != first


def test_calls_without_the_same_token_are_cases_of_their_own(care, cases, sandbox):
    for token in ("a", "b", "A"):
        created(cases, care.question(clientToken=token))

    assert len(sandbox.connect_cases()) == 3


def test_many_at_once_with_one_token_make_one_case(care, clients, sandbox):
    client = clients.make("connectcases", f"SANDBOXKEY{ACME}", f"sandbox-secret-{ACME}", max_pool_connections=12)
    asked = care.incident(clientToken="t")

    with ThreadPoolExecutor(12) as pool:
        found = set(pool.map(lambda _number: created(client, asked), range(24)))

    assert found == {each["caseId"] for each in sandbox.connect_cases()}
    assert len(found) == 1


def test_lost_answer_and_the_same_token_make_one_case(care, cases, sandbox):
    sandbox.lose_answer("connectcases.CreateCase")
    asked = care.incident(clientToken="t")
    with pytest.raises(Exception, match="Connection was closed"):
        cases.create_case(**asked)

    case_id = created(cases, asked)

    assert [each["caseId"] for each in sandbox.connect_cases()] == [case_id]


# --- what is refused ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": ...}, "Field title (Title) is required"),
        ({"title": None}, "Field title (Title) is required"),
        ({"title": union("Text", "")}, "Field title (Title) is required"),
        ({"title": "   "}, "must not be blank"),
        ({"title": "x" * 501}, "must have 500 characters or less"),
        ({"title": "two\nlines"}, "must be a single line"),
        ({"summary": "x" * 3001}, "must have 3000 characters or less"),
        ({"Order number": "x" * 501}, "must have 500 characters or less"),
        ({"Order number": "two\nlines"}, "must be a single line"),
        ({"Product": "palace"}, "has no option palace"),
        ({"Product": "Platform"}, "has no option Platform"),
        ({"Product": "legacy_desktop"}, "must be an active option"),
        ({"status": "Done"}, "has no option Done"),
        ({"Affected users": {"stringValue": "5"}}, "must come as doubleValue"),
        ({"Data lost": {"stringValue": "true"}}, "must come as booleanValue"),
        ({"Order number": {"doubleValue": 5.0}}, "must come as stringValue"),
        ({"Incident lead": {"stringValue": "arn:aws:connect:x"}}, "must come as userArnValue"),
        ({"Incident lead": "alex"}, "must be the ARN of a Connect user"),
        ({"Incident start": "2026-11-20"}, "must be a time such as"),
        ({"Incident start": "2026-11-20T14:02:00"}, "must be a time such as"),
        ({"Incident start": "2026-13-20T14:02:00Z"}, "must be a time such as"),
        ({"Dashboard": "grafana.example.com"}, "must be a link"),
        ({"Dashboard": "javascript:alert(1)"}, "must be a link"),
        ({"Dashboard": "https://"}, "must be a link"),
        ({"reference_number": "with-dash"}, "must be 1 to 50 letters and digits"),
        ({"case_id": "mine"}, "can't be set"),
        ({"created_datetime": "2026-11-20T14:02:00Z"}, "can't be set"),
        ({"created_by": USER}, "can't be set"),
        ({"customer_id": "Sam"}, "names no profile"),
        ({"assigned_queue": "Sam"}, "names no queue"),
    ],
)
def test_value_that_does_not_fit_its_field_is_refused(care, cases, sandbox, fields, words):
    code, status, message = refusal_in_full(cases.create_case, **care.question(fields=fields))

    [name] = fields
    assert (code, status) == ("ValidationException", 400)
    assert care.field(name) in message
    assert words in message
    assert sandbox.connect_cases() == []


def test_values_at_their_limits_are_taken(care, cases):
    long = {"title": "x" * 500, "summary": "x\n" * 1500, "Steps to reproduce": "x" * 4100, "Order number": "x" * 500}

    created(cases, care.question(fields=long))


def test_number_beyond_doubles_is_refused(care, cases, sandbox):
    asked = care.question(fields={"Affected users": 1e308})
    for number in (float("nan"), float("inf")):
        asked["fields"][-1]["value"] = {"doubleValue": number}
        assert refusal(cases.create_case, **asked)[1] == 400
    assert sandbox.connect_cases() == []


def test_multiline_text_beyond_the_unions_limit_is_refused(care, cases):
    asked = care.question(fields={"Steps to reproduce": "x" * 4101})

    assert refusal(cases.create_case, **asked) == ("ValidationException", 400)


@pytest.mark.parametrize("value", [{}, {"stringValue": "x", "doubleValue": 1.0}])
def test_union_has_exactly_one_known_member(care, cases, value):
    asked = care.question()
    asked["fields"].append({"id": "summary", "value": value})

    assert refusal(cases.create_case, **asked) == ("ValidationException", 400)


def test_unknown_deleted_and_doubled_fields_are_refused(care, cases, sandbox):
    sandbox.connect_delete(care.domain_id, "fields", care.field("Photos"))
    for extra in (["no-such"], [care.field("Photos")], ["summary", "summary"]):
        asked = care.question()
        asked["fields"] += [{"id": each, "value": {"stringValue": "https://x.example"}} for each in extra]
        assert refusal(cases.create_case, **asked) == ("ValidationException", 400)
    assert sandbox.connect_cases() == []


def test_everything_wrong_is_said_at_once(care, cases):
    message = refusal_in_full(
        cases.create_case, **care.incident(fields={"title": ..., "Severity": ..., "customer_id": ...})
    )[2]

    assert [message.count(care.field(name)) for name in ("title", "Severity", "customer_id")] == [1, 1, 1]
    assert message.count("is required") == 3


@pytest.mark.parametrize("drift", [{"status": "Inactive"}, None])
def test_template_that_is_inactive_or_deleted_makes_no_case(care, cases, sandbox, drift):
    asked = care.question()
    if drift:
        sandbox.connect_put(care.domain_id, "templates", id=asked["templateId"], **drift)
    else:
        sandbox.connect_delete(care.domain_id, "templates", asked["templateId"])

    code, status, message = refusal_in_full(cases.create_case, **asked)

    assert (code, status) == ("ValidationException", 400)
    assert asked["templateId"] in message


def test_unknown_template_is_not_found(care, cases):
    assert refusal(cases.create_case, **care.question(templateId="x")) == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize(
    "changes",
    [
        {"clientToken": "x" * 65},
        {"tags": {"aws:mine": "x"}},
        {"tags": {"semi;colon": "x"}},
        {"tags": {str(number): "x" for number in range(51)}},
        {"performedBy": {"customEntity": "ünïcode"}},
        {"performedBy": {}},
        {"performedBy": {"customEntity": "a", "userArn": "b"}},
    ],
)
def test_parameters_are_held_against_the_model(care, cases, changes):
    assert refusal(cases.create_case, **care.question(**changes)) == ("ValidationException", 400)


# --- customers, users, permissions -------------------------------------------------------------------------------------
def test_customer_must_be_a_profile_of_the_domain(care, cases, sandbox):
    other = sandbox.connect_demo(ACME, "eu-central-1", "europe")
    stranger = (
        f"arn:aws:profile:eu-central-1:{ACME}:domains/{other['profilesDomain']}/profiles/{other['profiles'][0]['id']}"
    )

    for arn in (stranger, care.profile_arn("0" * 32), care.told["profiles"][0]["id"]):
        assert refusal(cases.create_case, **care.question(fields={"customer_id": arn})) == ("ValidationException", 400)
    created(cases, care.question(fields={"customer_id": care.customer}))


def test_person_who_acts_must_be_a_user(care, cases, sandbox):
    case_id = created(cases, care.question(performedBy={"userArn": care.user}))

    nobody = care.question(performedBy={"userArn": care.user[:-1] + "_"})
    assert refusal(cases.create_case, **nobody) == ("ResourceNotFoundException", 404)
    assert values_of(cases, care.domain_id, case_id, "created_by")["created_by"] == {"userArnValue": care.user}


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("cases:CreateCase", {}),
        ("cases:TagResource", {"tags": {"a": "b"}}),
        ("connect:DescribeUser", {"performedBy": {"userArn": "arn"}}),
        ("profile:SearchProfiles", {"fields": {"customer_id": "arn"}}),
    ],
)
def test_what_a_case_needs_besides_can_be_denied(care, cases, sandbox, action, changes):
    sandbox.account(ACME, denied=[action])

    code, status, message = refusal_in_full(cases.create_case, **care.question(**changes))

    assert (code, status, message.rpartition(" ")[2]) == ("AccessDeniedException", 403, action)
    assert sandbox.connect_cases() == []


def test_rights_for_what_a_case_does_not_use_are_not_asked_for(care, cases, sandbox):
    sandbox.account(ACME, denied=["cases:TagResource", "connect:*", "profile:*"])

    created(cases, care.question(performedBy={"customEntity": "casesite/approval-0042"}))


# --- rules -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"Component": ...}, "Component"),
        ({"Product": "mobile_app", "Component": ...}, None),
        ({"Product": "mobile_app"}, "Component"),
        ({"Product": "mobile_app", "Component": "ios"}, None),
        ({"Estimated loss": ...}, "Estimated loss"),
        ({"Estimated loss": ..., "Severity": "sev3"}, None),
        ({"Estimated loss": ..., "Production impact": False}, None),
        ({"Affected users": 3}, "Customer impact"),
        ({"Affected users": 0}, None),
        ({"Affected users": 3, "Customer impact": "Slow"}, None),
        ({"Channel": "phone"}, "Callback phone"),
        ({"Channel": "email"}, None),
        ({"Refund wanted": True}, "Refund amount"),
        ({"Refund wanted": True, "Refund amount": 5}, None),
        ({"Refund wanted": False, "Refund amount": 5}, "Refund amount"),
        ({"Refund amount": 5}, "Refund amount"),
        ({"Runbook": "https://x.example"}, "Runbook"),
        ({"Runbook": "https://x.example", "Workaround available": True}, None),
        ({"Incident end": "2026-11-20T14:02:00Z"}, "Incident end"),
        ({"Incident end": "2026-11-20T14:02:00Z", "Incident start": "2026-11-20T13:02:00Z"}, None),
        ({"status": "closed"}, "Close reason"),
        ({"customer_id": ...}, "customer_id"),
        ({"Production impact": ...}, "Production impact"),
    ],
)
def test_rules_are_enforced(care, cases, fields, wrong):
    asked = care.incident(fields=fields)

    if wrong is None:
        created(cases, asked)
    else:
        code, _status, message = refusal_in_full(cases.create_case, **asked)
        assert (code, message.count(";")) == ("ValidationException", 0)
        assert care.field(wrong) in message


def test_hidden_values_are_accepted_where_the_simulator_is_told_so(care, cases, sandbox):
    sandbox.settings(hidden_values="accepted")

    created(cases, care.incident(fields={"Refund amount": 5}))

    assert sandbox.connect_cases()[0]["fields"][care.field("Refund amount")] == {"doubleValue": 5}


def test_hidden_field_is_never_required(care, cases, sandbox):
    template = care.part("templates", "Product incident")
    runbook = {"fieldId": care.field("Runbook")}
    sandbox.connect_put(
        care.domain_id, "templates", id=template["id"], requiredFields=[*template["requiredFields"], runbook]
    )

    created(cases, care.incident())
    assert "Runbook" in refusal_in_full(cases.create_case, **care.incident(fields={"Workaround available": True}))[2]


def test_rule_that_says_little_breaks_nothing(care, cases, sandbox):
    nobodys = {"parentChildFieldOptionsMappings": [{"parentFieldOptionValue": "", "childFieldOptionValues": []}]}
    empty = {"defaultValue": False, "conditions": [{"andAll": {"conditions": []}}]}
    usual = {"title": "x", "customer_id": care.customer, "Order number": "1", "Delivery problem": "late"}
    rule = care.rule("Photos required for damage")

    sandbox.connect_put(care.domain_id, "rules", id=rule, rule={"fieldOptions": nobodys})
    created(cases, care.case("Delivery complaint", usual, {}))
    sandbox.connect_put(care.domain_id, "rules", id=rule, rule={"required": empty})
    message = refusal_in_full(cases.create_case, **care.case("Delivery complaint", usual, {}))[2]

    assert message == f"Field {care.field('Photos')} (Photos) is required"


def test_yes_is_not_one(care, cases, sandbox):
    rule = care.rule("Refund amount required when a refund is wanted")
    one = {"operandOne": {"fieldId": care.field("Refund wanted")}, "operandTwo": {"doubleValue": 1.0}, "result": True}
    required = {"required": {"defaultValue": False, "conditions": [{"equalTo": one}]}}
    sandbox.connect_put(care.domain_id, "rules", id=rule, rule=required)

    created(cases, care.incident(fields={"Refund wanted": True}))


def test_deleted_rules_and_fields_say_nothing(care, cases, sandbox):
    sandbox.connect_delete(care.domain_id, "rules", care.rule("Component required for Platform"))
    sandbox.connect_delete(care.domain_id, "fields", care.field("Estimated loss"))

    created(cases, care.incident(fields={"Component": ..., "Estimated loss": ...}))


def test_altered_rules_hold_at_once(care, cases, sandbox):
    rule = care.part("rules", "Component depends on Product")["rule"]["fieldOptions"]
    narrower = {**rule, "parentChildFieldOptionsMappings": rule["parentChildFieldOptionsMappings"][1:]}
    sandbox.connect_put(
        care.domain_id, "rules", id=care.rule("Component depends on Product"), rule={"fieldOptions": narrower}
    )

    assert refusal(cases.create_case, **care.incident()) == ("ValidationException", 400)


# --- updating ----------------------------------------------------------------------------------------------------------
def update(cases, care, case_id, by=None, **fields):
    cases.update_case(
        domainId=care.domain_id,
        caseId=case_id,
        fields=care.values(fields),
        performedBy=by or {"customEntity": "casesite/agent-17"},
    )


def test_case_is_updated_as_documented(example, cases):
    case_id = created(cases, EXAMPLE["created"][0])

    answer = cases.update_case(domainId=DOMAIN, caseId=case_id, **EXAMPLE["update"])

    assert set(answer) == {"ResponseMetadata"}
    told = values_of(
        cases, DOMAIN, case_id, *(each["id"] for each in EXAMPLE["update"]["fields"]), "last_closed_datetime"
    )
    assert told.pop("last_closed_datetime") != {"emptyValue": {}}
    assert told == {
        each["id"]: each["value"] for each in EXAMPLE["update"]["fields"] if "emptyValue" not in each["value"]
    }


def test_only_named_fields_change(care, cases, sandbox):
    case_id = created(cases, care.incident(fields={"Order number": "SO-1"}))
    before = sandbox.connect_cases()[0]["fields"]

    update(cases, care, case_id, **{"summary": "Short", "Order number": None})

    after = sandbox.connect_cases()[0]["fields"]
    assert after["summary"] == {"stringValue": "Short"}
    assert care.field("Order number") not in after
    untouched = set(before) - {care.field("Order number"), "last_updated_datetime"}
    assert {id_: after[id_] for id_ in untouched} == {id_: before[id_] for id_ in untouched}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"title": None}, "title"),
        ({"status": None}, "status"),
        ({"Severity": None}, "Severity"),
        ({"Product": "mobile_app"}, "Component"),
        ({"Product": "mobile_app", "Component": "ios"}, None),
        ({"status": "closed"}, "Close reason"),
        ({"status": "closed", "Close reason": "fixed"}, None),
        ({"Refund amount": 5}, "Refund amount"),
    ],
)
def test_update_is_held_against_template_and_rules(care, cases, fields, wrong):
    case_id = created(cases, care.incident())
    asked = {"domainId": care.domain_id, "caseId": case_id, "fields": care.values(fields)}

    if wrong is None:
        cases.update_case(**asked)
    else:
        code, _status, message = refusal_in_full(cases.update_case, **asked)
        assert code == "ValidationException"
        assert care.field(wrong) in message


def test_update_does_not_ask_for_what_older_cases_lack(care, cases, sandbox):
    case_id = created(cases, care.question())
    template = care.template("General question")
    sandbox.connect_put(care.domain_id, "templates", id=template, requiredFields=[{"fieldId": care.field("Contract")}])

    update(cases, care, case_id, summary="Still fine")


def test_unknown_case_is_not_updated(care, cases):
    asked = {"domainId": care.domain_id, "caseId": "x", "fields": []}

    assert refusal(cases.update_case, **asked) == ("ResourceNotFoundException", 404)


# --- history -----------------------------------------------------------------------------------------------------------
def test_history_tells_what_was_done_by_whom(care, cases, sandbox):
    case_id = created(cases, care.question(performedBy={"customEntity": "casesite/approval-0042"}))
    update(cases, care, case_id, status="closed")
    sandbox.comment_on_connect_case(case_id, "Thank you")

    events = cases.get_case_audit_events(domainId=care.domain_id, caseId=case_id)["auditEvents"]

    assert [each["type"] for each in events] == ["RelatedItem.Created", "Case.Updated", "Case.Created"]
    assert events[0]["relatedItemType"] == "Comment"
    assert events[0]["performedBy"]["user"] == {"userArn": care.user}
    assert events[1]["fields"] == [
        {"eventFieldId": "status", "oldValue": {"stringValue": "open"}, "newValue": {"stringValue": "closed"}}
    ]
    assert events[2]["performedBy"] == {
        "user": {"customEntity": "casesite/approval-0042"},
        "iamPrincipalArn": f"arn:aws:iam::{ACME}:user/sandbox",
    }


def test_history_comes_in_pages(care, cases):
    case_id = created(cases, care.question())
    for number in range(3):
        update(cases, care, case_id, summary=str(number))
    asked = {"domainId": care.domain_id, "caseId": case_id, "maxResults": 3}

    first = cases.get_case_audit_events(**asked)
    second = cases.get_case_audit_events(**asked, nextToken=first["nextToken"])

    assert [each["type"] for each in second["auditEvents"]] == ["Case.Created"]
    assert "nextToken" not in second


def test_agent_closes_a_case_in_the_workspace(care, cases, sandbox):
    case_id = created(cases, care.incident())

    sandbox.change_connect_case(case_id, status={"stringValue": "closed"})

    told = values_of(cases, care.domain_id, case_id, "status", "last_updated_user")
    assert told == {"status": {"stringValue": "closed"}, "last_updated_user": {"userArnValue": care.user}}


# --- reference ids -----------------------------------------------------------------------------------------------------
@pytest.fixture
def with_references(care, sandbox):
    sandbox.connect_put(
        care.domain_id, "fields", id="reference_id", name="Reference ID", type="Text", namespace="System"
    )
    return care


def test_reference_id_is_unique_in_the_domain(with_references, cases, sandbox):
    def asked(reference):
        params = with_references.question()
        params["fields"].append({"id": "reference_id", "value": {"stringValue": reference}})
        return params

    created(cases, asked("Ref1"))

    assert refusal(cases.create_case, **asked("REF1")) == ("ConflictException", 409)
    created(cases, asked("Ref2"))
    created(cases, with_references.question())
    assert len(sandbox.connect_cases()[-1]["fields"]["reference_id"]["stringValue"]) == 9


# --- tags --------------------------------------------------------------------------------------------------------------
def test_resources_are_tagged_by_arn(care, cases):
    case = cases.create_case(**care.question(tags={"a": "1"}))
    template = cases.get_template(domainId=care.domain_id, templateId=care.template("General question"))

    for arn in (case["caseArn"], template["templateArn"], care.told["domainArn"]):
        cases.tag_resource(arn=arn, tags={"b": "2", "c": "3"})
        cases.untag_resource(arn=arn, tagKeys=["c"])

    assert cases.list_tags_for_resource(arn=case["caseArn"])["tags"] == {"a": "1", "b": "2"}
    assert cases.list_tags_for_resource(arn=template["templateArn"])["tags"] == {"b": "2"}
    assert cases.get_domain(domainId=care.domain_id)["tags"] == {"b": "2"}
    assert cases.get_case(domainId=care.domain_id, caseId=case["caseId"], fields=[{"id": "title"}])["tags"] == {
        "a": "1",
        "b": "2",
    }


@pytest.mark.parametrize(
    ("arn", "tags", "code"),
    [
        ("nonsense", {"a": "b"}, "ValidationException"),
        ("{domain}/case/nothing", {"a": "b"}, "ResourceNotFoundException"),
        ("{domain}/colour/red", {"a": "b"}, "ResourceNotFoundException"),
        (f"arn:aws:cases:us-east-1:{OTHER}:domain/x", {"a": "b"}, "ResourceNotFoundException"),
        ("{domain}", {"aws:a": "b"}, "ValidationException"),
        ("{domain}", {str(number): "" for number in range(51)}, "ValidationException"),
    ],
)
def test_tags_that_make_no_sense_are_refused(care, cases, arn, tags, code):
    asked = {"arn": arn.format(domain=care.told["domainArn"]), "tags": tags}

    assert refusal(cases.tag_resource, **asked)[0] == code


def test_case_is_assigned_to_a_user_of_the_instance(care, cases):
    created(cases, care.question(fields={"assigned_user": care.user}))

    assert refusal(cases.create_case, **care.question(fields={"assigned_user": "arn:aws:connect:x"})) == (
        "ResourceNotFoundException",
        404,
    )


def test_cases_and_tokens_survive_a_power_cut(care, cases, sandbox):
    asked = care.incident(clientToken="t")
    case_id = created(cases, asked)
    sandbox.comment_on_connect_case(case_id, "Hello")
    before = sandbox.connect_cases()

    sandbox.kill()
    sandbox.restart()

    assert sandbox.connect_cases() == before
    assert created(cases, asked) == case_id
