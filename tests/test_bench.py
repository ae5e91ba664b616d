"""How measurements are kept and told. Nothing is measured here."""

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from resource import RUSAGE_CHILDREN, getrusage
from types import SimpleNamespace

import pytest

from bench import results
from bench.__main__ import PARTS, main
from bench.figures import POSTGRES, ROOT, Table, at_least, at_most
from bench.processes import cpu_seconds

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
FAST = at_most("Answer of a page", 20.4, 25, "ms", digits=1, beside="p90 30 ms")
MANY = at_least("Pages a second, of a bare one's", 0.64, 0.7, "×")
TABLE = Table(title="Side by side", head=("who", "pages"), rows=(("a", "1"), ("b", "2")))
RUN = {
    "commit": "0123456",
    "measured": "2026-01-02 03:04 UTC",
    "load before": "idle",
    "machine": "2 × a processor",
    "software": "Python 3",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Results of these tests do not touch the project's own."""
    for name in ("RESULTS", "RELEASED", "DOCUMENT"):
        monkeypatch.setattr(results, name, tmp_path / name.lower())


def a_part(*found, **more):
    return SimpleNamespace(HOW=("Pages", "Each page once."), measure=lambda: list(found), **more)


def measure(monkeypatch, *given, **parts):
    monkeypatch.setitem(PARTS, "pages", parts.get("pages") or a_part(FAST, MANY, TABLE))
    return main(["pages", *given])


def a_release(part, figure):
    return results.Release(version="0.1.0", results={part: results.Result(run=RUN, figures=(figure,))})


def test_goal_figure_and_verdict_stand_on_one_line():
    assert FAST.line == "met     Answer of a page: 20.4 ms (goal ≤ 25 ms). p90 30 ms."
    assert MANY.line == "missed  Pages a second, of a bare one's: 0.64 × (goal ≥ 0.7 ×)."


def test_last_digit_of_a_float_misses_no_goal():
    assert at_most("Load at rest", 1.0000000000000169, 1, "%").met
    assert at_least("Rate used", 0.9499999999999999, 0.95, "").met
    assert not at_most("Load at rest", 1.0001, 1, "%").met
    assert not at_least("Rate used", 0.9499, 0.95, "").met


def test_processor_time_of_children_that_ended_counts():
    before, children = cpu_seconds([os.getpid()]), getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "sum(range(10_000_000))"], check=True)
    now = getrusage(RUSAGE_CHILDREN)
    theirs = now.ru_utime + now.ru_stime - children.ru_utime - children.ru_stime

    assert cpu_seconds([os.getpid()]) - before > theirs / 2 > 0


def test_what_was_measured_is_kept_and_told_with_its_circumstances(monkeypatch):
    assert measure(monkeypatch) == 1  # a goal is missed

    kept = results.read()["pages"]
    assert (kept.figures, kept.tables) == ((FAST, MANY), (TABLE,))
    told = results.DOCUMENT.read_text()
    assert "1 of 2 goals are met." in told
    assert "| Pages | Pages a second, of a bare one's | ≥ 0.7 × | 0.64 × | **missed** |" in told
    assert "| Answer of a page | ≤ 25 ms | 20.4 ms | met | p90 30 ms |" in told
    assert "| a | 1 |" in told
    assert f"`python -m bench pages` at commit {kept.run['commit']}" in told


def test_a_part_replaces_its_own_results_alone(monkeypatch):
    results.keep("start", RUN, [FAST])
    measure(monkeypatch)
    measure(monkeypatch, pages=a_part(replace(FAST, number=21.0)))

    kept = results.read()
    assert [each.number for each in kept["pages"].figures] == [21.0]
    assert kept["start"].run == RUN


def test_crash_in_a_later_part_leaves_the_earlier_ones(monkeypatch):
    def crash():
        raise RuntimeError("no room on the disk")

    monkeypatch.setitem(PARTS, "web", SimpleNamespace(HOW=("Web", ""), measure=crash))
    monkeypatch.setitem(PARTS, "pages", a_part(FAST))

    with pytest.raises(RuntimeError):
        main(["pages", "web"])

    assert list(results.read()) == ["pages"]


