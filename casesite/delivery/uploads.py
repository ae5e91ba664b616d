"""Bringing the files of a submission to AWS, before the attempt: as an attachment set, or part by part as uploads.

Nothing here makes a case, and all of it may be done again: a set or an upload is nothing until a case uses it. What is
finished is remembered in `Upload` rows, so that a worker that dies costs at most the parts under way.
"""

import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum

from casesite import clock, failpoints
from casesite.aws import support
from casesite.aws.clients import Keys, Target, clients
from casesite.aws.errors import GONE, AwsError, Cause, NotSent, OutcomeUnknown, Refused
from casesite.aws.transfers import AT_ONCE, Part, PartNotTaken, Transfer
from casesite.cases import files
from casesite.cases.limits import SET, limits_of
from casesite.database import write
from casesite.pacing import gate, times
from casesite.pacing.models import Mode
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason

from . import process
from .models import Outcome, Upload, UploadState, Way
from .preparing import NotReady, Stuck, Unfit, pace, renew_lease

logger = logging.getLogger(__name__)
SET_MARGIN = timedelta(minutes=10)  # a set must live as long at the intent, by AWS's clock
NO_PROGRESS = 180.0  # seconds after which an upload is abandoned
PART_TRIES = 3
FAILURES_ENOUGH = 8  # of calls for one submission's files: then a person looks
PROCESSED_WITHIN = timedelta(hours=1)
LINKS_AT_ONCE = 10
# A set goes out in one piece of JSON, some 50 MB while it is made: no more than two of them in a process.
_sets = threading.BoundedSemaphore(2)


@dataclass(frozen=True)
class Enclosed:
    """What the request is to carry, and until when it may: None where nothing runs out."""

    attachment_set_id: str = ""
    upload_ids: tuple[str, ...] = ()
    usable_until: datetime | None = None


class Denied(Exception):
    """AWS does not let the account upload."""


def bring(row: Submission, target: Target, keys: Keys) -> Enclosed:
    """Have AWS hold all files of a claimed row. Raises NotReady, Unfit, Stuck or LeaseLost."""
    if not row.files:
        return Enclosed()
    _drop_used(row)
    sizes = [int(file["size"]) for file in row.files]
    limits = limits_of(row.account)
    if not limits.fit(sizes):
        raise Unfit(f"The account does not take these files. {limits.words}", Reason.FILE_REFUSED)
    bringing = Bringing(row, target, keys)
    if limits.way == Way.SET:
        return bringing.as_set()
    try:
        return bringing.as_uploads()
    except Denied as exc:
        if SET.fit(sizes):
            return bringing.as_set()
        raise Unfit(str(exc), Reason.FILE_REFUSED) from exc


def _drop_used(row: Submission) -> None:
    """What an attempt may have used up, and what AWS no longer knows, is made anew."""
    last = row.attempts.order_by("-n").first()
    if last is None:
        return
    untouched = last.outcome in (Outcome.NOT_SENT, Outcome.REFUSED_RETRY) and last.aws_code not in GONE
    if not untouched:
        _drop(list(row.uploads.living().filter(for_attempt__lte=last.n)), "")


def _drop(uploads: Sequence[Upload], text: str) -> None:
    with write():
        Upload.objects.filter(pk__in=[upload.pk for upload in uploads]).update(
            state=UploadState.DROPPED, error_text=text[:2000], changed_at=clock.now()
        )


