"""What a measurement brings, and how it is told."""

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "performance.md"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line: what was measured, the goal, what came out. `beside` are numbers that explain it."""

    name: str
    goal: str
    value: str
    met: bool
    beside: str = ""

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
    return Figure(
        name=name,
        goal=f"≤ {goal:g} {unit}",
        value=f"{value:.{digits}f} {unit}",
        met=value <= goal,
        beside=beside,
    )


def at_least(name: str, value: float, goal: float, unit: str, *, digits: int = 2, beside: str = "") -> Figure:
    return Figure(
        name=name,
        goal=f"≥ {goal:g} {unit}".strip(),
        value=f"{value:.{digits}f} {unit}".strip(),
        met=value >= goal,
        beside=beside,
    )


def percentile(values: Sequence[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def machine() -> list[tuple[str, str]]:
    """Where the figures come from."""
    return [
        ("Machine", f"{os.cpu_count()} × {_processor()}, {_memory()} GiB, {platform.system()} {platform.release()}"),
        ("Load before", f"{os.getloadavg()[0]:.1f} (others share the machine)" if os.getloadavg()[0] > 1 else "idle"),
        ("Software", f"Python {platform.python_version()}, Django {version('django')}, boto3 {version('boto3')}"),
        ("Database", "SQLite, synchronous=FULL"),
        ("Commit", _commit()),
        ("Measured", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
    ]


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


def document(found: Iterable[Figure | Table], where: Iterable[tuple[str, str]], how: Iterable[tuple[str, str]]) -> str:
    """docs/performance.md."""
    found = list(found)
    figures = [one for one in found if isinstance(one, Figure)]
    tables = [line for one in found if isinstance(one, Table) for line in (*one.lines, "")]
    lines = [
        "# Figures",
        "",
        "Written by `make bench`. Times differ from machine to machine; ratios are of one run.",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {told} |" for name, told in where),
        "",
        "| what | goal | figure | verdict | beside |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {one.name} | {one.goal} | {one.value} | {one.verdict} | {one.beside} |" for one in figures),
        "",
        *tables,
        "## How it is measured",
        "",
        *(f"- **{name}.** {told}" for name, told in how),
        "",
    ]
    return "\n".join(lines)


def say(text: str) -> None:
    print(text, flush=True, file=sys.stderr)
