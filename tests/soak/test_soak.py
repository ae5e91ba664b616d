"""The short form of the soak, and that it sees mistakes. The long form is `make soak`, with docs/reliability.md."""

import re
import subprocess
import sys

import pytest

EXAMPLES = 100  # of each of five seeds, so that several test processes share them


def soak(*options: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: it takes the place of clocks and network, and its database is in memory."""
    command = [sys.executable, "-m", "tests.soak", *options]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_lost_doubled_or_stuck_whatever_happens_in_whatever_order(seed):
    done = soak("--examples", str(EXAMPLES), "--seed", str(seed))

    assert done.returncode == 0, done.stdout
    told = re.search(r"(\d+) steps in (\d+) examples", done.stdout)
    assert told is not None
    assert (int(told[1]) > 10 * EXAMPLES, int(told[2])) == (True, EXAMPLES)


def test_a_known_mistake_is_seen_and_told_as_a_story():
    """A success that comes late and is not merged: looks repair it mostly, so that no other test may miss it."""
    done = soak("--examples", str(EXAMPLES), "--no-shrink", "--mutation", "late-success-lost")

    assert done.returncode == 1, done.stdout
    assert re.search(r"^AssertionError: .*CS-", done.stdout, re.MULTILINE), done.stdout
    story = done.stdout.partition("The story:")[2]
    assert "worker-1 starts" in story and "At AWS:" in story
