"""Whether delivery can do its work: what `/readyz` asks, and says in words where not. Anybody may read them."""

import shutil
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from casesite import clock
from casesite.web.health import NotReady

from . import canary
from .models import Beat

DISPATCHER_LATE = timedelta(seconds=60)  # without a beat
ROUNDS_LATE = timedelta(minutes=3)  # a dispatcher that beats but works no more; a round may take its time
DISK_LEFT = 1_000_000_000  # bytes


def dispatcher_trouble(beats: list[Beat] | None = None) -> str:
    """Why nobody looks for due work, or nothing. `beats` where they are read already."""
    if beats is None:
        beats = list(Beat.objects.filter(role__in=("dispatcher", "leader")))
    now = clock.now()
    dispatchers = [beat for beat in beats if beat.role == "dispatcher"]
    if not dispatchers:
        return _("no dispatcher runs: start one")
    last = max(dispatchers, key=lambda beat: beat.at)
    if now - last.at > DISPATCHER_LATE:
        was_stopped = bool(last.stopped_at)
        text = (
            _("the dispatcher was stopped %s ago: start one")
            if was_stopped
            else _("the dispatcher fell silent %s ago: start one")
        )
        return text % _since(last.at, now)
    rounds = max((beat.at for beat in beats if beat.role == "leader"), default=None)
    if rounds and now - max(rounds, last.started_at) > ROUNDS_LATE:
        return _("the dispatcher lives, but has made no round for %s: start it again") % _since(rounds, now)
    return ""


def canary_trouble(silent: list[str] | None = None) -> str:
    """Which queues nobody consumes, or nothing. `silent` where they are known already."""
    if silent is None:
        silent = canary.silent_queues()
    return _("no worker answers on %s: start one, or start it again") % ", ".join(silent) if silent else ""


def disk_trouble() -> str:
    """How little is left on the disk that a full one would stop sending from, or nothing."""
    free = disk_free()
    return _("%d MB are left on the disk of the data: make room") % (free // 1_000_000) if free < DISK_LEFT else ""


def disk_free() -> int:
    return shutil.disk_usage(settings.VAR).free


def check_dispatcher() -> None:
    _must_be_nothing(dispatcher_trouble())


def check_canary() -> None:
    _must_be_nothing(canary_trouble())


def check_disk() -> None:
    _must_be_nothing(disk_trouble())


CHECKS = {"dispatcher": check_dispatcher, "workers": check_canary, "disk": check_disk}


def _must_be_nothing(trouble: str) -> None:
    if trouble:
        raise NotReady(trouble)


def _since(then: datetime, now: datetime) -> str:
    seconds = int((now - then).total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
