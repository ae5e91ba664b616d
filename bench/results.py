"""What was measured, kept by part, told in docs/performance.md, and held against the last release."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.figures import ROOT, Figure, Table

RESULTS = ROOT / "bench" / "results.json"
RELEASED = ROOT / "bench" / "released.json"
DOCUMENT = ROOT / "docs" / "performance.md"
# Runs of one and the same commit on a quiet machine differ by up to a tenth; what is worse than this is another program.
TOLERANCE = 0.15


@dataclass(frozen=True, kw_only=True)
class Result:
    """A part's last measurement."""

    run: dict[str, str]
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...] = ()


def read(file: Path) -> dict[str, Result]:
    """The results of a file by part; none where it is not there."""
    kept = json.loads(file.read_text()) if file.exists() else {}
    return {part: _result(**each) for part, each in kept.items()}


def _result(run: dict[str, str], figures: list[dict[str, Any]], tables: list[dict[str, Any]]) -> Result:
    return Result(
        run=run,
        figures=tuple(Figure(**each) for each in figures),
        tables=tuple(
            Table(title=each["title"], head=tuple(each["head"]), rows=tuple(tuple(row) for row in each["rows"]))
            for each in tables
        ),
    )


def write(file: Path, results: Mapping[str, Result]) -> None:
    kept = {part: asdict(result) for part, result in results.items()}
    file.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n")


def keep(part: str, run: dict[str, str], found: Iterable[Figure | Table]) -> None:
    """Store a part's results in the place of its last ones."""
    found = list(found)
    result = Result(
        run=run,
        figures=tuple(each for each in found if isinstance(each, Figure)),
        tables=tuple(each for each in found if isinstance(each, Table)),
    )
    write(RESULTS, read(RESULTS) | {part: result})


def compared(figure: Figure, released: Mapping[str, Figure]) -> str:
    """How a figure stands beside that of the last release: `was 0.7`, with `worse:` before it where it is more than the tolerance."""
    before = released.get(figure.name)
    if before is None:
        return ""
    return f"worse: was {before.value}" if is_worse(figure, before) else f"was {before.value}"


def is_worse(figure: Figure, before: Figure) -> bool:
    loss = figure.number - before.number if figure.at_most else before.number - figure.number
    return loss > abs(before.number) * TOLERANCE and loss > 0


def by_name(results: Mapping[str, Result]) -> dict[str, Figure]:
    return {figure.name: figure for result in results.values() for figure in result.figures}


def document(results: Mapping[str, Result], parts: Mapping[str, Any]) -> str:
    """docs/performance.md: each part with its figures and how they are measured.

    A part's module has `HOW`, a title and a text; and may have `MEANS`, what its figures say, and `MISSED`: why one is missed, and what was tried.
    """
    lines = [
        "# Figures",
        "",
        "Each part is measured by `python -m bench` with its name, all of them by `make bench`, which prints goal, figure and verdict and writes this page "
        "from `bench/results.json`. Times differ from machine to machine; ratios are of one run. The figures of the last release are kept beside them: what is "
        f"worse by more than {TOLERANCE:.0%} is said. A goal that was missed is followed by the reason and by what was tried.",
        "",
        *_overview(results, parts),
    ]
    for part, module in parts.items():
        if part in results:
            lines += _section(part, results[part], module)
    return "\n".join(lines)


def _overview(results: Mapping[str, Result], parts: Mapping[str, Any]) -> Iterator[str]:
    there = [results[part] for part in parts if part in results]
    figures = [figure for result in there for figure in result.figures]
    missed = [figure.name for figure in figures if not figure.met]
    yield (
        f"{len(figures) - len(missed)} of {len(figures)} goals are met. Missed:"
        if missed
        else f"All of {len(figures)} goals are met."
    )
    yield ""
    yield from (f"- {name}" for name in missed)
    if missed:
        yield ""


def _section(part: str, result: Result, module: Any) -> list[str]:
    title, how = module.HOW
    run = result.run
    return [
        f"## {title}{', on PostgreSQL' if part.endswith('-postgres') else ''}",
        "",
        how,
        "",
        f"`python -m bench {part}` at commit {run['commit']}, {run['measured']}, load before: {run['load before']}; {run['machine']}; "
        f"{run['software']}.",
        "",
        "| what | goal | figure | verdict | beside |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {one.name} | {one.goal} | {one.value} | {one.verdict} | {one.beside} |" for one in result.figures),
        "",
        *(line for table in result.tables for line in (*table.lines, "")),
        *((module.MEANS, "") if hasattr(module, "MEANS") else ()),
        *((module.MISSED, "") if hasattr(module, "MISSED") and not all(one.met for one in result.figures) else ()),
    ]
