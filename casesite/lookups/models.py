"""Lookup: a read-only question to AWS that a page asks and a worker answers."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from casesite import clock
from casesite.teams.models import AwsAccount
from casesite.teams.permissions import team_ids

from . import registry

PATIENCE = timedelta(
    seconds=20
)  # how long a page asks by itself; without an answer by then it says that no worker answers


class LookupState(models.TextChoices):
    OPEN = "open", _("asked")
    ANSWERED = "answered", _("answered")
    FAILED = "failed", _("could not be answered")


class LookupQuerySet(models.QuerySet["Lookup"]):
    def open(self) -> "LookupQuerySet":
        return self.filter(state=LookupState.OPEN)

    def visible_to(self, user: Any) -> "LookupQuerySet":
        """Questions about accounts that a person may see; private ones only where they are of the person's team.

        Personal ones are only seen by who asked them.
        """
        others = models.Q(kind__in=registry.private_kinds()) & ~models.Q(
            **{f"params__{registry.TEAM}__in": list(team_ids(user))}
        )
        own = ~models.Q(kind__in=registry.personal_kinds()) | models.Q(asked_by=user.pk)
        return self.filter(own, account__in=AwsAccount.objects.visible_to(user)).exclude(others)


class Lookup(models.Model):
    """One question about one account. The newest row of (account, kind, key) is the one pages use."""

    account = models.ForeignKey(AwsAccount, on_delete=models.CASCADE, related_name="lookups")
    kind = models.CharField(max_length=30)
    key = models.CharField(max_length=64, help_text=_("digest of the parameters"))
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=LookupState.choices, default=LookupState.OPEN)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    answer = models.JSONField(null=True)
    error = models.CharField(max_length=500, blank=True, help_text=_("in words for people"))
    answered_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    objects = LookupQuerySet.as_manager()

    class Meta:
        verbose_name = _("lookup")
        verbose_name_plural = _("lookups")
        constraints = [
            models.UniqueConstraint(
                fields=("account", "kind", "key"), condition=models.Q(state="open"), name="lookup_one_open"
            )
        ]
        indexes = [
            models.Index(fields=("account", "kind", "key", "-id"), name="lookup_newest"),
            models.Index(fields=("state", "account"), name="lookup_open", condition=models.Q(state="open")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account_id}: {self.state}"

    def get_absolute_url(self) -> str:
        return reverse("lookup", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state == LookupState.OPEN

    @property
    def is_overdue(self) -> bool:
        """Asked, and for longer than a page waits no worker has answered."""
        return self.is_open and clock.now() - self.asked_at > PATIENCE
