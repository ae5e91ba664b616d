"""How many files of which size, and what they may be called."""

import pytest
from django.core.exceptions import ValidationError

from casesite.cases.limits import ROOMIEST, SET, check_count, check_name, check_size, limits_of
from casesite.teams.models import AwsAccount


def of(*codes):
    return limits_of(AwsAccount(check_details=[{"name": "x", "state": "good", "code": code} for code in codes]))


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (
            ["may_upload"],
            "Up to 10 files of 150\xa0MB each. This account may upload large ones (support:UploadAttachment).",
        ),
        (
            ["may_not_upload"],
            "Up to 3 files of 5\xa0MB each. This account may not upload larger ones (support:UploadAttachment).",
        ),
        (
            [],
            "Up to 3 files of 5\xa0MB each. Larger ones go out once the account's check has found that it may upload them.",
        ),
        (["may_upload", "may_not_attach"], "This account may not attach files (support:AddAttachmentsToSet)."),
    ],
)
def test_account_says_what_it_takes_and_why(codes, words):
    assert of(*codes).words == words


def test_without_an_account_the_widest_limits_apply():
    limits = limits_of(None)

    assert (limits.count, limits.size) == (10, 157_286_400)


@pytest.mark.parametrize(("limits", "most"), [(SET, 5_242_880), (ROOMIEST, 157_286_400)])
def test_size_is_taken_up_to_the_last_byte(limits, most):
    check_size("log.txt", 1, limits)
    check_size("log.txt", most, limits)

    with pytest.raises(ValidationError) as refused:
        check_size("log.txt", most + 1, limits)
    [text] = refused.value.messages
    assert text.startswith("“log.txt” was not taken: it has ")
    assert text.endswith(f"({most + 1:,} bytes), {limits.size_words} ({most:,} bytes) are the most.")


def test_empty_file_is_refused_by_name():
    with pytest.raises(ValidationError) as refused:
        check_size("log.txt", 0, ROOMIEST)

    assert refused.value.messages == ["“log.txt” was not taken: it is empty."]


@pytest.mark.parametrize(("limits", "most"), [(SET, 3), (ROOMIEST, 10)])
def test_count_is_taken_up_to_the_last(limits, most):
    check_count("log.txt", most, limits)

    with pytest.raises(ValidationError) as refused:
        check_count("log.txt", most + 1, limits)
    assert refused.value.messages == [f"“log.txt” was not taken: the case takes {most} files."]


@pytest.mark.parametrize(
    ("codes", "count", "text"),
    [
        (
            ["may_not_upload"],
            4,
            "“log.txt” was not taken: the case takes 3 files. "
            "This account may not upload larger ones (support:UploadAttachment).",
        ),
        (
            ["may_not_attach"],
            1,
            "“log.txt” was not taken. This account may not attach files (support:AddAttachmentsToSet).",
        ),
    ],
)
def test_refusal_says_why_the_account_takes_no_more(codes, count, text):
    with pytest.raises(ValidationError) as refused:
        check_count("log.txt", count, of(*codes))

    assert refused.value.messages == [text]


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "ecs-events.json",
        "Jahresbericht für März.pdf",
        "画面.png",
        "تقرير.txt",
        "😀.log",
        "a b.tar.gz",
        ".env",
        "x" * 255,
    ],
)
def test_ordinary_names_are_taken(name):
    check_name(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x" * 256, f"“{'x' * 40}…” was not taken: its name has 256 characters, 255 are the most."),
        ("", "A file was not taken: it has no name."),
        (" \t", "A file was not taken: it has no name."),
        ("..", "A file was not taken: it has no name."),
        ("../../etc/passwd", "“../../etc/passwd” was not taken: a name can't hold a slash or backslash. Rename it."),
        ("C:\\boot.ini", "“C:\\boot.ini” was not taken: a name can't hold a slash or backslash. Rename it."),
        (
            "a\r\nSet-Cookie: x",
            "“a��Set-Cookie: x” was not taken: its name holds a character that nobody sees (U+000D). Rename it.",
        ),
        ("a\0.txt", "“a�.txt” was not taken: its name holds a character that nobody sees (U+0000). Rename it."),
        (
            "txt.\u202egpj",
            "“txt.�gpj” was not taken: its name holds a character that nobody sees (U+202E). Rename it.",
        ),
        (
            "half\ud800",
            "“half�” was not taken: its name holds a character that nobody sees (U+D800). Rename it.",
        ),
    ],
)
def test_odd_names_are_refused(name, words):
    with pytest.raises(ValidationError) as refused:
        check_name(name)

    assert refused.value.messages == [words]
