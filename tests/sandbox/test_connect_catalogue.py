"""Domains, templates, layouts, fields, options and rules through boto3, and drift by the control interface."""

import json

import pytest

from tests.sandbox.care import DOMAIN, EXAMPLE
from tests.sandbox.clients import ACME, OTHER, refusal
from tests.sandboxes import SandboxRefused

TYPES = {"Text", "Number", "Boolean", "DateTime", "SingleSelect", "Url", "User"}


def without_metadata(answer, *names):
    return {name: value for name, value in answer.items() if name not in ("ResponseMetadata", *names)}


def paged(operation, member, **params):
    """All rows of a list, and how many pages it took."""
    rows, pages = [], 0
    while True:
        answer = operation(**params)
        rows, pages = rows + answer[member], pages + 1
        if "nextToken" not in answer:
            return rows, pages
        params["nextToken"] = answer["nextToken"]


def test_domain_is_found_in_its_region_and_account_only(example, clients):
    arn = f"arn:aws:cases:us-east-1:{ACME}:domain/{DOMAIN}"

    assert clients.cases(ACME).list_domains()["domains"] == [
        {"domainId": DOMAIN, "domainArn": arn, "name": "acme-cases"}
    ]
    assert clients.cases(ACME, "eu-central-1").list_domains()["domains"] == []
    assert clients.cases(OTHER).list_domains()["domains"] == []
    for stranger in (clients.cases(OTHER), clients.cases(ACME, "eu-central-1")):
        assert refusal(stranger.get_domain, domainId=DOMAIN) == ("ResourceNotFoundException", 404)


def test_one_account_can_have_domains_in_several_regions(sandbox, clients):
    here, there = sandbox.connect_demo(ACME), sandbox.connect_demo(ACME, "eu-central-1", "europe")

    found = [clients.cases(ACME, region).list_domains()["domains"] for region in ("us-east-1", "eu-central-1")]

    assert [[each["domainId"] for each in each_] for each_ in found] == [[here["domainId"]], [there["domainId"]]]
    assert f":eu-central-1:{ACME}:" in found[1][0]["domainArn"]


def test_domain_tells_its_status(example, cases):
    answer = cases.get_domain(domainId=DOMAIN)

    assert (answer["name"], answer["domainStatus"], answer["tags"]) == ("acme-cases", "Active", {})


@pytest.mark.parametrize("number", range(2))
def test_template_is_answered_as_documented(example, cases, number):
    expected = {name: value for name, value in EXAMPLE["templates"][number].items() if name != "id"}

    answer = cases.get_template(domainId=DOMAIN, templateId=EXAMPLE["templates"][number]["id"])

    assert without_metadata(answer, "createdTime", "lastModifiedTime", "templateArn", "templateId") == {
        **expected,
        "deleted": False,
        "tags": {},
    }
    assert answer["templateArn"].endswith(f":domain/{DOMAIN}/template/{answer['templateId']}")


def test_layout_is_answered_as_documented(example, cases):
    [layout] = EXAMPLE["layouts"]

    answer = cases.get_layout(domainId=DOMAIN, layoutId=layout["id"])

    assert (answer["name"], answer["content"], answer["deleted"]) == (layout["name"], layout["content"], False)
    assert [each["name"] for each in cases.list_layouts(domainId=DOMAIN)["layouts"]] == ["Product incident layout"]


def test_fields_are_listed_page_by_page(example, cases):
    fields, pages = paged(cases.list_fields, "fields", domainId=DOMAIN, maxResults=20)

    told = {each["id"]: each for each in EXAMPLE["fields"]}
    assert (len(fields), pages) == (len(told), 2)
    for field in fields:
        expected = {name: told[field["fieldId"]].get(name) for name in ("name", "type", "namespace", "attributes")}
        assert {name: field.get(name) for name in expected} == expected


