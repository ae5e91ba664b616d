"""What AWS lets an agent ask for, as immutable snapshots: a form is built from one, and a case points at the one it was built from."""

import re
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from casesite.teams.models import AwsAccount, Team
from casesite.teams.permissions import team_ids
from casesite.web.lru import Lru

from .schema import SupportSnapshot
from .tags import validate_tags
from .template import Template

PERFORMED_BY_LENGTH = 500  # AWS's limit of a custom entity
_NOT_RECORDED = re.compile(r"[^a-zA-Z0-9_\-.@:/ ]")  # nor does it take these characters


def validate_workspace_url(text: str) -> None:
    """A whole web address with a place for the case's id."""
    URLValidator(schemes=["https", "http"])(text.replace("{case_id}", "x"))
    if text.count("{case_id}") != 1:
        raise ValidationError(_("Write {case_id} where the id of the case belongs."))


snapshots: Lru[SupportSnapshot] = Lru(most_bytes=6_000_000, size_of=lambda snapshot: snapshot.size)
templates: Lru[Template] = Lru(most_bytes=8_000_000, size_of=lambda template: template.size)


class SupportCatalogQuerySet(models.QuerySet["SupportCatalog"]):
    def newest_of(self, account: AwsAccount) -> "SupportCatalog | None":
        return self.filter(account=account).newest()

    def newest(self) -> "SupportCatalog | None":
        """The one seen last at AWS; of one account as `account.support_catalogs.newest()`."""
        return self.order_by("-seen_at", "-id").first()


class SupportCatalog(models.Model):
    """The Support services, categories and severities of one account, as AWS told them at one time.

    `content` is {"services": [{"code", "name", "categories": [{"code", "name"}]}], "severities": [{"code", "name"}]}.
    A fetch that finds the same content again only moves `seen_at`; a different one is a new row.
    """

    account = models.ForeignKey(AwsAccount, on_delete=models.PROTECT, related_name="support_catalogs")
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    fetched_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    objects = SupportCatalogQuerySet.as_manager()

    class Meta:
        verbose_name = _("Support catalogue")
        verbose_name_plural = _("Support catalogues")
        constraints = [models.UniqueConstraint(fields=("account", "content_sha256"), name="support_catalog_once")]
        indexes = [models.Index(fields=("account", "-seen_at"), name="support_catalog_newest")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.content_sha256[:8]}"

    def save(self, **options: Any) -> None:  # type: ignore[override]
        """Written once. Only when it was seen last at AWS may change."""
        if not self._state.adding and set(options.get("update_fields") or ["content"]) - {"seen_at"}:
            raise TypeError("a catalogue never changes: another answer of AWS is another row")
        super().save(**options)

    @property
    def snapshot(self) -> SupportSnapshot:
        """The content as frozen values, with the questions a form has. Read once for all accounts that have the same."""
        return snapshots.get(self.content_sha256, lambda: SupportSnapshot.from_content(self.content))