def test_trying_keeps_nothing(monkeypatch):
    measure(monkeypatch, "--no-keep")

    assert not results.RESULTS.exists()
    assert not results.DOCUMENT.exists()


@pytest.mark.parametrize(
    ("figure", "before", "said"),
    [
        (FAST, 20.4, "was 20.4 ms in 0.1.0"),
        (FAST, 18.0, "was 18.0 ms in 0.1.0"),  # within the tolerance
        (FAST, 17.0, "worse: was 17.0 ms in 0.1.0"),
        (FAST, 90.0, "was 90.0 ms in 0.1.0"),
        (MANY, 0.70, "was 0.70 × in 0.1.0"),
        (MANY, 0.80, "worse: was 0.80 × in 0.1.0"),
        (at_most("Lost", 1, 0, ""), 0, "worse: was 0 in 0.1.0"),
    ],
)
def test_figure_is_held_against_the_last_release(figure, before, said):
    release = a_release("pages", replace(figure, number=before))

    assert release.compared("pages", figure) == said
    assert release.is_worse("pages", figure) == said.startswith("worse")


def test_what_is_new_has_nothing_to_be_held_against():
    assert results.released().compared("pages", FAST) == ""


def test_figures_of_one_name_are_held_against_those_of_their_own_part():
    release = a_release("lists-postgres", replace(FAST, number=10.0))

    assert release.compared("lists-postgres", FAST) == "worse: was 10.0 ms in 0.1.0"
    assert release.compared("lists", FAST) == ""


def test_something_worse_fails_the_run_though_its_goal_is_met(monkeypatch, capsys):
    better = replace(FAST, number=10.0)
    measure(monkeypatch, pages=a_part(better))
    assert main(["--release"]) == 0

    assert measure(monkeypatch, pages=a_part(FAST)) == 1
    assert f"worse: was 10.0 ms in {VERSION}" in capsys.readouterr().out
    assert measure(monkeypatch, pages=a_part(better)) == 0


def test_release_keeps_what_is_there_as_that_of_the_version(monkeypatch):
    measure(monkeypatch)
    main(["--release"])
    measure(monkeypatch, pages=a_part(replace(FAST, number=21.0)))

    assert json.loads(results.RELEASED.read_text())["version"] == VERSION
    assert results.released().results["pages"].figures == (FAST, MANY)


def test_note_is_told_until_the_part_is_measured_again(monkeypatch):
    kept = {"run": RUN, "figures": [], "tables": [], "note": "Measured in a shorter form."}
    results.RESULTS.write_text(json.dumps({"pages": kept, "start": kept}))

    measure(monkeypatch)

    assert {part: result.note for part, result in results.read().items()} == {
        "pages": "",
        "start": "Measured in a shorter form.",
    }
    assert results.DOCUMENT.read_text().count("Measured in a shorter form.") == 1


def test_part_without_results_is_told_to_be_missing():
    told = results.document({}, {"pages": a_part()})

    assert "Each page once.\n\nNot measured yet: `python -m bench pages`." in told


def test_part_on_postgres_has_the_same_texts():
    for part in ("lists", "throughput"):
        postgres = PARTS[f"{part}-postgres"]
        assert (postgres.HOW, postgres.DATABASE) == (PARTS[part].HOW, POSTGRES)


def test_reason_is_told_while_a_goal_is_missed():
    result = results.Result(run=RUN, figures=(MANY,))
    part = a_part(MISSED="Each page is written by hand.", MEANS="Nobody waits.")

    assert "Each page is written by hand." in results.document({"pages": result}, {"pages": part})
    met = replace(result, figures=(FAST,))
    told = results.document({"pages": met}, {"pages": part})
    assert "by hand" not in told
    assert "Nobody waits." in told
    assert "1 of 1 goals are met." in told


def test_page_of_the_project_is_made_of_what_is_kept(capsys):
    main(["--document"])
    assert "# Figures" in capsys.readouterr().out
