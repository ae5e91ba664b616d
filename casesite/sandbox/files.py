"""The bytes of files, on disk: written and read piece by piece, so that no file ever stands in memory as a whole."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from casesite.sandbox.messages import PIECE

UNFINISHED = ".unfinished"


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that came in and are not part of anything yet, with their checksums."""

    path: Path
    size: int
    md5: bytes
    sha1: bytes
    sha256: bytes
    crc32: bytes

    @property
    def etag(self) -> str:
        return self.md5.hex()

    def has_base64(self, algorithm: str, text: str) -> bool:
        """Whether this is the checksum, in base64 as HTTP headers carry it."""
        try:
            return bool(base64.b64decode(text, validate=True) == getattr(self, algorithm))
        except (binascii.Error, ValueError):
            return False


class Files:
    """A folder of files with names of its own making. What belongs to whom is written in the database."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, exist_ok=True)

    def receive(self, pieces: Iterable[bytes]) -> Received:
        """Write what comes in beside the others; `keep` makes a file of it, `discard` forgets it."""
        path = self._directory / f"{secrets.token_hex(16)}{UNFINISHED}"
        hashes = [hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha1", "sha256")]
        crc32 = size = 0
        with path.open("xb") as file:
            for piece in pieces:
                file.write(piece)
                size += len(piece)
                crc32 = zlib.crc32(piece, crc32)
                for each in hashes:
                    each.update(piece)
        md5, sha1, sha256 = (each.digest() for each in hashes)
        return Received(path, size, md5, sha1, sha256, crc32.to_bytes(4, "big"))

    def keep(self, received: Received) -> str:
        """Make a file of what came in, and return its name."""
        kept = received.path.with_suffix("")
        received.path.rename(kept)
        return kept.name

    def discard(self, received: Received) -> None:
        received.path.unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        return self._directory / name

    def sha256(self, names: Iterable[str]) -> str:
        """The hash of files laid end to end."""
        whole = hashlib.sha256()
        for name in names:
            with self.path(name).open("rb") as file:
                while piece := file.read(PIECE):
                    whole.update(piece)
        return whole.hexdigest()

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def keep_only(self, names: Collection[str]) -> None:
        """Remove all but the named: at the start what a crash left behind, at a reset everything."""
        self.remove(path.name for path in list(self._directory.iterdir()) if path.name not in names)
