"""Tests of the store of a process: what it keeps, and that its bounds hold."""

import pytest

from casesite.web.lru import Lru


def lru_of(most_bytes=10):
    return Lru(most_bytes=most_bytes, size_of=len)


def test_value_is_made_once():
    made, lru = [], lru_of()

    for _time in range(3):
        lru.get("a", lambda: made.append("a") or "text")

    assert made == ["a"]


def test_another_key_is_another_value():
    lru = lru_of()

    assert [lru.get(key, lambda key=key: key * 2) for key in ("a", "b", "a")] == ["aa", "bb", "aa"]


def test_bytes_held_never_exceed_the_bound():
    lru = lru_of(10)

    held = []
    for number in range(100):
        lru.get(number, lambda number=number: "x" * (number % 7))
        held.append(lru.bytes_held)

    assert 5 < max(held) <= 10
    assert held[-1] == sum(len(lru.get(key, lambda: "made anew")) for key in list(lru._kept))


def test_longest_unused_goes_first():
    made, lru = [], lru_of(6)

    def get(key):
        lru.get(key, lambda: made.append(key) or "xxx")

    for key in ("a", "b", "a", "c", "a", "b"):
        get(key)

    assert made == ["a", "b", "c", "b"]


def test_value_larger_than_all_is_given_and_not_kept():
    lru = lru_of(10)
    lru.get("small", lambda: "text")

    assert lru.get("large", lambda: "x" * 11) == "x" * 11
    assert (len(lru), lru.bytes_held) == (1, 4)


def test_value_that_was_made_twice_counts_once():
    lru = lru_of(10)

    lru.get("a", lambda: lru.get("a", lambda: "text"))

    assert (len(lru), lru.bytes_held) == (1, 4)


def test_failure_to_make_one_keeps_nothing():
    lru = lru_of()

    with pytest.raises(ZeroDivisionError):
        lru.get("a", lambda: 1 / 0)

    assert (len(lru), lru.bytes_held) == (0, 0)
