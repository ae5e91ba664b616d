"""The operations of Amazon Connect that bring a file to a case."""

from __future__ import annotations

import mimetypes

from casesite.sandbox import links, tokens
from casesite.sandbox.connect import files
from casesite.sandbox.connect.files import File
from casesite.sandbox.connect.operations import instance_of
from casesite.sandbox.connect_cases import cases, domains
from casesite.sandbox.connect_cases.domains import Document, Domain
from casesite.sandbox.messages import AwsError
from casesite.sandbox.services import Call, Handler

LINK_SECONDS = 60


def start_attached_file_upload(call: Call) -> Document:
    """A link to PUT the whole file to, with the headers that have to go with it."""
    domain = instance_of(call)
    try:
        return tokens.once(
            call.state,
            domain.domain_id,
            call.operation,
            call.params.get("ClientToken"),
            call.params,
            lambda: _start(call, domain),
        )
    except AwsError as error:
        if error.code == "ConflictException":
            raise AwsError("ResourceConflictException", error.message, 409) from None
        raise


def _start(call: Call, domain: Domain) -> Document:
    params, state = call.params, call.state
    _check_case(call, domain)
    if params["FileUseCaseType"] != "ATTACHMENT":
        raise _invalid("A file for a case is an ATTACHMENT.")
    if not params["FileName"].strip():
        raise _invalid("A file needs a name.")
    if params["FileSizeInBytes"] > state.settings.attached_file_size:
        message = f"A file can have {state.settings.attached_file_size} bytes."
        raise AwsError("ServiceQuotaExceededException", message, 402)
    associated, created_by = params["AssociatedResourceArn"], params.get("CreatedBy")
    file = files.begin(state, domain, params["FileName"], params["FileSizeInBytes"], associated, created_by)
    headers = {"content-type": mimetypes.guess_type(params["FileName"])[0] or "application/octet-stream"}
    lifetime = params.get("UrlExpiryInSeconds", LINK_SECONDS)
    link = links.to_upload(state, file.file_id, 1, lifetime=lifetime, headers=headers)
    return {
        "FileArn": domain.file_arn(file.file_id),
        "FileId": file.file_id,
        "CreationTime": _iso(file.created_at),
        "FileStatus": file.status(state.now()),
        "CreatedBy": created_by,
        "UploadUrlMetadata": {
            "Url": call.url + link.path,
            "UrlExpiry": _iso(link.expires_at),
            "HeadersToInclude": headers,
        },
    }


def complete_attached_file_upload(call: Call) -> Document:
    """Said once the file was PUT. It may be said again."""
    file = _file(call, instance_of(call))
    if not files.came_in(call.state, file):
        raise _invalid("The file was not uploaded yet.")
    files.complete(call.state, file)
    return {}


def get_attached_file(call: Call) -> Document:
    domain, state = instance_of(call), call.state
    file = _file(call, domain)
    status = file.status(state.now())
    link = links.to_download(state, file.file_id) if status == files.APPROVED else None
    return {
        "FileArn": domain.file_arn(file.file_id),
        "FileId": file.file_id,
        "CreationTime": _iso(file.created_at),
        "FileStatus": status,
        "FileName": file.upload.file_name,
        "FileSizeInBytes": file.upload.size,
        "AssociatedResourceArn": file.associated_arn,
        "FileUseCaseType": "ATTACHMENT",
        "CreatedBy": file.created_by,
        "DownloadUrlMetadata": {"Url": call.url + link.path, "UrlExpiry": _iso(link.expires_at)} if link else None,
    }


HANDLERS: dict[str, Handler] = {
    "StartAttachedFileUpload": start_attached_file_upload,
    "CompleteAttachedFileUpload": complete_attached_file_upload,
    "GetAttachedFile": get_attached_file,
}


def _check_case(call: Call, domain: Domain) -> None:
    arn = call.params["AssociatedResourceArn"]
    case = cases.find(call.state, arn.rpartition("/")[2], domain)
    if case is None or cases.arn(domain, case) != arn:
        raise _invalid(f"There is no case with this ARN: {arn}")


def _file(call: Call, domain: Domain) -> File:
    file_id = call.params["FileId"]
    file = files.find(call.state, domain, file_id)
    if file is None or file.associated_arn != call.params["AssociatedResourceArn"]:
        raise AwsError("ResourceNotFoundException", f"File not found: {file_id}", 404)
    return file


def _iso(at: float) -> str:
    return domains.instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequestException", message)
