"""What was measured, kept by part, told in docs/performance.md, and held against the last release."""

import json
import os
import tomllib
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
    """A part's last measurement. `note` says what set it apart from how the part is measured now."""

    run: dict[str, str]
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Release:
    """What the last release was measured with."""

    version: str = ""
    results: Mapping[str, Result]

    def compared(self, part: str, figure: Figure) -> str:
        """How a figure stands beside the same one of the release: `was 0.70 × in 0.1.0`, with `worse:` before it beyond the tolerance."""
        before = self.before(part, figure)
        if before is None:
            return ""
        was = f"was {before.value} in {self.version}"
        return f"worse: {was}" if is_worse(figure, before) else was

    def is_worse(self, part: str, figure: Figure) -> bool:
        before = self.before(part, figure)
        return before is not None and is_worse(figure, before)

    def before(self, part: str, figure: Figure) -> Figure | None:
        """The same figure of the same part: parts that differ in their database alone give theirs the same names."""
        figures = self.results[part].figures if part in self.results else ()
        return next((each for each in figures if each.name == figure.name), None)


def read() -> dict[str, Result]:
    """The kept results by part; none where there is no file."""
    return _results(_content(RESULTS))


def released() -> Release:
    """The last release; one without results where there was none yet."""
    kept = _content(RELEASED)
    return Release(version=kept.get("version", ""), results=_results(kept.get("results", {})))


def _content(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text()) if file.exists() else {}


def _results(kept: Mapping[str, Any]) -> dict[str, Result]:
    return {part: _result(**each) for part, each in kept.items()}


def _result(run: dict[str, str], figures: list[dict[str, Any]], tables: list[dict[str, Any]], note: str = "") -> Result:
    return Result(
        run=run,
        note=note,
        figures=tuple(Figure(**each) for each in figures),
        tables=tuple(
            Table(title=each["title"], head=tuple(each["head"]), rows=tuple(tuple(row) for row in each["rows"]))
            for each in tables
        ),
    )


def keep(part: str, run: dict[str, str], found: Iterable[Figure | Table]) -> None:
    """Store a part's results in the place of its last ones."""
    found = list(found)
    result = Result(
        run=run,
        figures=tuple(each for each in found if isinstance(each, Figure)),
        tables=tuple(each for each in found if isinstance(each, Table)),
    )
    _write(RESULTS, _as_kept(read() | {part: result}))


def release() -> None:
    """Store all results as those of the version that pyproject.toml names."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    _write(RELEASED, {"version": version, "results": _as_kept(read())})


def _as_kept(results: Mapping[str, Result]) -> dict[str, Any]:
    kept = {part: asdict(result) for part, result in results.items()}
    return {
        part: {name: value for name, value in each.items() if name != "note" or value} for part, each in kept.items()
    }


def _write(file: Path, content: Mapping[str, Any]) -> None:
    """Put a whole file in the place of the old one: hours of measuring are not lost to a run that is stopped in between."""
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    os.replace(beside, file)


def is_worse(figure: Figure, before: Figure) -> bool:
    loss = figure.number - before.number if figure.at_most else before.number - figure.number
    return loss > abs(before.number) * TOLERANCE and loss > 0


def document(results: Mapping[str, Result], parts: Mapping[str, Any]) -> str:
    """docs/performance.md: all figures, then each part with how it is measured, when and where it was.

    A part's module has `HOW`, a title and a text; and may have `MEANS`, what its figures say, and `MISSED`: why one is missed, and what was tried.
    """
    lines = [
        "# Figures",
        "",
        "Each part is measured by `python -m bench` with its name, all of them by `make bench`, which prints goal, figure and verdict and writes this page "
        "from `bench/results.json`. Times differ from machine to machine; ratios are of one run. What is worse than in the last release by more than "
        f"{TOLERANCE:.0%} is said while measuring. A goal that was missed is followed by the reason and by what was tried.",
        "",
        *_overview({part: results[part] for part in parts if part in results}, parts),
    ]
    for part, module in parts.items():
        lines += _section(part, results.get(part), module)
    return "\n".join(lines)


def _overview(results: Mapping[str, Result], parts: Mapping[str, Any]) -> Iterator[str]:
    figures = [figure for result in results.values() for figure in result.figures]
    met = sum(figure.met for figure in figures)
    yield f"{met} of {len(figures)} goals are met."
    yield from ("", "| part | what | goal | figure | verdict |", "| --- | --- | --- | --- | --- |")
    for part, result in results.items():
        for one in result.figures:
            verdict = one.verdict if one.met else f"**{one.verdict}**"
            yield f"| {_title(part, parts[part])} | {one.name} | {one.goal} | {one.value} | {verdict} |"
    yield ""


def _section(part: str, result: Result | None, module: Any) -> list[str]:
    _name, how = module.HOW
    lines = [f"## {_title(part, module)}", "", how, ""]
    if result is None:
        return [*lines, f"Not measured yet: `python -m bench {part}`.", ""]
    missed = not all(one.met for one in result.figures)
    return [
        *lines,
        _told(part, result.run),
        "",
        *((result.note, "") if result.note else ()),
        "| what | goal | figure | verdict | beside |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {one.name} | {one.goal} | {one.value} | {one.verdict} | {one.beside} |" for one in result.figures),
        "",
        *(line for table in result.tables for line in (*table.lines, "")),
        *((module.MEANS, "") if hasattr(module, "MEANS") else ()),
        *((module.MISSED, "") if hasattr(module, "MISSED") and missed else ()),
    ]


def _title(part: str, module: Any) -> str:
    return f"{module.HOW[0]}{', on PostgreSQL' if part.endswith('-postgres') else ''}"


def _told(part: str, run: Mapping[str, str]) -> str:
    """Where a part's results are from, on one line."""
    return (
        f"`python -m bench {part}` at commit {run['commit']}, {run['measured']}, load before: {run['load before']}; {run['machine']}; "
        f"{run['software']}{', ' + run['database'] if 'database' in run else ''}."
    )
