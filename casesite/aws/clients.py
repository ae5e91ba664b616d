"""boto3 clients: which credentials, which endpoint, how many tries.

Two kinds. Clients that write make one request for each call and are pooled: one call at a time, at most 256 kept. Clients
that read retry by themselves and are shared by threads.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from . import models
from .errors import AwsError, Cause, NotSent, TooLate, Trace, translated

# botocore sends a timed-out CreateCase again (3 requests seen in standard mode, 5 in legacy) and CreateCase has no
# idempotency token. The explicit setting also wins over AWS_MAX_ATTEMPTS.
ONE_TRY = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 1})
# A dry run opens nothing and what waits for it goes on without it: it is given up early.
DRY_RUNS = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})
READS = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=16,
)
# The first of the two also bounds the sending: 20 MB of an attachment set in one piece, over a slow line.
SETS = Config(connect_timeout=120, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 1})
POOL_SIZE = 256  # 100 pooled clients hold 18 MiB
IDLE_SOCKET = 5.0  # seconds after which a kept connection may be dead and is closed before the next call
RENEW_BEFORE = timedelta(minutes=10)
# A proxy named in the operator's shell must not carry the sandbox's calls off this machine.
NO_PROXY = Config(proxies={})


@dataclass(frozen=True)
class Target:
    """The account to act in, and how to get there. An empty role means the site's own credentials."""

    account_id: str
    role_arn: str = ""
    external_id: str = ""

    @property
    def region(self) -> str:
        """Support is a global service: one region for each partition."""
        return "us-gov-west-1" if self.role_arn.startswith("arn:aws-us-gov:") else "us-east-1"


NOBODY = Target("")  # no account


@dataclass(frozen=True)
class Keys:
    """Credentials frozen for a call. `expires` is None for keys that do not run out."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    expires: datetime | None = None

    def __repr__(self) -> str:  # the secret stays out of logs and tracebacks
        return f"Keys({self.access_key_id})"


class Owner(NamedTuple):
    """Whose a pooled client is."""

    target: Target
    access_key_id: str
    dry: bool  # whether it makes dry runs
    service: str
    region: str


def endpoint_of(service: str) -> str | None:
    """The service's address; None leaves it to the SDK, in live mode only."""
    if not settings.SANDBOX:
        return settings.AWS_ENDPOINTS.get(service) or None
    check_here(urlsplit(settings.SANDBOX_URL).hostname or "")
    return str(settings.SANDBOX_URL)


def check_here(host: str) -> None:
    """Nothing of the sandbox leaves this machine."""
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise ImproperlyConfigured(f"sandbox mode talks to this machine only, not to {host!r}")


