from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class TeamsConfig(AppConfig):
    name = "casesite.teams"
    verbose_name = _("Teams and accounts")

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from casesite.web import topbar as bar

        from . import preferences, topbar

        user_logged_in.connect(preferences.start_session, dispatch_uid="casesite.teams.preferences")
        bar.register_link("review", topbar.review)
        apps.get_app_config("auth").verbose_name = _("People")
