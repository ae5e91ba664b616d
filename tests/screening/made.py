"""Makes up secrets while tests run, piece by piece, so that nothing in the repository looks like one."""

import base64
import json
import random
import re
import string

ALPHANUMERIC = string.ascii_letters + string.digits
BASE64 = ALPHANUMERIC + "+/"
BASE64URL = ALPHANUMERIC + "-_"
HEX = "0123456789abcdef"


def drawn(alphabet: str, length: int, seed: object) -> str:
    return "".join(random.Random(f"{seed}").choices(alphabet, k=length))


def key_id(seed: object, prefix: str = "AK") -> str:
    return f"{prefix}IA{drawn(string.ascii_uppercase + '234567', 16, seed)}"


def jwt(seed: object) -> str:
    def part(value: dict) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head, claims = {"alg": "HS256", "typ": "JWT"}, {"sub": "1234", "iat": 1516239022}
    return f"{part(head)}.{part(claims)}.{drawn(BASE64URL, 43, seed)}"


def base64_block(seed: object, lines: int = 6, last: int = 40) -> str:
    whole = [drawn(BASE64, 64, f"{seed} {number}") for number in range(lines)]
    return "\n".join([*whole, drawn(BASE64, last, f"{seed} last")])


def pem(kind: str, seed: object) -> str:
    name = "PRIVATE " + "KEY"
    rule = "-" * 5
    return f"{rule}BEGIN {kind}{name}{rule}\n{base64_block(seed)}\n{rule}END {kind}{name}{rule}"


def card(prefix: str, length: int, seed: object, groups: tuple[int, ...] = (), separator: str = " ") -> str:
    """A number of this issuer and length whose check digit is right."""
    digits = prefix + drawn(string.digits, length - len(prefix) - 1, seed)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    digits += str(-total % 10)
    if not groups:
        return digits
    starts = [sum(groups[:number]) for number in range(len(groups))]
    return separator.join(digits[start : start + size] for start, size in zip(starts, groups, strict=True))


MAKERS = {
    "key id": key_id,
    "temporary key id": lambda seed: key_id(seed, "AS"),
    "secret key": lambda seed: drawn(BASE64, 40, f"secret key {seed}"),
    "session token": lambda seed: "IQoJ" + "b3JpZ2lu" + drawn(BASE64, 300, seed) + "==",
    "private key": lambda seed: pem("RSA ", seed),
    "ec key": lambda seed: pem("EC ", seed),
    "openssh key": lambda seed: pem("OPENSSH ", seed),
    "pkcs8 key": lambda seed: pem("", seed),
    "one-line key": lambda seed: pem("", seed).replace("\n", "\\n"),
    "github": lambda seed: "gh" + "p_" + drawn(ALPHANUMERIC, 36, seed),
    "github server": lambda seed: "gh" + "s_" + drawn(ALPHANUMERIC, 36, seed),
    "github fine": lambda seed: "github" + f"_pat_{drawn(ALPHANUMERIC, 22, seed)}_{drawn(ALPHANUMERIC, 59, seed)}",
    "gitlab": lambda seed: "gl" + "pat-" + drawn(ALPHANUMERIC, 20, seed),
    "slack": lambda seed: (
        "xo" + f"xb-{drawn('123456789', 12, seed)}-{drawn('123456789', 13, seed)}-{drawn(ALPHANUMERIC, 24, seed)}"
    ),
    "slack hook": lambda seed: (
        f"T{drawn('ABC0123', 10, seed)}/B{drawn('DEF456', 10, seed)}/{drawn(ALPHANUMERIC, 24, seed)}"
    ),
    "stripe": lambda seed: "sk" + "_live_" + drawn(ALPHANUMERIC, 24, seed),
    "google": lambda seed: "AI" + "za" + drawn(BASE64URL, 34, seed) + "k",
    "google secret": lambda seed: "GOC" + "SPX-" + drawn(ALPHANUMERIC, 28, seed),
    "npm": lambda seed: "np" + "m_" + drawn(ALPHANUMERIC, 36, seed),
    "pypi": lambda seed: "py" + "pi-AgEI" + "cHlwaS5vcmc" + drawn(ALPHANUMERIC, 120, seed),
    "azure": lambda seed: drawn(BASE64, 86, seed) + "==",
    "sendgrid": lambda seed: f"S{'G'}.{drawn(ALPHANUMERIC, 22, seed)}.{drawn(ALPHANUMERIC, 43, seed)}",
    "vault": lambda seed: "hv" + "s." + drawn(ALPHANUMERIC, 90, seed),
    "jwt": jwt,
    "opaque": lambda seed: drawn(ALPHANUMERIC, 40, f"opaque {seed}"),
    "password": lambda seed: "Tr0ub" + "4dor&" + drawn(string.digits, 3, seed),
    "plain password": lambda seed: "hunter" + drawn(string.digits, 4, seed),
    "api key": lambda seed: drawn(HEX, 32, seed),
    "visa": lambda seed: card("4", 16, seed, (4, 4, 4, 4)),
    "visa in one": lambda seed: card("4", 16, seed),
    "mastercard": lambda seed: card("53", 16, seed, (4, 4, 4, 4), "-"),
    "amex": lambda seed: card("37", 15, seed, (4, 6, 5)),
    "diners": lambda seed: card("36", 14, seed),
    # harmless
    "hex 40": lambda seed: drawn(HEX, 40, seed),
    "hex 64": lambda seed: drawn(HEX, 64, seed),
    "hex 32": lambda seed: drawn(HEX, 32, seed),
    "base64 block": base64_block,
    "base64 76": lambda seed: drawn(BASE64, 75, seed) + "=",
    "base64 56": lambda seed: drawn(BASE64URL, 54, seed) + "==",
    "base64 40": lambda seed: drawn(BASE64, 40, f"forty {seed}"),
    "base64 300": lambda seed: drawn(BASE64, 300, seed),
    "upper 16": lambda seed: drawn(string.ascii_uppercase + string.digits, 16, seed),
    "upper 21": lambda seed: drawn(string.ascii_uppercase + "234567", 17, seed),
    "url safe 40": lambda seed: drawn(BASE64URL, 19, seed) + "-" + drawn(BASE64URL, 20, seed),
    "order number": lambda seed: card("4", 16, seed),
    "spaced order number": lambda seed: card("51", 16, seed, (4, 4, 4, 4)),
    "bad check digit": lambda seed: card("4", 16, seed)[:-1] + str((int(card("4", 16, seed)[-1]) + 5) % 10),
}


def filled(text: str, seed: object) -> str:
    """The text with each ⟪name⟫ replaced by something made up of that kind."""
    numbers = iter(range(1_000))
    return re.sub("⟪(.*?)⟫", lambda match: MAKERS[match[1]](f"{seed} {next(numbers)}"), text)
