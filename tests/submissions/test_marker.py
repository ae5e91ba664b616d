"""Properties of the reference line."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casesite.cases.models import REFERENCE_ALPHABET, new_reference
from casesite.submissions import marker as markers
from casesite.submissions.models import MarkerKey

pytestmark = pytest.mark.django_db

# The marker's key is read once per process and test, so examples of one test may share the database.
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
SHAPE = re.compile(r"CS(-[0-9A-HJKMNP-TV-Z]{4}){4}\Z")
text = st.text(max_size=200)
anyones_marker = st.from_regex(rf"CS(-[{REFERENCE_ALPHABET}]{{4}}){{4}}", fullmatch=True)


@pytest.fixture
def key():
    """The installation's key, known before hypothesis starts."""
    return markers._key()


@shared
@given(st.integers())
def test_new_marker_is_nothing_that_aws_would_redact(key, _example):
    marker = markers.new(new_reference())

    groups = marker.split("-")[1:]
    assert SHAPE.match(marker)
    assert all(any(character.isalpha() for character in group) for group in groups)
    assert not re.search(r"\d{5}", "".join(groups))
    assert len(f"Ref: {marker}") < 40


@shared
@given(st.integers())
def test_new_marker_is_valid_and_carries_its_reference(key, _example):
    reference = new_reference()
    marker = markers.new(reference)

    assert markers.is_valid(marker)
    assert markers.reference_of(marker) == reference
    assert len(marker) == 22


@shared
@given(st.data())
def test_marker_with_one_other_character_is_not_valid(key, data):
    marker = markers.new("CS-7GQ4-KM2X")
    at = data.draw(st.sampled_from([place for place in range(3, 22) if marker[place] != "-"]))
    other = data.draw(st.sampled_from([letter for letter in REFERENCE_ALPHABET if letter != marker[at]]))

    changed = marker[:at] + other + marker[at + 1 :]

    assert not markers.is_valid(changed)


def test_marker_of_another_installation_is_not_valid(key):
    marker = markers.new("CS-7GQ4-KM2X")
    MarkerKey.objects.update(key=b"the key of somebody else........")
    markers._key.cache_clear()

    assert not markers.is_valid(marker)


def test_key_outlives_the_process(key):
    marker = markers.new("CS-7GQ4-KM2X")
    markers._key.cache_clear()

    assert markers.is_valid(marker)
    assert MarkerKey.objects.count() == 1


@shared
@given(text)
def test_marker_is_found_as_the_last_line_of_any_body(key, body):
    marker = markers.new("CS-7GQ4-KM2X")

    whole = markers.with_line(body, marker)

    assert markers.in_body(whole) == marker
    assert markers.in_body(whole.replace("\n", "\r\n") + "\r\n ") == marker
    assert len(whole) == len(body) + markers.LINE_LENGTH


@shared
@given(text.filter(str.strip))
def test_marker_counts_only_as_the_last_line(key, after):
    marker = markers.new("CS-7GQ4-KM2X")

    assert markers.in_body(f"Hello\n\nRef: {marker}\n{after}") is None
    assert markers.in_body(f"Hello Ref: {marker}") is None
    assert markers.in_body(marker) is None


@shared
@given(text, anyones_marker, st.sampled_from(["Ref: ", "Ref:", "ref:\t", "REF:  ", "Ref:\n", "\nRef: "]), text)
def test_lookalikes_are_defanged_and_keep_their_length(key, before, marker, prefix, after):
    typed = f"{before}{prefix}{marker}{after}"

    harmless = markers.defanged(typed)

    assert len(harmless) == len(typed)
    assert not re.search(rf"Ref:\s*{marker}", harmless, re.IGNORECASE)
    assert markers.defanged(harmless) == harmless


def test_a_valid_marker_typed_by_a_person_does_not_count(key):
    stolen, own = markers.new("CS-7GQ4-KM2X"), markers.new("CS-9999-ABCD")

    whole = markers.with_line(f"Please see\nRef: {stolen}", own)

    assert markers.in_body(whole) == own
    assert f"Ref: {stolen}" not in whole


@shared
@given(text)
def test_text_without_a_lookalike_is_not_touched(key, typed):
    if not re.search(r"ref:\s*CS-", typed, re.IGNORECASE):
        assert markers.defanged(typed) == typed
