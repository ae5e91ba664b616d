"""Files: sets of small ones, uploads in parts by presigned links, what cases carry, and fetching it again."""

import base64
import hashlib
import socket
import time
import zlib
from http.client import RemoteDisconnected
from urllib.request import Request

import pytest

from tests.sandbox.clients import (
    ACME,
    OTHER,
    Clients,
    a_case,
    fetch,
    links_for,
    opened,
    part_of,
    put,
    refusal,
    refusal_in_full,
    uploaded,
)
from tests.sandbox.test_faults import what_came
from tests.sandboxes import Sandbox, SandboxAttachment, SandboxRefused

MB = 1024 * 1024
LOG = {"fileName": "requests.log", "data": b"2026-11-20T14:02:11Z init 8123 ms\n"}
HEAP = bytes(range(256)) * 10  # 2,560 bytes: three parts of 1,000
PUT_PART = "upload.PutPart"


@pytest.fixture
def support(sandbox, clients):
    """A client of AWS Support whose uploads are ready at once and come in parts of 1,000 bytes."""
    sandbox.settings(part_size=1000, upload_ready_after=0)
    return clients.support(ACME)


def held(name, data):
    return SandboxAttachment(name, len(data), hashlib.sha256(data).hexdigest())


def a_set(client, *files):
    return client.add_attachments_to_set(attachments=list(files or [LOG]))["attachmentSetId"]


def completed(client, links, *parts):
    etags = [{"partIndex": index, "eTag": etag} for index, etag in parts]
    return client.complete_attachment_upload(uploadId=links["uploadId"], completedUploads=etags)["uploadStatus"]


def status(client, upload_id):
    return client.describe_attachment_upload_status(uploadId=upload_id)["uploadStatus"]


def carried(client, case_id):
    """What DescribeCommunications shows of a case's files: message by message, newest first."""
    found = client.describe_communications(caseId=case_id)["communications"]
    return [[file["fileName"] for file in each["attachments"]] for each in found]


def only_attachment(client, case_id):
    [message] = client.describe_communications(caseId=case_id)["communications"]
    [file] = message["attachments"]
    return file["attachmentId"]


def on_disk(sandbox):
    return sorted(path.stat().st_size for path in (sandbox.var / "files").iterdir())


# Sets


def test_set_grows_to_three_files_and_a_case_carries_them(support, sandbox):
    first = support.add_attachments_to_set(attachments=[LOG, {"fileName": "config.txt", "data": b"memory=512\n"}])
    second = support.add_attachments_to_set(
        attachmentSetId=first["attachmentSetId"], attachments=[{"fileName": "画面.png", "data": b"\x89PNG"}]
    )

    case_id = opened(support, attachmentSetId=first["attachmentSetId"])

    assert second["attachmentSetId"] == first["attachmentSetId"]
    assert second["expiryTime"] == first["expiryTime"]
    [case] = sandbox.cases()
    assert case.attachments == (
        held("requests.log", LOG["data"]),
        held("config.txt", b"memory=512\n"),
        held("画面.png", b"\x89PNG"),
    )
    assert carried(support, case_id) == [["requests.log", "config.txt", "画面.png"]]


def test_set_lives_an_hour_that_the_time_scale_shortens(support, sandbox):
    sandbox.settings(time_scale=3600)
    set_id = a_set(support)

    time.sleep(1.05)

    code = ("AttachmentSetExpired", 400)
    assert refusal(support.create_case, **a_case(attachmentSetId=set_id)) == code
    assert refusal(support.add_attachments_to_set, attachmentSetId=set_id, attachments=[LOG]) == code
    assert sandbox.cases() == []


def test_set_expires_by_awss_clock(support, sandbox):
    set_id = a_set(support)
    sandbox.settings(clock_ahead=240)
    opened(support, attachmentSetId=set_id)
    again = a_set(support)
    sandbox.settings(clock_ahead=240 + 3599, signature_validity=86_400)
    assert refusal(support.create_case, **a_case(attachmentSetId=again, dryRun=True)) == (
        "DryRunOperationException",
        400,
    )

    sandbox.settings(clock_ahead=240 + 3601)

    assert refusal(support.create_case, **a_case(attachmentSetId=again)) == ("AttachmentSetExpired", 400)


def test_set_is_used_up_by_the_case_that_takes_it(support, sandbox):
    set_id = a_set(support)
    opened(support, attachmentSetId=set_id)

    assert refusal(support.create_case, **a_case(attachmentSetId=set_id)) == ("AttachmentSetIdNotFound", 400)
    assert sandbox.attachment_sets()[0]["taken"] is True


@pytest.mark.parametrize(
    "files",
    [
        [LOG] * 4,
        [{"fileName": "big.log", "data": b"x" * (5 * MB + 1)}],
        [LOG, {"fileName": "big.log", "data": b"x" * (5 * MB + 1)}],
    ],
)
def test_too_much_for_a_set_is_refused(support, sandbox, files):
    assert refusal(support.add_attachments_to_set, attachments=files) == ("AttachmentSetSizeLimitExceeded", 400)
    assert (sandbox.attachment_sets(), on_disk(sandbox)) == ([], [])


