"""What AWS lets an agent ask for, as immutable snapshots: a form is built from one, and a case points at the one it was built from."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from casesite.teams.models import AwsAccount


class SupportCatalogQuerySet(models.QuerySet["SupportCatalog"]):
    def newest_of(self, account: AwsAccount) -> "SupportCatalog | None":
        return self.filter(account=account).order_by("-seen_at", "-id").first()


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
