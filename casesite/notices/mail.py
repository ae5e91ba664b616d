"""Sends the letters about notices. What a mail server does not take stays in the table and is tried again.

No transaction is open while a letter goes out. A letter is claimed before it is sent, so that two senders do not send it
both; one whose sender died between sending and writing that down may come twice, under the same Message-ID.
"""

import logging
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
from casesite.database import write
from casesite.submissions.models import Submission
from casesite.submissions.states import State

from .models import Kind, Notice

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
        for notice in _due(clock.now()).select_related("user", "submission__case", "submission__account")[:AT_ONCE]:
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
    """Take the letter for this sender. One about something that is decided by now is not sent any more."""
    waits = Submission.objects.filter(pk=notice.submission_id, state=State.PENDING_REVIEW).exists()
    until = clock.now() + CLAIM if waits else None
    with write():
        free = Notice.objects.filter(pk=notice.pk, next_try_at=notice.next_try_at)
        taken = free.update(next_try_at=until, tries=notice.tries + 1)
    notice.next_try_at, notice.tries = until, notice.tries + 1
    return bool(taken) and waits


def _finish(notice: Notice, **fields: Any) -> None:
    with write():
        Notice.objects.filter(pk=notice.pk).update(**fields)


def letter_of(notice: Notice, connection: Any = None) -> EmailMessage:
    """The letter; of the case it holds the subject, and nothing of its text."""
    submission = notice.submission
    subject = " ".join(str(submission.content["subject"]).split())
    heading = _("Review is overdue: %s") if notice.kind == Kind.ESCALATION else _("Waiting for review: %s")
    context = {
        "notice": notice,
        "submission": submission,
        "subject": subject,
        "address": settings.URL + reverse("admin:submissions_submission_change", args=[submission.pk]),
    }
    return EmailMessage(
        heading % subject,
        render_to_string("notices/letter.txt", context),
        to=[notice.user.email],
        connection=connection,
        headers={
            "Message-ID": f"<notice-{notice.pk}@{urlsplit(settings.URL).hostname}>",
            "Auto-Submitted": "auto-generated",
        },
    )
