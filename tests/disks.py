"""Small disks that can be filled to the last byte, where this process may make them."""

import resource
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path


class SmallDisk:
    """A disk in memory of so many bytes, with a unit such as 8m."""

    def __init__(self, size: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="casesite-disk-"))
        try:
            command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.folder]
            subprocess.run(command, check=True, capture_output=True)
        except BaseException:
            self.folder.rmdir()
            raise

    def fill(self) -> None:
        """Leave not a byte."""
        with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"\0" * 4096)

    def free(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)
        shutil.rmtree(self.folder)


@cache
def can_be_made() -> bool:
    try:
        SmallDisk("64k").remove()
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


class SizeLimit:
    """Where no disk can be made: no file of this process may grow beyond so many bytes."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self._most = most
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._most, self._before[1]))

    def free(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)

    def remove(self) -> None:
        self.free()
