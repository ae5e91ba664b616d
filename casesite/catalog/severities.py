"""What AWS's severity codes mean. The API names them shortly; these are the names of AWS's console and its promise."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Severity:
    """`first_response` is AWS's target from the opening of the case on; `answer_within` the same, for reckoning with.

    Where plans differ it is the longest of all of them: `sooner_on_some_plans`.
    """

    code: str
    name: Any
    meaning: Any = ""
    first_response: Any = ""
    answer_within: timedelta | None = None
    sooner_on_some_plans: bool = False

    @property
    def within(self) -> str:
        """The target as it reads on after "within"; empty where none is known."""
        return in_words(self.answer_within) if self.answer_within else ""


# https://docs.aws.amazon.com/awssupport/latest/user/case-management.html
KNOWN = {
    severity.code: severity
    for severity in (
        Severity(
            "low", _("General guidance"), _("A general question, or a wish."), _("24\u00a0h"), timedelta(hours=24)
        ),
        Severity(
            "normal",
            _("System impaired"),
            _("Something not critical behaves oddly."),
            _("12\u00a0h"),
            timedelta(hours=12),
        ),
        Severity(
            "high",
            _("Production system impaired"),
            _("Important functions are impaired."),
            _("4\u00a0h"),
            timedelta(hours=4),
        ),
        Severity(
            "urgent",
            _("Production system down"),
            _("Important functions are not available."),
            _("1\u00a0h"),
            timedelta(hours=1),
        ),
        Severity(
            "critical",
            _("Business-critical system down"),
            _("The business is at risk."),
            _("30\u00a0min or less, by the plan"),
            timedelta(minutes=30),
            sooner_on_some_plans=True,
        ),
    )
}


def severity_of(code: str, name: str = "", targets: Mapping[str, timedelta] | None = None) -> Severity:
    """What is known about a code; one that AWS brings anew is shown by its name.

    `targets` are those of an account whose plan promises other times: `account.response_targets`.
    """
    known = KNOWN.get(code) or Severity(code, name or code)
    span = (targets or {}).get(code)
    if span is None:
        return known
    return replace(known, first_response=in_words(span), answer_within=span, sooner_on_some_plans=False)


def in_words(span: timedelta) -> str:
    """`15 min`, `4 h`, `1 h 30 min`: no line ends between a number and its unit."""
    hours, minutes = divmod(round(span.total_seconds() / 60), 60)
    parts = [_("%(n)d\u00a0h") % {"n": hours}] if hours else []
    parts += [_("%(n)d\u00a0min") % {"n": minutes}] if minutes or not hours else []
    return " ".join(str(part) for part in parts)
