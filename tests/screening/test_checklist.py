"""What a description says already, and the headings for what it does not."""

import time

import pytest
from django.utils import translation

from casesite.screening.checklist import HEADINGS, LABELS, Item, missing, missing_as_headings, said
from tests.screening.corpora import by_name, texts

CORPUS = texts("checklist.txt")
COMPLETE = next(text.body for text in CORPUS if text.name == "all of it")


@pytest.mark.parametrize("text", CORPUS, ids=by_name)
def test_items_are_ticked_by_what_is_written(text):
    assert " ".join(item for item in Item if item in said(text.body)) == text.expected


def test_missing_is_what_is_not_said_in_order():
    assert missing("It is in eu-west-1 since 14:02.") == [Item.WHAT, Item.RESOURCES, Item.IMPACT, Item.TRIED]
    assert missing(COMPLETE) == []


def test_headings_are_appended_below_what_was_written():
    text = "Our customers cannot order since 14:02, eu-west-1."

    assert missing_as_headings(text) == "\n\nWhat happens (exact error):\n\nResource ids or ARNs:\n\nWhat was tried:\n"


@pytest.mark.parametrize(
    ("text", "start"), [("", "What"), ("Hello", "\n\nWhat"), ("Hello\n", "\nWhat"), (" \n", "What")]
)
def test_headings_are_parted_by_one_blank_line(text, start):
    assert missing_as_headings(text).startswith(start)


def test_nothing_is_appended_to_a_complete_description():
    assert missing_as_headings(COMPLETE) == ""


@pytest.mark.parametrize("text", CORPUS, ids=by_name)
def test_headings_tick_nothing_and_are_not_appended_twice(text):
    once = text.body + missing_as_headings(text.body)

    assert said(once) == said(text.body)
    assert missing_as_headings(once) == ""


def test_each_item_has_words():
    assert set(LABELS) == set(HEADINGS) == set(Item)
    with translation.override("en"):
        assert (str(Item.TRIED.label), str(Item.TRIED.heading)) == ("What was tried", "What was tried")


@pytest.mark.parametrize(
    "piece",
    [
        "a-",
        "arn:aws",
        "prod-",
        "'",
        "bucket: ",
        "customers ",
        "since ",
        "Abc",
        "1",
        "have ",
        "影",
        "a.",
        " \n",
        "error ",
    ],
)
def test_time_is_bounded(piece):
    started = time.process_time()

    said(piece * 20_000)

    assert time.process_time() - started < 2


def test_only_asked_headings_are_appended():
    assert missing_as_headings("Hello", [Item.REGION, Item.TRIED]) == "\n\nRegion:\n\nWhat was tried:\n"


def test_only_headings_that_find_room_are_appended():
    whole = missing_as_headings("Hello", [Item.REGION, Item.TRIED])

    assert missing_as_headings("Hello", [Item.REGION, Item.TRIED], len(whole)) == whole
    assert missing_as_headings("Hello", [Item.REGION, Item.TRIED], len(whole) - 1) == "\n\nRegion:\n"
    assert missing_as_headings("Hello", [Item.REGION, Item.TRIED], 9) == ""
