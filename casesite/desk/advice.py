"""What the words of a draft give to think about before it goes: secrets in them, a quota request, a severity that does not
fit, and what a good case says. Worked out once for each request, and only as far as it is asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, ngettext

from casesite.cases import file_secrets
from casesite.cases.models import CaseFile
from casesite.catalog.known import IssueType
from casesite.catalog.severities import Severity, severity_of
from casesite.screening.checklist import RULES, Item, missing_as_headings, said
from casesite.screening.places import DESCRIPTION, SUBJECT, Place
from casesite.screening.places import NAMED as NAMED_TEXT
from casesite.screening.quota import REGION, QuotaRequest, console_link, quota_request
from casesite.screening.secrets import Finding, Kind, find_secrets
from casesite.screening.severity import Disagreement, disagreement

from .forms import texts
from .forms.offer import Offer

SEARCHED = 20_000  # characters of a text; what can be submitted is shorter
NAMED = 10  # of many secrets, as many are named
KEY_LINES = 100  # that a private key may have
ANY = "on"  # the tick of a client that saw no page: for whatever is found

# A question about a bill has no region and no exact error.
ITEMS: dict[str, tuple[Item, ...]] = {IssueType.CUSTOMER_SERVICE: (Item.SINCE, Item.IMPACT, Item.TRIED)}
HINTS: dict[str, Promise] = {
    IssueType.TECHNICAL: gettext_lazy(
        "What happens, since when, region and resource ids, who is affected, what you tried. No passwords or keys."
    ),
    IssueType.CUSTOMER_SERVICE: gettext_lazy(
        "Which charge, invoice or account, the amount and the month, what you expected instead. No card numbers."
    ),
}
GUIDANCE: dict[str, Promise] = {
    IssueType.TECHNICAL: gettext_lazy(
        "Engineers who have never seen your system read this. Quote errors word for word, give times with their zone, and name one resource that shows it."
    ),
    IssueType.CUSTOMER_SERVICE: gettext_lazy(
        "The billing team sees your invoices but not your reasons: give the invoice number or month, the amount, and what you want to come of it."
    ),
}


@dataclass(frozen=True)
class Secret:
    """`mark` tells it from every other secret, and does not give it away."""

    place: Place
    mark: str


@dataclass(frozen=True)
class Quota:
    """Where the higher quota that is asked for can be had."""

    request: QuotaRequest
    link: str


class SecretsTold:
    """The secrets that a form's texts hold, and the tick that lets them go out."""

    secrets: list[Secret]
    ticked: str

    @property
    def tick(self) -> str:
        """What the tick says: for which secrets it holds."""
        return " ".join(sorted({secret.mark for secret in self.secrets}))

    @property
    def is_confirmed(self) -> bool:
        """Whether all that is found was ticked to be sent. A secret that came later was not."""
        marks = {secret.mark for secret in self.secrets}
        return self.ticked == ANY or (bool(self.ticked) and marks <= set(self.ticked.split()))

    @property
    def secret_messages(self) -> list[str]:
        places = list(dict.fromkeys(secret.place for secret in self.secrets))
        more = len(places) - NAMED
        rest = [ngettext("And %(n)d more.", "And %(n)d more.", more) % {"n": more}] if more > 0 else []
        return [place.message for place in places[:NAMED]] + rest

    @property
    def record(self) -> str:
        """Kinds and places, one a line, to be kept."""
        return "\n".join(dict.fromkeys(secret.place.code for secret in self.secrets))