def test_fields_are_read_in_batches_and_unknown_ones_named(example, cases):
    ids = [each["id"] for each in EXAMPLE["fields"] if each["namespace"] == "Custom"]

    answer = cases.batch_get_field(domainId=DOMAIN, fields=[{"id": each} for each in [*ids, "no-such-field"]])

    assert [each["fieldId"] for each in answer["fields"]] == ids
    assert answer["fields"][0]["description"] == "Order that the customer calls about"
    assert answer["errors"] == [
        {"id": "no-such-field", "errorCode": "ResourceNotFoundException", "message": "Field not found"}
    ]
    fifty_one = [{"id": str(number)} for number in range(51)]
    assert refusal(cases.batch_get_field, domainId=DOMAIN, fields=fifty_one) == ("ValidationException", 400)


@pytest.mark.parametrize(
    "field", [each for each in EXAMPLE["fields"] if "options" in each], ids=lambda each: each["name"]
)
def test_options_are_answered_as_documented(example, cases, field):
    answer = cases.list_field_options(domainId=DOMAIN, fieldId=field["id"])

    assert without_metadata(answer) == {"options": field["options"]}


def test_options_can_be_asked_for_by_value(example, cases):
    product = next(each["id"] for each in EXAMPLE["fields"] if each["name"] == "Product")

    answer = cases.list_field_options(domainId=DOMAIN, fieldId=product, values=["platform"])

    assert answer["options"] == [{"name": "Platform", "value": "platform", "active": True}]
    assert refusal(cases.list_field_options, domainId=DOMAIN, fieldId="title") == ("ValidationException", 400)


def test_rules_are_answered_as_documented(example, cases):
    listed = cases.list_case_rules(domainId=DOMAIN)["caseRules"]
    answer = cases.batch_get_case_rule(
        domainId=DOMAIN, caseRules=[{"id": each["caseRuleId"]} for each in listed] + [{"id": "gone"}]
    )

    assert [each["ruleType"] for each in listed] == [
        "Required",
        "Required",
        "Hidden",
        "Hidden",
        "FieldOptions",
        "Required",
    ]
    assert [each["rule"] for each in answer["caseRules"]] == [each["rule"] for each in EXAMPLE["rules"]]
    assert [each["id"] for each in answer["errors"]] == ["gone"]
    assert answer["unprocessedCaseRules"] == []


def test_rules_beyond_a_batch_are_left_for_another_call(example, cases, sandbox):
    sandbox.settings(rules_in_batch=4)
    ids = [each["id"] for each in EXAMPLE["rules"]]

    answer = cases.batch_get_case_rule(domainId=DOMAIN, caseRules=[{"id": each} for each in ids])

    assert [each["caseRuleId"] for each in answer["caseRules"]] == ids[:4]
    assert answer["unprocessedCaseRules"] == ids[4:]


# --- the demo domains --------------------------------------------------------------------------------------------------
def test_demo_domains_are_there_from_the_start(sandbox):
    found = [(each["account"], each["region"], each["name"]) for each in sandbox.connect_domains()]

    assert found == [
        ("111111111111", "us-east-1", "Customer care"),
        ("111111111111", "eu-central-1", "Customer care Europe"),
        ("222222222222", "us-east-1", "Network operations"),
    ]
    for domain in sandbox.connect_domains():
        templates = domain["templates"]
        assert len(templates) >= 3
        assert [each["status"] for each in templates].count("Inactive") == 1
        assert [each for each in templates if each["status"] == "Active" and "layoutConfiguration" not in each]


