"""Texts of the team on the form: put in without taking away a word that somebody wrote."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from casesite import clock
from casesite.teams.models import CannedText
from casesite.teams.placeholders import filled, left_in

from .forms import texts
from .forms.offer import Offer


@dataclass(frozen=True)
class Inserted:
    """What became of it, for the page to say."""

    text: CannedText
    kept_subject: bool  # there was one already
    below: bool  # there was a description already
    unfilled: list[str]


def insert(values: dict[str, Any], offer: Offer) -> Inserted | None:
    """Put the chosen text into the form's raw values: the subject where there is none, the description below what is there."""
    chosen = str(values.get("canned_text") or "")
    offered = next((pk for pk, _name in offer.canned_choices if str(pk) == chosen), None)
    text = CannedText.objects.filter(pk=offered).first() if offered else None
    if text is None:
        return None
    known = _known(offer)
    subject, body = filled(text.subject, known), texts.with_lf(filled(text.body, known))
    had_subject = str(values.get("subject") or "").strip()
    had_body = texts.with_lf(str(values.get("communication_body") or "")).rstrip()
    if not had_subject:
        values["subject"] = subject
    if body:
        values["communication_body"] = f"{had_body}\n\n{body}" if had_body else body
    put_in = body if had_subject else f"{subject}\n{body}"
    return Inserted(
        text,
        kept_subject=bool(had_subject and subject and had_subject != subject),
        below=bool(had_body and body),
        unfilled=left_in(put_in),
    )


def _known(offer: Offer) -> dict[str, str]:
    service = offer.snapshot.service(offer.service_code)
    return {
        "account_name": offer.account.name if offer.account else "",
        "account_id": offer.account.account_id if offer.account else "",
        "service": service.name if service else "",
        "today": timezone.localtime(clock.now()).date().isoformat(),
    }
