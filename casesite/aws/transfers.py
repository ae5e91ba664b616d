"""Parts of files on their way to AWS, by the links that GetAttachmentUploadLinks gives. Streamed, never whole in memory."""

import base64
import os
from collections.abc import Callable, Mapping
from typing import IO, Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from django.conf import settings

from .clients import check_here

AT_ONCE = 4  # parts of one file
SEND_TIMEOUT = 60.0  # seconds for a piece to leave
ANSWER_TIMEOUT = 120.0


class PartNotTaken(Exception):
    """A part did not get there, or AWS did not take it. `status` is that of the answer, where there was one."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Part:
    """A piece of a file as a stream that tells how it goes on. `moved` may raise to stop it."""

    def __init__(self, stream: IO[bytes], start: int, length: int, moved: Callable[[int], None]) -> None:
        stream.seek(start)
        self._stream, self._left, self._moved = stream, length, moved

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        self._moved(len(piece))
        return piece


class Transfer:
    """Connections to where links lead, for up to four threads. Sent once: a part that fails is the caller's to repeat."""

    def __init__(self) -> None:
        self._sessions: dict[str, URLLib3Session] = {}

    def put(self, url: str, part: Part, *, length: int, md5: bytes, headers: Mapping[str, str] | None = None) -> str:
        """Send one part and return its ETag. `headers` are those that the link was signed for, if any. Raises PartNotTaken."""
        check_link(url)
        told = {"Content-Length": str(length), "User-Agent": "casesite", **(headers or {})}
        if headers is None:
            told["Content-MD5"] = base64.b64encode(md5).decode()
        all_headers: Any = HeadersDict(told)
        stream: Any = part  # the stubs want a file; what is read of it is `read`
        try:
            answer = self._session(url).send(AWSPreparedRequest("PUT", url, all_headers, stream, False))
        except (HTTPClientError, BotoCoreError) as exc:
            raise PartNotTaken(str(exc)) from exc
        etag = answer.headers.get("ETag", "")
        if answer.status_code != 200 or not etag:
            raise PartNotTaken(f"HTTP {answer.status_code}: {answer.text[:300]}", answer.status_code)
        return str(etag)

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()

    def _session(self, url: str) -> URLLib3Session:
        host = urlsplit(url).netloc
        if host not in self._sessions:
            options: dict[str, Any] = {  # the stubs know neither a bundle's path nor two time-outs
                "verify": os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True,
                "proxies": {} if settings.SANDBOX else get_environ_proxies(url),
                "timeout": (SEND_TIMEOUT, ANSWER_TIMEOUT),
            }
            self._sessions[host] = URLLib3Session(max_pool_connections=AT_ONCE, **options)
        return self._sessions[host]


def check_link(url: str) -> None:
    """In sandbox mode no link leads off this machine; in live mode none is without TLS unless the endpoint is so, too."""
    parts = urlsplit(url)
    if settings.SANDBOX:
        check_here(parts.hostname or "")
    elif parts.scheme != "https" and not settings.AWS_ENDPOINTS["support"].startswith("http://"):
        raise PartNotTaken(f"AWS gave a link that is not https, to {parts.hostname!r}")
