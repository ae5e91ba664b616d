"""What REDIS_URL says: where the broker is, over which line, and who tells where it is at the moment.

    redis://:secret@redis.example.com:6379/3
    rediss://:secret@redis.example.com:6379/3?ssl_ca_certs=/etc/ssl/redis.pem
    sentinel://:secret@one.example.com:26379/3;sentinel://two.example.com:26379?master_name=casesite&ssl=true

The settings read this, so nothing of Django or Celery is here.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SENTINEL_PORT = 26379
TLS = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
SENTINEL = {"master_name", "sentinel_username", "sentinel_password", "ssl"}
TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class Broker:
    """A broker as Celery takes it."""

    url: str
    tls: dict[str, Any] | None = None  # None: the line is not encrypted
    options: dict[str, Any] = field(default_factory=dict)  # of the transport, for Sentinel


def read(address: str, *, timeouts: dict[str, Any]) -> Broker:
    """Take an address apart; `timeouts` are those of lines to Sentinels. Raises ValueError with the reason in words.

    Other kinds of address than those above come back as they are.
    """
    bare, _, query = address.partition("?")
    scheme = urlsplit(bare).scheme
    if scheme not in ("redis", "rediss", "sentinel"):
        return Broker(address)
    given = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) if query else {}
    known = {"redis": set(), "rediss": TLS, "sentinel": TLS | SENTINEL}[scheme]
    if unknown := sorted(given.keys() - known):
        raise ValueError(
            f"{scheme}:// does not know {', '.join(unknown)}; it knows {', '.join(sorted(known)) or 'none'}"
        )
    encrypted = scheme == "rediss" or _truth(given, "ssl")
    if not encrypted and (useless := sorted(given.keys() & TLS)):
        raise ValueError(f"{', '.join(useless)} without ssl=true")
    tls = _tls(given) if encrypted else None
    if scheme != "sentinel":
        return Broker(bare, tls)
    if not all(urlsplit(each).scheme == "sentinel" and urlsplit(each).hostname for each in bare.split(";")):
        raise ValueError("each Sentinel is sentinel://host:port, parted by semicolons")
    if not given.get("master_name"):
        raise ValueError("master_name is missing: the name that the Sentinels have for the server")
    from redis.backoff import NoBackoff  # a tenth of a second and some memory, which only this branch is worth
    from redis.retry import Retry

    lines: dict[str, Any] = {**timeouts, "retry": Retry(NoBackoff(), 0)}  # else each dead Sentinel is waited for
    lines |= {name.removeprefix("sentinel_"): given[name] for name in sorted(given) if name.startswith("sentinel_")}
    if tls is not None:
        lines |= {"ssl": True, **tls}
    return Broker(bare, tls, {"master_name": given["master_name"], "sentinel_kwargs": lines})


def hosts(address: str) -> list[tuple[str, int]]:
    """Host and port of each server that an address names; empty where it names none."""
    found = []
    for each in address.partition("?")[0].split(";"):
        parts = urlsplit(each)
        if parts.scheme in ("redis", "rediss", "sentinel") and parts.hostname:
            found.append((parts.hostname, parts.port or (SENTINEL_PORT if parts.scheme == "sentinel" else 6379)))
    return found


def _tls(given: dict[str, str]) -> dict[str, Any]:
    """How the server's certificate is held against whom; it is, unless somebody says otherwise."""
    wanted = given.get("ssl_cert_reqs", "required")
    if wanted not in ("required", "none"):
        raise ValueError("ssl_cert_reqs is required or none")
    checked = wanted == "required" and _truth(given, "ssl_check_hostname", True)
    files: dict[str, Any] = {
        name: given[name] for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") if name in given
    }
    return {"ssl_cert_reqs": wanted, "ssl_check_hostname": checked, **files}


def _truth(given: dict[str, str], name: str, default: bool = False) -> bool:
    if name not in given:
        return default
    if given[name] not in TRUTHS:
        raise ValueError(f"{name} is true or false")
    return TRUTHS[given[name]]
