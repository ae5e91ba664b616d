"""What cases can be filed under, by plan and language, and dry runs of everything."""

import pytest

from tests.sandbox.clients import ACME, a_case, opened, refusal

EVERYTHING = {
    "create_case": a_case(),
    "describe_cases": {},
    "describe_communications": {"caseId": "?"},
    "add_communication_to_case": {"caseId": "?", "communicationBody": "Hello"},
    "resolve_case": {"caseId": "?"},
    "describe_services": {},
    "describe_severity_levels": {},
    "describe_supported_languages": {
        "issueType": "technical",
        "serviceCode": "aws-lambda",
        "categoryCode": "general-guidance",
    },
    "describe_create_case_options": {
        "issueType": "technical",
        "serviceCode": "aws-lambda",
        "categoryCode": "general-guidance",
        "language": "en",
    },
}


def codes(entries):
    return [entry["code"] for entry in entries]


def languages(support, issue_type, service, category):
    answer = support.describe_supported_languages(issueType=issue_type, serviceCode=service, categoryCode=category)
    return codes(answer["supportedLanguages"])


def test_services_come_with_their_categories(support):
    services = {service["code"]: service for service in support.describe_services()["services"]}

    assert len(services) == 56
    assert codes(services["amazon-virtual-private-cloud"]["categories"]) == [
        "apis",
        "vpn-solutions",
        "connection-issue",
        "general-guidance",
    ]


def test_services_can_be_asked_for_by_code(support):
    answer = support.describe_services(serviceCodeList=["aws-lambda", "billing"], language="ja")

    assert sorted(codes(answer["services"])) == ["aws-lambda", "billing"]
    assert refusal(support.describe_services, serviceCodeList=["nonsense"]) == ("InvalidParameterValueException", 400)


def test_every_category_can_be_filed_under(support, sandbox):
    sandbox.settings(cases_per_hour=1000)

    for service in support.describe_services()["services"]:
        for category in service["categories"]:
            params = a_case(serviceCode=service["code"], categoryCode=category["code"], dryRun=True)
            assert refusal(support.create_case, **params) == ("DryRunOperationException", 400)


@pytest.mark.parametrize(
    ("plan", "offered"),
    [
        ("business", ["low", "normal", "high", "urgent"]),
        ("business_plus", ["low", "normal", "high", "urgent", "critical"]),
        ("enterprise", ["low", "normal", "high", "urgent", "critical"]),
        ("unified", ["low", "normal", "high", "urgent", "critical"]),
    ],
)
def test_plan_decides_the_severities(support, sandbox, plan, offered):
    sandbox.account(ACME, plan=plan)

    assert codes(support.describe_severity_levels()["severityLevels"]) == offered
    for severity in ("low", "normal", "high", "urgent", "critical"):
        expected = "DryRunOperationException" if severity in offered else "InvalidParameterValueException"
        assert refusal(support.create_case, **a_case(severityCode=severity, dryRun=True)) == (expected, 400)


@pytest.mark.parametrize("plan", ["basic", "developer"])
@pytest.mark.parametrize("operation", EVERYTHING)
def test_support_needs_a_paid_plan(support, sandbox, plan, operation):
    sandbox.account(ACME, plan=plan)

    assert refusal(getattr(support, operation), **EVERYTHING[operation]) == ("SubscriptionRequiredException", 400)


def test_severity_names_follow_the_language(support):
    levels = support.describe_severity_levels(language="fr")["severityLevels"]

    assert [level["name"] for level in levels] == ["Faible", "Normale", "Élevée", "Urgente", "Critique"]
    assert refusal(support.describe_severity_levels, language="xx") == ("InvalidParameterValueException", 400)


def test_languages_depend_on_kind_service_and_category(support):
    assert languages(support, "technical", "aws-lambda", "general-guidance") == ["en", "ja", "zh", "ko"]
    assert languages(support, "technical", "service-bedrock", "apis") == ["en", "ja"]
    assert languages(support, "technical", "amazon-lightsail", "apis") == ["en"]
    assert languages(support, "technical", "amazon-lightsail", "other") == ["en", "ja", "zh", "ko"]
    assert languages(support, "customer-service", "billing", "other-billing-questions") == [
        "en",
        "ja",
        "zh",
        "ko",
        "es",
        "pt",
        "fr",
        "tr",
    ]


def test_language_says_how_it_is_written(support):
    answer = support.describe_supported_languages(
        issueType="technical", serviceCode="aws-lambda", categoryCode="general-guidance"
    )

    assert answer["supportedLanguages"][1] == {"code": "ja", "language": "Japanese", "display": "日本語"}


def test_case_in_a_language_not_offered_there_is_refused(support):
    params = a_case(serviceCode="amazon-lightsail", categoryCode="apis", language="ja")

    assert refusal(support.create_case, **params) == ("InvalidParameterValueException", 400)


@pytest.mark.parametrize("wrong", [{"issueType": "nonsense9"}, {"serviceCode": "x"}, {"categoryCode": "x"}])
@pytest.mark.parametrize("operation", ["describe_supported_languages", "describe_create_case_options"])
def test_questions_about_nothing_are_refused(support, operation, wrong):
    params = EVERYTHING[operation] | wrong

    assert refusal(getattr(support, operation), **params) == ("InvalidParameterValueException", 400)


@pytest.mark.parametrize(
    ("issue_type", "language", "availability", "channels"),
    [
        ("technical", "ja", "available", ["web", "chat", "call"]),
        ("technical", "tr", "best_effort", ["web"]),
        ("technical", "es", "unavailable", ["web"]),
        ("customer-service", "es", "available", ["web", "chat", "call"]),
    ],
)
def test_options_name_channels_and_hours(support, issue_type, language, availability, channels):
    answer = support.describe_create_case_options(
        issueType=issue_type, serviceCode="aws-lambda", categoryCode="other", language=language
    )

    assert answer["languageAvailability"] == availability
    assert [each["type"] for each in answer["communicationTypes"]] == channels
    assert answer["communicationTypes"][0]["supportedHours"] == [
        {"startTime": "00:00:00.000", "endTime": "23:59:59.999"}
    ]


@pytest.mark.parametrize("operation", EVERYTHING)
def test_dry_run_that_would_work_says_so_and_does_nothing(support, sandbox, operation):
    case_id = opened(support)
    before = sandbox.cases()
    params = {name: case_id if value == "?" else value for name, value in EVERYTHING[operation].items()}

    assert refusal(getattr(support, operation), **params, dryRun=True) == ("DryRunOperationException", 400)

    assert sandbox.cases() == before
    last = sandbox.requests()[-1]
    assert (last["dry_run"], last["executed"], last["outcome"]) == (True, False, "ok")


def test_dry_run_checks_what_the_call_would_check(support, sandbox):
    assert refusal(support.create_case, **a_case(categoryCode="x"), dryRun=True) == (
        "InvalidParameterValueException",
        400,
    )
    assert refusal(support.resolve_case, caseId="case-x", dryRun=True) == ("CaseIdNotFound", 400)
    assert refusal(support.create_case, **a_case(communicationBody="x" * 8001), dryRun=True) == (
        "ValidationException",
        400,
    )
    sandbox.account(ACME, denied=["support:CreateCase"])
    assert refusal(support.create_case, **a_case(), dryRun=True) == ("AccessDeniedException", 403)


def test_dry_run_set_to_false_is_none(support, sandbox):
    case_id = opened(support, dryRun=False)

    assert [case.case_id for case in sandbox.cases()] == [case_id]
