"""Sends the letters about notices. What a mail server does not take stays in the table and is tried again.

No transaction is open while a letter goes out. A letter is claimed before it is sent, so that two senders do not send it
both; one whose sender died between sending and writing that down may come twice, under the same Message-ID.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from casesite import clock
from casesite.catalog.labels import trouble_of
from casesite.database import write
from casesite.pacing.models import Circuit

from .models import Kind, Notice
from .trouble import still_holds

logger = logging.getLogger(__name__)
AT_ONCE = 50
CLAIM = timedelta(minutes=5)  # longer than a server that does not answer keeps us
LONGEST_PAUSE = timedelta(hours=1)


def is_due() -> bool:
    return bool(settings.MAIL) and _due(clock.now()).exists()


def send_due() -> None:
    """Send every letter that is due. The first sign that the server is away ends the round."""
    if not settings.MAIL:
        return
    connection: Any = get_connection()
    try:
        about = ("user", "account", "submission__case", "submission__account")
        for notice in _due(clock.now()).select_related(*about)[:AT_ONCE]:
            if not _send(notice, connection):
                return
    finally:
        connection.close()


def _due(now: datetime) -> Any:
    return Notice.objects.filter(next_try_at__lte=now).order_by("next_try_at", "pk")


def _send(notice: Notice, connection: Any) -> bool:
    """False where the server can't be reached, or takes nothing from us."""
    if not _claim(notice):
        return True
    try:
        letter_of(notice, connection).send()
    except (SMTPException, OSError) as exc:
        pause = min(timedelta(minutes=2 ** min(notice.tries, 10)), LONGEST_PAUSE)
        _finish(notice, next_try_at=clock.now() + pause)
        logger.warning("a letter could not be sent", extra={"notice": notice.pk, "error": type(exc).__name__})
        return isinstance(exc, (SMTPRecipientsRefused, SMTPDataError))  # it answered, and did not want this one letter
    _finish(notice, next_try_at=None, mailed_at=clock.now())
    return True


def _claim(notice: Notice) -> bool:
    """Take the letter for this sender. One about something that is over by now is not sent any more."""
    waits = still_holds(notice)
    until = clock.now() + CLAIM if waits else None
    with write():
        free = Notice.objects.filter(pk=notice.pk, next_try_at=notice.next_try_at)
        taken = free.update(next_try_at=until, tries=notice.tries + 1)
    notice.next_try_at, notice.tries = until, notice.tries + 1
    return bool(taken) and waits


def _finish(notice: Notice, **fields: Any) -> None:
    with write():
        Notice.objects.filter(pk=notice.pk).update(**fields)


@dataclass(frozen=True)
class Words:
    """What a kind of letter says: its heading about a name, the template of its text, and the page behind its address."""

    heading: str
    template: str
    page: str


def _words_of(kind: Kind) -> Words:
    review, attention = "admin:submissions_submission_change", "admin:submissions_submission_attention"
    return {
        Kind.REMINDER: Words(_("Waiting for review: %s"), "letter", review),
        Kind.ESCALATION: Words(_("Review is overdue: %s"), "letter", review),
        Kind.ATTENTION: Words(_("Needs a person: %s"), "attention", attention),
        Kind.UNKNOWN: Words(_("Urgent, and AWS did not answer: %s"), "unknown", attention),
        Kind.STOPPED: Words(_("Calls to AWS are stopped: %s"), "stopped", "account"),
    }[kind]


def letter_of(notice: Notice, connection: Any = None) -> EmailMessage:
    """The letter; of a case it holds the subject, and nothing of its text or of what AWS said."""
    words = _words_of(Kind(notice.kind))
    name = _name(notice)
    context = {
        "notice": notice,
        "submission": notice.submission,
        "subject": name,
        "troubles": _troubles(notice),
        "address": settings.URL + reverse(words.page, args=[notice.submission_id or notice.account_id]),
    }
    return EmailMessage(
        words.heading % name,
        render_to_string(f"notices/{words.template}.txt", context),
        to=[notice.user.email],
        connection=connection,
        headers={
            "Message-ID": f"<notice-{notice.pk}@{urlsplit(settings.URL).hostname}>",
            "Auto-Submitted": "auto-generated",
        },
    )


def _name(notice: Notice) -> str:
    """What it is about, on one line."""
    text = str(notice.account) if notice.submission is None else str(notice.submission.content["subject"])
    return " ".join(text.split())


def _troubles(notice: Notice) -> list[str]:
    """What keeps an account's calls from AWS, each once, in words of ours."""
    if notice.account is None:
        return []
    gates = notice.account.gates.exclude(circuit=Circuit.CLOSED).order_by("pk")
    now = clock.now()
    found = [f"{gate.api_name}: {trouble.text}" for gate in gates if (trouble := trouble_of(gate, now))]
    return list(dict.fromkeys(found))
