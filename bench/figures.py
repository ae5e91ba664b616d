"""What a measurement brings, and how it is told."""

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SQLITE, POSTGRES = "SQLite, synchronous=FULL", "PostgreSQL"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line: what was measured, the goal, what came out. `beside` are numbers that explain it."""

    name: str
    number: float
    limit: float
    unit: str = ""
    at_most: bool = True  # the goal is a number not to be passed, else one to be reached
    digits: int = 0
    beside: str = ""

    @property
    def goal(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g} {self.unit}".strip()

    @property
    def value(self) -> str:
        return f"{self.number:.{self.digits}f} {self.unit}".strip()

    @property
    def met(self) -> bool:
        number = round(self.number, 9)  # the last digit of a float misses no goal
        return number <= self.limit if self.at_most else number >= self.limit

    @property
    def verdict(self) -> str:
        return "met" if self.met else "missed"

    @property
    def line(self) -> str:
        return f"{self.verdict:<7} {self.name}: {self.value} (goal {self.goal}). {self.beside}".rstrip(". ") + "."


@dataclass(frozen=True, kw_only=True)
class Table:
    """Figures without a goal, side by side."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def lines(self) -> list[str]:
        cells = [self.head, ("---",) * len(self.head), *self.rows]
        return [f"**{self.title}**", "", *(f"| {' | '.join(row)} |" for row in cells)]


def at_most(name: str, value: float, goal: float, unit: str, *, digits: int = 0, beside: str = "") -> Figure:
    return Figure(name=name, number=value, limit=goal, unit=unit, digits=digits, beside=beside)


def at_least(name: str, value: float, goal: float, unit: str, *, digits: int = 2, beside: str = "") -> Figure:
    return Figure(name=name, number=value, limit=goal, unit=unit, at_most=False, digits=digits, beside=beside)


def percentile(values: Sequence[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def circumstances(database: str) -> dict[str, str]:
    """When and where figures were taken, and on what."""
    load = os.getloadavg()[0]
    return {
        "commit": _commit(),
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load before": f"{load:.1f}" if load > 1 else "idle",
        "machine": f"{os.cpu_count()} × {_processor()}, {_memory()} GiB, {platform.system()} {platform.release()}",
        "software": f"Python {platform.python_version()}, Django {version('django')}, boto3 {version('boto3')}",
        "database": database,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _commit() -> str:
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"


def say(text: str) -> None:
    print(text, flush=True, file=sys.stderr)
