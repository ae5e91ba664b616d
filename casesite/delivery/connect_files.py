"""Bringing the file of a Connect submission to AWS before its attempt, as far as it is not there yet.

Nothing here touches the case. What is finished stands in an `Upload` row, so that a worker that dies costs one transfer.
"""

import hashlib
from datetime import timedelta
from uuid import uuid5

from django.db.models import F, Sum

from casesite import clock
from casesite.aws import connect_files
from casesite.aws.clients import Keys, Target
from casesite.aws.connect_files import Begun, Place
from casesite.aws.errors import AwsError, Cause, Refused
from casesite.aws.transfers import Part, PartNotTaken, Transfer
from casesite.cases import files
from casesite.catalog.models import CasesDomain
from casesite.database import write
from casesite.pacing import times
from casesite.pacing.models import Mode
from casesite.submissions.models import Submission
from casesite.submissions.reasons import Reason

from . import lanes, trouble
from .models import Upload, UploadState, Way
from .preparing import NotReady, Stuck, Unfit, pace, renew_lease
from .uploads import FAILURES_ENOUGH, PROCESSED_WITHIN


def bring(row: Submission, target: Target, keys: Keys) -> str:
    """Have Connect hold the row's file; returns its ARN. Raises NotReady, Unfit, Stuck or LeaseLost."""
    place = _place_of(row)
    upload = row.uploads.living().filter(way=Way.CONNECT).first()
    if upload is not None and upload.state == UploadState.READY:
        return upload.aws_id
    if upload is not None and not upload.aws_id:
        _drop(row, "The worker that sent it was lost.")
        upload = None
    try:
        if upload is None:
            upload = _sent(row, target, keys, place)
        pace(row)
        told = connect_files.status(target, keys, place, arn=upload.aws_id)
    except AwsError as exc:
        raise _ending(row, exc) from exc
    except (PartNotTaken, files.Unavailable) as exc:
        raise _again(row, str(exc)) from exc
    return _judged(row, upload, told)


def arns_of(row: Submission) -> set[str]:
    """The ARNs of all files that the row ever brought: one that was dropped meanwhile may be with the case all the same."""
    return set(row.uploads.filter(way=Way.CONNECT).exclude(aws_id="").values_list("aws_id", flat=True))


def _place_of(row: Submission) -> Place:
    domain = CasesDomain.objects.get(account=row.account_id, region=row.region, domain_id=row.payload["domainId"])
    if not domain.users_in:
        raise Unfit(
            f"Nobody knows the Connect instance of {domain.name}, which its files go to. A lead enters its ARN in the "
            "administration, under Cases domains.",
            Reason.FILE_REFUSED,
        )
    return Place(region=row.region, instance_id=domain.users_in, case_arn=domain.case_arn(row.payload["caseId"]))


def _sent(row: Submission, target: Target, keys: Keys, place: Place) -> Upload:
    """The file at AWS, all its bytes there. A new file each time: what an earlier try left is never used."""
    [file] = row.files
    tries = row.uploads.count()
    failures = row.uploads.aggregate(n=Sum("failures"))["n"] or 0
    if failures >= FAILURES_ENOUGH:
        raise Stuck(f"The file “{file['name']}” did not get to AWS in {failures} tries.")
    now = clock.now()
    with write():
        upload = Upload.objects.create(
            submission=row,
            for_attempt=row.attempts.count() + 1,
            way=Way.CONNECT,
            file_sha256=file["sha256"],
            file_name=file["name"],
            size=file["size"],
            started_at=now,
            changed_at=now,
        )
    pace(row)
    token = str(uuid5(row.client_token, f"file {tries}"))
    begun = connect_files.begin(target, keys, place, name=file["name"], size=file["size"], token=token)
    _put(row, upload, begun)
    renew_lease(row)
    pace(row)
    connect_files.complete(target, keys, place, arn=begun.arn)
    _save(upload, state=UploadState.PROCESSING, aws_id=begun.arn, processing_since=clock.now())
    return upload


def _put(row: Submission, upload: Upload, begun: Begun) -> None:
    transfer = Transfer()
    try:
        with files.on_disk(upload.file_sha256, upload.size) as path, open(path, "rb") as stream:
            digest = hashlib.md5(usedforsecurity=False)
            for piece in files.pieces(stream):
                digest.update(piece)
            part = Part(stream, 0, upload.size, lambda _moved: None)
            transfer.put(begun.url, part, length=upload.size, md5=digest.digest(), headers=begun.headers)
    except files.Damaged as exc:
        _save(upload, state=UploadState.FAILED, error_text=str(exc))
        raise Unfit(f"The file “{upload.file_name}” is no longer what was submitted.", Reason.FILE_REFUSED) from exc
    finally:
        transfer.close()


def _judged(row: Submission, upload: Upload, told: str) -> str:
    if told == connect_files.APPROVED:
        _save(upload, state=UploadState.READY)
        return upload.aws_id
    if told in connect_files.REFUSED:
        text = f"Amazon Connect looked at the file “{upload.file_name}” and did not accept it (status “{told}”)."
        _save(upload, state=UploadState.FAILED, error_text=text)
        raise Unfit(text, Reason.FILE_REFUSED)
    now = clock.now()
    waits = now - (upload.processing_since or now)
    if waits > times.scaled(PROCESSED_WITHIN):
        text = f"Amazon Connect did not finish looking at “{upload.file_name}” within an hour."
        _save(upload, state=UploadState.DROPPED, error_text=text)
        raise Unfit(text, Reason.FILE_REFUSED)
    pause = min(times.scaled(30 * times.SECOND), max(times.scaled(2 * times.SECOND), waits / 2))
    raise NotReady(now + pause, Reason.FILES)


def _ending(row: Submission, exc: AwsError) -> Exception:
    """What becomes of the row when AWS did not do what was asked."""
    if isinstance(exc, Refused) and exc.cause == Cause.THROTTLED:
        return NotReady(clock.now() + times.scaled(10 * times.SECOND), Reason.THROTTLED, exc.text)
    if isinstance(exc, Refused) and exc.cause in (Cause.ACCESS, Cause.INVALID, Cause.QUOTA):
        _drop(row, exc.text)
        return Unfit(f"Amazon Connect does not take the file: {exc.text}", Reason.FILE_REFUSED)
    if trouble.is_line_trouble(exc):
        trouble.shut(row.account_id, Mode.WRITE, exc, lanes.api_of(row))
    return _again(row, exc.text)


def _again(row: Submission, text: str) -> NotReady:
    _drop(row, text)
    pause = times.scaled(timedelta(seconds=15 * 2 ** min(row.uploads.count(), 6)))
    return NotReady(clock.now() + pause, Reason.FILES_AGAIN, text)


def _drop(row: Submission, text: str) -> None:
    with write():
        row.uploads.living().update(
            state=UploadState.DROPPED, failures=F("failures") + 1, error_text=text[:2000], changed_at=clock.now()
        )


def _save(upload: Upload, **fields: object) -> None:
    with write():
        Upload.objects.filter(pk=upload.pk).update(**fields, changed_at=clock.now())
    for name, value in fields.items():
        setattr(upload, name, value)
