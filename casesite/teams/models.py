"""Teams, who is in them with which role, and the AWS accounts they may act in."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from .placeholders import check_known
from .regions import named_in, validate_regions
from .targets import targets_in, validate_targets


class Role(models.TextChoices):
    """What a member may do in a team; each role includes the ones before it."""

    AGENT = "agent", _("Agent")
    REVIEWER = "reviewer", _("Reviewer")
    LEAD = "lead", _("Lead")


REVIEWING_ROLES = (Role.REVIEWER, Role.LEAD)


class Team(models.Model):
    """People who share cases and AWS accounts. Nobody outside sees any of it."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("team")
        verbose_name_plural = _("teams")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("team"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("person")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.AGENT)
    history = HistoricalRecords()

    class Meta:
        ordering = ("team__name", "user__username")
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=("team", "user"), name="membership_once_per_team")]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} in {self.team}"


class ReviewPolicy(models.TextChoices):
    ALWAYS = "always", _("Every case is reviewed before it goes out")
    AFTER_URGENT = "after_urgent", _("Urgent and critical cases go at once and are reviewed afterwards")
    NEVER = "never", _("Cases go out without review")


class SecondApproval(models.TextChoices):
    """Which of the cases that are reviewed before they go out need two people."""

    NEVER = "never", _("One person approves")
    URGENT = "urgent", _("Two people approve urgent and critical cases, one the others")
    ALWAYS = "always", _("Two people approve every case that is reviewed before it goes out")


class UnknownPolicy(models.TextChoices):
    RESEND = "resend", _("Send again, once, when AWS proves that it has no case")
    ASK = "ask", _("Look as usual, but let a person decide on sending again")


class CheckResult(models.TextChoices):
    NONE = "none", _("Not checked yet")
    GOOD = "good", _("Can send")
    LIMITED = "limited", _("Can send, with remarks")
    BLOCKED = "blocked", _("Can't send")


def default_cases_per_hour() -> int:
    return settings.CASES_PER_HOUR


def default_reserved_urgent() -> int:
    return settings.RESERVED_URGENT


class AwsAccountQuerySet(models.QuerySet["AwsAccount"]):
    def visible_to(self, user: Any) -> "AwsAccountQuerySet":
        """Accounts that a person may look at, inactive ones too: those of their teams; superusers all."""
        if user.is_superuser:
            return self
        return self.filter(teams__memberships__user=user).distinct()

    def usable_by(self, user: Any) -> "AwsAccountQuerySet":
        """Accounts that a person may open cases in: those of their teams."""
        return self.filter(teams__memberships__user=user, active=True).distinct()

    def managed_by(self, user: Any) -> "AwsAccountQuerySet":
        """Accounts whose settings a person may see and change: leads those of their teams, superusers all."""
        if user.is_superuser:
            return self
        return self.filter(teams__memberships__user=user, teams__memberships__role=Role.LEAD).distinct()


