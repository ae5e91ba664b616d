"""A bell for each queue that only has to be heard: finds workers that live but no longer consume."""

from datetime import timedelta

from casesite import clock
from casesite.database import write
from casesite.pacing import bell

from .models import Beat

TASK = "delivery.canary"
QUEUES = ("urgent", "default", "lookups", "sync")
EVERY = timedelta(seconds=30)
LATE = timedelta(minutes=2)


def ring() -> None:
    """Ring each queue. A bell that was not answered keeps its time, so that lateness grows."""
    now = clock.now()
    with write():
        known = Beat.objects.filter(role="canary").values_list("queues", flat=True)
        Beat.objects.bulk_create(
            Beat(process=_name(queue_name), role="canary", started_at=now, at=now, queues=queue_name)
            for queue_name in set(QUEUES).difference(known)
        )
        Beat.objects.filter(role="canary", rung_at=None).update(rung_at=now)
    for queue_name in QUEUES:
        bell.ring_now(TASK, queue_name, queue_name=queue_name)


def answer(queue_name: str) -> None:
    with write():
        Beat.objects.filter(process=_name(queue_name)).update(at=clock.now(), rung_at=None)


def silent_queues() -> list[str]:
    """Queues whose bell has gone unanswered for two minutes."""
    late = Beat.objects.filter(role="canary", rung_at__lt=clock.now() - LATE)
    return sorted(late.values_list("queues", flat=True))


def _name(queue_name: str) -> str:
    return f"canary:{queue_name}"
