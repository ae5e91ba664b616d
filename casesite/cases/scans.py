"""What the operator's scanner said about files, and having a worker ask it. Without a scanner all of this is nothing.

A result holds for the bytes and for the command that looked at them: another command looks anew. What was not scanned, or
could not be, does not go out.
"""

import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from casesite import clock
from casesite.pacing import bell

from .limits import readable
from .models import CaseFile, FileScan, ScanResult, Stage

WAITING = "waiting"  # beside the results: nothing was said yet
BELL_LOST = timedelta(minutes=1)
RUNG_AT_ONCE = 50


def is_on() -> bool:
    """Whether the operator named a scanner."""
    return bool(settings.SCAN_COMMAND)


def command_digest() -> str:
    return hashlib.sha256(shlex.join(settings.SCAN_COMMAND).encode()).hexdigest()


# --- what is known -------------------------------------------------------------------------------------------------------
def known_of(held: Iterable[CaseFile]) -> dict[str, FileScan]:
    """What the scanner said about these files, by SHA-256."""
    wanted = {file.sha256 for file in held} if is_on() else set()
    if not wanted:
        return {}
    found = FileScan.objects.filter(sha256__in=wanted, command_digest=command_digest())
    return {scan.sha256: scan for scan in found}


def of_files(held: Sequence[CaseFile]) -> dict[str, FileScan]:
    """The same, and a worker looks at those of which it said nothing."""
    scans = known_of(held)
    if is_on():
        for sha256 in sorted({file.sha256 for file in held} - scans.keys()):
            ask(sha256)
    return scans


def state_of(file: CaseFile, scans: Mapping[str, FileScan]) -> dict[str, str] | None:
    """What a page shows at the file; nothing where there is no scanner."""
    if not is_on():
        return None
    scan = scans.get(file.sha256)
    return {"state": scan.result, "said": scan.said} if scan else {"state": WAITING, "said": ""}


def problems_with(held: Iterable[CaseFile], scans: Mapping[str, FileScan]) -> list[ValidationError]:
    """Why these files can't go out. What could not be scanned is tried again."""
    if not is_on():
        return []
    problems = []
    for file in held:
        scan = scans.get(file.sha256)
        if scan is None or scan.result != ScanResult.CLEAN:
            problems.append(_problem(file, scan))
        if scan is not None and scan.result == ScanResult.FAILED:
            ask(file.sha256)
    return problems


def _problem(file: CaseFile, scan: FileScan | None) -> ValidationError:
    said = scan.said.rstrip(".") if scan else ""
    if scan is None:
        text = _("“%(name)s” is still being scanned. Submit again in a moment.")
    elif scan.result == ScanResult.REFUSED:
        text = _("The scanner refused “%(name)s”: %(said)s. Remove it.")
        said = said or _("it gave no reason")
    else:
        text = _("“%(name)s” could not be scanned (%(said)s). Try again; if it stays, an operator has to look.")
    return ValidationError(text, params={"name": readable(file.name), "said": said})


# --- having a worker look ------------------------------------------------------------------------------------------------
def ask(sha256: str) -> None:
    """Have a worker scan these bytes. Waits for nothing; a worker that knows a result already does nothing."""
    bell.ring_after_commit(bell.SCAN, sha256, queue_name="lookups")


def ask_for_unscanned() -> None:
    """Ring again for files of drafts and of open forms that nothing was said about: the bell or its worker was lost."""
    if not is_on():
        return
    known = FileScan.objects.filter(sha256=OuterRef("sha256"), command_digest=command_digest())
    waiting = CaseFile.objects.filter(
        ~Exists(known),
        Q(case=None) | Q(case__stage=Stage.DRAFT),
        removed_at=None,
        uploaded_at__lte=clock.now() - BELL_LOST,
    )
    for sha256 in waiting.order_by("sha256").values_list("sha256", flat=True).distinct()[:RUNG_AT_ONCE]:
        ask(sha256)
