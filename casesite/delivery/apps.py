from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    name = "casesite.delivery"

    def ready(self) -> None:
        from casesite.lookups import registry
        from casesite.submissions import dry_runs
        from casesite.web import health

        from . import readiness

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
