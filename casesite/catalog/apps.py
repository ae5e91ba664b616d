from datetime import timedelta

from django.apps import AppConfig
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "casesite.catalog"

    def ready(self) -> None:
        from casesite.lookups import registry
        from casesite.teams.models import AwsAccount
        from casesite.web.topbar import register_link, register_notice

        from . import people, questions, receivers, topbar

        registry.register(
            questions.CHECK,
            "casesite.catalog.account_check:answer",
            expires=timedelta(days=1),
            title=_("Whether the account can send"),
            template="catalog/_check.html",
        )
        registry.register(
            questions.CATALOG,
            "casesite.catalog.sync:answer_catalog",
            expires=timedelta(days=1),
            title=_("What AWS Support offers"),
            template="catalog/_catalogue.html",
        )
        registry.register(
            questions.TEMPLATES,
            "casesite.catalog.templates_sync:answer_templates",
            expires=timedelta(days=1),
            title=_("Which templates Amazon Connect Cases has"),
            template="catalog/_domains.html",
        )
        registry.register(
            questions.LANGUAGES_OF,
            "casesite.catalog.sync:answer_languages",
            expires=timedelta(days=7),
            title=_("Which languages AWS offers"),
        )
        registry.register(
            questions.OPTIONS_OF,
            "casesite.catalog.sync:answer_options",
            expires=timedelta(days=7),
            title=_("How AWS handles such a case"),
        )
        people.register()
        post_save.connect(receivers.check_changed_account, sender=AwsAccount, dispatch_uid="catalog.check_changed")
        register_link("accounts", topbar.accounts_link)
        register_notice(topbar.troubled_accounts)
