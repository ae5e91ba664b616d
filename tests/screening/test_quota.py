"""Requests for quotas are recognised by codes and words, and what only speaks of limits is not."""

import time

import pytest

from casesite.screening.quota import QuotaRequest, console_link, quota_request
from tests.screening.corpora import by_name, texts

CORPUS = texts("quota.txt")


@pytest.mark.parametrize("text", CORPUS, ids=by_name)
def test_request_is_recognised_in_the_description(text):
    expected = QuotaRequest(text.expected.replace("-", "")) if text.expected else None

    assert quota_request("About our account", text.body) == expected


@pytest.mark.parametrize("text", CORPUS, ids=by_name)
def test_request_is_recognised_in_the_subject(text):
    assert (quota_request(text.body.splitlines()[-1], "") is not None) is bool(text.expected)


@pytest.mark.parametrize(
    ("service_code", "category_code"),
    [
        ("service-limit-increase", "other"),
        ("aws-lambda", "limit-increase"),
        ("service-quotas", "quotas"),
        ("x", "quota-increase"),
    ],
)
def test_code_alone_is_enough(service_code, category_code):
    assert quota_request("Hello", "More of it", service_code, category_code) is not None


@pytest.mark.parametrize("category_code", ["general-guidance", "other", "rate-limiting-errors", ""])
def test_other_codes_ask_for_nothing(category_code):
    assert quota_request("Hello", "It fails", "aws-lambda", category_code) is None


def test_service_of_the_case_goes_before_words():
    asked = quota_request("Quota increase", "Please raise the limit, our S3 exports need it", "aws-lambda", "other")

    assert asked == QuotaRequest("lambda")


def test_service_named_in_the_subject_goes_before_the_description():
    assert quota_request("SQS quota increase", "Lambda reads from it") == QuotaRequest("sqs")


@pytest.mark.parametrize(
    ("code", "region", "partition", "url"),
    [
        ("ec2", "eu-west-1", "aws", "https://eu-west-1.console.aws.amazon.com/servicequotas/home/services/ec2/quotas"),
        ("ec2", "", "aws", "https://us-east-1.console.aws.amazon.com/servicequotas/home/services/ec2/quotas"),
        ("", "eu-west-1", "aws", "https://eu-west-1.console.aws.amazon.com/servicequotas/home/services"),
        ("iam", "eu-west-1", "aws", "https://us-east-1.console.aws.amazon.com/servicequotas/home/services/iam/quotas"),
        (
            "s3",
            "us-gov-east-1",
            "aws-us-gov",
            "https://us-gov-east-1.console.amazonaws-us-gov.com/servicequotas/home/services/s3/quotas",
        ),
        (
            "s3",
            "evil.example/",
            "aws",
            "https://us-east-1.console.aws.amazon.com/servicequotas/home/services/s3/quotas",
        ),
    ],
)
def test_link_leads_to_the_page_of_the_service(code, region, partition, url):
    assert console_link(QuotaRequest(code), region, partition) == url


@pytest.mark.parametrize(
    "piece",
    ["increase ", "limit ", "please increase ", "quota to be ", "上限", "please please ", "aumentar ", "a", " \n"],
)
def test_time_is_bounded(piece):
    started = time.process_time()

    quota_request(piece * 100, piece * 20_000)

    assert time.process_time() - started < 2
