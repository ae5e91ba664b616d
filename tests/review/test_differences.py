"""Tests of what two revisions differ in."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casesite.review.differences import Line, Part, changes, compare

texts = st.text(alphabet="ab \n", max_size=80)


def shown(lines):
    """The lines as one would draw them: changed parts in brackets."""
    signs = {"same": " ", "removed": "-", "added": "+"}
    return [
        f"~{line.count}"
        if line.kind == "gap"
        else signs[line.kind] + "".join(f"[{part.text}]" if part.changed else part.text for part in line.parts)
        for line in lines
    ]


def test_what_was_empty_has_no_line_to_remove():
    """The first file of a case, or the first address."""
    assert shown(compare("", "plan.txt")) == ["+plan.txt"]
    assert shown(compare("plan.txt", "")) == ["-plan.txt"]


def test_one_word_of_a_long_paragraph_is_found():
    old = " ".join("abcdefgh"[number % 8] * 3 for number in range(1500))
    new = old[:3000] + "changed " + old[3000:]

    removed, added = compare(old, new)

    assert shown([removed]) == [f"-{old}"]
    assert shown([added]) == [f"+{old[:3000]}[changed ]{old[3000:]}"]


def test_changed_line_shows_the_words_that_changed():
    lines = compare("Hello\nMany tasks are missing\nBye", "Hello\nSix of six tasks are missing\nBye")

    assert shown(lines) == [" Hello", "-[Many] tasks are missing", "+[Six of six] tasks are missing", " Bye"]


def test_added_and_removed_lines_stand_as_a_whole():
    lines = compare("one\ntwo\nthree", "two\nthree\nfour")

    assert shown(lines) == ["-one", " two", " three", "+four"]


def test_unchanged_lines_far_away_are_counted():
    old = [str(number) for number in range(20)]
    new = [*old[:10], "new", *old[10:]]

    assert shown(compare("\n".join(old), "\n".join(new))) == ["~7", " 7", " 8", " 9", "+new", " 10", " 11", " 12", "~7"]


def test_equal_texts_have_nothing_but_a_gap():
    assert list(compare("a\nb", "a\nb")) == [Line("gap", count=2)]


@given(texts, texts)
def test_lines_tell_both_texts_completely(before, after):
    lines = list(compare(before, after))

    def count(*kinds):
        return sum(line.count if line.kind == "gap" else 1 for line in lines if line.kind in kinds)

    assert count("same", "removed", "gap") == (len(before.split("\n")) if before else 0)
    assert count("same", "added", "gap") == (len(after.split("\n")) if after else 0)


@given(texts, texts)
def test_parts_of_a_line_are_the_line(before, after):
    old, new = before.split("\n"), after.split("\n")
    for line in compare(before, after):
        text = "".join(part.text for part in line.parts)
        assert line.kind == "gap" or text in (old if line.kind == "removed" else new)


def test_changes_are_told_field_by_field():
    before = {"subject": "A", "severity_code": "low", "cc_email_addresses": ["a@example.com"], "language": "en"}
    after = {"subject": "B", "severity_code": "low", "cc_email_addresses": ["a@example.com", "b@example.com"]}

    found = {change.field: shown(change.lines) for change in changes(before, after)}

    assert found == {
        "subject": ["-[A]", "+[B]"],
        "cc_email_addresses": [" a@example.com", "+b@example.com"],
        "language": ["-en"],
    }


def test_very_long_line_is_marked_as_a_whole():
    old, new = "a." * 4000, "a," * 4000

    assert list(compare(old, new)) == [Line("removed", (Part(old, True),)), Line("added", (Part(new, True),))]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n" * 4000, "b\n" * 4000),
        ("\n".join(map(str, range(1600))), "\n".join(map(str, reversed(range(1600))))),
        ("\n".join("." * 199 for _line in range(40)), "\n".join("." * 198 + "," for _line in range(40))),
    ],
    ids=["many equal lines", "turned around", "many equal words"],
)
def test_comparing_the_longest_descriptions_takes_no_time(old, new):
    began = time.monotonic()

    list(compare(old, new))

    assert time.monotonic() - began < 2
