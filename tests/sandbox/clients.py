"""boto3 clients of the simulator, and short ways to say what the tests say often."""

import json
from dataclasses import dataclass
from email.message import Message
from functools import cache
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.sandbox.model import check_answer

HOME = "000000000000"
ACME = "111122223333"
OTHER = "444455556666"
ROLE = f"arn:aws:iam::{OTHER}:role/CasesiteSupportRole"
ONE_TRY = Config(
    retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=2, read_timeout=2, parameter_validation=False
)


@dataclass(frozen=True)
class Fetched:
    """What came of following a link."""

    status: int
    headers: Message
    body: bytes

    @property
    def etag(self) -> str:
        return self.headers["ETag"]

    @property
    def code(self) -> str:
        """The code of an error as S3 tells it, in XML."""
        return self.body.decode().partition("<Code>")[2].partition("</Code>")[0]


class Clients:
    """Makes clients for one simulator; each of them checks every answer against the model."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.support = cache(self._support)
        self.sts = cache(self._sts)
        self.cases = cache(self._cases)
        self.profiles = cache(self._profiles)
        self.connect = cache(self._connect)

    def _support(self, account: str = ACME) -> Any:
        return self.make("support", f"SANDBOXKEY{account}", f"sandbox-secret-{account}")

    def _sts(self, account: str = HOME) -> Any:
        return self.make("sts", f"SANDBOXKEY{account}", f"sandbox-secret-{account}")

    def _cases(self, account: str = ACME, region: str = "us-east-1") -> Any:
        return self.regional("connectcases", account, region)

    def _profiles(self, account: str = ACME, region: str = "us-east-1") -> Any:
        return self.regional("customer-profiles", account, region)

    def _connect(self, account: str = ACME, region: str = "us-east-1") -> Any:
        return self.regional("connect", account, region)

    def regional(self, service: str, account: str, region: str) -> Any:
        return self.make(service, f"SANDBOXKEY{account}", f"sandbox-secret-{account}", region=region)

    def with_session(self, credentials: dict[str, Any], service: str = "support") -> Any:
        keys = credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
        return self.make(service, *keys)

    def make(
        self, service: str, key: str, secret: str, token: str | None = None, *, region: str = "us-east-1", **config: Any
    ) -> Any:
        client = boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=ONE_TRY.merge(Config(**config)),
        )
        client.meta.events.register("after-call", check_answer)
        return client


def a_case(**changes: Any) -> dict[str, Any]:
    """The parameters of a case that AWS would take."""
    usual = {
        "subject": "Lambda cold starts above 8 s since 14:02 UTC",
        "serviceCode": "aws-lambda",
        "categoryCode": "general-guidance",
        "severityCode": "normal",
        "communicationBody": "Since 14:02 UTC cold starts take 8 seconds.\n\nRef: CS-7GQ4-KM2X-9TZA-P3RW",
        "language": "en",
        "issueType": "technical",
    }
    return usual | changes


def opened(client: Any, **changes: Any) -> str:
    return client.create_case(**a_case(**changes))["caseId"]


def links_for(client: Any, data: bytes, name: str = "heap.hprof") -> dict[str, Any]:
    return client.get_attachment_upload_links(fileName=name, fileSizeBytes=len(data))


def part_of(data: bytes, links: dict[str, Any], index: int) -> bytes:
    size = links["partSizeBytes"]
    return data[(index - 1) * size : index * size]


def put(url: str, data: bytes, **headers: str) -> Fetched:
    """PUT one part of a file to the link that was given for it."""
    return fetch(Request(url, data, headers, method="PUT"))


def fetch(request: str | Request) -> Fetched:
    """Follow a presigned link, without boto3, as any HTTP client may."""
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=5) as answer:
            return Fetched(answer.status, answer.headers, answer.read())
    except HTTPError as error:
        with error:
            return Fetched(error.code, error.headers, error.read())


def uploaded(client: Any, data: bytes, name: str = "heap.hprof") -> str:
    """Upload a file in all its parts, report them complete, and return the upload id."""
    given = links_for(client, data, name)
    upload_id, links = given["uploadId"], list(given["uploadUrls"])
    while start := given.get("nextIndex"):
        more = {"uploadId": upload_id, "fileName": name, "uploadRange": {"startIndex": start}}
        given = client.get_attachment_upload_links(**more)
        links += given["uploadUrls"]
    etags = [(each["partIndex"], put(each["url"], part_of(data, given, each["partIndex"])).etag) for each in links]
    done = [{"partIndex": index, "eTag": etag} for index, etag in etags]
    client.complete_attachment_upload(uploadId=upload_id, completedUploads=done)
    return upload_id


def refusal(operation: Any, **params: Any) -> tuple[str, int]:
    """Code and HTTP status of the error that the call must end in."""
    code, status, _message = refusal_in_full(operation, **params)
    return code, status


def refusal_in_full(operation: Any, **params: Any) -> tuple[str, int, str]:
    try:
        answer = operation(**params)
    except ClientError as error:
        response = error.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]
    raise AssertionError(f"not refused: {answer}")


def with_body(client: Any, operation: str, body: Any) -> Any:
    """A call whose JSON body is this one, whatever boto3 would have made of it."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def replace(params: dict[str, Any], **_context: Any) -> None:
        params["body"] = data

    method = {"CreateCase": client.create_case, "DescribeCases": client.describe_cases}[operation]

    def call() -> Any:
        client.meta.events.register(f"before-call.support.{operation}", replace)
        try:
            return method(**a_case() if operation == "CreateCase" else {})
        finally:
            client.meta.events.unregister(f"before-call.support.{operation}", replace)

    return call
