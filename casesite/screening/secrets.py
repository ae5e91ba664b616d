"""Finds keys, tokens, passwords and card numbers in text, so that they can be taken out before the text leaves the house.

A finding says what kind of secret stands where, never the secret. Every rule is held to be right rather than complete: an
alarm that is wrong twice is not read the third time. Each pattern begins with something fixed and is bounded in length, so
that the time it takes grows with the text and no faster.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import json
import math
import re
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import BinaryIO

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FILE_LIMIT = 1024 * 1024
FINDINGS_LIMIT = 200  # of one rule: who has that many will not be helped by more
CANDIDATES_LIMIT = 20_000  # that one rule looks at: no honest text of this size has more


class Kind(StrEnum):
    """What a finding is."""

    AWS_KEY_ID = "aws_key_id"
    AWS_SECRET_KEY = "aws_secret_key"
    AWS_SESSION_TOKEN = "aws_session_token"
    PRIVATE_KEY = "private_key"
    GITHUB = "github"
    GITLAB = "gitlab"
    SLACK = "slack"
    STRIPE = "stripe"
    GOOGLE = "google"
    NPM = "npm"
    PYPI = "pypi"
    AZURE = "azure"
    VENDOR = "vendor"
    JWT = "jwt"
    AUTHORIZATION = "authorization"
    URL_PASSWORD = "url_password"
    PASSWORD = "password"
    API_KEY = "api_key"
    CARD_NUMBER = "card_number"

    @property
    def label(self) -> Promise:
        return LABELS[self]


LABELS: dict[Kind, Promise] = {
    Kind.AWS_KEY_ID: _("AWS access key id"),
    Kind.AWS_SECRET_KEY: _("AWS secret access key"),
    Kind.AWS_SESSION_TOKEN: _("AWS session token"),
    Kind.PRIVATE_KEY: _("private key"),
    Kind.GITHUB: _("GitHub token"),
    Kind.GITLAB: _("GitLab token"),
    Kind.SLACK: _("Slack token or webhook"),
    Kind.STRIPE: _("Stripe key"),
    Kind.GOOGLE: _("Google key or token"),
    Kind.NPM: _("npm token"),
    Kind.PYPI: _("PyPI token"),
    Kind.AZURE: _("Azure key"),
    Kind.VENDOR: _("access token of a service"),
    Kind.JWT: _("signed token (JWT)"),
    Kind.AUTHORIZATION: _("credentials of an HTTP request"),
    Kind.URL_PASSWORD: _("password in a URL"),
    Kind.PASSWORD: _("password"),
    Kind.API_KEY: _("API key or client secret"),
    Kind.CARD_NUMBER: _("card number"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a secret stands: its line, counted from 1, and there its characters from `start` to before `end`."""

    kind: Kind
    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern whose group `secret`, or else the whole of it, is a secret where `holds` bears that out.

    `needs` are pieces of text without which the pattern can't match, in lower case: looking for them first is quick.
    """

    kind: Kind
    needs: tuple[str, ...]
    pattern: re.Pattern[str]
    holds: Callable[[re.Match[str]], bool]

    def spans(self, text: str, lowered: str) -> Iterator[tuple[int, int]]:
        if self.needs and not any(each in lowered for each in self.needs):
            return
        for match in islice(self.pattern.finditer(text), CANDIDATES_LIMIT):
            if self.holds(match):
                yield match.span("secret" if "secret" in self.pattern.groupindex else 0)


def find_secrets(text: str) -> list[Finding]:
    """All secrets in a text, in its order. Where rules overlap, the one that stands first in RULES counts."""
    lowered = text.lower()
    found: list[tuple[int, int, Kind]] = []
    for rule in RULES:
        for start, end in islice(rule.spans(text, lowered), FINDINGS_LIMIT):
            place = bisect_right(found, (start, end, rule.kind))
            clear = (place == 0 or found[place - 1][1] <= start) and (place == len(found) or end <= found[place][0])
            if clear:
                insort(found, (start, end, rule.kind))
    line_starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")] if found else []
    return [_finding(each, line_starts, len(text)) for each in found]


def find_secrets_in_file(file: BinaryIO) -> list[Finding] | None:
    """The secrets in the first megabyte of a file, or None where it is not text."""
    text = _decoded(file.read(FILE_LIMIT))
    return None if text is None else find_secrets(text)


def _finding(found: tuple[int, int, Kind], line_starts: list[int], length: int) -> Finding:
    start, end, kind = found
    line = bisect_right(line_starts, start)
    line_start = line_starts[line - 1]
    line_end = line_starts[line] - 1 if line < len(line_starts) else length
    return Finding(kind, line, start - line_start, min(end, line_end) - line_start)


def _decoded(data: bytes) -> str | None:
    """The text in a file's bytes, or None where they are something else."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if b"\0" in data[:8192]:
        return None
    return data.decode("utf-8-sig", "replace")


