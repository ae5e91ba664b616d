"""Loads what every process needs: the Celery app (else a bell would ring Celery's default broker) and the system checks."""

from django.apps import AppConfig


class CasesiteConfig(AppConfig):
    name = "casesite"
    verbose_name = "Casesite"

    def ready(self) -> None:
        from casesite import celery, checks  # noqa: F401
        from casesite.web import health

        health.register("broker", celery.check_broker)
