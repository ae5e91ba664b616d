"""Ports: finding free ones, stepping over taken ones, asking whether somebody answers."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from casesite.runner.supervisor import Failed

STEPS = 100  # ports tried one after another


def open_door(wanted: int) -> socket.socket:
    """A listening socket on the wanted port or the next free one. It is kept, so that nobody takes the port meanwhile."""
    for port in range(wanted, min(wanted + STEPS, 65536)):
        try:
            return socket.create_server(("127.0.0.1", port), backlog=256)
        except PermissionError as exc:
            raise Failed(f"port {port} may not be opened ({exc.strerror}): set PORT to one from 1024 on") from exc
        except OSError:
            continue
    raise Failed(f"all ports from {wanted} to {wanted + STEPS - 1} are taken: set PORT")


def free() -> int:
    """A port that nobody listens on at this instant."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_from(start: int) -> Iterator[int]:
    """The ports from here on that are free when asked for."""
    for port in range(start, 65536):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        yield port


def moved(url: str, wanted: int, port: int) -> str:
    """The site's address once its port was stepped over. An address without that port belongs to a proxy and stays."""
    parts = urlsplit(url)
    if parts.port != wanted:
        return url
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return urlunsplit(parts._replace(netloc=f"{host}:{port}"))


def written(path: Path) -> int | None:
    """The port that a process wrote into its port file, once it did."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def answers(port: int, path: str) -> bool:
    """Whether an HTTP server on this port answers 200. By hand: an HTTP client would cost the supervisor memory."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False
