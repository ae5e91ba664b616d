"""Notice: one person was told one thing that waits for them. The pages show the same from the rows themselves."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from casesite.submissions.models import Submission
from casesite.teams.models import AwsAccount


class Kind(models.TextChoices):
    REMINDER = "reminder", _("half of the time for its review is over")
    ESCALATION = "escalation", _("the time for its review is over")
    ATTENTION = "attention", _("it needs a person")
    UNKNOWN = "unknown", _("it is urgent, and nobody knows whether AWS has it")
    STOPPED = "stopped", _("calls to AWS are stopped")


class Notice(models.Model):
    """It is about a submission, or about an account that is stopped."""

    submission = models.ForeignKey(Submission, null=True, on_delete=models.PROTECT, related_name="notices")
    account = models.ForeignKey(AwsAccount, null=True, on_delete=models.CASCADE, related_name="notices")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    due_at = (
        models.DateTimeField()
    )  # since when, or when it was due: with what it is about and its kind it names the fact
    at = models.DateTimeField()
    # The letter about it: not before `next_try_at`; null where none is (any more) to be sent.
    next_try_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(fields=("submission", "user", "kind", "due_at"), name="notice_once_for_each_fact"),
            models.UniqueConstraint(fields=("account", "user", "kind", "due_at"), name="notice_once_for_each_account"),
            models.CheckConstraint(
                condition=models.Q(submission__isnull=False, account=None)
                | models.Q(submission=None, account__isnull=False),
                name="notice_about_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=("next_try_at",), condition=models.Q(next_try_at__isnull=False), name="notice_mail")
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user_id} about {self.submission_id or self.account_id}"