def test_fourth_file_does_not_fit_into_a_set(support, sandbox):
    set_id = a_set(support, LOG, LOG, LOG)

    code = refusal(support.add_attachments_to_set, attachmentSetId=set_id, attachments=[LOG])

    assert code == ("AttachmentSetSizeLimitExceeded", 400)
    assert len(sandbox.attachment_sets()[0]["attachments"]) == 3


def test_three_files_of_just_5_mb_fit(support, sandbox):
    data = b"x" * (5 * MB)

    case_id = opened(support, attachmentSetId=a_set(support, *[{"fileName": "full.log", "data": data}] * 3))

    assert sandbox.cases()[0].attachments == (held("full.log", data),) * 3
    [message] = support.describe_communications(caseId=case_id)["communications"]
    assert len(message["attachmentSet"]) == 3


@pytest.mark.parametrize(
    "file", [{"fileName": "a.log"}, {"data": b"x"}, {"fileName": " ", "data": b"x"}, {**LOG, "data": b""}]
)
def test_file_without_name_or_bytes_is_refused(support, file):
    assert refusal(support.add_attachments_to_set, attachments=[file]) == ("InvalidParameterValueException", 400)


def test_set_of_nothing_is_refused(support):
    assert refusal(support.add_attachments_to_set, attachments=[]) == ("InvalidParameterValueException", 400)


def test_many_sets_in_a_short_time_are_refused(support, sandbox):
    sandbox.settings(attachment_sets_per_minute=2)
    first = a_set(support)
    a_set(support)

    assert refusal(support.add_attachments_to_set, attachments=[LOG]) == ("AttachmentLimitExceeded", 400)
    support.add_attachments_to_set(attachmentSetId=first, attachments=[LOG])
    sandbox.settings(clock_ahead=61)
    a_set(support)


def test_set_nobody_used_is_forgotten_with_its_files(support, sandbox):
    a_set(support)
    sandbox.settings(clock_ahead=26 * 3600, signature_validity=1e8)

    kept = a_set(support)

    assert [each["attachmentSetId"] for each in sandbox.attachment_sets()] == [kept]
    assert on_disk(sandbox) == [len(LOG["data"])]


# Uploads


def test_upload_goes_from_links_to_a_case(support, sandbox):
    links = links_for(support, HEAP)
    assert (links["partSizeBytes"], links["totalParts"]) == (1000, 3)
    assert "nextIndex" not in links

    etags = [put(each["url"], part_of(HEAP, links, each["partIndex"])).etag for each in links["uploadUrls"]]
    assert etags == [f'"{hashlib.md5(part_of(HEAP, links, index)).hexdigest()}"' for index in (1, 2, 3)]
    assert completed(support, links, *enumerate(etags, 1)) == "attachment-ready"
    case_id = opened(support, uploadIds=[links["uploadId"]])

    assert sandbox.cases()[0].attachments == (held("heap.hprof", HEAP),)
    assert carried(support, case_id) == [["heap.hprof"]]


def test_parts_are_reported_one_by_one_in_any_order(support):
    links = links_for(support, HEAP)
    etags = {
        each["partIndex"]: put(each["url"], part_of(HEAP, links, each["partIndex"])).etag
        for each in links["uploadUrls"]
    }

    seen = []
    for index in (3, 1, 1, 2):
        said = completed(support, links, (index, etags[index].strip('"')))
        answer = support.describe_attachment_upload_status(uploadId=links["uploadId"])
        assert answer["uploadStatus"] == said
        seen.append((said, answer["uploadProgress"]["completedPartsCount"]))

    assert seen == [
        ("attachment-not-ready", 1),
        ("attachment-not-ready", 2),
        ("attachment-not-ready", 2),
        ("attachment-ready", 3),
    ]
    assert answer["fileName"] == "heap.hprof"
    assert answer["uploadProgress"]["totalParts"] == 3


def test_upload_is_ready_some_time_after_it_is_complete(support, sandbox):
    sandbox.settings(upload_ready_after=60, time_scale=60)

    upload_id = uploaded(support, HEAP)

    assert status(support, upload_id) == "attachment-not-ready"
    code, _, message = refusal_in_full(support.create_case, **a_case(uploadIds=[upload_id]))
    assert (code, "attachment-not-ready" in message) == ("InvalidParameterValueException", True)
    time.sleep(1.05)
    assert status(support, upload_id) == "attachment-ready"
    opened(support, uploadIds=[upload_id])


def test_links_come_ten_at_a_time(support, sandbox):
    sandbox.settings(part_size=100)
    links = links_for(support, HEAP)
    assert [each["partIndex"] for each in links["uploadUrls"]] == list(range(1, 11))
    assert (links["totalParts"], links["nextIndex"]) == (26, 11)
    more = {"uploadId": links["uploadId"], "fileName": "heap.hprof"}

    second = support.get_attachment_upload_links(**more, uploadRange={"startIndex": 11})
    third = support.get_attachment_upload_links(**more, uploadRange={"startIndex": 21, "endIndex": 31})
    some = support.get_attachment_upload_links(**more, uploadRange={"startIndex": 5, "endIndex": 7})

    assert ([each["partIndex"] for each in second["uploadUrls"]], second["nextIndex"]) == (list(range(11, 21)), 21)
    assert ([each["partIndex"] for each in third["uploadUrls"]], third.get("nextIndex")) == (list(range(21, 27)), None)
    assert ([each["partIndex"] for each in some["uploadUrls"]], some["nextIndex"]) == ([5, 6], 7)
    assert third["partSizeBytes"] == 100


