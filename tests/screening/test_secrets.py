"""All secrets of a corpus are found, and nothing else is taken for one."""

import io
import re
import time

import pytest

from casesite.screening.secrets import FILE_LIMIT, LABELS, Finding, Kind, find_secrets, find_secrets_in_file
from tests.screening.corpora import by_name, texts
from tests.screening.made import MAKERS, filled

SECRETS, HARMLESS = texts("secrets.txt"), texts("harmless.txt")
SEEDS = range(5)


def told(text):
    """Findings as the corpus writes them."""
    return " ".join(f"{each.kind}:{each.line}" for each in find_secrets(text))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("text", SECRETS, ids=by_name)
def test_secrets_are_found_where_they_stand(text, seed):
    assert told(filled(text.body, f"{text.name} {seed}")) == text.expected


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("text", HARMLESS, ids=by_name)
def test_harmless_text_raises_no_alarm(text, seed):
    assert told(filled(text.body, f"{text.name} {seed}")) == ""


def test_corpus_is_large_enough_and_half_of_it_harmless():
    assert len(SECRETS) >= 30
    assert len(HARMLESS) >= 30
    assert len(SECRETS) + len(HARMLESS) >= 60


def test_each_kind_is_in_the_corpus_and_has_a_name():
    kinds = {each.split(":")[0] for text in SECRETS for each in text.expected.split()}

    assert kinds == {kind.value for kind in Kind}
    assert set(LABELS) == set(Kind)
    assert str(Kind.AWS_SECRET_KEY.label) == "AWS secret access key"


def test_repository_holds_no_secret_of_its_own():
    """What the corpus needs is made while the tests run."""
    for text in SECRETS + HARMLESS:
        assert find_secrets(re.sub("⟪.*?⟫", "<made up>", text.body)) == []


def test_finding_marks_exactly_the_secret():
    key = MAKERS["key id"]("span")

    assert find_secrets(f"first line\n  key={key}, then more") == [Finding(Kind.AWS_KEY_ID, 2, 6, 26)]


def test_finding_counts_characters_and_not_bytes():
    key = MAKERS["key id"]("span")

    assert find_secrets(f"日本語🙂 {key}") == [Finding(Kind.AWS_KEY_ID, 1, 5, 25)]


def test_finding_does_not_hold_the_secret():
    key = MAKERS["github"]("hidden")

    [finding] = find_secrets(f"token {key}")

    assert key not in repr(finding)
    assert key[4:12] not in repr(finding)


def test_private_key_is_one_finding_on_its_first_line():
    text = "before\n" + MAKERS["private key"]("block") + "\nafter"

    [finding] = find_secrets(text)

    assert (finding.kind, finding.line, finding.start) == (Kind.PRIVATE_KEY, 2, 0)


def test_secret_keys_are_found_whatever_they_look_like():
    """A named key is found always; one that just stands there may look too much like words, now and then."""
    keys = [MAKERS["secret key"](number) for number in range(2_000)]

    named = sum(told(f"aws_secret_access_key={key}") == "aws_secret_key:1" for key in keys)
    bare = sum(told(f"it is\n{key}\n") == "aws_secret_key:2" for key in keys)

    assert named >= 1_995
    assert bare >= 1_900


def test_numbers_are_seldom_taken_for_cards():
    """One number in ten passes the check; that it is a card takes more."""
    numbers = [str(4_000_000_000_000_000 + number * 7_919_113) for number in range(2_000)]

    assert sum(told(f"order id {number}") != "" for number in numbers) == 0
    assert sum(told(f"4{number}") != "" for number in numbers) == 0


# Files


def test_file_is_searched_as_text():
    text = "log\nGITHUB_TOKEN=" + MAKERS["github"]("file") + "\n"

    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        found = find_secrets_in_file(io.BytesIO(text.encode(encoding)))
        assert [(each.kind, each.line) for each in found] == [(Kind.GITHUB, 2)]


def test_bytes_that_are_no_text_are_told_apart_from_a_clean_text():
    data = b"\x89PNG\0\0" + MAKERS["github"]("file").encode()

    assert find_secrets_in_file(io.BytesIO(data)) is None
    assert find_secrets_in_file(io.BytesIO(b"Nothing here")) == []


def test_broken_utf8_is_searched_all_the_same():
    data = b"\xff\xfe".join([b"caf\xe9 ", b" "]) + MAKERS["key id"]("file").encode()

    assert [each.kind for each in find_secrets_in_file(io.BytesIO(data))] == [Kind.AWS_KEY_ID]


def test_file_is_read_to_its_limit_only():
    key = MAKERS["key id"]("file").encode()
    file = io.BytesIO(b"x" * 80 + b"\n" + key + b"\n" + b" " * FILE_LIMIT + key)

    assert [each.line for each in find_secrets_in_file(file)] == [2]
    assert file.tell() == FILE_LIMIT


# Time

HOSTILE = [
    *("a", "A1", "eyJ", "eyJa.", "eyJaaaaaaaaaaa.", "://", "://a:", "a:b@", "password", "password=", "password:a1"),
    *("--", "--a-", "--password ", "api_key=", "a_", "a.b-", "secret.", "4", "4111 ", "1 ", "3782 822463 ", "xoxb-1-"),
    *(
        "-----BEGIN A B C ",
        "-----BEGIN PRIVATE KEY-----",
        "sk-a",
        "sk-aT3BlbkFJ",
        "authorization: bearer ",
        "AK" + "IA",
    ),
    *(
        "IQoJb3JpZ2lu",
        "session_token=",
        ".-_",
        " \n",
        "\n",
        "1:AA",
        "é",
        "AccountKey=",
        "mot de passe",
        "hooks.slack.com/",
    ),
    "Aa1/Bb2+Cc3/Dd4+Ee5/Ff6+Gg7/Hh8+Ii9/Jj0k ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_text_and_no_faster(piece):
    """A pattern that backtracks takes minutes for this; one that does not, a tenth of a second on a quiet machine."""
    text = (piece * (FILE_LIMIT // len(piece)))[: FILE_LIMIT // 8]

    assert seconds_for(text) < 1


def test_megabyte_of_everything_hostile_takes_seconds():
    piece = "".join(each * 20 for each in HOSTILE)
    text = (piece * (FILE_LIMIT // len(piece) + 1))[:FILE_LIMIT]

    assert seconds_for(text) < 6


@pytest.mark.parametrize("piece", ["4111 ", "Aa1/Bb2+Cc3/Dd4+Ee5/Ff6+Gg7/Hh8+Ii9/Jj0k ", "--a-", "a"])
def test_megabyte_of_the_worst_takes_seconds(piece):
    assert seconds_for((piece * FILE_LIMIT)[:FILE_LIMIT]) < 6


def seconds_for(text):
    """Of this process, so that neighbours on the machine do not count."""
    started = time.process_time()
    find_secrets(text)
    return time.process_time() - started
