"""The operations of AWS Support that are about files, and what a case or message may enclose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from casesite.sandbox import links
from casesite.sandbox.links import Link
from casesite.sandbox.messages import AwsError
from casesite.sandbox.services import Call
from casesite.sandbox.support import attachments, uploads
from casesite.sandbox.support.attachments import SMALL, Attachment, AttachmentSet, Enclosed
from casesite.sandbox.support.uploads import Upload

LINKS_AT_ONCE = 10
ALLOWED_BY = {
    **dict.fromkeys(
        ("GetAttachmentUploadLinks", "CompleteAttachmentUpload", "DescribeAttachmentUploadStatus"),
        ("UploadAttachment", "AddAttachmentsToSet"),
    ),
    "GetAttachmentDownloadLink": ("DownloadAttachment", "DescribeAttachment"),
}
SET_TOO_LARGE = AwsError(
    "AttachmentSetSizeLimitExceeded",
    "A limit for the size of an attachment set has been exceeded. The limits are three attachments and 5 MB per attachment.",
)
TOO_MANY_SETS = AwsError(
    "AttachmentLimitExceeded",
    "The limit for the number of attachment sets created in a short period of time has been exceeded.",
)


def add_attachments_to_set(call: Call) -> dict[str, Any]:
    """Files for a new set, or further ones for a set that lives."""
    set_id, account_id = call.params.get("attachmentSetId"), call.account.account_id
    group = None if set_id is None else _living_set(call, set_id)
    files = [_file(each) for each in call.params["attachments"]]
    if not files:
        raise _invalid("Invalid attachments")
    held = attachments.of_set(call.state, group.set_id) if group else []
    if len(held) + len(files) > attachments.FILES_IN_SET or any(len(data) > SMALL for _name, data in files):
        raise SET_TOO_LARGE
    call.end_of_checks()
    if group is None:
        if attachments.sets_in_minute(call.state, account_id) >= call.state.settings.attachment_sets_per_minute:
            raise TOO_MANY_SETS
        group = attachments.begin_set(call.state, account_id)
    attachments.put_into(call.state, group, files)
    return {"attachmentSetId": group.set_id, "expiryTime": _iso(group.expires_at)}


def describe_attachment(call: Call) -> dict[str, Any]:
    attachment = _attachment(call)
    if attachment.size > SMALL:
        raise _invalid("The attachment is larger than 5 MB; use GetAttachmentDownloadLink")
    call.end_of_checks()
    data = b"".join(call.state.files.path(name).read_bytes() for name in attachment.files)
    return {"attachment": {"fileName": attachment.file_name, "data": data}}


def get_attachment_upload_links(call: Call) -> dict[str, Any]:
    """Links for a new upload, or further ones for an upload that goes on."""
    params = call.params
    upload = _upload_to_go_on(call) if "uploadId" in params else None
    file_name = _file_name(params["fileName"])
    if upload is None and "fileSizeBytes" not in params:
        raise _invalid("fileSizeBytes is required to start an upload")
    part_size = upload.part_size if upload else call.state.settings.part_size
    total = -(-(upload.size if upload else params["fileSizeBytes"]) // part_size)
    start, end = _range(call, upload, total)
    call.end_of_checks()
    if upload is None:
        upload = uploads.begin(call.state, call.account.account_id, file_name, params["fileSizeBytes"])
    made = [(index, links.to_upload(call.state, upload.upload_id, index)) for index in range(start, end)]
    return {
        "uploadId": upload.upload_id,
        "partSizeBytes": upload.part_size,
        "totalParts": total,
        "nextIndex": end if end <= total else None,
        "uploadUrls": [{**_link(call, link), "partIndex": index} for index, link in made],
    }


def complete_attachment_upload(call: Call) -> dict[str, Any]:
    """Parts are reported by the ETag that their PUT was answered with, one by one or all together."""
    upload = _upload(call, call.params["uploadId"])
    reported = {each["partIndex"]: each["eTag"].strip('"') for each in call.params["completedUploads"]}
    if not reported:
        raise _invalid("Invalid completedUploads")
    etags = {part.index: part.etag for part in uploads.parts(call.state, upload)}
    for index, etag in reported.items():
        if not 1 <= index <= upload.total_parts:
            raise _invalid(f"Invalid partIndex {index}: the upload has {upload.total_parts} parts")
        if index not in etags:
            raise _invalid(f"Part {index} was not uploaded")
        if etag != etags[index]:
            raise _invalid(f"The eTag of part {index} does not match the part that was uploaded")
    call.end_of_checks()
    return {"uploadStatus": uploads.report(call.state, upload, reported).status(call.state.now())}


def describe_attachment_upload_status(call: Call) -> dict[str, Any]:
    upload = _upload(call, call.params["uploadId"])
    call.end_of_checks()
    complete = sum(part.reported for part in uploads.parts(call.state, upload))
    return {
        "uploadStatus": upload.status(call.state.now()),
        "fileName": upload.file_name,
        "uploadProgress": {"totalParts": upload.total_parts, "completedPartsCount": complete},
    }


def get_attachment_download_link(call: Call) -> dict[str, Any]:
    attachment = _attachment(call)
    call.end_of_checks()
    link = links.to_download(call.state, attachment.attachment_id)
    return {"fileName": attachment.file_name, "downloadUrl": _link(call, link)}


OPERATIONS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "AddAttachmentsToSet": add_attachments_to_set,
    "DescribeAttachment": describe_attachment,
    "GetAttachmentUploadLinks": get_attachment_upload_links,
    "CompleteAttachmentUpload": complete_attachment_upload,
    "DescribeAttachmentUploadStatus": describe_attachment_upload_status,
    "GetAttachmentDownloadLink": get_attachment_download_link,
}


def enclosed(call: Call) -> Enclosed | None:
    """What the caller wants a message to carry, or the error that says why it can't."""
    set_id, upload_ids = call.params.get("attachmentSetId"), call.params.get("uploadIds") or ()
    if set_id is not None:
        _living_set(call, set_id)
    if len(set(upload_ids)) < len(upload_ids):
        raise _invalid("An upload can be attached only once")
    for upload_id in upload_ids:
        status = _upload(call, upload_id).status(call.state.now())
        if status != uploads.READY:
            raise _invalid(f"The upload {upload_id} is not ready to be attached: {status}")
    return Enclosed(set_id, tuple(upload_ids)) if set_id is not None or upload_ids else None


