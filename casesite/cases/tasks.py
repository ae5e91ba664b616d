"""The bell for scans of files. Its name and argument are stable for ever: old and new processes run side by side."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from casesite.pacing import bell

from . import scanning


@shared_task(name=bell.SCAN, ignore_result=True)
def scan(sha256: str) -> None:
    """Have the operator's scanner look at these bytes."""
    scanning.scan_when_free(sha256)


@worker_shutting_down.connect
def _stopping(**_kwargs: Any) -> None:
    scanning.stopping.set()