class Advice(SecretsTold):
    """`values` are the form's raw values: what is posted, or what a draft holds."""

    def __init__(self, offer: Offer, values: Mapping[str, Any], files: Iterable[CaseFile] = ()) -> None:
        self.offer = offer
        self.files = files
        self.subject = _text(values, SUBJECT).strip()
        self.description = _text(values, DESCRIPTION)
        self.ticked = str(values.get("confirm_secrets") or "")
        self.shown = str(values.get("advice_shown") or "")

    # --- secrets -------------------------------------------------------------------------------------------------------
    @cached_property
    def _findings(self) -> dict[str, list[Finding]]:
        return {SUBJECT: find_secrets(self.subject), DESCRIPTION: find_secrets(self.description)}

    @cached_property
    def secrets(self) -> list[Secret]:  # type: ignore[override]
        return [
            *_marked(SUBJECT, self.subject, self._findings),
            *_marked(DESCRIPTION, self.description, self._findings),
            *_marked_files(self.files),
        ]

    # --- other remarks -------------------------------------------------------------------------------------------------
    @cached_property
    def quota(self) -> Quota | None:
        subject, description = self._harmless
        request = quota_request(subject, description, self.offer.service_code, self.offer.category_code)
        if request is None:
            return None
        return Quota(request, console_link(request, _region_in(subject, description), self._partition))

    @cached_property
    def doubt(self) -> Disagreement | None:
        return disagreement(self.offer.severity_code, *self._harmless)

    @property
    def severity(self) -> Severity:
        return severity_of(self.offer.severity_code)

    @property
    def has_problems(self) -> bool:
        return bool(self.secrets or self.quota or self.doubt)

    # --- what a good case says -----------------------------------------------------------------------------------------
    @property
    def items(self) -> tuple[Item, ...]:
        return ITEMS.get(self._kind, tuple(Item))

    @cached_property
    def checks(self) -> list[tuple[Item, bool]]:
        """Each with whether it is said already, in the subject or the description."""
        found = said(f"{self.subject}\n{self.description}")
        return [(item, item in found) for item in self.items]

    @property
    def missing(self) -> list[Item]:
        return [item for item, is_said in self.checks if not is_said]

    @property
    def guidance(self) -> Promise:
        return GUIDANCE[self._kind]

    @property
    def hint(self) -> Promise:
        return HINTS[self._kind]

    # --- shared --------------------------------------------------------------------------------------------------------
    @cached_property
    def state(self) -> str:
        """Another one whenever the page would show something else."""
        quota, doubt = self.quota, self.doubt
        parts = (
            [(secret.place.code, secret.mark) for secret in self.secrets],
            (quota.link, self.offer.account_pk) if quota else None,
            (doubt.doubt, doubt.words, self.offer.severity_code) if doubt else None,
            self.checks,
        )
        return _keyed("state", repr(parts))

    @property
    def is_new(self) -> bool:
        return self.state != self.shown

    @property
    def _kind(self) -> str:
        kind = self.offer.issue_type
        return kind if kind in HINTS else IssueType.TECHNICAL

    @property
    def _partition(self) -> str:
        """Of the account, as its role's ARN says."""
        parts = self.offer.account.role_arn.split(":") if self.offer.account else []
        return parts[1] if len(parts) > 1 else "aws"

    @cached_property
    def _harmless(self) -> tuple[str, str]:
        """Both texts without the secrets, so that no remark quotes one."""
        return tuple(  # type: ignore[return-value]
            _without(text, self._findings[field])
            for field, text in ((SUBJECT, self.subject), (DESCRIPTION, self.description))
        )


class NamedTexts(SecretsTold):
    """The same for a form whose texts have names of their own: those of a Connect template's fields."""

    def __init__(self, texts_by_name: Mapping[str, str], ticked: str) -> None:
        self.texts = {name: texts.with_lf(text)[:SEARCHED] for name, text in texts_by_name.items()}
        self.ticked = ticked

    @cached_property
    def secrets(self) -> list[Secret]:  # type: ignore[override]
        found: list[Secret] = []
        for name, text in self.texts.items():
            for secret in _marked(name, text, {name: find_secrets(text)}):
                place = Place(NAMED_TEXT, secret.place.line, secret.place.kind, file=" ".join(name.split()))
                found.append(Secret(place, secret.mark))
        return found


def with_missing_headings(advice: Advice, description: str) -> tuple[str, bool]:
    """The description with headings for what it does not say, as far as AWS takes it; and whether all found room."""
    text = texts.with_lf(description)
    appended = missing_as_headings(text, advice.missing, texts.DESCRIPTION_LIMIT - len(text))
    whole = text + appended
    return whole, not missing_as_headings(whole, advice.missing)


def _text(values: Mapping[str, Any], name: str) -> str:
    return texts.with_lf(str(values.get(name) or ""))[:SEARCHED]


def _marked(field: str, text: str, findings: Mapping[str, list[Finding]]) -> Iterable[Secret]:
    lines = text.split("\n") if findings[field] else []
    for finding in findings[field]:
        yield Secret(Place(field, finding.line, finding.kind), _keyed(finding.kind, _matter(finding, lines)))


def _marked_files(files: Iterable[CaseFile]) -> Iterable[Secret]:
    """A secret in a file is told apart by the file's bytes and its line: another file needs another tick."""
    asked = [file_secrets.Bytes(file.sha256, file.size, file.name) for file in files]
    for file, search in file_secrets.searches_of(asked).items():
        for place in file_secrets.places_in({file: search}):
            yield Secret(place, _keyed(place.kind, f"{file.sha256}:{place.line}"))


def _matter(finding: Finding, lines: list[str]) -> str:
    """The secret itself. Of a private key the header is what was found; the key stands on the lines below it."""
    first = lines[finding.line - 1]
    if finding.kind != Kind.PRIVATE_KEY:
        return first[finding.start : finding.end]
    block = [first[finding.start :]]
    for line in lines[finding.line : finding.line + KEY_LINES]:
        block.append(line)
        if "-----END " in line:
            break
    return "\n".join(block)


def _without(text: str, findings: list[Finding]) -> str:
    if not findings:
        return text
    lines = text.split("\n")
    for finding in reversed(findings):
        line = lines[finding.line - 1]
        lines[finding.line - 1] = f"{line[: finding.start]}…{line[finding.end :]}"
    return "\n".join(lines)


def _keyed(name: str, value: str) -> str:
    """A short digest that nobody without the site's key can try values against."""
    digest = salted_hmac(f"casesite.desk.advice.{name}", value.encode("utf-8", "surrogatepass"), algorithm="sha256")
    return digest.hexdigest()[:24]


def _region_in(*written: str) -> str:
    """The code of the first region that is named."""
    named = (match[0] for text in written for match in RULES[Item.REGION].finditer(text))
    return next((name for name in named if REGION.fullmatch(name)), "")