class Bringing:
    """The files of one row on their way, in one preparation."""

    def __init__(self, row: Submission, target: Target, keys: Keys) -> None:
        self.row, self.target, self.keys = row, target, keys
        self.for_attempt = row.attempts.count() + 1

    # --- as a set --------------------------------------------------------------------------------------------------------
    def as_set(self) -> Enclosed:
        margin = times.scaled(SET_MARGIN)
        held = list(self.row.uploads.living().filter(way=Way.SET, state=UploadState.READY))
        living = bool(held) and all(upload.expires_at and upload.expires_at > clock.now() + margin for upload in held)
        if not living or len(held) != len(self.row.files):
            _drop(list(self.row.uploads.living()), "")
            held = self._new_set()
        [set_id], [expires_at] = {upload.aws_id for upload in held}, {upload.expires_at for upload in held}
        return Enclosed(attachment_set_id=set_id, usable_until=expires_at - margin if expires_at else None)

    def _new_set(self) -> list[Upload]:
        uploads = [self._begun(file, Way.SET) for file in self.row.files]
        if not _sets.acquire(timeout=0.5):
            raise NotReady(clock.now() + times.scaled(5 * times.SECOND), Reason.PACE)
        try:
            data = [(upload.file_name, self._read_whole(upload)) for upload in uploads]
            pace(self.row)
            renew_lease(self.row)
            with self._asking(uploads, drop_unclear=True):
                made = support.add_attachments(self.target, self.keys, data)
        finally:
            _sets.release()
        failpoints.reach("D-set")
        expires_at = clock.now() + made.lives
        for upload in uploads:
            self._save(upload, state=UploadState.READY, aws_id=made.set_id, expires_at=expires_at)
        return uploads

    def _read_whole(self, upload: Upload) -> bytes:
        """A small file, as the SDK wants it. Raises Unfit where it is not the one that was submitted."""
        with self._on_disk(upload) as path, open(path, "rb") as stream:
            return stream.read(SET.size)

    # --- as uploads --------------------------------------------------------------------------------------------------------
    def as_uploads(self) -> Enclosed:
        _drop(list(self.row.uploads.living().filter(way=Way.SET)), "")
        uploads = [self._upload_of(file) for file in self.row.files]
        for upload in uploads:
            if upload.state == UploadState.SENDING:
                self._send(upload)
            if upload.state == UploadState.PROCESSING:
                self._ask_status(upload)
        waiting = [upload for upload in uploads if upload.state == UploadState.PROCESSING]
        if waiting:
            raise self._not_processed(waiting)
        return Enclosed(upload_ids=tuple(upload.aws_id for upload in uploads))

    def _upload_of(self, file: dict[str, Any]) -> Upload:
        """The file's upload that is under way or done, else a new one."""
        living = self.row.uploads.living().filter(
            way=Way.UPLOAD_IDS, file_sha256=file["sha256"], file_name=file["name"]
        )
        return living.first() or self._begun(file, Way.UPLOAD_IDS)

    def _send(self, upload: Upload) -> None:
        if not upload.aws_id or upload.missing_parts:
            with self._on_disk(upload) as path:
                urls = {} if upload.aws_id else self._first_links(upload)
                Parts(self, upload, urls, path).send()
        pace(self.row)
        etags = {int(index): etag for index, etag in upload.parts.items()}
        with self._asking([upload]):
            status = support.complete_upload(self.target, self.keys, upload.aws_id, etags)
        failpoints.reach("D-complete")
        self._note_status(upload, status)

    def _first_links(self, upload: Upload) -> dict[int, str]:
        pace(self.row)
        with self._asking([upload], drop_unclear=True):
            links = support.upload_links(self.target, self.keys, file_name=upload.file_name, size=upload.size)
        self._save(upload, aws_id=links.upload_id, part_size=links.part_size, total_parts=links.total_parts)
        return links.urls

    def _ask_status(self, upload: Upload) -> None:
        pace(self.row)
        with self._asking([upload]):
            found = support.upload_status(self.target, self.keys, upload.aws_id)
        self._note_status(upload, found.status)

    def _note_status(self, upload: Upload, status: str) -> None:
        if status == support.FAILED:
            text = f"AWS looked at the file “{upload.file_name}” and did not accept it (status “{status}”)."
            self._save(upload, state=UploadState.FAILED, error_text=text)
            raise Unfit(f"{text} Check it, or leave it out.", Reason.FILE_REFUSED)
        if status == support.READY:
            self._save(upload, state=UploadState.READY)
        elif upload.state != UploadState.PROCESSING:
            self._save(upload, state=UploadState.PROCESSING, processing_since=clock.now())

    def _not_processed(self, waiting: Sequence[Upload]) -> Exception:
        """AWS needs time for its own look at a file: nobody sits on a thread for that."""
        now = clock.now()
        since = min(upload.processing_since or now for upload in waiting)
        if now - since > times.scaled(PROCESSED_WITHIN):
            _drop(waiting, "AWS did not finish looking at it within an hour.")
            names = ", ".join(f"“{upload.file_name}”" for upload in waiting)
            return Unfit(f"AWS did not finish looking at {names} within an hour.", Reason.FILE_REFUSED)
        pause = min(times.scaled(30 * times.SECOND), max(times.scaled(2 * times.SECOND), (now - since) / 2))
        return NotReady(now + pause, Reason.FILES)

    @contextmanager
    def _on_disk(self, upload: Upload) -> Iterator[str]:
        """Where the file lies on this machine, or a copy of it for the time being. Raises Unfit where it is not the one that was submitted."""
        try:
            with files.on_disk(upload.file_sha256, upload.size) as path:
                yield path
        except files.Damaged as exc:
            raise _damaged(upload) from exc
        except files.Unavailable as exc:
            raise self.again([upload], str(exc), Reason.FILES_AGAIN) from exc

    # --- rows ------------------------------------------------------------------------------------------------------------
    def _begun(self, file: dict[str, Any], way: Way) -> Upload:
        now = clock.now()
        with write():
            return Upload.objects.create(
                submission=self.row,
                for_attempt=self.for_attempt,
                way=way,
                file_sha256=file["sha256"],
                file_name=file["name"],
                size=file["size"],
                started_at=now,
                changed_at=now,
            )

    def _save(self, upload: Upload, **fields: Any) -> None:
        """Remember how far it is, and go on holding the row. Raises LeaseLost."""
        fields |= {"changed_at": clock.now()}
        with write():
            renew_lease(self.row)
            Upload.objects.filter(pk=upload.pk).update(**fields)
        for name, value in fields.items():
            setattr(upload, name, value)

    # --- what may go wrong ---------------------------------------------------------------------------------------------------
    @contextmanager
    def _asking(self, uploads: Sequence[Upload], *, drop_unclear: bool = False) -> Iterator[None]:
        """One call to AWS about uploads. `drop_unclear`: what an unknown outcome left at AWS is never used."""
        try:
            yield
        except AwsError as exc:
            if exc.code in GONE or (drop_unclear and isinstance(exc, OutcomeUnknown)):
                _drop(uploads, exc.text)
            raise self._ending(uploads, exc) from exc
        with write():
            gate.went_well(self.row.account_id, Mode.WRITE)

    def _ending(self, uploads: Sequence[Upload], exc: AwsError) -> Exception:
        """What becomes of the row when AWS did not do what was asked."""
        account, now = self.row.account_id, clock.now()
        if exc.code == "AttachmentLimitExceeded":
            return NotReady(now + times.scaled(times.MINUTE), Reason.THROTTLED, exc.text)
        if exc.code == "AttachmentSetSizeLimitExceeded":
            return Unfit(exc.text, Reason.FILE_REFUSED)
        if isinstance(exc, Refused) and exc.cause == Cause.THROTTLED:
            with write():
                return NotReady(gate.slow_down(account, Mode.WRITE, exc.text), Reason.THROTTLED)
        if isinstance(exc, Refused) and exc.cause == Cause.INVALID:
            return Unfit(exc.text, Reason.FILE_REFUSED)
        if isinstance(exc, Refused) and exc.code.startswith(("AccessDenied", "NotAuthorized")):
            way = uploads[0].way
            _drop(uploads, exc.text)
            return Denied(exc.text) if way == Way.UPLOAD_IDS else Unfit(exc.text, Reason.FILE_REFUSED)
        if exc.code in GONE:
            return self.again(uploads, exc.text, Reason.FILES_AGAIN)
        return self._trouble(uploads, exc)

    def _trouble(self, uploads: Sequence[Upload], exc: AwsError) -> Exception:
        """The line's, AWS's or the access's: the gate is told."""
        account = self.row.account_id
        cause = getattr(exc, "cause", None)
        with write():
            if isinstance(exc, OutcomeUnknown) or cause == Cause.CONNECTION:
                gate.unreachable(account, Mode.WRITE, exc.text)
            elif cause not in (Cause.EXPIRED, Cause.CLOCK):
                gate.access_refused(account, Mode.WRITE, exc.text)
        if isinstance(exc, OutcomeUnknown):
            return self.again(uploads, exc.text, Reason.FILES_AGAIN)
        if isinstance(exc, NotSent) and cause == Cause.CONNECTION:
            return NotReady(clock.now() + times.scaled(30 * times.SECOND), Reason.CONNECTION, exc.text)
        clients.forget_keys(self.target)
        pause = times.SECOND if cause in (Cause.EXPIRED, Cause.CLOCK) else 30 * times.SECOND
        return self.again(uploads, exc.text, Reason.CREDENTIALS, pause)

    def again(self, uploads: Sequence[Upload], text: str, reason: Reason, pause: timedelta | None = None) -> Exception:
        """Give the row back for a while that grows with every failure; after the eighth a person looks."""
        with write():
            for upload in uploads[:1]:
                Upload.objects.filter(pk=upload.pk).update(failures=upload.failures + 1)
        failures = self.row.uploads.aggregate(n=Sum("failures"))["n"] or 1
        logger.warning(
            "files did not get to AWS", extra={"submission": str(self.row.pk), "failures": failures, "why": text[:300]}
        )
        if failures >= FAILURES_ENOUGH:
            return Stuck(text)
        pause = pause or min(5 * times.MINUTE, 5 * times.SECOND * 2 ** (failures - 1))
        return NotReady(clock.now() + times.scaled(pause), reason, text)


