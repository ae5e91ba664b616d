"""Servers on loopback that misbehave below HTTP, where the simulator of AWS cannot: refuse, reset, hang, spoil TLS."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Behaviour = Callable[["Connection"], None]
HOST = "127.0.0.1"
REFUSING = "http://127.0.0.1:9"  # discard: nothing listens there


class Connection:
    """One accepted connection. `requests` of its wire gets each request that was read to its end."""

    def __init__(self, wire: Wire, sock: socket.socket) -> None:
        self.wire = wire
        self.socket = sock

    def read(self) -> bytes:
        """One whole request, or nothing where the other side is done."""
        seen = b""
        while b"\r\n\r\n" not in seen:
            if not (more := self.socket.recv(65536)):
                return b""
            seen += more
        head, _, body = seen.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += self.socket.recv(65536)
        self.wire.requests.append(head + b"\r\n\r\n" + body)
        return self.wire.requests[-1]

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def start_tls(self) -> None:
        self.socket = _server_context().wrap_socket(self.socket, server_side=True)

    def close(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def reset(self) -> None:
        """End it by RST, as a crashed server or a firewall would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Wire:
    """A server that does with each connection what it is told; `accepted` counts them, `encrypted` those passed on by TLS."""

    def __init__(self, behave: Behaviour, *, scheme: str = "http") -> None:
        self.accepted = self.encrypted = 0
        self.requests: list[bytes] = []
        self._behave = behave
        self._scheme = scheme
        self._open: list[Connection] = []
        self._listener = socket.create_server((HOST, 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://{HOST}:{self._listener.getsockname()[1]}"

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def bodies(self) -> list[bytes]:
        """The bodies of the requests that had one."""
        return [body for body in (request.partition(b"\r\n\r\n")[2] for request in self.requests) if body]

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # else the thread that accepts would take one more
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _peer = self._listener.accept()
                self.accepted += 1
                self._open.append(Connection(self, sock))
                threading.Thread(target=self._serve, args=(self._open[-1],), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with suppress(OSError):
            self._behave(connection)


@contextmanager
def wire(behave: Behaviour, *, scheme: str = "http") -> Iterator[Wire]:
    server = Wire(behave, scheme=scheme)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def full_wire() -> Iterator[str]:
    """The address of a server whose queue is full: connecting to it never ends."""
    listener = socket.create_server((HOST, 0), backlog=0)
    waiting = []
    for _connection in range(3):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        waiting.append(sock)
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        for sock in (*waiting, listener):
            sock.close()


# --- what a server may do ----------------------------------------------------------------------------------------------------
def hang(connection: Connection) -> None:
    """Accept, and say nothing: neither TLS nor HTTP."""


def close_after_request(connection: Connection) -> None:
    connection.read()
    connection.close()


def reset_after_request(connection: Connection) -> None:
    connection.read()
    connection.reset()


def hang_after_request(connection: Connection) -> None:
    connection.read()


def answering(status: str, body: bytes = b"", *headers: str) -> Behaviour:
    """Answer each request of a connection with that status line and body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    whole = "\r\n".join(lines).encode() + body

    def behave(connection: Connection) -> None:
        while connection.read():
            connection.send(whole)

    return behave


def saying(data: bytes) -> Behaviour:
    """Answer a request with these bytes and close."""

    def behave(connection: Connection) -> None:
        connection.read()
        connection.send(data)
        connection.close()

    return behave


def over_tls(then: Behaviour) -> Behaviour:
    def behave(connection: Connection) -> None:
        connection.start_tls()
        then(connection)

    return behave


def passing_on(port: int) -> Behaviour:
    """Be what listens on another port. A greeting of TLS is answered by TLS, anything else as it is."""

    def behave(connection: Connection) -> None:
        if connection.socket.recv(1, socket.MSG_PEEK) == b"\x16":
            connection.start_tls()
            connection.wire.encrypted += 1
        with socket.create_connection((HOST, port)) as behind:
            threading.Thread(target=_pump, args=(behind, connection.socket), daemon=True).start()
            _pump(connection.socket, behind)

    return behave


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def no_tls(connection: Connection) -> None:
    """Answer a TLS greeting with something that is no TLS."""
    connection.socket.recv(65536)
    connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.close()


def closing_the_handshake(connection: Connection) -> None:
    connection.socket.recv(65536)
    connection.close()


def tunnelling(then: Behaviour) -> Behaviour:
    """A proxy that grants CONNECT, and what it is connected to."""

    def behave(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        then(connection)

    return behave


# --- a certificate that nobody trusts ----------------------------------------------------------------------------------------
def certificate_in(folder: Path) -> Path:
    """The servers' certificate as a file, for clients that are to trust it."""
    path = folder / "certificate.pem"
    path.write_bytes(_pem()[0])
    return path


@cache
def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with NamedTemporaryFile(suffix=".pem") as file:  # OpenSSL reads certificates from files only
        file.write(b"".join(_pem()))
        file.flush()
        context.load_cert_chain(file.name)
    return context


@cache
def _pem() -> tuple[bytes, bytes]:
    """A certificate for loopback, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    unlocked = serialization.NoEncryption()
    return (
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unlocked),
    )