def test_links_without_a_range_go_on_where_parts_are_missing(support):
    links = links_for(support, HEAP)
    put(links["uploadUrls"][0]["url"], part_of(HEAP, links, 1))

    more = support.get_attachment_upload_links(uploadId=links["uploadId"], fileName="heap.hprof")

    assert [each["partIndex"] for each in more["uploadUrls"]] == [2, 3]


def test_part_size_set_later_changes_no_upload_that_runs(support, sandbox):
    links = links_for(support, HEAP)
    sandbox.settings(part_size=100)

    more = support.get_attachment_upload_links(uploadId=links["uploadId"], fileName="heap.hprof")

    assert (more["partSizeBytes"], more["totalParts"]) == (1000, 3)


def test_file_of_150_mb_has_thirty_parts_by_default(support, sandbox):
    sandbox.settings(part_size=None)

    links = support.get_attachment_upload_links(fileName="heap.hprof", fileSizeBytes=157_286_400)

    assert (links["partSizeBytes"], links["totalParts"], links["nextIndex"]) == (5 * MB, 30, 11)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"fileName": "a.log"}, "InvalidParameterValueException"),
        ({"fileName": " ", "fileSizeBytes": 1}, "InvalidParameterValueException"),
        ({"fileName": "a.log", "fileSizeBytes": 0}, "ValidationException"),
        ({"fileName": "a.log", "fileSizeBytes": 157_286_401}, "ValidationException"),
        ({"fileName": "a.log", "uploadId": "upl-1"}, "UploadIdNotFound"),
        (
            {"fileName": "a.log", "fileSizeBytes": 10, "uploadRange": {"startIndex": 2}},
            "InvalidParameterValueException",
        ),
        (
            {"fileName": "a.log", "fileSizeBytes": 9000, "uploadRange": {"startIndex": 1, "endIndex": 12}},
            "InvalidParameterValueException",
        ),
        (
            {"fileName": "a.log", "fileSizeBytes": 9000, "uploadRange": {"startIndex": 3, "endIndex": 3}},
            "InvalidParameterValueException",
        ),
        ({"fileName": "a.log", "fileSizeBytes": 9000, "uploadRange": {"startIndex": 0}}, "ValidationException"),
    ],
)
def test_links_asked_for_wrongly_are_refused(support, sandbox, params, code):
    assert refusal(support.get_attachment_upload_links, **params) == (code, 400)
    assert sandbox.uploads() == []


@pytest.mark.parametrize("changes", [{"fileName": "other.log"}, {"fileSizeBytes": 5}])
def test_going_on_with_another_file_is_refused(support, changes):
    params = {"uploadId": links_for(support, HEAP)["uploadId"], "fileName": "heap.hprof", **changes}

    assert refusal(support.get_attachment_upload_links, **params) == ("InvalidParameterValueException", 400)


def test_complete_upload_takes_no_more_links_and_no_more_parts(support):
    links = links_for(support, HEAP)
    etags = [put(each["url"], part_of(HEAP, links, each["partIndex"])).etag for each in links["uploadUrls"]]
    completed(support, links, *enumerate(etags, 1))

    late = put(links["uploadUrls"][0]["url"], part_of(HEAP, links, 1))
    params = {"uploadId": links["uploadId"], "fileName": "heap.hprof"}

    assert (late.status, late.code) == (404, "NoSuchUpload")
    assert refusal(support.get_attachment_upload_links, **params) == ("InvalidParameterValueException", 400)
    assert completed(support, links, (1, etags[0])) == "attachment-ready"


def test_reporting_what_did_not_come_in_is_refused(support, sandbox):
    links = links_for(support, HEAP)
    etag = put(links["uploadUrls"][0]["url"], part_of(HEAP, links, 1)).etag

    def report(*parts):
        etags = [{"partIndex": index, "eTag": tag} for index, tag in parts]
        params = {"uploadId": links["uploadId"], "completedUploads": etags}
        return refusal_in_full(support.complete_attachment_upload, **params)[::2]

    code = "InvalidParameterValueException"
    assert report() == (code, "Invalid completedUploads")
    assert report((1, "f" * 32)) == (code, "The eTag of part 1 does not match the part that was uploaded")
    assert report((1, etag), (2, etag)) == (code, "Part 2 was not uploaded")
    assert report((4, etag)) == (code, "Invalid partIndex 4: the upload has 3 parts")
    assert sandbox.uploads()[0]["completed"] == []