class Stopped(Exception):
    """Tells a thread that nobody waits for its part any more."""


class Parts:
    """The missing parts of one upload on their way, up to four at once. Only this thread talks to the database."""

    def __init__(self, bringing: Bringing, upload: Upload, urls: dict[int, str], path: str) -> None:
        self._bringing, self._upload, self._urls, self._path = bringing, upload, urls, path
        self._transfer = Transfer()
        self._stop = threading.Event()
        self._moved_at = time.monotonic()
        self._todo = upload.missing_parts
        self._tries: Counter[int] = Counter()
        self._running: dict[Future[str], int] = {}

    def send(self) -> None:
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="part")
        try:
            while self._todo or self._running:
                self._check_going_on()
                while self._todo and len(self._running) < AT_ONCE:
                    index = self._todo.pop(0)
                    self._running[pool.submit(self._put, self._url_of(index), index)] = index
                done, _not_yet = wait(self._running, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    self._finish(self._running.pop(future), future)
        finally:
            self._stop.set()
            pool.shutdown(wait=not self._running, cancel_futures=True)
            self._transfer.close()

    def _check_going_on(self) -> None:
        """Hold the row while bytes move; give it up where they don't, or where this process is to end."""
        if process.stopping.is_set():
            raise NotReady(clock.now(), Reason.CHANGED)
        if time.monotonic() - self._moved_at > NO_PROGRESS:
            text = f"No byte of “{self._upload.file_name}” moved for {NO_PROGRESS:.0f} seconds."
            raise self._bringing.again([self._upload], text, Reason.CONNECTION)
        lease, until = times.preparing_lease(), self._bringing.row.lease_until
        if until is None or until - clock.now() < lease * 0.8:
            renew_lease(self._bringing.row)

    def _finish(self, index: int, future: "Future[str]") -> None:
        upload = self._upload
        try:
            etag = future.result()
        except FileNotFoundError as exc:
            raise _damaged(upload) from exc
        except PartNotTaken as exc:
            if exc.status == 404:  # AWS does not know the upload any more
                _drop([upload], str(exc))
                raise self._bringing.again([upload], str(exc), Reason.FILES_AGAIN) from exc
            self._tries[index] += 1
            if self._tries[index] >= PART_TRIES:
                raise self._bringing.again([upload], str(exc), Reason.CONNECTION) from exc
            self._todo.insert(0, index)
            return
        self._bringing._save(upload, parts=upload.parts | {str(index): etag})
        failpoints.reach("D-part")

    def _url_of(self, index: int) -> str:
        """The part's link, each used once: a part that failed gets a fresh one."""
        if index not in self._urls:
            upload, bringing = self._upload, self._bringing
            assert upload.total_parts is not None
            last = min(index + LINKS_AT_ONCE - 1, upload.total_parts)
            pace(bringing.row)
            with bringing._asking([upload]):
                links = support.upload_links(
                    bringing.target,
                    bringing.keys,
                    file_name=upload.file_name,
                    size=upload.size,
                    upload_id=upload.aws_id,
                    first=index,
                    last=last,
                )
            self._urls |= links.urls
        return self._urls.pop(index)

    def _put(self, url: str, index: int) -> str:
        """In a thread of its own: read the part twice, for its checksum and to send it."""
        start, length = self._upload.range_of(index)
        checksum = hashlib.md5(usedforsecurity=False)
        with open(self._path, "rb") as stream:
            stream.seek(start)
            for piece in files.pieces(stream, length):
                self._moved(len(piece))
                checksum.update(piece)
            part = Part(stream, start, length, self._moved)
            return self._transfer.put(url, part, length=length, md5=checksum.digest())

    def _moved(self, count: int) -> None:
        if self._stop.is_set():
            raise Stopped
        if count:
            self._moved_at = time.monotonic()


def _damaged(upload: Upload) -> Unfit:
    return Unfit(
        f"The stored file “{upload.file_name}” is not the one that was submitted. Choose it again.", Reason.FILE_REFUSED
    )
