"""Tests of the marks at characters that could not be seen otherwise."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casesite.review.marks import marked, odd_characters

ODD = {
    "zero width space": "\u200b",
    "right-to-left override": "\u202e",
    "no-break space": "\u00a0",
    "soft hyphen": "\u00ad",
    "byte order mark": "\ufeff",
    "line separator": "\u2028",
    "hangul filler": "\u3164",
    "variation selector": "\ufe01",
    "escape": "\x1b",
    "private use": "\ue000",
    "joiner between letters": "a\u200db"[1],
    "tag character": "\U000e0041",
}


def text_of(html):
    """What a browser would copy from it: marks are drawn by the style sheet."""
    return unescape(re.sub(r"<[^>]*>", "", html))


@pytest.mark.parametrize("character", ODD.values(), ids=ODD)
def test_unseen_character_is_marked_with_its_code(character):
    html = marked(f"a{character}b")

    assert f'data-mark="U+{ord(character):04X}"' in html
    assert text_of(html) == f"a{character}b"
    assert odd_characters(f"a{character}b") == 1


@pytest.mark.parametrize("text", ["Größe ✓", "日本語", "שלום", "a\nb", "⚠️ careful", "👩‍💻 at work", "naïve — “quoted”"])
def test_ordinary_text_has_no_mark(text):
    assert marked(text) == text
    assert odd_characters(text) == 0


def test_joiners_of_emoji_are_marked_where_no_emoji_is():
    assert odd_characters("pass\u200dword \ufe0f") == 2


def test_blanks_at_line_ends_and_tabs_are_marked():
    html = marked("one  \ntwo\tthree \t\nfour")

    assert html.count("mark-end") == 3
    assert html.count("mark-tab") == 2
    assert text_of(html) == "one  \ntwo\tthree \t\nfour"


def test_half_a_character_is_named_and_not_sent():
    html = marked("a\ud800b")

    assert 'data-mark="U+D800"' in html
    html.encode()


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_marks_never_change_the_text(text):
    assert text_of(marked(text)) == text


@given(st.text(alphabet="<>&\"'\u200b\t abc\n/=", max_size=60))
def test_markup_in_a_text_stays_text(text):
    tags = set(re.findall(r"<[^>]*>", marked(text)))

    assert all(re.fullmatch(r"</span>|<span class=\"mark-[a-z]+\"[^<>]*>", tag) for tag in tags)