def test_part_sent_again_replaces_the_first_and_must_be_reported_anew(support, sandbox):
    data = b"one" * 10
    links = links_for(support, data)
    [link] = links["uploadUrls"]
    before = put(link["url"], b"x" * 30).etag

    after = put(link["url"], data).etag

    assert refusal(
        support.complete_attachment_upload,
        uploadId=links["uploadId"],
        completedUploads=[{"partIndex": 1, "eTag": before}],
    ) == ("InvalidParameterValueException", 400)
    assert completed(support, links, (1, after)) == "attachment-ready"
    assert on_disk(sandbox) == [30]
    opened(support, uploadIds=[links["uploadId"]])
    assert sandbox.cases()[0].attachments == (held("heap.hprof", data),)


@pytest.mark.parametrize(("size", "code"), [(999, "EntityTooSmall"), (1001, "EntityTooLarge"), (0, "EntityTooSmall")])
def test_part_of_the_wrong_size_is_refused(support, sandbox, size, code):
    links = links_for(support, HEAP)

    answer = put(links["uploadUrls"][0]["url"], b"x" * size)

    assert (answer.status, answer.code) == (400, code)
    assert (sandbox.uploads()[0]["uploaded"], on_disk(sandbox)) == ([], [])
    [entry] = sandbox.requests(PUT_PART)
    assert (entry["account"], entry["outcome"], entry["error_code"], entry["http_status"]) == (
        ACME,
        "refused",
        code,
        400,
    )


def test_last_part_is_as_long_as_what_is_left(support):
    links = links_for(support, HEAP)

    assert put(links["uploadUrls"][2]["url"], b"x" * 1000).code == "EntityTooLarge"
    assert put(links["uploadUrls"][2]["url"], b"x" * 560).status == 200


def test_link_expires(support, sandbox):
    links = links_for(support, HEAP)
    sandbox.settings(clock_ahead=902)

    answer = put(links["uploadUrls"][0]["url"], part_of(HEAP, links, 1))

    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert b"Request has expired" in answer.body
    assert sandbox.uploads()[0]["uploaded"] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("/1?", "/2?"),
        lambda url: url.partition("?")[0],
        lambda url: url.replace("expires=", "expires=9"),
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: url.replace("upl-", "upl-f"),
        lambda url: url + "%E9",
    ],
)
def test_link_changed_by_anybody_is_refused(support, sandbox, change):
    links = links_for(support, HEAP)

    answer = put(change(links["uploadUrls"][0]["url"]), part_of(HEAP, links, 1))

    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert sandbox.uploads()[0]["uploaded"] == []


def test_link_to_upload_does_not_read(support):
    links = links_for(support, HEAP)

    assert fetch(links["uploadUrls"][0]["url"]).code == "SignatureDoesNotMatch"


CHECKSUMS = {
    "Content-MD5": lambda data: hashlib.md5(data).digest(),
    "x-amz-checksum-sha1": lambda data: hashlib.sha1(data).digest(),
    "x-amz-checksum-sha256": lambda data: hashlib.sha256(data).digest(),
    "x-amz-checksum-crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
}


@pytest.mark.parametrize("header", CHECKSUMS)
def test_checksum_is_verified(support, sandbox, header):
    links = links_for(support, HEAP)
    url, data = links["uploadUrls"][0]["url"], part_of(HEAP, links, 1)

    wrong = put(url, data, **{header: base64.b64encode(CHECKSUMS[header](b"x")).decode()})
    nonsense = put(url, data, **{header: "%"})
    assert sandbox.uploads()[0]["uploaded"] == []
    right = put(url, data, **{header: base64.b64encode(CHECKSUMS[header](data)).decode()})

    assert [(each.status, each.code) for each in (wrong, nonsense)] == [(400, "BadDigest")] * 2
    assert (right.status, sandbox.uploads()[0]["uploaded"], on_disk(sandbox)) == (200, [1], [1000])


def test_hash_of_the_signature_is_verified(support):
    links = links_for(support, HEAP)
    url, data = links["uploadUrls"][0]["url"], part_of(HEAP, links, 1)

    assert put(url, data, **{"x-amz-content-sha256": "0" * 64}).code == "XAmzContentSHA256Mismatch"
    assert put(url, data, **{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}).status == 200


def test_checksum_that_cannot_be_checked_is_said(support):
    links = links_for(support, HEAP)

    answer = put(links["uploadUrls"][0]["url"], part_of(HEAP, links, 1), **{"x-amz-checksum-crc32c": "AAAAAA=="})

    assert (answer.status, answer.code) == (501, "NotImplemented")


def test_file_found_bad_by_its_name_fails(support):
    upload_id = uploaded(support, HEAP, "Virus-sample.zip")

    assert status(support, upload_id) == "failed"
    code, _, message = refusal_in_full(support.create_case, **a_case(uploadIds=[upload_id]))
    assert (code, "failed" in message) == ("InvalidParameterValueException", True)


def test_name_that_fails_can_be_set(support, sandbox):
    sandbox.settings(upload_fails_for="")
    assert status(support, uploaded(support, HEAP, "virus.zip")) == "attachment-ready"

    sandbox.settings(upload_fails_for="hprof")

    assert status(support, uploaded(support, HEAP)) == "failed"