class Clients:
    """All clients of one process. Thread-safe."""

    def __init__(self) -> None:
        self._making = threading.Lock()  # boto3 sessions are not thread-safe while they make a client
        self._session: boto3.Session | None = None
        self._keys: dict[Target, Keys] = {}
        self._key_locks: dict[Target, threading.Lock] = {}
        self._pool: OrderedDict[int, tuple[Owner, Any, float]] = OrderedDict()
        self._pool_lock = threading.Lock()
        self._readers: OrderedDict[tuple[str, Target, str, str], Any] = OrderedDict()

    # --- credentials -----------------------------------------------------------------------------------------------
    def keys(self, target: Target) -> Keys:
        """Working credentials of the account, renewed ten minutes before they run out. Raises NotSent."""
        with self._making:
            lock = self._key_locks.setdefault(target, threading.Lock())
        with lock, translated(Trace("credentials")):
            keys = self._keys.get(target)
            if keys is None or self._ran_out(keys, target):
                keys = self._fetch_keys(target)
                self._keys[target] = keys
            return keys

    def _ran_out(self, keys: Keys, target: Target) -> bool:
        if target.role_arn:
            return keys.expires is not None and keys.expires - RENEW_BEFORE < datetime.now(UTC)
        # The SDK renews the site's own credentials by itself where they are those of a machine or a sign-in.
        return self._own_keys(target) != keys

    def forget_keys(self, target: Target) -> None:
        """Make the next call fetch a new role session."""
        with self._making:
            self._keys.pop(target, None)

    def forget_everything(self) -> None:
        """Start anew, as a process that has made no call yet."""
        with self._making, self._pool_lock:
            self._keys.clear()
            self._pool.clear()
            self._readers.clear()

    def _fetch_keys(self, target: Target) -> Keys:
        from . import sts  # it needs this module

        if not target.role_arn:
            keys = self._own_keys(target)
        else:
            # The site's own, whatever account it enters by it: one client serves all.
            door = self._shared("sts", NOBODY, self._own_keys(None), target.region)
            keys = sts.assume_role(door, target)
        identity = sts.caller_account(self._client("sts", target, keys, READS))
        if identity != target.account_id:
            raise NotSent(
                f"The credentials belong to account {identity}, not to {target.account_id}.",
                cause=Cause.CREDENTIALS,
                operation="sts.GetCallerIdentity",
            )
        return keys

    def _own_keys(self, target: Target | None) -> Keys:
        """The site's own credentials: the simulator's in sandbox mode, else the SDK's own chain."""
        if settings.SANDBOX:
            account = target.account_id if target else "000000000000"
            return Keys(f"SANDBOXKEY{account}", f"sandbox-secret-{account}")
        with self._making:
            found = self._boto_session().get_credentials()
        frozen = found.get_frozen_credentials() if found else None
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            raise NotSent("The site has no AWS credentials.", cause=Cause.CREDENTIALS, operation="credentials")
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)

    # --- clients ---------------------------------------------------------------------------------------------------
    @contextmanager
    def writer(
        self, target: Target, keys: Keys, *, dry: bool = False, service: str = "support", region: str = ""
    ) -> Iterator[Any]:
        """A client that makes one request for a call, for this caller alone. `dry` has the shorter time-outs."""
        owner = Owner(target, keys.access_key_id, dry, service, region)
        client = self._take(owner) or self._client(service, target, keys, DRY_RUNS if dry else ONE_TRY, region)
        try:
            yield client
        finally:
            self._give_back(owner, client)

    @contextmanager
    def set_writer(self, target: Target, keys: Keys) -> Iterator[Any]:
        """The same for attachment sets, which take their time. Used too seldom to be kept."""
        client = self._client("support", target, keys, SETS)
        try:
            yield client
        finally:
            client.close()

    def reader(self, service: str, target: Target, region: str = "") -> Any:
        """A client that reads, shared by threads. Services that live in each region need the region."""
        return self._shared(service, target, self.keys(target), region)

    def _shared(self, service: str, target: Target, keys: Keys, region: str) -> Any:
        owner = (service, target, region, keys.access_key_id)
        with self._pool_lock:
            if client := self._readers.get(owner):
                self._readers.move_to_end(owner)
                return client
        client = self._client(service, target, keys, READS, region)
        with self._pool_lock:
            for old in [key for key in self._readers if key[:3] == owner[:3]]:  # of a session that ran out
                del self._readers[old]
            self._readers[owner] = client
            if len(self._readers) > POOL_SIZE:
                self._readers.popitem(last=False)  # not closed: another thread may be reading by it
        return client

    def _take(self, owner: Owner) -> Any | None:
        with self._pool_lock:
            number = next((key for key, kept in reversed(self._pool.items()) if kept[0] == owner), None)
            if number is None:
                return None
            _owner, client, since = self._pool.pop(number)
        if time.monotonic() - since > IDLE_SOCKET:
            client.close()  # drops the kept socket; the client itself stays usable
        return client

    def _give_back(self, owner: Owner, client: Any) -> None:
        client.trace = None
        with self._pool_lock:
            self._pool[id(client)] = (owner, client, time.monotonic())
            dropped = self._pool.popitem(last=False)[1][1] if len(self._pool) > POOL_SIZE else None
        if dropped is not None:
            dropped.close()

    def _client(self, service: str, target: Target, keys: Keys, config: Config, region: str = "") -> Any:
        with self._making:
            make: Any = self._boto_session().client  # typed for each of AWS's services; here the service is a variable
            client = make(
                service,
                region_name=region or target.region,
                endpoint_url=endpoint_of(service),
                aws_access_key_id=keys.access_key_id,
                aws_secret_access_key=keys.secret_access_key,
                aws_session_token=keys.session_token,
                config=config.merge(NO_PROXY) if settings.SANDBOX else config,
            )
        _watch_wire(client)
        return client

    def _boto_session(self) -> boto3.Session:
        if self._session is None:
            if settings.SANDBOX:
                # A profile in the operator's shell must neither break the sandbox nor lead out of it.
                for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
                    os.environ.pop(name, None)
                os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
                os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
            self._session = boto3.Session(botocore_session=models.session())
        return self._session


def _watch_wire(client: Any) -> None:
    """Let a Trace set as `client.trace` see its call: when it was signed, whether it left, AWS's clock."""
    client.trace = None
    service = client.meta.service_model.service_name

    def before_send(request: Any, **_kwargs: Any) -> None:  # must return None: anything else is taken for AWS's answer
        trace: Trace | None = client.trace
        if trace is None:
            return
        if trace.send_by_boottime is not None and (
            boottime() > trace.send_by_boottime or time.time() > (trace.send_by_wall or 0)
        ):
            raise TooLate("The request was held too long after its intent and was not sent.")
        stamp = _text(request.headers.get("X-Amz-Date", ""))
        if stamp:
            trace.signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        trace.invocation_id = _text(request.headers.get("amz-sdk-invocation-id", ""))
        trace.sent = True
        if trace.on_sent:
            trace.on_sent()

    def after_call(http_response: Any = None, parsed: Any = None, **_kwargs: Any) -> None:
        if client.trace is not None and http_response is not None:
            client.trace.aws_date = parse_date(http_response.headers.get("Date"))
            client.trace.request_id = str((parsed or {}).get("ResponseMetadata", {}).get("RequestId", ""))

    client.meta.events.register(f"before-send.{service}", before_send)
    client.meta.events.register(f"after-call.{service}", after_call)


def boottime() -> float:
    """Seconds since the machine started, suspended time included where the system tells it."""
    clock_id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock_id)


def parse_date(header: str | None) -> datetime | None:
    """An HTTP Date header as an instant, or None: whatever stands there, it must not spoil the answer that came with it."""
    try:
        found = parsedate_to_datetime(header) if header else None
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def date_of(answer: dict[str, Any]) -> datetime | None:
    """AWS's clock as an answer was given."""
    return parse_date(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date"))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


clients = Clients()

__all__ = ["AwsError", "Clients", "Keys", "Target", "boottime", "clients", "date_of", "endpoint_of", "parse_date"]
