"""Where files lie in tests: in a folder of their own, or not on this machine's disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import InMemoryStorage, Storage


def keep_in(settings: Any, folder: Path) -> None:
    """Have files lie in a folder of the test's own, those that come in and those that are stored."""
    settings.RECEIVING = folder / "receiving"
    usual = settings.STORAGES["default"]
    settings.STORAGES = {**settings.STORAGES, "default": {**usual, "OPTIONS": {"location": str(folder / "files")}}}


class Elsewhere(Storage):
    """Has no path on this machine for a file, as object stores have none. Notes how its files are asked for."""

    def __init__(self) -> None:
        self._kept = InMemoryStorage()
        self.exists, self.size, self.delete = self._kept.exists, self._kept.size, self._kept.delete
        self.failing = False
        self.opened: list[str] = []
        self.read: list[int] = []  # how many bytes were asked for at once; -1 for all there are

    @property
    def names(self) -> list[str]:
        return [f"{folder}/{name}" for folder in self._kept.listdir("")[0] for name in self._kept.listdir(folder)[1]]

    def _open(self, name: str, mode: str = "rb") -> File:
        self._work()
        self.opened.append(name)
        return Read(self._kept._open(name, mode), self)

    def _save(self, name: str, content: File) -> str:
        self._work()
        return str(self._kept._save(name, content))

    def _work(self) -> None:
        if self.failing:
            raise Away("the store does not answer")  # no OSError: SDKs have errors of their own


class Away(Exception):
    """As a client of an object store says that it got no answer."""


class Read(File):
    def __init__(self, file: Any, storage: Elsewhere) -> None:
        super().__init__(file)
        self._storage = storage

    def read(self, size: int = -1) -> bytes:
        self._storage.read.append(size)
        data: bytes = self.file.read(size)
        return data