def test_file_can_be_found_good_or_bad_by_hand(support, sandbox):
    sandbox.settings(upload_ready_after=1000)
    bad, good = uploaded(support, HEAP), uploaded(support, HEAP)
    unfinished = links_for(support, HEAP)["uploadId"]

    sandbox.settle_upload(bad, failed=True)
    sandbox.settle_upload(good)
    sandbox.settle_upload(unfinished)

    assert [status(support, each) for each in (bad, good, unfinished)] == [
        "failed",
        "attachment-ready",
        "attachment-not-ready",
    ]
    with pytest.raises(SandboxRefused):
        sandbox.settle_upload("upl-1")


def test_upload_nobody_used_is_forgotten_after_a_day(support, sandbox):
    upload_id = uploaded(support, HEAP)
    sandbox.settings(clock_ahead=24 * 3600 + 1, signature_validity=1e8)
    assert refusal(support.describe_attachment_upload_status, uploadId=upload_id) == ("UploadIdNotFound", 400)
    assert refusal(support.create_case, **a_case(uploadIds=[upload_id])) == ("UploadIdNotFound", 400)

    links_for(support, HEAP)

    assert upload_id not in [each["uploadId"] for each in sandbox.uploads()]
    assert on_disk(sandbox) == []


# Cases and messages


def test_message_carries_files_of_both_ways(support, sandbox):
    case_id = opened(support)

    support.add_communication_to_case(
        caseId=case_id,
        communicationBody="Here they are.",
        attachmentSetId=a_set(support),
        uploadIds=[uploaded(support, HEAP), uploaded(support, b"x", "small.txt")],
    )

    assert carried(support, case_id) == [["requests.log", "heap.hprof", "small.txt"], []]
    [case] = support.describe_cases()["cases"]
    newest, oldest = case["recentCommunications"]["communications"]
    assert [file["fileName"] for file in newest["attachmentSet"]] == ["requests.log", "heap.hprof", "small.txt"]
    assert oldest["attachments"] == []
    assert [file.name for file in sandbox.cases()[0].attachments] == ["requests.log", "heap.hprof", "small.txt"]


def test_upload_is_used_up_by_the_case_that_takes_it(support):
    upload_id = uploaded(support, HEAP)
    opened(support, uploadIds=[upload_id])

    assert refusal(support.create_case, **a_case(uploadIds=[upload_id])) == ("UploadIdNotFound", 400)


def test_upload_named_twice_is_refused(support, sandbox):
    upload_id = uploaded(support, HEAP)

    assert refusal(support.create_case, **a_case(uploadIds=[upload_id] * 2)) == ("InvalidParameterValueException", 400)
    assert sandbox.cases() == []


def test_case_carries_ten_uploads_and_not_eleven(support, sandbox):
    upload_ids = [uploaded(support, b"x", f"{number}.txt") for number in range(11)]

    assert refusal(support.create_case, **a_case(uploadIds=upload_ids)) == ("ValidationException", 400)
    opened(support, uploadIds=upload_ids[:10])

    assert [file.name for file in sandbox.cases()[0].attachments] == [f"{number}.txt" for number in range(10)]


def test_refused_case_uses_nothing_up(support, sandbox):
    set_id, upload_id = a_set(support), uploaded(support, HEAP)
    sandbox.account(ACME, cases_per_hour=0)
    files = {"attachmentSetId": set_id, "uploadIds": [upload_id]}
    assert refusal(support.create_case, **a_case(**files)) == ("CaseCreationLimitExceeded", 400)
    sandbox.account(ACME, cases_per_hour=10)

    opened(support, **files)

    assert len(sandbox.cases()[0].attachments) == 2


@pytest.mark.parametrize("operation", ["create_case", "add_communication_to_case"])
@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"attachmentSetId": "as-2f5a6faa2a4a1e600-mu-nQk5UQl5"}, "AttachmentSetIdNotFound"),
        ({"uploadIds": ["upl-1"]}, "UploadIdNotFound"),
    ],
)
def test_files_that_were_never_uploaded_are_refused(support, operation, files, code):
    params = a_case() if operation == "create_case" else {"caseId": opened(support), "communicationBody": "Hello"}

    assert refusal(getattr(support, operation), **params, **files) == (code, 400)


# Fetching


def test_small_attachment_is_fetched_by_its_id(support):
    attachment_id = only_attachment(support, opened(support, attachmentSetId=a_set(support)))

    assert support.describe_attachment(attachmentId=attachment_id)["attachment"] == LOG


def test_attachment_of_any_size_is_fetched_by_a_link(support):
    attachment_id = only_attachment(support, opened(support, uploadIds=[uploaded(support, HEAP, "heap ä.hprof")]))

    answer = support.get_attachment_download_link(attachmentId=attachment_id)

    fetched = fetch(answer["downloadUrl"]["url"])
    assert (answer["fileName"], fetched.body) == ("heap ä.hprof", HEAP)
    assert fetched.headers["Content-Disposition"] == "attachment; filename*=UTF-8''heap%20%C3%A4.hprof"
    assert fetched.headers["X-Content-Type-Options"] == "nosniff"


