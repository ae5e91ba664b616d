"""Files on their way to a case of Connect: started, PUT by a presigned link, completed, attached."""

import time
from hashlib import sha256
from urllib.request import Request

import pytest

from tests.sandbox.clients import ACME, OTHER, a_case, fetch, put, refusal, refusal_in_full

DATA = b"heap dump " * 100


@pytest.fixture
def connect(sandbox, clients):
    return clients.connect(ACME)


@pytest.fixture
def case(care, cases):
    return cases.create_case(**care.question())


def start(connect, care, case, data=DATA, **changes):
    asked = {
        "InstanceId": care.told["instanceId"],
        "AssociatedResourceArn": case["caseArn"],
        "FileName": "heap.log",
        "FileSizeInBytes": len(data),
        "FileUseCaseType": "ATTACHMENT",
    }
    return connect.start_attached_file_upload(**{**asked, **changes})


def sent(started, data=DATA, **headers):
    told = started["UploadUrlMetadata"]
    return put(told["Url"], data, **(told["HeadersToInclude"] | headers))


def complete(connect, care, case, file_id, operation="complete_attached_file_upload"):
    asked = {"InstanceId": care.told["instanceId"], "FileId": file_id, "AssociatedResourceArn": case["caseArn"]}
    return getattr(connect, operation)(**asked)


def attach(cases, care, case, arn):
    asked = {"type": "File", "content": {"file": {"fileArn": arn}}}
    return cases.create_related_item(domainId=care.domain_id, caseId=case["caseId"], **asked)


def uploaded(connect, care, case, data=DATA, **changes):
    started = start(connect, care, case, data, **changes)
    assert sent(started, data).status == 200
    complete(connect, care, case, started["FileId"])
    return started


def test_file_goes_to_a_case(care, cases, connect, case, sandbox):
    started = start(connect, care, case)
    assert started["FileStatus"] == "DRAFTING"
    assert started["FileArn"] == f"{care.told['instanceArn']}/file/{started['FileId']}"

    assert sent(started).status == 200
    complete(connect, care, case, started["FileId"])
    attach(cases, care, case, started["FileArn"])

    [held] = sandbox.connect_files()
    assert (held["fileName"], held["sha256"], held["attached"]) == ("heap.log", sha256(DATA).hexdigest(), True)
    [item] = cases.search_related_items(domainId=care.domain_id, caseId=case["caseId"], filters=[{"file": {}}])[
        "relatedItems"
    ]
    assert item["content"] == {"file": {"fileArn": started["FileArn"]}}


def test_file_is_checked_some_time_after(care, connect, case, sandbox):
    sandbox.settings(upload_ready_after=0.4)
    started = uploaded(connect, care, case)

    def status():
        return complete(connect, care, case, started["FileId"], "get_attached_file")["FileStatus"]

    assert status() == "PROCESSING"
    time.sleep(0.45)
    assert status() == "APPROVED"


def test_approved_file_can_be_fetched(care, connect, case, sandbox):
    sandbox.settings(upload_ready_after=0)
    started = uploaded(connect, care, case)

    told = complete(connect, care, case, started["FileId"], "get_attached_file")

    assert fetch(told["DownloadUrlMetadata"]["Url"]).body == DATA
    assert (told["FileName"], told["FileSizeInBytes"]) == ("heap.log", len(DATA))


@pytest.mark.parametrize("settled", [False, True])
def test_bad_file_is_rejected_and_attached_to_nothing(care, cases, connect, case, sandbox, settled):
    sandbox.settings(upload_ready_after=0)
    started = uploaded(connect, care, case, FileName="heap.log" if settled else "virus.exe")
    if settled:
        sandbox.settle_upload(started["FileId"], failed=True)

    told = complete(connect, care, case, started["FileId"], "get_attached_file")

    assert (told["FileStatus"], "DownloadUrlMetadata" in told) == ("REJECTED", False)
    assert refusal(attach, cases=cases, care=care, case=case, arn=started["FileArn"]) == ("ValidationException", 400)


def test_file_must_be_complete_before_it_is_attached(care, cases, connect, case):
    started = start(connect, care, case)

    assert refusal(complete, connect=connect, care=care, case=case, file_id=started["FileId"]) == (
        "InvalidRequestException",
        400,
    )
    sent(started)
    assert refusal(attach, cases=cases, care=care, case=case, arn=started["FileArn"]) == ("ValidationException", 400)


