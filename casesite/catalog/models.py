"""What AWS lets an agent ask for, as immutable snapshots: a form is built from one, and a case points at the one it was built from."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from casesite.teams.models import AwsAccount
from casesite.web.lru import Lru

from .schema import SupportSnapshot

snapshots: Lru[SupportSnapshot] = Lru(most_bytes=6_000_000, size_of=lambda snapshot: snapshot.size)


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