def test_large_attachment_comes_by_link_only(support, sandbox):
    sandbox.settings(part_size=4 * MB)
    data = b"0123456789abcdef" * (6 * MB // 16)
    case_id = opened(support, uploadIds=[uploaded(support, data)])
    attachment_id = only_attachment(support, case_id)

    link = support.get_attachment_download_link(attachmentId=attachment_id)["downloadUrl"]["url"]

    assert refusal(support.describe_attachment, attachmentId=attachment_id) == ("InvalidParameterValueException", 400)
    assert hashlib.sha256(fetch(link).body).digest() == hashlib.sha256(data).digest()
    [message] = support.describe_communications(caseId=case_id)["communications"]
    assert (len(message["attachmentSet"]), len(message["attachments"])) == (0, 1)


def test_link_to_download_expires_and_does_not_write(support, sandbox):
    attachment_id = only_attachment(support, opened(support, attachmentSetId=a_set(support)))
    link = support.get_attachment_download_link(attachmentId=attachment_id)["downloadUrl"]["url"]

    assert fetch(Request(link, b"x", method="PUT")).code == "SignatureDoesNotMatch"
    sandbox.settings(clock_ahead=902)
    assert (fetch(link).status, fetch(link).code) == (403, "AccessDenied")


def test_file_of_a_set_no_case_took_cannot_be_fetched(support, sandbox):
    a_set(support)
    [file] = sandbox.attachment_sets()[0]["attachments"]

    for operation in (support.describe_attachment, support.get_attachment_download_link):
        assert refusal(operation, attachmentId=file["attachmentId"]) == ("AttachmentIdNotFound", 400)


# Dry runs, permissions, accounts


def every_operation(client):
    """Each operation about files with parameters that it would take."""
    attachment_id = only_attachment(client, opened(client, attachmentSetId=a_set(client)))
    data = b"x" * 10
    links = links_for(client, data)
    etag = put(links["uploadUrls"][0]["url"], data).etag
    upload_id = links["uploadId"]
    return {
        "add_attachments_to_set": {"attachments": [LOG]},
        "get_attachment_upload_links": {"fileName": "heap.hprof", "fileSizeBytes": 10},
        "complete_attachment_upload": {"uploadId": upload_id, "completedUploads": [{"partIndex": 1, "eTag": etag}]},
        "describe_attachment_upload_status": {"uploadId": upload_id},
        "describe_attachment": {"attachmentId": attachment_id},
        "get_attachment_download_link": {"attachmentId": attachment_id},
    }


def test_dry_run_of_each_operation_changes_nothing(support, sandbox):
    operations = every_operation(support)
    before = sandbox.uploads(), sandbox.attachment_sets(), on_disk(sandbox)

    codes = [refusal(getattr(support, name), **params, dryRun=True) for name, params in operations.items()]

    assert codes == [("DryRunOperationException", 400)] * 6
    assert (sandbox.uploads(), sandbox.attachment_sets(), on_disk(sandbox)) == before


def test_dry_run_of_a_case_looks_at_its_files(support, sandbox):
    upload_id = uploaded(support, HEAP)

    assert refusal(support.create_case, **a_case(uploadIds=["upl-1"], dryRun=True)) == ("UploadIdNotFound", 400)
    assert refusal(support.create_case, **a_case(uploadIds=[upload_id], dryRun=True)) == (
        "DryRunOperationException",
        400,
    )
    opened(support, uploadIds=[upload_id])


UPLOADING = {"get_attachment_upload_links", "complete_attachment_upload", "describe_attachment_upload_status"}


@pytest.mark.parametrize(
    ("action", "stopped"),
    [
        ("UploadAttachment", UPLOADING),
        ("AddAttachmentsToSet", UPLOADING | {"add_attachments_to_set"}),
        ("DownloadAttachment", {"get_attachment_download_link"}),
        ("DescribeAttachment", {"get_attachment_download_link", "describe_attachment"}),
    ],
)
def test_permissions_are_those_that_aws_asks_for(support, sandbox, action, stopped):
    operations = every_operation(support)
    sandbox.account(ACME, denied=[f"support:{action}"])

    codes = {name: refusal(getattr(support, name), **params, dryRun=True) for name, params in operations.items()}

    denied = {name for name, code in codes.items() if code == ("AccessDeniedException", 403)}
    assert denied == stopped


def test_files_of_one_account_are_unknown_to_another(support, sandbox, clients):
    other = clients.support(OTHER)
    attachment_id = only_attachment(support, opened(support, attachmentSetId=a_set(support)))
    set_id, upload_id = a_set(support), uploaded(support, HEAP)
    etags = [{"partIndex": 1, "eTag": "x"}]

    codes = [
        refusal(other.add_attachments_to_set, attachmentSetId=set_id, attachments=[LOG]),
        refusal(other.create_case, **a_case(attachmentSetId=set_id)),
        refusal(other.create_case, **a_case(uploadIds=[upload_id])),
        refusal(other.get_attachment_upload_links, uploadId=upload_id, fileName="heap.hprof"),
        refusal(other.complete_attachment_upload, uploadId=upload_id, completedUploads=etags),
        refusal(other.describe_attachment_upload_status, uploadId=upload_id),
        refusal(other.describe_attachment, attachmentId=attachment_id),
        refusal(other.get_attachment_download_link, attachmentId=attachment_id),
    ]

    assert [code for code, _status in codes] == [
        *["AttachmentSetIdNotFound"] * 2,
        *["UploadIdNotFound"] * 4,
        *["AttachmentIdNotFound"] * 2,
    ]
    assert [case.account_id for case in sandbox.cases()] == [ACME]


def test_account_without_a_plan_has_no_files(sandbox, support):
    sandbox.account(ACME, plan="basic")

    assert refusal(support.add_attachments_to_set, attachments=[LOG]) == ("SubscriptionRequiredException", 400)


# Faults


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ["drop", "reset", "cut"])
def test_part_that_is_not_answered_was_kept_or_not(support, sandbox, fault, when):
    links = links_for(support, HEAP)
    url, data = links["uploadUrls"][0]["url"], part_of(HEAP, links, 1)
    sandbox.fault(PUT_PART, fault, when)

    with pytest.raises((RemoteDisconnected, ConnectionResetError, ValueError, OSError)):
        if put(url, data).headers["ETag"] is None:  # half of a head came
            raise ConnectionResetError

    assert sandbox.uploads()[0]["uploaded"] == ([1] if when == "after" else [])
    assert on_disk(sandbox) == ([1000] if when == "after" else [])
    [entry] = sandbox.requests(PUT_PART)
    assert (entry["outcome"], entry["executed"], entry["account"]) == (fault, when == "after", ACME)
    assert put(url, data).status == 200


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("error_500", 500, "InternalError"),
        ("error_502", 502, ""),
        ("error_503", 503, ""),
        ("throttle", 503, "SlowDown"),
        ("error", 403, "AccessDenied"),
        ("empty", 200, ""),
        ("foreign", 200, ""),
    ],
)
def test_part_that_is_answered_wrongly_was_kept_or_not(support, sandbox, fault, status, code, when):
    links = links_for(support, HEAP)
    more = {"code": "AccessDenied", "status": 403} if fault == "error" else {}
    sandbox.fault(PUT_PART, fault, when, **more)

    answer = put(links["uploadUrls"][0]["url"], part_of(HEAP, links, 1))

    assert (answer.status, answer.code, answer.etag) == (status, code, None)
    assert sandbox.uploads()[0]["uploaded"] == ([1] if when == "after" else [])


