"""Viewing: who has a review page open just now, so that two reviewers do not read the same one."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from casesite import clock
from casesite.database import write
from casesite.submissions.models import Submission

FRESH = timedelta(minutes=5)  # after it was opened, a page counts as being read
AGAIN = timedelta(minutes=1)  # a page opened again before that is not written down anew


class ViewingQuerySet(models.QuerySet["Viewing"]):
    def fresh(self) -> "ViewingQuerySet":
        return self.filter(at__gt=clock.now() - FRESH)

    def by_others(self, user: Any) -> "ViewingQuerySet":
        return self.fresh().exclude(user=user).select_related("user").order_by("-at")


class Viewing(models.Model):
    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="viewings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    objects = ViewingQuerySet.as_manager()

    class Meta:
        verbose_name = _("viewing")
        verbose_name_plural = _("viewings")
        constraints = [models.UniqueConstraint(fields=("submission", "user"), name="viewing_once")]

    def __str__(self) -> str:
        return f"{self.user} reads {self.submission_id}"


def note_viewing(submission: Submission, user: Any) -> None:
    """Tell the other reviewers that this person reads it now."""
    now = clock.now()
    if Viewing.objects.filter(submission=submission, user=user, at__gt=now - AGAIN).exists():
        return
    with write():
        Viewing.objects.update_or_create(submission=submission, user=user, defaults={"at": now})
