"""What the pages of review and care show in a way of their own."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from casesite.review import marks

register = template.Library()

_STATE_TONES = {
    "pending_review": "warn",
    "preparing": "wait",
    "sending": "wait",
    "unknown": "doubt",
    "needs_attention": "bad",
    "delivered": "ok",
    "failed": "bad",
    "rejected": "bad",
    "returned": "warn",
}
_OUTCOME_TONES = {"done": "ok", "refused_final": "bad", "unknown": "doubt", "": "wait", "waived": "warn"}
_VERDICT_TONES = {"approve": "ok", "release": "ok", "return": "warn", "reject": "bad"}


@register.filter
def marked(text: str) -> SafeString:
    """The text with marks at what could not be seen otherwise."""
    return marks.marked(text)


@register.filter
def state_tone(state: str) -> str:
    return _STATE_TONES.get(state, "plain")


@register.filter
def outcome_tone(outcome: str) -> str:
    return _OUTCOME_TONES.get(outcome, "plain")


@register.filter
def verdict_tone(what: Any) -> str:
    return _VERDICT_TONES.get(what, "plain")