@pytest.mark.parametrize("header", CHECKSUMS)
def test_part_that_changed_on_its_way_is_refused_by_its_checksum(support, sandbox, header):
    links = links_for(support, HEAP)
    url, data = links["uploadUrls"][0]["url"], part_of(HEAP, links, 1)
    checksum = {header: base64.b64encode(CHECKSUMS[header](data)).decode()}
    sandbox.fault(PUT_PART, "corrupt")

    changed, again = put(url, data, **checksum), put(url, data, **checksum)

    assert [(each.status, each.code) for each in (changed, again)] == [(400, "BadDigest"), (200, "")]
    assert [(row["outcome"], row["error_code"], row["executed"]) for row in sandbox.requests(PUT_PART)] == [
        ("corrupt", "BadDigest", False),
        ("ok", None, True),
    ]
    assert (sandbox.uploads()[0]["uploaded"], on_disk(sandbox)) == ([1], [1000])


def test_part_that_changed_on_its_way_is_kept_where_nothing_tells(support, sandbox):
    links = links_for(support, HEAP)
    data = part_of(HEAP, links, 1)
    sandbox.fault(PUT_PART, "corrupt")

    answer = put(links["uploadUrls"][0]["url"], data)

    assert (answer.status, answer.etag) == (200, f'"{hashlib.md5(bytes((data[0] ^ 1,)) + data[1:]).hexdigest()}"')
    [entry] = sandbox.requests(PUT_PART)
    assert (entry["outcome"], entry["executed"]) == ("corrupt", True)


@pytest.mark.parametrize("when", ["before", "after"])
def test_part_can_be_slow_and_can_come_late(support, sandbox, when):
    links = links_for(support, HEAP)
    sandbox.fault(PUT_PART, "slow", when, seconds=0.2)
    started = time.monotonic()
    assert put(links["uploadUrls"][0]["url"], part_of(HEAP, links, 1)).status == 200
    assert time.monotonic() - started >= 0.2
    sandbox.fault(PUT_PART, "late", when, seconds=0.2)

    with pytest.raises((RemoteDisconnected, OSError)):
        put(links["uploadUrls"][1]["url"], part_of(HEAP, links, 2))

    assert sandbox.uploads()[0]["uploaded"] == ([1] if when == "before" else [1, 2])
    time.sleep(0.3)
    assert sandbox.uploads()[0]["uploaded"] == [1, 2]


