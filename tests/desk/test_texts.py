"""Tests of the rules about text, at their limits."""

import pytest
from django.core.exceptions import ValidationError

from casesite.desk.forms import texts
from casesite.submissions import marker, payloads

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]


def message(check, text):
    with pytest.raises(ValidationError) as caught:
        check(text)
    return " ".join(caught.value.messages)


@pytest.mark.parametrize("character", ["x", "é", "漢", "😀", "\U0010ffff"])
def test_description_may_fill_what_the_reference_line_leaves(character):
    texts.check_description(character * texts.DESCRIPTION_LIMIT)

    body = marker.with_line(character * texts.DESCRIPTION_LIMIT, "CS-7GQ4-KM2X-9TZA-P3RW")
    assert len(body) == payloads.BODY_LIMIT


@pytest.mark.parametrize("character", ["x", "😀"])
def test_description_one_longer_is_refused(character):
    said = message(texts.check_description, character * (texts.DESCRIPTION_LIMIT + 1))

    assert said == "This is one character longer than the 7,971 that fit."


@pytest.mark.parametrize("character", ["x", "😀"])
def test_subject_is_counted_in_code_points(character):
    texts.check_subject(character * 250)

    said = message(texts.check_subject, character * 253)
    assert said == "This is 3 characters longer than the 250 that fit."


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\t", "\u00a0", "\u2003", "\u200b", "\ufeff", " \n\u200b\t"])
def test_blank_text_is_refused(blank):
    assert message(texts.check_description, blank) == "Describe what happens."
    assert message(texts.check_subject, blank) == "Write a subject."


@pytest.mark.parametrize("character", CONTROLS)
def test_control_characters_are_refused_but_tab_and_line_feed(character):
    if character in "\t\n":
        texts.check_description(f"one{character}two")
    else:
        said = message(texts.check_description, f"one\ntwo{character}")
        assert said == f"Line 2 holds a control character (U+{ord(character):04X}), which nobody can read. Remove it."


@pytest.mark.parametrize("character", ["\n", "\u2028", "\u2029"])
def test_subject_is_one_line(character):
    assert message(texts.check_subject, f"one{character}two") == "A subject is one line: remove the line breaks."


@pytest.mark.parametrize("character", ["\r", "\v", "\f", "\x85"])
def test_subject_refuses_the_older_line_breaks_as_controls(character):
    assert "control character" in message(texts.check_subject, f"one{character}two")


def test_subject_may_hold_a_tab():
    texts.check_subject("one\ttwo")


@pytest.mark.parametrize("surrogate", ["\ud800", "\udbff", "\udc00", "\udfff"])
def test_lone_surrogates_are_refused_in_drafts_too(surrogate):
    assert "lone surrogate" in message(texts.check_storable, f"a{surrogate}b")


def test_line_ends_become_lf():
    assert texts.with_lf("a\r\nb\nc") == "a\nb\nc"


@pytest.mark.parametrize("text", ["", "a@example.com", "a@example.com, b@example.com;c@example.com\nd@example.com"])
def test_good_addresses_pass(text):
    texts.check_addresses(text)


def test_ten_addresses_pass_and_eleven_are_refused():
    addresses = [f"p{n}@example.com" for n in range(11)]

    texts.check_addresses(", ".join(addresses[:10]))
    assert message(texts.check_addresses, ", ".join(addresses)) == (
        "AWS copies to at most 10 addresses; these are 11. Remove 1."
    )


def test_an_address_given_twice_counts_once():
    texts.check_addresses(" ".join(["a@example.com"] * 11))


@pytest.mark.parametrize(
    "bad",
    ["m.silva@@payments.example", "silva", "@example.com", "a@localhost", "a@b", "<a@example.com>", "a@exa_mple.com"],
)
def test_bad_address_is_named(bad):
    said = message(texts.check_addresses, f"good@example.com, {bad}")

    assert said == f"{bad} is not an e-mail address."


def test_all_bad_addresses_are_named_up_to_five():
    said = message(texts.check_addresses, "one two three four five six")

    assert said == "These are not e-mail addresses: one, two, three, four, five …."


def test_bad_and_too_many_are_both_said():
    said = message(texts.check_addresses, "x " + " ".join(f"p{n}@example.com" for n in range(10)))

    assert said == "x is not an e-mail address. AWS copies to at most 10 addresses; these are 11. Remove 1."