def test_demo_template_has_all_that_a_form_can_meet(care, cases):
    domain_id = care.domain_id
    template = cases.get_template(domainId=domain_id, templateId=care.template("Product incident"))
    layout = cases.get_layout(domainId=domain_id, layoutId=template["layoutConfiguration"]["defaultLayout"])
    panels = [layout["content"]["basic"][name]["sections"] for name in ("topPanel", "moreInfo")]
    placed = [field["id"] for [section] in panels for field in section["fieldGroup"]["fields"]]
    fields = cases.batch_get_field(domainId=domain_id, fields=[{"id": each} for each in placed])["fields"]
    rules = cases.batch_get_case_rule(
        domainId=domain_id, caseRules=[{"id": each["caseRuleId"]} for each in template["rules"]]
    )["caseRules"]
    told = json.dumps([each["rule"] for each in rules])

    assert len(placed) == len(set(placed)) == 30
    assert {each["type"] for each in fields} == TYPES
    assert {kind for each in rules for kind in each["rule"]} == {"required", "hidden", "fieldOptions"}
    for word in ("equalTo", "notEqualTo", "andAll", "orAll", "emptyValue", "booleanValue", "doubleValue"):
        assert f'"{word}"' in told
    assert template["tagPropagationConfigurations"][0]["tagMap"]["Team"] == "Incidents"
    sites, pages = paged(cases.list_field_options, "options", domainId=domain_id, fieldId=care.field("Site"))
    assert (len(sites), pages) == (300, 3)
    product = cases.list_field_options(domainId=domain_id, fieldId=care.field("Product"))["options"]
    assert [each["value"] for each in product if not each["active"]] == ["legacy_desktop"]


def test_templates_are_listed_by_status(care, cases):
    def names(**status):
        return [each["name"] for each in cases.list_templates(domainId=care.domain_id, **status)["templates"]]

    active = ["Product incident", "Delivery complaint", "General question"]
    assert names(status=["Active"]) == active
    assert names(status=["Inactive"]) == ["Returns 2019"]
    assert names() == [*active, "Returns 2019"]
    assert refusal(cases.list_templates, domainId=care.domain_id, status=["Gone"]) == ("ValidationException", 400)


# --- paging ------------------------------------------------------------------------------------------------------------
def test_page_token_fits_its_own_question_only(care, cases):
    token = cases.list_fields(domainId=care.domain_id, maxResults=5)["nextToken"]

    assert refusal(cases.list_templates, domainId=care.domain_id, nextToken=token) == ("ValidationException", 400)
    assert refusal(cases.list_fields, domainId=care.domain_id, nextToken="nonsense") == ("ValidationException", 400)


@pytest.mark.parametrize(
    ("operation", "largest"),
    [("list_domains", 10), ("list_templates", 100), ("list_fields", 100), ("list_case_rules", 100)],
)
def test_pages_have_the_models_bounds(care, cases, operation, largest):
    params = {} if operation == "list_domains" else {"domainId": care.domain_id}

    getattr(cases, operation)(maxResults=largest, **params)

    for size in (0, largest + 1):
        assert refusal(getattr(cases, operation), maxResults=size, **params) == ("ValidationException", 400)


# --- drift -------------------------------------------------------------------------------------------------------------
def test_deleted_parts_leave_the_lists_and_are_read_by_id(care, cases, sandbox):
    domain_id, template, field = care.domain_id, care.template("Delivery complaint"), care.field("Photos")
    layout = care.part("templates", "Delivery complaint")["layoutConfiguration"]["defaultLayout"]
    rule = care.rule("Photos required for damage")
    for kind, id_ in (("templates", template), ("fields", field), ("layouts", layout), ("rules", rule)):
        sandbox.connect_delete(domain_id, kind, id_)

    listed = {
        "templateId": cases.list_templates(domainId=domain_id)["templates"],
        "fieldId": cases.list_fields(domainId=domain_id)["fields"],
        "layoutId": cases.list_layouts(domainId=domain_id)["layouts"],
        "caseRuleId": cases.list_case_rules(domainId=domain_id)["caseRules"],
    }

    gone = {"templateId": template, "fieldId": field, "layoutId": layout, "caseRuleId": rule}
    assert {name: gone[name] in [each[name] for each in rows] for name, rows in listed.items()} == dict.fromkeys(
        gone, False
    )
    assert cases.get_template(domainId=domain_id, templateId=template)["deleted"] is True
    assert cases.get_layout(domainId=domain_id, layoutId=layout)["deleted"] is True
    assert cases.batch_get_field(domainId=domain_id, fields=[{"id": field}])["fields"][0]["deleted"] is True
    assert cases.batch_get_case_rule(domainId=domain_id, caseRules=[{"id": rule}])["caseRules"][0]["deleted"] is True


