"""What presigned links lead to: PUT of a part of an upload or of a file for Connect, GET of either. Errors are told in XML, as S3 does.

The bytes of a part are read to their end before anything is decided about it, so that a fault before the deed looks to the
client as it does elsewhere: everything was sent, nothing was done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from casesite.sandbox import distort, journal, links
from casesite.sandbox.connect import files as connect_files
from casesite.sandbox.exchange import Asked, Exchanges
from casesite.sandbox.files import Received
from casesite.sandbox.journal import Entry
from casesite.sandbox.messages import Answer, AwsError, Broken, Incoming, Request
from casesite.sandbox.state import State
from casesite.sandbox.support import attachments, uploads
from casesite.sandbox.support.uploads import Upload

PUT_PART = "upload.PutPart"
GET_FILE = "download.GetFile"
NO_UPLOAD = AwsError("NoSuchUpload", "The specified upload does not exist or was completed.", 404)
NO_FILE = AwsError("NoSuchKey", "The specified key does not exist.", 404)
CHECKSUMS = {
    "content-md5": "md5",
    "x-amz-checksum-sha1": "sha1",
    "x-amz-checksum-sha256": "sha256",
    "x-amz-checksum-crc32": "crc32",
}
CHECKSUMS_NOT_KNOWN = ("x-amz-checksum-crc32c", "x-amz-checksum-crc64nvme")


class S3Voice:
    """Tells errors in S3's words and XML."""

    NAMES = {
        "InternalServerError": ("InternalError", 500),
        "ThrottlingException": ("SlowDown", 503),
    }

    def dialect(self, error: AwsError) -> AwsError:
        code, status = self.NAMES.get(error.code, (error.code, error.status))
        return AwsError(code, error.message, status)

    def error(self, error: AwsError) -> Answer:
        inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
        return Answer(error.status, body.encode(), {"Content-Type": "application/xml"})


VOICE = S3Voice()


@dataclass(slots=True)
class PartPut:
    """A part that came in for an upload."""

    state: State
    entry: Entry
    upload: Upload
    part_index: int
    received: Received
    complaint: AwsError | None
    action: str = PUT_PART
    voice: S3Voice = field(default=VOICE)

    @property
    def account_id(self) -> str:
        return self.upload.account_id

    def admit(self, *, counts: bool) -> None:
        if self.complaint is not None:
            raise self.complaint

    def carry_out(self) -> Answer:
        upload = uploads.find(self.state, self.upload.upload_id)
        if upload is None or upload.ready_at is not None:
            raise NO_UPLOAD
        uploads.keep_part(self.state, upload, self.part_index, self.received)
        return Answer(200, b"", {"ETag": f'"{self.received.etag}"'})

    def abandon(self) -> None:
        self.state.files.discard(self.received)

    def stand_in(self) -> Answer:
        return Answer(200)


@dataclass(slots=True)
class FileGet:
    """A file that is fetched."""

    state: State
    entry: Entry
    account_id: str
    file_name: str
    files: tuple[str, ...]
    action: str = GET_FILE
    voice: S3Voice = field(default=VOICE)

    def admit(self, *, counts: bool) -> None:
        """The link said all there is to check."""

    def carry_out(self) -> Answer:
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(self.file_name, safe='')}",
            "X-Content-Type-Options": "nosniff",
        }
        return Answer(200, b"", headers, tuple(self.state.files.path(name) for name in self.files))

    def abandon(self) -> None:
        """Nothing was taken in that would have to go."""

    def stand_in(self) -> Answer:
        return Answer(200)


class Transfers:
    """Answers requests for links."""

    def __init__(self, exchanges: Exchanges, state: State) -> None:
        self._exchanges = exchanges
        self._state = state

    def are_meant(self, request: Request) -> bool:
        return request.path.startswith((links.UPLOADS, links.DOWNLOADS))

    def answer(self, request: Request) -> Answer | Broken:
        entry = journal.entry_for(request, self._state.now())
        try:
            asked = self._understand(request, entry)
        except AwsError as error:
            return self._exchanges.refuse(VOICE, error, entry)
        return self._exchanges.answer(asked)

    def _understand(self, request: Request, entry: Entry) -> Asked:
        uploading = request.path.startswith(links.UPLOADS)
        entry.operation = PUT_PART if uploading else GET_FILE
        links.check(self._state, request)
        if uploading and request.incoming is not None:
            return self._part(request, request.incoming, entry)
        return self._download(unquote(request.path.removeprefix(links.DOWNLOADS)), entry)

    def _download(self, id_: str, entry: Entry) -> FileGet:
        """What is asked for: an attachment of a Support case, or a file of a Connect case."""
        attachment = attachments.find(self._state, id_)
        if attachment is not None:
            entry.account = attachment.account_id
            return FileGet(self._state, entry, attachment.account_id, attachment.file_name, attachment.files)
        for file in connect_files.every(self._state, id_):
            entry.account = file.upload.account_id
            stored = tuple(part.file for part in uploads.parts(self._state, file.upload))
            return FileGet(self._state, entry, file.upload.account_id, file.upload.file_name, stored)
        raise NO_FILE

    def _part(self, request: Request, incoming: Incoming, entry: Entry) -> PartPut:
        upload_id, _, index = request.path.removeprefix(links.UPLOADS).rpartition("/")
        upload = uploads.find(self._state, unquote(upload_id))
        if upload is None:
            raise NO_UPLOAD
        entry.account = upload.account_id
        _check_size(incoming.length, upload.size_of_part(int(index)))
        pieces = incoming.pieces()
        fault = self._exchanges.faults.take(PUT_PART, upload.account_id, "arriving")
        if fault is not None:
            entry.outcome = fault.fault.value
            pieces = distort.with_a_byte_changed(pieces)
        received = self._state.files.receive(pieces)
        entry.body_sha256 = received.sha256.hex()
        if incoming.left:
            self._state.files.discard(received)
            raise AwsError("IncompleteBody", "You did not provide the number of bytes that Content-Length announced.")
        return PartPut(self._state, entry, upload, int(index), received, _complaint(request, received))


def _check_size(announced: int, due: int) -> None:
    """The link is for one part of the file, and that has one size."""
    if announced > due:
        raise AwsError("EntityTooLarge", f"Your proposed upload exceeds the size of the part: {due} bytes.")
    if announced < due:
        raise AwsError("EntityTooSmall", f"Your proposed upload is smaller than the part: {due} bytes.")


def _complaint(request: Request, received: Received) -> AwsError | None:
    """What is wrong with the checksums that came with a part, if something is."""
    for header in CHECKSUMS_NOT_KNOWN:
        if header in request.headers:
            return AwsError("NotImplemented", f"The simulator cannot check {header}.", 501)
    for header, algorithm in CHECKSUMS.items():
        given = request.headers.get(header)
        if given is not None and not received.has_base64(algorithm, given):
            return AwsError("BadDigest", f"The {header} you specified did not match what we received.")
    hexadecimal = request.headers.get("x-amz-content-sha256", "")
    if len(hexadecimal) == 64 and hexadecimal.lower() != received.sha256.hex():
        return AwsError("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match.")
    return None
