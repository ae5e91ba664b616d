"""Runs the operator's scanner on stored files. In workers only: a page never waits for a scanner."""

import contextlib
import logging
import os
import signal
import subprocess
import tempfile
import threading
import time

from django.conf import settings
from django.utils.translation import gettext as _

from casesite import clock
from casesite.database import write

from . import files, scans
from .models import CaseFile, FileScan, ScanResult

logger = logging.getLogger(__name__)
AT_ONCE = 2  # of one process: scanners take long, and its other threads are for sending
SAID_MOST = 500
READ_MOST = 8192
LOOKED_AFTER = 0.2  # seconds between looks whether the scanner or the worker is to end
CLEAN, REFUSED = 0, 1  # exit codes, as clamdscan and others have them
# All that a scanner inherits: nothing of the site's keys and of AWS's.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR")

stopping = threading.Event()  # the worker ends: leave the rest to the next one
_lock = threading.Lock()
_asked: dict[str, None] = {}  # in their order
_running: set[str] = set()


class Stopped(Exception):
    """The worker ends before the scanner did."""


def scan_when_free(sha256: str) -> None:
    """Scan these bytes, at once or after those that are being scanned. Asked twice, it happens once."""
    with _lock:
        if sha256 not in _running:
            _asked[sha256] = None
    while wanted := _take():
        try:
            scan(wanted)
        except Stopped:
            return  # the dispatcher rings for it again
        finally:
            with _lock:
                _running.discard(wanted)


def _take() -> str | None:
    with _lock:
        if not _asked or len(_running) >= AT_ONCE or stopping.is_set():
            return None
        sha256 = next(iter(_asked))
        del _asked[sha256]
        _running.add(sha256)
        return sha256


def scan(sha256: str) -> None:
    """Have the scanner look at these bytes and keep what it says. Does nothing where that is known."""
    file = CaseFile.objects.filter(sha256=sha256).first()
    if file is None or not scans.is_on():
        return
    digest = scans.command_digest()
    known = FileScan.objects.filter(sha256=sha256, command_digest=digest)
    if known.exclude(result=ScanResult.FAILED).exists():
        return
    result, said = _look_at(file)
    with write():
        FileScan.objects.update_or_create(
            sha256=sha256,
            defaults={"command_digest": digest, "result": result, "said": said, "scanned_at": clock.now()},
        )
    if result != ScanResult.CLEAN:
        logger.warning("a file was not found clean", extra={"sha256": sha256, "result": str(result), "said": said})


def _look_at(file: CaseFile) -> tuple[ScanResult, str]:
    try:
        # Read through before: a copy that is cut off, or still being written, may look clean.
        with files.on_disk(file.sha256, file.size) as path:
            code, said = _run(path)
    except files.Damaged:
        return ScanResult.FAILED, _("its stored bytes are damaged")
    except files.Unavailable:
        return ScanResult.FAILED, _("its stored bytes could not be fetched")
    except FileNotFoundError:
        return ScanResult.FAILED, _("the scanner was not found")
    except subprocess.TimeoutExpired:
        return ScanResult.FAILED, _("it took longer than %(seconds)d s") % {"seconds": settings.SCAN_SECONDS}
    except OSError as exc:
        return ScanResult.FAILED, _cleaned(exc.strerror or type(exc).__name__)
    if code == CLEAN:
        return ScanResult.CLEAN, said
    if code == REFUSED:
        return ScanResult.REFUSED, said
    ended = _("the scanner ended with code %(code)d") % {"code": code}
    return ScanResult.FAILED, f"{ended}: {said}"[:SAID_MOST] if said else ended


def _run(path: str) -> tuple[int, str]:
    """The scanner's exit code and words. Raises TimeoutExpired, Stopped, or OSError where it can't be started."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    # Into a file: a pipe would stay open as long as a process that the scanner left behind.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*settings.SCAN_COMMAND, path],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=inherited,
            start_new_session=True,  # so that it ends with all that it started
        )
        try:
            code = _ended(process)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        output.seek(0)
        text = output.read(READ_MOST).decode(errors="replace")
    # Nobody is to read where the site keeps its files.
    return code, _cleaned(text.replace(f"{path}: ", "").replace(path, "…"))


def _ended(process: "subprocess.Popen[bytes]") -> int:
    end = time.monotonic() + settings.SCAN_SECONDS
    while True:
        try:
            return process.wait(LOOKED_AFTER)
        except subprocess.TimeoutExpired:
            if time.monotonic() >= end:
                raise
            if stopping.is_set():
                raise Stopped from None


def _cleaned(text: str) -> str:
    """One line without control characters, also none that turn the writing direction."""
    visible = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(visible.split())[:SAID_MOST]
