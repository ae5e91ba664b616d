"""What the pages of review and care show in a way of their own."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from casesite.review import marks
from casesite.review.forms import comment_on
from casesite.screening.secrets import Finding

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
_OUTCOME_WORDS = {
    "": _("Under way."),
    "done": _("AWS opened the case."),
    "refused_retry": _("AWS refused it for now."),
    "refused_final": _("AWS refused it."),
    "not_sent": _("Nothing left here."),
    "unknown": _("AWS gave no answer that proves anything."),
    "absent": _("AWS proved not to have it."),
    "waived": _("A lead decided in place of a proof."),
}
_VERDICT_TONES = {"approve": "ok", "release": "ok", "return": "warn", "reject": "bad"}


@register.filter
def marked(text: str, secrets: Iterable[Finding] = ()) -> SafeString:
    """The text with marks at what could not be seen otherwise, and around secrets."""
    return marks.marked(text, secrets)


@register.filter
def comment_box(form: Any, field: str) -> Any:
    """The box for a comment on a field, or nothing where there is none."""
    name = comment_on(field)
    return form[name] if name in form.fields else None


@register.filter
def state_tone(state: str) -> str:
    return _STATE_TONES.get(state, "plain")


@register.filter
def outcome_tone(outcome: str) -> str:
    return _OUTCOME_TONES.get(outcome, "plain")


@register.filter
def outcome_words(outcome: str) -> Any:
    """What became of a sending, in one sentence."""
    return _OUTCOME_WORDS.get(outcome, "")


@register.filter
def verdict_tone(what: Any) -> str:
    return _VERDICT_TONES.get(what, "plain")