def test_link_takes_the_announced_bytes_with_the_announced_headers(care, connect, case):
    started = start(connect, care, case)
    url = started["UploadUrlMetadata"]["Url"]

    assert started["UploadUrlMetadata"]["HeadersToInclude"]["content-type"]
    assert (put(url, DATA).code, put(url, DATA, **{"content-type": "image/png"}).code) == ("SignatureDoesNotMatch",) * 2
    assert sent(started, DATA + b"x").code == "EntityTooLarge"
    assert sent(started, DATA[:-1]).code == "EntityTooSmall"
    assert sent(started, DATA, **{"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}).code == "BadDigest"
    assert fetch(Request(url, method="GET")).code == "SignatureDoesNotMatch"
    assert sent(started).status == 200


def test_link_expires(care, connect, case, sandbox):
    started = start(connect, care, case, UrlExpiryInSeconds=5)
    sandbox.settings(clock_ahead=7)

    assert sent(started).code == "AccessDenied"


def test_lost_part_is_sent_again(care, connect, case, sandbox):
    sandbox.fault("upload.PutPart", "error_503")
    started = start(connect, care, case)

    assert sent(started).status == 503
    assert sent(started).status == 200
    complete(connect, care, case, started["FileId"])
    complete(connect, care, case, started["FileId"])
    assert sent(started).code == "NoSuchUpload"


def test_repeated_start_is_the_same_file(care, connect, case, sandbox):
    first = start(connect, care, case, ClientToken="t")

    assert start(connect, care, case, ClientToken="t")["FileId"] == first["FileId"]
    assert refusal(start, connect=connect, care=care, case=case, ClientToken="t", FileName="b") == (
        "ResourceConflictException",
        409,
    )
    assert len(sandbox.connect_files()) == 1


def test_file_belongs_to_its_case(care, cases, connect, case):
    other = cases.create_case(**care.question())
    started = uploaded(connect, care, case)

    assert refusal(attach, cases=cases, care=care, case=other, arn=started["FileArn"]) == ("ValidationException", 400)
    assert refusal(complete, connect=connect, care=care, case=other, file_id=started["FileId"]) == (
        "ResourceNotFoundException",
        404,
    )
    assert refusal(attach, cases=cases, care=care, case=case, arn="arn:aws:connect:x") == ("ValidationException", 400)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"AssociatedResourceArn": "arn:aws:cases:x"}, "InvalidRequestException"),
        ({"FileUseCaseType": "EMAIL_MESSAGE"}, "InvalidRequestException"),
        ({"FileUseCaseType": "HOLIDAY"}, "InvalidRequestException"),
        ({"FileName": "bell\x07.txt"}, "InvalidRequestException"),
        ({"FileName": "x" * 257}, "InvalidRequestException"),
        ({"FileName": " "}, "InvalidRequestException"),
        ({"FileSizeInBytes": 0}, "InvalidRequestException"),
        ({"FileSizeInBytes": 20 * 1024 * 1024 + 1}, "ServiceQuotaExceededException"),
        ({"UrlExpiryInSeconds": 301}, "InvalidRequestException"),
        ({"InstanceId": "nobodys"}, "InvalidRequestException"),
    ],
)
def test_file_that_makes_no_sense_is_refused(care, connect, case, sandbox, changes, code):
    assert refusal(start, connect=connect, care=care, case=case, **changes)[0] == code
    assert sandbox.connect_files() == []


def test_case_can_have_only_so_many_files(care, cases, connect, case, sandbox):
    sandbox.settings(files_on_case=1)
    attach(cases, care, case, uploaded(connect, care, case)["FileArn"])
    second = uploaded(connect, care, case)

    code, status, message = refusal_in_full(attach, cases=cases, care=care, case=case, arn=second["FileArn"])

    assert (code, status, message) == ("ServiceQuotaExceededException", 402, "A case can have 1 files.")
    assert [each["attached"] for each in sandbox.connect_files()] == [True, False]


def test_files_of_connect_are_none_of_supports(care, connect, case, sandbox, clients):
    sandbox.settings(upload_ready_after=0)
    started = uploaded(connect, care, case)

    assert refusal(clients.support().create_case, **a_case(uploadIds=[started["FileId"]])) == ("UploadIdNotFound", 400)
    assert sandbox.uploads() == []


def test_nobody_else_sees_a_file(care, connect, case, clients):
    started = uploaded(connect, care, case)

    assert refusal(complete, connect=clients.connect(OTHER), care=care, case=case, file_id=started["FileId"]) == (
        "ResourceNotFoundException",
        404,
    )


def test_files_survive_a_restart(care, cases, connect, case, sandbox):
    started = uploaded(connect, care, case)
    attach(cases, care, case, started["FileArn"])

    sandbox.restart()

    assert sandbox.connect_files()[0]["sha256"] == sha256(DATA).hexdigest()
    assert sandbox.connect_cases()[0]["relatedItems"][0]["type"] == "File"
