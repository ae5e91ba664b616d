from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CasesConfig(AppConfig):
    name = "casesite.cases"

    def ready(self) -> None:
        from . import word_index

        post_migrate.connect(word_index.look_after, sender=self, dispatch_uid="words of cases")
