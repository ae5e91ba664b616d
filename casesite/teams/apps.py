from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "casesite.teams"