# What is said about a secret rather than being one.
MADE_UP = re.compile(
    r"example|placeholder|redacted|changeme|change-me|dummy|your[-_]|\.\.\.|\*\*\*|x{5,}|<|>|\{\{|^[$%{(\[!&#]|0123456789|1234567890",
    re.IGNORECASE,
)
HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
LOWER_RUN = re.compile(r"[a-z]{9}")


def _entropy(text: str) -> float:
    """Bits for each character, were each drawn as often as it stands here. 40 random base64 characters have about 4.75."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _is_real(match: re.Match[str]) -> bool:
    """Not an example, not masked, not one character over and over."""
    value = match["secret"] if "secret" in match.re.groupindex else match[0]
    return len(set(value[:200])) >= 8 and not MADE_UP.search(value[:200])


def _before(match: re.Match[str], length: int) -> str:
    return match.string[max(0, match.start() - length) : match.start()]


# AWS

ACCESS_KEY_ID = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])")
SECRET_KEY = re.compile(r"(?<![A-Za-z0-9/+_.-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])(?!\.[A-Za-z0-9])")
NAMED_SECRET_KEY = re.compile(r"secret[ _-]?(?:access)?[ _-]?key\W{0,8}$", re.IGNORECASE)
SECRET_KEY_NEAR = re.compile(r"secret|access[ _-]?key|aws[ _-]?key|credential", re.IGNORECASE)
ANOTHER_NAME = re.compile(
    r"(?:(?i:request|trace|correlation|etag|hash|digest|checksum|sha\d*|version|nonce|commit|signature|integrity|cursor|next"
    r"|page|marker|receipt|token|fingerprint|revision|\bid|[-_]id|id-2)|I[dD])\W{0,6}$"
)
STANDS_ALONE = re.compile(r"(?:^|[\s:='\"`(,])\Z")
BLOB_LINE = re.compile(r"[A-Za-z0-9/+]{40,}={0,2}\r?")


def _is_named_secret_key(match: re.Match[str]) -> bool:
    """Forty base64 characters that are called a secret key."""
    return _may_be_secret_key(match[0]) and bool(NAMED_SECRET_KEY.search(_before(match, 40)))


def _is_secret_key(match: re.Match[str]) -> bool:
    """Without that name: what stands near must speak of keys, or it must be random and stand by itself.

    Hashes in hex, paths, long names and the last line of a base64 block are as long and are none.
    """
    value, before = match[0], _before(match, 40)
    if not _may_be_secret_key(value) or LOWER_RUN.search(value) or ANOTHER_NAME.search(before):
        return False
    near = _before(match, 160) + " " + match.string[match.end() : match.end() + 160]
    if SECRET_KEY_NEAR.search(near) or ACCESS_KEY_ID.search(near):
        return True
    random = _entropy(value) >= 4.4 and len(re.findall("[0-9]", value)) >= 2
    return random and bool(STANDS_ALONE.search(before[-1:])) and not _ends_a_blob(match)


def _may_be_secret_key(value: str) -> bool:
    mixed = re.search("[A-Z]", value) and re.search("[a-z]", value) and re.search("[0-9/+]", value)
    return bool(mixed) and not MADE_UP.search(value) and _entropy(value) >= 4.0


def _ends_a_blob(match: re.Match[str]) -> bool:
    lines = _before(match, 120).split("\n")
    return len(lines) > 1 and not lines[-1].strip() and bool(BLOB_LINE.search(lines[-2]))


# Private keys

KEY_HEADER = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d: ")
KEY_MATTER = re.compile(r"[A-Za-z0-9+/]{40}")


def _has_key_matter(match: re.Match[str]) -> bool:
    """The header alone is what people write about keys."""
    return bool(KEY_MATTER.search(match.string, match.end(), match.end() + 600))


# Tokens

JWT = re.compile(
    r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{20,2000}(?![A-Za-z0-9_-])"
)


def _is_jwt(match: re.Match[str]) -> bool:
    """The first part of one is a JSON object that names its algorithm."""
    head = match[0].partition(".")[0]
    try:
        return "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        return False


AUTHORIZATION = re.compile(
    r"authorization[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?(?:bearer|basic|token)[ \t]{1,4}(?P<secret>[A-Za-z0-9._~+/=-]{16,4000})",
    re.IGNORECASE,
)


def _is_authorization(match: re.Match[str]) -> bool:
    return _is_real(match) and bool(re.search("[0-9]", match["secret"])) and _entropy(match["secret"][:400]) >= 3.0


# Passwords

URL_PASSWORD = re.compile(r"://[^\s/?#:@\"'<>]{0,100}:(?P<secret>[^\s/?#@\"'<>]{1,200})@(?=[A-Za-z0-9\[_$-])")
NOT_CHOSEN = re.compile(
    r"(?:pass|password|passwd|pw|pwd|secret|token|none|null|nil|true|false|string|redacted|hidden|masked|removed|user|x+|\.+"
    r"|\*+|-+|_+|•+)$",
    re.IGNORECASE,
)
POINTS_ELSEWHERE = re.compile(
    r"[$%{(\[<!&#@=/|*\\.-]|arn:|https?:|s3:|ssm:|vault:|env[.:]|op:|ref\+|file:|os\.|process\.|system\.|var\.|data\.|local\.|module\."
    r"|secrets?\.|config\.|settings\.|self\.|this\.|sha\d|md5|bcrypt",
    re.IGNORECASE,
)
DATE_OR_ADDRESS = re.compile(r"\d{4}-\d\d-\d\d|[^@\s]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,5}\.?$")
ASSIGNED = r"\\?[\"'`]?[ \t]{0,4}(?:=>|:=|=|:|：)[ \t]{0,4}\\?[\"'`]?"
VALUE = r"(?P<secret>[^\s\"'`<>,;\\（）]{4,200})"
PASSWORD = re.compile(
    rf"(?:pass(?:word|wd|phrase)|passwort|kennwort|contrase[ñn]a|mot de passe|senha|パスワード|(?<![a-z])pwd){ASSIGNED}{VALUE}",
    re.IGNORECASE,
)
PASSWORD_OPTION = re.compile(rf"(?<!-)--[a-z-]{{0,30}}(?:password|passphrase|passwd)[ =][\"']?{VALUE}", re.IGNORECASE)
PASSWORD_SAID = re.compile(
    rf"(?<![a-z])(?:password|passphrase|passwort|kennwort)[ \t](?:is|was|ist|lautet)[ \t][\"'`]?{VALUE}", re.IGNORECASE
)
API_KEY = re.compile(
    rf"(?<![:a-z])(?:[\w.-]{{0,40}}[_.-])?(?:api[_ -]?key|client[_ -]?secret|app[_ -]?secret|api[_ -]?secret|secret[_ -]?key|api[_ -]?token"
    rf"|auth[_ -]?token|access[_ -]?token|apikey|secret){ASSIGNED}{VALUE}",
    re.IGNORECASE,
)


def _is_url_password(match: re.Match[str]) -> bool:
    value = match["secret"]
    return not (NOT_CHOSEN.match(value) or MADE_UP.search(value) or (value.isdecimal() and len(value) <= 5))


def _is_password(match: re.Match[str]) -> bool:
    """Something that was chosen as a password: letters with digits or marks, and not a word, a reference or a call."""
    value = match["secret"].rstrip(".)")
    if len(value) < 6 or not _is_own_value(value):
        return False
    return bool(re.search(r"[^\W\d_]", value) and re.search(r"[0-9!@#$%^&*+?~]", value))


def _is_password_said(match: re.Match[str]) -> bool:
    """In a sentence a word follows as easily as a password, so it has to look like one."""
    value = match["secret"].rstrip(".)")
    kinds = sum(bool(re.search(each, value)) for each in ("[a-z]", "[A-Z]", "[0-9]", "[!@#$%^&*+?~]"))
    return len(value) >= 8 and kinds >= 3 and _is_own_value(value)


def _is_api_key(match: re.Match[str]) -> bool:
    """Long and random, letters and digits; names of secrets and paths to them are neither."""
    value = match["secret"].rstrip(".)")
    if len(value) < 16 or not re.fullmatch(r"[A-Za-z0-9_+/=.~-]+", value) or not _is_own_value(value):
        return False
    digits, letters = re.findall("[0-9]", value), re.findall("[A-Za-z]", value)
    words = re.findall(r"[a-z]{5,}|[A-Z]{5,}|[A-Z][a-z]{4,}", value)
    return len(digits) >= 3 and len(letters) >= 3 and _entropy(value) >= 3.0 and len("".join(words)) < 0.65 * len(value)


def _is_own_value(value: str) -> bool:
    elsewhere = POINTS_ELSEWHERE.match(value) or DATE_OR_ADDRESS.match(value) or "(" in value or value.count("/") > 1
    return not (elsewhere or MADE_UP.search(value) or NOT_CHOSEN.match(value)) and len(set(value)) > 3


# Cards

CARD = re.compile(
    r"(?<![\w.+/:=-])(?=(?P<secret>[2-6]\d{3}([ -])\d{4}\2\d{4}\2\d{4}|3\d{3}([ -])\d{6}\3\d{4,5}|[2-6]\d{12,18})(?![\w-]))"
)
CARD_LENGTHS = (
    (re.compile(r"4"), {13, 16, 19}),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), {16}),
    (re.compile(r"3[47]"), {15}),
    (re.compile(r"6011|64[4-9]|65"), {16, 19}),
    (re.compile(r"35(?:2[89]|[3-8])"), {16}),
    (re.compile(r"30[0-5]|3[68]"), {14}),
    (re.compile(r"62"), {16, 17, 18, 19}),
)
CARD_NEAR = re.compile(
    r"card|visa|master|amex|american express|diners|discover|\bjcb\b|\bpan\b|karte|carte|tarjeta|cartão|カード",
    re.IGNORECASE,
)
NUMBER_NAMED = re.compile(
    r"(?:order|invoice|request|trace|span|ticket|case|tracking|serial|account|customer|reference|ref|shipment|parcel|session|id|no|nr"
    r"|number|offset|sequence|timestamp|time|size|bytes|imei|ean|gtin|isbn|phone|tel|fax|mobile)\W{0,4}$",
    re.IGNORECASE,
)
MORE_GROUPS = re.compile(r"\d{4}[ -]$|^[ -]\d{4}(?!\d)")


def _is_card_number(match: re.Match[str]) -> bool:
    """Issuer, length and check digit fit, and nothing beside it says that the number is something else."""
    written = match["secret"]
    digits = "".join(each for each in written if each.isdecimal())
    fits = any(prefix.match(digits) and len(digits) in lengths for prefix, lengths in CARD_LENGTHS)
    if not fits or len(set(digits)) < 2 or not _passes_luhn(digits):
        return False
    start, end = match.span("secret")
    before, after = match.string[max(0, start - 60) : start], match.string[end : end + 60]
    if CARD_NEAR.search(before.rpartition("\n")[2]) or CARD_NEAR.search(after.partition("\n")[0]):
        return True
    if len(digits) in (13, 19) or NUMBER_NAMED.search(before):
        return False
    return not (MORE_GROUPS.search(before[-5:]) or MORE_GROUPS.search(after[:5]))


def _passes_luhn(digits: str) -> bool:
    """Double every second digit from the right, take nines out, and the sum ends in 0."""
    numbers = [int(each) for each in reversed(digits)]
    return sum(each if place % 2 == 0 else each * 2 - 9 * (each > 4) for place, each in enumerate(numbers)) % 10 == 0


def _token(kind: Kind, needs: str, pattern: str) -> Rule:
    """A token that says by its first characters whose it is."""
    return Rule(kind, tuple(needs.split()), re.compile(rf"(?<![A-Za-z0-9_]){pattern}(?![A-Za-z0-9_])"), _is_real)


BASE64URL = "[A-Za-z0-9_-]"
RULES = (
    Rule(Kind.PRIVATE_KEY, ("private key", "putty-user-key"), KEY_HEADER, _has_key_matter),
    Rule(Kind.AWS_KEY_ID, ("akia", "asia"), ACCESS_KEY_ID, _is_real),
    Rule(
        Kind.AWS_SESSION_TOKEN,
        ("token",),
        re.compile(
            r"(?:session[_ -]?token|security[_-]token)\\?[\"']?[ \t]{0,4}[:=][ \t]{0,4}\\?[\"']?(?P<secret>[A-Za-z0-9/+=%]{100,4000})",
            re.IGNORECASE,
        ),
        _is_real,
    ),
    Rule(
        Kind.AWS_SESSION_TOKEN,
        ("iqojb3jpz2lu", "fwogzxivyxdz", "fqogzxivyxdz", "agojb3jpz2lu"),
        re.compile(
            r"(?<![A-Za-z0-9/+])(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|AgoJb3JpZ2lu)[A-Za-z0-9/+=%]{80,4000}"
        ),
        _is_real,
    ),
    _token(Kind.GITHUB, "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _token(Kind.GITHUB, "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _token(
        Kind.GITLAB,
        "glpat- gldt- glrt- glptt- glcbt-",
        rf"gl(?:pat|dt|rt|ptt|cbt)-{BASE64URL}{{20,300}}(?:\.{BASE64URL}{{9,20}})?",
    ),
    _token(
        Kind.SLACK, "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-", r"xox[abeoprs]-(?:\d{1,20}-){1,4}[A-Za-z0-9-]{16,250}"
    ),
    _token(Kind.SLACK, "xapp-", r"xapp-\d-[A-Z0-9]{8,20}-\d{8,20}-[a-f0-9]{32,128}"),
    Rule(
        Kind.SLACK,
        ("hooks.slack.com",),
        re.compile(
            r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>T[A-Za-z0-9]{8,14}/[AB][A-Za-z0-9]{8,14}/[A-Za-z0-9/]{20,60})"
        ),
        _is_real,
    ),
    _token(Kind.STRIPE, "sk_live_ sk_test_ rk_live_ rk_test_", r"[sr]k_(?:live|test)_[A-Za-z0-9]{24,250}"),
    _token(Kind.STRIPE, "whsec_", r"whsec_[A-Za-z0-9+/]{32,100}"),
    _token(Kind.GOOGLE, "aiza", rf"AIza{BASE64URL}{{35}}"),
    _token(Kind.GOOGLE, "gocspx-", rf"GOCSPX-{BASE64URL}{{28}}"),
    _token(Kind.GOOGLE, "ya29.", rf"ya29\.{BASE64URL}{{30,2000}}"),
    _token(Kind.NPM, "npm_", r"npm_[A-Za-z0-9]{36}"),
    _token(Kind.PYPI, "pypi-ageich", rf"pypi-AgEIc{BASE64URL}{{50,1000}}"),
    Rule(
        Kind.AZURE,
        ("accountkey=", "sharedaccesskey="),
        re.compile(r"(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/]{40,90}={0,2})"),
        _is_real,
    ),
    _token(Kind.VENDOR, "sg.", rf"SG\.{BASE64URL}{{22}}\.{BASE64URL}{{43}}"),
    _token(Kind.VENDOR, "sk-ant-", rf"sk-ant-[a-z0-9]{{3,8}}-{BASE64URL}{{80,120}}"),
    _token(Kind.VENDOR, "t3blbkfj", rf"sk-{BASE64URL}{{20,100}}?T3BlbkFJ{BASE64URL}{{20,100}}"),
    _token(Kind.VENDOR, "dckr_pat_", rf"dckr_pat_{BASE64URL}{{27,60}}"),
    _token(Kind.VENDOR, "doo_v1_ dop_v1_ dor_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    _token(Kind.VENDOR, "hf_", r"hf_[A-Za-z]{34}"),
    _token(Kind.VENDOR, "dapi", r"dapi[a-f0-9]{32}(?:-\d)?"),
    _token(Kind.VENDOR, "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _token(Kind.VENDOR, "hvs. hvb.", rf"hv[sb]\.{BASE64URL}{{80,300}}"),
    _token(Kind.VENDOR, ".atlasv1.", rf"[A-Za-z0-9]{{14}}\.atlasv1\.{BASE64URL}{{60,70}}"),
    _token(Kind.VENDOR, "age-secret-key-1", r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}"),
    _token(Kind.VENDOR, "nrak-", r"NRAK-[A-Z0-9]{27}"),
    _token(Kind.VENDOR, "atatt3", r"ATATT3[A-Za-z0-9_=-]{100,300}"),
    _token(Kind.VENDOR, ":aa", rf"\d{{8,10}}:AA{BASE64URL}{{33}}"),
    Rule(Kind.JWT, ("eyj",), JWT, _is_jwt),
    Rule(Kind.URL_PASSWORD, ("://",), URL_PASSWORD, _is_url_password),
    Rule(Kind.AWS_SECRET_KEY, ("key",), SECRET_KEY, _is_named_secret_key),
    Rule(Kind.AUTHORIZATION, ("authorization",), AUTHORIZATION, _is_authorization),
    Rule(Kind.PASSWORD, ("--",), PASSWORD_OPTION, _is_password),
    Rule(Kind.PASSWORD, (), PASSWORD, _is_password),
    Rule(Kind.PASSWORD, (), PASSWORD_SAID, _is_password_said),
    Rule(Kind.API_KEY, ("key", "secret", "token"), API_KEY, _is_api_key),
    Rule(Kind.AWS_SECRET_KEY, (), SECRET_KEY, _is_secret_key),
    Rule(Kind.CARD_NUMBER, (), CARD, _is_card_number),
)

# Another one whenever the rules are: what was searched by other rules is searched again.
VERSION = hashlib.sha256(
    "\n".join(f"{rule.kind} {rule.pattern.pattern} {rule.pattern.flags}" for rule in RULES).encode()
).hexdigest()[:16]
