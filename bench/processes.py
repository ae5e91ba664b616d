"""What running processes use, read from /proc."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def pss(pids: Iterable[int]) -> float:
    """Memory in MiB, what several share counted in shares."""
    return sum(_kib(pid, "smaps_rollup", "Pss:") for pid in pids) / 1024


def rss(pids: Iterable[int]) -> float:
    """Memory in MiB as it is resident, what several share counted in each."""
    return sum(_kib(pid, "status", "VmRSS:") for pid in pids) / 1024


def _kib(pid: int, file: str, name: str) -> int:
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise ValueError(f"/proc/{pid}/{file} tells no {name}")


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time used so far, in user and system mode, also by children of theirs that have ended."""
    return sum(_ticks(pid) for pid in pids) / TICKS


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))
