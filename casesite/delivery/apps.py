from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    name = "casesite.delivery"

    def ready(self) -> None:
        from casesite.lookups import registry
        from casesite.submissions import dry_runs
        from casesite.web import admin_pages, health

        from . import overview, readiness

        for name, check in readiness.CHECKS.items():
            health.register(name, check)
        registry.register(
            dry_runs.KIND,
            "casesite.delivery.dry_runs:answer",
            expires=dry_runs.FRESH,
            title=_("Whether AWS would accept the case"),
            template="submissions/_dry_run.html",
            private=True,
            keep=dry_runs.KEEP,
        )
        admin_pages.register(
            admin_pages.AdminPage(
                name="delivery",
                title=_("Delivery"),
                about=_("processes, lines, gates, lost answers"),
                view="casesite.delivery.views.delivery",
                may=overview.may_see,
            )
        )