def details(found: list[Attachment]) -> list[dict[str, Any]]:
    return [{"attachmentId": each.attachment_id, "fileName": each.file_name} for each in found]


def _living_set(call: Call, set_id: str) -> AttachmentSet:
    group = attachments.find_set(call.state, set_id, call.account.account_id)
    if group is None:
        raise AwsError("AttachmentSetIdNotFound", f"An attachment set with the id {set_id} could not be found.")
    if group.expires_at <= call.state.now():
        raise AwsError("AttachmentSetExpired", "The expiration time of the attachment set has passed.")
    return group


def _upload(call: Call, upload_id: str) -> Upload:
    upload = uploads.find(call.state, upload_id, call.account.account_id)
    if upload is None or not upload_id.startswith(uploads.OF_SUPPORT):
        raise AwsError("UploadIdNotFound", f"The uploadId {upload_id} couldn't be located.")
    return upload


def _upload_to_go_on(call: Call) -> Upload:
    """An upload that still waits for parts, and is the one the other parameters speak of."""
    params = call.params
    upload = _upload(call, params["uploadId"])
    if params["fileName"] != upload.file_name or params.get("fileSizeBytes", upload.size) != upload.size:
        raise _invalid("fileName and fileSizeBytes must be those the upload was started with")
    if upload.ready_at is not None:
        raise _invalid("The upload is complete")
    return upload


def _range(call: Call, upload: Upload | None, total: int) -> tuple[int, int]:
    """The parts to give links for, the end exclusive. Where none are named: the first that did not come in yet."""
    given = call.params.get("uploadRange")
    if given is None:
        came = {part.index for part in uploads.parts(call.state, upload)} if upload else set()
        given = {"startIndex": next((each for each in range(1, total + 1) if each not in came), total)}
    start = given["startIndex"]
    end = given.get("endIndex", start + LINKS_AT_ONCE)
    if start > total or not start < end <= start + LINKS_AT_ONCE:
        raise _invalid("Invalid uploadRange")
    return start, min(end, total + 1)


def _attachment(call: Call) -> Attachment:
    attachment_id = call.params["attachmentId"]
    attachment = attachments.find(call.state, attachment_id, call.account.account_id)
    if attachment is None:
        raise AwsError("AttachmentIdNotFound", f"An attachment with the id {attachment_id} could not be found.")
    return attachment


def _file(given: dict[str, Any]) -> tuple[str, bytes]:
    if not given.get("data"):
        raise _invalid("Invalid attachment: no data")
    return _file_name(given.get("fileName", "")), given["data"]


def _file_name(name: str) -> str:
    if not name.strip():
        raise _invalid("Invalid fileName")
    return name


def _link(call: Call, link: Link) -> dict[str, Any]:
    return {"url": call.url + link.path, "expiryDate": _iso(link.expires_at)}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)
