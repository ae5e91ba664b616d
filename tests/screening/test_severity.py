"""Words and severity: a warning where they plainly disagree, silence elsewhere."""

import time

import pytest

from casesite.screening.severity import MESSAGES, Disagreement, Doubt, disagreement
from tests.screening.corpora import by_name, texts

CORPUS = texts("severity.txt")


def expected(text):
    severity, _, rest = text.expected.partition(" ")
    doubt, _, words = rest.partition(" ")
    return severity, Disagreement(Doubt(doubt), words) if doubt else None


@pytest.mark.parametrize("text", CORPUS, ids=by_name)
def test_doubt_is_told_with_the_words_it_rests_on(text):
    severity, doubt = expected(text)

    assert disagreement(severity, "", text.body) == doubt


@pytest.mark.parametrize("text", CORPUS, ids=by_name)
def test_words_count_in_the_subject_too(text):
    severity, doubt = expected(text)

    assert (disagreement(severity, text.body, "Please look at this.") is not None) is (doubt is not None)


def test_reference_line_says_nothing():
    for severity in ("low", "normal", "high", "urgent", "critical"):
        assert disagreement(severity, "CS-7GQ4-KM2X", "Ref: CS-7GQ4-KM2X-9TZA-P3RW") is None


def test_each_doubt_has_a_sentence():
    assert set(MESSAGES) == set(Doubt)
    assert "can't be changed" in str(Doubt.TOO_LOW.message)


@pytest.mark.parametrize("severity", ["low", "critical"])
@pytest.mark.parametrize(
    "piece",
    [
        "our ",
        "production ",
        "the web service ",
        "all users ",
        "is ",
        "how ",
        "lost data ",
        "a",
        "本番",
        "produktion ",
        " \n",
        "no ",
    ],
)
def test_time_is_bounded(piece, severity):
    started = time.process_time()

    disagreement(severity, piece * 100, piece * 20_000)

    assert time.process_time() - started < 2
