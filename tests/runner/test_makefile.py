"""What `make` says on machines that lack something. No network: the PATH holds what the test puts there."""

import os
import shutil
import subprocess

import pytest

from casesite.runner.parts import ROOT


@pytest.fixture
def machine(tmp_path):
    """`machine(target, python3=script)` runs make in a copy of the Makefile with these programs on the PATH."""
    folder, tree = tmp_path / "bin", tmp_path / "tree"
    folder.mkdir()
    tree.mkdir()
    for name in ("sh", "find", "awk", "touch", "rm", "cat"):
        (folder / name).symlink_to(shutil.which(name))
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tree)

    def run(target, **programs):
        for name, script in programs.items():
            program = folder / name.replace("_", ".")
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        return subprocess.run(
            [shutil.which("make"), target],
            cwd=tree,
            env={"PATH": str(folder), "HOME": os.environ.get("HOME", "/")},
            capture_output=True,
            text=True,
        )

    return run


def test_help_is_the_default_and_lists_the_targets():
    # Without what a `make` around the tests would pass on: inside another one, make tells which folder it enters.
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(["make"], cwd=ROOT, env=outside, capture_output=True, text=True)

    assert [line.split()[1] for line in done.stdout.splitlines()] == [
        "help",
        "run",
        "setup",
        "test",
        "test-postgres",
        "chaos",
        "chaos-mutants",
        "soak",
        "soak-mutants",
        "check",
        "bench",
        "screens",
        "docs",
    ]


def test_machine_without_a_fitting_python_is_told_so_in_one_line(machine):
    done = machine("setup", python3="exit 1", python3_13="exit 127")  # one too old, one a shim without a version

    assert done.stderr.splitlines()[0] == "Casesite needs Python 3.11, 3.12 or 3.13, and none is on the PATH."
    assert done.returncode != 0


def test_shim_that_runs_nothing_is_passed_over_and_missing_venv_is_told_in_one_line(machine):
    done = machine("setup", python3_13="exit 127", python3_12='case "$1" in -c) exit 0;; *) exit 1;; esac')

    assert done.stderr.splitlines()[0] == (
        "python3.12 cannot make a virtual environment (Debian and Ubuntu: apt-get install python3-venv)."
    )
    assert done.returncode != 0