OPERATIONS = {
    "add_attachments_to_set": "AddAttachmentsToSet",
    "get_attachment_upload_links": "GetAttachmentUploadLinks",
    "complete_attachment_upload": "CompleteAttachmentUpload",
    "describe_attachment_upload_status": "DescribeAttachmentUploadStatus",
    "describe_attachment": "DescribeAttachment",
    "get_attachment_download_link": "GetAttachmentDownloadLink",
}


@pytest.mark.parametrize("when", ["before", "after"])
def test_operations_about_files_fail_before_and_after(support, sandbox, when):
    for method, params in every_operation(support).items():
        sandbox.fault(f"support.{OPERATIONS[method]}", "error_500", when)

        assert what_came(getattr(support, method), **params) == ("InternalServerError", 500)

        assert sandbox.requests(f"support.{OPERATIONS[method]}")[-1]["executed"] is (when == "after")
    assert sandbox.faults() == []
    assert len(sandbox.attachment_sets()) == (1 if when == "before" else 2)
    assert len(sandbox.uploads()) == (1 if when == "before" else 2)


def test_lost_answer_of_a_case_leaves_it_with_all_its_files(support, sandbox):
    sandbox.lose_answer("support.CreateCase")
    set_id, upload_id = a_set(support), uploaded(support, HEAP)

    what_came(support.create_case, **a_case(attachmentSetId=set_id, uploadIds=[upload_id]))

    assert [file.name for file in sandbox.cases()[0].attachments] == ["requests.log", "heap.hprof"]


def test_download_can_be_cut(support, sandbox):
    attachment_id = only_attachment(support, opened(support, uploadIds=[uploaded(support, HEAP)]))
    link = support.get_attachment_download_link(attachmentId=attachment_id)["downloadUrl"]["url"]
    sandbox.fault("download.GetFile", "cut", "after")

    with pytest.raises(Exception, match="1280 bytes read, 1280 more expected"):
        fetch(link)

    assert fetch(link).body == HEAP


# Process


@pytest.fixture
def own(tmp_path):
    """A simulator that the test may kill."""
    sandbox = Sandbox.start(tmp_path / "own")
    yield sandbox
    sandbox.kill()


def test_files_and_links_survive_kill_9(own):
    own.settings(part_size=1000, upload_ready_after=0)
    support = Clients(own.url).support(ACME)
    case_id = opened(support, uploadIds=[uploaded(support, HEAP)])
    set_id = a_set(support)
    links = links_for(support, HEAP)
    put(links["uploadUrls"][0]["url"], part_of(HEAP, links, 1))
    (own.var / "files" / "left-by-a-crash.unfinished").write_bytes(b"x")
    before = own.uploads(), own.attachment_sets(), own.cases()

    own.kill()
    own.restart()

    assert (own.uploads(), own.attachment_sets(), own.cases()) == before
    assert put(links["uploadUrls"][1]["url"], part_of(HEAP, links, 2)).status == 200
    attachment_id = only_attachment(support, case_id)
    assert support.describe_attachment(attachmentId=attachment_id)["attachment"]["data"] == HEAP
    opened(support, attachmentSetId=set_id)
    assert on_disk(own) == sorted([1000, 1000, 560, len(LOG["data"]), 1000, 1000])


def test_reset_forgets_files(support, sandbox):
    opened(support, attachmentSetId=a_set(support), uploadIds=[uploaded(support, HEAP)])
    links = links_for(support, HEAP)

    sandbox.reset()

    assert (sandbox.uploads(), sandbox.attachment_sets(), on_disk(sandbox)) == ([], [], [])
    assert put(links["uploadUrls"][0]["url"], part_of(HEAP, links, 1)).code == "NoSuchUpload"


def test_memory_does_not_grow_with_a_file(own):
    support = Clients(own.url).support(ACME)
    own.settings(part_size=100 * MB, upload_ready_after=0, calls_per_second=1000)
    pid = own.process.pid
    opened(support, uploadIds=[uploaded(support, b"x" * 1000)])
    before = peak_memory(pid)
    data = bytes(100 * MB)

    case_id = opened(support, uploadIds=[uploaded(support, data)])
    link = support.get_attachment_download_link(attachmentId=only_attachment(support, case_id))["downloadUrl"]["url"]

    assert fetch(link).body == data
    assert own.cases()[-1].attachments == (held("heap.hprof", data),)
    assert peak_memory(pid) - before < 20 * MB


def peak_memory(pid):
    with open(f"/proc/{pid}/status") as status:
        [line] = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def test_client_that_goes_away_leaves_nothing(support, sandbox):
    links = links_for(support, HEAP)
    path = links["uploadUrls"][0]["url"].removeprefix(sandbox.url)
    with socket.create_connection(("127.0.0.1", sandbox.port)) as connection:
        connection.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf".encode())

    while not sandbox.requests(PUT_PART):
        time.sleep(0.01)
    [entry] = sandbox.requests(PUT_PART)
    assert (entry["executed"], entry["error_code"]) == (False, "IncompleteBody")
    assert (sandbox.uploads()[0]["uploaded"], on_disk(sandbox)) == ([], [])
