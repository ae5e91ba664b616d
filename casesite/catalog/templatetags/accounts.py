"""Accounts in templates."""

from django import template

from casesite.catalog import labels
from casesite.teams.models import AwsAccount

register = template.Library()

_TONES_OF_STATES = {"good": "ok", "limited": "warn", "blocked": "bad"}


@register.filter
def label(account: AwsAccount) -> labels.Label:
    """Whether it can send, for `state_chip`."""
    return labels.account_label(account)


@register.filter
def tone(state: str) -> str:
    """The tone of a finding's state."""
    return _TONES_OF_STATES.get(state, "plain")
