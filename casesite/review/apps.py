from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReviewConfig(AppConfig):
    name = "casesite.review"

    def ready(self) -> None:
        from casesite.lookups import registry
        from casesite.web import topbar

        from . import adoption, lists

        registry.register(
            adoption.LOOKUP,
            "casesite.lookups.support_case:answer",
            expires=timedelta(minutes=15),
            title=_("What AWS has under this id"),
        )
        registry.register(
            adoption.CONNECT_LOOKUP,
            "casesite.lookups.connect_case:answer",
            expires=timedelta(minutes=15),
            title=_("What Amazon Connect has under this id"),
        )
        topbar.register_link("review", lists.link)
        topbar.register_count("review", lists.count)
