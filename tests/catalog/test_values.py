"""The seven types, from what a person types to what AWS takes, with their limits on both sides."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from casesite.catalog.template import Field, FieldType
from casesite.catalog.values import as_typed, as_union, in_words, parse

from .templates import select

BERLIN = ZoneInfo("Europe/Berlin")
INSTANCE = "arn:aws:connect:us-east-1:111122223333:instance/0e3a4b52-7d5a-4d0b-8f53-1a2b3c4d5e6f"
PROFILE = "arn:aws:profile:us-east-1:111122223333:domains/amazon-connect-acme/profiles/4f6a1c0e9b7d42f58c3e2a1b0d9f8e7c"


def field(type_, id_="f", **more):
    return Field(id_, "Field", FieldType(type_), **more)


LINE, LINES = field("Text"), field("Text", multiline=True)
SUMMARY, TITLE = field("Text", "summary", system=True), field("Text", "title", system=True)
NUMBER, YES_NO, MOMENT = field("Number"), field("Boolean"), field("DateTime")
LINK, PERSON = field("Url"), field("User")
CUSTOMER, QUEUE = field("Text", "customer_id"), field("Text", "assigned_queue")
USER, REFERENCE = field("Text", "assigned_user"), field("Text", "reference_number")


@pytest.mark.parametrize(
    ("of", "typed", "union"),
    [
        (LINE, "x" * 500, {"stringValue": "x" * 500}),
        (LINE, " <b>注文</b> \U0001f600 ", {"stringValue": " <b>注文</b> \U0001f600 "}),
        (LINES, "one\r\ntwo", {"stringValue": "one\ntwo"}),
        (LINES, "x" * 4100, {"stringValue": "x" * 4100}),
        (SUMMARY, "a\n" + "x" * 2998, {"stringValue": "a\n" + "x" * 2998}),
        (TITLE, "Orders fail", {"stringValue": "Orders fail"}),
        (NUMBER, "120", {"doubleValue": 120.0}),
        (NUMBER, "-0.5", {"doubleValue": -0.5}),
        (NUMBER, "\N{MINUS SIGN}3", {"doubleValue": -3.0}),
        (NUMBER, " .5e3 ", {"doubleValue": 500.0}),
        (YES_NO, "true", {"booleanValue": True}),
        (YES_NO, "false", {"booleanValue": False}),
        (MOMENT, "2026-11-25T14:30", {"stringValue": "2026-11-25T13:30:00.000Z"}),
        (MOMENT, "2026-07-01T00:10", {"stringValue": "2026-06-30T22:10:00.000Z"}),
        (MOMENT, "2026-11-25T14:30:05.250Z", {"stringValue": "2026-11-25T14:30:05.250Z"}),
        (select("s", "high"), "high", {"stringValue": "high"}),
        (
            LINK,
            "https://grafana.example.com/d/x?from=now-1h#a",
            {"stringValue": "https://grafana.example.com/d/x?from=now-1h#a"},
        ),
        (PERSON, f"{INSTANCE}/agent/4a9b6c10-52f4", {"userArnValue": f"{INSTANCE}/agent/4a9b6c10-52f4"}),
        (CUSTOMER, f" {PROFILE} ", {"stringValue": PROFILE}),
        (QUEUE, f"{INSTANCE}/queue/6f2d8b31", {"stringValue": f"{INSTANCE}/queue/6f2d8b31"}),
        (USER, f"{INSTANCE}/agent/6f2d8b31", {"stringValue": f"{INSTANCE}/agent/6f2d8b31"}),
        (REFERENCE, "AB12", {"stringValue": "AB12"}),
    ],
)
def test_value_goes_out_as_the_one_union_member_of_its_type(of, typed, union):
    assert as_union(of, parse(of, typed, BERLIN)) == union


@pytest.mark.parametrize(
    ("of", "typed", "message"),
    [
        (LINE, "x" * 501, "501 characters; at most 500 go in here."),
        (LINE, "a\nb", "This field takes one line only."),
        (LINE, "a\x00b", "There is a control character in it that AWS does not take."),
        (LINES, "x" * 4101, "4,101 characters; at most 4,100 go in here."),
        (SUMMARY, "x" * 3001, "3,001 characters; at most 3,000 go in here."),
        (TITLE, "x" * 501, "501 characters; at most 500 go in here."),
        *(
            (NUMBER, typed, "Write a number, such as 12.5.")
            for typed in ("NaN", "inf", "1_000", "0x1", "1,5", "٣", "--1", "12 €")
        ),
        (NUMBER, "1e999", "This number is too large."),
        (YES_NO, "on", "Choose yes or no."),
        (MOMENT, "tomorrow", "Write a date and a time, such as 2026-11-25T14:30."),
        (MOMENT, "2026-02-30T10:00", "Write a date and a time, such as 2026-11-25T14:30."),
        (MOMENT, "2026-03-29T02:30", "The clocks go forward then: this time does not exist in your time zone."),
        *(
            (LINK, typed, "Write a whole web address that begins with http:// or https://.")
            for typed in (
                "example.com",
                "javascript:alert(1)",
                "ftp://x.example.com",
                "https://",
                "https://a b.example",
                "https://[x",
            )
        ),
        (LINK, "https://x.example.com/" + "x" * 4079, "4,101 characters; at most 4,100 go in here."),
        (PERSON, "Maria", "Write the full ARN of the user."),
        (PERSON, f"{INSTANCE}/queue/6f2d8b31", "Write the full ARN of the user."),
        (CUSTOMER, "Maria", "Write the full ARN of the customer's profile."),
        (QUEUE, f"{INSTANCE}/agent/6f2d8b31", "Write the full ARN of the queue."),
        (REFERENCE, "A-1", "1 to 50 letters and digits."),
        (REFERENCE, "A" * 51, "1 to 50 letters and digits."),
    ],
)
def test_value_that_aws_would_refuse_is_told_in_words(of, typed, message):
    with pytest.raises(ValidationError) as told:
        parse(of, typed, BERLIN)

    assert told.value.messages == [message]


@pytest.mark.parametrize("of", [LINE, LINES, NUMBER, YES_NO, MOMENT, LINK, PERSON, CUSTOMER, select("s", "high")])
def test_nothing_typed_is_no_value_and_nothing_is_sent_for_it(of):
    assert parse(of, "  \r\n ", BERLIN) is None
    with pytest.raises(ValueError, match="no value to send"):
        as_union(of, None)


def test_number_is_typed_with_the_decimal_sign_of_the_persons_language():
    with translation.override("de"):
        assert parse(NUMBER, "1234,5", BERLIN) == 1234.5
        assert as_typed(NUMBER, 1234.5, BERLIN) == "1234,5"
    assert as_typed(NUMBER, 1234.5, BERLIN) == "1234.5"
    assert as_typed(NUMBER, 7.0, BERLIN) == "7"


@pytest.mark.parametrize(
    ("of", "typed"),
    [(LINE, "a "), (NUMBER, "2.5"), (YES_NO, "false"), (MOMENT, "2026-07-01T00:10"), (LINK, "https://x.example.com")],
)
def test_value_shows_in_the_form_again_as_it_was_typed(of, typed):
    assert as_typed(of, parse(of, typed, BERLIN), BERLIN) == typed


def test_hour_that_comes_twice_is_the_first_one():
    assert parse(MOMENT, "2026-10-25T02:30", BERLIN) == "2026-10-25T00:30:00.000Z"


def test_people_read_names_and_their_own_time():
    assert in_words(select("s", "high"), "high", UTC) == "High"
    assert in_words(select("s", "high"), "gone", UTC) == "gone"
    assert in_words(YES_NO, False, UTC) == "No"
    assert in_words(MOMENT, "2026-11-25T13:30:00.000Z", BERLIN) == "2026-11-25 14:30 CET"
    assert in_words(NUMBER, 2.0, UTC) == "2"
    assert in_words(LINE, None, UTC) == ""
