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


def test_service_of_the_case_goes_before_words_beside_the_request():
    asked = quota_request("Quota increase", "Please raise the limit, our S3 exports need it", "aws-lambda", "other")

    assert asked == QuotaRequest("lambda")


RDS = "amazon-relational-database-service-postgresql"


@pytest.mark.parametrize(
    ("description", "service_code", "code"),
    [
        ("Production is down for all customers. Please raise the quota of EC2 instances to 200.", RDS, "ec2"),
        ("RDS failed over twice. Please raise the EC2 instance limit to 200, RDS itself is well now.", RDS, "ec2"),
        ("We need a higher SQS in-flight message quota.", "aws-lambda", "sqs"),
        ("EC2 instances: quota increase", RDS, "ec2"),
        ("EC2 の上限を 200 に引き上げてください。", RDS, "ec2"),
        ("EC2の上限を200に引き上げてください。", RDS, "ec2"),
        ("Bitte erhöhen Sie das Kontingent für Lambda auf 3000.", RDS, "lambda"),
    ],
)
def test_service_named_in_the_request_goes_before_the_cases(description, service_code, code):
    assert quota_request("Production is down", description, service_code, "other") == QuotaRequest(code)


@pytest.mark.parametrize(
    ("description", "service_code", "code"),
    [
        ("Please raise the quota of read replicas, our EC2 fleet reads from them.", RDS, "rds"),
        ("EC2 launches fail. Please raise the quota of read replicas to 10.", RDS, "rds"),
        ("Lambda opens many connections and so we need a quota increase.", RDS, "rds"),
        ("Please raise the quota for RDS because Lambda needs more connections.", RDS, "rds"),
        ("Please raise the quota of DB subnet groups to 80.", RDS, "rds"),  # subnets alone would be VPC's
        (
            "Please raise the quota of EC2 network interfaces for EKS nodes.",
            "amazon-elastic-compute-cloud-linux",
            "ec2",
        ),
        ("Please raise the quota of network interfaces per VPC to 500.", "aws-lambda", "lambda"),
    ],
)
def test_what_is_named_beside_the_request_leaves_the_cases_service(description, service_code, code):
    assert quota_request("It fails", description, service_code, "other") == QuotaRequest(code)


def test_service_named_in_the_request_goes_before_the_subject():
    assert quota_request("Lambda is throttled", "Please raise the quota of SQS queues.") == QuotaRequest("sqs")


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