class AwsAccount(models.Model):
    """An AWS account that the site may act in. No AWS key is ever stored here."""

    account_id = models.CharField(
        _("account id"),
        max_length=12,
        unique=True,
        validators=[RegexValidator(r"^\d{12}\Z", _("An AWS account id has 12 digits."))],
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("What people call it, for instance “Payments prod”."))
    teams = models.ManyToManyField(Team, related_name="accounts", verbose_name=_("teams"))
    active = models.BooleanField(_("active"), default=True, help_text=_("An inactive account takes no new cases."))
    role_arn = models.CharField(
        _("role ARN"),
        max_length=2048,
        blank=True,
        validators=[
            RegexValidator(r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+\Z", _("This is not the ARN of an IAM role."))
        ],
        help_text=_(
            "The role that workers assume. Empty: the site's own credentials, which must belong to this account."
        ),
    )
    external_id = models.CharField(
        _("external id"),
        max_length=1224,
        blank=True,
        validators=[
            RegexValidator(r"^[\w+=,.@:/-]{2,1224}\Z", _("2 to 1,224 letters, digits or any of + = , . @ : / -"))
        ],
    )
    review_policy = models.CharField(
        _("review"), max_length=12, choices=ReviewPolicy.choices, default=ReviewPolicy.ALWAYS
    )
    second_approval = models.CharField(
        _("second approval"),
        max_length=8,
        choices=SecondApproval.choices,
        default=SecondApproval.NEVER,
        db_default=SecondApproval.NEVER,
        help_text=_("Each team that uses the account needs two people who review, beside the author."),
    )
    unknown_policy = models.CharField(
        _("when AWS did not answer"), max_length=8, choices=UnknownPolicy.choices, default=UnknownPolicy.RESEND
    )
    review_minutes = models.PositiveIntegerField(
        _("review within (minutes)"),
        default=240,
        db_default=240,
        validators=[MaxValueValidator(43_200)],
        help_text=_(
            "Reviewers are reminded after half of it, leads are told when it is over. 0: nobody is. It counts for what is "
            "submitted from now on."
        ),
    )
    approval_hours = models.PositiveIntegerField(
        _("approval holds for (hours)"),
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
        help_text=_("An approved case not sent by then is reviewed again if the account or the catalogue changed."),
    )
    cases_per_hour = models.PositiveIntegerField(
        _("cases per hour"),
        default=default_cases_per_hour,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text=_("AWS lets an account open 10 cases an hour."),
    )
    reserved_urgent = models.PositiveIntegerField(
        _("of these kept for urgent and critical"),
        default=default_reserved_urgent,
        validators=[MaxValueValidator(100_000)],
    )
    first_response = models.CharField(
        _("first response (minutes)"),
        max_length=120,
        blank=True,
        validators=[validate_targets],
        help_text=_(
            "Where the account's support plan promises other times than AWS's usual ones, for instance “critical=15”. "
            "Enterprise: critical=15; Unified Operations: critical=5."
        ),
    )
    connect_regions = models.CharField(
        _("Amazon Connect regions"),
        max_length=200,
        blank=True,
        validators=[validate_regions],
        help_text=_(
            "Where this account has Amazon Connect Cases, for instance “us-east-1, eu-central-1”. Empty: nowhere."
        ),
    )
    settings_changed_at = models.DateTimeField(_("settings changed"), null=True, editable=False)
    checked_at = models.DateTimeField(_("last check"), null=True, editable=False)
    check_result = models.CharField(max_length=8, choices=CheckResult.choices, default=CheckResult.NONE, editable=False)
    check_summary = models.CharField(max_length=500, blank=True, editable=False)
    check_details = models.JSONField(
        default=list, editable=False
    )  # [{"name", "state": good|limited|blocked, "text", "todo"}], some with a "code"
    history = HistoricalRecords(
        m2m_fields=["teams"], excluded_fields=["checked_at", "check_result", "check_summary", "check_details"]
    )

    objects = AwsAccountQuerySet.as_manager()

    class Meta:
        ordering = ("name", "account_id")
        verbose_name = _("AWS account")
        verbose_name_plural = _("AWS accounts")
        constraints = [
            models.CheckConstraint(condition=models.Q(cases_per_hour__gte=1), name="account_cases_per_hour_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.grouped_id})"

    # What an approval and a check rely on: both are asked for again when one of these changes.
    WEIGHTY = ("account_id", "role_arn", "external_id", "review_policy", "second_approval", "active", "connect_regions")

    def clean(self) -> None:
        super().clean()
        if self.role_arn and self.account_id not in self.role_arn.split(":"):
            raise ValidationError({"role_arn": _("This role belongs to another account.")})
        if (self.reserved_urgent or 0) >= (self.cases_per_hour or 1):
            text = _("Keep fewer than the cases per hour, or nothing but urgent cases ever goes out.")
            raise ValidationError({"reserved_urgent": text})
        if text := self._why_never_twice():
            raise ValidationError({"second_approval": text})

    def _why_never_twice(self) -> Any:
        """Where the two settings of review contradict each other."""
        if self.second_approval != SecondApproval.NEVER and self.review_policy == ReviewPolicy.NEVER:
            return _("Cases of this account go out without review, so nobody approves them, let alone two.")
        if self.second_approval == SecondApproval.URGENT and self.review_policy == ReviewPolicy.AFTER_URGENT:
            return _("Urgent and critical cases of this account go out at once: two people can't approve them before.")
        return ""

    @property
    def grouped_id(self) -> str:
        """The account id as people read it: 1111 2222 3333."""
        return " ".join((self.account_id[:4], self.account_id[4:8], self.account_id[8:]))

    @property
    def response_targets(self) -> dict[str, timedelta]:
        """AWS's first-response targets that differ from the usual ones, by severity code."""
        return targets_in(self.first_response)

    @property
    def regions(self) -> list[str]:
        """Where the account has Amazon Connect Cases."""
        return named_in(self.connect_regions)

    @property
    def can_send(self) -> bool:
        return self.active and self.check_result != CheckResult.BLOCKED


class CannedText(models.Model):
    """A subject and a description that a team writes often. Leads look after it, members put it into their cases."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="canned_texts", verbose_name=_("team"))
    name = models.CharField(_("name"), max_length=80, help_text=_("What members choose it by."))
    subject = models.CharField(_("subject"), max_length=250, blank=True)
    body = models.TextField(
        _("description"),
        max_length=7900,
        blank=True,
        help_text=_("Filled in when it is used: {account_name}, {account_id}, {service}, {today}."),
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("team__name", "name")
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [models.UniqueConstraint(fields=("team", "name"), name="canned_text_name_once_per_team")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        problems = {}
        for name in ("subject", "body"):
            try:
                check_known(getattr(self, name))
            except ValidationError as exc:
                problems[name] = exc
        if problems:
            raise ValidationError(problems)
        if not self.subject.strip() and not self.body.strip():
            raise ValidationError(_("Write a subject or a description."))


class Theme(models.TextChoices):
    AUTO = "auto", _("As the system")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Preferences(models.Model):
    """How one person wants to see the site."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    theme = models.CharField(_("theme"), max_length=5, choices=Theme.choices, default=Theme.AUTO)

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return f"{self.user}: {self.time_zone}, {self.theme}"
