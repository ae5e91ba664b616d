"""Where a secret stands, in words and as it is kept."""

import pytest

from casesite.screening.places import DESCRIPTION, FILES, SUBJECT, Place
from casesite.screening.secrets import Kind

KEY = Place(DESCRIPTION, 6, Kind.AWS_SECRET_KEY)
PASSWORD = Place(SUBJECT, 1, Kind.PASSWORD)
TOKEN = Place(FILES, 3, Kind.GITHUB, "a: b.log")


def test_place_is_said_in_words():
    assert str(KEY) == "line 6 of the description (AWS secret access key)"
    assert str(PASSWORD) == "the subject (password)"
    assert KEY.message == "Line 6 seems to hold a secret: AWS secret access key."
    assert str(TOKEN) == "line 3 of “a: b.log” (GitHub token)"
    assert TOKEN.message == "Line 3 of “a: b.log” seems to hold a secret: GitHub token."
    assert PASSWORD.message == "The subject seems to hold a secret: password."


@pytest.mark.parametrize("place", [KEY, PASSWORD, TOKEN])
def test_place_is_kept_by_its_code(place):
    assert Place.read(place.code) == place


@pytest.mark.parametrize(
    "code",
    [
        "",
        "subject",
        "subject:1",
        "subject:1:hunter2",
        "body:1:password",
        "subject:x:password",
        "::",
        "files:1:password",
        "subject:1:password:x",
    ],
)
def test_what_is_no_code_is_no_place(code):
    assert Place.read(code) is None
