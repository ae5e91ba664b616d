"""AccountGate: how fast, and whether at all, an account may be asked now. In the database, so that no flushed broker forgets it."""

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from casesite.teams.models import AwsAccount


class Mode(models.TextChoices):
    READ = "read", _("reading")
    WRITE = "write", _("writing")


class Circuit(models.TextChoices):
    CLOSED = "closed", _("in order")
    OPEN = "open", _("stopped")
    HALF_OPEN = "half_open", _("being tried")


class AccountGate(models.Model):
    """A token bucket and a circuit breaker for (account, API family, region, mode)."""

    account = models.ForeignKey(AwsAccount, on_delete=models.CASCADE, related_name="gates")
    family = models.CharField(max_length=20, default="support")
    region = models.CharField(max_length=30, blank=True)
    mode = models.CharField(max_length=5, choices=Mode.choices)
    rate = models.FloatField(help_text=_("tokens a second"))
    tokens = models.FloatField()
    refilled_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True)
    blocked_because = models.CharField(max_length=20, blank=True)  # throttled, quota, circuit
    throttles = models.PositiveIntegerField(default=0)  # refusals by throttling in a row
    circuit = models.CharField(max_length=9, choices=Circuit.choices, default=Circuit.CLOSED)
    trouble = models.CharField(max_length=12, blank=True)  # connection, access: why the circuit is open
    failures = models.PositiveIntegerField(default=0)  # in a row
    opened = models.PositiveIntegerField(default=0)  # times in a row the circuit opened; sets the pause
    opened_at = models.DateTimeField(null=True)  # since when it is not in order
    dry_runs_off = models.BooleanField(default=False)  # a dry run opened a case here: none is made again
    last_error = models.CharField(max_length=500, blank=True)
    last_error_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("account gate")
        verbose_name_plural = _("account gates")
        constraints = [models.UniqueConstraint(fields=("account", "family", "region", "mode"), name="gate_once")]

    def __str__(self) -> str:
        return f"{self.account}: {self.family} {self.mode}"

    @property
    def api_name(self) -> str:
        """Whose gate it is, in words."""
        if not self.region:
            return gettext("AWS Support")
        if self.family == "customer-profiles":
            return gettext("Customer Profiles in %(region)s") % {"region": self.region}
        if self.family == "connect":
            return gettext("Amazon Connect in %(region)s") % {"region": self.region}
        return gettext("Connect Cases in %(region)s") % {"region": self.region}
