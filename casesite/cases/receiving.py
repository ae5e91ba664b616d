"""Files on their way in: written to disk and hashed as they arrive, never whole in memory, and only from people who may."""

import contextlib
import hashlib
import logging
import os
import tempfile
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from .limits import MOST, ROOMIEST

logger = logging.getLogger(__name__)
TAKING = frozenset(
    {"case_new_support", "case_new_connect", "case_edit", "case_file_new"}
)  # names of the addresses that take files
SUFFIX = ".received"
TOLD = 50  # files of one request that are named to the person, kept or not


class ReceivedFile(UploadedFile):
    """A file as it came in. `size` is its whole size, also where the rest was not kept."""

    def __init__(self, name: str, content_type: str | None) -> None:
        held = _a_place()
        self._held: Any = held or BytesIO()
        super().__init__(self._held, "file", content_type, 0, None)
        self.full_name = name
        self.size: int = 0
        self.sha256 = ""
        self.whole = held is not None  # False where bytes were not kept: too large, too many, or no room on the disk
        self.no_room = held is None
        try:
            self.name = name
        except SuspiciousFileOperation:
            self.name = "file"

    def keep(self, data: bytes) -> None:
        """Write at the end. Raises OSError where there is no room: nothing waits in a buffer until later."""
        left = memoryview(data)
        while left:
            left = left[self._held.write(left) :]

    def temporary_file_path(self) -> str:
        """Where it lies: a storage on the same disk moves it from there."""
        return str(self._held.name)

    def close(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # it was moved
            self._held.close()


def _a_place() -> Any:
    """A file of its own for what comes in, or None where the disk takes none."""
    try:
        os.makedirs(settings.RECEIVING, mode=0o700, exist_ok=True)
        # The name on disk is ours: the sender's may be too long for one.
        return tempfile.NamedTemporaryFile(dir=settings.RECEIVING, suffix=SUFFIX, buffering=0)  # close() does it
    except OSError:
        logger.exception("a file could not be received")
        return None


class ReceivingHandler(FileUploadHandler):
    """Django's parser hands it each file piece by piece.

    It runs before the view does, so it looks itself at who sends and where to. What it does not take it reads to its end and
    drops: the page then says so by name, which a broken connection could not.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.received = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.received += 1
        self.file = ReceivedFile(self.file_name or "", self.content_type)
        self.file.whole = self.file.whole and self._takes() and self.received <= MOST
        self._hash = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.size += len(raw_data)
        if self.file.size > ROOMIEST.size:
            self._drop()
        if not self.file.whole:
            return
        try:
            self.file.keep(raw_data)
        except OSError:
            logger.exception("a file could not be received")
            self.file.no_room = True
            self._drop()
            return
        self._hash.update(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile | None:
        if self.received > TOLD:
            self.file.close()
            return None
        self.file.size = file_size
        self.file.sha256 = self._hash.hexdigest() if self.file.whole else ""
        self.file.seek(0)
        return self.file

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            self.file.close()

    def _takes(self) -> bool:
        """Whether somebody who is signed in sends it to an address that takes files."""
        match = getattr(self.request, "resolver_match", None)
        user = getattr(self.request, "user", None)
        return match is not None and match.url_name in TAKING and user is not None and user.is_authenticated

    def _drop(self) -> None:
        if self.file.whole:
            self.file.whole = False
            self.file.seek(0)
            self.file.truncate()