# --- Amazon Connect Cases ----------------------------------------------------------------------------------------------
class CasesDomain(models.Model):
    """A Cases domain: the templates, fields and cases of one Amazon Connect instance."""

    account = models.ForeignKey(AwsAccount, on_delete=models.PROTECT, related_name="cases_domains")
    region = models.CharField(_("region"), max_length=30)
    domain_id = models.CharField(_("domain id"), max_length=500)
    arn = models.CharField(max_length=500)
    name = models.CharField(_("name"), max_length=100)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)  # AWS no longer lists it
    may_tag = models.BooleanField(
        _("put tags on cases"),
        default=True,
        help_text=_(
            "Off where the role may not tag cases: then no tags go out, and the reference by which we recognise a case of ours stands at the end of its title."
        ),
    )
    workspace_url = models.CharField(
        _("address of a case in the agent workspace"),
        max_length=500,
        blank=True,
        validators=[validate_workspace_url],
        help_text=_("A web address in which {case_id} stands for the id of the case. Empty: no link is shown."),
    )
    # What belongs to it, as a fetch found it: AWS names neither in the domain itself.
    found_profiles_domain = models.CharField(max_length=64, blank=True, editable=False)
    found_instance_arn = models.CharField(max_length=250, blank=True, editable=False)
    profiles_domain = models.CharField(
        _("Customer Profiles domain"),
        max_length=64,
        blank=True,
        validators=[RegexValidator(r"^[a-zA-Z0-9_-]+\Z", _("Letters, digits, _ and - only."))],
        help_text=_("Where customers are searched. Empty: the one that is integrated with the Connect instance."),
    )
    instance_arn = models.CharField(
        _("ARN of the Connect instance"),
        max_length=250,
        blank=True,
        validators=[
            RegexValidator(
                r"^arn:aws[a-z-]*:connect:[a-z0-9-]+:[0-9]{12}:instance/[a-zA-Z0-9-]+\Z",
                _("Write it as arn:aws:connect:REGION:ACCOUNT:instance/ID."),
            )
        ],
        help_text=_("Where users are searched. Empty: the instance that is associated with this domain."),
    )
    history = HistoricalRecords(
        excluded_fields=["name", "seen_at", "gone_at", "found_profiles_domain", "found_instance_arn"]
    )

    class Meta:
        ordering = ("name", "region", "id")
        verbose_name = _("Cases domain")
        verbose_name_plural = _("Cases domains")
        constraints = [models.UniqueConstraint(fields=("account", "region", "domain_id"), name="cases_domain_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.region})"

    @property
    def customers_in(self) -> str:
        """The name of the profiles domain that has its customers; "" where nobody knows it."""
        return self.profiles_domain or self.found_profiles_domain

    @property
    def users_in(self) -> str:
        """The id of the Connect instance that has its users; "" where nobody knows it."""
        return (self.instance_arn or self.found_instance_arn).rpartition("/")[2]

    @property
    def partition(self) -> str:
        """AWS's own, of its ARNs: aws, aws-us-gov."""
        return self.arn.split(":")[1] if self.arn.startswith("arn:") else "aws"

    def case_arn(self, case_id: str) -> str:
        return f"{self.arn}/case/{case_id}"

    def link_to(self, case_id: str) -> str:
        """The case in Amazon Connect's workspace, or nothing where nobody said where that is."""
        return self.workspace_url.replace("{case_id}", quote(case_id, safe="")) if self.workspace_url else ""


class ConnectTemplateQuerySet(models.QuerySet["ConnectTemplate"]):
    def visible_to(self, user: Any) -> "ConnectTemplateQuerySet":
        """Templates of the accounts that a person may look at."""
        return self.filter(domain__account__in=AwsAccount.objects.visible_to(user))

    def usable_by(self, user: Any) -> "ConnectTemplateQuerySet":
        """Templates that a person may open cases with: active at AWS, and not switched off for all their teams."""
        theirs = Team.objects.filter(pk__in=team_ids(user), accounts=OuterRef("domain__account"))
        on = theirs.exclude(
            pk__in=ConnectTemplate.off_for.through.objects.filter(connecttemplate=OuterRef(OuterRef("pk"))).values(
                "team"
            )
        )
        return self.filter(Exists(on), self.open_now(), domain__account__active=True)

    @staticmethod
    def open_now() -> models.Q:
        """AWS takes cases by them: active, still there, and read at least once."""
        return models.Q(active=True, deleted_at=None, domain__gone_at=None, newest__isnull=False)


class ConnectTemplate(models.Model):
    """One template of a domain through all its versions, with what leads have settled for it here."""

    domain = models.ForeignKey(CasesDomain, on_delete=models.PROTECT, related_name="templates")
    template_id = models.CharField(_("template id"), max_length=500)
    name = models.CharField(_("name"), max_length=100)
    active = models.BooleanField(_("active at AWS"), default=True)
    deleted_at = models.DateTimeField(null=True, editable=False)  # AWS no longer lists it
    newest = models.ForeignKey(
        "CaseTemplate", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )  # the version that forms are built from
    off_for = models.ManyToManyField(
        Team,
        blank=True,
        related_name="+",
        verbose_name=_("switched off for"),
        help_text=_("Agents of these teams are not offered this template."),
    )
    customer_search = models.BooleanField(
        _("search for customers"), default=True, help_text=_("Off: the customer is given by its full profile ARN.")
    )
    customer_always = models.BooleanField(
        _("customer always required"), default=False, help_text=_("Also where the template itself does not require it.")
    )
    default_tags = models.TextField(
        _("tags"), blank=True, validators=[validate_tags], help_text=_("Put on each new case: key=value, one a line.")
    )
    description_for_agents = models.TextField(
        _("description for agents"), blank=True, max_length=2000, help_text=_("Shown in place of AWS's description.")
    )
    performed_by = models.CharField(
        _("performed by"),
        max_length=200,
        blank=True,
        default="casesite/{username}",
        validators=[
            RegexValidator(
                r"^(?:[a-zA-Z0-9_\-.@:/ ]|\{username\})*(?:[a-zA-Z0-9_\-.@:/]|\{username\})\Z",
                _("Letters, digits, blanks, _ - . @ : / and {username} for the person's sign-in name."),
            )
        ],
        help_text=_("Whom AWS records as the one who acted; {username} is the agent. Empty: only the site's role."),
    )
    history = HistoricalRecords(m2m_fields=["off_for"], excluded_fields=["name", "active", "deleted_at", "newest"])

    objects = ConnectTemplateQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        verbose_name = _("Connect template")
        verbose_name_plural = _("Connect templates")
        constraints = [models.UniqueConstraint(fields=("domain", "template_id"), name="connect_template_once")]

    def __str__(self) -> str:
        return self.name

    def recorded_as(self, username: str) -> str:
        """Whom AWS records as the one who acted. Sign-in names may hold characters that AWS does not take there."""
        taken = _NOT_RECORDED.sub("_", username)
        return self.performed_by.replace("{username}", taken)[:PERFORMED_BY_LENGTH].rstrip()


class CaseTemplate(models.Model):
    """One version of a template with its layout, fields, options and rules, as AWS told them at one time.

    `content` is that of `template.content_of`. The same content fetched again only moves `seen_at`; another one is a new row.
    """

    template = models.ForeignKey(ConnectTemplate, on_delete=models.PROTECT, related_name="versions")
    content = models.JSONField()
    findings = models.JSONField(default=list)  # of lint, as `stored_findings` writes them
    content_sha256 = models.CharField(max_length=64)
    fetched_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ("-fetched_at", "-id")
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")
        constraints = [models.UniqueConstraint(fields=("template", "content_sha256"), name="case_template_once")]

    def __str__(self) -> str:
        return f"{self.template_id}: {self.content_sha256[:8]}"

    def save(self, **options: Any) -> None:  # type: ignore[override]
        """Written once, as a catalogue is. When it was seen, and what lint finds, may change."""
        if not self._state.adding and set(options.get("update_fields") or ["content"]) - {"seen_at", "findings"}:
            raise TypeError("a template version never changes: another answer of AWS is another row")
        super().save(**options)

    @property
    def snapshot(self) -> Template:
        """The content as frozen values, read once in this process."""
        return templates.get(self.content_sha256, lambda: Template.from_content(self.content))


class TemplateCheck(models.Model):
    """A filling of a template that a person tried and saved, with what the rules made of it then.

    It runs again with each new version; where something else comes out, leads are told.
    """

    template = models.ForeignKey(ConnectTemplate, on_delete=models.CASCADE, related_name="checks")
    name = models.CharField(_("name"), max_length=100)
    values = models.JSONField()  # by field id, as `values.parse` gives them
    expected = models.JSONField()  # as `template_checks.result_of` gives it
    found = models.JSONField(default=dict)  # with the newest version
    broken_at = models.DateTimeField(null=True)
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ("name", "id")
        verbose_name = _("template check")
        verbose_name_plural = _("template checks")
        constraints = [models.UniqueConstraint(fields=("template", "name"), name="template_check_once")]

    def __str__(self) -> str:
        return self.name
