"""System checks: what an operator should know before the site runs. `manage.py check --deploy` shows all of them."""

import shutil
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

BROKERS = ("redis", "rediss", "sentinel", "unix", "filesystem", "memory")


@register
def broker_is_known(**_kwargs: Any) -> list[CheckMessage]:
    """Bells were tried over Redis, Valkey and files only."""
    scheme = urlsplit(settings.CELERY_BROKER_URL).scheme
    if scheme in BROKERS:
        return []
    return [
        Error(
            f"REDIS_URL names a broker of the kind {scheme!r}.",
            hint="Use redis://, rediss:// or sentinel://.",
            id="casesite.E001",
        )
    ]


@register(deploy=True)
def proxy_is_named(**_kwargs: Any) -> list[CheckMessage]:
    """Behind https the site answers plain http with a redirect, so it must know the proxy that speaks https for it."""
    if not settings.SECURE or getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        return []
    return [
        Warning(
            "CASESITE_URL is https, but no proxy is trusted: every page would redirect to itself.",
            hint="Set CASESITE_PROXIES to the number of proxies in front of the site; they must set X-Forwarded-Proto.",
            id="casesite.W002",
        )
    ]


@register(deploy=True)
def times_are_not_shortened(**_kwargs: Any) -> list[CheckMessage]:
    if settings.TIME_SCALE == 1 or settings.SANDBOX:
        return []
    return [
        Warning(
            f"CASESITE_TIME_SCALE={settings.TIME_SCALE:g} shortens the waits that keep a case from being opened twice.",
            hint="Leave it out where cases are real.",
            id="casesite.W003",
        )
    ]


@register
def scanner_is_there(**_kwargs: Any) -> list[CheckMessage]:
    """Where it is not, no case with files can be submitted."""
    if not settings.SCAN_COMMAND or shutil.which(settings.SCAN_COMMAND[0]):
        return []
    return [
        Warning(
            f"CASESITE_SCAN_COMMAND names {settings.SCAN_COMMAND[0]!r}, which is no program on this machine.",
            hint="Install it where the workers run; without it no case with files can be submitted.",
            id="casesite.W004",
        )
    ]