def test_parts_are_altered_member_by_member(care, cases, sandbox):
    product, template = care.field("Product"), care.template("Product incident")
    options = [{"name": "Platform 2", "value": "platform", "active": False}]

    sandbox.connect_put(care.domain_id, "fields", id=product, options=options)
    sandbox.connect_put(care.domain_id, "templates", id=template, status="Inactive", layoutConfiguration=None)

    assert cases.list_field_options(domainId=care.domain_id, fieldId=product)["options"] == options
    altered = cases.get_template(domainId=care.domain_id, templateId=template)
    assert (altered["status"], altered["name"], "layoutConfiguration" in altered) == (
        "Inactive",
        "Product incident",
        False,
    )
    assert altered["lastModifiedTime"] > altered["createdTime"]


def test_parts_are_added_with_ids_of_their_own(care, cases, sandbox):
    made = sandbox.connect_put(care.domain_id, "templates", name="New one", requiredFields=[{"fieldId": "title"}])

    answer = cases.get_template(domainId=care.domain_id, templateId=made["id"])

    assert (answer["name"], answer["status"]) == ("New one", "Active")


def test_domain_is_changed_and_removed(care, cases, sandbox):
    sandbox.connect_domain(ACME, domain_id=care.domain_id, name="Renamed", status="CreationInProgress")
    answer = cases.get_domain(domainId=care.domain_id)
    assert (answer["name"], answer["domainStatus"]) == ("Renamed", "CreationInProgress")

    sandbox.connect_remove(care.domain_id)

    assert cases.list_domains()["domains"] == []
    assert refusal(cases.list_fields, domainId=care.domain_id) == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("fields", {"name": "x", "type": "Colour"}),
        ("fields", {"name": "x" * 101, "type": "Text"}),
        ("fields", {"name": "x", "type": "SingleSelect", "options": [{"name": "no value"}]}),
        ("templates", {"requiredFields": []}),
        ("templates", {"name": "x", "colour": "red"}),
        ("rules", {"name": "x", "rule": {"required": {"defaultValue": False}}}),
        ("layouts", {"name": "x", "content": {}}),
        ("profiles", {"FirstName": ""}),
        ("users", {"FirstName": "Nobody"}),
    ],
)
def test_part_that_aws_would_not_have_is_refused(care, sandbox, kind, document):
    with pytest.raises(SandboxRefused) as refused:
        sandbox.connect_put(care.domain_id, kind, **document)

    assert refused.value.status == 400


@pytest.mark.parametrize(
    "given",
    [
        {"account_id": "12"},
        {"region": "nowhere"},
        {"name": ""},
        {"status": "Asleep"},
        {"tags": {"a": 1}},
        {"colour": "red"},
    ],
)
def test_domain_that_makes_no_sense_is_refused(sandbox, given):
    with pytest.raises(SandboxRefused) as refused:
        sandbox.connect_domain(**{"account_id": ACME, **given})

    assert refused.value.status == 400


def test_ids_are_given_out_once(care, sandbox):
    with pytest.raises(SandboxRefused) as refused:
        sandbox.connect_domain(OTHER, instance_id=care.told["instanceId"])

    assert refused.value.status == 409


def test_domains_survive_a_restart_and_a_reset_brings_the_demo_back(care, sandbox):
    before = sandbox.connect_domains()

    sandbox.restart()

    assert sandbox.connect_domains() == before
    sandbox.reset()
    assert [each["domainId"] for each in sandbox.connect_domains()] == [each["domainId"] for each in before[:3]]
